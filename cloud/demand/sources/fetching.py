"""One page of a REST source over HTTP: asked within limits of size and time, redirects refused."""

import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final, NamedTuple
from weakref import WeakSet

import httpx

from cloud.demand.sources.asking import Ask
from cloud.demand.sources.domain import FaultyPageError, SourceAwayError

TIMEOUT_S: Final = 20.0
"""Of connecting, and of each wait for more of an answer."""
LONGEST_S: Final = 60.0
"""Of a whole answer."""
MOST_BYTES: Final = 16 * 1024 * 1024
_SHOWN_BYTES: Final = 200
_LATER: Final = frozenset({408, 425, 429})
_MOST_RETRY_AFTER_S: Final = 86_400


class Fetched(NamedTuple):
    """An answer."""

    body: bytes
    link: str | None
    """Where the ``Link`` header says that the next page is."""


class Fetcher:
    """A connection to sources, kept open between pages."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S, longest_s: float = LONGEST_S) -> None:
        """Start without connections.

        Args:
            timeout_s: Longest wait for a source.
            longest_s: Longest time of a whole answer.
        """
        self._longest_s = longest_s
        self._watched_s = longest_s + timeout_s
        self._sockets: defaultdict[str, WeakSet[socket.socket]] = defaultdict(WeakSet)
        headers = {"User-Agent": "Dockledger", "Accept": "application/json", "Accept-Encoding": "identity"}
        self._client = httpx.Client(
            timeout=timeout_s, follow_redirects=False, trust_env=False, headers=headers
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def fetch(self, ask: Ask, headers: dict[str, str]) -> Fetched:
        """Ask for a page.

        Args:
            ask: What to ask for.
            headers: That carry the secret.

        Returns:
            The answer.

        Raises:
            SourceAwayError: If it does not answer, or says that it cannot now.
            FaultyPageError: If it refuses, sends elsewhere or says too much.
        """
        try:
            url = httpx.URL(ask.url).copy_merge_params(dict(ask.parameters))
            until_s = time.monotonic() + self._longest_s
            seen = {"trace": partial(self._connected, url.netloc.decode())}
            with (
                self._watched(url.netloc.decode()),
                self._client.stream("GET", url, headers=headers, extensions=seen) as response,
            ):
                if response.is_success:
                    return Fetched(_body(response, until_s), response.links.get("next", {}).get("url"))
                _refuse(response, until_s)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise FaultyPageError(f"{ask.url!r:.200}: {error}") from error
        except (httpx.HTTPError, OSError) as error:
            raise SourceAwayError(f"{type(error).__name__}: {error}"[:300]) from error
        raise FaultyPageError(f"HTTP {response.status_code}: expected 200")

    @contextmanager
    def _watched(self, place: str) -> Iterator[None]:
        """Hang up on a source that answers drop by drop, which no wait for the next drop can tell."""
        watch = threading.Timer(self._watched_s, self._hang_up, (place,))
        watch.start()
        try:
            yield
        finally:
            watch.cancel()
            watch.join()

    def _connected(self, place: str, name: str, told: Mapping[str, Any]) -> None:
        if name in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._sockets[place].add(told["return_value"].get_extra_info("socket"))

    def _hang_up(self, place: str) -> None:
        for connection in list(self._sockets[place]):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _body(response: httpx.Response, until_s: float) -> bytes:
    parts = bytearray()
    for part in response.iter_bytes():
        parts += part
        if len(parts) > MOST_BYTES:
            raise FaultyPageError(f"the page has more than {MOST_BYTES} bytes: ask for fewer rows")
        if time.monotonic() > until_s:
            raise SourceAwayError("the page took too long: ask for fewer rows")
    return bytes(parts)


def _refuse(response: httpx.Response, until_s: float) -> None:
    """Sort a refusal: what may be otherwise later, and what will not; of its words what comes in time."""
    status = response.status_code
    said = b""
    try:
        for part in response.iter_bytes():
            said += part
            if len(said) >= _SHOWN_BYTES or time.monotonic() > until_s:
                break
    except httpx.HTTPError as error:
        said += f" ({type(error).__name__} while it said why)".encode()
    words = "".join(
        letter if letter.isprintable() else " " for letter in said[:_SHOWN_BYTES].decode(errors="replace")
    )
    told = f"HTTP {status}: {words.strip()}".rstrip(": ")
    if response.is_redirect:
        raise FaultyPageError(f"HTTP {status}: it sends elsewhere, which is refused: name the address itself")
    if response.is_server_error or status in _LATER:
        raise SourceAwayError(told, _retry_after(response))
    raise FaultyPageError(told)


def _retry_after(response: httpx.Response) -> timedelta | None:
    text = response.headers.get("retry-after", "")
    if not (text.isascii() and text.isdigit()):
        return None
    return timedelta(seconds=min(int(text[:9]), _MOST_RETRY_AFTER_S))
