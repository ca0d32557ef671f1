"""One client's connection: messages in, bytes on a socket out, as whole or broken as faults have it."""

import socket
import struct
from collections import deque
from dataclasses import dataclass
from typing import Final

from simulators.llrp_reader.messages import Framer
from simulators.llrp_reader.voice import Outgoing

MAX_UNSENT_BYTES: Final = 1 << 20
"""A client that leaves more than this unread loses reports."""

_READ_BYTES: Final = 1 << 16
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
_NEVER: Final = 1 << 63


class LinkLostError(Exception):
    """The client has gone."""


@dataclass
class Conditions:
    """Lasting faults of the link; they outlive a connection."""

    is_silent: bool = False
    """Nothing is sent any more, and nobody is told."""
    is_crumbling: bool = False
    """Each byte is sent by itself."""
    answer_delay_us: int = 0
    """Answers wait so long; events, reports and keepalives do not."""


class Link:
    """Not thread-safe: it belongs to the thread that serves it."""

    def __init__(self, peer: socket.socket, conditions: Conditions) -> None:
        """Take an accepted connection.

        Args:
            peer: The socket.
            conditions: Which faults hold.
        """
        peer.settimeout(0)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.peer = peer
        self.lost_reports = 0
        """For want of room, while the client did not read."""
        self.last_report = b""
        """The latest report that was sent: what a broken one looks like."""
        self._conditions = conditions
        self._framer = Framer()
        self._unsent = bytearray()
        self._delayed: deque[tuple[int, bytes]] = deque()
        self._is_half_closed = False
        self._is_over = False

    @property
    def wants_to_write(self) -> bool:
        """Whether bytes wait for room in the socket."""
        return bool(self._unsent)

    @property
    def is_drained(self) -> bool:
        """Whether all that was said is sent."""
        return not self._unsent and not self._delayed

    @property
    def due_us(self) -> int:
        """When the next delayed answer is due."""
        return self._delayed[0][0] if self._delayed else _NEVER

    def receive(self) -> list[bytes]:
        """Read what has arrived.

        Returns:
            Whole messages.

        Raises:
            LinkLostError: If the client closed or reset the connection, or sent what is no LLRP.
        """
        try:
            data = self.peer.recv(_READ_BYTES)
        except BlockingIOError:
            return []
        except OSError as error:
            raise LinkLostError(str(error)) from error
        if not data:
            raise LinkLostError("closed by the client")
        try:
            return self._framer.feed(data)
        except ValueError as error:
            raise LinkLostError(str(error)) from error

    def send(self, outgoing: list[Outgoing], now_us: int) -> None:
        """Send messages, or let them wait, or drop them, as the conditions are.

        Args:
            outgoing: In order.
            now_us: The time.
        """
        for name, data in outgoing:
            if self._conditions.is_silent:
                continue
            if self._conditions.answer_delay_us and name.endswith("_RESPONSE"):
                self._delayed.append((now_us + self._conditions.answer_delay_us, data))
            elif name == "RO_ACCESS_REPORT":
                self._send_report(data)
            else:
                self.inject(data)

    def inject(self, data: bytes) -> None:
        """Put bytes on the line as they are.

        Args:
            data: Anything.
        """
        if not self._is_half_closed:
            self._unsent += data

    def flush(self, now_us: int) -> None:
        """Send what is due and finds room.

        Args:
            now_us: The time.

        Raises:
            LinkLostError: If the client has gone.
        """
        if self._is_over:
            raise LinkLostError("ended by a fault")
        while self._delayed and self._delayed[0][0] <= now_us:
            self.inject(self._delayed.popleft()[1])
        try:
            if self._conditions.is_crumbling and self._unsent:
                del self._unsent[: self.peer.send(self._unsent[:1])]
                return  # the next byte has its own turn
            while self._unsent:
                del self._unsent[: self.peer.send(self._unsent)]
        except BlockingIOError:
            return
        except OSError as error:
            raise LinkLostError(str(error)) from error

    def reset(self) -> None:
        """End the connection by a TCP reset."""
        if self._is_over:
            return
        self._is_over = True
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.peer.close()

    def half_close(self) -> None:
        """End this direction; the other lives on.

        Raises:
            LinkLostError: If the client has gone.
        """
        self._is_half_closed = True
        try:
            self.peer.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise LinkLostError(str(error)) from error

    def close(self) -> None:
        """End the connection after what could be sent."""
        self.peer.close()

    def _send_report(self, data: bytes) -> None:
        if len(self._unsent) > MAX_UNSENT_BYTES:
            self.lost_reports += 1
            return
        self.last_report = data
        self.inject(data)
