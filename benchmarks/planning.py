"""The whole planning run for 1,000 SKU-locations on real PostgreSQL: demand to forecasts to proposals.

Two years of daily demand of one site, negative binomial by item with means over three orders of magnitude, a
weekly rhythm, a slow drift, a fifth of the items begun later, a tenth out of stock for some weeks as the
ledger's movements tell. Measured are the service's own calls, reading and writing included: planning
parameters, forecasts with their 13-week backtest and quantiles, proposals. Beside them stands what bare
statsmodels costs for the same series, which gives one forecast each, without backtest or bands.
"""

import argparse
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any, Final

import numpy as np
import psycopg
from numpy.typing import NDArray
from statsmodels.tools.sm_exceptions import ConvergenceWarning
from statsmodels.tsa.holtwinters import SimpleExpSmoothing

from benchmarks.ground import own_folder
from benchmarks.result import Limit, Result
from benchmarks.stage import Gateway, Stage
from cloud.db import LastingConnection, in_transaction
from cloud.forecasting import service as forecasting
from cloud.forecasting import site_run
from cloud.forecasting.domain import KIND
from cloud.forecasting.smoothing import SEARCH
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.replenishment import service as replenishment
from cloud.runs import service as runs

NOW: Final = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
_SITE: Final = "bench"
_DAYS: Final = 728
_JOB: Final = Actor(
    "job:bench", frozenset({Role.PLANNER, Role.BUYER, Role.INVENTORY_CONTROLLER}), all_sites=True
)
_SEED: Final = 1
_SOME: Final = 200
"""Series whose bare fit is timed."""
_FEW: Final = 30
"""Series whose bare refits at 13 origins are timed."""

