"""Three days without a link: how fast a backlog drains, how old live rows are meanwhile, the agent's memory.

An outbox is filled with the movements of 72 h. Then the shipped agent starts with it, sends through a real
broker to `dockledger ingest` processes, and somebody goes on scanning. The clock runs from the agent's start
until the ledger holds every row; the age of a live row is the `recorded_at` of its posting less its scan.
"""

import argparse
import os
import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Final

import psycopg

from benchmarks.edges import Edge
from benchmarks.ground import own_folder
from benchmarks.mayhem import wait_until
from benchmarks.processes import cpu_seconds, peak_memory_bytes
from benchmarks.result import Limit, Result
from benchmarks.stage import Gateway, Stage
from contracts.records import Identifier, Movement, Side
from edge_agent.clock import Clock, Stamp
from edge_agent.outbox.draft import Draft, draft
from edge_agent.outbox.outbox import Outbox, OutboxOptions
from simulators.scanner.device import LineStyle, PtyScanner

_GATEWAY: Final = Gateway("bench", "bench-edge")
_OUTAGE: Final = timedelta(hours=72)
_MICROSECOND: Final = timedelta(microseconds=1)
_FORMER_BOOT: Final = "00000000-0000-4000-8000-000000000000"
"""The gateway was started anew since: only the wall clock tells how long these rows have waited."""
_COMMIT_ROWS: Final = 500
_ITEMS, _BINS = 2_000, 200
_SCAN_EVERY_S: Final = 0.5
_SEED: Final = 1
_MB: Final = 1_000_000

_PROGRESS: Final = """
SELECT coalesce(max(rows), 0)::bigint
FROM (SELECT sum(last_seq - first_seq + 1) AS rows FROM batch GROUP BY epoch) AS of_epoch
"""
"""Of the epoch with the most rows: the one that the outage left behind."""
_LIVE_AGES: Final = """
SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY age_s), max(age_s)
FROM (
    SELECT extract(epoch FROM e.recorded_at - m.occurred_at_claimed)::float8 AS age_s
    FROM movement m JOIN ledger_entry e USING (posting_id)
    WHERE m.occurred_at_claimed > %(since)s AND m.occurred_at_claimed < %(until)s
) AS aged
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument("--rows", type=int, default=1_300_000, help="rows that wait, default: 1300000")
    parser.add_argument("--workers", type=int, default=2, help="ingest processes, default: 2")


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Time to drain, ages of live rows, peak memory and CPU seconds.
    """
    load_before = os.getloadavg()[0]
    with own_folder() as directory, Stage(directory, (_GATEWAY,), arguments.workers) as stage:
        edge = Edge(stage, _GATEWAY, _GATEWAY.name)
        edge.directory.mkdir()
        _fill(edge.directory / "outbox.db", arguments.rows)
        figures = _drain(stage, edge, arguments.rows)
    return Result(
        benchmark="backlog",
        headline="drained_min",
        figures=figures | {"load_before": load_before, "load_after": os.getloadavg()[0]},
        limits={
            "drained_min": Limit(must=8, goal=4, better="lower"),
            "live_row_age_max_s": Limit(must=5, goal=2, better="lower"),
            "agent_peak_mb": Limit(must=150, goal=100, better="lower"),
            "rows_missing": Limit(must=0, goal=0, better="lower"),
        },
        input={
            "rows": arguments.rows,
            "outage_h": _OUTAGE.total_seconds() / 3600,
            "cells": f"{_ITEMS} items, {_BINS} bins and two outside places",
            "gateways": 1,
            "ingest_workers": arguments.workers,
            "live": f"a receipt of one item each {_SCAN_EVERY_S} s, by a scanner on a pseudo-terminal",
            "clock": "from the start of edge-agent, its check of the file included",
            "seed": _SEED,
        },
    )


