"""What a command of a label template does: it remembers, writes on, or draws (ZPL II Programming Guide)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from contracts.code128 import Code128, encode
from contracts.datamatrix import ESCAPE, DataMatrix
from contracts.datamatrix import encode as encode_matrix
from contracts.labels import BARS, FIELDS, LINKS, Bars, LabelError, LabelKind

LARGEST_DOTS: Final = 32_000
_PLACEHOLDER: Final = re.compile(r"\{([a-z_]*)\}")
_ESCAPED: Final = re.compile(rb"[^ -~]|[\^~_\\]")
"""A backslash too: within a ^FB block it begins a sequence of the printer's own."""
_ESCAPED_FOR_MATRIX: Final = re.compile(r"[\^~\\]")
"""There the underscore is ^BX's own."""
_QR_HEAD: Final = re.compile(r"([HQML])A,")
_DIGITS: Final = 10


@dataclass(frozen=True, slots=True)
class Text:
    """Characters in the printer's scalable font."""

    x: int
    y: int
    height: int
    width: int
    """Of a character, in dots, as ^A0 has it."""
    text: str
    block: int = 0
    """Width to wrap within; 0: one line."""
    lines: int = 1
    align: str = "L"


@dataclass(frozen=True, slots=True)
class Barcode:
    """A Code 128 with its text below, perhaps."""

    x: int
    y: int
    module: int
    height: int
    code: Code128
    readable: str
    """Empty: none is printed."""

    @property
    def width(self) -> int:
        """In dots; eleven modules for each codeword, two more for the stop character."""
        return (11 * len(self.code.codewords) + 2) * self.module


@dataclass(frozen=True, slots=True)
class Qr:
    """A QR code."""

    x: int
    y: int
    module: int
    text: str
    level: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """A Data Matrix."""

    x: int
    y: int
    module: int
    code: DataMatrix
    text: str
    """With FNC1 as ``\\x1d``."""
    elements: tuple[tuple[str, str], ...]
    """Of a GS1 DataMatrix; none: it is a plain one."""

    @property
    def size(self) -> int:
        """Height and width in dots."""
        return self.code.side * self.module


@dataclass(frozen=True, slots=True)
class Box:
    """A line or frame."""

    x: int
    y: int
    width: int
    height: int
    thickness: int


Element = Text | Barcode | Matrix | Qr | Box


@dataclass(slots=True)
class Pen:
    """What holds for the field being read, and what was written and drawn so far."""

    kind: LabelKind
    texts: Mapping[str, str]
    bars: Mapping[str, Bars]
    width: int = 0
    height: int = 0
    home: tuple[int, int] = (0, 0)
    module: int = 2
    bar_height: int = 10
    font: tuple[int, int] = (20, 20)
    place: tuple[int, int] | None = None
    own_font: tuple[int, int] | None = None
    block: tuple[int, int, str] = (0, 1, "L")
    symbol: tuple[str, int, bool] | None = None
    is_written: bool = False
    out: list[str] = field(default_factory=list)
    drawn: list[Element] = field(default_factory=list)

    def begin(self) -> None:
        """Forget what held for the field before."""
        self.place, self.own_font, self.block, self.symbol = None, None, (0, 1, "L"), None
        self.is_written = False


def _silent(_pen: Pen, _words: str) -> None:
    """Leave out a comment, the code page that is always UTF-8, and copies, which an order says."""


def _begin(pen: Pen, _words: str) -> None:
    pen.out.append("^XA^CI28")


def _end(pen: Pen, _words: str) -> None:
    pen.out.append("^XZ")


def _pass_on(name: str) -> "_Command":
    return lambda pen, words: pen.out.append(f"^{name}{words}")


def _set_width(pen: Pen, words: str) -> None:
    pen.width = _number(words)
    pen.out.append(f"^PW{pen.width}")


def _set_height(pen: Pen, words: str) -> None:
    pen.height = _number(words)
    pen.out.append(f"^LL{pen.height}")


def _set_home(pen: Pen, words: str) -> None:
    pen.home = _pair(words)
    pen.out.append("^LH{},{}".format(*pen.home))


def _set_font(pen: Pen, words: str) -> None:
    pen.font = _font(words.removeprefix("0").lstrip(","), pen.font)
    pen.out.append("^CF0,{},{}".format(*pen.font))


