"""A shop with a REST interface: a real HTTP server whose next answers a test decides."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from asking import NOW

from cloud.db import ConnectionPool, open_pool
from cloud.demand.sources.domain import Source
from cloud.demand.sources.fetching import Fetcher
from cloud.demand.sources.pulling import pull_demand, pull_now
from cloud.identity.actor import Actor, Role

ADMIN = Actor("user:ann", frozenset({Role.ADMIN}), all_sites=True)


@dataclass
class Shop:
    """What it answers, and what it was asked."""

    url: str = ""
    answers: list[tuple[int, bytes, dict[str, str]]] = field(default_factory=list)
    """Status, body and headers of the next answers."""
    asked: list[dict[str, str]] = field(default_factory=list)
    """Query parameters of each request; `path` and `authorization` beside them."""
    meanwhile: Callable[[], object] | None = None
    """Done once, between a request and its answer."""

    def say(self, document: Any, status: int = 200, **headers: str) -> None:
        """Decide the next answer."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.answers.append((status, body, headers))


@contextmanager
def open_shop() -> Iterator[Shop]:
    """Listen on a port of this machine until the block ends."""
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            told = {"path": parts.path, "authorization": self.headers.get("Authorization", "")}
            shop.asked.append(dict(parse_qsl(parts.query)) | told)
            if shop.meanwhile is not None:
                shop.meanwhile()
                shop.meanwhile = None
            status, body, headers = shop.answers.pop(0)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        shop.url = f"http://127.0.0.1:{server.server_port}/orders"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield shop
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Pulls:
    """What the scheduler's job and the command pull with."""

    pool: ConnectionPool
    fetcher: Fetcher

    def due(self, now: datetime) -> dict[str, int]:
        """Pull what is due."""
        return pull_demand(self.pool, now, fetcher=self.fetcher)

    def one(self, number: int) -> Source:
        """Pull one source."""
        return pull_now(self.pool, ADMIN, number, now=NOW, fetcher=self.fetcher)


@contextmanager
def pulling(dsn: str) -> Iterator[Pulls]:
    """Open connections until the block ends."""
    fetcher = Fetcher(timeout_s=5)
    with open_pool(dsn, "test-sources") as pool:
        yield Pulls(pool, fetcher)
    fetcher.close()
