"""F5 and F6 at the protocol: a real broker between the edge and a ledger that answers by a script."""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.feedback import Ack, BatchAck, IngestMode, IngestState, StoredAs
from contracts.gateway import Health, Status
from contracts.topics import Channel
from edge_agent.clock import Clock
from edge_agent.health import describe_gateway
from edge_agent.outbox.domain import OutboxStats
from edge_agent.outbox.draft import Draft
from edge_agent.outbox.outbox import Outbox, OutboxOptions
from edge_agent.publish import domain
from edge_agent.publish.address import BrokerAddress, parse_broker_url
from edge_agent.publish.mqtt import MqttLink
from edge_agent.publish.options import PublishOptions
from edge_agent.publish.service import Publisher
from tests.conftest import Broker
from tests.integration.edge.conftest import HandClock
from tests.integration.edge.scripted_ledger import Books, ScriptedLedger

SITE, GATEWAY = "leeds", "gw-1"


class Edge:
    """An outbox with its publisher."""

    def __init__(self, path: Path, broker: BrokerAddress, clock: Clock, **more: Any) -> None:
        self.outbox = Outbox(OutboxOptions(path, SITE, GATEWAY, "test", ballast_bytes=65536), clock)
        self._clock = clock
        self._is_closed = False
        self.heard: list[tuple[Channel, bytes]] = []
        self.publisher = Publisher(
            self.outbox,
            clock,
            PublishOptions(SITE, GATEWAY, "test", broker, **more),
            health=self._health,
            on_message=lambda channel, payload: self.heard.append((channel, payload)),
            random_source=random.Random(1),
        )

    def scan(self, *drafts: Draft) -> None:
        for each in drafts:
            self.outbox.append([each])
            self.publisher.notify()

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self.publisher.stop()
            self.outbox.close()

    def _health(self, stats: OutboxStats) -> Health:
        return describe_gateway(
            site=SITE,
            gateway=GATEWAY,
            now=self._clock.now().at,
            uptime_s=1,
            stats=stats,
            clock={"ok": True},
            readers=(),
            counters={},
        )


@pytest.fixture
def make_edge(
    tmp_path: Path, any_broker: Broker, hands: HandClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Edge]]:
    monkeypatch.setattr(domain, "RESEND_FIRST_S", (0.2, 0.4))
    address = parse_broker_url(any_broker.admit(SITE, GATEWAY))
    with ExitStack() as stack:

        def make() -> Edge:
            edge = Edge(tmp_path / "outbox.db", address, hands.make())
            edge.publisher.start()
            stack.callback(edge.close)
            return edge

        yield make


@pytest.fixture
def make_ledger(any_broker: Broker) -> Iterator[Callable[..., ScriptedLedger]]:
    with ExitStack() as stack:

        def make(**options: object) -> ScriptedLedger:
            ledger = ScriptedLedger(any_broker.url, SITE, **options)
            stack.callback(ledger.close)
            return ledger

        yield make


Event = Callable[..., Draft]
MakeEdge = Callable[[], Edge]
MakeLedger = Callable[..., ScriptedLedger]


def names(count: int, start: int = 0) -> list[str]:
    return [str(number) for number in range(start, start + count)]


def settled(edge: Edge, ledger: ScriptedLedger) -> None:
    ledger.wait_until(lambda _: edge.outbox.stats().unacked_rows == 0)


def test_every_row_arrives_once_and_in_order(
    make_edge: MakeEdge, make_ledger: MakeLedger, event: Event
) -> None:
    edge, ledger = make_edge(), make_ledger()
    edge.scan(*(event(number) for number in range(200)))
    ledger.wait_until(lambda it: len(it.books.devices()) >= 200)
    assert ledger.books.devices() == names(200)
    assert [record.seq for _, record in ledger.books.records()] == list(range(1, 201))


def test_what_the_ledger_does_not_answer_is_sent_again_until_it_does(
    make_edge: MakeEdge, make_ledger: MakeLedger, event: Event
) -> None:
    ledger = make_ledger(answers=lambda arrival: arrival > 6)
    edge = make_edge()
    edge.scan(*(event(number) for number in range(5)))
    ledger.wait_until(lambda it: it.arrivals > 6)
    settled(edge, ledger)
    assert sorted(ledger.books.devices()) == names(5)
    assert ledger.books.duplicates > 0
    assert edge.publisher.counted()["batches_resent"] > 0


def test_a_broker_that_forgets_everything_loses_nothing(
    make_edge: MakeEdge, make_ledger: MakeLedger, event: Event, any_broker: Broker
) -> None:
    books = Books()
    edge = make_edge()
    ledger = make_ledger(books=books)
    for round_number in range(3):
        edge.scan(*(event(round_number * 20 + number) for number in range(20)))
        any_broker.stop()
        any_broker.start()
    ledger.wait_until(lambda it: len(it.books.devices()) >= 60)
    settled(edge, ledger)
    assert sorted(books.devices(), key=int) == names(60)