def _set_bars(pen: Pen, words: str) -> None:
    module, _, height = [*words.split(","), "", ""][:3]
    pen.module = _number(module) if module else pen.module
    pen.bar_height = _number(height) if height else pen.bar_height
    pen.out.append(f"^BY{pen.module},3,{pen.bar_height}")


def _go_to(pen: Pen, words: str) -> None:
    x, y = _pair(words)
    pen.begin()
    pen.place = (x + pen.home[0], y + pen.home[1])
    pen.out.append(f"^FO{x},{y}")


def _choose_font(pen: Pen, words: str) -> None:
    pen.own_font = _font(_upright(words), pen.font)
    pen.out.append("^A0N,{},{}".format(*pen.own_font))


def _choose_block(pen: Pen, words: str) -> None:
    width, lines, spacing, align = [*words.split(","), "", "", ""][:4]
    if align not in {"", "L", "C", "R"}:
        raise LabelError(f"{align!r}: expected L, C or R")
    pen.block = (_number(width), _number(lines or "1"), align or "L")
    pen.out.append("^FB{},{},{},{}".format(*pen.block[:2], _number(spacing or "0"), pen.block[2]))


def _choose_bars(pen: Pen, words: str) -> None:
    height, told = [*_upright(words).split(","), ""][:2]
    pen.symbol = ("BC", _number(height) if height else pen.bar_height, told != "N")
    pen.out.append(f"^BCN,{pen.symbol[1]},{'Y' if pen.symbol[2] else 'N'},N,N,N")


def _choose_qr(pen: Pen, words: str) -> None:
    pen.symbol = ("BQ", _number([*words.split(","), "", ""][2] or "3"), False)
    pen.out.append(f"^BQN,2,{pen.symbol[1]}")


def _choose_matrix(pen: Pen, words: str) -> None:
    """Remember the module's size; how many there are depends on the data, and is chosen here."""
    module, quality, columns = [*_upright(words).split(","), "", "", ""][:3]
    if quality != "200" or columns:
        raise LabelError("expected ^BXN, the size of a module in dots, and 200: how many follows the data")
    pen.symbol = ("BX", _number(module or "4"), False)


def _draw_box(pen: Pen, words: str) -> None:
    wide, high, thick = [*words.split(","), "", ""][:3]
    thickness = _number(thick or "1")
    width, height = (max(_number(each or "0"), thickness) for each in (wide, high))
    pen.drawn.append(Box(*_placed(pen), width, height, thickness))
    pen.out.append(f"^GB{width},{height},{thickness}")


def _end_field(pen: Pen, _words: str) -> None:
    pen.begin()
    pen.out.append("^FS")


def _write(pen: Pen, words: str) -> None:
    """Fill a field's data in, escape it and draw it."""
    _placed(pen)
    if pen.is_written:
        raise LabelError("expected one ^FD in a field, then ^FS")
    pen.is_written = True
    names = _PLACEHOLDER.findall(words)
    unknown = [each for each in names if each not in pen.texts and each not in pen.bars]
    if unknown or words.count("{") != len(names) or words.count("}") != len(names):
        known = sorted({*FIELDS[pen.kind], *BARS[pen.kind], *LINKS.get(pen.kind, ())})
        told = ", ".join("{" + each + "}" for each in known)
        raise LabelError(f"{words!r:.60}: expected placeholders {told}")
    symbol = "" if pen.symbol is None else pen.symbol[0]
    if symbol not in {"BC", "BX"} and any(name in pen.bars for name in names):
        raise LabelError(f"{words!r:.60}: expected it in a field of ^BC or ^BX")
    writing = {"BC": _write_bars, "BX": _write_matrix, "BQ": _write_qr, "": _write_text}
    writing[symbol](pen, words, names)


def _said(pen: Pen, words: str, names: Sequence[str]) -> Bars:
    if not any(name in pen.bars for name in names):
        text = _filled(pen, words)
        return Bars(text, text)
    if words != f"{{{names[0]}}}":
        raise LabelError(f"{words!r:.60}: expected the bars' placeholder alone")
    return pen.bars[names[0]]


