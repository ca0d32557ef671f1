"""Demand that shops publish at a real broker: stored once, acknowledged after its commit, or held."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from cloud.db import LastingConnection
from cloud.demand.sources import commands as sources
from cloud.demand.sources import service
from cloud.demand.sources.domain import NewSource, SourceKind, SourceSettings
from cloud.ingest.arrival import Delivery
from cloud.ingest.mqtt import Link, Outgoing
from contracts.demand import DemandAnswer
from contracts.topics import DemandChannel, demand_topic
from tests.conftest import Broker
from tests.integration.ingest.conftest import Books
from tests.integration.ingest.processes import Ingest, wait_until
from tests.patience import PATIENCE_S

TEA, UNKNOWN = "05012345678900", "04006381333931"


def line(number: int, quantity: str = "2", gtin: str = TEA) -> dict[str, Any]:
    return {
        "document": "W-1",
        "line": str(number),
        "identifier": {"scheme": "gtin", "value": gtin},
        "quantity": quantity,
        "requested_at": "2026-03-02T09:30:00Z",
    }


def message(*lines: dict[str, Any]) -> bytes:
    return json.dumps({"schema": 1, "lines": lines}).encode()


class Shop:
    """Publishes lines, and hears what became of them."""

    def __init__(self, url: str, name: str) -> None:
        self._answers: queue.Queue[Delivery] = queue.Queue()
        self._hears = threading.Event()
        self._name = name
        self.link = Link(
            url,
            client_id=f"test-{name}",
            will=None,
            on_delivery=self._answers.put,
            on_listening=self._hears.set,
        )

    def say(self, payload: bytes) -> None:
        taken = threading.Event()
        lines = demand_topic("leeds", self._name, DemandChannel.LINES)
        assert self._hears.wait(PATIENCE_S)
        self.link.publish(Outgoing(lines, payload, retain=False, on_accepted=taken.set))
        assert taken.wait(PATIENCE_S)

    def hear(self) -> DemandAnswer:
        return DemandAnswer.model_validate_json(self._answers.get(timeout=PATIENCE_S).payload)

    def ask(self, payload: bytes) -> tuple[str, int, str | None]:
        self.say(payload)
        answer = self.hear()
        return answer.status.value, answer.changed, answer.reason


@contextmanager
def shop(url: str, name: str) -> Iterator[Shop]:
    opened = Shop(url, name)
    opened.link.start()
    opened.link.listen([demand_topic("leeds", name, DemandChannel.ANSWER)])
    try:
        yield opened
    finally:
        opened.link.close()


@pytest.fixture
def furnished(books: Books) -> Books:
    """Give a site, an item and a source that publishes."""
    books.command("INSERT INTO item (code) VALUES ('TEA'), ('MUG')")
    books.command(
        "INSERT INTO identifier (scheme, value, item_id) SELECT 'gtin', %s, item_id FROM item "
        "WHERE code = 'TEA'",
        TEA,
    )
    add(books, "shop")
    return books


def add(books: Books, name: str, **how: object) -> None:
    settings = SourceSettings.model_validate(how)
    wished = NewSource("leeds", name, SourceKind.MQTT, None, settings, None, 5)
    with closing(LastingConnection(books.database.app_dsn, "test")) as app, app.connection() as conn:
        service.add_source(conn, sources.SHELL, wished, site="leeds", now=datetime.now(UTC))


STORED: Final = "SELECT line, quantity::text, revision FROM demand_line ORDER BY line"


def test_published_demand_is_stored_once_or_held_through_either_broker(
    furnished: Books, any_broker: Broker, tmp_path: Path
) -> None:
    urls = {name: any_broker.admit("leeds", name) for name in ("shop", "other")}
    ingest = door(furnished, any_broker, tmp_path)
    try:
        ingest.start()
        with shop(urls["shop"], "shop") as ours, shop(urls["other"], "other") as stranger:
            wait_until(lambda: "demand_listened_to" in ingest.log, "a listener")
            assert ours.ask(message(line(1), line(2))) == ("stored", 2, None)
            assert ours.ask(message(line(1), line(2))) == ("stored", 0, None), "the same again"
            assert ours.ask(message(line(2, "5"))) == ("stored", 1, None), "a correction"
            assert ours.ask(b"{") == ("held", 0, "unreadable")
            assert ours.ask(message(line(7), line(8, gtin=UNKNOWN))) == ("held", 0, "unknown_name")
            assert stranger.ask(message(line(9))) == ("held", 0, "unknown_source")
            furnished.command("""UPDATE demand_source SET settings = '{"of a later release": 1}'""")
            assert ours.ask(message(line(4))) == ("held", 0, "unreadable"), "an error that nobody foresaw"
            furnished.command("UPDATE demand_source SET settings = '{}'")
            assert ours.ask(message(line(2, "6"))) == ("stored", 1, None), "which ends nothing"
    finally:
        ingest.stop_all()
    assert furnished.ask(STORED) == [("1", "2.000000", 1), ("2", "6.000000", 3)]
    held = "SELECT source, reason, split_part(message, chr(10), 1) FROM demand_held "
    held += "ORDER BY source, reason, held_id"
    assert furnished.ask(held) == [
        (
            "other",
            "unknown_source",
            "site 'leeds' has no source 'other': add it with `demand sources add --mqtt`",
        ),
        (
            "shop",
            "unknown_name",
            f"line 1: gtin: gtin '{UNKNOWN}' names no item: register it first, or ask for new items",
        ),
        ("shop", "unreadable", "the whole: Invalid JSON: EOF while parsing an object at line 1 column 1"),
        ("shop", "unreadable", "ValidationError: 1 validation error for SourceSettings"),
    ]


def test_what_is_published_while_nobody_listens_or_the_listener_dies_is_stored_by_the_next(
    furnished: Books, broker: Broker, tmp_path: Path
) -> None:
    url = broker.admit("leeds", "shop")
    ingest = door(furnished, broker, tmp_path)
    try:
        first = ingest.start()
        with shop(url, "shop") as ours:
            wait_until(lambda: "demand_listened_to" in ingest.log, "a listener, and its session")
            assert ours.ask(message(line(1))) == ("stored", 1, None)
            next_one = ingest.start(DOCKLEDGER_CRASH_AT="before_commit")
            first.kill()
            first.wait()
            ours.say(message(line(2)))
            next_one.wait(PATIENCE_S)
            assert furnished.ask(STORED) == [("1", "2.000000", 1)], "it died before the commit"
            ingest.start()
            answer = ours.hear()
            assert (answer.status, answer.changed) == ("stored", 1), "so the broker still had it"
    finally:
        ingest.stop_all()
    assert furnished.ask(STORED) == [("1", "2.000000", 1), ("2", "2.000000", 1)]


def door(books: Books, broker: Broker, folder: Path) -> Ingest:
    database = books.database
    return Ingest(database.ingest_dsn, broker.url, folder / "ingest.log", DOCKLEDGER_APP_DSN=database.app_dsn)
