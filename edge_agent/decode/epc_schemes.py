"""How each coding scheme writes its parts: the mirror of ``epc_partitioned`` and ``epc_plus``."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from edge_agent.decode.decoded import FaultCode
from edge_agent.decode.epc_bits import PREFIX_BITS
from edge_agent.decode.epc_checks import EpcError, cage
from edge_agent.decode.epc_identity import EpcScheme
from edge_agent.decode.epc_plus import COUNTS, DATES, LOT, PRIORITISED
from edge_agent.decode.epc_writer import BitWriter, all_digits

Write = Callable[[BitWriter, Sequence[str]], None]
"""Writes the parts of an EPC URI's body, unescaped."""
Elements = Mapping[str, str]

_BESIDE_PREFIX: Final = {
    **dict.fromkeys(("sgtin", "itip"), (4, 13)),
    **dict.fromkeys(("sscc", "gsrn", "gsrnp"), (18, 17)),
    **dict.fromkeys(("sgln", "gdti", "sgcn"), (1, 12)),
    "grai": (4, 12),
}
"""Bits of the reference beside the longest prefix, and digits of both, by key."""
_DATE_DIGITS: Final = 6
_OWNER_CHARACTERS: Final = 6


def _integer(width: int) -> Callable[[BitWriter, str], None]:
    return lambda bits, text: bits.number(text, width, "serial")


def _text(width: int, most: int) -> Callable[[BitWriter, str], None]:
    return lambda bits, text: bits.text(text, width, most, "serial")


def _numeric_string(width: int, most: int) -> Callable[[BitWriter, str], None]:
    def write(bits: BitWriter, text: str) -> None:  # 14.4.6: a 1 before the digits keeps their leading zeros
        if len(all_digits(text, "serial")) > most:
            raise EpcError(FaultCode.OUT_OF_RANGE, f"serial {text}: expected at most {most} digits")
        bits.put(int(f"1{text}"), width, "serial")

    return write


def _serialised(key: str, serial: Callable[[BitWriter, str], None]) -> Write:
    def write(bits: BitWriter, parts: Sequence[str]) -> None:
        bits.keyed(parts[0], parts[1], *_BESIDE_PREFIX[key])
        for what, part in zip(("piece", "total"), parts[2:-1], strict=False):
            bits.put(int(all_digits(part, what)), 7, what)
        serial(bits, parts[-1])

    return write


def _whole(key: str) -> Write:
    def write(bits: BitWriter, parts: Sequence[str]) -> None:
        bits.keyed(parts[0], parts[1], *_BESIDE_PREFIX[key])
        bits.put(0, 24, "reserved field")

    return write


def _giai_96(bits: BitWriter, parts: Sequence[str]) -> None:
    width = 42 + PREFIX_BITS[0] - bits.company(parts[0])
    bits.number(parts[1], width, "asset reference")


def _giai_202(bits: BitWriter, parts: Sequence[str]) -> None:
    width = 148 + PREFIX_BITS[0] - bits.company(parts[0])
    bits.text(parts[1], width, 30 - len(parts[0]), "asset reference")


def _cpi_96(bits: BitWriter, parts: Sequence[str]) -> None:
    width = 11 + PREFIX_BITS[0] - bits.company(parts[0])
    bits.number(parts[1], width, "part reference")
    bits.number(parts[2], 31, "serial")


def _cpi_var(bits: BitWriter, parts: Sequence[str]) -> None:
    bits.company(parts[0])
    bits.six_bit(parts[1], 30 - len(parts[0]), "part reference")
    bits.number(parts[2], 40, "serial")


def _gid(bits: BitWriter, parts: Sequence[str]) -> None:
    for part, width, what in zip(parts, (28, 24, 36), ("manager", "class", "serial"), strict=True):
        bits.number(part, width, what)


def _usdod(bits: BitWriter, parts: Sequence[str]) -> None:
    for character in cage(parts[0]).rjust(_OWNER_CHARACTERS):
        bits.put(ord(character), 8, "CAGE code")
    bits.number(parts[1], 36, "serial")


def _adi(bits: BitWriter, parts: Sequence[str]) -> None:
    for character in cage(parts[0]).rjust(_OWNER_CHARACTERS):
        bits.put(ord(character) & 0x3F, 6, "CAGE code")
    bits.six_bit(parts[1], 32, "part number")
    bits.six_bit(parts[2], 30, "serial")


SPLIT: Final[Mapping[EpcScheme, Write]] = {
    EpcScheme.GDTI_96: _serialised("gdti", _integer(41)),
    EpcScheme.GDTI_113: _serialised("gdti", _numeric_string(58, 17)),
    EpcScheme.GDTI_174: _serialised("gdti", _text(119, 17)),
    EpcScheme.GSRN_96: _whole("gsrn"),
    EpcScheme.GSRNP_96: _whole("gsrnp"),
    EpcScheme.USDOD_96: _usdod,
    EpcScheme.SGTIN_96: _serialised("sgtin", _integer(38)),
    EpcScheme.SGTIN_198: _serialised("sgtin", _text(140, 20)),
    EpcScheme.SSCC_96: _whole("sscc"),
    EpcScheme.SGLN_96: _serialised("sgln", _integer(41)),
    EpcScheme.SGLN_195: _serialised("sgln", _text(140, 20)),
    EpcScheme.GRAI_96: _serialised("grai", _integer(38)),
    EpcScheme.GRAI_170: _serialised("grai", _text(112, 16)),
    EpcScheme.GIAI_96: _giai_96,
    EpcScheme.GIAI_202: _giai_202,
    EpcScheme.GID_96: _gid,
    EpcScheme.ADI_VAR: _adi,
    EpcScheme.CPI_96: _cpi_96,
    EpcScheme.CPI_VAR: _cpi_var,
    EpcScheme.SGCN_96: _serialised("sgcn", _numeric_string(41, 12)),
    EpcScheme.ITIP_110: _serialised("itip", _integer(38)),
    EpcScheme.ITIP_212: _serialised("itip", _text(140, 20)),
}
"""Schemes of TDS 1.x, the shortest of a key first."""


