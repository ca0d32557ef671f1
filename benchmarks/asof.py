"""What a question about the past costs as history grows tenfold, on both clocks.

The history is made in the database by the posting functions themselves, 5,000 movements a posting over cells
drawn by Zipf's law, each up to a day late, and folded by the job's own function. Then the same questions are
asked of the short history and of the long one: twenty cells, an instant and a position drawn anew each time,
after as many others that warm the caches. The database has a server's share of memory, not a laptop's.
"""

import argparse
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.result import Limit, Result
from benchmarks.stage import Gateway, Stage
from cloud.local.home import erase

GROWTH: Final = 10
_SITE: Final = "bench"
_MOST_CELLS: Final = 20_000
_ROWS_PER_POSTING: Final = 5_000
_CELLS_PER_QUESTION: Final = 20
_SEED: Final = 1
_WARM_UP_SEED: Final = 2
_SHARED_BUFFERS: Final = "4GB"
_START_AT: Final = datetime(2025, 1, 1, tzinfo=UTC)
_SPAN: Final = timedelta(days=365)

_WORLD: Final = """
INSERT INTO item (code, is_provisional) SELECT 'item-' || n, true FROM generate_series(1, 2000) n;
INSERT INTO location (site_id, code, kind)
SELECT 'bench', CASE n WHEN 0 THEN '@customer' ELSE 'bin-' || n END,
    CASE n WHEN 0 THEN 'virtual' ELSE 'bin' END
FROM generate_series(0, 10) n;
INSERT INTO cell (item_id, location_id, site_id, posting_id)
SELECT i.item_id, l.location_id, 'bench', 0 FROM location l CROSS JOIN item i
ORDER BY l.location_id, i.item_id
"""
_POSTING: Final = """
INSERT INTO movement (
    gateway_id, epoch, seq, occurred_at, posting_id, item_id, from_cell, to_cell, quantity, site_id,
    identifier_scheme, identifier, quantity_seen, unit_seen, occurred_at_claimed, time_basis, detail)
SELECT 1, 1, %(first)s + n, at.occurred_at, %(posting)s, c.item_id, c.cell_id, (c.cell_id - 1) %% 2000 + 1,
    1 + n %% 9, 'bench', 'local', 'item', 1 + n %% 9, 'base', at.occurred_at, 'claimed', '{}'
FROM generate_series(1, %(rows)s) n
CROSS JOIN LATERAL (SELECT 2001 + floor(exp(random() * ln(%(cells)s + 0 * n)))::bigint - 1 AS cell_id) drawn
CROSS JOIN LATERAL (SELECT %(at)s::timestamptz - random() * interval '1 day' AS occurred_at) at
JOIN cell c ON c.cell_id = drawn.cell_id
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument(
        "--rows", type=int, default=1_000_000, help="movements of the long history, default: 1000000"
    )
    parser.add_argument(
        "--cells",
        type=int,
        default=2_000,
        help="stock cells, at most 20000; default: 2000, so that 1000000 rows make cells as deep as"
        " 10000000 rows make 20000",
    )
    parser.add_argument("--questions", type=int, default=300, help="of each history, default: 300")


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Median costs of a question, and their ratio.
    """
    directory = Path(tempfile.mkdtemp(prefix="dockledger-bench-"))
    cells = min(arguments.cells, _MOST_CELLS)
    postings = max(arguments.rows // _ROWS_PER_POSTING, GROWTH)
    options = {
        "synchronous_commit": "off",
        "maintenance_work_mem": "256MB",
        "shared_buffers": _SHARED_BUFFERS,
        "max_wal_size": "4GB",
    }
    try:
        with (
            Stage(directory, (Gateway(_SITE, "bench-gw"),), 0, postgres_options=options) as stage,
            psycopg.connect(stage.dsn("dockledger_migrator"), autocommit=True) as connection,
        ):
            connection.execute("SET ROLE dockledger_owner")
            connection.execute(_WORLD)
            connection.execute("SELECT setseed(0.5)")
            began = time.perf_counter()
            _grow(connection, range(postings // GROWTH), postings, cells)
            short_ms = _ask(connection, arguments.questions, _SPAN / GROWTH, cells)
            _grow(connection, range(postings // GROWTH, postings), postings, cells)
            made_s = time.perf_counter() - began
            long_ms = _ask(connection, arguments.questions, _SPAN, cells)
    finally:
        erase(directory)
    return Result(
        benchmark="asof",
        headline="ratio_as_history_grows_tenfold",
        figures={
            "short_history_ms_p50": statistics.median(short_ms),
            "long_history_ms_p50": statistics.median(long_ms),
            "short_history_ms_p95": sorted(short_ms)[len(short_ms) * 95 // 100],
            "long_history_ms_p95": sorted(long_ms)[len(long_ms) * 95 // 100],
            "seconds_to_make": made_s,
        },
        ratios={"ratio_as_history_grows_tenfold": statistics.median(long_ms) / statistics.median(short_ms)},
        limits={"ratio_as_history_grows_tenfold": Limit(must=1.5, goal=1.2, better="lower")},
        input={
            "short_history_rows": postings // GROWTH * _ROWS_PER_POSTING,
            "long_history_rows": postings * _ROWS_PER_POSTING,
            "cells": cells,
            "demand": "Zipf, exponent 1, over the cells",
            "lateness": "uniform, up to a day",
            "questions": arguments.questions,
            "cells_per_question": f"{_CELLS_PER_QUESTION}, drawn like demand",
            "instants": "uniform over the history's span, positions uniform over its postings",
            "unfolded_positions": 0,
            "warm_up": "as many other questions",
            "shared_buffers": _SHARED_BUFFERS,
            "seed": _SEED,
        },
    )


def _grow(connection: psycopg.Connection, numbers: range, postings: int, cells: int) -> None:
    for number in numbers:
        with connection.transaction():
            (posting,) = connection.execute("SELECT posting_id FROM begin_posting()").fetchall()[0]
            connection.execute(
                _POSTING,
                {
                    "first": number * _ROWS_PER_POSTING,
                    "rows": _ROWS_PER_POSTING,
                    "posting": posting,
                    "cells": cells,
                    "at": _START_AT + _SPAN * (number + 1) / postings,
                },
            )
            connection.execute("SELECT close_posting(%s, 'import', 'benchmark')", [posting])
        connection.execute("SELECT fold(1)")
    connection.execute("VACUUM ANALYZE")


def _ask(connection: psycopg.Connection, questions: int, span: timedelta, cells: int) -> list[float]:
    _time(connection, questions, span, cells, random.Random(_WARM_UP_SEED))
    return _time(connection, questions, span, cells, random.Random(_SEED))


def _time(
    connection: psycopg.Connection, questions: int, span: timedelta, cells: int, dice: random.Random
) -> list[float]:
    (last,) = connection.execute("SELECT position FROM ledger_head").fetchall()[0]
    asked_ms = []
    for _ in range(questions):
        asked = [2000 + int(cells ** dice.random()) for _ in range(_CELLS_PER_QUESTION)]
        moment = (_START_AT + span * dice.random(), dice.randint(1, last))
        began = time.perf_counter()
        connection.execute("SELECT * FROM as_of(%s, %s, %s)", [asked, *moment]).fetchall()
        asked_ms.append((time.perf_counter() - began) * 1e3)
    return asked_ms
