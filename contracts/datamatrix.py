"""Data Matrix, ECC 200: characters in, the symbol's size and data for a printer's ^BX out (ISO/IEC 16022)."""

import re
from dataclasses import dataclass
from typing import Final

from contracts.gs1 import FNC1

SIDES: Final = {
    10: 3, 12: 5, 14: 8, 16: 12, 18: 18, 20: 22, 22: 30, 24: 36, 26: 44, 32: 62, 36: 86, 40: 114, 44: 144,
    48: 174, 52: 204,
}  # fmt: skip
"""Codewords of data that a square symbol of so many modules holds (table 7)."""
ESCAPE: Final = "_"
"""Before a character that ^BX is to take for something else: its seventh parameter."""
_FIRST, _LAST = " ", "~"
_WORD: Final = re.compile(r"[0-9]{2}|.", re.DOTALL)


class DataMatrixError(ValueError):
    """A text that no symbol holds."""


@dataclass(frozen=True, slots=True)
class DataMatrix:
    """A square symbol."""

    side: int
    """In modules: the smallest that holds the text in ASCII encodation, so that any encoder finds room."""
    zpl: str
    """What ^BX must be given as data."""


def encode(text: str) -> DataMatrix:
    r"""Choose a symbol.

    Args:
        text: ASCII from space to tilde, and FNC1 as ``\x1d``; with FNC1 first it is a GS1 DataMatrix.

    Returns:
        The symbol.

    Raises:
        DataMatrixError: If it is empty, too long, or has another character.

    Examples:
        >>> encode("\x1d00376104250021234569")
        DataMatrix(side=16, zpl='_100376104250021234569')
        >>> encode("A_1").zpl
        'A__1'
    """
    wrong = next((each for each in text if each != FNC1 and not _FIRST <= each <= _LAST), None)
    if wrong is not None or not text:
        raise DataMatrixError(
            f"{text!r:.80} cannot be a Data Matrix: expected characters from space to '~'"
            + ("" if wrong is None else f", got {wrong!r}")
        )
    words = len(_WORD.findall(text))
    side = next((side for side, room in SIDES.items() if words <= room), None)
    if side is None:
        raise DataMatrixError(f"{text!r:.40} takes {words} codewords: expected at most {max(SIDES.values())}")
    return DataMatrix(side, text.replace(ESCAPE, ESCAPE * 2).replace(FNC1, f"{ESCAPE}1"))
