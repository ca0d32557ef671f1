"""Serves the agent's page on the loopback address, from a thread that is owned and joined."""

import json
import sys
import threading
from collections.abc import Callable
from functools import cached_property, partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from socketserver import TCPServer
from typing import Any, Final

import structlog
from typing_extensions import override

from edge_agent.page.metrics import CONTENT_TYPE, metrics
from edge_agent.page.render import render, render_settings
from edge_agent.page.status import PageStatus, as_json_object

ADDRESS: Final = "127.0.0.1"
_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""A page of any other name that leads here is somebody else's: DNS rebinding."""
_PATIENCE_S: Final = 5.0
"""A client has so long for each read and write."""
_POLL_S: Final = 0.1
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Allow": "GET",
}

log = structlog.get_logger(__name__)


class PageUnavailableError(Exception):
    """The page's port cannot be opened; the agent works without its page."""


class PageServer:
    """The page, served until it is told to stop."""

    def __init__(self, port: int, status: Callable[[], PageStatus]) -> None:
        """Prepare; nothing is opened before ``start``.

        Args:
            port: TCP port on 127.0.0.1; 0 lets the system choose one.
            status: Gives the present status; called for every look, on the look's own thread.
        """
        self._wanted_port = port
        self._status = status
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on; 0 while it does not."""
        return 0 if self._server is None else int(self._server.server_address[1])

    def start(self) -> None:
        """Open the port and serve.

        Raises:
            PageUnavailableError: If the port cannot be opened.
        """
        try:
            self._server = _Server((ADDRESS, self._wanted_port), partial(_Handler, self._status))
        except OSError as error:
            raise PageUnavailableError(
                f"page_port {self._wanted_port}: {ADDRESS}:{self._wanted_port} cannot be opened: {error}"
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_S,), name="page")
        self._thread.start()

    def stop(self) -> None:
        """Close the port and join every thread; harmless if it was never started."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
        self._server = self._thread = None


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if not isinstance(error, OSError):  # a client that went away is no news
            log.error("page_request_failed", client=str(client_address), exc_info=error)

    @override
    def server_bind(self) -> None:
        # HTTPServer looks up the machine's name here, which may ask a network that is away.
        TCPServer.server_bind(self)


class _Handler(BaseHTTPRequestHandler):
    server_version = "dockledger"
    sys_version = ""
    timeout = _PATIENCE_S
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = "text/plain; charset=utf-8"

    def __init__(self, status: Callable[[], PageStatus], *arguments: Any) -> None:
        self._status = status
        super().__init__(*arguments)

    def do_GET(self) -> None:
        if not self._is_for_us():
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "this page answers to its loopback name only")
            return
        path = self.path.partition("?")[0]
        if path == "/":
            self._answer("text/html; charset=utf-8", render(self._status()).encode())
        elif path == "/settings":
            self._answer("text/html; charset=utf-8", render_settings(self._status()).encode())
        elif path == "/status.json":
            self._answer("application/json", json.dumps(as_json_object(self._status())).encode())
        elif path == "/metrics":
            self._answer(CONTENT_TYPE, metrics(self._status()))
        elif path == "/page.css":
            self._answer("text/css; charset=utf-8", self._style)
        else:
            self.send_error(
                HTTPStatus.NOT_FOUND, "there is /, /settings, /status.json, /metrics and /page.css"
            )

    @override
    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        if self.command != "GET":
            self.send_error(HTTPStatus.METHOD_NOT_ALLOWED, "this page is only looked at: GET")
            return False
        return True

    @cached_property
    def _style(self) -> bytes:
        return files("edge_agent.page").joinpath("page.css").read_bytes()

    def _is_for_us(self) -> bool:
        named = self.headers.get_all("Host", [])
        if len(named) != 1:
            return False
        name, _, port = named[0].strip().lower().rpartition(":")
        if not name or "]" in port:  # no port, or the colons of an IPv6 address
            name, port = named[0].strip().lower(), ""
        return name in _HOSTS and port in {"", str(self.connection.getsockname()[1])}

    def _answer(self, content_type: str, body: bytes) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def end_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    @override
    def log_message(self, format: str, *arguments: Any) -> None:
        """Looks are not logged: a page that refreshes itself would fill the log."""
