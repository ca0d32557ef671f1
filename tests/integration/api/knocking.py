"""Requests put to an application in this process without a socket: asked is who may, not how HTTP is read."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.types import ASGIApp, Message, Scope

from cloud.identity.gate import Gate
from cloud.server.app import create_app

HERE = "http://127.0.0.1"


@dataclass(frozen=True)
class Asker:
    """Asks one request after the other and hangs up as soon as an answer begins."""

    _app: ASGIApp
    _portal: BlockingPortal

    def status(self, request: httpx.Request) -> int:
        """Give the status that a request is answered with."""
        return self._portal.call(self._status, request)

    async def _status(self, request: httpx.Request) -> int:
        body = [{"type": "http.request", "body": request.read(), "more_body": False}]
        begun = asyncio.Event()
        statuses: list[int] = []

        async def receive() -> Message:
            if body:
                return body.pop()
            await begun.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                begun.set()

        await self._app(_scope(request), receive, send)
        (status,) = statuses
        return status


def _scope(request: httpx.Request) -> Scope:
    raw_path, _, query = request.url.raw_path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(raw_path.decode("ascii")),
        "raw_path": raw_path,
        "root_path": "",
        "query_string": query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }


@contextmanager
def asked(gate: Gate) -> Iterator[Asker]:
    """Give who asks the application that `served` serves."""
    with start_blocking_portal() as portal:  # a browser of another test may have this thread's loop
        yield Asker(create_app(gate, network="test"), portal)
