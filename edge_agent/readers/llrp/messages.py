"""One whole LLRP message in, its fields out: the only door to sllurp, which decodes and does nothing else.

sllurp is fed exactly one message at a time, so that nothing it makes of one can spoil the next. What it does
not check is checked here: lengths that lie, tags without a whole EPC, parameters that LLRP does not know.
"""

import logging
import struct
from typing import Any, Final

from edge_agent.readers.llrp.framing import MESSAGE_HEADER, TYPE_MASK
from edge_agent.readers.llrp.layout import CUSTOM, EPC_DATA, TAG_REPORT_DATA, TV

try:
    from sllurp.llrp import LLRPError, LLRPMessage
except ModuleNotFoundError:  # the extra is not installed: said when a reader is to be used
    LLRPError, LLRPMessage = ValueError, None

_UNDECODED: Final = "SllurpDecodeError"
_TAG_HEAD: Final = struct.Struct(">HHHHH")
"""Of a TagReportData that begins with an EPCData: type and length of both, and the EPC's bits."""
_TLV_BYTES: Final = 4
_EPC_DATA_BYTES: Final = 6
_EPC_96_DIGITS: Final = 24
_PREDICTABLE: Final = (
    LLRPError,
    struct.error,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
)
"""What sllurp has been seen to raise for bytes that are no message, and what its way of decoding can."""

# Its complaints about a message would go to standard error; ours are counted and told once.
logging.getLogger("sllurp").addHandler(logging.NullHandler())
logging.getLogger("sllurp").propagate = False

Fields = dict[str, Any]
"""Parameters and fields by the names that sllurp gives them."""


class LlrpMissingError(RuntimeError):
    """The extra ``llrp`` is not installed; the message says how to install it."""


class MalformedMessageError(ValueError):
    """A message that does not keep to LLRP; what was wrong."""


def require_llrp(reader: str) -> None:
    """Make sure that readers can be understood at all.

    Args:
        reader: For the message.

    Raises:
        LlrpMissingError: If sllurp is not installed.
    """
    if LLRPMessage is None:
        raise LlrpMissingError(f"reader {reader} needs the extra llrp: pip install dockledger[llrp]")


def decode_message(message: bytes) -> Fields:
    """Decode one whole message.

    Args:
        message: Header included, as long as its header says.

    Returns:
        Its fields.

    Raises:
        MalformedMessageError: If it does not keep to LLRP.
    """
    try:
        [(_, fields)] = LLRPMessage(msgbytes=message).msgdict.items()
    except _PREDICTABLE as error:
        kind = int.from_bytes(message[:2], "big") & TYPE_MASK
        raise MalformedMessageError(
            f"message type {kind} of {len(message)} bytes: {error or error.__class__.__name__}"
        ) from error
    return dict(fields)


def decode_report(message: bytes) -> list[Fields]:
    """Decode one whole RO_ACCESS_REPORT.

    Args:
        message: Header included.

    Returns:
        One dictionary for each tag; ``bits`` is the length of its EPC if that is not 96.

    Raises:
        MalformedMessageError: If it does not keep to LLRP: then none of its tags can be trusted.
    """
    fields = decode_message(message)
    if _UNDECODED in fields:
        _check_undecoded(fields[_UNDECODED])
    tags: list[Fields] = fields["TagReportData"]
    offset, end, count = MESSAGE_HEADER.size, len(message), 0
    unpack = _TAG_HEAD.unpack_from
    try:
        while offset < end:
            kind, length, first, _, bits = unpack(message, offset)
            if kind == TAG_REPORT_DATA:
                tag = tags[count]
                count += 1
                if _UNDECODED in tag:
                    _check_undecoded(tag[_UNDECODED])
                if "EPC-96" not in tag:
                    tag["bits"] = bits if first == EPC_DATA else _bits_of(message, offset, length)
                elif len(tag["EPC-96"]) != _EPC_96_DIGITS:
                    raise MalformedMessageError(f"TagReportData at byte {offset}: its EPC-96 is cut short")
            if length < _TLV_BYTES:
                raise MalformedMessageError(f"parameter {kind} at byte {offset}: length {length}")
            offset += length
    except (struct.error, IndexError) as error:
        raise MalformedMessageError(f"parameter at byte {offset}: cut short at {end} bytes") from error
    if offset != end or count != len(tags):
        raise MalformedMessageError(f"parameters end at byte {offset}, the message at {end}")
    return tags


def _bits_of(message: bytes, tag_offset: int, tag_length: int) -> int:
    """Find the EPCData of a tag whose reader does not put it first."""
    offset, end = tag_offset + _TLV_BYTES, tag_offset + tag_length
    while offset + _EPC_DATA_BYTES <= end:
        if message[offset] & TV:
            offset += 1 + _TV_BYTES.get(message[offset] & ~TV, end)
            continue
        kind, length, bits = struct.unpack_from(">HHH", message, offset)
        if kind == EPC_DATA:
            return int(bits)
        if length < _TLV_BYTES:
            break
        offset += length
    raise MalformedMessageError(f"TagReportData at byte {tag_offset}: no EPC")


_TV_BYTES: Final = {
    **dict.fromkeys((1, 7, 8, 10, 11, 12, 14, 15, 17, 19, 20), 2),
    **dict.fromkeys((2, 3, 4, 5), 8),
    **dict.fromkeys((9, 16, 18), 4),
    6: 1,
    13: 12,
}
"""Bytes of each parameter whose length its type tells (LLRP 1.0.1, section 16.2.7.3)."""


def _check_undecoded(parameters: list[Fields]) -> None:
    """Let vendors' parameters pass that sllurp does not know; what is no vendor's is damage."""
    for parameter in parameters:
        if parameter["Type"] != CUSTOM:
            raise MalformedMessageError(f"parameter {parameter['Type']}: not one of LLRP's here")
