"""The one door to reportlab: labels in, PDF out; and the modules of a QR code."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any, Final

from reportlab.graphics.barcode.qrencoder import QR8bitByte, QRCode, QRErrorCorrectLevel
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import getFont, registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from cloud.labels.bars import bars
from cloud.labels.layout import lines_of, readable_of, room_for, start_of
from cloud.labels.zxing_door import matrix_rows
from contracts.labels import LabelError
from contracts.zpl import Barcode, Box, Drawn, Matrix, Qr, Text

_FONT: Final = "Vera"
_OF_HEIGHT: Final = 0.8
"""Size of the font for a printer's height setting, so that capitals are as high."""
_NARROWEST: Final = 0.4
"""A line that would leave its label is set narrower, down to this part of its width."""


def qr_rows(text: str, level: str) -> list[list[bool]]:
    """Encode a QR code in byte mode (ISO/IEC 18004).

    Args:
        text: What it says, as UTF-8.
        level: Error correction: L, M, Q or H.

    Returns:
        Its modules by row, dark ones True; without the quiet zone.

    Raises:
        LabelError: If it is too long.
    """
    code: Any = QRCode(None, getattr(QRErrorCorrectLevel, level))
    code.addData(QR8bitByte(text.encode()))
    try:
        code.make()
    except ValueError as error:
        raise LabelError(f"{text!r:.60} does not fit a QR code: {error}") from error
    count = code.getModuleCount()
    return [[bool(code.isDark(row, column)) for column in range(count)] for row in range(count)]


def pdf(labels: Sequence[tuple[Drawn, int, int]], *, title: str) -> bytes:
    """Write labels, each on a page of its own size, as many as there are copies.

    Args:
        labels: Each with its dots a millimetre, and copies.
        title: Of the document.

    Returns:
        The file.

    Raises:
        LabelError: If a text has characters that the font lacks.
    """
    registerFont(TTFont(_FONT, "Vera.ttf"))
    file = BytesIO()
    canvas = Canvas(file, invariant=1)
    canvas.setTitle(title)
    canvas.setCreator("Dockledger")
    for drawn, dots_per_mm, copies in labels:
        for _ in range(copies):
            _page(canvas, drawn, mm / dots_per_mm)
    canvas.save()
    return file.getvalue()


def _page(canvas: Any, drawn: Drawn, scale: float) -> None:
    canvas.setPageSize((drawn.width * scale, drawn.height * scale))
    canvas.translate(0, drawn.height * scale)
    canvas.scale(scale, -scale)  # as on the label: dots, y grows downwards
    for each in drawn.elements:
        match each:
            case Text():
                _text(canvas, each, drawn.width)
            case Barcode():
                _bars(canvas, each, drawn.width)
            case Matrix():
                _modules(canvas, each, matrix_rows(each.text, each.elements, each.code.side))
            case Qr():
                _modules(canvas, each, qr_rows(each.text, each.level))
            case Box():
                _box(canvas, each)
    canvas.showPage()


def _text(canvas: Any, text: Text, label_width: int) -> None:
    room = room_for(text, label_width)
    for number, line in enumerate(lines_of(text)):
        _line(canvas, line, start_of(text, number), size=text.height, align=text.align, room=room)


def _bars(canvas: Any, code: Barcode, label_width: int) -> None:
    for place, width in bars(code.code):
        _dark(canvas, code.x + place * code.module, code.y, width * code.module, code.height)
    if code.readable:
        _text(canvas, readable_of(code), label_width)


def _modules(canvas: Any, code: Matrix | Qr, rows: list[list[bool]]) -> None:
    for row, modules in enumerate(rows):
        for column, is_dark in enumerate(modules):
            if is_dark:
                left, top = code.x + column * code.module, code.y + row * code.module
                _dark(canvas, left, top, code.module, code.module)


def _box(canvas: Any, box: Box) -> None:
    if min(box.width, box.height) <= 2 * box.thickness:
        _dark(canvas, box.x, box.y, box.width, box.height)
        return
    half = box.thickness / 2
    canvas.setLineWidth(box.thickness)
    wide, high = box.width - box.thickness, box.height - box.thickness
    canvas.rect(box.x + half, box.y + half, wide, high, stroke=1, fill=0)


def _dark(canvas: Any, x: float, y: float, width: float, height: float) -> None:
    canvas.rect(x, y, width, height, stroke=0, fill=1)


def _line(canvas: Any, text: str, place: tuple[int, int], *, size: int, align: str, room: float) -> None:
    font: Any = getFont(_FONT)
    lacking = next((each for each in text if ord(each) not in font.face.charToGlyph), None)
    if lacking is not None:
        raise LabelError(
            f"{text!r:.60}: the PDF's font has no {lacking!r}, expected Latin letters; printers have more"
        )
    size_dots = size * _OF_HEIGHT
    natural = stringWidth(text, _FONT, size_dots)
    squeeze = max(_NARROWEST, min(1.0, room / natural)) if natural else 1.0
    shift = {"L": 0.0, "C": natural * squeeze / 2, "R": natural * squeeze}[align]
    x, y = place
    canvas.saveState()
    canvas.translate(x - shift, y)
    canvas.scale(squeeze, -1)
    canvas.setFont(_FONT, size_dots)
    canvas.drawString(0, 0, text)
    canvas.restoreState()
