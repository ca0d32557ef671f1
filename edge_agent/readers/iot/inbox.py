"""An HTTP endpoint that a reader posts its events to, guarded by a password."""

import base64
import binascii
import hmac
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final

import structlog
from typing_extensions import override

from edge_agent.readers.iot.link import Hands
from edge_agent.readers.iot.settings import IotReaderSettings

MOST_BYTES: Final = 8 * 1024 * 1024
"""A reader posts 10,000 events at once at most, of some 300 bytes."""
MOST_CLIENTS: Final = 8
PATIENCE_S: Final = 10.0
"""A client has so long for each read and write."""
DEADLINE_S: Final = 30.0
"""A request has so long from its first byte, or its connection's last answer, to its end."""
_POLL_S: Final = 0.1

log = structlog.get_logger(__name__)


class HttpInbox:
    """Listens while it runs."""

    def __init__(self, settings: IotReaderSettings) -> None:
        """Prepare.

        Args:
            settings: Where to listen, and for whom.
        """
        self._settings = settings
        self._server: _Server | None = None
        self._over = threading.Event()
        self.address = settings.address
        """Where it listens; the port is known once it runs."""

    def run(self, hands: Hands) -> None:
        """Listen until interrupted.

        Args:
            hands: What to call; the way is open when the first payload came.

        Raises:
            OSError: If the port cannot be opened.
        """
        handler = partial(_Handler, self._is_known, hands)
        with _Server(self._settings.address, handler) as server:
            if self._settings.listen_certificate is not None:
                server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                server.context.load_cert_chain(self._settings.listen_certificate)
            self.address = str(server.server_address[0]), int(server.server_address[1])
            self._server = server
            serving = threading.Thread(
                target=server.serve_forever, args=(_POLL_S,), name=f"reader-{self._settings.id}-inbox"
            )
            serving.start()
            self._over.wait()
            server.shutdown()
            serving.join()
            server.end_clients()

    def interrupt(self) -> None:
        """Close."""
        self._over.set()

    def _is_known(self, header: str | None) -> bool:
        kind, _, given = (header or "").partition(" ")
        password = self._settings.secret
        if kind.lower() == "bearer":
            return hmac.compare_digest(given.strip().encode(), password.encode())
        if kind.lower() != "basic":
            return False
        try:
            pair = base64.b64decode(given.strip(), validate=True)
        except binascii.Error:
            return False
        return hmac.compare_digest(pair, f"{self._settings.user}:{password}".encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    context: ssl.SSLContext | None = None

    def __init__(self, address: tuple[str, int], handler: Callable[..., BaseHTTPRequestHandler]) -> None:
        self._places = threading.BoundedSemaphore(MOST_CLIENTS)
        self._clients: dict[socket.socket, float] = {}
        """With the instant at which each one's present request began."""
        self._turn = threading.Lock()
        self.is_ending = False
        super().__init__(address, handler)

    @override
    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)  # it tries again; nobody else waits for it
            return
        self.begin(request)
        super().process_request(request, client_address)

    def begin(self, client: socket.socket) -> None:
        """Give a client its time for one request.

        Args:
            client: Its connection.
        """
        with self._turn:
            self._clients[client] = time.monotonic()

    def end_clients(self) -> None:
        """Read no more from anybody; who was taken is still answered."""
        self.is_ending = True
        self._end(list(self._clients))

    @override
    def service_actions(self) -> None:
        latest_s = time.monotonic() - DEADLINE_S
        with self._turn:
            late = [client for client, began_s in self._clients.items() if began_s < latest_s]
        self._end(late)

    def _end(self, clients: list[socket.socket]) -> None:
        for client in clients:
            with suppress(OSError):  # gone by itself
                socket.socket.shutdown(client, socket.SHUT_RD)  # of TLS too, whose state stays its thread's

    @override
    def process_request_thread(self, request: Any, client_address: Any) -> None:
        plain = request
        try:
            request.settimeout(PATIENCE_S)
            if self.context is not None:
                request = self.context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
                self.begin(request)
                request.do_handshake()
            super().process_request_thread(request, client_address)
        except OSError:
            self.shutdown_request(request)  # no TLS, or gone
        finally:
            with self._turn:
                for client in (plain, request):
                    self._clients.pop(client, None)
            self._places.release()

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if not isinstance(error, OSError):
            log.error("reader_post_failed", client=str(client_address), exc_info=error)

    @override
    def server_bind(self) -> None:
        # HTTPServer looks up the machine's name here, which may ask a network that is away.
        TCPServer.server_bind(self)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "dockledger"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE_S
    disable_nagle_algorithm = True  # what is answered after its headers would wait 40 ms on a kept connection
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = "text/plain; charset=utf-8"

    def __init__(self, is_known: Callable[[str | None], bool], hands: Hands, *arguments: Any) -> None:
        self._is_known, self._hands = is_known, hands
        super().__init__(*arguments)

    @override
    def handle_one_request(self) -> None:
        self.server.begin(self.connection)
        super().handle_one_request()
        if self.server.is_ending:
            self.close_connection = True

    def do_POST(self) -> None:
        if not self._is_known(self.headers.get("Authorization")):
            self._refuse(HTTPStatus.UNAUTHORIZED, "expected the reader's user and password")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "expected Content-Length")
        elif int(length) > MOST_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected at most {MOST_BYTES} bytes")
        else:
            body = self.rfile.read(int(length))
            if len(body) < int(length):
                self.close_connection = True  # gone in the middle: it posts again
            elif self._hands.payload(body):
                self._answer(HTTPStatus.NO_CONTENT)
            else:
                self._answer(HTTPStatus.SERVICE_UNAVAILABLE)

    def do_GET(self) -> None:
        self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "readers post here")

    @override
    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: what matters is counted."""

    def _refuse(self, status: HTTPStatus, words: str) -> None:
        self.close_connection = True  # the body was not read
        self.send_error(status, words)

    def _answer(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            self.send_header("Retry-After", "1")
            self.send_header("Connection", "close")  # it comes again, to whoever listens then
        self.end_headers()