def _write_matrix(pen: Pen, words: str, names: Sequence[str]) -> None:
    said = _said(pen, words, names)
    _, module, _ = pen.symbol or ("", 0, False)
    if not said.text:
        pen.out.append("^FD")
        return
    code = encode_matrix(said.text)
    pen.drawn.append(Matrix(*_placed(pen), module, code, said.text, said.elements))
    pen.out.append(f"^BXN,{module},200,{code.side},{code.side},,{ESCAPE}")
    pen.out.append("^FH\\^FD" + _ESCAPED_FOR_MATRIX.sub(lambda match: f"\\{ord(match[0]):02X}", code.zpl))


def _write_bars(pen: Pen, words: str, names: Sequence[str]) -> None:
    bars = _said(pen, words, names)
    if not bars.text:
        pen.out.append("^FD")
        return
    _, height, is_told = pen.symbol or ("", 0, False)
    code = encode(bars.text)
    pen.drawn.append(Barcode(*_placed(pen), pen.module, height, code, bars.readable if is_told else ""))
    pen.out.append(_data(code.zpl))


def _write_qr(pen: Pen, words: str, _names: Sequence[str]) -> None:
    head = _QR_HEAD.match(words)
    if head is None:
        raise LabelError(f"{words!r:.60}: expected QA, before the text (error correction H, Q, M or L)")
    text = _filled(pen, words).removeprefix(head[0])
    if not text:
        pen.out.append("^FD")
        return
    _, module, _ = pen.symbol or ("", 0, False)
    pen.drawn.append(Qr(*_placed(pen), module, text, head[1]))
    pen.out.append(_data(head[0] + text))


def _write_text(pen: Pen, words: str, names: Sequence[str]) -> None:
    is_of_nothing = bool(names) and not any(pen.texts[each] for each in names)
    text = "" if is_of_nothing else _filled(pen, words)
    if text:
        (x, y), (height, width), (block, lines, align) = _placed(pen), pen.own_font or pen.font, pen.block
        pen.drawn.append(Text(x, y, height, width, text, block, lines, align))
    pen.out.append(_data(text))


def _filled(pen: Pen, words: str) -> str:
    return _PLACEHOLDER.sub(lambda match: pen.texts[match[1]], words)


def _data(text: str) -> str:
    return "^FH_^FD" + _ESCAPED.sub(lambda match: b"_%02X" % match[0][0], text.encode()).decode()


def _placed(pen: Pen) -> tuple[int, int]:
    if pen.place is None:
        raise LabelError("expected ^FO before it")
    return pen.place


def _upright(words: str) -> str:
    if words[:1] not in {"N", ",", ""}:
        raise LabelError("only upright fields can be drawn: expected N")
    return words.removeprefix("N").removeprefix(",")


def _font(words: str, before: tuple[int, int]) -> tuple[int, int]:
    height, width = [*words.split(","), ""][:2]
    tall = _number(height) if height else before[0]
    return tall, _number(width) if width else tall


def _pair(words: str) -> tuple[int, int]:
    x, comma, y = words.partition(",")
    if not comma:
        raise LabelError(f"{words!r:.40}: expected two whole numbers")
    return _number(x or "0"), _number(y.partition(",")[0] or "0")


def _number(words: str) -> int:
    if not (words.isascii() and words.isdigit() and int(words[:9]) <= LARGEST_DOTS and len(words) < _DIGITS):
        raise LabelError(f"{words!r:.40}: expected a whole number up to {LARGEST_DOTS}")
    return int(words)


_Command = Callable[[Pen, str], None]
COMMANDS: Final[Mapping[str, _Command]] = {
    "XA": _begin,
    "XZ": _end,
    "FX": _silent,
    "CI": _silent,
    "PQ": _silent,
    "PW": _set_width,
    "LL": _set_height,
    "LH": _set_home,
    "CF": _set_font,
    "BY": _set_bars,
    "FO": _go_to,
    "A0": _choose_font,
    "FB": _choose_block,
    "BC": _choose_bars,
    "BQ": _choose_qr,
    "BX": _choose_matrix,
    "GB": _draw_box,
    "FD": _write,
    "FS": _end_field,
    **{name: _pass_on(name) for name in ("PR", "MD", "MM", "LT", "LS")},
}
"""What a template may use; the last ones are for the printer only."""
