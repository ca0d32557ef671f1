"""GS1 keys and element strings as labels bear them: parts in, digits or FNC1-separated text out."""

from collections.abc import Iterable
from typing import Final

FNC1: Final = "\x1d"
"""Stands for FNC1: opens a GS1 bar code, and ends a value whose length its identifier does not fix."""

LONGEST_ELEMENT_STRING: Final = 48
"""Of one GS1-128 symbol, FNC1 not counted (GS1 General Specifications 5.4.4)."""

_SSCC_DIGITS: Final = 17
"""Of an SSCC without its check digit."""
_FIXED: Final = frozenset(
    {"00", "01", "02", "03", "04", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20"}
    | {f"3{digit}" for digit in range(1, 7)}
    | {"41"}
)
"""First two digits of identifiers whose length is fixed (GS1 General Specifications, figure 7.8.5-2)."""


class Gs1Error(ValueError):
    """A value that no GS1 key or element string can hold; the message names value and expectation."""


def check_digit(digits: str) -> str:
    """Compute a GS1 check digit (GS1 General Specifications 7.9.1).

    Args:
        digits: The key without it.

    Returns:
        One digit.

    Examples:
        >>> check_digit("37610425002123456")
        '9'
    """
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def room_of(company_prefix: str) -> int:
    """Tell how many digits an SSCC's serial reference has.

    Args:
        company_prefix: 4 to 12 digits.

    Returns:
        The number of digits, 4 to 12.
    """
    return _SSCC_DIGITS - 1 - len(company_prefix)


def sscc_of(extension_digit: int, company_prefix: str, serial: int) -> str:
    """Form an SSCC (GS1 General Specifications 2.2.1).

    Args:
        extension_digit: 0 to 9.
        company_prefix: 4 to 12 digits.
        serial: The serial reference; its digits fill the rest.

    Returns:
        18 digits, the check digit last.

    Raises:
        Gs1Error: If the serial reference has more digits than are left.

    Examples:
        >>> sscc_of(3, "9521141", 123456789)
        '395211411234567893'
    """
    room = room_of(company_prefix)
    digits = f"{extension_digit}{company_prefix}{serial:0{room}d}"
    if len(digits) != _SSCC_DIGITS or serial < 0:
        raise Gs1Error(
            f"serial reference {serial} of company prefix {company_prefix}: expected at most {room} digits; "
            "set the series on with another extension digit"
        )
    return digits + check_digit(digits)


def element_string(elements: Iterable[tuple[str, str]]) -> str:
    r"""Write elements as one GS1 symbol holds them.

    Args:
        elements: Application identifier and value, in the order in which they shall stand.

    Returns:
        FNC1, then the elements; FNC1 after each value of no fixed length but the last.

    Raises:
        Gs1Error: If they are too long for one symbol, or there are none.

    Examples:
        >>> element_string([("02", "09521141123454"), ("37", "60"), ("10", "AB12")])
        '\x1d02095211411234543760\x1d10AB12'
    """
    parts = list(elements)
    text = "".join(
        f"{ai}{value}{'' if ai[:2] in _FIXED or place == len(parts) - 1 else FNC1}"
        for place, (ai, value) in enumerate(parts)
    )
    if not text:
        raise Gs1Error("a GS1 bar code of nothing: expected at least one element")
    if len(text) > LONGEST_ELEMENT_STRING:
        raise Gs1Error(
            f"{readable(parts)} takes {len(text)} characters: expected at most {LONGEST_ELEMENT_STRING} "
            "in one GS1-128; shorten a value, or leave one out"
        )
    return FNC1 + text


def readable(elements: Iterable[tuple[str, str]]) -> str:
    """Write elements for people, identifiers in brackets.

    Args:
        elements: As above.

    Returns:
        The text below the bars.

    Examples:
        >>> readable([("00", "376104250021234569")])
        '(00)376104250021234569'
    """
    return "".join(f"({ai}){value}" for ai, value in elements)
