"""The one door to the broker on the cloud's side: filters and messages in, deliveries out; v5, else 3.1.1."""

import contextlib
import random
import selectors
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import structlog
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cloud.ingest import counters
from cloud.ingest.arrival import Delivery, Receipt, storable
from cloud.ingest.echo import DEAF_AFTER_S, Echo

KEEPALIVE_S: Final = 10
INFLIGHT: Final = 100
"""Our publishes not yet acknowledged by the broker; less where its CONNACK says so."""
MAX_OUTGOING: Final = 10_000
"""Messages waiting to be sent; acknowledgements beyond it are dropped and counted, for edges ask again."""
LASTING_INFLIGHT: Final = 20
"""Publishes to a lasting session that we have not acknowledged; Mosquitto's own number."""
LASTING_FOR_S: Final = 7 * 24 * 3600
"""How long the broker keeps a lasting session that nobody takes up."""
_CONNECT_TIMEOUT_S: Final = 5.0
_SUBSCRIBE_AGAIN_S: Final = 1.0
"""A broker that denies a filter may grant it later, as NATS does once others were given up."""
_LONGEST_TOPIC: Final = 500
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 5.0
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_OTHER: Final = {
    MQTTProtocolVersion.MQTTv5: MQTTProtocolVersion.MQTTv311,
    MQTTProtocolVersion.MQTTv311: MQTTProtocolVersion.MQTTv5,
}
"""A broker that speaks one of them closes the connection when greeted in the other."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message for the broker, at QoS 1."""

    topic: str
    payload: bytes
    retain: bool = True
    on_accepted: Callable[[], None] | None = None
    """Called on the network thread once the broker has taken it; must only enqueue."""


