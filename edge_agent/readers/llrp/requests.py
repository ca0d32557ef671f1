"""The messages that the agent sends to a reader, as bytes; pure. Numbers are of LLRP 1.0.1, section 16."""

import struct
from collections.abc import Iterable
from enum import IntEnum
from typing import Final, NamedTuple

from edge_agent.readers.llrp.framing import MESSAGE_HEADER

IMPINJ: Final = 25882
ZEBRA: Final = 161
"""IANA enterprise numbers of the vendors whose extensions are known."""
ALL: Final = 0
"""Stands for all antennas, ports or specs."""

_VERSION: Final = 1 << 10
_CUSTOM_PARAMETER: Final = 1023
_EVENTS: Final = (1, 3, 4, 8)
"""Inputs, filling buffers, exceptions and antennas are told; hops and rounds would only be noise."""
_FLAG: Final = 0x80


class Kind(IntEnum):
    """Types of messages; a response's is its request's and 10 more, but for CLOSE_CONNECTION's."""

    GET_READER_CAPABILITIES = 1
    GET_READER_CONFIG = 2
    SET_READER_CONFIG = 3
    CLOSE_CONNECTION_RESPONSE = 4
    GET_READER_CAPABILITIES_RESPONSE = 11
    GET_READER_CONFIG_RESPONSE = 12
    SET_READER_CONFIG_RESPONSE = 13
    CLOSE_CONNECTION = 14
    ADD_ROSPEC = 20
    DELETE_ROSPEC = 21
    START_ROSPEC = 22
    ENABLE_ROSPEC = 24
    DISABLE_ROSPEC = 25
    ADD_ROSPEC_RESPONSE = 30
    DELETE_ROSPEC_RESPONSE = 31
    START_ROSPEC_RESPONSE = 32
    ENABLE_ROSPEC_RESPONSE = 34
    DISABLE_ROSPEC_RESPONSE = 35
    DELETE_ACCESSSPEC = 41
    DISABLE_ACCESSSPEC = 43
    DELETE_ACCESSSPEC_RESPONSE = 51
    DISABLE_ACCESSSPEC_RESPONSE = 53
    RO_ACCESS_REPORT = 61
    KEEPALIVE = 62
    READER_EVENT_NOTIFICATION = 63
    ENABLE_EVENTS_AND_REPORTS = 64
    KEEPALIVE_ACK = 72
    ERROR_MESSAGE = 100
    CUSTOM_MESSAGE = 1023


class Request(NamedTuple):
    """One message that a reader answers."""

    name: str
    """The standard's, for messages to people."""
    kind: Kind
    answer: Kind
    body: bytes

    def encode(self, message_id: int) -> bytes:
        """Encode it.

        Args:
            message_id: Which the answer repeats.

        Returns:
            The whole message.
        """
        return message(self.kind, message_id, self.body)


def message(kind: Kind, message_id: int, body: bytes = b"") -> bytes:
    """Put a header before a body.

    Args:
        kind: Its type.
        message_id: Any number of 32 bits.
        body: Parameters and fields.

    Returns:
        The whole message.
    """
    return MESSAGE_HEADER.pack(_VERSION | kind, MESSAGE_HEADER.size + len(body), message_id) + body


def tlv(kind: int, form: str, *fields: object, parameters: Iterable[bytes] = ()) -> bytes:
    """Encode a parameter with type and length.

    Args:
        kind: Its type.
        form: Of its fields, as ``struct`` spells them, without byte order.
        *fields: Their values.
        parameters: What it contains, encoded.

    Returns:
        Its bytes.
    """
    body = struct.pack(">" + form, *fields) + b"".join(parameters)
    return struct.pack(">HH", kind, 4 + len(body)) + body


def custom(vendor: int, subtype: int, form: str, *fields: object, parameters: Iterable[bytes] = ()) -> bytes:
    """Encode a vendor's parameter.

    Args:
        vendor: Enterprise number.
        subtype: Of the vendor's own numbering.
        form: Of its fields.
        *fields: Their values.
        parameters: What it contains, encoded.

    Returns:
        Its bytes.
    """
    return tlv(_CUSTOM_PARAMETER, "II" + form, vendor, subtype, *fields, parameters=parameters)


def request(name: str, body: bytes = b"") -> Request:
    """Make a request.

    Args:
        name: The standard's.
        body: Parameters and fields.

    Returns:
        The request.
    """
    kind = Kind[name]
    return Request(name, kind, Kind(kind + 10), body)


def enable_impinj_extensions() -> Request:
    """Make IMPINJ_ENABLE_EXTENSIONS, without which an Impinj refuses its own parameters.

    Returns:
        The request.
    """
    body = struct.pack(">IBI", IMPINJ, 21, 0)
    return Request("IMPINJ_ENABLE_EXTENSIONS", Kind.CUSTOM_MESSAGE, Kind.CUSTOM_MESSAGE, body)


def get_capabilities() -> Request:
    """Ask for everything that the reader can do.

    Returns:
        The request.
    """
    return request("GET_READER_CAPABILITIES", struct.pack(">B", ALL))


def get_inputs() -> Request:
    """Ask for the levels of all inputs.

    Returns:
        The request.
    """
    gpi_port_current_state = 9
    return request("GET_READER_CONFIG", struct.pack(">HBHH", 0, gpi_port_current_state, ALL, ALL))


def of_spec(name: str, spec_id: int = ALL) -> Request:
    """Make a request about an AccessSpec or a ROSpec.

    Args:
        name: The standard's.
        spec_id: Which; by default all.

    Returns:
        The request.
    """
    return request(name, struct.pack(">I", spec_id))


def configure(*, keepalive_s: float, inputs: int) -> Request:
    """Set keepalives, the events to be told, and the inputs to be watched; nothing is held back.

    Args:
        keepalive_s: Between two keepalives.
        inputs: How many inputs the reader has.

    Returns:
        The request.
    """
    events = [tlv(245, "HB", event, _FLAG) for event in _EVENTS]
    parameters = (
        tlv(244, "", parameters=events),
        tlv(220, "BI", 1, round(keepalive_s * 1000)),
        *(tlv(225, "HBB", port, _FLAG, 2) for port in range(1, inputs + 1)),
        tlv(226, "B", 0),
    )
    return request("SET_READER_CONFIG", struct.pack(">B", 0) + b"".join(parameters))


def write_output(port: int, *, on: bool) -> Request:
    """Set one output.

    Args:
        port: From 1.
        on: Whether it is to be high.

    Returns:
        The request.
    """
    return request("SET_READER_CONFIG", struct.pack(">B", 0) + tlv(219, "HB", port, _FLAG if on else 0))
