"""How long a large delivery takes from the file to the ledger: checked whole, posted in one transaction.

An ASN of many lines over a few thousand items is registered. A CSV says what came of each line, most of it as
declared, some over, short or damaged; it is read and received as `dockledger receipts import` does it, commit
included. Before it the same file with every line wrong is refused, all faults in one answer.
"""

import argparse
import random
import time
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.ground import own_folder
from benchmarks.result import Limit, Result
from benchmarks.stage import Gateway, Stage
from cloud.db import connect
from cloud.documents.domain import DocumentError
from cloud.documents.import_file import AS_WRITTEN
from cloud.documents.papers import DocumentPaper
from cloud.documents.receiving import service
from cloud.documents.receiving.sheet import Delivered, read_delivery
from cloud.documents.service import register_document
from cloud.documents.shell import SHELL
from cloud.shell import present

_SITE: Final = "bench"
_ITEMS: Final = 3_000
_SEED: Final = 1
_WORLD: Final = """
INSERT INTO item (code, name) SELECT 'SKU-' || n, 'Item ' || n FROM generate_series(0, 2999) n;
INSERT INTO identifier (scheme, value, item_id) SELECT 'sku', i.code, i.item_id FROM item i;
INSERT INTO location (site_id, code, kind) VALUES ('bench', 'STAGE', 'bin')
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument("--lines", type=int, default=20_000, help="at most 20000; default: 20000")


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Seconds from the file to the commit, and to the refusal.
    """
    head = Delivered(_SITE, "R-1", "STAGE", ("asn", "ASN-1"))
    with own_folder() as directory:
        came, wrong = directory / "came.csv", directory / "wrong.csv"
        _write(came, arguments.lines, of="")
        _write(wrong, arguments.lines, of="no-")
        with Stage(directory / "stage", (Gateway(_SITE, "bench-gw"),), 0) as stage:
            with psycopg.connect(stage.dsn("dockledger_migrator"), autocommit=True) as owner:
                owner.execute("SET ROLE dockledger_owner")
                owner.execute(_WORLD)
            with connect(stage.dsn("dockledger_app"), "benchmark", autocommit=True) as app:
                began = time.perf_counter()
                with app.transaction():
                    register_document(app, SHELL, _notice(arguments.lines))
                registered_s = time.perf_counter() - began
                refused_s, faults = _refused(app, wrong, head)
                began = time.perf_counter()
                paper = read_delivery(came, head, conventions=AS_WRITTEN)
                read_s = time.perf_counter() - began
                with app.transaction():
                    done = service.receive(app, SHELL, paper, now=present())
                receipt_s = time.perf_counter() - began
    return Result(
        benchmark="receipt",
        headline="receipt_s",
        figures={
            "receipt_s": receipt_s,
            "of_it_reading_s": read_s,
            "refused_s": refused_s,
            "registered_s": registered_s,
            "lines_per_s": len(done.lines) / receipt_s,
        },
        limits={
            "receipt_s": Limit(must=10, goal=3, better="lower"),
            "refused_s": Limit(must=10, goal=3, better="lower"),
        },
        input={"lines": len(done.lines), "items": _ITEMS, "faults_told": faults, "seed": _SEED},
    )


def _notice(lines: int) -> DocumentPaper:
    return DocumentPaper.model_validate(
        {
            "site": _SITE,
            "type": "asn",
            "id": "ASN-1",
            "partner": "ACME",
            "lines": [
                {
                    "line": str(number),
                    "identifier": {"scheme": "sku", "value": f"SKU-{number % _ITEMS}"},
                    "quantity": 10,
                }
                for number in range(1, lines + 1)
            ],
        }
    )


def _write(file: Path, lines: int, *, of: str) -> None:
    draw = random.Random(_SEED)
    with file.open("w", encoding="utf-8") as out:
        out.write("of_line,received,damaged,reason\n")
        for number in range(1, lines + 1):
            damaged = draw.random() < 0.01
            received = draw.choice((10, 10, 10, 10, 10, 10, 10, 10, 9, 11))
            out.write(f"{of}{number},{received},{1 if damaged else ''},{'damaged' if damaged else ''}\n")


def _refused(app: psycopg.Connection, file: Path, head: Delivered) -> tuple[float, int]:
    began = time.perf_counter()
    paper = read_delivery(file, head, conventions=AS_WRITTEN)
    try:
        with app.transaction():
            service.receive(app, SHELL, paper, now=present())
    except DocumentError as error:
        return time.perf_counter() - began, len(str(error).splitlines())
    message = "a delivery whose every line is wrong was received"
    raise AssertionError(message)
