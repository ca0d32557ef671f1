"""A shop is pulled over real HTTP: page by page, each with its cursor, whatever happens in between."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from asking import NOW, TEA, Demand
from shop import Shop, open_shop

from cloud.db import ConnectionPool, open_pool
from cloud.demand.sources import service
from cloud.demand.sources.domain import NewSource, Source, SourceError, SourceKind, SourceSettings
from cloud.demand.sources.fetching import Fetcher
from cloud.demand.sources.pulling import pull_demand, pull_now
from cloud.identity.actor import Actor, Role

ADMIN = Actor("user:ann", frozenset({Role.ADMIN}), all_sites=True)
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
def pool(furnished: Demand) -> Iterator[ConnectionPool]:
    with open_pool(furnished.ledger.app_dsn, "test-sources") as opened:
        yield opened


@pytest.fixture(scope="module")
def fetcher() -> Iterator[Fetcher]:
    opened = Fetcher(timeout_s=5)
    yield opened
    opened.close()


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
    demand: Demand, pool: ConnectionPool, shop: Shop, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMAND_SOURCE_SHOP", "s3cret")
    number = add(
        demand, shop, "paged", secret_from="env:DEMAND_SOURCE_SHOP", from_at=datetime(2026, 3, 1, tzinfo=UTC)
    )
    shop.say(page(order(1), order(2, qty="2.50", minute=5)))
    shop.say(
        page(
            order(3, "cancelled", minute=9, cancelled_at="2026-03-03T09:00:00Z"), order(4, "draft", minute=9)
        )
    )
    shop.say(page())
    assert pull_demand(pool, NOW, fetcher=fetcher) == {"pulled": 1, "lines": 4, "failed": 0, "stopped": 0}
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
    assert pull_demand(pool, NOW, fetcher=fetcher)["pulled"] == 0, "not due yet"

    shop.say(page(order(3, "cancelled", minute=9), order(2, qty=3, minute=10)))
    shop.say(page())
    outcome = pull_demand(pool, NOW + timedelta(minutes=5), fetcher=fetcher)
    assert shop.asked[3]["updated_since"] == "2026-03-02T09:08:00Z"
    assert outcome["lines"] == 2, (
        "a corrected quantity, and a cancellation whose own time is not told any more"
    )
    assert lines(demand, "paged")["W-2", "1"] == ("requested", 3, 2)
