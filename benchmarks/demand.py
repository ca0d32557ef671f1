"""How fast a file of demand becomes days that forecasts read.

Two years of a shop's lines, in the order of time, as a CSV file. It is imported as the command does it, all
checks included, then the same file again; beside it the same lines go by bare COPY into a table without keys.
"""

import argparse
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.ground import own_folder
from benchmarks.result import Limit, Result
from benchmarks.stage import Gateway, Stage
from cloud.demand import service
from cloud.demand.csv_file import read_csv
from cloud.demand.domain import Faults, Imported, StagedLine
from cloud.demand.reading import daily_matrix
from cloud.demand.rows import Defaults
from cloud.demand.store import copy_line
from cloud.identity.actor import Actor, Role
from cloud.sheets.fields import Conventions

_ITEMS: Final = 3000
_SITE: Final = "bench"
_SEED: Final = 1
_START_AT: Final = datetime(2024, 1, 1, tzinfo=UTC)
_DAYS: Final = 730
_LINES_OF_A_DOCUMENT: Final = 8
_PLANNER: Final = Actor("user:bench", frozenset({Role.PLANNER}), all_sites=True)
_PART: Final = 1 << 20

_BARE: Final = """
CREATE TABLE bare (
    n bigint, site_id text, source text, document text, line text, revision integer, kind text, scheme text,
    value text, channel text, requested_at timestamptz, local_at timestamp, is_day boolean,
    quantity numeric(20, 6), of_document text, of_line text)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument("--lines", type=int, default=500_000, help="default: 500000")


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Lines a second, and the time beside that of a bare COPY.
    """
    with own_folder() as directory:
        file = directory / "pos.csv"
        _write(file, arguments.lines)
        with Stage(directory / "stage", (Gateway(_SITE, "bench-gw"),), 0) as stage:
            with psycopg.connect(stage.dsn("dockledger_migrator"), autocommit=True) as owner:
                owner.execute("SET ROLE dockledger_owner")
                owner.execute(_BARE)
                copy_s = _copy(owner, file)
            with psycopg.connect(stage.dsn("dockledger_app"), autocommit=True) as app:
                done, import_s = _imported(app, file)
                _, again_s = _imported(app, file)
                began = time.perf_counter()
                until_day = (_START_AT + timedelta(days=_DAYS)).date()
                with app.transaction():
                    matrix = daily_matrix(app, _SITE, _START_AT.date(), until_day)
                matrix_s = time.perf_counter() - began
    return Result(
        benchmark="demand",
        headline="lines_per_s",
        figures={
            "lines_per_s": done.lines / import_s,
            "lines_again_per_s": done.lines / again_s,
            "bare_copy_lines_per_s": done.lines / copy_s,
            "seconds_to_read_all_days": matrix_s,
        },
        ratios={"import_beside_bare_copy": import_s / copy_s},
        limits={"lines_per_s": Limit(must=50_000, goal=100_000, better="higher")},
        input={
            "lines": done.lines,
            "items": len(matrix.items),
            "days": len(matrix.days),
            "lines_of_a_document": _LINES_OF_A_DOCUMENT,
            "seed": _SEED,
        },
    )


def _write(file: Path, lines: int) -> None:
    draw = random.Random(_SEED)
    step = timedelta(days=_DAYS) * _LINES_OF_A_DOCUMENT / lines
    with file.open("w", encoding="utf-8") as out:
        out.write("document,line,sku,quantity,requested_at,channel\n")
        for number in range(lines):
            document, line = divmod(number, _LINES_OF_A_DOCUMENT)
            at = (_START_AT + document * step).replace(microsecond=0)
            item = int(_ITEMS * draw.random() ** 2)
            out.write(f"T-{document},{line + 1},SKU-{item},{draw.randint(1, 24)},{at.isoformat()},shop\n")


def _lines(file: Path, faults: Faults) -> Iterator[StagedLine]:
    return read_csv(
        file,
        defaults=Defaults(site=_SITE, source="till"),
        conventions=Conventions(),
        encoding="utf-8",
        faults=faults,
        progress=lambda _: None,
    )


def _copy(owner: psycopg.Connection, file: Path) -> float:
    """Copy lines that are ready to be copied; give the seconds."""
    ready = "".join(copy_line(line) for line in _lines(file, Faults())).encode()
    began = time.perf_counter()
    with owner.cursor() as cursor, cursor.copy("COPY bare FROM STDIN") as copy:
        for start in range(0, len(ready), _PART):
            copy.write(ready[start : start + _PART])
    return time.perf_counter() - began


def _imported(app: psycopg.Connection, file: Path) -> tuple[Imported, float]:
    faults = Faults()
    began = time.perf_counter()
    with app.transaction():
        done = service.import_lines(
            app,
            _PLANNER,
            _lines(file, faults),
            faults=faults,
            origin="pos.csv, line",
            now=datetime.now(UTC),
            makes_items=True,
        )
    return done, time.perf_counter() - began
