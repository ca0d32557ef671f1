"""Where lines of text stand on a label, as a printer would set them, nearly; pure."""

from typing import Final

from contracts.zpl import Barcode, Text

_AVERAGE_WIDTH: Final = 0.52
"""Of a character of the printer's scalable font, by its width setting: printers' fonts differ a little."""
_BASELINE: Final = 0.78
"""Of a line's height, above its baseline."""
_READABLE_DOTS: Final = 24
_SMALLEST_DOTS: Final = 12


def lines_of(text: Text) -> list[str]:
    """Break a text within its block; what does not fit stands on the last line, as printers overprint it.

    Args:
        text: On the label.

    Returns:
        Its lines, at least one.
    """
    if not text.block:
        return [text.text]
    room = max(1, int(text.block / (text.width * _AVERAGE_WIDTH)))
    lines: list[str] = []
    for word in text.text.split(" "):
        if lines and (len(lines[-1]) + 1 + len(word) <= room or len(lines) >= text.lines):
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines.append(word)
    return lines or [""]


def start_of(text: Text, line: int) -> tuple[int, int]:
    """Tell where a line's baseline begins, ends or has its middle, by how it is aligned.

    Args:
        text: On the label.
        line: From 0.

    Returns:
        In dots.
    """
    shift = {"L": 0, "C": text.block // 2, "R": text.block}[text.align]
    return text.x + shift, text.y + line * text.height + int(text.height * _BASELINE)


def room_for(text: Text, label_width: int) -> int:
    """Tell how wide a line may be, in dots."""
    return text.block or label_width - text.x


def readable_of(code: Barcode) -> Text:
    """Give what stands below bars, in their middle and hardly wider than they.

    Args:
        code: The bars.

    Returns:
        A line.
    """
    fits = int(code.width / (len(code.readable) * _AVERAGE_WIDTH)) if code.readable else 0
    size = max(_SMALLEST_DOTS, min(_READABLE_DOTS, fits))
    return Text(code.x, code.y + code.height + 4, size, size, code.readable, code.width, 1, "C")
