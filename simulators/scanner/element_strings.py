"""GS1 identifiers and element strings, written from the General Specifications; nothing is read back here."""

from typing import Final

GS: Final = "\x1d"
_FIXED_LENGTH: Final = frozenset({*(f"{ai:02d}" for ai in (*range(5), *range(11, 21), *range(31, 37), 41))})
"""First two digits of the application identifiers whose length is predefined (figure 7.8.5-2)."""


def check_digit(payload: str) -> str:
    """Compute the check digit of a GTIN, SSCC or GLN (section 7.9.1).

    Args:
        payload: All digits before it.

    Returns:
        One digit.

    Examples:
        >>> check_digit("703206980498")
        '8'
    """
    weighted = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(reversed(payload)))
    return str(-weighted % 10)


def element_string(*elements: tuple[str, str]) -> str:
    r"""Concatenate element strings as a GS1-128 or GS1 DataMatrix symbol carries them.

    Args:
        *elements: Application identifier and value of each.

    Returns:
        The characters a scanner sends after the AIM identifier; GS ends each variable-length element but
        the last.

    Examples:
        >>> element_string(("10", "A1"), ("21", "7"))
        '10A1\x1d217'
    """
    *others, last = elements
    ended = (ai + value + ("" if ai[:2] in _FIXED_LENGTH else GS) for ai, value in others)
    return "".join(ended) + "".join(last)
