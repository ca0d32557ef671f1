"""A program that takes webhooks: a real HTTP server that checks signatures and refuses what it is told to."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """What it was told, and what it answers next."""

    secrets: list[str] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Status and headers of the next answers; 200 when there are none left."""
    taken: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    forged: list[str] = field(default_factory=list)
    url: str = ""

    def types(self) -> list[str]:
        return [message["type"] for message in self.taken]

    def is_signed(self, headers: dict[str, str], body: bytes) -> bool:
        """Verify as the specification's libraries do: any signature, any secret."""
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = {
            "v1,"
            + base64.b64encode(
                hmac.new(base64.b64decode(secret[6:]), content, hashlib.sha256).digest()
            ).decode()
            for secret in self.secrets
        }
        return bool(expected & set(headers["webhook-signature"].split(" ")))


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Listen on a port of this machine until the block ends."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            message = json.loads(body) | {"id": headers["webhook-id"]}
            status, extra = receiver.answers.pop(0) if receiver.answers else (200, {})
            if not receiver.is_signed(headers, body):
                receiver.forged.append(headers["webhook-id"])
                status, extra = 401, {}
            (receiver.taken if status == 200 else receiver.refused).append(message)
            words = b"" if status == 200 else b"not now"
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(words)))
            self.end_headers()
            self.wfile.write(words)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hooks"
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
