"""Label templates in ZPL II: template and values in, what the printer gets and what it draws out.

A template uses a part of ZPL that we can draw too, so that a preview shows what will be printed and no
template changes a printer's settings for good. Each field is ``^FO…``, its kind, ``^FD…^FS``; a placeholder
stands in braces within ``^FD``. Values are sent with ``^FH``: none, however hostile, can be a command.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from contracts.labels import MOST_COPIES, LabelError, LabelTemplate, bars_of, checked, sample, texts_of
from contracts.zpl_fields import COMMANDS, LARGEST_DOTS, Barcode, Box, Element, Matrix, Pen, Qr, Text

__all__ = ["Barcode", "Box", "Drawn", "Element", "Matrix", "Qr", "Text", "draw", "require_valid"]

_COMMAND: Final = re.compile(r"([\^~])([A-Z][A-Z0-9@])([^\^~]*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One label: what the printer gets, and what it draws."""

    zpl: str
    width: int
    """In dots."""
    height: int
    elements: tuple[Element, ...]


def draw(template: LabelTemplate, values: Mapping[str, str], *, copies: int = 1) -> Drawn:
    """Fill a template.

    Args:
        template: How the label looks.
        values: By field of its kind.
        copies: How many labels; 1 to ``MOST_COPIES``.

    Returns:
        The label.

    Raises:
        LabelError: If the template or a value is not as it must be.
    """
    if not 1 <= copies <= MOST_COPIES:
        raise LabelError(f"{copies} copies: expected 1 to {MOST_COPIES}")
    given = checked(template.kind, values)
    pen = Pen(template.kind, texts_of(template.kind, given), bars_of(template.kind, given))
    for name, words in _commands(template):
        try:
            COMMANDS[name](pen, words)
        except ValueError as error:
            raise LabelError(f"template {template.name!r}, ^{name}{words[:40]}: {error}") from error
    if not (0 < pen.width <= LARGEST_DOTS and 0 < pen.height <= LARGEST_DOTS):
        raise LabelError(f"template {template.name!r}: expected ^PW and ^LL with the label's size in dots")
    for each in pen.drawn:
        if isinstance(each, Barcode) and each.x + each.width > pen.width:
            raise LabelError(
                f"template {template.name!r}: the bars of {each.readable or 'a field'} end at dot "
                f"{each.x + each.width}, the label at {pen.width}: shorten a value, or use thinner bars, ^BY"
            )
        if isinstance(each, Matrix) and (each.x + each.size > pen.width or each.y + each.size > pen.height):
            raise LabelError(
                f"template {template.name!r}: the Data Matrix at {each.x},{each.y} of {each.size} dots "
                "leaves the label: shorten a value, or make its modules smaller, ^BX"
            )
    if copies > 1:
        pen.out.insert(-1, f"^PQ{copies}")
    return Drawn("".join(pen.out), pen.width, pen.height, tuple(pen.drawn))


def require_valid(template: LabelTemplate) -> Drawn:
    """Hold a template against what it may use.

    Args:
        template: Any.

    Returns:
        The label with examples in every field.

    Raises:
        LabelError: If it uses another command or placeholder, has no bar code, or draws beyond its edges.
    """
    drawn = draw(template, sample(template.kind))
    if not any(isinstance(each, Barcode | Matrix | Qr) for each in drawn.elements):
        raise LabelError(
            f"template {template.name!r} has no bar code: expected {{bars}} in a field of ^BC or ^BX"
        )
    for each in drawn.elements:
        if each.x >= drawn.width or each.y >= drawn.height:
            raise LabelError(
                f"template {template.name!r}: a field at {each.x},{each.y} lies beyond the label of "
                f"{drawn.width} x {drawn.height} dots"
            )
    return drawn


def _commands(template: LabelTemplate) -> Iterator[tuple[str, str]]:
    text = template.zpl.strip()
    if not (text.startswith("^XA") and text.endswith("^XZ")):
        raise LabelError(f"template {template.name!r}: expected ^XA first and ^XZ last")
    end = 0
    for match in _COMMAND.finditer(text):
        if match.start() != end:
            raise LabelError(f"template {template.name!r}: {text[end : match.start()]!r:.40} is no command")
        end = match.end()
        lead, name, words = match.groups()
        if lead == "~" or name not in COMMANDS:
            allowed = " ".join(f"^{each}" for each in sorted(COMMANDS))
            raise LabelError(
                f"template {template.name!r}: {lead}{name} is not allowed, expected one of {allowed}"
            )
        if name in {"XA", "XZ"} and match.start() != 0 and match.end() != len(text):
            raise LabelError(f"template {template.name!r}: expected one label, got a second ^{name}")
        yield name, words.strip("\r\n") if name == "FD" else words.strip()
    if end != len(text):
        raise LabelError(f"template {template.name!r}: {text[end:]!r:.40} is no command")
