"""A bin with stock, the people around it, and short names for what they do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

import psycopg

from cloud.approvals.service import approve_and_apply
from cloud.counting import reading, service
from cloud.counting.domain import VarianceRow
from cloud.counting.reporting import CountPaper, confirm_zero, report_count
from cloud.db import ConnectionPool, open_pool
from cloud.decisions import reading as decisions
from cloud.decisions.domain import Decision
from cloud.identity.actor import Actor, Role
from cloud.ledger.domain import Posted
from cloud.ledger.past import as_of
from cloud.master.store import add_identifier, add_item
from contracts.records import Count, CountLine, Identifier, RowRef, Side, UnitPosition
from contracts.vocabulary import CountScope
from tests.integration.ledger.scenario import SITE, Ledger, Outbox, at, move, open_ledger

T = TypeVar("T")

TEA, RUM, MUG = "05012345678900", "05012345678917", "05012345678924"
NAMES = {TEA: "TEA", RUM: "RUM", MUG: "MUG"}
HERE = frozenset({SITE})
COUNTER = Actor("user:ann", frozenset({Role.OPERATOR, Role.APPROVER}), HERE)
"""Counts, and would approve too, if that were allowed."""
APPROVER = Actor("user:bob", frozenset({Role.APPROVER}), HERE)
SUPERVISOR = Actor("user:sue", frozenset({Role.SUPERVISOR}), HERE)
CONTROLLER = Actor("user:cem", frozenset({Role.INVENTORY_CONTROLLER}), HERE)
NETWORK = Actor("user:eve", frozenset({Role.INVENTORY_CONTROLLER}), all_sites=True)
NOW = at(60 * 24)


def line(quantity: str, item: str = TEA, **fields: object) -> CountLine:
    return CountLine.model_validate(
        {"identifier": Identifier(scheme="gtin", value=item), "quantity": Decimal(quantity), **fields}
    )


def counted(*lines: CountLine, minute: float, place: str = "A-01", **fields: object) -> Count:
    """State a count as a gateway does."""
    return Count.model_validate(
        {
            "seq": 1,
            "occurred_at_claimed": at(minute),
            "mono_ns": 0,
            "boot_id": "b",
            "clock_ok": True,
            "actor": "ann",
            "scope": CountScope.BIN,
            "location": place,
            "lines": lines,
            **fields,
        }
    )


def stands(unit: str, place: str, *, minute: float) -> UnitPosition:
    """State that a unit came to stand at a place."""
    return UnitPosition.model_validate(
        {
            "seq": 1,
            "occurred_at_claimed": at(minute),
            "mono_ns": 0,
            "boot_id": "b",
            "clock_ok": True,
            "unit": unit,
            "location": place,
        }
    )


@dataclass
class Floor:
    """One site; `gw-1` sends what happens, `gw-2` is retired so that it holds nothing back."""

    ledger: Ledger
    pool: ConnectionPool
    gateway: Outbox = field(default_factory=Outbox)

    def happens(self, *records: object) -> None:
        self.ledger.post(self.gateway.seal(records))

    def receives(self, quantity: str, item: str = TEA, *, minute: float = 0, **side: object) -> None:
        there = Side.model_validate({"location": "A-01", **side})
        self.happens(move(quantity, "@supplier", there, item=item, minute=minute))

    def watermark(self, minute: float) -> None:
        """Let the gateway say that nothing before an instant is missing."""
        self.happens(move("1", "@supplier", "Z-99", item=MUG, minute=minute))

    def counts(self, *lines: CountLine, minute: float, **fields: object) -> RowRef:
        self.happens(counted(*lines, minute=minute, **fields))
        return RowRef(gateway="gw-1", epoch=self.gateway.epoch, seq=self.gateway.seq)

    def acts(self, work: Callable[[psycopg.Connection], T]) -> T:
        with self.pool.connection() as conn:
            return work(conn)

    def reports(
        self,
        *lines: CountLine,
        minute: float | None,
        actor: Actor = COUNTER,
        now: datetime = NOW,
        **fields: object,
    ) -> Posted:
        when = None if minute is None else at(minute)
        common = {"site": SITE, "location": "A-01", "scope": CountScope.BIN, "observed_at": when}
        paper = CountPaper(lines=lines, **(common | fields))
        return self.acts(lambda conn: report_count(conn, actor, paper, now=now))

    def confirms_zero(self, ref: RowRef, item: str, lot: str | None = None, actor: Actor = COUNTER) -> Posted:
        return self.acts(lambda conn: confirm_zero(conn, actor, ref, item=item, lot=lot, now=NOW))

    def settles(self) -> dict[str, int]:
        return service.settle(self.pool, service.JOB, NOW)

    def variances(self, **wanted: object) -> list[VarianceRow]:
        asked = reading.VarianceFilter(**wanted)
        return self.acts(lambda conn: reading.variances(conn, CONTROLLER, asked, limit=100))

    def variance(self, item: str = "TEA", **wanted: object) -> VarianceRow:
        """Give the latest record of an item."""
        return next(row for row in self.variances(**wanted) if row.item == item)

    def decision(self, row: VarianceRow | None = None) -> Decision:
        row = row or self.variance()
        assert row.decision_id is not None
        found = self.acts(lambda conn: decisions.find(conn, CONTROLLER, row.decision_id))
        assert found is not None
        return found

    def approves(self, decision: Decision, actor: Actor = APPROVER) -> Decision:
        return self.acts(
            lambda conn: approve_and_apply(conn, actor, decision.decision_id, decision.revision, "seen")
        )

    def costs(self, cost: str, item: str = "TEA") -> None:
        self.ledger.query(
            "INSERT INTO item_cost SELECT item_id, %s, '2020-01-01', %s, 'EUR' FROM item"
            " WHERE code = %s RETURNING 1",
            SITE,
            cost,
            item,
        )

    def as_of(self, minute: float, place: str = "A-01", item: str = "TEA") -> Decimal:
        """Give what a place held at an instant, by all that is known."""
        cells = self.ledger.query(
            "SELECT c.cell_id FROM cell c JOIN location l USING (location_id) JOIN item i USING (item_id)"
            " WHERE l.code = %s AND i.code = %s",
            place,
            item,
        )
        held = self.acts(
            lambda conn: as_of(conn, CONTROLLER, [row[0] for row in cells], occurred_at=at(minute))
        )
        return sum(held.values(), Decimal(0))

    def tickets(self) -> list[tuple[str, str]]:
        """Give kind and summary of what is open."""
        return self.ledger.query(
            "SELECT kind, summary FROM ticket WHERE resolved_at IS NULL ORDER BY ticket_id"
        )

    def book(self, place: str = "A-01", item: str = "TEA") -> Decimal:
        ((quantity,),) = self.ledger.query(
            "SELECT coalesce(sum(b.quantity), 0) FROM balance b JOIN cell c USING (cell_id)"
            " JOIN location l USING (location_id) JOIN item i USING (item_id)"
            " WHERE l.code = %s AND i.code = %s",
            place,
            item,
        )
        return quantity


@contextmanager
def open_floor(database: object) -> Iterator[Floor]:
    with open_ledger(database) as ledger, open_pool(ledger.app_dsn, "test-counting") as pool:
        for gtin, code in NAMES.items():
            item_id = ledger.as_app(
                lambda conn, code=code: add_item(conn, code, name=None, category="hot", base_unit="each")
            )
            for scheme, value in (("gtin", gtin), ("sku", code)):
                ledger.as_app(
                    lambda conn, key=(scheme, value), item_id=item_id: add_identifier(
                        conn, key, item_id, ratio=(1, 1), valid_from=None
                    )
                )
        ledger.query("UPDATE gateway SET state = 'retired' WHERE name = 'gw-2' RETURNING 1")
        floor = Floor(ledger, pool)
        yield floor
