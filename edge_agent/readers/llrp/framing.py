"""Bytes of a reader's connection in, whole LLRP messages out; pure.

A message begins with 10 bytes: 3 reserved bits, 3 bits of version, 10 of type, its length in bytes and its id
(LLRP 1.0.1, section 9.2). The length is all that separates messages, so once it cannot be right all is lost.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

MESSAGE_HEADER: Final = struct.Struct(">HII")
MAX_MESSAGE_BYTES: Final = 1 << 20
TYPE_MASK: Final = 0x3FF

_VERSION_SHIFT: Final = 10
_VERSIONS: Final = frozenset({1, 2})
"""LLRP 1.0.1 and 1.1, whose messages are framed alike. The reserved bits above must be 0."""


class FramingLostError(ValueError):
    """What came is no message header: nothing after it can be told apart. The message names it."""


@dataclass(slots=True)
class Framer:
    """Cuts one connection's bytes into messages, however they are chunked."""

    buffered: bytearray = field(default_factory=bytearray)
    """A message whose end has not come yet."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take the next bytes; to be exhausted before the next call.

        Args:
            data: Any number of bytes, cut anywhere.

        Yields:
            The messages that they completed, headers included.

        Raises:
            FramingLostError: If a header is impossible; all messages before it have been given.
        """
        self.buffered += data
        offset = 0
        while len(self.buffered) - offset >= MESSAGE_HEADER.size:
            head, length, _ = MESSAGE_HEADER.unpack_from(self.buffered, offset)
            if (
                head >> _VERSION_SHIFT not in _VERSIONS
                or not MESSAGE_HEADER.size <= length <= MAX_MESSAGE_BYTES
            ):
                got = bytes(self.buffered[offset : offset + MESSAGE_HEADER.size]).hex(" ")
                raise FramingLostError(
                    f"expected a message header of version 1 with a length of {MESSAGE_HEADER.size} to "
                    f"{MAX_MESSAGE_BYTES}, got {got}"
                )
            if len(self.buffered) - offset < length:
                break
            yield bytes(self.buffered[offset : offset + length])
            offset += length
        del self.buffered[:offset]


def message_type(message: bytes) -> int:
    """Tell a message's type.

    Args:
        message: Header included.

    Returns:
        The number of LLRP 1.0.1, table 1.
    """
    return int.from_bytes(message[:2], "big") & TYPE_MASK
