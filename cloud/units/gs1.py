"""GS1 keys as people and scanners write them in, application identifiers with their values out; pure."""

import re
from typing import Final
from urllib.parse import unquote, urlsplit

_SEPARATOR: Final = "\x1d"
_FIXED: Final = {
    **dict.fromkeys(("01", "02", "03"), 14),
    "00": 18,
    "04": 16,
    **dict.fromkeys((str(number) for number in range(11, 20)), 6),
    "20": 2,
    **dict.fromkeys((str(number) for number in range(31, 37)), 8),
    "41": 14,
}
"""Characters that follow these digits without a separator (GS1 General Specifications, figure 7.8.5-2)."""
_LENGTH: Final = {
    "23": 3,
    "24": 3,
    "25": 3,
    "31": 4,
    "32": 4,
    "33": 4,
    "34": 4,
    "35": 4,
    "36": 4,
    "39": 4,
    "7": 4,
    "8": 4,
}
"""Digits of an application identifier by how it begins; those of four hundred have three, all others two."""
_BRACKETED: Final = re.compile(r"\(([0-9]{2,4})\)([^(]+)")
_AIM: Final = re.compile(r"^\][A-Za-z][0-9A-Za-z]")
_ESCAPED: Final = re.compile(r"[\"#%&/<>?]")
_MOST_CHARACTERS: Final = 90


class NamingError(ValueError):
    """A text that names nothing; the message holds value and expectation."""


def check_digit(digits: str) -> str:
    """Compute the last digit of a GS1 key.

    Args:
        digits: All other digits.

    Returns:
        One digit.

    Examples:
        >>> check_digit("8061414112345")
        '8'
    """
    return str(-sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(reversed(digits))) % 10)


def checked(digits: str, length: int, what: str) -> str:
    """Check a GS1 key.

    Args:
        digits: The whole key.
        length: Digits that it must have.
        what: Its name, for messages.

    Returns:
        The same digits.

    Raises:
        NamingError: If it has another length, or its last digit does not fit the others.
    """
    if len(digits) != length or not (digits.isascii() and digits.isdecimal()):
        raise NamingError(f"{what} {digits!r}: expected {length} digits")
    if (expected := check_digit(digits[:-1])) != digits[-1]:
        raise NamingError(f"{what} {digits!r}: expected {expected} as its last digit")
    return digits


def escaped(serial: str) -> str:
    """Write a serial as it stands in an EPC's URI (TDS 2.3, table A-1).

    Args:
        serial: Characters of GS1's set 82.

    Returns:
        The same, some of them as %XX.
    """
    return _ESCAPED.sub(lambda match: f"%{ord(match[0]):02X}", serial)


def element_string(text: str) -> dict[str, str]:
    r"""Take an element string apart, with brackets or as a scanner sends it.

    Args:
        text: ``(01)…(21)…``, or digits with separators, perhaps after an AIM identifier.

    Returns:
        Values by application identifier.

    Raises:
        NamingError: If it cannot be read, or says two things of one identifier.

    Examples:
        >>> element_string("(01)80614141123458(21)6789")
        {'01': '80614141123458', '21': '6789'}
        >>> element_string("]C1018061414112345810AB\x1d216789")
        {'01': '80614141123458', '10': 'AB', '21': '6789'}
    """
    if text.startswith("("):
        pairs = _BRACKETED.findall(text)
        if "".join(f"({name}){value}" for name, value in pairs) != text:
            raise NamingError(f"{text!r:.60}: expected (01)… with the identifiers in brackets")
    else:
        pairs = list(_elements(_AIM.sub("", text)))
    found: dict[str, str] = {}
    for name, value in pairs:
        if found.setdefault(name, value) != value:
            raise NamingError(f"({name}) says both {found[name]!r} and {value!r}")
    return found


def _elements(text: str) -> "list[tuple[str, str]]":
    rest, pairs = text.strip(_SEPARATOR), []
    while rest:
        start = rest[:2]
        digits = _LENGTH.get(start) or _LENGTH.get(start[:1]) or (3 if start[:1] == "4" else 2)
        length = _FIXED.get(start)
        end = rest.find(_SEPARATOR) if length is None else 2 + length
        end = len(rest) if end < 0 else end
        name, value = rest[:digits], rest[digits:end]
        if (
            not (name.isascii() and name.isdecimal())
            or not 0 < len(value) <= _MOST_CHARACTERS
            or end > len(rest)
        ):
            raise NamingError(f"{text!r:.60}: {rest[:20]!r} is no application identifier with its value")
        pairs.append((name, value))
        rest = rest[end:].lstrip(_SEPARATOR)
    return pairs


def digital_link(text: str) -> dict[str, str]:
    """Take a GS1 Digital Link apart, or its path alone.

    Args:
        text: ``https://id.gs1.org/01/…/21/…``, or ``01/…/21/…``.

    Returns:
        Values by application identifier.

    Raises:
        NamingError: If its path is no pairs of identifier and value.

    Examples:
        >>> digital_link("https://example.com/some/01/80614141123458/21/67%2F89?17=261231")
        {'01': '80614141123458', '21': '67/89'}
    """
    parts = urlsplit(text).path.strip("/").split("/")
    starts = [at for at, part in enumerate(parts) if part in {"00", "01", "8003"}]
    if not starts or (len(parts) - starts[0]) % 2:
        raise NamingError(f"{text!r:.80}: expected a link with /01/GTIN/21/serial or /00/SSCC in its path")
    pairs = [unquote(part) for part in parts[starts[0] :]]
    return dict(zip(pairs[::2], pairs[1::2], strict=True))
