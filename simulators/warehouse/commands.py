"""`warehouse-sim movements`: a plausible year as files, or a live stream over MQTT, with its truth."""

import argparse
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from simulators.warehouse.gateways import DEFAULT_BATCH_ROWS, SealedBatch
from simulators.warehouse.player import WINDOW_BATCHES, Live, play
from simulators.warehouse.scenario import Crew, Scenario

_LIVE_RATE: Final = 100.0
_YEAR: Final = timedelta(days=365)
_EXAMPLES: Final = """\
examples:
  a year of a million records as sealed batches and one parquet file:
    warehouse-sim movements --count 1000000 --out year --truth year/truth.jsonl
  500 records a second for a minute, from 4 gateways of 2 sites, to a broker:
    warehouse-sim movements --rate 500 --seconds 60 --gateways 4 --sites 2 \\
        --broker 'mqtt://{gateway}:secret@127.0.0.1:1883' --truth truth.jsonl
"""


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command.

    Args:
        subparsers: Of `warehouse-sim`.
    """
    parser = subparsers.add_parser(
        "movements",
        help="receipts, put-aways, moves, picks, shipments, returns and counts, with their truth",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--count", type=int, help="number of records")
    length.add_argument("--seconds", type=float, help="length of a live stream; records = rate x seconds")
    parser.add_argument(
        "--rate", type=float, default=_LIVE_RATE, help="records a second, live (default: 100)"
    )
    parser.add_argument("--gateways", type=int, default=2, help="default: 2")
    parser.add_argument("--sites", type=int, default=1, help="default: 1")
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    parser.add_argument("--truth", type=Path, required=True, metavar="FILE", help="where the truth goes")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument(
        "--broker",
        metavar="URL",
        help="mqtt://[user:password@]host:port: stream live; {gateway} stands for each gateway's id",
    )
    target.add_argument(
        "--out", type=Path, metavar="DIR", help="write a year: GATEWAY.jsonl, records.parquet"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Generate, and write or send.

    Args:
        arguments: As parsed.

    Returns:
        0, or 1 if the ledger refused a batch.
    """
    crew = Crew(arguments.gateways, arguments.sites, arguments.seed)
    count = arguments.count or round(arguments.rate * arguments.seconds)
    if arguments.out:
        return _write_year(crew, count, arguments.out, arguments.truth)
    return _stream(crew, count, arguments)


def _write_year(crew: Crew, count: int, directory: Path, truth: Path) -> int:
    from simulators.warehouse.archive import write_batches, write_parquet  # noqa: PLC0415  a live stream needs no pyarrow

    now = datetime.now(UTC)
    scenario = Scenario.plausible(crew, count=count, start_at=now - _YEAR, end_at=now, is_year=True)
    directory.mkdir(parents=True, exist_ok=True)
    batches = write_batches(scenario, directory)
    write_parquet(scenario, directory / "records.parquet")
    scenario.truth(batches).write(truth)
    _report(records=count, batches=len(batches))
    return 0


def _stream(crew: Crew, count: int, arguments: argparse.Namespace) -> int:
    start_at = datetime.now(UTC)
    scenario = Scenario.plausible(
        crew, count=count, start_at=start_at, end_at=start_at + timedelta(seconds=count / arguments.rate)
    )
    sealed: list[SealedBatch] = []
    sources = {
        identity: Live(sealer, sealed.append)
        for identity, sealer in scenario.sealers(DEFAULT_BATCH_ROWS).items()
    }
    played = play(arguments.broker, dict(sources), window_batches=WINDOW_BATCHES)
    scenario.truth(sealed).write(arguments.truth)
    _report(
        records=count,
        batches=len(sealed),
        acknowledged_rows=played.acknowledged_rows,
        resent=played.resent,
        conflicts=played.conflicts,
        seconds=round(played.seconds, 3),
    )
    return 1 if played.conflicts else 0


def _report(**figures: float) -> None:
    print(json.dumps(figures))
