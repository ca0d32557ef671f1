"""Ports that scanners are read from beside serial lines: a keyboard of its own, and a TCP port that it calls.

``evdev:///dev/input/by-id/…-event-kbd`` reads Linux's input events itself, without a library, and takes the
device for itself, so that scans are typed into nothing else. ``listen://address:port?from=address`` waits for
a scanner that calls, such as an Android handheld with DataWedge.
"""

import fcntl
import ipaddress
import os
import select
import socket
import stat
from contextlib import suppress
from typing import Final, Protocol
from urllib.parse import parse_qs, urlsplit

from edge_agent.readers.keys import EVENT, Keys

READ_S: Final = 0.5
_EVIOCGRAB: Final = 0x40044590
"""``_IOW('E', 0x90, int)`` of linux/input.h."""
_EVENTS_AT_ONCE: Final = 64
_CHUNK_BYTES: Final = 4096
_WRITE_S: Final = 2.0


def listens_to_anybody(url: str) -> bool:
    """Tell whether others than this machine could call, with nobody named who may.

    Args:
        url: Of a scanner's port.

    Returns:
        Whether that is so.
    """
    parts = urlsplit(url)
    if parts.scheme != "listen" or "from" in parse_qs(parts.query):
        return False
    host = parts.hostname or "127.0.0.1"
    try:
        return host != "localhost" and not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True


class Port(Protocol):
    """What a scanner's thread needs; a serial port of pyserial has it too."""

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once."""

    def read(self, size: int = 1) -> bytes:
        """Wait a moment for bytes; none when nothing came."""

    def write(self, data: bytes, /) -> int | None:
        """Send all of them."""

    def close(self) -> None:
        """Give the port back."""


class KeyboardPort:
    """One input device, taken for us alone."""

    in_waiting = _CHUNK_BYTES

    def __init__(self, path: str) -> None:
        """Open and take it.

        Args:
            path: Of the event device; a FIFO stands in for one.

        Raises:
            OSError: If it is away, ours may not be, or somebody else has taken it.
        """
        self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._keys = Keys()
        try:
            if not stat.S_ISFIFO(os.fstat(self._file).st_mode):
                fcntl.ioctl(self._file, _EVIOCGRAB, 1)
        except OSError:
            os.close(self._file)
            raise
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)

    def read(self, _size: int = 1) -> bytes:
        """Wait a moment for keys.

        Args:
            _size: Events are read as they come.

        Returns:
            What they type.

        Raises:
            ConnectionResetError: If the keyboard is gone.
        """
        if not self._poll.poll(READ_S * 1000):
            return b""
        data = os.read(self._file, EVENT.size * _EVENTS_AT_ONCE)
        if not data:
            raise ConnectionResetError("the keyboard is gone")
        return self._keys.feed(data)

    def write(self, data: bytes) -> int:
        """Answer nothing: a keyboard cannot be answered.

        Args:
            data: What would be said.

        Returns:
            Its length.
        """
        return len(data)

    def close(self) -> None:
        """Give it back."""
        os.close(self._file)


class CalledPort:
    """A TCP port that one scanner calls at a time; the newest call is the one that counts."""

    def __init__(self, url: str) -> None:
        """Listen.

        Args:
            url: ``listen://address:port``, with ``?from=address`` if only that one may call.

        Raises:
            OSError: If the port cannot be had.
            ValueError: If the URL has no port.
        """
        parts = urlsplit(url)
        if parts.port is None:
            raise ValueError(f"{url!r}: expected listen://address:port")
        self._only_from = parse_qs(parts.query).get("from", [None])[0]
        self._listener = socket.create_server((parts.hostname or "127.0.0.1", parts.port))
        self._listener.settimeout(READ_S)
        self.address = self._listener.getsockname()[:2]
        self._next: socket.socket | None = None
        self._host: str | None = None
        """Where the last call came from."""

    def accept(self) -> "Call":
        """Wait a moment for a call.

        Returns:
            The call.

        Raises:
            OSError: If nobody, or somebody else, calls.
        """
        peer, self._next = self._next or self._answer(), None
        before, self._host = self._host, peer.getpeername()[0]
        return Call(peer, self, is_another=before not in {None, self._host})

    def is_called_anew(self) -> bool:
        """Answer who calls during a call; whoever may not call ends nothing.

        Returns:
            Whether the scanner calls again: ``accept`` gives that call.
        """
        try:
            self._next = self._answer()
        except OSError:
            return False
        return True

    def fileno(self) -> int:
        """Give the descriptor that a call makes ready.

        Returns:
            It.
        """
        return self._listener.fileno()

    def _answer(self) -> socket.socket:
        try:
            peer, address = self._listener.accept()
        except TimeoutError as error:
            raise TimeoutError("no scanner has called yet") from error
        if self._only_from is not None and address[0] != self._only_from:
            peer.close()
            raise ConnectionRefusedError(f"{address[0]} called: expected {self._only_from}")
        return peer

    def close(self) -> None:
        """Listen no more."""
        if self._next is not None:
            self._next.close()
        self._listener.close()


class Call:
    """One scanner's call."""

    in_waiting = _CHUNK_BYTES

    def __init__(self, peer: socket.socket, called: CalledPort, *, is_another: bool = False) -> None:
        """Begin.

        Args:
            peer: The connection.
            called: Where the next call comes in: it ends this one, whose scanner has most likely lost it.
            is_another: Whether the call before came from another address.
        """
        self._peer, self._called = peer, called
        self.is_another = is_another
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        peer.settimeout(_WRITE_S)
        self._poll = select.poll()
        self._poll.register(peer, select.POLLIN)
        self._poll.register(called, select.POLLIN)

    def read(self, size: int = 1) -> bytes:
        """Wait a moment for bytes.

        Args:
            size: At most.

        Returns:
            What came.

        Raises:
            ConnectionResetError: If the scanner is gone, or calls anew.
        """
        ready = {descriptor for descriptor, _ in self._poll.poll(READ_S * 1000)}
        if self._peer.fileno() in ready:
            data = self._peer.recv(size)
            if not data:
                raise ConnectionResetError("the scanner has hung up")
            return data
        if self._called.fileno() in ready and self._called.is_called_anew():
            raise ConnectionResetError("the scanner calls anew")
        return b""

    def write(self, data: bytes) -> int:
        """Answer.

        Args:
            data: All of it.

        Returns:
            Its length.
        """
        self._peer.sendall(data)
        return len(data)

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self._peer.shutdown(socket.SHUT_RDWR)
        self._peer.close()