_WORLD: Final = """
INSERT INTO item (code) SELECT 'I-' || lpad(n::text, 6, '0') FROM generate_series(1, %(items)s) n;
INSERT INTO supplier (supplier, name, currency, updated_by) VALUES ('acme', 'Acme', 'EUR', 'bench');
INSERT INTO supplier_item (supplier, item_id, price, min_order, lead_time_days, is_preferred, updated_by)
SELECT 'acme', item_id, 2.5, 12, 5 + item_id %% 17, true, 'bench' FROM item;
INSERT INTO location (site_id, code, kind) VALUES ('bench', 'A-1', 'bin'), ('bench', '@supplier', 'virtual'),
    ('bench', '@customer', 'virtual');
INSERT INTO cell (item_id, location_id, site_id, posting_id)
SELECT i.item_id, l.location_id, 'bench', 0 FROM location l CROSS JOIN item i
WHERE l.code IN ('A-1', '@supplier', '@customer')
"""
_MOVED: Final = """
INSERT INTO movement (
    gateway_id, epoch, seq, occurred_at, posting_id, item_id, from_cell, to_cell, quantity, site_id,
    identifier_scheme, identifier, quantity_seen, unit_seen, occurred_at_claimed, time_basis, detail)
SELECT 1, 1, x.n, x.at, %(posting)s, i.item_id, f.cell_id, t.cell_id, x.q, 'bench',
    'local', i.code, x.q, 'base', x.at, 'claimed', '{}'
FROM unnest(%(codes)s::text[], %(froms)s::text[], %(tos)s::text[], %(quantities)s::integer[],
    %(ats)s::timestamptz[]) WITH ORDINALITY AS x (code, place_from, place_to, q, at, n)
JOIN item i USING (code)
JOIN location lf ON lf.code = x.place_from
JOIN cell f ON (f.item_id, f.location_id) = (i.item_id, lf.location_id)
JOIN location lt ON lt.code = x.place_to
JOIN cell t ON (t.item_id, t.location_id) = (i.item_id, lt.location_id)
"""
_DEMAND: Final = """
INSERT INTO demand_line (site_id, source, document, line, kind, item_id, requested_at, quantity, revision,
    recorded_by, identifier_scheme, identifier, quantity_seen, recorded_at)
SELECT 'bench', 'pos', 'D' || x.d, x.r::text, 'requested', i.item_id,
    %(first)s::timestamptz + x.d * INTERVAL '1 day', x.q, 1, 'bench', 'item', i.code, x.q, %(now)s
FROM unnest(%(rows)s::integer[], %(days)s::integer[], %(quantities)s::integer[]) AS x (r, d, q)
JOIN item i ON i.code = 'I-' || lpad((x.r + 1)::text, 6, '0')
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument("--items", type=int, default=1_000, help="SKU-locations, default: 1000")
    parser.add_argument("--processes", type=int, help="default: as many as pay")


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Seconds of each stage and of the whole run.
    """
    demand = _demand(arguments.items)
    took: dict[str, float] = {}
    with own_folder() as directory, Stage(directory, (Gateway(_SITE, "bench-gw"),), 0) as stage:
        with _timed(took, "making_the_world_s"):
            _fill(stage.dsn("dockledger_migrator"), demand)
        with closing(LastingConnection(stage.dsn("dockledger_app"), "bench")) as database:
            forecast, proposed = _plan(database, took, arguments.processes)
            cpu_s = _look_inside(database, took, arguments.processes)
    bare = _bare_statsmodels(demand)
    week = forecast["judged"]["by_horizon_days"]["7"]
    month = forecast["judged"]["by_horizon_days"]["28"]
    whole_s = sum(took[name] for name in ("parameters_s", "forecasts_s", "proposals_s"))
    return Result(
        benchmark="planning",
        headline="whole_run_s",
        figures={
            "whole_run_s": whole_s,
            **took,
            "forecast_ms_per_series": 1000 * took["forecasts_s"] / arguments.items,
            "computing_cpu_ms_per_series": 1000 * cpu_s / arguments.items,
            **bare,
            "wape_week_ahead": week["wape"],
            "naive_wape_week_ahead": week["naive_wape"],
            "coverage_80_week": week["coverage_80"],
            "coverage_95_week": week["coverage_95"],
            "coverage_80_four_weeks": month["coverage_80"],
            "coverage_95_four_weeks": month["coverage_95"],
        },
        limits={"whole_run_s": Limit(600 * arguments.items / 1000, 60 * arguments.items / 1000, "lower")},
        input={
            "items": arguments.items,
            "days": _DAYS,
            "demand_lines": int((demand > 0).sum()),
            "origins": forecast["judged"]["origins"],
            "proposals": proposed.get("proposals"),
            "seed": _SEED,
            "statsmodels": version("statsmodels"),
            "numpy": np.__version__,
        },
        notes=(
            "Limits are for 1,000 SKU-locations and grow with their number.",
            "A statsmodels fit, by its fastest search, is one forecast; ours are 53 a series, with bands.",
        ),
    )


