"""Demand that shops publish at a real broker: stored once, acknowledged after its commit, or held."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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
from tests.integration.ingest.processes import PATIENCE_S, Ingest, wait_until

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
        self._name = name
        self.link = Link(
            url,
            client_id=f"test-{name}",
            will=None,
            on_delivery=self._answers.put,
            on_listening=lambda: None,
        )

    def say(self, payload: bytes) -> None:
        taken = threading.Event()
        lines = demand_topic("leeds", self._name, DemandChannel.LINES)
        wait_until(lambda: self.link.is_up, "the shop's connection")
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


def test_published_demand_is_stored_once_through_either_broker_whatever_dies_meanwhile(
    furnished: Books, any_broker: Broker, tmp_path: Path
) -> None:
    urls = {name: any_broker.admit("leeds", name) for name in ("shop", "other")}
    log, app_dsn = tmp_path / "ingest.log", furnished.database.app_dsn
    ingest = Ingest(furnished.database.ingest_dsn, any_broker.url, log, DOCKLEDGER_APP_DSN=app_dsn)
    stored = "SELECT line, quantity::text, revision FROM demand_line ORDER BY line"
    try:
        ingest.start()
        ingest.start()
        with shop(urls["shop"], "shop") as ours, shop(urls["other"], "other") as stranger:
            wait_until(lambda: "demand_listened_to" in ingest.log, "a listener")
            assert ours.ask(message(line(1), line(2))) == ("stored", 2, None)
            assert ours.ask(message(line(1), line(2))) == ("stored", 0, None), "the same again"
            assert ours.ask(message(line(2, "5"))) == ("stored", 1, None), "a correction"
            assert ours.ask(b"{") == ("held", 0, "unreadable")
            assert ours.ask(message(line(7), line(8, gtin=UNKNOWN))) == ("held", 0, "unknown_name")
            assert stranger.ask(message(line(9))) == ("held", 0, "unknown_source")
            assert furnished.ask(stored) == [("1", "2.000000", 1), ("2", "5.000000", 2)]

            for process in ingest.processes:
                process.kill()
                process.wait()
            ours.say(message(line(3)))
            dying = ingest.start(DOCKLEDGER_CRASH_AT="before_commit")
            dying.wait(PATIENCE_S)
            ingest.start(DOCKLEDGER_CRASH_AT="after_commit").wait(PATIENCE_S)
            ingest.start()
            assert ours.hear().changed == 0, "stored by the one that died before it could acknowledge it"
    finally:
        ingest.stop_all()
    assert furnished.ask(stored) == [("1", "2.000000", 1), ("2", "5.000000", 2), ("3", "2.000000", 1)]
    held = "SELECT source, reason, split_part(message, chr(10), 1) FROM demand_held ORDER BY source, reason"
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
    ]
