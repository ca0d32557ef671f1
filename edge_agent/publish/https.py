"""A way to the ledger beside the broker: topics and bytes in, one HTTPS request each, events out.

One thread sends one message after another on one connection. Whatever a lost answer leaves open is sent
again: a batch is stored once, by whatever ways it comes.
"""

import base64
import http.client
import json
import queue
import random
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import Final

import orjson
import structlog
from pydantic import ValidationError

from contracts.feedback import IngestMode, IngestState, Messages
from contracts.topics import INGEST_STATE, Channel, topic
from edge_agent.publish.address import LedgerAddress
from edge_agent.publish.domain import reconnect_after_s
from edge_agent.publish.mqtt import Connected, Disconnected, LinkEvent, Received, Refused

ANSWER_S: Final = 15.0
WINDOW: Final = 8
"""Messages that may wait for their turn."""
LONGEST_PAUSE_S: Final = 60.0
STATE_PATH: Final = "/v1/ingest/state"
MESSAGES_PATH: Final = "/v1/ingest/messages"
ASK_EVERY_S: Final = 10.0
"""Between two questions for what the cloud has to say."""
_LARGEST_ANSWER: Final = 1024 * 1024
_MOVING: Final = dict.fromkeys(("position", "contiguous_no", "contiguous_sha256"))
"""What of an ack moves with the ledger, while what it asks for is the same: each is brought once."""
_POLL_S: Final = 0.5
_PATHS: Final = {
    Channel.RECORDS: "/v1/batches",
    Channel.STATUS: "/v1/ingest/status",
    Channel.HEALTH: "/v1/ingest/health",
    Channel.CONFIG_REPORTED: "/v1/ingest/config_reported",
}
_BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_OF_THIS_MESSAGE: Final = frozenset({HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY})
"""Refusals that say nothing about the next message."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the ledger's server answered to one request."""

    status: int
    body: bytes
    retry_after_s: float

    @property
    def words(self) -> str:
        """Say it for people: the status, and the detail of a problem."""
        try:
            detail = str(json.loads(self.body)["detail"])
        except (ValueError, KeyError, TypeError):
            detail = ""
        return f"{self.status} {detail}".strip()


class LedgerClient:
    """One connection to the ledger's server, made anew when the server has closed it."""

    def __init__(self, address: LedgerAddress) -> None:
        """Prepare it; the first request connects.

        Args:
            address: Where the server is and who we are to it.

        Raises:
            OSError: If its certificates cannot be read.
        """
        self._prefix = address.path
        shown = base64.b64encode(f"{address.username}:{address.password}".encode()).decode()
        self._headers = {
            "Authorization": f"Basic {shown}",
            "User-Agent": f"edge-agent/{version('dockledger')}",
        }
        self._connection = (
            http.client.HTTPSConnection(
                address.host,
                address.port,
                timeout=ANSWER_S,
                context=ssl.create_default_context(cafile=address.ca),
            )
            if address.is_tls
            else http.client.HTTPConnection(address.host, address.port, timeout=ANSWER_S)
        )

    def ask(
        self, method: str, path: str, body: bytes | None = None, *, media_type: str | None = None
    ) -> Answer:
        """Send a request; on a connection that the server had closed meanwhile, once more.

        Args:
            method: ``GET`` or ``POST``.
            path: Below the server's address.
            body: At most 256 KiB.
            media_type: Of the body; None: the server knows it by the path.

        Returns:
            The answer.

        Raises:
            OSError: If the server cannot be reached, or does not answer in time.
        """
        was_open = self._connection.sock is not None
        try:
            return self._once(method, path, body, media_type)
        except ConnectionError:
            self.close()
            if not was_open:
                raise
        return self._once(method, path, body, media_type)

    def close(self) -> None:
        """Close the connection; a request opens it again."""
        self._connection.close()

    def _once(self, method: str, path: str, body: bytes | None, media_type: str | None) -> Answer:
        headers = self._headers if media_type is None else self._headers | {"Content-Type": media_type}
        try:
            self._connection.request(method, f"{self._prefix}{path}", body, headers)
            response = self._connection.getresponse()
            content = response.read(_LARGEST_ANSWER)
        except http.client.RemoteDisconnected:
            raise
        except http.client.HTTPException as error:
            self.close()
            raise OSError(f"{type(error).__name__}: {error}") from error
        if not response.isclosed():
            self.close()
        return Answer(response.status, content, _seconds(response.getheader("Retry-After")))


