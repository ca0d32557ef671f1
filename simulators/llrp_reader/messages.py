"""The messages of LLRP 1.0.1: a message in, its bytes out, and back (section 9)."""

import struct
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from simulators.llrp_reader.element import Element, LlrpError, Value
from simulators.llrp_reader.layout import Layout, compile_layouts
from simulators.llrp_reader.parameter_table import IMPINJ_VENDOR_ID
from simulators.llrp_reader.parameters import check_parameters, decode_parameters, encode_parameter
from simulators.llrp_reader.vocabulary import PROTOCOL_VERSION, StatusCode

HEADER: Final = struct.Struct(">HII")
"""Reserved (3 bits), version (3) and type (10), length in bytes, message id."""
MAX_MESSAGE_BYTES: Final = 1 << 20
"""A longer message from a client is taken for damage."""
_CUSTOM_MESSAGE: Final = 1023
_VENDOR: Final = struct.Struct(">IB")
_TYPE_MASK: Final = 0x3FF
_VERSION_SHIFT: Final = 10
_VERSION_MASK: Final = 7
_MESSAGES: Final = """
GET_READER_CAPABILITIES 1 RequestedData:u8; Custom*
GET_READER_CAPABILITIES_RESPONSE 11; LLRPStatus GeneralDeviceCapabilities? LLRPCapabilities?
  RegulatoryCapabilities? C1G2LLRPCapabilities? Custom*
GET_READER_CONFIG 2 AntennaID:u16 RequestedData:u8 GPIPortNum:u16 GPOPortNum:u16; Custom*
GET_READER_CONFIG_RESPONSE 12; LLRPStatus Identification? AntennaProperties* AntennaConfiguration*
  ReaderEventNotificationSpec? ROReportSpec? AccessReportSpec? LLRPConfigurationStateValue? KeepaliveSpec?
  GPIPortCurrentState* GPOWriteData* EventsAndReports? Custom*
SET_READER_CONFIG 3 ResetToFactoryDefault:1 -:7; ReaderEventNotificationSpec? AntennaProperties*
  AntennaConfiguration* ROReportSpec? AccessReportSpec? KeepaliveSpec? GPOWriteData* GPIPortCurrentState*
  EventsAndReports? Custom*
SET_READER_CONFIG_RESPONSE 13; LLRPStatus
CLOSE_CONNECTION 14
CLOSE_CONNECTION_RESPONSE 4; LLRPStatus
ADD_ROSPEC 20; ROSpec
ADD_ROSPEC_RESPONSE 30; LLRPStatus
DELETE_ROSPEC 21 ROSpecID:u32
DELETE_ROSPEC_RESPONSE 31; LLRPStatus
START_ROSPEC 22 ROSpecID:u32
START_ROSPEC_RESPONSE 32; LLRPStatus
STOP_ROSPEC 23 ROSpecID:u32
STOP_ROSPEC_RESPONSE 33; LLRPStatus
ENABLE_ROSPEC 24 ROSpecID:u32
ENABLE_ROSPEC_RESPONSE 34; LLRPStatus
DISABLE_ROSPEC 25 ROSpecID:u32
DISABLE_ROSPEC_RESPONSE 35; LLRPStatus
GET_ROSPECS 26
GET_ROSPECS_RESPONSE 36; LLRPStatus ROSpec*
ADD_ACCESSSPEC 40; AccessSpec
ADD_ACCESSSPEC_RESPONSE 50; LLRPStatus
DELETE_ACCESSSPEC 41 AccessSpecID:u32
DELETE_ACCESSSPEC_RESPONSE 51; LLRPStatus
ENABLE_ACCESSSPEC 42 AccessSpecID:u32
ENABLE_ACCESSSPEC_RESPONSE 52; LLRPStatus
DISABLE_ACCESSSPEC 43 AccessSpecID:u32
DISABLE_ACCESSSPEC_RESPONSE 53; LLRPStatus
GET_ACCESSSPECS 44
GET_ACCESSSPECS_RESPONSE 54; LLRPStatus AccessSpec*
GET_REPORT 60
RO_ACCESS_REPORT 61; TagReportData* RFSurveyReportData* Custom*
KEEPALIVE 62
KEEPALIVE_ACK 72
READER_EVENT_NOTIFICATION 63; ReaderEventNotificationData
ENABLE_EVENTS_AND_REPORTS 64
ERROR_MESSAGE 100; LLRPStatus
CUSTOM_MESSAGE 1023 VendorIdentifier:u32 MessageSubtype:u8 Data:rest
"""

_VENDOR_MESSAGES: Final = {
    IMPINJ_VENDOR_ID: """
IMPINJ_ENABLE_EXTENSIONS 21 -:32; Custom*
IMPINJ_ENABLE_EXTENSIONS_RESPONSE 22; LLRPStatus Custom*
""",
}


class UnsupportedMessageError(LlrpError):
    """The message's type or version is not one of LLRP 1.0.1."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message."""

    body: Element
    """Named as the message."""
    message_id: int = 0

    @property
    def name(self) -> str:
        """The standard's name."""
        return self.body.name


def message(name: str, *parameters: Element, message_id: int = 0, **fields: Value) -> Message:
    """Make a message.

    Args:
        name: As the standard has it.
        *parameters: In the standard's order.
        message_id: A response repeats its request's.
        **fields: Every field.

    Returns:
        The message; its fields are judged when it is encoded.
    """
    return Message(Element(name, fields, parameters), message_id)


