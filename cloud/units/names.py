"""What somebody typed, scanned or pasted in, the serial or unit that it names out; pure."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from cloud.units.epc_hex import pure_identity
from cloud.units.gs1 import NamingError, check_digit, checked, digital_link, element_string, escaped

_HEX: Final = re.compile(r"[0-9A-Fa-f]{16,64}")
_PREFIX_DIGITS: Final = range(6, 13)
_SSCC_DIGITS: Final = 18
_GTIN_DIGITS: Final = 14
_KEYS: Final = ("00", "01")
_HEADERS: Final = ("30", "31", "33", "36", "37")
"""How a tag begins whose digits may hold no letter."""
_LINK_PATH: Final = re.compile(r"/?(01|00)/")
_PURE: Final = "urn:epc:id:"
_TAG: Final = re.compile(r"urn:epc:tag:([a-z]+)-[0-9]+:[0-9]\.(.+)")
_GTIN_AND_SERIAL: Final = re.compile(r"([0-9]{8}|[0-9]{12,14})[ .:,;]+(\S+)")
_LONGEST: Final = 256


@dataclass(frozen=True, slots=True)
class Serial:
    """One instance of a trade item."""

    gtin: str
    """14 digits."""
    serial: str
    tags: tuple[str, ...] = ()
    """Hexadecimal digits that were typed: what its tag holds."""

    @property
    def path(self) -> str:
        """As the path of a Digital Link."""
        return f"01/{self.gtin}/21/{quote(self.serial, safe='')}"

    @property
    def names(self) -> tuple[str, ...]:
        """Its pure identities: all that are possible, as a GTIN does not say how long its prefix is."""
        digits, indicator = self.gtin[1:-1], self.gtin[0]
        return tuple(
            f"urn:epc:id:sgtin:{digits[:length]}.{indicator}{digits[length:]}.{escaped(self.serial)}"
            for length in _PREFIX_DIGITS
        )


@dataclass(frozen=True, slots=True)
class Unit:
    """A logistic unit: an SSCC, a returnable asset, or a site's own code."""

    code: str
    tags: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """As a part of an address."""
        return quote(self.code, safe=":")


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of which only its digits are known."""

    tags: tuple[str, ...]


def named(text: str) -> Serial | Unit | Tag:
    """Tell what a text names.

    Args:
        text: An EPC as hexadecimal digits, tag URI or pure identity, an element string, a Digital Link or its
            path, an SSCC, or a GTIN and a serial with a space between.

    Returns:
        What it names; a code that is none of these is a unit's own.

    Raises:
        NamingError: If it is empty, too long, or begins like one of these and is none.

    Examples:
        >>> named("(01)80614141123458(21)6789").path
        '01/80614141123458/21/6789'
        >>> named("3074257BF7194E4000001A85")
        Serial(gtin='80614141123458', serial='6789', tags=('3074257BF7194E4000001A85',))
        >>> named("https://id.gs1.org/00/395211411234567893")
        Unit(code='395211411234567893', tags=())
    """
    text = text.strip()
    if not 0 < len(text) <= _LONGEST or not text.replace("\x1d", "").isprintable():
        raise NamingError(f"{text!r:.60}: expected 1 to {_LONGEST} printable characters")
    if text.startswith("urn:"):
        return _of_uri(text)
    if text.startswith(("http://", "https://")) or _LINK_PATH.match(text):
        return _of_elements(digital_link(text), text)
    if text.startswith(("(", "]")) or "\x1d" in text:
        return _of_elements(element_string(text), text)
    if match := _GTIN_AND_SERIAL.fullmatch(text):
        return Serial(checked(match[1].zfill(_GTIN_DIGITS), _GTIN_DIGITS, "GTIN"), match[2])
    return _of_characters(text)


def unit_named(text: str) -> Serial | Unit | Tag:
    """Tell what a text names where a unit is expected: what is a good name of nothing may still be a unit's.

    Args:
        text: As for `named`; or the code of a unit as the ledger holds it, whatever its check digit.

    Returns:
        What it names.

    Examples:
        >>> unit_named("395211411234567890")
        Unit(code='395211411234567890', tags=())
    """
    try:
        return named(text)
    except NamingError:
        return Unit(text)


def _of_uri(text: str) -> Serial | Unit:
    match = _TAG.fullmatch(text)
    if match is None and not text.startswith(_PURE):
        raise NamingError(f"{text!r:.60}: expected urn:epc:id:… or urn:epc:tag:…")
    return _of_pure(text if match is None else f"{_PURE}{match[1]}:{match[2]}")


def _of_characters(text: str) -> Serial | Unit | Tag:
    """Read what has no marks of its own: an SSCC, an element string, a tag's digits, or a site's own code."""
    if text.isascii() and text.isdecimal():
        if len(text) == _SSCC_DIGITS:
            return Unit(checked(text, _SSCC_DIGITS, "SSCC"))
        if len(text) > _SSCC_DIGITS and text[:2] in _KEYS:
            return _of_elements(element_string(text), text)
        if text[:2] not in _HEADERS or len(text) % 4:
            return Unit(text)
    return _of_tag(text.upper()) if _HEX.fullmatch(text) else Unit(text)


def _of_tag(digits: str) -> Serial | Unit | Tag:
    uri = pure_identity(digits)
    if uri is None:
        return Tag((digits,))
    found = _of_pure(uri)
    return (
        Serial(found.gtin, found.serial, (digits,))
        if isinstance(found, Serial)
        else Unit(found.code, (digits,))
    )


def _of_pure(uri: str) -> Serial | Unit:
    scheme, _, body = uri.removeprefix(_PURE).partition(":")
    prefix, _, rest = body.partition(".")
    if scheme == "grai":
        return Unit(uri)
    digits = rest[:1] + prefix + rest[1:].partition(".")[0]
    if not (digits.isascii() and digits.isdecimal()):
        raise NamingError(f"{uri!r:.80}: expected digits after urn:epc:id:{scheme}:")
    if scheme == "sscc" and len(digits) == _SSCC_DIGITS - 1:
        return Unit(digits + check_digit(digits))
    serial = unquote(rest.partition(".")[2])
    if scheme == "sgtin" and len(digits) == _GTIN_DIGITS - 1 and serial:
        return Serial(digits + check_digit(digits), serial)
    raise NamingError(
        f"{uri!r:.80}: expected urn:epc:id:sgtin:prefix.item.serial or urn:epc:id:sscc:prefix.reference"
    )


def _of_elements(elements: dict[str, str], text: str) -> Serial | Unit:
    if "00" in elements:
        return Unit(checked(elements["00"], _SSCC_DIGITS, "SSCC"))
    if "01" in elements and "21" in elements:
        return Serial(checked(elements["01"], _GTIN_DIGITS, "GTIN"), elements["21"])
    told = "".join(f"({name})" for name in elements)
    raise NamingError(f"{text!r:.80} holds {told}: expected (01) and (21) for a serial, or (00) for a unit")