def _demand(items: int) -> NDArray[np.int64]:
    rng = np.random.default_rng(_SEED)
    level = np.exp(rng.normal(0.0, 1.4, items))[:, None]
    rhythm = np.tile([1.0, 0.9, 0.9, 1.0, 1.3, 1.6, 0.3], _DAYS // 7)
    drift = np.exp(np.cumsum(rng.normal(0, 0.01, (items, _DAYS)), axis=1))
    mean = level * rhythm * drift
    demand = rng.negative_binomial(1.5, 1.5 / (1.5 + mean))
    begun = np.where(rng.random(items) < 0.2, rng.integers(0, _DAYS, items), 0)
    demand[np.arange(_DAYS)[None, :] < begun[:, None]] = 0
    demand[np.arange(items), np.minimum(begun, _DAYS - 1)] += 1
    return np.asarray(demand, dtype=np.int64)


def _fill(dsn: str, demand: NDArray[np.int64]) -> None:
    """Store demand, suppliers, and movements that tell when a tenth of the items was out of stock."""
    first = datetime(NOW.year, NOW.month, NOW.day, 12, tzinfo=UTC) - timedelta(days=_DAYS)
    rows, days = np.nonzero(demand)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("SET ROLE dockledger_owner")
        conn.execute("SET TIME ZONE 'UTC'")
        with conn.transaction():
            for statement in _WORLD.split(";\n"):
                conn.execute(statement, {"items": len(demand)})
            conn.execute(
                _DEMAND,
                {
                    "first": first,
                    "now": NOW,
                    "rows": rows.tolist(),
                    "days": days.tolist(),
                    "quantities": demand[rows, days].tolist(),
                },
            )
            _move(conn, len(demand), first)
        conn.execute("ANALYZE")


def _move(conn: psycopg.Connection, items: int, first: datetime) -> None:
    """Let stock of every item come once; every tenth leaves in the middle and comes again in three weeks."""
    moved = [(n, "@supplier", "A-1", first) for n in range(1, items + 1)]
    for n in range(1, items + 1, 10):
        left_at = first + timedelta(days=400 + n % 200)
        moved.append((n, "A-1", "@customer", left_at))
        moved.append((n, "@supplier", "A-1", left_at + timedelta(days=21)))
    (posting,) = conn.execute("SELECT posting_id FROM begin_posting()").fetchall()[0]
    conn.execute(
        _MOVED,
        {
            "posting": posting,
            "codes": [f"I-{n:06d}" for n, *_ in moved],
            "froms": [source for _, source, _, _ in moved],
            "tos": [destination for _, _, destination, _ in moved],
            "quantities": [60] * len(moved),
            "ats": [at for *_, at in moved],
        },
    )
    conn.execute("SELECT close_posting(%s, 'import', 'benchmark')", [posting])
    conn.execute("SELECT fold(1)")


def _plan(
    database: LastingConnection, took: dict[str, float], processes: int | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Do what the night does."""
    with _timed(took, "parameters_s"):
        replenishment.prepare(database, _JOB, NOW, NOW)
    with _timed(took, "forecasts_s"):
        forecasts = forecasting.run_all(database, _JOB, NOW, NOW, processes=processes)
    with _timed(took, "proposals_s"):
        proposals = replenishment.run_all(database, _JOB, NOW, NOW)
    return forecasts["sites"][_SITE], proposals["sites"][_SITE]


def _look_inside(database: LastingConnection, took: dict[str, float], processes: int | None) -> float:
    """Take the forecasts' seconds apart, doing each part once more; gives the computing's CPU seconds."""
    yesterday = NOW.date() - timedelta(days=1)

    def read(conn: psycopg.Connection) -> site_run.Inputs:
        act_as(conn, _JOB)
        return site_run.read(conn, _SITE, yesterday, late_days=0, now=NOW)

    with _timed(took, "of_it_reading_s"):
        inputs = in_transaction(database, read)
    before = os.times()
    with _timed(took, "of_it_computing_s"):
        planned = site_run.compute(inputs, processes=processes, progress=None)
    after = os.times()

    def write(conn: psycopg.Connection) -> None:
        act_as(conn, _JOB)
        told, parameters = inputs.told(), site_run.parameters(inputs)
        run_id = runs.begin(conn, _JOB, kind=KIND, site=_SITE, inputs=told, parameters=parameters)
        site_run.write(conn, _JOB, run_id, inputs, planned)
        runs.finish(conn, run_id, planned.outcome())

    with _timed(took, "of_it_writing_s"):
        in_transaction(database, write)
    return sum(after[:4]) - sum(before[:4])


def _bare_statsmodels(demand: NDArray[np.int64]) -> dict[str, float]:
    weeks = demand.reshape(len(demand), -1, 7).sum(axis=2).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)  # the logarithm of a series without demand
        began = time.perf_counter()
        for series in weeks[:_SOME]:
            SimpleExpSmoothing(series, initialization_method="estimated").fit(method=SEARCH).forecast(13)
        once_ms = 1000 * (time.perf_counter() - began) / len(weeks[:_SOME])
        began = time.perf_counter()
        for series in weeks[:_FEW]:
            for origin in range(13):
                history = series[: len(series) - 13 + origin]
                SimpleExpSmoothing(history, initialization_method="estimated").fit(method=SEARCH).forecast(13)
        origins_ms = 1000 * (time.perf_counter() - began) / len(weeks[:_FEW])
    return {"statsmodels_one_fit_ms": once_ms, "statsmodels_13_origins_ms": origins_ms}


@contextmanager
def _timed(took: dict[str, float], name: str) -> Iterator[None]:
    print(f"  {name.removesuffix('_s').replace('_', ' ')} …", file=sys.stderr)
    began = time.perf_counter()
    yield
    took[name] = time.perf_counter() - began