def write_whole(bits: BitWriter, key: str, elements: Elements) -> set[str]:
    """Write the key and serial of a ``+`` scheme.

    Args:
        bits: Header, toggle and filter value stand in it.
        key: As the scheme's name has it: ``sgtin``, ``dsgtin``, ``sscc`` …
        elements: Application identifiers and values.

    Returns:
        The application identifiers that are written now.

    Raises:
        EpcError: If one of them is missing, or no value of its kind.
    """
    identifiers, write = _WHOLE[key]
    if key == "dsgtin":
        identifiers = (*identifiers, next((each for each in PRIORITISED if each in elements), PRIORITISED[0]))
    if key == "sgln":
        elements = {"254": "0", **elements}
    missing = next((each for each in identifiers if each not in elements), None)
    if missing is not None:
        raise EpcError(FaultCode.ELEMENT_STRING, f"({missing}) is missing")
    if key == "dsgtin":
        bits.put(PRIORITISED.index(identifiers[-1]), 4, "date type")
        _date(bits, elements[identifiers[-1]])
    write(bits, *(elements[each] for each in identifiers[:2]))
    return set(identifiers)


def _keyed_text(what: str, digits: int, most: int) -> Callable[[BitWriter, str], None]:
    def write(bits: BitWriter, text: str) -> None:  # class and serial are one value
        bits.digits(text[:digits], digits, what)
        bits.alphanumeric(text[digits:], most, "serial")

    return write


def _with_text(what: str, digits: int) -> Callable[[BitWriter, str, str], None]:
    def write(bits: BitWriter, key: str, text: str) -> None:
        bits.digits(key, digits, what)
        bits.alphanumeric(text, 20, "extension" if what == "GLN" else "serial")

    return write


def _digits(what: str) -> Callable[[BitWriter, str], None]:
    return lambda bits, text: bits.digits(text, 18, what)


def _coupon(bits: BitWriter, text: str) -> None:
    bits.digits(text[:13], 13, "GCN")
    bits.numeric(text[13:], 12, "serial")


def _part(bits: BitWriter, part: str, serial: str) -> None:
    _delimited(bits, part, "CPI")
    bits.numeric(serial, 12, "serial")


_WHOLE: Final[Mapping[str, tuple[tuple[str, ...], Callable[..., None]]]] = {
    "sgtin": (("01", "21"), _with_text("GTIN", 14)),
    "dsgtin": (("01", "21"), _with_text("GTIN", 14)),
    "sscc": (("00",), _digits("SSCC")),
    "gsrn": (("8018",), _digits("GSRN")),
    "gsrnp": (("8017",), _digits("GSRNP")),
    "sgln": (("414", "254"), _with_text("GLN", 13)),
    "grai": (("8003",), _keyed_text("GRAI", 14, 16)),
    "gdti": (("253",), _keyed_text("GDTI", 13, 17)),
    "sgcn": (("255",), _coupon),
    "giai": (("8004",), lambda bits, text: _delimited(bits, text, "GIAI")),
    "cpi": (("8010", "8011"), _part),
    "itip": (("8006", "21"), _with_text("ITIP", 18)),
}
"""By the name of a ``+`` scheme: the application identifiers that it holds, and how."""


def write_data(bits: BitWriter, elements: Sequence[tuple[str, str]]) -> None:
    """Write lot, dates and counts behind an EPC (TDS 2.3, section 15.3).

    Args:
        bits: The EPC stands in it.
        elements: Application identifiers and values.

    Raises:
        EpcError: If one cannot stand there.
    """
    for identifier, value in elements:
        if identifier not in {*DATES, *COUNTS, LOT}:
            raise EpcError(FaultCode.ELEMENT_STRING, f"({identifier}) cannot be written behind an EPC here")
        bits.put(int(identifier, 16), 8, "application identifier")
        if identifier in DATES:
            _date(bits, value)
        elif identifier == LOT:
            bits.alphanumeric(value, 20, "lot")
        else:
            bits.numeric(value, 8, f"count ({identifier})")


def _date(bits: BitWriter, text: str) -> None:
    if len(all_digits(text, "date")) != _DATE_DIGITS:
        raise EpcError(FaultCode.OUT_OF_RANGE, f"date {text}: expected YYMMDD")
    for at, width in ((0, 7), (2, 4), (4, 5)):
        bits.put(int(text[at : at + 2]), width, "date")


def _delimited(bits: BitWriter, text: str, what: str) -> None:
    """Write digits, and either their end, or a delimiter and the text behind them (14.5.5)."""
    rest = text.lstrip("0123456789")
    for digit in text[: len(text) - len(rest)]:
        bits.put(int(digit), 4, what)
    bits.put(14 if rest else 15, 4, what)
    if rest:
        bits.alphanumeric(rest, 30 - (len(text) - len(rest)), what)
