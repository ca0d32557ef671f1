"""A stated stock list of 20,000 lines: every fault told in one answer, then posted in one transaction.

A site of 20,000 cells is filled by the ledger's one writer. A list in which a tenth of the lines differ is
first refused with a fault in every hundredth line, then checked and kept, then approved by another person,
which derives it again, binds every cell and posts the differences.
"""

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar

import psycopg

from benchmarks.ground import own_folder
from benchmarks.result import Limit, Result
from benchmarks.stage import Gateway, Stage
from cloud.approvals.service import approve_and_apply
from cloud.counting.reconciling.domain import ReconciliationError, StatedLine, StatedList
from cloud.counting.reconciling.service import reconcile
from cloud.db import connect
from cloud.decisions.domain import State
from cloud.identity.actor import Actor, Role
from contracts.base import SiteId

T = TypeVar("T")
_SITE: Final = SiteId("bench")
_KEEPER: Final = Actor("user:kim", frozenset({Role.INVENTORY_CONTROLLER}), frozenset({_SITE}))
_APPROVER: Final = Actor("user:bea", frozenset({Role.APPROVER}), frozenset({_SITE}))
_BINS: Final = 200
_OFF_EVERY: Final = 10
_WRONG_EVERY: Final = 100
_WORLD: Final = """
INSERT INTO item (code) SELECT 'item-' || n FROM generate_series(1, %(items)s) n;
INSERT INTO location (site_id, code, kind)
SELECT 'bench', CASE n WHEN 0 THEN '@supplier' ELSE 'bin-' || n END,
    CASE n WHEN 0 THEN 'virtual' ELSE 'bin' END
FROM generate_series(0, %(bins)s) n;
INSERT INTO item_cost (item_id, site_id, valid_from, cost, currency)
SELECT item_id, 'bench', '-infinity', 1 + item_id %% 7, 'EUR' FROM item;
"""
_FILL: Final = """
WITH made AS (
    INSERT INTO cell (item_id, location_id, site_id, posting_id)
    SELECT i.item_id, l.location_id, 'bench', %(posting)s FROM item i CROSS JOIN location l
    RETURNING cell_id, item_id, location_id
)
INSERT INTO movement (
    gateway_id, epoch, seq, occurred_at, posting_id, item_id, from_cell, to_cell, quantity, site_id,
    identifier_scheme, identifier, quantity_seen, unit_seen, occurred_at_claimed, time_basis, detail)
SELECT g.gateway_id, 0, nextval('cloud_row_seq'), %(at)s, %(posting)s, c.item_id, s.cell_id, c.cell_id, 10,
    'bench', 'sku', 'x', 10, 'base', %(at)s, 'claimed', '{}'
FROM made c
JOIN location l ON l.location_id = c.location_id AND l.kind = 'bin'
JOIN made s ON s.item_id = c.item_id
JOIN location sl ON sl.location_id = s.location_id AND sl.kind = 'virtual'
CROSS JOIN gateway g WHERE g.name = '_cloud'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument("--lines", type=int, default=20_000, help="default: 20000")


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Seconds to refuse, to check and keep, and to post the list.
    """
    items = max(1, arguments.lines // _BINS)
    now = datetime.now(UTC)
    with (
        own_folder() as directory,
        Stage(directory, (Gateway(_SITE, "bench-gw"),), 0) as stage,
        psycopg.connect(stage.dsn("dockledger_migrator"), autocommit=True) as owner,
        connect(stage.dsn("dockledger_app"), "benchmark", autocommit=True) as app,
    ):
        owner.execute("SET ROLE dockledger_owner")
        _fill(owner, items, now - timedelta(days=2))
        lines = [
            StatedLine(
                f"item-{n // _BINS + 1}", f"bin-{n % _BINS + 1}", Decimal(10 if n % _OFF_EVERY else 12)
            )
            for n in range(items * _BINS)
        ]
        observed_at = now - timedelta(days=1)
        wrong = [StatedLine("nil", line.location, line.quantity) for line in lines[::_WRONG_EVERY]]
        faulty = StatedList(_SITE, observed_at, lines + wrong, "f")
        refused_s, faults = _timed(app, lambda: _refused(app, faulty, now))
        kept_s, decision = _timed(
            app, lambda: reconcile(app, _KEEPER, StatedList(_SITE, observed_at, lines, "f"), now=now)
        )
        posted_s, done = _timed(
            app, lambda: approve_and_apply(app, _APPROVER, decision.decision_id, decision.revision)
        )
    return Result(
        benchmark="reconcile",
        headline="seconds",
        figures={
            "seconds": kept_s + posted_s,
            "refused_s": refused_s,
            "checked_and_kept_s": kept_s,
            "posted_s": posted_s,
        },
        limits={"seconds": Limit(must=10, goal=3, better="lower")},
        input={
            "lines": len(lines),
            "differing": len(lines[::_OFF_EVERY]),
            "faults_told": faults,
            "is_applied": done.state is State.APPLIED,
        },
    )


def _refused(app: psycopg.Connection, stated: StatedList, now: datetime) -> int:
    try:
        reconcile(app, _KEEPER, stated, now=now)
    except ReconciliationError as error:
        return len(error.faults)
    return 0


def _timed(connection: psycopg.Connection, work: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    with connection.transaction():
        done = work()
    return time.perf_counter() - began, done


def _fill(owner: psycopg.Connection, items: int, at: datetime) -> None:
    for statement in _WORLD.split(";\n"):
        if statement.strip():
            owner.execute(statement, {"items": items, "bins": _BINS})
    with owner.transaction():
        (posting,) = owner.execute("SELECT posting_id FROM begin_posting()").fetchall()[0]
        owner.execute(_FILL, {"posting": posting, "at": at})
        owner.execute("SELECT close_posting(%s, 'import', 'benchmark')", [posting])
    owner.execute("SELECT fold(10)")
    owner.execute("VACUUM ANALYZE")
