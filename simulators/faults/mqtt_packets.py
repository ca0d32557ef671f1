"""MQTT control packets cut out of a byte stream: the fixed header only, as MQTT 3.1.1 and 5 share it."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

_LENGTH_BYTES_MAX: Final = 4


class PacketType(IntEnum):
    """Control packet types (MQTT 5, table 2-1)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


class MqttFramingError(ValueError):
    """Bytes that cannot be an MQTT control packet."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One control packet, whole."""

    type: PacketType
    raw: bytes


class PacketSplitter:
    """Cuts a byte stream into packets; keeps what is incomplete."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._rest = b""

    def feed(self, data: bytes) -> list[Packet]:
        """Take bytes that arrived.

        Args:
            data: Any part of the stream.

        Returns:
            The packets that are now whole, in order.

        Raises:
            MqttFramingError: If the type is 0 or the remaining length exceeds four bytes.
        """
        self._rest += data
        packets: list[Packet] = []
        while (end := _packet_end(self._rest)) is not None and end <= len(self._rest):
            raw, self._rest = self._rest[:end], self._rest[end:]
            packets.append(Packet(PacketType(raw[0] >> 4), raw))
        return packets


def _packet_end(data: bytes) -> int | None:
    """Read where the first packet ends; None while its length is not there yet."""
    if not data:
        return None
    if data[0] >> 4 == 0:
        raise MqttFramingError(f"control packet type 0 in byte 0x{data[0]:02x}, expected 1 to 15")
    length = 0
    for n, byte in enumerate(data[1 : 1 + _LENGTH_BYTES_MAX]):
        length |= (byte & 0x7F) << 7 * n
        if not byte & 0x80:
            return 2 + n + length
    if len(data) > _LENGTH_BYTES_MAX:
        raise MqttFramingError(f"remaining length {data[1:5].hex()} has no end, expected at most four bytes")
    return None
