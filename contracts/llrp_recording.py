"""LLRP messages as they came from readers, with their arrival times: entries in, bytes out, and back.

A recording begins with ``MAGIC``. Each entry is the arrival time (unsigned 64-bit, microseconds since 1970 in
UTC), the length of the reader's id (one byte), the id (ASCII), and one whole LLRP message, whose own header
tells its length (LLRP 1.0.1, section 9.2). All numbers are big-endian.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

MAGIC: Final = b"LLRPREC1"
MAX_MESSAGE_BYTES: Final = 1 << 20
"""A longer message is taken for damage."""

_ENTRY: Final = struct.Struct(">QB")
_MESSAGE: Final = struct.Struct(">HII")


class RecordingError(ValueError):
    """The bytes are no recording, or end in the middle of an entry; the message names the place."""


class Entry(NamedTuple):
    """One message of one reader."""

    arrived_us: int
    """Microseconds since 1970, UTC."""
    reader: str
    message: bytes
    """Header included."""


def encode_entry(entry: Entry) -> bytes:
    """Encode one entry, without the magic that begins a file.

    Args:
        entry: A whole message.

    Returns:
        Its bytes.
    """
    name = entry.reader.encode("ascii")
    return _ENTRY.pack(entry.arrived_us, len(name)) + name + entry.message


def read_entries(data: bytes) -> Iterator[Entry]:
    """Take a recording apart.

    Args:
        data: A whole recording, magic included.

    Yields:
        Entries in their order.

    Raises:
        RecordingError: If the magic is missing, an entry is cut short or a length is impossible.
    """
    if not data.startswith(MAGIC):
        raise RecordingError(f"expected {MAGIC!r} at offset 0, got {data[: len(MAGIC)]!r}")
    offset = len(MAGIC)
    while offset < len(data):
        try:
            arrived_us, name_bytes = _ENTRY.unpack_from(data, offset)
            begin = offset + _ENTRY.size + name_bytes
            _, length, _ = _MESSAGE.unpack_from(data, begin)
        except struct.error as error:
            raise RecordingError(f"entry at offset {offset}: cut short at {len(data)} bytes") from error
        end = begin + length
        if not _MESSAGE.size <= length <= MAX_MESSAGE_BYTES or end > len(data):
            raise RecordingError(
                f"entry at offset {offset}: message length {length}, expected {_MESSAGE.size} to "
                f"{min(MAX_MESSAGE_BYTES, len(data) - begin)}"
            )
        yield Entry(arrived_us, data[offset + _ENTRY.size : begin].decode("ascii"), data[begin:end])
        offset = end
