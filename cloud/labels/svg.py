"""A label as picture: what a printer would draw in, SVG out; nothing in it runs or is fetched."""

from collections.abc import Iterator
from html import escape
from typing import Final

from cloud.labels.bars import bars
from cloud.labels.layout import lines_of, readable_of, room_for, start_of
from cloud.labels.reportlab_door import qr_rows
from cloud.labels.zxing_door import matrix_rows
from contracts.zpl import Barcode, Box, Drawn, Element, Matrix, Qr, Text

_WIDEST: Final = 0.62
"""Of a character in a browser's font, by its size; a line that may be too wide is squeezed."""


def svg(drawn: Drawn, *, title: str) -> str:
    """Draw a label.

    Args:
        drawn: The label.
        title: What it is, for those who do not see it.

    Returns:
        An ``svg`` element; its size is the page's to say.
    """
    inner = "".join(part for each in drawn.elements for part in _element(each, drawn.width))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="label" role="img" aria-label="{escape(title)}" '
        f'viewBox="0 0 {drawn.width} {drawn.height}">'
        f'<rect class="paper" width="{drawn.width}" height="{drawn.height}"/>{inner}</svg>'
    )


def _element(element: Element, label_width: int) -> Iterator[str]:
    match element:
        case Text():
            yield from _text(element, label_width)
        case Barcode():
            yield from _bars(element, label_width)
        case Matrix():
            yield from _modules(element, matrix_rows(element.text, element.elements, element.code.side))
        case Qr():
            yield from _modules(element, qr_rows(element.text, element.level))
        case Box():
            yield from _box(element)


def _text(text: Text, label_width: int) -> Iterator[str]:
    anchors = {"L": "start", "C": "middle", "R": "end"}
    room = room_for(text, label_width)
    for number, line in enumerate(lines_of(text)):
        x, y = start_of(text, number)
        squeezed = f' textLength="{room}" lengthAdjust="spacingAndGlyphs"'
        is_wide = len(line) * text.height * _WIDEST > room
        yield (
            f'<text class="ink" x="{x}" y="{y}" font-size="{text.height}" '
            f'text-anchor="{anchors[text.align]}"{squeezed if is_wide else ""}>{escape(line)}</text>'
        )


def _bars(code: Barcode, label_width: int) -> Iterator[str]:
    for place, width in bars(code.code):
        yield (
            f'<rect class="ink" x="{code.x + place * code.module}" y="{code.y}" '
            f'width="{width * code.module}" height="{code.height}"/>'
        )
    if code.readable:
        yield from _text(readable_of(code), label_width)


def _modules(code: Matrix | Qr, rows: list[list[bool]]) -> Iterator[str]:
    for row, modules in enumerate(rows):
        for column, is_dark in enumerate(modules):
            if is_dark:
                yield (
                    f'<rect class="ink" x="{code.x + column * code.module}" y="{code.y + row * code.module}" '
                    f'width="{code.module}" height="{code.module}"/>'
                )


def _box(box: Box) -> Iterator[str]:
    if min(box.width, box.height) <= 2 * box.thickness:
        yield f'<rect class="ink" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}"/>'
        return
    half = box.thickness / 2
    yield (
        f'<rect class="frame" x="{box.x + half}" y="{box.y + half}" width="{box.width - box.thickness}" '
        f'height="{box.height - box.thickness}" stroke-width="{box.thickness}"/>'
    )