class Link:
    """A connection that lasts: one thread owns the driver, reconnects, subscribes and sends.

    Each connection has a driver of its own, and a clean session unless it is lasting, so nothing half-sent or
    half-acknowledged survives into the next one (FACTS, paho).
    """

    def __init__(
        self,
        url: str,
        *,
        client_id: str,
        will: Outgoing | None,
        on_delivery: Callable[[Delivery], None],
        on_listening: Callable[[], None],
        echo_topic: str | None = None,
        is_lasting: bool = False,
    ) -> None:
        """Prepare it; `start` connects.

        Args:
            url: ``mqtt://user:password@host:port``; ``mqtts`` for TLS.
            client_id: Unique at the broker.
            will: What the broker says when this process vanishes.
            on_delivery: Called on the network thread for every publish; must only enqueue, never raise.
            on_listening: Called on the network thread whenever subscriptions were granted; the same.
            echo_topic: Topic of its own on which it calls to itself, and renews a connection that has stopped
                to carry anything; None does without.
            is_lasting: Whether the broker keeps the session over a lost connection, and each publish until
                `acknowledge`.
        """
        self._url = urlsplit(url)
        self._address = (self._url.hostname or "127.0.0.1", self._url.port or _PORTS[self._url.scheme])
        self._client_id = client_id
        self._will = will
        self._is_lasting = is_lasting
        self._connection = 0
        self._receipts: deque[Receipt] = deque()
        self._on_delivery = on_delivery
        self._on_listening = on_listening
        self._echo_topic = echo_topic
        self._echo: Echo | None = None
        self._wanted: frozenset[str] = frozenset()
        self._granted: set[str] = set()
        self._asked: dict[int, list[str]] = {}
        self._subscribe_at = 0.0
        self._outgoing: deque[Outgoing] = deque()
        self._unaccepted: dict[int, Outgoing] = {}
        self._protocol = MQTTProtocolVersion.MQTTv5
        self._window = INFLIGHT
        self._is_up = False
        self._stopping = threading.Event()
        self._waker, self._woken = socket.socketpair()
        self._waker.settimeout(0)
        self._woken.settimeout(0)
        self._thread = threading.Thread(target=self._run, name="mqtt-link")

    @property
    def is_alive(self) -> bool:
        """Whether the network thread lives; if not, the process should end and be started again."""
        return self._thread.is_alive()

    @property
    def is_up(self) -> bool:
        """Whether the broker has accepted this connection."""
        return self._is_up

    def start(self) -> None:
        """Connect in the background, now and whenever the connection is lost."""
        self._thread.start()

    def close(self) -> None:
        """Send what waits, disconnect so that the last will is not sent, and join the thread."""
        self._stopping.set()
        self._wake()
        self._thread.join()
        self._waker.close()
        self._woken.close()

    def listen(self, filters: Iterable[str]) -> None:
        """Change which topics are subscribed to, now and after every reconnection.

        Args:
            filters: All topic filters wanted.
        """
        self._wanted = frozenset(filters)
        self._wake()

    def publish(self, message: Outgoing) -> None:
        """Send a message if the broker is there; if not, drop and count it. Safe from any thread.

        Args:
            message: What to send.
        """
        if not self._is_up or len(self._outgoing) >= MAX_OUTGOING:
            counters.UNSENT.inc()
            return
        self._outgoing.append(message)
        self._wake()

    def acknowledge(self, receipt: Receipt) -> None:
        """Let the broker forget a publish; one of an earlier connection comes again. Safe from any thread.

        Args:
            receipt: Of the publish.
        """
        self._receipts.append(receipt)
        self._wake()

    def is_current(self, receipt: Receipt) -> bool:
        """Tell whether a publish came on the connection that there is.

        Args:
            receipt: Of the publish.

        Returns:
            False if it will come again.
        """
        return self._is_up and receipt.connection == self._connection

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._waker.send(b"\0")

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            client = self._make_client()
            try:
                self._connection += 1
                client.connect(*self._address, KEEPALIVE_S, **self._session())
                self._serve(client)
            except OSError as error:
                log.warning("broker_unreachable", broker=self._address, error=str(error))
            else:
                if self._is_up:
                    pause_s = _FIRST_PAUSE_S
                else:
                    self._protocol = _OTHER[self._protocol]
            if not self._stopping.is_set():
                log.warning("broker_lost", broker=self._address, pause_s=pause_s)
                counters.OUTAGES.labels("broker").inc()
            self._forget_connection()
            self._stopping.wait(pause_s * random.uniform(0.5, 1.5))  # noqa: S311  jitter
            pause_s = min(_LONGEST_PAUSE_S, 2 * pause_s)

    def _make_client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=self._protocol,
            clean_session=not self._is_lasting if self._protocol is MQTTProtocolVersion.MQTTv311 else None,
            manual_ack=self._is_lasting,
        )
        client.connect_timeout = _CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(INFLIGHT)
        if self._url.username:
            client.username_pw_set(unquote(self._url.username), unquote(self._url.password or ""))
        if self._url.scheme == "mqtts":
            client.tls_set_context(ssl.create_default_context())
        if self._will is not None:
            client.will_set(self._will.topic, self._will.payload, qos=1, retain=self._will.retain)
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_message = self._received
        client.on_publish = self._accepted
        return client

    def _session(self) -> dict[str, Any]:
        """Ask for a lasting session, as MQTT 5 wants it."""
        if not self._is_lasting or self._protocol is MQTTProtocolVersion.MQTTv311:
            return {}
        asked = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho states no type
        asked.SessionExpiryInterval = LASTING_FOR_S
        asked.ReceiveMaximum = LASTING_INFLIGHT
        return {"clean_start": False, "properties": asked}

    def _serve(self, client: Client) -> None:
        """Drive one connection until it ends."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            while (sock := client.socket()) is not None:
                interest = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.want_write() else 0)
                if self._stopping.is_set() and not (self._outgoing or self._receipts or client.want_write()):
                    client.disconnect()
                    return
                pending = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
                selector.register(sock, interest)
                ready = {key.fileobj: mask for key, mask in selector.select(0.0 if pending else 1.0)}
                selector.unregister(sock)
                if self._woken in ready:
                    self._drain_wakes()
                if (pending or ready.get(sock, 0) & selectors.EVENT_READ) and client.loop_read():
                    return
                if self._is_up:
                    if self._is_deaf():
                        return
                    self._send(client)
                if client.want_write() and client.loop_write():
                    return
                if client.loop_misc() is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                    return

    def _drain_wakes(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._woken.recv(4096):
                pass

    def _send(self, client: Client) -> None:
        wanted = self._wanted | ({self._echo_topic} if self._echo_topic else set())
        added = sorted(wanted - self._granted)
        if added and time.monotonic() >= self._subscribe_at:
            _, mid = client.subscribe([(topic_filter, 1) for topic_filter in added])
            self._granted.update(added)
            if mid is not None:
                self._asked[mid] = added
        if removed := sorted(self._granted - wanted):
            client.unsubscribe(removed)
            self._granted.difference_update(removed)
        while self._receipts:
            receipt = self._receipts.popleft()
            if receipt.connection == self._connection:
                client.ack(receipt.mid, 1)
        while self._outgoing and len(self._unaccepted) < self._window:
            message = self._outgoing.popleft()
            sent = client.publish(message.topic, message.payload, qos=1, retain=message.retain)
            self._unaccepted[sent.mid] = message

    def _is_deaf(self) -> bool:
        """Call to ourselves when it is time, and tell whether nothing has come back for too long."""
        now_s = time.monotonic()
        if self._echo is None or self._echo_topic is None:
            return False
        if self._echo.is_deaf(now_s):
            counters.RENEWED.inc()
            log.warning("broker_connection_doubted", silent_s=DEAF_AFTER_S, unaccepted=len(self._unaccepted))
            return True
        if self._echo.is_due(now_s):
            self._outgoing.append(Outgoing(self._echo_topic, b"echo", retain=False))
        return False

    def _forget_connection(self) -> None:
        self._is_up = False
        self._echo = None
        self._granted.clear()
        self._asked.clear()
        self._subscribe_at = 0.0
        self._unaccepted.clear()
        self._outgoing.clear()
        self._receipts.clear()

    def _connected(
        self,
        _client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            log.warning("broker_refused_connection", reason=str(reason), protocol=int(self._protocol))
            return
        self._window = min(INFLIGHT, getattr(properties, "ReceiveMaximum", INFLIGHT))
        self._echo = Echo(time.monotonic()) if self._echo_topic else None
        self._is_up = True
        log.info("broker_connected", broker=self._address, protocol=int(self._protocol))

    def _subscribed(
        self,
        _client: Client,
        _userdata: object,
        mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        asked = self._asked.pop(mid, [])
        denied = [name for name, reason in zip(asked, reasons, strict=False) if reason.is_failure]
        if denied:
            counters.REFUSED_BY_BROKER.inc(len(denied))
            log.error("subscription_denied", filters=denied, again_after_s=_SUBSCRIBE_AGAIN_S)
            self._granted.difference_update(denied)
            self._subscribe_at = time.monotonic() + _SUBSCRIBE_AGAIN_S
        if set(asked) - set(denied) - {self._echo_topic}:
            self._on_listening()

    def _received(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        try:
            name = message.topic
        except UnicodeDecodeError:
            name = "(a topic that is not UTF-8)"
        if name == self._echo_topic and self._echo is not None:
            self._echo.heard_s = time.monotonic()
            return
        is_kept = self._is_lasting and message.qos == 1
        receipt = Receipt(self._connection, message.mid) if is_kept else None
        text, payload = storable(name)[:_LONGEST_TOPIC], bytes(message.payload)
        self._on_delivery(Delivery(text, payload, datetime.now(UTC), receipt))

    def _accepted(
        self,
        _client: Client,
        _userdata: object,
        mid: int,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        message = self._unaccepted.pop(mid, None)
        if message is None:
            return
        if reason.is_failure:
            counters.REFUSED_BY_BROKER.inc()
            log.error("publish_denied", topic=message.topic, reason=str(reason))
        elif message.on_accepted is not None:
            message.on_accepted()
