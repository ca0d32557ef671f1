"""How far this machine's clock is from a time server's: SNTP (RFC 4330) asked, an offset in seconds out.

The clock is only compared, never set: that is the system's business.
"""

import socket
import struct
import threading
import time
from typing import Final

import structlog

PORT: Final = 123
ASK_EVERY_S: Final = 64.0
ANSWER_S: Final = 2.0
_REQUEST: Final = bytes([0x23]) + bytes(39)
"""Version 4, client; the last eight bytes of 48 carry our own time."""
_ANSWER: Final = struct.Struct(">B B 22x 8s Q Q")
_SERVER: Final = 4
_UNSYNCHRONISED: Final = 3
_ERA_S: Final = 2_208_988_800
"""From 1900, where NTP begins, to 1970."""
_FRACTION: Final = 2**32
_WRAP: Final = 2**64

log = structlog.get_logger(__name__)


class TimeServerError(Exception):
    """The server gave no time; the message says why."""


def ask_offset_s(host: str, port: int = PORT, *, answer_s: float = ANSWER_S) -> float:
    """Compare clocks once.

    Args:
        host: Of the server.
        port: UDP port.
        answer_s: How long to wait.

    Returns:
        Seconds to add to this machine's clock; right to half the time that the answer took.

    Raises:
        TimeServerError: If it does not answer, or does not know the time itself.
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(answer_s)
            asking.connect((host, port))
            sent = _to_ntp(time.time())
            asking.send(_REQUEST + struct.pack(">Q", sent))
            answer = asking.recv(512)
            received = _to_ntp(time.time())
    except OSError as error:
        raise TimeServerError(f"{host}:{port} does not answer: {error}") from error
    return _offset_s(answer, sent, received, f"{host}:{port}")


class TimeServer:
    """Asks again and again on a thread of its own."""

    def __init__(self, host: str, port: int = PORT) -> None:
        """Prepare; ``start`` asks.

        Args:
            host: Of the server.
            port: UDP port.
        """
        self._host, self._port = host, port
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="time-server")
        self._is_heard = True
        self.offset_s: float | None = None
        """Of the last answer; None while there is none."""

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.offset_s = ask_offset_s(self._host, self._port)
                self._is_heard = True
            except TimeServerError as error:
                self.offset_s = None
                if self._is_heard:
                    log.warning("time_server_silent", detail=str(error))
                self._is_heard = False
            self._stopping.wait(ASK_EVERY_S)


def _offset_s(answer: bytes, sent: int, received: int, name: str) -> float:
    if len(answer) < _ANSWER.size:
        raise TimeServerError(f"{name} answers with {len(answer)} bytes: expected at least {_ANSWER.size}")
    head, stratum, echoed, arrived, left = _ANSWER.unpack_from(answer)
    if head & 0x07 != _SERVER or echoed != struct.pack(">Q", sent):
        raise TimeServerError(f"{name} answers something that was not asked")
    if head >> 6 == _UNSYNCHRONISED or not stratum:
        raise TimeServerError(f"{name} does not know the time itself")
    return (_apart(arrived, sent) + _apart(left, received)) / 2 / _FRACTION


def _apart(later: int, earlier: int) -> int:
    """Subtract 64-bit timestamps that wrap, as they do in 2036."""
    apart = (later - earlier) % _WRAP
    return apart - _WRAP if apart >= _WRAP // 2 else apart


def _to_ntp(unix_s: float) -> int:
    return int((unix_s + _ERA_S) * _FRACTION) % _WRAP
