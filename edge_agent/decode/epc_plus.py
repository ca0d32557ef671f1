"""The coding schemes of TDS 2.x: whole GS1 keys, then serial, host name and data (TDS 2.3, 14.5, 14.6)."""

from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from edge_agent.decode.decoded import FaultCode
from edge_agent.decode.epc_bits import Bits
from edge_agent.decode.epc_checks import EpcError, checked, in_set_39
from edge_agent.decode.epc_identity import EpcScheme

Elements = list[tuple[str, str]]

PRIORITISED: Final = ("11", "13", "15", "16", "17", "7006", "7007")
"""Date types of DSGTIN+ (14.5.3)."""
DATES: Final = frozenset({"11", "12", "13", "15", "16", "17"})
COUNTS: Final = frozenset({"30", "37"})
LOT: Final = "10"
_MOST_PARTS: Final = "99"
_DELIMITER, _TERMINATOR = 14, 15
_LEAP_YEAR: Final = 2000
_MONTHS: Final = 12


class PlusLayout(NamedTuple):
    """One coding scheme; header, toggle and filter value stand before, a host name may follow."""

    scheme: EpcScheme
    read: Callable[[Bits], tuple[Elements, str | None]]
    """Gives elements and the serial."""
    has_host: bool = False


def _yymmdd(bits: Bits, what: str) -> str:
    year, month, day = bits.take(7, what), bits.take(4, what), bits.take(5, what)
    text = f"{year:02d}{month:02d}{day:02d}"
    if (
        len(text) != len("YYMMDD")
        or not 1 <= month <= _MONTHS
        or day > monthrange(_LEAP_YEAR + year, month)[1]
    ):
        raise EpcError(FaultCode.OUT_OF_RANGE, f"{what} {text}: expected a date YYMMDD")
    return text


def _sgtin(bits: Bits) -> tuple[Elements, str]:
    gtin = checked(bits.digits(14, "GTIN"), "GTIN")
    serial = bits.alphanumeric(20, "serial")
    return [("01", gtin), ("21", serial)], serial


def _dsgtin(bits: Bits) -> tuple[Elements, str]:
    kind = bits.take(4, "date type")
    if kind >= len(PRIORITISED):
        raise EpcError(FaultCode.OUT_OF_RANGE, f"date type {kind}, expected 0 to {len(PRIORITISED) - 1}")
    date = _yymmdd(bits, "prioritised date")
    elements, serial = _sgtin(bits)
    return [*elements, (PRIORITISED[kind], date)], serial


def _fixed(identifier: str, name: str) -> Callable[[Bits], tuple[Elements, str | None]]:
    def read(bits: Bits) -> tuple[Elements, str | None]:
        return [(identifier, checked(bits.digits(18, name), name))], None

    return read


def _sgln(bits: Bits) -> tuple[Elements, str | None]:
    gln = checked(bits.digits(13, "GLN"), "GLN")
    extension = bits.alphanumeric(20, "extension")
    return [("414", gln), *([] if extension == "0" else [("254", extension)])], None


def _grai(bits: Bits) -> tuple[Elements, str]:
    asset = checked(bits.digits(14, "GRAI"), "GRAI")
    if not asset.startswith("0"):
        raise EpcError(FaultCode.OUT_OF_RANGE, f"GRAI {asset!r}: expected a zero first")
    serial = bits.alphanumeric(16, "serial")
    return [("8003", asset + serial)], serial


def _giai(bits: Bits) -> tuple[Elements, None]:
    return [("8004", _delimited(bits, "GIAI"))], None


def _gdti(bits: Bits) -> tuple[Elements, str]:
    document = checked(bits.digits(13, "GDTI"), "GDTI")
    serial = bits.alphanumeric(17, "serial")
    return [("253", document + serial)], serial


def _sgcn(bits: Bits) -> tuple[Elements, str]:
    coupon = checked(bits.digits(13, "GCN"), "GCN")
    serial = bits.numeric(4, 12, "serial")
    return [("255", coupon + serial)], serial


