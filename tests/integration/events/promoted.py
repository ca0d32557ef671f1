"""A site whose twelve items of one category are promoted now and then, which doubles what is asked for."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np

from cloud.db import Connection
from cloud.events import service
from cloud.events.papers import EventPaper
from cloud.forecasting import store
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.runs import service as runs
from tests.integration.forecasting.judging import forecast_columns
from tests.integration.ledger.scenario import Ledger

ITEMS: Final = 12
WEEKS: Final = 60
FACTOR: Final = 2.0
JOB: Final = Actor("job:forecast", frozenset({Role.PLANNER}), all_sites=True)


def promoted(ledger: Ledger, *, last_day: date, site: str = "leeds") -> None:
    """Store its demand, its promotions and a forecast of 10 a day.

    Args:
        ledger: Open.
        last_day: Of the demand.
        site: Where.
    """
    random = np.random.default_rng(11)
    first = last_day - timedelta(days=7 * WEEKS - 1)
    weeks = {
        item: sorted(random.choice(np.arange(8, WEEKS), 6, replace=False).tolist()) for item in range(ITEMS)
    }
    factor = np.ones((ITEMS, 7 * WEEKS))
    for item, chosen in weeks.items():
        for week in chosen:
            factor[item, 7 * week : 7 * week + 7] = FACTOR
    days = random.poisson(10 * factor)
    rows = [(int(item), int(day), int(days[item, day])) for item, day in zip(*np.nonzero(days), strict=True)]
    noon = datetime(first.year, first.month, first.day, 12, tzinfo=UTC)

    def demand(conn: Connection) -> None:
        conn.execute(
            "INSERT INTO item (code, name, category, base_unit) SELECT 'I-' || n, 'Tea ' || n, 'tea', 'each' "
            "FROM generate_series(1, %s) n",
            (ITEMS,),
        )
        conn.execute(
            "INSERT INTO demand_line (site_id, source, document, line, kind, item_id, requested_at, quantity,"
            " revision, recorded_by, identifier_scheme, identifier, quantity_seen, recorded_at)"
            " SELECT %s, 'pos', 'D' || x.d, x.r::text, 'requested', i.item_id,"
            " %s::timestamptz + x.d * INTERVAL '1 day', x.q, 1, 'test', 'item', i.code, x.q, now()"
            " FROM unnest(%s::int[], %s::int[], %s::int[]) AS x (r, d, q)"
            " JOIN item i ON i.code = 'I-' || (x.r + 1)",
            (site, noon, *map(list, zip(*rows, strict=True))),
        )

    ledger.as_owner(demand)
    papers = [
        EventPaper.model_validate(
            {
                "site": site,
                "item": f"I-{item + 1}",
                "from_day": first + timedelta(days=7 * week),
                "to_day": first + timedelta(days=7 * week + 6),
                "kind": "promotion",
                "name": f"Tea {item + 1} week {week}",
                "attributes": {"depth": 0.2},
                "known_at": noon + timedelta(days=7 * week - 14),
                "source": "crm",
            }
        )
        for item, chosen in weeks.items()
        for week in chosen
    ]
    ledger.as_app(lambda conn: service.add_all(conn, JOB, papers, now=datetime.now(UTC)))
    ledger.as_app(lambda conn: _forecast(conn, site, last_day + timedelta(days=1)))


def _forecast(conn: Connection, site: str, first_day: date) -> Any:
    act_as(conn, JOB)
    inputs = {"demand_from": first_day - timedelta(70), "demand_until": first_day - timedelta(1)}
    run_id = runs.begin(conn, JOB, kind="forecast", site=site, inputs=inputs, parameters={})
    ids = conn.execute("SELECT item_id FROM item WHERE category = 'tea' ORDER BY item_id").fetchall()
    store.add_forecasts(conn, [forecast_columns(run_id, site, each, first_day, 10.0) for (each,) in ids])
    runs.finish(conn, run_id, {"items": ITEMS})
    return run_id
