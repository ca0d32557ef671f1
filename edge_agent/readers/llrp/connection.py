"""One TCP or TLS connection to a reader: whole messages in and out; ``poll`` takes any descriptor."""

import errno
import os
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from edge_agent.readers.llrp.framing import Framer
from edge_agent.readers.llrp.settings import ReaderSettings

CONNECT_S: Final = 5.0
"""For the network, and again for TLS."""
WRITE_S: Final = 5.0
"""A reader that takes none of our few bytes for so long is not there any more."""
_CHUNK_BYTES: Final = 65536


class Wakeup:
    """Ends a wait from another thread."""

    def __init__(self) -> None:
        """Open a pair of sockets."""
        self._reader, self._writer = socket.socketpair()
        self._reader.settimeout(0)
        self._writer.settimeout(0)

    def fileno(self) -> int:
        """Give the descriptor to wait for."""
        return self._reader.fileno()

    def set(self) -> None:
        """Wake whoever waits, now or next time; once closed, nobody does."""
        try:
            self._writer.send(b"\0")
        except OSError:
            return  # it is awake already, many times over, or it has ended

    def clear(self) -> None:
        """Forget all calls of ``set``."""
        try:
            while self._reader.recv(_CHUNK_BYTES):
                pass
        except BlockingIOError:
            return

    def close(self) -> None:
        """Close both sockets."""
        self._reader.close()
        self._writer.close()


class Connection:
    """Owned by one thread; nothing of it outlives ``close``."""

    def __init__(self, settings: ReaderSettings, wakeup: Wakeup, is_over: Callable[[], bool]) -> None:
        """Connect.

        Args:
            settings: Where to, and how.
            wakeup: Ends a wait early.
            is_over: Whether there is no use in connecting any more; asked when woken.

        Raises:
            OSError: If the reader cannot be reached or does not prove who it is.
        """
        self._framer = Framer()
        plain = _connected(settings.address, wakeup, is_over)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self.pin: str | None = None
            """Fingerprint of the certificate that the reader showed."""
            self._socket = plain
            if settings.tls:
                self._socket, self.pin = _encrypted(plain, settings)
            self._socket.settimeout(WRITE_S)
        except BaseException:
            plain.close()
            raise
        self._wakeup = wakeup
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._poll.register(wakeup.fileno(), select.POLLIN)

    def receive(self, wait_s: float) -> Iterator[bytes]:
        """Wait for messages; the last call's must have been taken.

        Args:
            wait_s: At most; it ends early when woken.

        Yields:
            Whole messages.

        Raises:
            ConnectionError: If the reader closed the connection.
            OSError: If it is lost.
            FramingLostError: If what came is no LLRP.
        """
        has_pending = isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0
        ready = [] if has_pending else self._poll.poll(max(wait_s, 0.0) * 1000)
        descriptors = {descriptor for descriptor, _ in ready}
        if self._wakeup.fileno() in descriptors:
            self._wakeup.clear()
        if has_pending or self._socket.fileno() in descriptors:
            yield from self._framer.feed(self._read())

    def send(self, message: bytes) -> None:
        """Send a whole message.

        Args:
            message: Header included.

        Raises:
            OSError: If the connection is lost, or the reader takes nothing.
        """
        self._socket.sendall(message)

    def close(self) -> None:
        """Close it, without a word."""
        self._socket.close()

    def _read(self) -> bytes:
        try:
            data = self._socket.recv(_CHUNK_BYTES)
        except (TimeoutError, ssl.SSLWantReadError):
            return b""  # part of a TLS record
        if not data:
            raise ConnectionResetError("closed by the reader")
        return data


def _connected(address: tuple[str, int], wakeup: Wakeup, is_over: Callable[[], bool]) -> socket.socket:
    """Try each address that the name has, as long as it is of use."""
    try:
        found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"host {address[0]!r} is no name: {error}") from error
    failure = OSError(f"host {address[0]!r} has no address")
    for family, kind, protocol, _, place in found:
        tried = socket.socket(family, kind, protocol)
        try:
            _connect(tried, place, wakeup, is_over)
        except OSError as error:
            tried.close()
            failure = error
        else:
            return tried
    raise failure


def _connect(tried: socket.socket, place: Any, wakeup: Wakeup, is_over: Callable[[], bool]) -> None:
    tried.settimeout(0)
    number = tried.connect_ex(place)
    poll = select.poll()
    poll.register(tried, select.POLLOUT)
    poll.register(wakeup.fileno(), select.POLLIN)
    until_s = time.monotonic() + CONNECT_S
    while number == errno.EINPROGRESS:
        ready = {descriptor for descriptor, _ in poll.poll(max(0.0, until_s - time.monotonic()) * 1000)}
        if wakeup.fileno() in ready:
            wakeup.clear()
        if tried.fileno() in ready:
            number = tried.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        elif is_over() or time.monotonic() >= until_s:
            number = errno.ETIMEDOUT
    if number:
        raise OSError(number, os.strerror(number))
    tried.settimeout(CONNECT_S)


def _encrypted(plain: socket.socket, settings: ReaderSettings) -> tuple[ssl.SSLSocket, str]:
    encrypted = settings.context().wrap_socket(plain, server_hostname=settings.host)
    try:
        return encrypted, settings.believe(encrypted)
    except ConnectionRefusedError:
        encrypted.close()
        raise
