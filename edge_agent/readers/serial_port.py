"""A serial scanner: device path or URL in, whole scans to a listener; the only door to pyserial.

``/dev/serial/by-id/...``, a pseudo-terminal, ``socket://host:port`` and ``rfc2217://host:port`` all work, and
``evdev://`` and ``listen://`` as ``readers.ports`` has them. An unplugged scanner is waited for with backoff,
for ever; a silent one is left alone.
"""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import serial
import structlog

from edge_agent.readers.framing import Deframer, Frame
from edge_agent.readers.line import LineCounters, LineListener, LineState
from edge_agent.readers.ports import READ_S, Call, CalledPort, KeyboardPort, Port
from edge_agent.readers.profile import ScannerProfile

FIRST_RETRY_S: Final = 0.1
LONGEST_RETRY_S: Final = 2.0
_WRITE_TIMEOUT_S: Final = 2.0
_CHUNK_BYTES: Final = 4096
_PARITY: Final = {"none": serial.PARITY_NONE, "even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD}

log = structlog.get_logger()


class SerialScanner:
    """One scanner with its own thread, which ends with ``stop`` and with nothing else."""

    def __init__(self, scanner_id: str, port: str, profile: ScannerProfile, listener: LineListener) -> None:
        """Prepare; nothing is opened before ``start``.

        Args:
            scanner_id: The device id that its records carry.
            port: Path or pyserial URL.
            profile: How this kind of scanner speaks.
            listener: Who receives the scans.
        """
        self.id = scanner_id
        self.port = port
        self.counters = LineCounters()
        self._profile = profile
        self._listener = listener
        self._deframer = Deframer(profile.framing)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"scanner-{scanner_id}")
        self._open_port: Port | None = None
        self._called: CalledPort | None = None
        """Listens from the first try until the end, so that a scanner that calls is never refused."""
        self._last_frame: tuple[Frame, float] | None = None

    def start(self) -> None:
        """Begin to open the port and to read."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, close the port, and wait for both."""
        self._stopping.set()
        self._wake()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._keep_conversing()
        finally:
            # An error of the listener ends the thread, and whoever supervises the agent sees that it did:
            # its work is in the journal up to the last beep.
            self.counters.state = LineState.STOPPED if self._stopping.is_set() else LineState.FAILED
            if self._called is not None:
                self._called.close()

    def _keep_conversing(self) -> None:
        retry_s = FIRST_RETRY_S
        while not self._stopping.is_set():
            self.counters.tries += 1
            try:
                self._open_port = self._open()
            except (serial.SerialException, OSError, ValueError) as error:
                if retry_s == FIRST_RETRY_S and not self.counters.opened:
                    log.warning("scanner_absent", scanner=self.id, port=self.port, error=str(error))
                self._stopping.wait(retry_s)
                retry_s = min(retry_s * 2, LONGEST_RETRY_S)
                continue
            retry_s = FIRST_RETRY_S
            self._converse()
            self._stopping.wait(FIRST_RETRY_S)

    def _open(self) -> Port:
        """Open the port; pyserial drops what stands in its buffer, which began before we listened."""
        scheme, _, path = self.port.partition("://")
        if path and scheme == "evdev":
            return KeyboardPort(path)
        if path and scheme == "listen":
            self._called = self._called or CalledPort(self.port)
            return self._called.accept()
        line = self._profile.line
        return serial.serial_for_url(
            self.port,
            baudrate=line.baud,
            bytesize=line.bytesize,
            parity=_PARITY[line.parity],
            stopbits=line.stopbits,
            timeout=READ_S,
            write_timeout=_WRITE_TIMEOUT_S,
            exclusive=None if "://" in self.port else True,
        )

    def _converse(self) -> None:
        self.counters.state = LineState.OPEN
        self.counters.opened += 1
        log.info("scanner_connected", scanner=self.id, port=self.port, times=self.counters.opened)
        cause = "closed"
        try:
            if isinstance(self._open_port, Call) and self._open_port.is_another:
                self._listener.handed_over()
            self._listener.connected(self._send)
            while not self._stopping.is_set():
                self._read_once()
        except (serial.SerialException, OSError, TypeError) as error:
            # TypeError: pyserial's own answer when its descriptor is closed under a read.
            self.counters.lost += 1
            cause = str(error)
        finally:
            self._hang_up(cause)

    def _read_once(self) -> None:
        port = self._port()
        data = port.read(max(1, min(port.in_waiting, _CHUNK_BYTES)))
        if not data:
            self._listener.silent()
            return
        self.counters.bytes_read += len(data)
        self.counters.last_heard_at = datetime.now(UTC)
        frames = self._without_doubles(self._deframer.feed(data))
        self._count_noise()
        if frames:
            self.counters.frames += len(frames)
            self._listener.scanned(frames)

    def _without_doubles(self, frames: Sequence[Frame]) -> list[Frame]:
        window_s = self._profile.scan.double_scan_s
        if not window_s:
            return list(frames)
        now_s, kept = time.monotonic(), []
        for frame in frames:
            last = self._last_frame
            is_double = last is not None and last[0] == frame and now_s - last[1] < window_s
            self._last_frame = (frame, now_s)
            if is_double:
                self.counters.double_scans += 1
                log.info("double_scan_not_repeated", scanner=self.id, times=self.counters.double_scans)
            else:
                kept.append(frame)
        return kept

    def _count_noise(self) -> None:
        noise = self._deframer.noise
        if noise.bytes != self.counters.noise_bytes:
            self.counters.noise_bytes, self.counters.noise_frames = noise.bytes, noise.frames
            log.info("scanner_noise", scanner=self.id, total_bytes=noise.bytes, total_frames=noise.frames)

    def _send(self, data: bytes) -> None:
        try:
            self._port().write(data)
        except (serial.SerialException, OSError):
            self.counters.unsent += 1  # the work is durable; only its beep is lost with the scanner

    def _hang_up(self, cause: str) -> None:
        self.counters.state = LineState.WAITING
        self._deframer.reset()
        self._count_noise()
        self._last_frame = None
        port, self._open_port = self._port(), None
        connection = getattr(port, "_socket", None)
        port.close()
        if connection is not None:
            connection.close()  # pyserial forgets a socket whose peer went first without closing it
        log.warning("scanner_lost", scanner=self.id, port=self.port, cause=cause)
        self._listener.disconnected()

    def _wake(self) -> None:
        port: Any = self._open_port
        if port is not None and hasattr(port, "cancel_read"):
            with suppress(OSError):  # its own thread may be closing it, and is awake then
                port.cancel_read()

    def _port(self) -> Port:
        if self._open_port is None:
            raise serial.PortNotOpenError
        return self._open_port
