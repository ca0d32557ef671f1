"""Code 128: characters in, codewords out, and the same spelt for a printer's ^BC (ISO/IEC 15417)."""

import re
from dataclasses import dataclass
from typing import Final

from contracts.gs1 import FNC1

START_B: Final = 104
START_C: Final = 105
STOP: Final = 106
_TO_C: Final = 99
_TO_B: Final = 100
_FNC1: Final = 102
_MODULUS: Final = 103
_FIRST, _LAST = " ", "~"
_LEAST_DIGITS: Final = 4
"""In a row, for a change to subset C to be shorter than two digits in B."""
_SPELT: Final = {">": ">0", "^": "><", "~": ">="}
_RUN: Final = re.compile(r"[0-9]+")


class Code128Error(ValueError):
    """A text that the bars cannot hold."""


@dataclass(frozen=True, slots=True)
class Code128:
    """A bar code."""

    codewords: tuple[int, ...]
    """From the start character to the stop character, the check character before that."""
    zpl: str
    """What ^BC must be given in mode N, subsets chosen by us, so that any firmware prints the same bars."""


def encode(text: str) -> Code128:
    r"""Choose subsets as ISO/IEC 15417 annex E advises for data without control characters.

    Args:
        text: ASCII from space to tilde, and FNC1 as ``\x1d``.

    Returns:
        The bar code.

    Raises:
        Code128Error: If it is empty or has another character.

    Examples:
        >>> encode("\x1d00376104250021234569").zpl
        '>;>800376104250021234569'
        >>> encode("A-01").codewords
        (104, 33, 13, 16, 17, 73, 106)
    """
    wrong = next((each for each in text if each != FNC1 and not _FIRST <= each <= _LAST), None)
    if wrong is not None or not text:
        raise Code128Error(
            f"{text!r:.80} cannot be a Code 128: expected characters from space to '~'"
            + ("" if wrong is None else f", got {wrong!r}")
        )
    words: list[int] = []
    spelt: list[str] = []
    is_c = _opens_with_pairs(text)
    words.append(START_C if is_c else START_B)
    spelt.append(">;" if is_c else ">:")
    place = 0
    while place < len(text):
        run = _RUN.match(text, place)
        digits = 0 if run is None else len(run[0])
        if text[place] == FNC1:
            words.append(_FNC1)
            spelt.append(">8")
            place += 1
        elif is_c and digits > 1:
            words.append(int(text[place : place + 2]))
            spelt.append(text[place : place + 2])
            place += 2
        elif is_c:
            words.append(_TO_B)
            spelt.append(">6")
            is_c = False
        elif digits >= _LEAST_DIGITS and digits % 2 == 0:
            words.append(_TO_C)
            spelt.append(">5")
            is_c = True
        else:
            words.append(ord(text[place]) - ord(_FIRST))
            spelt.append(_SPELT.get(text[place], text[place]))
            place += 1
    check = (words[0] + sum(place * word for place, word in enumerate(words))) % _MODULUS
    return Code128((*words, check, STOP), "".join(spelt))


def _opens_with_pairs(text: str) -> bool:
    run = _RUN.match(text.removeprefix(FNC1))
    digits = 0 if run is None else len(run[0])
    return digits >= _LEAST_DIGITS or digits == len(text.removeprefix(FNC1)) == 2  # noqa: PLR2004  one pair