@cache
def _by_number() -> MappingProxyType[int, Layout]:
    return MappingProxyType({layout.number: layout for layout in compile_layouts(_MESSAGES)})


@cache
def _vendors() -> MappingProxyType[tuple[int, int], Layout]:
    return MappingProxyType(
        {
            (vendor, layout.number): layout
            for vendor, table in _VENDOR_MESSAGES.items()
            for layout in compile_layouts(table)
        }
    )


@cache
def _by_name() -> MappingProxyType[str, tuple[Layout, bytes]]:
    standard = {layout.name: (layout, b"") for layout in _by_number().values()}
    custom = {layout.name: (layout, _VENDOR.pack(*key)) for key, layout in _vendors().items()}
    return MappingProxyType(standard | custom)


def encode_message(given: Message) -> bytes:
    """Encode a whole message.

    Args:
        given: The message.

    Returns:
        Its bytes, header included.

    Raises:
        LlrpError: If it has no layout, or does not fit it.
    """
    known = _by_name().get(given.name)
    if known is None:
        raise LlrpError(f"no message is named {given.name}", StatusCode.M_UnsupportedMessage)
    layout, vendor = known
    check_parameters(layout, given.body.parameters)
    body = (
        vendor
        + layout.encode_fields(given.body.fields)
        + b"".join(map(encode_parameter, given.body.parameters))
    )
    number = _CUSTOM_MESSAGE if vendor else layout.number
    return frame(number, body, given.message_id)


def frame(number: int, body: bytes, message_id: int = 0) -> bytes:
    """Put a header before a body.

    Args:
        number: Message type.
        body: As it is.
        message_id: Of the header.

    Returns:
        A whole message.
    """
    return (
        HEADER.pack(PROTOCOL_VERSION << _VERSION_SHIFT | number, HEADER.size + len(body), message_id) + body
    )


def message_id_of(data: bytes) -> int:
    """Give the message id of a whole message, whatever else is wrong with it.

    Args:
        data: At least a header.

    Returns:
        The id.
    """
    return int(HEADER.unpack_from(data)[2])


def name_of(data: bytes) -> str | None:
    """Tell which message the bytes are, without decoding their body.

    Args:
        data: At least a header.

    Returns:
        Its name, ``CUSTOM_MESSAGE`` for any vendor's; nothing if the type is unknown.
    """
    layout = _by_number().get(HEADER.unpack_from(data)[0] & _TYPE_MASK)
    return None if layout is None else layout.name


def decode_message(data: bytes) -> Message:
    """Decode a whole message.

    Args:
        data: Header and body, no byte more.

    Returns:
        The message.

    Raises:
        UnsupportedMessageError: If the version or the type is unknown.
        LlrpError: If the body does not fit its layout.
    """
    if len(data) < HEADER.size:
        raise LlrpError(f"{len(data)} bytes: expected at least {HEADER.size}", StatusCode.M_FieldError)
    head, length, message_id = HEADER.unpack_from(data)
    if length != len(data):
        raise LlrpError(f"header tells {length} bytes, got {len(data)}", StatusCode.M_FieldError)
    version = head >> _VERSION_SHIFT & _VERSION_MASK
    if version != PROTOCOL_VERSION:
        raise UnsupportedMessageError(
            f"version {version}: expected {PROTOCOL_VERSION}", StatusCode.M_UnsupportedVersion
        )
    return Message(decode_body(head & _TYPE_MASK, data[HEADER.size :]), message_id)


def decode_body(number: int, data: bytes) -> Element:
    """Decode what follows a message's header.

    Args:
        number: Message type.
        data: The body.

    Returns:
        Fields and parameters under the message's name.

    Raises:
        UnsupportedMessageError: If the type is unknown.
    """
    body = memoryview(data)
    layout = _by_number().get(number)
    if layout is None:
        raise UnsupportedMessageError(
            f"message type {number} is not one of LLRP 1.0.1", StatusCode.M_UnsupportedMessage
        )
    if number == _CUSTOM_MESSAGE and len(data) >= _VENDOR.size:
        special = _vendors().get(_VENDOR.unpack_from(data))
        if special is not None:
            layout, body = special, body[_VENDOR.size :]
    fields, size = layout.decode_fields(body)
    parameters = decode_parameters(body[size:])
    check_parameters(layout, parameters)
    return Element(layout.name, fields, parameters)


class Framer:
    """Cuts a stream of bytes into whole messages."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._kept = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes as they arrive.

        Args:
            data: Any number of them.

        Returns:
            The messages that became whole, in order.

        Raises:
            LlrpError: If a length is impossible; the stream is then lost.
        """
        self._kept += data
        whole = []
        while len(self._kept) >= HEADER.size:
            length = HEADER.unpack_from(self._kept)[1]
            if not HEADER.size <= length <= MAX_MESSAGE_BYTES:
                raise LlrpError(
                    f"message length {length}: expected {HEADER.size} to {MAX_MESSAGE_BYTES}",
                    StatusCode.M_FieldError,
                )
            if len(self._kept) < length:
                break
            whole.append(bytes(self._kept[:length]))
            del self._kept[:length]
        return whole