class HttpsLink:
    """Publishes by requests while it is wanted; what the server answers comes as from a broker."""

    def __init__(
        self, address: LedgerAddress, *, site: str, gateway: str, on_event: Callable[[LinkEvent], None]
    ) -> None:
        """Prepare a link; ``start`` starts its thread, ``want`` lets it work.

        Args:
            address: Where the ledger's server is.
            site: Of the gateway.
            gateway: Whose messages these are.
            on_event: Called on the link's thread; must not block.
        """
        self._address = address
        self._on_event = on_event
        self._paths = {topic(site, gateway, channel): path for channel, path in _PATHS.items()}
        self._records, self._ack = topic(site, gateway, Channel.RECORDS), topic(site, gateway, Channel.ACK)
        self._root = self._ack.removesuffix(f"/{Channel.ACK}")
        self._brought: dict[bytes, bytes] = {}
        self._outgoing: queue.Queue[tuple[str, bytes]] = queue.Queue(WINDOW)
        self._changed = threading.Condition()
        self._is_wanted = False
        self._is_stopping = False
        self._is_connected = False
        self._thread = threading.Thread(target=self._run, name="https-link")
        self.counters: Counter[str] = Counter()

    @property
    def is_connected(self) -> bool:
        """Whether the server has admitted us and is still wanted."""
        return self._is_connected

    def start(self) -> None:
        """Start the link's thread."""
        self._thread.start()

    def want(self, *, is_wanted: bool) -> None:
        """Say whether to work; safe from any thread.

        Args:
            is_wanted: False keeps it silent.
        """
        with self._changed:
            self._is_wanted = is_wanted
            self._changed.notify()

    def publish(self, topic: str, payload: bytes) -> bool:
        """Hand a message to the link.

        Args:
            topic: One that the gateway writes.
            payload: At most 256 KiB.

        Returns:
            False if it was not taken: not connected, or too many waiting. Whoever must be heard sends again.
        """
        if not self.is_connected:
            return False
        try:
            self._outgoing.put_nowait((topic, payload))
        except queue.Full:
            self.counters["https_queue_full"] += 1
            return False
        return True

    def stop(self) -> None:
        """Send what is waiting, if the server answers, and join the thread."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join()

    def _is_needed(self) -> bool:
        return self._is_wanted and not self._is_stopping

    def _run(self) -> None:
        failures = 0
        while not self._is_stopping:
            with self._changed:
                self._changed.wait_for(lambda: self._is_wanted or self._is_stopping)
            if not self._is_needed():
                continue
            try:
                with closing(LedgerClient(self._address)) as client:
                    reason = self._serve(client)
            except (OSError, ValueError) as error:
                reason = f"{type(error).__name__}: {error}"
            was_connected, self._is_connected = self._is_connected, False
            self._drop_outgoing()
            failures = 1 if was_connected else failures + 1
            if was_connected:
                self._on_event(Disconnected(reason))
            if self._is_needed():
                if was_connected or failures == 1:
                    log.warning("ledger_unreachable", host=self._address.host, reason=reason)
                self._rest(reconnect_after_s(failures, random.random()))  # noqa: S311  jitter

    def _serve(self, client: LedgerClient) -> str:
        """Ask to be admitted, then send until something ends it; returns what."""
        admitted = client.ask("GET", STATE_PATH)
        if admitted.status != HTTPStatus.OK:
            self.counters["https_refused"] += 1
            self._on_event(Refused("https", admitted.words))
            self._rest(admitted.retry_after_s)
            return admitted.words
        self._is_connected = True
        self.counters["https_connects"] += 1
        log.info("ledger_connected", host=self._address.host, port=self._address.port)
        self._on_event(Connected("HTTPS", WINDOW))
        self._on_event(Received(INGEST_STATE, admitted.body))
        ask_at_s = time.monotonic()
        while self._is_needed() or not self._outgoing.empty():
            if time.monotonic() >= ask_at_s:
                ask_at_s = time.monotonic() + ASK_EVERY_S
                self._ask_messages(client)
            try:
                name, payload = self._outgoing.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if (reason := self._send(client, name, payload)) is not None:
                return reason
        return "no longer needed"

    def _send(self, client: LedgerClient, name: str, payload: bytes) -> str | None:
        """Send one message; returns why the connection is given up, if it is."""
        answer = client.ask("POST", self._paths[name], payload)
        self.counters["https_requests"] += 1
        if answer.status == HTTPStatus.OK:
            self._on_event(Received(self._ack if name == self._records else INGEST_STATE, answer.body))
        elif answer.status in _BUSY:
            self._pause(answer)
        elif answer.status in _OF_THIS_MESSAGE:
            self.counters["https_refused"] += 1
            log.error("ledger_refused", topic=name, reason=answer.words)
            self._on_event(Refused(name, answer.words))
        else:
            return answer.words
        return None

    def _ask_messages(self, client: LedgerClient) -> None:
        """Bring what the cloud has said since, as a broker would."""
        answer = client.ask("GET", MESSAGES_PATH)
        try:
            found = (
                Messages.model_validate_json(answer.body).messages if answer.status == HTTPStatus.OK else ()
            )
        except ValidationError as error:
            self.counters["https_messages_unreadable"] += 1
            log.warning("ledger_messages_unreadable", detail=str(error))
            return
        for message in found:
            name, payload = f"{self._root}/{message.channel}", orjson.dumps(message.payload)
            lasting = orjson.dumps({**message.payload, **_MOVING})
            kept_as = lasting if message.channel == Channel.ACK else name.encode()
            if self._brought.get(kept_as) != lasting:
                self._brought[kept_as] = lasting
                self._on_event(Received(name, payload))

    def _pause(self, answer: Answer) -> None:
        """Let nothing out before the server wants it, as if ingest had asked for a pause."""
        self.counters["https_pauses"] += 1
        self._on_event(Received(INGEST_STATE, _state(IngestMode.PAUSED, answer.words)))
        self._drop_outgoing()
        self._rest(answer.retry_after_s)
        self._on_event(Received(INGEST_STATE, _state(IngestMode.RUNNING, None)))

    def _rest(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._is_needed(), seconds)

    def _drop_outgoing(self) -> None:
        while not self._outgoing.empty():
            self._outgoing.get_nowait()


def _seconds(retry_after: str | None) -> float:
    """Read how long to wait; a date, or nothing, is a wait of a second."""
    digits = (retry_after or "").strip()
    return min(float(digits), LONGEST_PAUSE_S) if digits.isdecimal() else 1.0


def _state(mode: IngestMode, reason: str | None) -> bytes:
    state = IngestState(mode=mode, since_at=datetime.now(UTC), reason=None if reason is None else reason[:60])
    return state.model_dump_json(by_alias=True).encode()