def test_a_restarted_edge_goes_on_where_it_was(
    make_edge: MakeEdge, make_ledger: MakeLedger, event: Event
) -> None:
    edge = make_edge()
    edge.scan(*(event(number) for number in range(30)))
    edge.close()
    edge = make_edge()
    edge.scan(*(event(number) for number in range(30, 40)))
    ledger = make_ledger()
    ledger.wait_until(lambda it: len(it.books.devices()) >= 40)
    assert ledger.books.devices() == names(40)


def test_backlog_and_live_rows_both_arrive_after_an_outage(
    make_edge: MakeEdge, make_ledger: MakeLedger, event: Event, hands: HandClock, any_broker: Broker
) -> None:
    any_broker.stop()
    edge = make_edge()
    edge.scan(event(0))
    edge.outbox.append([event(number) for number in range(1, 1200)])
    hands.advance(3600)
    any_broker.start()
    ledger = make_ledger()
    ledger.wait_until(lambda it: len(it.books.devices()) >= 1200)
    edge.scan(event(1200))
    ledger.wait_until(lambda it: len(it.books.devices()) >= 1201)
    settled(edge, ledger)
    assert len(ledger.books.epochs) == 2
    assert sorted(ledger.books.devices(), key=int) == names(1201)
    assert "connections_renewed" not in edge.publisher.counted(), "a fresh connection is not yet deaf"


def test_a_restored_ledger_is_filled_again(
    make_edge: MakeEdge, make_ledger: MakeLedger, event: Event
) -> None:
    edge, ledger = make_edge(), make_ledger()
    edge.scan(*(event(number) for number in range(50)))
    settled(edge, ledger)
    ledger.books.ledger_id = "restored"
    for books in ledger.books.epochs.values():
        books.batches = {number: books.batches[number] for number in sorted(books.batches)[:1]}
    epoch = next(iter(ledger.books.epochs))
    ledger.say(ledger.books.ack(GATEWAY, epoch))
    ledger.wait_until(lambda it: len(it.books.devices()) >= 50)
    settled(edge, ledger)
    rows = [device for device in ledger.books.devices() if device is not None]
    assert sorted(rows, key=int) == names(50)


def test_an_idle_gateway_fills_a_restored_ledger_as_soon_as_it_is_announced(
    make_edge: MakeEdge, make_ledger: MakeLedger, event: Event
) -> None:
    edge, ledger = make_edge(), make_ledger()
    edge.scan(*(event(number) for number in range(5)))
    settled(edge, ledger)
    ledger.books.ledger_id = "restored"
    ledger.books.epochs.clear()
    ledger.announce(IngestState(mode=IngestMode.RUNNING, ledger_id="restored", since_at=datetime.now(UTC)))
    ledger.wait_until(lambda it: len(it.books.devices()) >= 5)
    settled(edge, ledger)
    assert ledger.books.devices() == names(5)


def test_a_pause_holds_the_gateways_of_its_sites_until_they_may_go_on(
    make_edge: MakeEdge, make_ledger: MakeLedger, event: Event
) -> None:
    def say(mode: IngestMode, *sites: str) -> None:
        ledger.announce(IngestState(mode=mode, since_at=datetime.now(UTC), sites=sites))

    edge, ledger = make_edge(), make_ledger()
    say(IngestMode.PAUSED, "york")
    edge.scan(event(1))
    settled(edge, ledger)
    say(IngestMode.PAUSED, SITE)
    ledger.wait_until(lambda _: edge.publisher._is_paused)
    say(IngestMode.RUNNING, "york")
    edge.scan(event(2))
    say(IngestMode.RUNNING, "york", SITE)
    settled(edge, ledger)
    assert ledger.books.devices() == ["1", "2"]


