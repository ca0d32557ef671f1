"""A shop is pulled over real HTTP: page by page, each with its cursor, whatever happens in between."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from asking import NOW, TEA, Demand
from pydantic import ValidationError
from shop import ADMIN, Pulls, Shop, open_shop, pulling

from cloud.demand.domain import DemandError
from cloud.demand.sources import fetching, service
from cloud.demand.sources.asking import Ask
from cloud.demand.sources.domain import (
    FaultyPageError,
    NewSource,
    Source,
    SourceAwayError,
    SourceError,
    SourceKind,
    SourceSettings,
    TakenSourceError,
)
from cloud.demand.sources.fetching import Fetcher
from tests.patience import PATIENCE_S

FLAT = {
    "rows": "data.orders",
    "fields": {
        "document": "id",
        "line": "pos",
        "gtin": "product.ean",
        "quantity": "qty",
        "requested_at": "at",
        "kind": "status",
        "taken_back_at": "cancelled_at",
    },
    "constants": {"channel": "web"},
    "kinds": {"paid": "requested", "cancelled": "cancelled", "draft": "skip"},
    "cursor_parameter": "updated_since",
    "watermark": "updated",
    "page_parameter": "page",
}


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as opened:
        yield opened


@pytest.fixture(scope="module")
def pulls(furnished: Demand) -> Iterator[Pulls]:
    with pulling(furnished.ledger.app_dsn) as opened:
        yield opened


@pytest.fixture(autouse=True)
def at_rest(demand: Demand) -> None:
    demand.ledger.as_owner(
        lambda conn: conn.execute("UPDATE demand_source SET state = 'paused', stopped_because = NULL")
    )


def order(
    number: int, status: str = "paid", qty: object = 2, minute: int = 0, **more: object
) -> dict[str, Any]:
    at = f"2026-03-02T09:{minute:02d}:00Z"
    return {
        "id": f"W-{number}",
        "pos": 1,
        "product": {"ean": TEA},
        "qty": qty,
        "at": at,
        "status": status,
        "updated": at,
    } | more


def page(*orders: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"data": {"orders": list(orders)}} | more


def add(demand: Demand, shop: Shop, name: str, how: dict[str, Any] = FLAT, **more: Any) -> int:
    wished = NewSource("leeds", name, SourceKind.REST, shop.url, SourceSettings.model_validate(how), None, 5)
    for field, value in more.items():
        object.__setattr__(wished, field, value)
    made = demand.ledger.as_app(lambda conn: service.add_source(conn, ADMIN, wished, site="leeds", now=NOW))
    return made.source_id


def seen(demand: Demand, number: int) -> Source:
    return demand.ledger.as_app(lambda conn: service.source(conn, ADMIN, number))


def lines(demand: Demand, name: str) -> dict[tuple[str, str], tuple[str, Decimal, int]]:
    found = demand.ledger.query(
        "SELECT document, line, kind, quantity, revision FROM demand_line WHERE source = %s", name
    )
    return {
        (document, number): (kind, quantity, revision) for document, number, kind, quantity, revision in found
    }


def test_pages_are_followed_and_the_next_pull_begins_a_little_before_their_end(
    demand: Demand, shop: Shop, pulls: Pulls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMAND_SOURCE_LEEDS__SHOP", "s3cret")
    number = add(
        demand,
        shop,
        "paged",
        secret_from="env:DEMAND_SOURCE_LEEDS__SHOP",
        from_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    shop.say(page(order(1), order(2, qty="2.50", minute=5)))
    shop.say(
        page(
            order(3, "cancelled", minute=9, cancelled_at="2026-03-03T09:00:00Z"), order(4, "draft", minute=9)
        )
    )
    shop.say(page())
    assert pulls.due(NOW) == {"pulled": 1, "lines": 4, "failed": 0, "stopped": 0, "replayed": 0}
    since = {"updated_since": "2026-03-01T00:00:00Z", "path": "/orders", "authorization": "Bearer s3cret"}
    assert shop.asked == [since | {"page": str(nth)} for nth in (1, 2, 3)]
    assert lines(demand, "paged") == {
        ("W-1", "1"): ("requested", 2, 1),
        ("W-2", "1"): ("requested", Decimal("2.5"), 1),
        ("W-3", "1"): ("requested", 2, 1),
        ("W-3", "1/cancelled"): ("cancelled", 2, 1),
    }
    assert demand.of_tea("2026-03-01", "2026-03-05") == {"2026-03-02": Decimal("4.5")}
    assert demand.ledger.query("SELECT DISTINCT channel, recorded_by FROM demand_line") == [
        ("web", "job:pull_demand")
    ]
    after = seen(demand, number)
    assert (after.cursor, after.lines, after.failures, after.due_at) == (
        "2026-03-02T09:09:00Z",
        4,
        0,
        NOW + timedelta(minutes=5),
    )
    assert pulls.due(NOW)["pulled"] == 0, "not due yet"

    shop.say(page(order(3, "cancelled", minute=9), order(2, qty=3, minute=10)))
    shop.say(page())
    outcome = pulls.due(NOW + timedelta(minutes=5))
    assert shop.asked[3]["updated_since"] == "2026-03-02T09:08:00Z"
    assert outcome["lines"] == 2, (
        "a corrected quantity, and a cancellation whose own time is not told any more"
    )
    assert lines(demand, "paged")["W-2", "1"] == ("requested", 3, 2)


def test_a_source_that_does_not_answer_is_asked_again_later_and_later_until_a_person_hears_of_it(
    demand: Demand, shop: Shop, pulls: Pulls
) -> None:
    number = add(demand, shop, "shaky")
    now = NOW
    for failures, minutes in ((1, 1), (2, 2), (3, 60)):
        shop.say(b"<html>busy</html>", 503, **({"Retry_After": "3600"} if failures == 3 else {}))
        assert pulls.due(now)["failed"] == 1
        source = seen(demand, number)
        assert (source.failures, source.due_at - now) == (failures, timedelta(minutes=minutes))
        assert source.last_error == "HTTP 503: <html>busy</html>"
        assert len(tickets(demand, number)) == (failures == 3)
        now = source.due_at
    shop.say(page(order(1)))
    shop.say(page())
    assert pulls.due(now) == {"pulled": 1, "lines": 1, "failed": 0, "stopped": 0, "replayed": 0}
    assert tickets(demand, number) == []
    assert seen(demand, number).last_error is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((200, b'{"data": {"orders": ['), "the answer is no JSON"),
        ((200, {"data": {}}), "the page: expected a list at 'data.orders', got nothing"),
        ((200, page(order(1, qty=-1))), "page 1, line 1: quantity: '-1': expected a quantity above zero"),
        ((200, page(order(1), order(2, "lost"))), "line 2: kind: 'lost': expected one of cancelled, draft"),
        ((200, page(order(1, minute=9), order(2))), "row 2: updated '2026-03-02T09:00:00Z' comes after"),
        ((200, page(order(1, product={"ean": "4006381333931"}))), "names no item: register it first"),
        ((200, page(order(1, updated="tomorrow"))), "watermark 'tomorrow': expected a time"),
        ((200, page(order(1) | {"id": "\ud800"})), "document: '\\ud800': expected whole characters"),
        ((302, b""), "HTTP 302: it sends elsewhere, which is refused"),
        ((401, b"who are you?"), "HTTP 401: who are you?"),
        ((200, b" " * (fetching.MOST_BYTES + 1)), "has more than 16777216 bytes: ask for fewer rows"),
    ],
)
def test_a_faulty_page_stops_the_source_names_its_faults_and_loses_nothing(
    demand: Demand, shop: Shop, pulls: Pulls, answer: tuple[int, Any], message: str
) -> None:
    name = f"faulty-{answer[0]}-{len(message)}"
    number = add(demand, shop, name)
    shop.say(page(order(7)))
    status, document = answer
    shop.say(document, status, Location="http://elsewhere.example/")
    assert pulls.due(NOW)["stopped"] == 1
    stopped = seen(demand, number)
    assert (stopped.state, stopped.cursor) == ("stopped", "2026-03-02T09:00:00Z"), (
        "as the page before left it"
    )
    assert message.replace("page 1", "page 2") in (stopped.stopped_because or "")
    ((summary, detail),) = tickets(demand, number)
    assert summary.startswith(f"Demand source {name} was stopped at a faulty page")
    assert detail["faults"]
    assert list(lines(demand, name)) == [("W-7", "1")]
    assert pulls.due(NOW + timedelta(days=1))["pulled"] == 0
    with pytest.raises(SourceError, match="is stopped: resume it first"):
        pulls.one(number)

    demand.ledger.as_app(lambda conn: service.resume_source(conn, ADMIN, number, now=NOW))
    assert tickets(demand, number) == []
    shop.say(page(order(7), order(8, minute=1)))
    shop.say(page())
    assert pulls.one(number).cursor == "2026-03-02T09:01:00Z"
    assert list(lines(demand, name)) == [("W-7", "1"), ("W-8", "1")]


def test_an_error_that_nobody_foresaw_is_one_sources_own_and_others_go_on(
    demand: Demand, shop: Shop, pulls: Pulls
) -> None:
    broken, well = add(demand, shop, "broken"), add(demand, shop, "well")
    demand.ledger.as_owner(
        lambda conn: conn.execute(
            """UPDATE demand_source SET settings = '{"of a later release": 1}' WHERE source_id = %s""",
            [broken],
        )
    )
    demand.ledger.query(
        "INSERT INTO demand_event (source_id, site_id, event_id, sha256, lines, received_at) "
        "VALUES (%s, 'leeds', 'old', '', 0, %s), (%s, 'leeds', 'new', '', 0, %s) RETURNING 1",
        *(broken, NOW - timedelta(days=31), broken, NOW - timedelta(days=29)),
    )
    shop.say(page(order(1)))
    shop.say(page())
    assert pulls.due(NOW) == {"pulled": 1, "lines": 1, "failed": 1, "stopped": 0, "replayed": 0}
    assert seen(demand, well).lines == 1
    failed = seen(demand, broken)
    assert (failed.state, failed.failures, failed.due_at) == ("active", 1, NOW + timedelta(minutes=1))
    assert "ValidationError" in (failed.last_error or "")
    ((summary, _),) = tickets(demand, broken)
    for _ in range(2):
        with pytest.raises(ValidationError):
            pulls.one(broken)  # who asks for it is told, and may ask again at once
    known = demand.ledger.query("SELECT event_id FROM demand_event WHERE source_id = %s", broken)
    assert known == [("new",)], "old events are forgotten although something was due"
    assert summary.startswith("Demand source broken has met an error that nobody foresaw: ValidationError")


def test_a_refusal_is_not_listened_to_for_longer_than_an_answer() -> None:
    head = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9999\r\n\r\nno"
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as answering:

        def refuse() -> bytes:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(head)
                return connection.recv(1)

        said_until_the_end = answering.submit(refuse)
        fetcher = Fetcher(timeout_s=30, longest_s=0)
        with pytest.raises(FaultyPageError, match=r"^HTTP 403: no$"):
            fetcher.fetch(Ask(f"http://127.0.0.1:{server.getsockname()[1]}/", ()), {})
        fetcher.close()
        assert said_until_the_end.result(PATIENCE_S) == b"", "hung up on"


def test_a_source_that_answers_drop_by_drop_is_hung_up_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as answering:

        def drip() -> int:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
                for drops in range(1000):
                    connection.sendall(b"x")
                    connection.settimeout(0.05)
                    with suppress(TimeoutError):
                        while connection.recv(4096):
                            pass
                        return drops
            return 0

        dripping = answering.submit(drip)
        fetcher = Fetcher(timeout_s=0.3, longest_s=0.1)
        with pytest.raises(SourceAwayError, match="RemoteProtocolError"):
            fetcher.fetch(Ask(f"http://127.0.0.1:{server.getsockname()[1]}/", ()), {})
        fetcher.close()
        assert 0 < dripping.result(PATIENCE_S) < 100


def test_a_page_that_comes_twice_changes_nothing_and_what_a_person_did_meanwhile_counts(
    demand: Demand, shop: Shop, pulls: Pulls
) -> None:
    number = add(demand, shop, "twice")
    for _ in range(2):
        shop.say(page(order(1), total=1))
        shop.say(page())
        assert pulls.one(number).lines == 1
    shop.say(page(order(1), total=2))
    shop.say(page())
    assert pulls.one(number).lines == 1
    imported = demand.ledger.query(
        "SELECT detail->'added', detail->>'cursor' FROM audit_event WHERE action = 'demand_imported' "
        "AND detail->>'source_id' = %s ORDER BY audit_id",
        str(number),
    )
    assert imported == [(1, "2026-03-02T09:00:00Z"), (0, "2026-03-02T09:00:00Z")], "the same bytes: not again"

    shop.say(page(order(2, minute=3)))
    begin = datetime(2026, 3, 2, tzinfo=UTC)
    shop.meanwhile = lambda: demand.ledger.as_app(
        lambda conn: service.backfill_source(conn, ADMIN, number, from_at=begin, now=NOW)
    )
    after = pulls.one(number)
    assert (after.cursor, after.from_at, after.due_at) == (None, begin, NOW), "a page of before"
    assert list(lines(demand, "twice")) == [("W-1", "1")]
    shop.say(page(order(1), order(2, minute=3)))
    shop.say(page())
    assert pulls.due(NOW)["lines"] == 1
    assert shop.asked[-2]["updated_since"] == "2026-03-02T00:00:00Z"

    shop.say(page(order(9, minute=4)))
    shop.meanwhile = lambda: demand.ledger.as_app(
        lambda conn: service.pause_source(conn, ADMIN, number, now=NOW)
    )
    assert pulls.one(number).state == "paused"
    assert ("W-9", "1") not in lines(demand, "twice")


def test_cursors_of_the_source_and_links_to_next_pages_are_followed(
    demand: Demand, shop: Shop, pulls: Pulls
) -> None:
    nested = {
        "rows": "orders",
        "lines": "items",
        "fields": {
            "document": "..id",
            "line": "no",
            "gtin": "ean",
            "quantity": "n",
            "requested_at": "..at",
            "channel": "..via",
        },
    }
    of_two = {"id": "N-1", "at": "2026-03-02T09:00:00Z", "via": "app", "items": [
        {"no": 1, "ean": TEA, "n": 1}, {"no": 2, "ean": TEA, "n": 4}]}  # fmt: skip
    told = nested | {"cursor_parameter": "after", "cursor_path": "meta.next", "page_size_parameter": "limit"}
    number = add(demand, shop, "told", told)
    shop.say({"orders": [of_two], "meta": {"next": "c1"}})
    shop.say({"orders": [of_two | {"id": "N-2"}], "meta": {"next": None}})
    assert pulls.one(number).cursor == "c1"
    assert [(asked.get("after"), asked["limit"]) for asked in shop.asked] == [(None, "500"), ("c1", "500")]
    assert len(lines(demand, "told")) == 4
    with pytest.raises(SourceError, match="its cursor is its own word"):
        demand.ledger.as_app(lambda conn: service.backfill_source(conn, ADMIN, number, from_at=NOW, now=NOW))

    linked = nested | {"cursor_parameter": "since", "watermark": "at", "next_path": "Link"}
    number = add(demand, shop, "linked", linked)
    shop.say({"orders": [of_two]}, Link='</orders?cursor=xyz>; rel="next"')
    shop.say({"orders": [of_two | {"id": "N-2"}]}, Link='<http://elsewhere.example/orders>; rel="next"')
    stopped = pulls.one(number)
    assert shop.asked[-1]["cursor"] == "xyz"
    assert "the secret is for no other" in (stopped.stopped_because or "")
    assert len(lines(demand, "linked")) == 4


def test_a_source_that_cannot_be_is_refused_with_all_that_is_wrong(demand: Demand, shop: Shop) -> None:
    with pytest.raises(SourceError) as caught:
        add(demand, shop, "no way", FLAT | {"cursor_path": "next", "constants": {"site": "pune"}},
            address="ftp://host/x", secret_from="hunter2", every_minutes=0)  # fmt: skip
    for expected in (
        "name 'no way': expected 1-64",
        "every_minutes 0: expected 1 to 10080",
        "secret_from 'hunter2': expected env:DEMAND_SOURCE_LEEDS__NAME or file:NAME, never the secret itself",
        "url 'ftp://host/x': expected https://host/path",
        "cursor_path and watermark: expected one of them",
        "site: every line is of the source's own site and name",
    ):
        assert expected in str(caught.value)
    with pytest.raises(DemandError, match="no column 'quantity'"):
        add(demand, shop, "bare", FLAT | {"fields": {"kind": "status", "document": "id"}})
    add(demand, shop, "there")
    with pytest.raises(TakenSourceError, match="'there' of site 'leeds' is there already"):
        add(demand, shop, "there")


def tickets(demand: Demand, number: int) -> list[tuple[str, dict[str, Any]]]:
    return demand.ledger.query(
        "SELECT summary, detail FROM ticket WHERE dedup_key = %s AND resolved_at IS NULL",
        f"demand_source:{number}",
    )
