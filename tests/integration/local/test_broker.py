"""Both embedded brokers hold a gateway to its own topics, proven by what is delivered."""

import queue
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cloud.local.broker import BrokerError, GatewayAccount
from contracts.topics import INGEST_STATE, Channel, DemandChannel, demand_topic, topic
from tests.patience import PATIENCE_S

SHIPPED = Path(__file__).parents[3] / "deploy" / "mosquitto" / "access"


class Listener:
    """An MQTT connection and what reached it, in order."""

    def __init__(self, url: str, *filters: str) -> None:
        parts = urlsplit(url)
        self.received: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._answers: queue.Queue[str] = queue.Queue()
        self._filters = filters
        self.dropped = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        self._client.username_pw_set(parts.username, parts.password)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._answers.put("subscribed")
        self._client.on_disconnect = lambda *_: self.dropped.set()
        self._client.on_message = lambda _client, _data, message: self.received.put(
            (message.topic, message.payload)
        )
        self._client.connect(parts.hostname or "", parts.port or 0)
        self._client.loop_start()
        for _ in range(1 + len(filters)):
            answer = self._answers.get(timeout=PATIENCE_S)
            if answer == "refused":
                self.close()
                raise PermissionError(url)

    def _on_connect(
        self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        self._answers.put("refused" if reason.is_failure else "connected")
        for wanted in self._filters:
            client.subscribe(wanted, qos=1)

    def publish(self, where: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish; returns when the broker answered, or dropped the connection for it."""
        sent = self._client.publish(where, payload, qos=1, retain=retain)
        while not sent.is_published() and self._client.is_connected():
            sent.wait_for_publish(0.05)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets()  # the pair that woke the loop; garbage closes it otherwise


@contextmanager
def listening(url: str, *filters: str) -> Iterator[Listener]:
    listener = Listener(url, *filters)
    try:
        yield listener
    finally:
        listener.close()


def test_gateway_records_reach_ingest(any_broker: Any) -> None:
    url = any_broker.admit("leeds", "gw-1")
    records = topic("leeds", "gw-1", Channel.RECORDS)
    with listening(any_broker.url, "dl/v1/+/+/records") as ingest, listening(url) as gateway:
        gateway.publish(records, b"a batch")
        assert ingest.received.get(timeout=PATIENCE_S) == (records, b"a batch")


def test_acknowledgement_and_ingest_state_reach_the_gateway(any_broker: Any) -> None:
    url = any_broker.admit("leeds", "gw-1")
    ack = topic("leeds", "gw-1", Channel.ACK)
    with listening(any_broker.url) as ingest:
        ingest.publish(INGEST_STATE, b"open", retain=True)
        with listening(url, ack, INGEST_STATE) as gateway:
            assert gateway.received.get(timeout=PATIENCE_S) == (INGEST_STATE, b"open")
            ingest.publish(ack, b"position 7")
            assert gateway.received.get(timeout=PATIENCE_S) == (ack, b"position 7")


@pytest.mark.parametrize(
    "forged",
    [
        "dl/v1/leeds/gw-2/records",
        "dl/v1/york/gw-1/records",
        "dl/v1/leeds/gw-1/ack",
        "dl/v1/leeds/gw-1/config/desired",
        "dl/v1/ingest/state",
        "dl/demand/v1/leeds/gw-2/lines",
        "dl/demand/v1/york/gw-1/lines",
        "dl/demand/v1/leeds/gw-1/answer",
        "elsewhere",
    ],
)
def test_what_a_gateway_writes_elsewhere_is_not_delivered(any_broker: Any, forged: str) -> None:
    any_broker.admit("leeds", "gw-2")
    url = any_broker.admit("leeds", "gw-1")
    own = topic("leeds", "gw-1", Channel.STATUS)
    with listening(any_broker.url, "dl/v1/#", "dl/demand/v1/#") as everything:
        with listening(url) as gateway:
            gateway.publish(forged, b"forged")
        with listening(url) as gateway:
            gateway.publish(own, b"honest")
        assert everything.received.get(timeout=PATIENCE_S) == (own, b"honest")


@pytest.mark.parametrize(
    "overheard",
    [
        "#",
        "dl/v1/#",
        "dl/v1/leeds/gw-2/records",
        "dl/v1/leeds/gw-2/ack",
        "dl/demand/v1/leeds/gw-2/lines",
    ],
)
def test_a_gateway_hears_nothing_of_another(any_broker: Any, overheard: str) -> None:
    other = any_broker.admit("leeds", "gw-2")
    url = any_broker.admit("leeds", "gw-1")
    ack = topic("leeds", "gw-1", Channel.ACK)
    with (
        listening(url, ack, overheard) as gateway,
        listening(other) as neighbour,
        listening(any_broker.url) as us,
    ):
        neighbour.publish(topic("leeds", "gw-2", Channel.RECORDS), b"private")
        neighbour.publish(demand_topic("leeds", "gw-2", DemandChannel.LINES), b"private")
        us.publish(topic("leeds", "gw-2", Channel.ACK), b"private")
        us.publish(ack, b"mine")
        assert gateway.received.get(timeout=PATIENCE_S) == (ack, b"mine")


def test_a_gateway_admitted_while_the_broker_runs_disturbs_nobody(any_broker: Any) -> None:
    new = GatewayAccount("leeds", "gw-2", "test-gw-2")
    old_url = any_broker.admit("leeds", "gw-1")
    ack = topic("leeds", "gw-1", Channel.ACK)
    with listening(old_url, ack) as gateway:
        any_broker.embedded.admit([GatewayAccount("leeds", "gw-1", "test-gw-1"), new])
        any_broker._supervisor.send("broker", signal.SIGHUP)
        assert wait_until_accepted(any_broker.embedded.gateway_url(new))
        with listening(any_broker.url) as ingest:
            ingest.publish(ack, b"still here")
        assert gateway.received.get(timeout=PATIENCE_S) == (ack, b"still here")


def test_a_new_password_ends_the_old_one_and_whoever_came_by_it(any_broker: Any) -> None:
    old_url = any_broker.admit("leeds", "gw-1")
    new = GatewayAccount("leeds", "gw-1", "test-another")
    with listening(old_url, INGEST_STATE) as thief, listening(any_broker.url) as ingest:
        any_broker.embedded.admit([new])
        any_broker._supervisor.send("broker", signal.SIGHUP)
        assert wait_until_accepted(any_broker.embedded.gateway_url(new))
        with pytest.raises(PermissionError), listening(old_url):
            pass
        assert thief.dropped.wait(PATIENCE_S)
        ingest.publish(INGEST_STATE, b"open")
        assert thief.received.empty()


def wait_until_accepted(url: str) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            Listener(url).close()
        except PermissionError:
            continue
        return True
    return False


def test_a_stranger_is_refused(any_broker: Any) -> None:
    any_broker.admit("leeds", "gw-1")
    for user in ("gw-1:wrong", "gw-9:test-gw-9", "dockledger:"):
        with pytest.raises(PermissionError), listening(f"mqtt://{user}@127.0.0.1:{any_broker.port}"):
            pass


def test_a_restarted_broker_listens_on_the_same_port(any_broker: Any) -> None:
    port = any_broker.port
    any_broker.stop()
    any_broker.start()
    assert any_broker.port == port
    with listening(any_broker.url):
        pass


@pytest.mark.parametrize("any_broker", ["mosquitto"], indirect=True)
def test_the_access_list_of_deploy_holds_a_shop_to_its_own_lines_and_answers(
    any_broker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = SHIPPED.read_text("utf-8")
    dotted = "\n".join(line.removeprefix("#   ") for line in shipped.splitlines()[-3:])
    example = dotted.replace("user shop.leeds", "user shop")  # the embedded broker's accounts are ids
    assert example != dotted, "an account that no gateway can be named like"
    both = f"{shipped}\n{example}\n{example.replace('shop', 'kiosk')}\n"  # as deploy/RUNBOOK.md says
    monkeypatch.setattr("cloud.local.broker.mosquitto.access_rules", lambda _accounts: both)
    kiosk, gateway = any_broker.admit("leeds", "kiosk"), any_broker.admit("leeds", "gw-1")
    shop = any_broker.admit("leeds", "shop")
    own = {
        name: [demand_topic("leeds", name, channel) for channel in DemandChannel]
        for name in ("shop", "kiosk", "gw-1")
    }
    with (
        listening(any_broker.url, "dl/#") as everything,
        listening(shop, own["shop"][1], "dl/#", "dl/demand/v1/leeds/+/answer", own["kiosk"][0]) as hearing,
    ):
        for url, forged in (
            (shop, [*own["kiosk"], own["shop"][1], demand_topic("york", "shop", DemandChannel.LINES)]),
            (gateway, [own["gw-1"][0], own["shop"][0], own["shop"][1]]),
        ):
            for each in forged:
                with listening(url) as forger:  # the broker may drop it for this
                    forger.publish(each, b"forged")
        with listening(kiosk) as neighbour, listening(shop) as honest:
            neighbour.publish(own["kiosk"][0], b"theirs")
            honest.publish(own["shop"][0], b"ours")
        for name, payload in (("kiosk", b"theirs"), ("shop", b"ours")):
            assert everything.received.get(timeout=PATIENCE_S) == (own[name][0], payload)
        with listening(any_broker.url) as us:
            us.publish(own["kiosk"][1], b"to them")
            us.publish(own["shop"][1], b"to you")
        assert hearing.received.get(timeout=PATIENCE_S) == (own["shop"][1], b"to you")
        with listening(gateway, INGEST_STATE) as reading:
            with listening(any_broker.url) as us:
                us.publish(INGEST_STATE, b"open")
            assert reading.received.get(timeout=PATIENCE_S) == (INGEST_STATE, b"open")


@pytest.mark.parametrize("bad", ["gw 1", "gw/1", "gw\nuser root", "#", "", "dockledger"])
def test_an_id_that_could_bend_the_access_list_is_refused(bad: str) -> None:
    with pytest.raises(BrokerError, match="expected"):
        GatewayAccount("leeds", bad, "secret")