def _cpi(bits: Bits) -> tuple[Elements, str]:
    part = in_set_39(_delimited(bits, "CPI"), "CPI")
    serial = bits.numeric(4, 12, "serial")
    return [("8010", part), ("8011", serial)], serial


def _itip(bits: Bits) -> tuple[Elements, str]:
    gtin = checked(bits.digits(14, "GTIN"), "GTIN")
    piece, total = bits.digits(2, "piece"), bits.digits(2, "total")
    if not piece <= total <= _MOST_PARTS:
        raise EpcError(FaultCode.OUT_OF_RANGE, f"piece {piece} of {total}, expected no more than the total")
    serial = bits.alphanumeric(20, "serial")
    return [("8006", gtin + piece + total), ("21", serial)], serial


def _delimited(bits: Bits, what: str) -> str:
    """Read digits up to a terminator, or up to a delimiter and then a text (14.5.5)."""
    text = ""
    while (code := bits.take(4, what)) < _DELIMITER:
        if code > 9:  # noqa: PLR2004  a digit
            raise EpcError(FaultCode.CHARACTER, f"{what} {text!r} goes on with {code:x}, expected a digit")
        text += str(code)
        if len(text) > _LONGEST_ASSET:
            raise EpcError(FaultCode.OUT_OF_RANGE, f"{what} {text!r}…: expected at most 30 characters")
    if code == _DELIMITER:
        text += bits.alphanumeric(_LONGEST_ASSET - len(text), what)
    if len(text) < _SHORTEST_ASSET or not text[:_SHORTEST_ASSET].isdigit():
        raise EpcError(
            FaultCode.OUT_OF_RANGE, f"{what} {text!r}: expected a company prefix, 4 digits or more"
        )
    return text


_LONGEST_ASSET: Final = 30
_SHORTEST_ASSET: Final = 4


def data_behind(bits: Bits) -> Iterator[tuple[str, str]]:
    """Read the data that stands behind an EPC, as far as this program can use it (TDS 2.3, section 15.3).

    Lot, dates and counts are read; data after any other application identifier is left alone, since the
    EPC before it is complete.

    Args:
        bits: What is left of the tag's bits.

    Yields:
        Application identifiers and values.

    Raises:
        EpcError: If one of them cannot be right.
    """
    while bits.left >= 8 and bits.rest():  # noqa: PLR2004  bits of two digits
        identifier = f"{bits.take(8, 'application identifier'):02x}"
        if identifier in DATES:
            yield identifier, _yymmdd(bits, f"date ({identifier})")
        elif identifier == LOT:
            yield identifier, bits.alphanumeric(20, "lot")
        elif identifier in COUNTS:
            yield identifier, bits.numeric(4, 8, f"count ({identifier})")
        else:
            return


_READERS: Final = {
    "cpi": (0xF0, 0xE6, _cpi),
    "grai": (0xF1, 0xEB, _grai),
    "sgln": (0xF2, 0xE9, _sgln),
    "itip": (0xF3, 0xED, _itip),
    "gsrn": (0xF4, 0xE7, _fixed("8018", "GSRN")),
    "gsrnp": (0xF5, 0xE8, _fixed("8017", "GSRNP")),
    "gdti": (0xF6, 0xEA, _gdti),
    "sgtin": (0xF7, 0xFD, _sgtin),
    "sgcn": (0xF8, 0xEC, _sgcn),
    "sscc": (0xF9, 0xEF, _fixed("00", "SSCC")),
    "giai": (0xFA, 0xEE, _giai),
    "dsgtin": (0xFB, 0xFC, _dsgtin),
}

PLUS_LAYOUTS: Final[Mapping[int, PlusLayout]] = {
    plus: PlusLayout(EpcScheme(f"{name}+"), read) for name, (plus, _, read) in _READERS.items()
} | {
    plus_plus: PlusLayout(EpcScheme(f"{name}++"), read, has_host=True)
    for name, (_, plus_plus, read) in _READERS.items()
}
"""By header (TDS 2.3, table 14-1)."""
