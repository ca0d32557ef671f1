"""Movements a second from MQTT to the ledger, against one plain COPY of the same rows.

Sealed 100-row batches of several gateways go through the broker to two `dockledger ingest` processes; the
clock runs from the first publish to the last acknowledgement, balances included. The openings that make every
cell known are sent before it starts. Then the rows that arrived are copied, in one statement, into an empty
table with the same columns and indexes. Beside the rates stands who computed how long for a row: on a machine
that others use too, only that compares.
"""

import argparse
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg

from benchmarks.audit import compare
from benchmarks.ground import own_folder
from benchmarks.processes import cpu_seconds
from benchmarks.result import Limit, Result
from benchmarks.stage import Gateway, Stage
from simulators.warehouse.gateways import DEFAULT_BATCH_ROWS, GatewayIdentity, SealedBatch
from simulators.warehouse.player import Played, Presealed, play
from simulators.warehouse.scenario import Crew, Scenario

_CREW: Final = Crew(gateways=8, sites=4, seed=1)
_WINDOW_BATCHES: Final = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument("--rows", type=int, default=200_000, help="measured rows, default: 200000")
    parser.add_argument("--cells", type=int, default=20_000, help="default: 20000")
    parser.add_argument("--workers", type=int, default=2, help="ingest processes, default: 2")


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Both rates, and their ratio.
    """
    now, load_before = datetime.now(UTC), os.getloadavg()[0]
    scenario = Scenario.stationary(
        _CREW,
        count=arguments.rows,
        cells=arguments.cells,
        start_at=now - timedelta(minutes=10),
        end_at=now,
    )
    tapes = {identity: list(sealer.seal_all()) for identity, sealer in scenario.sealers().items()}
    truth = scenario.truth([batch for tape in tapes.values() for batch in tape])
    gateways = tuple(Gateway(identity.site, identity.gateway) for identity in scenario.identities)
    with own_folder() as directory, Stage(directory, gateways, ingest_workers=arguments.workers) as stage:
        openings = arguments.cells // _CREW.gateways // DEFAULT_BATCH_ROWS + 1
        _play(stage, {identity: tape[:openings] for identity, tape in tapes.items()})
        pids = {name: part.pid for name, part in stage.parts.items()}
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        own_s = time.process_time()
        played = _play(stage, {identity: tape[openings:] for identity, tape in tapes.items()})
        own_s = time.process_time() - own_s
        used_s = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()} | {"player": own_s}
        copied_rows, copy_s, copy_cpu_s = _copy(stage.dsn("dockledger_migrator"))
        found = compare(stage.dsn("dockledger_migrator"), truth)
    rate = played.acknowledged_rows / played.seconds
    copy_rate = copied_rows / copy_s
    trips_ms = sorted(trip / 1e6 for trip in played.round_trips_ns)
    return Result(
        benchmark="ingest",
        headline="ratio_to_copy",
        figures={
            "ingest_rows_per_s": rate,
            "copy_rows_per_s": copy_rate,
            "batch_round_trip_ms_p50": trips_ms[len(trips_ms) // 2],
            "batch_round_trip_ms_p99": trips_ms[len(trips_ms) * 99 // 100],
            "batches_sent_again": played.resent,
            "lost": found.lost,
            "duplicated": found.duplicated,
            "balance_mismatches": found.mismatched,
            **(shares := _cpu_us(used_s, played.acknowledged_rows)),
            "copy_database_cpu_us_per_row": (copy_us := copy_cpu_s * 1e6 / copied_rows),
            "ratio_if_all_cores_were_free": (os.cpu_count() or 1) * copy_us / sum(shares.values()),
            "load_before": load_before,
            "load_after": os.getloadavg()[0],
        },
        ratios={"ratio_to_copy": rate / copy_rate},
        limits={
            "ratio_to_copy": Limit(must=0.35, goal=0.5, better="higher"),
            "lost": Limit(must=0, goal=0, better="lower"),
            "duplicated": Limit(must=0, goal=0, better="lower"),
            "balance_mismatches": Limit(must=0, goal=0, better="lower"),
        },
        input={
            "rows": played.acknowledged_rows,
            "cells": arguments.cells,
            "demand": "Zipf, exponent 1, over the cells; 65 % shipments, 25 % moves, 10 % receipts",
            "rows_per_batch": DEFAULT_BATCH_ROWS,
            "gateways": _CREW.gateways,
            "sites": _CREW.sites,
            "ingest_workers": arguments.workers,
            "unanswered_batches_per_gateway": _WINDOW_BATCHES,
            "warm_up": "one opening per cell",
            "copy": "one COPY FROM STDIN of the arrived rows into a table LIKE movement INCLUDING ALL",
            "seed": _CREW.seed,
        },
        notes=found.examples,
    )


def _play(stage: Stage, tapes: dict[GatewayIdentity, list[SealedBatch]]) -> Played:
    sources = {identity: Presealed(tape) for identity, tape in tapes.items()}
    return play(stage.broker_url, dict(sources), window_batches=_WINDOW_BATCHES, give_up_after_s=60)


def _cpu_us(used_s: Mapping[str, float], rows: int) -> dict[str, float]:
    """Share processor time out among rows: of ingest, the database, the broker and whoever plays gateways."""
    ingest_s = sum(used for name, used in used_s.items() if name.startswith("ingest"))
    shares = {"ingest": ingest_s, "database": used_s["postgres"], "broker": used_s["broker"]}
    shares["player"] = used_s["player"]
    return {f"{name}_cpu_us_per_row": share * 1e6 / rows for name, share in shares.items()}


def _copy(dsn: str) -> tuple[int, float, float]:
    """Copy what arrived into an empty table; gives rows, seconds, and seconds that the database computed."""
    with psycopg.connect(dsn) as connection:
        connection.execute("SET ROLE dockledger_owner")
        with connection.cursor().copy("COPY movement TO STDOUT") as source:
            blocks = [bytes(block) for block in source]
        connection.execute("CREATE TABLE copied_movement (LIKE movement INCLUDING ALL)")
        connection.commit()
        connection.execute("SET ROLE dockledger_owner")
        backend = connection.info.backend_pid
        cpu_s, began = cpu_seconds(backend), time.perf_counter()
        with connection.cursor() as cursor:
            with cursor.copy("COPY copied_movement FROM STDIN") as target:
                for block in blocks:
                    target.write(block)
            rows = cursor.rowcount
        connection.commit()
        return rows, time.perf_counter() - began, cpu_seconds(backend) - cpu_s
