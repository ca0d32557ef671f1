"""Two kinds of READER_EVENT_NOTIFICATION (LLRP 1.0.1, 14.2.6): connected, and an input changed."""

import struct
from typing import Final

_NOTIFICATION: Final = (1 << 10) | 63
_MESSAGE: Final = struct.Struct(">HII")
_DATA: Final = struct.Struct(">HH")
_UTC_TIMESTAMP: Final = struct.Struct(">HHQ")
_GPI_EVENT: Final = struct.Struct(">HHHB")
_CONNECTION_ATTEMPT: Final = struct.Struct(">HHH")


def gpi_event(at_us: int, port: int, *, is_high: bool) -> bytes:
    """Encode a change of a general-purpose input.

    Args:
        at_us: The reader's clock, microseconds since 1970.
        port: GPI port, from 1.
        is_high: Its state now.

    Returns:
        The whole message.
    """
    return _notification(at_us, _GPI_EVENT.pack(248, _GPI_EVENT.size, port, 0x80 if is_high else 0))


def connected(at_us: int) -> bytes:
    """Encode the first message of every connection: success.

    Args:
        at_us: The reader's clock, microseconds since 1970.

    Returns:
        The whole message.
    """
    return _notification(at_us, _CONNECTION_ATTEMPT.pack(256, _CONNECTION_ATTEMPT.size, 0))


def _notification(at_us: int, event: bytes) -> bytes:
    inner = _UTC_TIMESTAMP.pack(128, _UTC_TIMESTAMP.size, at_us) + event
    data = _DATA.pack(246, _DATA.size + len(inner)) + inner
    return _MESSAGE.pack(_NOTIFICATION, _MESSAGE.size + len(data), 0) + data
