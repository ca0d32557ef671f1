"""An R700's HTTP stream: events in, a line each to every client that gives the password."""

import base64
import queue
import threading
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final, Self

from typing_extensions import override

PATH: Final = "/api/v1/data/stream"
_QUEUED_LINES: Final = 100_000
_POLL_S: Final = 0.05


class StreamServer:
    """Serves on threads of its own until it is stopped."""

    def __init__(
        self, password: str, *, heartbeat_s: float = 30.0, listen: tuple[str, int] = ("127.0.0.1", 0)
    ) -> None:
        """Prepare; ``start`` listens.

        Args:
            password: Of user ``root``.
            heartbeat_s: Between two empty lines.
            listen: Where; by default a port of the system's choice on this machine.
        """
        self._password = password
        self._heartbeat_s = heartbeat_s
        self._listen = listen
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._clients: set[queue.Queue[bytes | None]] = set()
        self._changed = threading.Condition()
        self._is_over = False
        self.is_mute = False
        """Not even empty lines."""

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    @property
    def url(self) -> str:
        """Where the stream is."""
        return f"http://{self._listen[0]}:{self._listen[1]}{PATH}"

    def start(self) -> None:
        """Listen, on the port that it had before if it had one."""
        self._is_over = False
        self._server = _Server(self._listen, partial(_Handler, self))
        self._listen = str(self._server.server_address[0]), int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_S,), name="iot-stream")
        self._thread.start()

    def stop(self) -> None:
        """Hang up on everybody and join every thread."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        with self._changed:
            self._is_over = True
        self.hang_up()
        self._server.server_close()
        self._thread.join()
        self._server = self._thread = None

    def send(self, payload: bytes) -> None:
        """Give everybody one line.

        Args:
            payload: Without its end.
        """
        self._give(payload + b"\r\n")

    def send_raw(self, data: bytes) -> None:
        """Give everybody these bytes.

        Args:
            data: As they are.
        """
        self._give(data)

    def hang_up(self) -> None:
        """Close everybody's stream."""
        self._give(None)

    def wait_for_clients(self, count: int, timeout_s: float) -> bool:
        """Wait until so many listen.

        Args:
            count: How many.
            timeout_s: Patience.

        Returns:
            Whether they came.
        """
        with self._changed:
            return self._changed.wait_for(lambda: len(self._clients) >= count, timeout_s)

    def is_known(self, header: str | None) -> bool:
        """Tell whether a client may listen.

        Args:
            header: Its authorization.

        Returns:
            Whether it gave the password.
        """
        pair = base64.b64encode(f"root:{self._password}".encode()).decode()
        return header == f"Basic {pair}"

    def lines(self) -> "queue.Queue[bytes | None]":
        """Let one more listen.

        Returns:
            What it will be given; None ends it.
        """
        mine: queue.Queue[bytes | None] = queue.Queue(_QUEUED_LINES)
        with self._changed:
            if self._is_over:
                mine.put(None)
            self._clients.add(mine)
            self._changed.notify_all()
        return mine

    def forget(self, mine: "queue.Queue[bytes | None]") -> None:
        """Let one less listen.

        Args:
            mine: As ``lines`` gave it.
        """
        with self._changed:
            self._clients.discard(mine)

    @property
    def heartbeat_s(self) -> float:
        """Between two empty lines."""
        return self._heartbeat_s

    def _give(self, data: bytes | None) -> None:
        with self._changed:
            for each in self._clients:
                each.put(data)


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    @override
    def server_bind(self) -> None:
        # HTTPServer looks up the machine's name here, which may ask a network that is away.
        TCPServer.server_bind(self)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 0

    def __init__(self, stream: StreamServer, *arguments: Any) -> None:
        self._stream = stream
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self.close_connection = True
        if not self._stream.is_known(self.headers.get("Authorization")):
            self.send_error(HTTPStatus.UNAUTHORIZED)
            return
        if self.path != PATH:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        mine = self._stream.lines()
        try:
            while (data := self._next(mine)) is not None:
                if data:
                    self.wfile.write(f"{len(data):X}\r\n".encode() + data + b"\r\n")
        except OSError:
            return  # it has gone
        finally:
            self._stream.forget(mine)

    def _next(self, mine: "queue.Queue[bytes | None]") -> bytes | None:
        try:
            return mine.get(timeout=self._stream.heartbeat_s)
        except queue.Empty:
            return b"" if self._stream.is_mute else b"\r\n"

    @override
    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""
