"""A shop with a REST interface: a real HTTP server whose next answers a test decides."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


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
