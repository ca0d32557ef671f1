"""The characters of one scan in, what they name out; the only module that knows biip.

The AIM identifier (ISO/IEC 15424) says whether a symbol holds GS1 data. Without it the EAN-13
7032069804988 also reads as application identifier 7032, so a scan without one is refused unless the
scanner's profile says that it cannot send any; then every possible reading is tried, and two make it
ambiguous.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from biip import EncodeError, ParseError
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from biip.gs1_element_strings import GS1ElementStrings
from biip.gs1_messages import GS1Message
from biip.gtin import Gtin
from biip.sscc import Sscc

from contracts.records import LabelDates
from edge_agent.decode.decoded import Decoded, Fault, FaultCode, Scheme, contradictions

_AIM: Final = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_ELEMENT_STRINGS: Final = frozenset({"]C1", "]e0", "]d2", "]Q3", "]J1"})
"""GS1-128, GS1 DataBar, GS1 DataMatrix, GS1 QR code, GS1 DotCode."""
_GTIN_ONLY: Final = frozenset({"]E0", "]E4", "]I1"})
"""EAN-13 with UPC-A and UPC-E, EAN-8, ITF-14."""
_MAY_LINK: Final = frozenset({"]d1", "]Q0", "]Q1", "]d2", "]Q3"})
"""DataMatrix and QR codes, which may hold a GS1 Digital Link URI."""
_DIGITS: Final = re.compile(r"[0-9]+")
_IS_WEIGHT: Final = re.compile(r"310[0-5]").fullmatch
"""Net weight in kilograms, with so many decimals."""
_DATES: Final = {
    "11": "produced_on",
    "13": "packed_on",
    "15": "best_before",
    "16": "sell_by",
    "17": "use_by",
    "7003": "use_by",
}
_MADE: Final = frozenset({"11", "13"})
"""Dates of making and packing: day 00 counts as the first of its month, since goods may be as old as that.
Of the dates below the General Specifications say that it is the last."""
_LAST_DAYS: Final = ("15", "16", "17", "7003")
"""Dates that come after the production."""
_SEPARATOR: Final = "\x1d"
_GTIN_WIDTH: Final = 14


def decode_barcode(raw: str, *, aim_required: bool = True) -> Decoded:
    """Decode one scan.

    Args:
        raw: What the scanner sent, AIM identifier included.
        aim_required: Whether the scanner sends AIM identifiers, as its profile says.

    Returns:
        What the code names; with faults and no scheme if that is not certain. Never raises.
    """
    result = Decoded(raw)
    if not raw.startswith("]"):
        result = replace(result, text=raw)
        if aim_required:
            return _faulty(
                result, FaultCode.AIM_MISSING, f"{raw!r} has no AIM identifier, expected ']' first"
            )
        return _without_aim(result)
    if _AIM.match(raw) is None:
        return _faulty(result, FaultCode.AIM_UNKNOWN, f"{raw[:3]!r} is not an AIM identifier such as ']C1'")
    result = replace(result, aim=raw[:3], text=raw[3:])
    if not result.text:
        return _faulty(result, FaultCode.EMPTY, f"nothing after the AIM identifier {result.aim!r}")
    return _by_symbology(result)


def _by_symbology(result: Decoded) -> Decoded:
    if result.aim in _MAY_LINK and result.text.lower().startswith(("http://", "https://")):
        return _digital_link(result)
    if result.aim in _ELEMENT_STRINGS:
        return _element_strings(result)
    if result.aim in _GTIN_ONLY:
        return _gtin(result)
    return _local(result)


def _without_aim(result: Decoded) -> Decoded:
    if not result.text:
        return _faulty(result, FaultCode.EMPTY, "the scan is empty")
    attempts = {
        "a GTIN": _gtin(result),
        "an SSCC": _sscc(result),
        "GS1 element strings": _element_strings(result),
        "a GS1 Digital Link": _digital_link(result) if result.text.startswith("http") else None,
    }
    readings = {name: reading for name, reading in attempts.items() if reading and not reading.faults}
    if len(readings) > 1:
        return _faulty(
            result,
            FaultCode.AMBIGUOUS,
            f"{result.text!r} without an AIM identifier reads as {' or '.join(readings)}",
        )
    return next(iter(readings.values()), None) or _local(result)


def _local(result: Decoded) -> Decoded:
    if not result.text.isprintable():
        return _faulty(
            result,
            FaultCode.UNPRINTABLE,
            f"{result.text!r} under {result.aim!r} is not GS1 and not printable",
        )
    return replace(result, scheme=Scheme.LOCAL)


def _gtin(result: Decoded) -> Decoded:
    if _DIGITS.fullmatch(result.text) is None:
        return _faulty(result, FaultCode.CHECK_DIGIT, f"{result.text!r} is not a GTIN: expected digits only")
    try:
        gtin = Gtin.parse(result.text)
    except ParseError as error:
        return _faulty(result, FaultCode.CHECK_DIGIT, str(error))
    return _named(result, GS1Message.parse(f"01{gtin.value.zfill(_GTIN_WIDTH)}").element_strings)


def _sscc(result: Decoded) -> Decoded:
    try:
        sscc = Sscc.parse(result.text)
    except ParseError as error:
        return _faulty(result, FaultCode.CHECK_DIGIT, str(error))
    return _named(result, GS1Message.parse(f"00{sscc.value}").element_strings)


def _element_strings(result: Decoded) -> Decoded:
    text = result.text.strip(_SEPARATOR)  # some scanners send the leading FNC1 too, or one at the end
    if " " in text:
        return _faulty(
            result, FaultCode.ELEMENT_STRING, f"{result.text!r} holds a space, which no element string may"
        )
    try:
        elements = GS1Message.parse(text).element_strings
    except (ParseError, ValueError) as error:
        return _faulty(result, FaultCode.ELEMENT_STRING, str(error))
    return _named(result, elements, is_concatenated=True)


def _digital_link(result: Decoded) -> Decoded:
    try:
        elements = GS1DigitalLinkURI.parse(result.text).element_strings
    except (ParseError, ValueError):
        return _local(result)  # an ordinary web address, or a link we do not know: kept as it is
    asked = [pair for pair in parse_qsl(urlsplit(result.text).query) if pair[0].isdigit()]
    if found := next(contradictions(asked), None):  # biip keeps the last of them
        return _faulty(result, FaultCode.CONTRADICTION, found)
    return _named(result, elements)


def _named(result: Decoded, elements: GS1ElementStrings, *, is_concatenated: bool = False) -> Decoded:
    faults = (
        *_check(elements),
        *(_separators(result.text.lstrip(_SEPARATOR), elements) if is_concatenated else ()),
    )
    if faults:
        return replace(result, faults=faults)
    value = {element.ai.ai: element.value for element in elements}
    days = {_DATES[identifier]: day for identifier, day in _days(elements).items()}
    quantity = value.get("37", value.get("30"))
    weights = [_weight(element.ai.ai, element.value) for element in elements if _IS_WEIGHT(element.ai.ai)]
    named = replace(
        result,
        element_string=GS1Message.from_element_strings(elements).as_hri(),
        digital_link=_link(elements),
        pure_uri=_pure_uri(elements),
        gtin=value.get("01", value.get("02")),
        sscc=value.get("00"),
        gln=value.get("414"),
        gln_extension=value.get("254"),
        serial=value.get("21"),
        lot=value.get("10"),
        expiry=days.get("use_by"),
        dates=LabelDates.model_validate(days) if days else None,
        quantity=None if quantity is None else int(quantity),
        weight_kg=weights[0] if weights else None,
        is_piece_count="30" in value,
    )
    return replace(named, scheme=_scheme(named))


def _days(elements: GS1ElementStrings) -> dict[str, date]:
    """Give the dates of a label by their identifiers, each as a day that there is."""
    return {
        element.ai.ai: element.date.replace(day=1)
        if element.ai.ai in _MADE and element.value.endswith("00")
        else element.date
        for element in elements
        if element.ai.ai in _DATES and element.date
    }


def _weight(identifier: str, digits: str) -> Decimal:
    """Read a net weight: the last digit of its identifier says how many of its digits are decimals."""
    return Decimal(digits).scaleb(-int(identifier[-1]))


def _scheme(named: Decoded) -> Scheme:
    if named.sscc is not None:
        return Scheme.SSCC
    if named.gtin is not None:
        return Scheme.GTIN if named.serial is None else Scheme.SGTIN
    return Scheme.GS1 if named.gln is None else Scheme.SGLN


def _check(elements: GS1ElementStrings) -> Iterator[Fault]:
    if not elements:
        yield Fault(FaultCode.EMPTY, "no element strings after the AIM identifier")
    for element in elements:
        error = element.gtin_error or element.sscc_error or element.gln_error
        if error:
            yield Fault(FaultCode.CHECK_DIGIT, f"({element.ai.ai}): {error}")
    said = [(element.ai.ai, element.value) for element in elements]
    for found in contradictions(said):
        yield Fault(FaultCode.CONTRADICTION, found)
    yield from _impossible(elements)
    seen = dict(said)
    weights = {identifier: value for identifier, value in seen.items() if _IS_WEIGHT(identifier)}
    if len({_weight(*pair) for pair in weights.items()}) > 1:
        told = " and ".join(f"({identifier}) {value}" for identifier, value in weights.items())
        yield Fault(FaultCode.CONTRADICTION, f"{told} state the net weight, expected one")
    if any(value.strip("0") == "" for value in weights.values()):
        yield Fault(FaultCode.CONTRADICTION, "the net weight is zero, expected more")
    if seen.get("37", seen.get("30", "1")).strip("0") == "":
        yield Fault(FaultCode.CONTRADICTION, "the count is zero, expected at least 1")


def _impossible(elements: GS1ElementStrings) -> Iterator[Fault]:
    """Find goods that would have been made after they are no longer good."""
    days = _days(elements)
    made = days.get("11")
    for identifier in _LAST_DAYS:
        last = days.get(identifier)
        if made and last and last < made:
            yield Fault(
                FaultCode.CONTRADICTION, f"({identifier}) {last} is before (11) {made}, the production"
            )


def _separators(text: str, elements: GS1ElementStrings) -> Iterator[Fault]:
    """Find a variable-length element that no separator ends: biip cuts it where its pattern stops.

    A lot that swallowed what followed it and is still a valid lot cannot be told from one that is so long:
    the scanner must send FNC1 as GS, which is why each profile's setup says so.
    """
    at = 0
    for element in elements:
        at += len(element.ai.ai) + len(element.value)
        if element.ai.separator_required and at < len(text) and text[at] != _SEPARATOR:
            yield Fault(
                FaultCode.SEPARATOR_MISSING,
                f"({element.ai.ai}) {element.value!r} runs into {text[at : at + 8]!r}, expected GS between",
            )
        while text.startswith(_SEPARATOR, at):
            at += 1


def _link(elements: GS1ElementStrings) -> str | None:
    try:
        return GS1DigitalLinkURI.from_element_strings(elements).value
    except EncodeError:
        return None


def _pure_uri(elements: GS1ElementStrings) -> str | None:
    unit, item, serial = elements.get(ai="00"), elements.get(ai="01"), elements.get(ai="21")
    if unit is not None and unit.sscc is not None and unit.sscc.company_prefix is not None:
        prefix = unit.sscc.company_prefix.value
        return f"urn:epc:id:sscc:{prefix}.{unit.value[0]}{unit.value[1 + len(prefix) : -1]}"
    if item is not None and item.gtin is not None and item.gtin.company_prefix and serial is not None:
        prefix = item.gtin.company_prefix.value
        reference = item.value[0] + item.value[1 + len(prefix) : -1]
        return f"urn:epc:id:sgtin:{prefix}.{reference}.{_escaped(serial.value)}"
    return None


def _escaped(serial: str) -> str:
    # TDS 2.x, table A-1: these characters of GS1's set 82 are written as %XX in a URI.
    return re.sub(r"[\"%&/<>?]", lambda match: f"%{ord(match[0]):02X}", serial)


def _faulty(result: Decoded, code: FaultCode, message: str) -> Decoded:
    return replace(result, faults=(*result.faults, Fault(code, message)))