def _fill(path: Path, rows: int) -> None:
    """Store what was scanned during the outage."""
    clock = Clock(is_synchronised=lambda: True)
    options = OutboxOptions(path, _GATEWAY.site, _GATEWAY.name, "bench", quota_bytes=4 * 1024**3)
    with closing(Outbox(options, clock)) as outbox:
        waiting = iter(_drafts(clock.now(), rows))
        while group := list(islice(waiting, _COMMIT_ROWS)):
            outbox.append(group)


def _drafts(now: Stamp, rows: int) -> Iterator[Draft]:
    chance = random.Random(_SEED)
    for number in range(rows):
        waits = _OUTAGE * (1 - number / rows)
        since_boot = _OUTAGE - waits
        happened = Stamp(now.at - waits, since_boot // _MICROSECOND * 1_000, _FORMER_BOOT, clock_ok=True)
        place = f"A-{chance.randrange(_BINS):03d}"
        inward = chance.random() < 0.5
        yield draft(
            Movement,
            happened,
            device="scanner-1",
            actor="ada",
            identifier=Identifier(scheme="sku", value=f"ITEM-{chance.randrange(_ITEMS):04d}"),
            quantity_seen=Decimal(1),
            source=Side(location="STAGING" if inward else place),
            destination=Side(location=place if inward else "@customer"),
        )


def _drain(stage: Stage, edge: Edge, rows: int) -> dict[str, float]:
    names = [name for name in stage.parts if name != edge.name]
    with PtyScanner(edge.scanner, LineStyle.of_profile("generic_terminal")) as device, _books(stage) as books:
        (since,) = _one(books, "SELECT clock_timestamp()")
        pids = {name: stage.parts[name].pid for name in names}
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        began_s = time.monotonic()
        agent = edge.start()
        wait_until(device.is_heard, within_s=120, what="the agent opens its scanner")
        ready_s = time.monotonic() - began_s
        _scan(device, "$BADGE/demo-operator")
        scans = 0
        while _one(books, _PROGRESS)[0] < rows:
            scans += 1
            _scan(device, f"$RECEIVE/LIVE-{scans}", "85123A", "$DONE")
            time.sleep(_SCAN_EVERY_S)
        drained_s = time.monotonic() - began_s
        (until,) = _one(books, "SELECT clock_timestamp()")
        cpu_s = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
        agent_cpu_s, peak_bytes = cpu_seconds(agent.pid), peak_memory_bytes(agent.pid)
        wait_until(lambda: edge.waiting_rows == 0, within_s=60, what="the live rows are acknowledged too")
        live, median_s, longest_s = _one(books, _LIVE_AGES, since=since, until=until)
        (posted,) = _one(
            books, "SELECT count(*) FROM movement WHERE occurred_at_claimed <= %(since)s", since=since
        )
    return {
        "drained_min": drained_s / 60,
        "live_row_age_max_s": longest_s,
        "agent_peak_mb": peak_bytes / _MB,
        "rows_missing": rows - posted,
        "rows_per_s": rows / (drained_s - ready_s),
        "agent_ready_s": ready_s,
        "live_rows": live,
        "live_row_age_median_s": median_s,
        "agent_cpu_s": agent_cpu_s,
        "ingest_cpu_s": sum(used for name, used in cpu_s.items() if name.startswith("ingest")),
        "database_cpu_s": cpu_s["postgres"],
        "broker_cpu_s": cpu_s["broker"],
    }


def _scan(device: PtyScanner, *labels: str) -> None:
    for label in labels:
        device.scan(f"]C0{label}")
    device.hear()


@contextmanager
def _books(stage: Stage) -> Iterator[psycopg.Connection]:
    with psycopg.connect(stage.dsn("dockledger_migrator"), autocommit=True) as connection:
        connection.execute("SET ROLE dockledger_owner")
        yield connection


def _one(books: psycopg.Connection, query: Any, **asked: object) -> tuple[Any, ...]:
    (row,) = books.execute(query, asked).fetchall()
    return tuple(row)
