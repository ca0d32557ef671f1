"""The hexadecimal digits of a tag's EPC bank in, what they name out: GS1 EPC Tag Data Standard 2.3.

Every coding scheme of the standard is read, those of TDS 1.x and the ``+`` and ``++`` schemes of 2.x. What
the standard does not allow (an unknown header or partition, a wrong length, padding that is not zero, a
number with too many digits) is a fault and names nothing.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from edge_agent.decode.decoded import Fault, FaultCode, contradictions
from edge_agent.decode.epc_bits import Bits
from edge_agent.decode.epc_checks import EpcError
from edge_agent.decode.epc_host import read_host
from edge_agent.decode.epc_identity import Epc, EpcScheme, epc_as_json_object
from edge_agent.decode.epc_partitioned import LAYOUTS, Layout, sgtin_96
from edge_agent.decode.epc_plus import PLUS_LAYOUTS, PlusLayout, data_behind

__all__ = ["Epc", "EpcScheme", "decode_epc", "epc_as_json_object"]

_HEX: Final = re.compile(r"[0-9A-Fa-f]+")
_MOST_DIGITS: Final = 124
"""Of the longest EPC a Gen 2 tag can hold: 31 words of 16 bits."""
_USUAL_DIGITS: Final = 24
_USUAL_HEADER: Final = "30"
_CACHED: Final = 4096
_WORD: Final = 16
_BITS_PER_DIGIT: Final = 4
_NEVER_WRITTEN: Final = 0x00
_MAKERS_NUMBER: Final = 0xE2
"""First byte of a TID: the makers of chips leave it in the EPC bank too."""


def decode_epc(digits: str) -> Epc:
    """Decode one EPC; what was decoded lately is remembered.

    Args:
        digits: Hexadecimal digits, from bit 20h of the EPC bank on.

    Returns:
        What the EPC names; with faults and no scheme if that is not certain. Never raises.

    Examples:
        >>> decode_epc("3074257BF7194E4000001A85").tag_uri
        'urn:epc:tag:sgtin-96:3.0614141.812345.6789'
    """
    if len(digits) > _MOST_DIGITS:
        message = f"EPC {digits[:24]}…: {len(digits)} digits, expected at most {_MOST_DIGITS}"
        return Epc(digits[:_MOST_DIGITS].upper(), faults=(Fault(FaultCode.LENGTH, message),))
    return _decode(digits)


@lru_cache(maxsize=_CACHED)
def _decode(digits: str) -> Epc:
    text = digits.upper()
    try:
        return _read(text)
    except EpcError as error:
        return Epc(text, faults=(Fault(error.code, f"EPC {text!r}: {error}"),))


def _read(text: str) -> Epc:
    if _HEX.fullmatch(text) is None:
        code = FaultCode.NOT_HEXADECIMAL if text else FaultCode.EMPTY
        raise EpcError(code, "expected hexadecimal digits")
    value = int(text, 16)
    if len(text) == _USUAL_DIGITS and text.startswith(_USUAL_HEADER) and (item := sgtin_96(text, value)):
        return item
    bits = Bits(value, _BITS_PER_DIGIT * len(text))
    header = bits.take(8, "header")
    if layout := LAYOUTS.get(header):
        return _partitioned(text, bits, layout)
    if plus := PLUS_LAYOUTS.get(header):
        return _plus(text, bits, plus)
    if header == _NEVER_WRITTEN:
        raise EpcError(FaultCode.UNENCODED, "header 00: the tag was never encoded")
    if header == _MAKERS_NUMBER:
        raise EpcError(FaultCode.UNENCODED, "header E2: a chip maker's number, never encoded by its owner")
    raise EpcError(FaultCode.HEADER_UNKNOWN, f"header {header:02X} is no coding scheme of the standard")


def _partitioned(text: str, bits: Bits, layout: Layout) -> Epc:
    try:
        filter_value = bits.take(layout.filter_bits, "filter value") if layout.filter_bits else None
        body = layout.read(bits)
        bits.end(most=None if layout.width is None else _WORD - 1)
    except EpcError as error:
        raise EpcError(error.code, f"{layout.scheme}: {error}") from error
    return Epc(text, layout.scheme, filter_value, body.company_prefix, body.uri, body.elements, body.serial)


def _plus(text: str, bits: Bits, layout: PlusLayout) -> Epc:
    try:
        has_data, filter_value = bits.take(1, "data toggle"), bits.take(3, "filter value")
        elements, serial = layout.read(bits)
        host = read_host(bits) if layout.has_host else None
        if has_data:
            elements = _each_once([*elements, *data_behind(bits)])
        else:
            bits.end()
    except EpcError as error:
        raise EpcError(error.code, f"{layout.scheme}: {error}") from error
    return Epc(text, layout.scheme, filter_value, elements=tuple(elements), serial=serial, hostname=host)


def _each_once(elements: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    said = list(dict.fromkeys(elements))
    if found := next(contradictions(said), None):
        raise EpcError(FaultCode.CONTRADICTION, found)
    return said
