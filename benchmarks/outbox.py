"""Durable rows a second of the outbox at 500 a commit, against bare SQLite with the same bytes.

Both write to the same directory with ``synchronous=FULL`` in WAL mode, in alternating rounds; the best round
of each counts, since what disturbs a round only ever slows it.
"""

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from benchmarks.result import Limit, Result
from contracts.batch import BATCH
from edge_agent.clock import Clock
from edge_agent.outbox.draft import Draft
from edge_agent.outbox.outbox import Outbox, OutboxOptions
from simulators.warehouse.scenario import Crew, Scenario

COMMIT_ROWS: Final = 500
_SEED: Final = 1
_GATEWAY: Final = "bench-gw"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument("--rows", type=int, default=50_000, help="rows a round, default: 50000")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument("--directory", type=Path, help="where the files go; default: the temporary directory")


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Rows a second of both, and their ratio.
    """
    drafts = _drafts(arguments.rows)
    outbox_rates, bare_rates = [], []
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        for n in range(arguments.rounds):
            bare_rates.append(len(drafts) / _fill_bare(Path(directory, f"bare-{n}.db"), drafts))
            outbox_rates.append(len(drafts) / _fill_outbox(Path(directory, f"outbox-{n}.db"), drafts))
    return Result(
        benchmark="outbox",
        headline="ratio_to_bare_sqlite",
        figures={
            "outbox_rows_per_s": max(outbox_rates),
            "bare_sqlite_rows_per_s": max(bare_rates),
            "slowest_outbox_round_rows_per_s": min(outbox_rates),
        },
        ratios={"ratio_to_bare_sqlite": max(outbox_rates) / max(bare_rates)},
        limits={"ratio_to_bare_sqlite": Limit(must=0.5, goal=0.8, better="higher")},
        input={
            "rows": len(drafts),
            "rounds": arguments.rounds,
            "rows_per_commit": COMMIT_ROWS,
            "bytes_per_row": round(sum(len(draft.body) for draft in drafts) / len(drafts)),
            "seed": _SEED,
            "bare": "one INSERT of the same bytes a row, executemany, WAL, synchronous=FULL",
        },
    )


def _drafts(rows: int) -> list[Draft]:
    now = datetime.now(UTC)
    crew = Crew(gateways=1, sites=1, seed=_SEED)
    scenario = Scenario.plausible(crew, count=rows, start_at=now - timedelta(minutes=1), end_at=now)
    (sealer,) = scenario.sealers().values()
    batches = (BATCH.validate_json(batch.sealed.body) for batch in sealer.seal_all())
    return [Draft(record) for batch in batches for record in batch.records]


def _fill_outbox(path: Path, drafts: Sequence[Draft]) -> float:
    options = OutboxOptions(path, site="bench", gateway=_GATEWAY, agent="bench", quota_bytes=2**32)
    outbox = Outbox(options, Clock())
    try:
        began = time.perf_counter()
        for start in range(0, len(drafts), COMMIT_ROWS):
            outbox.append(drafts[start : start + COMMIT_ROWS])
        return time.perf_counter() - began
    finally:
        outbox.close()


def _fill_bare(path: Path, drafts: Sequence[Draft]) -> float:
    bodies = [(draft.body,) for draft in drafts]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE record (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        began = time.perf_counter()
        for start in range(0, len(bodies), COMMIT_ROWS):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT INTO record (body) VALUES (?)", bodies[start : start + COMMIT_ROWS]
            )
            connection.execute("COMMIT")
        return time.perf_counter() - began
