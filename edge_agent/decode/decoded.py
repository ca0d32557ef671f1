"""The result of decoding one scan: what it names, what is wrong with it, and always the raw characters."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from contracts.records import LabelDates

_SAY_THE_SAME: Final = (("01", "02", "trade item"), ("30", "37", "count"), ("17", "7003", "expiry"))
"""Application identifiers of which a code may bear one, and what they state."""


class Scheme(StrEnum):
    """What kind of thing a code names."""

    GTIN = "gtin"
    SGTIN = "sgtin"
    SSCC = "sscc"
    SGLN = "sgln"
    GS1 = "gs1"
    """Element strings without a GTIN, SSCC or location."""
    LOCAL = "local"
    """Not GS1: kept as it is."""


class FaultCode(StrEnum):
    """Why a code cannot be used as it is; stable, for counters and prompts."""

    AIM_MISSING = "aim_missing"
    AIM_UNKNOWN = "aim_unknown"
    AMBIGUOUS = "ambiguous"
    EMPTY = "empty"
    UNPRINTABLE = "unprintable"
    CHECK_DIGIT = "check_digit"
    ELEMENT_STRING = "element_string"
    SEPARATOR_MISSING = "separator_missing"
    CONTRADICTION = "contradiction"
    NOT_HEXADECIMAL = "not_hexadecimal"
    UNENCODED = "unencoded"
    """A tag that was never written, or still as its maker wrote it."""
    HEADER_UNKNOWN = "header_unknown"
    LENGTH = "length"
    PARTITION = "partition"
    PADDING = "padding"
    OUT_OF_RANGE = "out_of_range"
    CHARACTER = "character"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a code."""

    code: FaultCode
    message: str
    """Value, expectation and place, for people."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """One code, taken apart; if ``faults`` is not empty, nothing in it may move stock."""

    raw: str
    """Exactly what the scanner sent."""
    aim: str | None = None
    """The AIM identifier, ``]C1``."""
    text: str = ""
    """The characters after the AIM identifier."""
    scheme: Scheme | None = None
    """None if the code is faulty."""
    element_string: str | None = None
    """With bracketed application identifiers: ``(01)07032069804988(10)A1``."""
    digital_link: str | None = None
    pure_uri: str | None = None
    """EPC pure-identity URI, where the code names one instance and its company prefix is known."""
    gtin: str | None = None
    """14 digits; from AI 01, or from AI 02 (content of a logistic unit)."""
    sscc: str | None = None
    """18 digits."""
    gln: str | None = None
    """13 digits, from AI 414: the place."""
    gln_extension: str | None = None
    """AI 254: the part of that place, such as a bin."""
    serial: str | None = None
    lot: str | None = None
    expiry: date | None = None
    """AI 17 or the date of 7003; a best-before date (15) is not an expiry date."""
    dates: LabelDates | None = None
    """All that it says of dates, those of AI 11, 13, 15 and 16 too; None: nothing."""
    quantity: int | None = None
    """AI 37, trade items in the unit, or AI 30, pieces in a variable-count item."""
    weight_kg: Decimal | None = None
    """AI 310n of a variable-measure item: its net weight."""
    is_piece_count: bool = False
    """``quantity`` came from AI 30: it counts pieces, not trade items."""
    faults: tuple[Fault, ...] = ()

    @property
    def is_gs1(self) -> bool:
        """Whether the code follows the GS1 system."""
        return self.scheme is not None and self.scheme is not Scheme.LOCAL


def contradictions(elements: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Find what a code says twice, and not the same.

    Args:
        elements: Application identifiers and values, in any order.

    Yields:
        What contradicts, for people.

    Examples:
        >>> list(contradictions([("10", "A"), ("17", "270200"), ("10", "B")]))
        ["(10) says both 'A' and 'B'"]
    """
    seen: dict[str, str] = {}
    for identifier, value in elements:
        if seen.setdefault(identifier, value) != value:
            yield f"({identifier}) says both {seen[identifier]!r} and {value!r}"
    for one, other, meaning in _SAY_THE_SAME:
        if one in seen and other in seen:
            yield f"both ({one}) and ({other}) state the {meaning}, expected one"


def as_json_object(decoded: Decoded) -> dict[str, Any]:
    """Lay a result out as ``edge-agent decode`` prints it, one object per input.

    Args:
        decoded: A result of decoding.

    Returns:
        The keys every decoder answers (None where a code has no such thing), beside ``input``.
    """
    return answer(
        decoded.raw,
        decoded.faults,
        scheme=decoded.scheme,
        pure_uri=decoded.pure_uri,
        element_string=decoded.element_string,
        digital_link=decoded.digital_link,
        gtin=decoded.gtin,
        sscc=decoded.sscc,
        serial=decoded.serial,
        lot=decoded.lot,
        expiry=decoded.expiry,
        quantity=decoded.quantity,
    )


def answer(
    raw: str,
    faults: tuple[Fault, ...],
    *,
    scheme: str | None = None,
    tag_uri: str | None = None,
    pure_uri: str | None = None,
    element_string: str | None = None,
    digital_link: str | None = None,
    filter_value: int | None = None,
    gtin: str | None = None,
    sscc: str | None = None,
    serial: str | None = None,
    lot: str | None = None,
    expiry: date | None = None,
    quantity: int | None = None,
) -> dict[str, Any]:
    """Lay out what a decoder of any kind found, so that all of them answer the same keys.

    Args:
        raw: The input.
        faults: What is wrong with it.
        scheme: What kind of thing it names.
        tag_uri: EPC tag URI.
        pure_uri: EPC pure-identity URI.
        element_string: With bracketed application identifiers.
        digital_link: GS1 Digital Link URI.
        filter_value: The EPC's filter value.
        gtin: 14 digits.
        sscc: 18 digits.
        serial: Of whatever is serialised.
        lot: Batch or lot.
        expiry: The last day.
        quantity: Trade items or pieces.

    Returns:
        One object of the command's output.
    """
    return {
        "input": raw,
        "scheme": scheme,
        "tag_uri": tag_uri,
        "pure_uri": pure_uri,
        "element_string": element_string,
        "digital_link": digital_link,
        "filter": filter_value,
        "gtin": gtin,
        "sscc": sscc,
        "serial": serial,
        "lot": lot,
        "expiry": None if expiry is None else expiry.isoformat(),
        "quantity": quantity,
        "errors": [{"code": fault.code, "message": fault.message} for fault in faults],
    }
