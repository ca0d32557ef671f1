"""Verifying a ledger, sealed bytes against rows included: rows a second, whole and from a checkpoint.

Sealed batches of 400 movements are posted by the ledger's one writer, items drawn by Zipf's law, and folded
by the job. Then everything is verified, and the last tenth from a checkpoint.
"""

import argparse
import os
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.ground import own_folder
from benchmarks.result import Limit, Result
from benchmarks.stage import Gateway, Stage
from cloud.identity.actor import INGEST
from cloud.ledger.domain import AcceptedBatch, EffectiveRow, PostingKind
from cloud.ledger.past import fold
from cloud.ledger.service import post
from cloud.ledger.verification.domain import Checkpoint, Report
from cloud.ledger.verification.service import verify, verify_since
from contracts.base import NO_PREDECESSOR, EpochId, GatewayId, SiteId
from contracts.batch import BatchHeader, encode_record, seal
from contracts.occurrence import TimeBasis
from contracts.records import Identifier, Movement, Side

_SITE: Final = "bench"
_GATEWAY: Final = "bench-gw"
_ROWS_PER_BATCH: Final = 400
_BATCHES_PER_POSTING: Final = 4
_ITEMS: Final = 2_000
_BINS: Final = 200
_SEED: Final = 1
_START_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument("--rows", type=int, default=100_000, help="movements, default: 100000")


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Rows a second of a whole verification and of one from a checkpoint, and what each check took.
    """
    options = {"synchronous_commit": "off", "shared_buffers": "1GB"}
    count = max(10, arguments.rows // _ROWS_PER_BATCH)
    with (
        own_folder() as directory,
        Stage(directory, (Gateway(_SITE, _GATEWAY),), 0, postgres_options=options) as stage,
        psycopg.connect(stage.dsn("dockledger_ingest"), autocommit=True) as ingest,
        psycopg.connect(stage.dsn("dockledger_migrator"), autocommit=True) as owner,
        psycopg.connect(stage.dsn("dockledger_migrator"), autocommit=True) as beside,
    ):
        both = (owner, beside)
        for connection in both:
            connection.execute("SET ROLE dockledger_owner")
        positions = _fill(ingest, count)
        owner.execute("VACUUM ANALYZE")
        before = _processor_s(both)
        whole, whole_s, took = _timed(both, None)
        processor_s = _processor_s(both) - before
        (chain,) = owner.execute(
            "SELECT encode(chain, 'hex') FROM ledger_entry WHERE position = %s", [positions * 9 // 10]
        ).fetchall()[0]
        part, part_s, _ = _timed(both, Checkpoint(positions * 9 // 10, chain))
    rows = count * _ROWS_PER_BATCH
    new_rows = part.findings[-1].examined
    return Result(
        benchmark="verify",
        headline="rows_per_s",
        figures={
            "rows_per_s": rows / whole_s,
            "rows_per_s_from_a_checkpoint": new_rows / part_s,
            "rows_per_processor_s": rows / processor_s,
            "seconds": whole_s,
            **{f"{check}_s": value for check, value in sorted(took.items(), key=lambda pair: -pair[1])[:6]},
            "breaches": whole.breach_count + part.breach_count,
        },
        limits={
            "rows_per_s": Limit(must=50_000, goal=200_000, better="higher"),
            "rows_per_s_from_a_checkpoint": Limit(must=50_000, goal=200_000, better="higher"),
            "breaches": Limit(must=0, goal=0, better="lower"),
        },
        notes=(
            "Beside other work seconds are longer; processor seconds, of client and server, are not.",
            "Parallel workers of a query are not in the processor seconds; the seconds of checks overlap.",
        ),
        input={
            "rows": rows,
            "rows_per_batch": _ROWS_PER_BATCH,
            "batches_per_posting": _BATCHES_PER_POSTING,
            "items": _ITEMS,
            "bins": _BINS,
            "after_checkpoint": new_rows,
            "seed": _SEED,
        },
    )


def _timed(
    both: Sequence[psycopg.Connection], since: Checkpoint | None
) -> tuple[Report, float, dict[str, float]]:
    """Verify on two connections, as the command does; give the report, its seconds and each check's."""
    began: dict[str, float] = {}
    ended: dict[str, float] = {}

    def note(check: str, done: int, total: int) -> None:
        del done, total
        began.setdefault(check, time.perf_counter())
        ended[check] = time.perf_counter()

    conn, beside = both
    with conn.transaction(), beside.transaction():
        if since is None:
            report = verify(conn, note, beside=beside)
        else:
            report = verify_since(conn, since, note, beside=beside)
    took = {check: ended[check] - at for check, at in began.items()}
    return report, max(ended.values()) - min(began.values()), took


def _processor_s(both: Sequence[psycopg.Connection]) -> float:
    """Tell what this process and the connections' have used of processors."""
    ticks = 0
    for connection in both:
        stat = Path(f"/proc/{connection.info.backend_pid}/stat").read_text("ascii")
        fields = stat.rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def _fill(ingest: psycopg.Connection, count: int) -> int:
    """Post the batches and fold them; returns the last position."""
    waiting: list[AcceptedBatch] = []
    position = 0
    for number, batch in enumerate(_batches(count), start=1):
        waiting.append(batch)
        if len(waiting) == _BATCHES_PER_POSTING or number == count:
            with ingest.transaction():
                position = post(ingest, INGEST, kind=PostingKind.BATCH, batches=waiting).position
            waiting.clear()
    with ingest.transaction():
        fold(ingest, position)
    return position


def _batches(count: int) -> Iterator[AcceptedBatch]:
    dice = random.Random(_SEED)
    previous = NO_PREDECESSOR
    for number in range(count):
        first = number * _ROWS_PER_BATCH + 1
        records = [_record(first + offset, dice) for offset in range(_ROWS_PER_BATCH)]
        header = BatchHeader(
            site=SiteId(_SITE),
            gateway=GatewayId(_GATEWAY),
            epoch=EpochId("00000000000000aa"),
            batch_no=number + 1,
            prev_sha256=previous,
            first_seq=first,
            last_seq=first + _ROWS_PER_BATCH - 1,
            complete_until=records[-1].occurred_at_claimed,
            final=False,
            agent="bench",
        )
        sealed = seal(header, [encode_record(record) for record in records])
        previous = sealed.sha256
        rows = tuple(
            EffectiveRow(record, record.occurred_at_claimed, TimeBasis.CLAIMED) for record in records
        )
        yield AcceptedBatch(header, sealed.sha256, sealed.body, datetime.now(UTC), rows)


def _record(seq: int, dice: random.Random) -> Movement:
    return Movement(
        seq=seq,
        occurred_at_claimed=_START_AT + timedelta(seconds=seq),
        mono_ns=seq,
        boot_id="bench",
        clock_ok=True,
        identifier=Identifier(scheme="sku", value=f"item-{int(_ITEMS ** dice.random())}"),
        quantity_seen=Decimal(dice.randint(1, 9)),
        source=Side(location="@supplier"),
        destination=Side(location=f"bin-{dice.randrange(_BINS)}"),
        reason="received",
    )
