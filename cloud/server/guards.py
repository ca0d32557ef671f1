"""What stands around every request: size, number, time, headers. Pure ASGI, so streams pass through."""

import threading
import time
from contextlib import ExitStack, suppress
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud.api.metrics import Metrics
from cloud.api.problems import problem_response

MAX_BODY_BYTES: Final = 1024 * 1024
WHOLE_LISTS: Final = frozenset({"/v1/receipts", "/v1/receipts/check", "/v1/reconciliations"})
"""Where a list of tens of thousands of lines is posted whole; the lines themselves are limited there."""
MAX_LIST_BYTES: Final = 16 * 1024 * 1024
MAX_OPEN_LISTS: Final = 2
"""Bodies above `MAX_BODY_BYTES` taken at once, so that they bound the memory; more are told to come back."""
MAX_OPEN_REQUESTS: Final = 64
"""Requests worked on at once; more are told to come back (FAULTS F19)."""

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_HSTS: Final = "max-age=63072000"


class _TooLargeError(Exception):
    """A body went beyond the limit while it was read."""


class Guards:
    """Wraps an application: limits, security headers and figures."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Stand around an application.

        Args:
            app: The application.
            metrics: Where requests are counted.
        """
        self._app = app
        self._metrics = metrics
        self._open = threading.Semaphore(MAX_OPEN_REQUESTS)
        self._lists = threading.Semaphore(MAX_OPEN_LISTS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Args:
            scope: ASGI scope.
            receive: ASGI receive.
            send: ASGI send.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        started_s = time.perf_counter()
        try:
            await self._answer(exchange)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            self._metrics.requests.labels(scope["method"], route, exchange.status).inc()
            elapsed_s = time.perf_counter() - started_s
            self._metrics.seconds.labels(scope["method"], route).observe(elapsed_s)

    async def _answer(self, exchange: "_Exchange") -> None:
        if exchange.declared_bytes > exchange.most_bytes:
            await exchange.refuse_size()
            return
        slots = (self._open, self._lists) if exchange.is_list else (self._open,)
        with ExitStack() as taken:
            for slot in slots:
                if not slot.acquire(blocking=False):
                    self._metrics.shed.inc()
                    await exchange.refuse(503, "too-many-requests", "too many requests are open; try again")
                    return
                taken.callback(slot.release)
            with suppress(_TooLargeError):
                await self._app(exchange.scope, exchange.receive, exchange.send)
        if exchange.is_too_large:
            exchange.is_too_large = False
            await exchange.refuse_size()


class _Exchange:
    """One request and its response, watched as they pass."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.status = 500
        self.is_too_large = False
        """Found while the body was read; what the application answers to its half is not sent."""
        self._receive = receive
        self._send = send
        self._taken_bytes = 0

    @property
    def is_list(self) -> bool:
        """Whether it brings a list that is larger than other bodies may be."""
        return self.scope["path"] in WHOLE_LISTS and self.declared_bytes > MAX_BODY_BYTES

    @property
    def most_bytes(self) -> int:
        """How much its body may hold; a list says its size first."""
        return MAX_LIST_BYTES if self.is_list else MAX_BODY_BYTES

    @property
    def declared_bytes(self) -> int:
        declared = Headers(scope=self.scope).get("content-length", "0")
        return int(declared) if declared.isascii() and declared.isdigit() else 0

    async def receive(self) -> Message:
        message = await self._receive()
        self._taken_bytes += len(message.get("body", b""))
        if self._taken_bytes > self.most_bytes:
            self.is_too_large = True
            raise _TooLargeError
        return message

    async def send(self, message: Message) -> None:
        if self.is_too_large:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            if self.scope["scheme"] == "https":
                headers.setdefault("Strict-Transport-Security", _HSTS)
        await self._send(message)

    async def refuse_size(self) -> None:
        told = f"the body has more than {self.most_bytes} bytes"
        if self.scope["path"] in WHOLE_LISTS and not self.is_list:
            told += f", and no Content-Length; with one it may have {MAX_LIST_BYTES}"
        await self.refuse(413, "too-large", told)

    async def refuse(self, status: int, name: str, detail: str) -> None:
        response = problem_response(Request(self.scope), status, name, detail, headers={"Retry-After": "1"})
        await response(self.scope, self._receive, self.send)
