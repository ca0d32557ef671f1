"""A connection to an MQTT broker, kept up for ever: topics and bytes in, events out.

The thread that is started here is the network loop itself: a fresh client per connection (no stale message
ids, no half-read packet), no thread of the driver's that could die unseen, and every call to the driver
made by one thread.
"""

import os
import queue
import random
import select
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from contracts.batch import MAX_FRAME_BYTES
from edge_agent.publish.address import BrokerAddress
from edge_agent.publish.domain import reconnect_after_s

KEEPALIVE_S: Final = 15
CONNECT_TIMEOUT_S: Final = 5.0
MOST_INFLIGHT: Final = 20
MOST_OUTGOING: Final = 64
FLUSH_S: Final = 2.0
_POLL_S: Final = 0.5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker accepted us; subscriptions have been asked for."""

    protocol: str
    inflight: int
    """How many publishes the broker takes without an answer."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection is gone; another is being made."""

    reason: str


@dataclass(frozen=True, slots=True)
class Received:
    """A message on a subscribed topic."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """The broker took a publish or subscription and said no: an incident, for it may look delivered."""

    what: str
    reason: str


LinkEvent = Connected | Disconnected | Received | Refused


@dataclass(frozen=True, slots=True)
class _Outgoing:
    topic: str
    payload: bytes
    retain: bool


class MqttLink:
    """Publishes and subscribes over whatever connection there is; MQTT 5 first, then 3.1.1."""

    def __init__(
        self,
        broker: BrokerAddress,
        *,
        client_id: str,
        subscriptions: Sequence[str],
        will: Callable[[], tuple[str, bytes]] | None = None,
        on_event: Callable[[LinkEvent], None],
    ) -> None:
        """Prepare a link; ``start`` connects it.

        Args:
            broker: Where to connect.
            client_id: Unique in the broker.
            subscriptions: Topic filters, subscribed on every connection with QoS 1.
            will: Gives topic and payload of the retained last will of the next connection; None: no will.
            on_event: Called on the link's thread; must not block.
        """
        self._broker = broker
        self._client_id = client_id
        self._subscriptions = tuple(subscriptions)
        self._will = will
        self._on_event = on_event
        self._outgoing: queue.Queue[_Outgoing] = queue.Queue(MOST_OUTGOING)
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._stopping = threading.Event()
        self._renewing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mqtt-link")
        self._protocol = MQTTProtocolVersion.MQTTv5
        self._largest_packet = MAX_FRAME_BYTES
        self._inflight = MOST_INFLIGHT
        self._connected_with: paho.Client | None = None
        self._topics: dict[int, str] = {}  # of publishes that the broker has not answered
        self.counters: Counter[str] = Counter()

    @property
    def is_connected(self) -> bool:
        """Whether a broker has accepted the present connection."""
        return self._connected_with is not None

    @property
    def speaks_v5(self) -> bool:
        """Whether MQTT 5 is spoken, or tried: only there a broker says why it refuses a publish."""
        return self._protocol == MQTTProtocolVersion.MQTTv5

    def start(self) -> None:
        """Start the link's thread."""
        self._thread.start()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand a message to the link, QoS 1.

        Args:
            topic: A valid topic.
            payload: At most 256 KiB.
            retain: Whether the broker keeps it for later subscribers.

        Returns:
            False if it was not taken: not connected, too large, or too many waiting. Whoever must be
            heard sends again anyway.
        """
        if not self.is_connected:
            return False
        if len(payload) > MAX_FRAME_BYTES or len(payload) + len(topic) + 64 > self._largest_packet:
            self.counters["publishes_too_large"] += 1
            log.error("publish_too_large", topic=topic, bytes=len(payload), limit_bytes=self._largest_packet)
            return False
        try:
            self._outgoing.put_nowait(_Outgoing(topic, payload, retain))
        except queue.Full:
            self.counters["publishes_queue_full"] += 1
            return False
        self._wake()
        return True

    def renew(self) -> None:
        """Give the present connection up for a new one, where windows are empty."""
        self._renewing.set()
        self._wake()

    def stop(self) -> None:
        """Send what is waiting, for two seconds at most, disconnect, and join the thread."""
        self._stopping.set()
        self._wake()
        self._thread.join()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _wake(self) -> None:
        try:
            os.write(self._wake_write, b"\0")
        except BlockingIOError:
            return  # the pipe is full of wake-ups already

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            reason = self._connect_and_serve()
            was_connected, self._connected_with = self._connected_with is not None, None
            failures = 1 if was_connected else failures + 1
            if self._stopping.is_set():
                return
            if was_connected:
                self.counters["disconnects"] += 1
                log.warning("broker_lost", host=self._broker.host, port=self._broker.port, reason=reason)
                self._on_event(Disconnected(reason))
            elif failures == 1:
                log.warning(
                    "broker_unreachable", host=self._broker.host, port=self._broker.port, reason=reason
                )
            self._drop_outgoing()
            self._stopping.wait(reconnect_after_s(failures, random.random()))  # noqa: S311  jitter

    def _connect_and_serve(self) -> str:
        """Make one connection and serve it to its end; returns why it ended."""
        try:
            client = self._new_client()
            properties = None
            if self.speaks_v5:
                properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has no types here
                properties.SessionExpiryInterval = 0
            client.connect(
                self._broker.host,
                self._broker.port,
                KEEPALIVE_S,
                clean_start=True if properties else paho.MQTT_CLEAN_START_FIRST_ONLY,
                properties=properties,
            )
        except (OSError, ValueError) as error:
            return f"{type(error).__name__}: {error}"
        reason = self._serve(client)
        if self._connected_with is None:
            self._try_other_protocol()
        return reason

    def _serve(self, client: paho.Client) -> str:
        deadline = time.monotonic() + CONNECT_TIMEOUT_S
        flush_until: float | None = None
        while (sock := client.socket()) is not None:
            poller = select.poll()
            poller.register(self._wake_read, select.POLLIN)
            poller.register(sock, select.POLLIN | (select.POLLOUT if client.want_write() else 0))
            pending = getattr(sock, "pending", lambda: 0)()
            ready = dict(poller.poll(0 if pending else _POLL_S * 1000))
            if self._wake_read in ready:
                os.read(self._wake_read, 4096)
            flags = ready.get(sock.fileno(), 0)
            result = MQTTErrorCode.MQTT_ERR_SUCCESS
            if pending or flags & ~select.POLLOUT:
                result = client.loop_read()
            if client.socket() is not None and (flags & select.POLLOUT or client.want_write()):
                result = client.loop_write()
            if client.socket() is not None:
                result = client.loop_misc()
            if self._connected_with is client:
                self._send_waiting(client)
            if (reason := self._reason_to_leave(client, deadline)) is not None:
                client.disconnect()
                client.loop_write()
                return reason
            if self._stopping.is_set():
                flush_until = flush_until or time.monotonic() + FLUSH_S
                if not (self._topics or self._outgoing.qsize()) or time.monotonic() > flush_until:
                    client.disconnect()
                    client.loop_write()
                    return "stopped"
        return paho.error_string(result)

    def _reason_to_leave(self, client: paho.Client, deadline: float) -> str | None:
        if self._connected_with is not client:
            return "no CONNACK in time" if time.monotonic() > deadline else None
        if self._renewing.is_set():
            self._renewing.clear()
            return "renewed"
        return None

    def _send_waiting(self, client: paho.Client) -> None:
        while len(self._topics) < self._inflight:
            try:
                message = self._outgoing.get_nowait()
            except queue.Empty:
                return
            info = client.publish(message.topic, message.payload, qos=1, retain=message.retain)
            if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._topics[info.mid] = message.topic
            else:
                self.counters["publishes_not_taken"] += 1

    def _drop_outgoing(self) -> None:
        self._topics.clear()
        while True:
            try:
                self._outgoing.get_nowait()
            except queue.Empty:
                return

    def _try_other_protocol(self) -> None:
        self._protocol = MQTTProtocolVersion.MQTTv311 if self.speaks_v5 else MQTTProtocolVersion.MQTTv5

    def _new_client(self) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=None if self.speaks_v5 else True,
            protocol=self._protocol,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(MOST_INFLIGHT)
        client.max_queued_messages_set(MOST_OUTGOING)
        if self._broker.is_tls:
            client.tls_set(
                None if self._broker.ca is None else str(self._broker.ca),
                _shown(self._broker),
            )
        if self._broker.username:
            client.username_pw_set(self._broker.username, self._broker.password)
        if self._will is not None:
            topic, payload = self._will()
            client.will_set(topic, payload, qos=1, retain=True)
        client.on_socket_register_write = _leave_writing_to_the_loop
        client.on_connect = self._connected
        client.on_message = self._received
        client.on_publish = self._published
        client.on_subscribe = self._subscribed
        return client

    def _connected(
        self, client: paho.Client, _: Any, __: Any, code: ReasonCode, properties: Properties | None
    ) -> None:
        if code.is_failure:
            log.warning("broker_refused", reason=str(code))
            self.counters["connections_refused"] += 1
            self._on_event(Refused("connection", str(code)))
            return
        allowed = getattr(properties, "ReceiveMaximum", None) or MOST_INFLIGHT
        self._inflight = min(allowed, MOST_INFLIGHT)
        self._largest_packet = getattr(properties, "MaximumPacketSize", None) or MAX_FRAME_BYTES * 2
        if self._subscriptions:
            client.subscribe([(each, 1) for each in self._subscriptions])
        self._connected_with = client
        protocol = "MQTT 5" if self.speaks_v5 else "MQTT 3.1.1"
        self.counters["connects"] += 1
        log.info("broker_connected", host=self._broker.host, port=self._broker.port, protocol=protocol)
        self._on_event(Connected(protocol, self._inflight))

    def _received(self, _: paho.Client, __: Any, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            self.counters["topics_unreadable"] += 1
            return
        self._on_event(Received(topic, bytes(message.payload)))

    def _published(self, _: paho.Client, __: Any, mid: int, code: ReasonCode, ___: Any) -> None:
        topic = self._topics.pop(mid, "?")
        if code.is_failure:
            self.counters["publishes_refused"] += 1
            log.error("publish_refused", topic=topic, reason=str(code))
            self._on_event(Refused(topic, str(code)))

    def _subscribed(self, _: paho.Client, __: Any, ___: int, codes: list[ReasonCode], ____: Any) -> None:
        for topic, code in zip(self._subscriptions, codes, strict=False):
            if code.is_failure:
                self.counters["subscriptions_refused"] += 1
                log.error("subscription_refused", topic=topic, reason=str(code))
                self._on_event(Refused(topic, str(code)))


def _shown(broker: BrokerAddress) -> str | None:
    """Name our certificate; before the first one is there, a password stands for it."""
    if broker.certificate is None or (broker.password and not broker.certificate.exists()):
        return None
    return str(broker.certificate)


def _leave_writing_to_the_loop(_: paho.Client, __: Any, ___: Any) -> None:
    """With this hook set, the driver's publish() only queues."""