def test_a_pause_of_some_sites_ends_with_the_connection_and_by_itself(
    make_edge: MakeEdge, make_ledger: MakeLedger, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    def say(mode: IngestMode, site: str) -> None:
        ledger.announce(IngestState(mode=mode, since_at=datetime.now(UTC), sites=(site,)))

    edge, ledger = make_edge(), make_ledger()
    edge.scan(event(0))
    settled(edge, ledger)
    say(IngestMode.PAUSED, SITE)
    ledger.wait_until(lambda _: edge.publisher._is_paused)
    edge.scan(event(1))
    say(IngestMode.RUNNING, "york")
    edge.publisher.renew()
    settled(edge, ledger)
    monkeypatch.setattr(domain, "PAUSE_LASTS_S", 0.1)
    say(IngestMode.PAUSED, SITE)
    ledger.wait_until(lambda _: edge.publisher._paused_until_s > 0)
    edge.scan(event(2))
    settled(edge, ledger)
    assert ledger.books.devices() == ["0", "1", "2"]


def test_a_fork_is_kept_and_new_rows_flow_in_a_new_epoch(
    make_edge: MakeEdge, make_ledger: MakeLedger, event: Event
) -> None:
    edge = make_edge()
    edge.scan(event(1))
    ledger = make_ledger(answers=lambda _: False)
    ledger.wait_until(lambda it: it.arrivals > 0)
    epoch, books = next(iter(ledger.books.epochs.items()))
    sha256 = books.batches[1][0]
    refused = BatchAck(batch_no=1, sha256=sha256, status=StoredAs.CONFLICT)
    ledger.say(
        Ack.model_validate(
            {
                "ledger_id": "ledger-1",
                "gateway": GATEWAY,
                "epoch": epoch,
                "position": 9,
                "contiguous_no": 1,
                "contiguous_sha256": "b" * 64,
                "extra": [refused],
            }
        )
    )
    ledger.wait_until(lambda _: edge.outbox.stats().conflict_batches == 1)
    edge.scan(event(2))
    ledger.wait_until(lambda it: len(it.books.epochs) == 2)
    assert edge.outbox.stats().conflict_batches == 1


def test_a_paused_ingest_gets_nothing_until_it_runs_again(
    make_edge: MakeEdge, make_ledger: MakeLedger, event: Event
) -> None:
    ledger = make_ledger()
    now = datetime.now(UTC)
    ledger.announce(IngestState(mode=IngestMode.PAUSED, since_at=now, reason="restore"))
    edge = make_edge()
    ledger.wait_until(lambda it: any(channel is Channel.STATUS for channel, _ in it.statuses))
    edge.scan(event(1))
    ledger.wait_until(lambda it: len(it.statuses) >= 2)
    assert ledger.arrivals == 0
    ledger.announce(IngestState(mode=IngestMode.RUNNING, since_at=now + timedelta(seconds=1)))
    ledger.wait_until(lambda it: it.books.devices() == ["1"])


def test_status_says_online_and_at_the_end_offline(
    make_edge: MakeEdge, make_ledger: MakeLedger, event: Event
) -> None:
    ledger = make_ledger()
    edge = make_edge()
    ledger.wait_until(lambda it: len(it.statuses) >= 2)
    edge.close()

    def said(it: ScriptedLedger) -> list[str]:
        return [
            Status.model_validate_json(body).presence
            for channel, body in it.statuses
            if channel is Channel.STATUS
        ]

    ledger.wait_until(lambda it: said(it)[-1] == "offline")
    assert said(ledger)[0] == "online"


@pytest.mark.parametrize(
    ("channel", "payload"),
    [
        (Channel.ACK, b"\xff\xfenot json"),
        (Channel.ACK, b'{"schema": 1}'),
        (Channel.ACK, b""),
        (Channel.CONFIG_DESIRED, b"{}"),
    ],
)
def test_nonsense_from_the_cloud_is_counted_and_harms_nothing(
    make_edge: MakeEdge, make_ledger: MakeLedger, event: Event, channel: Channel, payload: bytes
) -> None:
    ledger = make_ledger()
    edge = make_edge()
    ledger.send(GATEWAY, channel, payload)
    edge.scan(event(1))
    ledger.wait_until(lambda it: it.books.devices() == ["1"])
    settled(edge, ledger)
    unreadable = edge.publisher.counted().get("acks_unreadable", 0)
    is_ack = channel is Channel.ACK
    assert (unreadable > 0) == (is_ack and payload != b""), "an empty one clears what was retained"
    assert set(edge.heard) == (set() if is_ack else {(channel, payload)}), "its owner judges it"


def test_an_oversized_publish_never_leaves(any_broker: Broker) -> None:
    address = parse_broker_url(any_broker.admit(SITE, GATEWAY))
    events: list[object] = []
    link = MqttLink(
        address,
        client_id=GATEWAY,
        subscriptions=[],
        will=lambda: (f"dl/v1/{SITE}/{GATEWAY}/status", b"{}"),
        on_event=events.append,
    )
    link.start()
    try:
        while not link.is_connected:
            pass
        assert not link.publish(f"dl/v1/{SITE}/{GATEWAY}/records", bytes(256 * 1024 + 1))
        assert link.publish(f"dl/v1/{SITE}/{GATEWAY}/records", b"small")
        assert link.counters["publishes_too_large"] == 1
    finally:
        link.stop()


def test_a_publish_that_the_acl_denies_is_an_incident(any_broker: Broker) -> None:
    address = parse_broker_url(any_broker.admit(SITE, GATEWAY))
    link = MqttLink(
        address,
        client_id=GATEWAY,
        subscriptions=[],
        will=lambda: (f"dl/v1/{SITE}/{GATEWAY}/status", b"{}"),
        on_event=lambda _: None,
    )
    link.start()
    while not link.is_connected:
        pass
    link.publish(f"dl/v1/{SITE}/other/records", b"forged")
    link.stop()
    if link.speaks_v5:
        assert link.counters["publishes_refused"] == 1
