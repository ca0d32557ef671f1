"""A site's forecast run on a real database: rows, slots, provenance, who may see them."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import numpy as np
import psycopg
import pytest

from cloud.db import LastingConnection
from cloud.forecasting import reading, service
from cloud.forecasting.domain import Order
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from tests.integration.ledger.scenario import Ledger, open_ledger

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
LAST = date(2026, 3, 1)
PLANNER = Actor("job:forecast", frozenset({Role.PLANNER}), all_sites=True)


@pytest.fixture
def ledger(database: object) -> Iterator[Ledger]:
    with open_ledger(database, sites=("leeds", "york")) as opened:
        yield opened


@pytest.fixture
def source(database: object) -> Iterator[LastingConnection]:
    with closing(LastingConnection(database.app_dsn, "test-forecast")) as opened:
        yield opened


def ask(ledger: Ledger, items: int = 30, weeks: int = 60, site: str = "leeds") -> np.ndarray:
    """Store Poisson demand of some items, the last of them begun a week before the end."""
    rng = np.random.default_rng(7)
    demand = rng.poisson(np.linspace(0.2, 20, items)[:, None], (items, weeks * 7))
    demand[-1, :-7] = 0

    def store(conn: psycopg.Connection) -> None:
        conn.execute(
            "INSERT INTO item (code) SELECT 'I-' || lpad(n::text, 3, '0') FROM generate_series(1, %s) n",
            (items,),
        )
        rows = [(r, d, int(demand[r, d])) for r, d in zip(*np.nonzero(demand), strict=True)]
        conn.execute(
            "INSERT INTO demand_line (site_id, source, document, line, kind, item_id, requested_at, quantity, revision,"
            " recorded_by, identifier_scheme, identifier, quantity_seen, recorded_at) SELECT %s, 'pos', 'D' || x.d, x.r::text, 'requested', i.item_id,"
            " %s::timestamptz - (%s - x.d) * INTERVAL '1 day', x.q, 1, 'test', 'item', i.code, x.q, now()"
            " FROM unnest(%s::int[], %s::int[], %s::int[]) AS x (r, d, q)"
            " JOIN item i ON i.code = 'I-' || lpad((x.r + 1)::text, 3, '0')",
            (
                site,
                datetime(LAST.year, LAST.month, LAST.day, 12, tzinfo=UTC),
                weeks * 7 - 1,
                [int(r) for r, _, _ in rows],
                [int(d) for _, d, _ in rows],
                [q for _, _, q in rows],
            ),
        )

    ledger.as_owner(store)
    return demand


def test_a_run_writes_a_row_per_item_once_per_slot(ledger: Ledger, source: LastingConnection) -> None:
    demand = ask(ledger)
    told = service.run_all(source, PLANNER, NOW, NOW)
    assert told["sites"]["york"] == {"skipped": "no demand is known"}
    assert told["sites"]["leeds"]["items"] == len(demand)
    again = service.run_all(source, PLANNER, NOW, NOW)
    assert "already" in again["sites"]["leeds"]["skipped"]

    def published(conn: psycopg.Connection) -> list[tuple]:
        act_as(conn, PLANNER)
        return conn.execute("SELECT * FROM pub_forecasts(NULL) ORDER BY item").fetchall()

    rows = ledger.as_app(published)
    assert len(rows) == len(demand)
    assert {row[5] for row in rows} == {LAST + timedelta(days=1)}

    def listed(conn: psycopg.Connection) -> None:
        for order in Order:
            first = reading.forecasts(conn, PLANNER, order=order, limit=20)
            last = first[-1]
            second = reading.forecasts(
                conn, PLANNER, order=order, after=(last.place, last.site, last.item), limit=20
            )
            assert sorted(row.item for row in first + second) == [row[3] for row in rows]
        found = reading.forecast(conn, PLANNER, site="leeds", item="I-010")
        print(found)

    ledger.as_app(listed)
