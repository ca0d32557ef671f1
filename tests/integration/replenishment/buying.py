"""A site that buys: items with stock, a forecast and suppliers, and the people who order."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import NormalDist
from typing import Any

import numpy as np

from cloud.approvals.service import approve_and_apply
from cloud.db import Connection, ConnectionPool, in_transaction
from cloud.decisions.domain import Decision
from cloud.decisions.reading import find
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.ledger.domain import PostingKind
from cloud.ledger.service import post
from cloud.master.places import add_location
from cloud.master.store import add_identifier, add_item, add_site
from cloud.master.supplier_papers import SupplierItemPaper, SupplierPaper
from cloud.master.suppliers import put_supplier, put_supplier_item
from cloud.replenishment import reading, service
from cloud.replenishment.curves import LEVELS
from cloud.replenishment.store import ProposalRow
from cloud.runs import service as runs
from contracts.base import SiteId
from contracts.records import Identifier, Movement, Side, UnitPosition

from cloud.ledger.domain import CloudStatement, EffectiveRow  # isort: skip
from contracts.occurrence import TimeBasis

NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
"""A Wednesday."""
TODAY = NOW.date()
SITE = SiteId("leeds")
BUYER = Actor("user:bea", frozenset({Role.BUYER}), all_sites=True)
PLANNER = Actor("user:pia", frozenset({Role.PLANNER}), all_sites=True)
APPROVER = Actor("user:ann", frozenset({Role.APPROVER}), all_sites=True)
KEEPER = Actor("user:ada", frozenset({Role.INVENTORY_CONTROLLER, Role.SUPERVISOR}), all_sites=True)
STRANGER = Actor("user:sam", frozenset({Role.BUYER}), frozenset({SiteId("york")}))
JOB = Actor("job:forecast", frozenset({Role.PLANNER, Role.BUYER, Role.INVENTORY_CONTROLLER}), all_sites=True)
SCORES = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
HORIZONS = (1, 7, 14, 28, 56, 91)
DAYS = 91


@dataclass
class Buying:
    """Short words for what happens at the site."""

    pool: ConnectionPool
    site: SiteId
    items: dict[str, int]

    def run(self, work: Any) -> Any:
        return in_transaction(self.pool, work)

    def query(self, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
        def work(conn: Connection) -> list[tuple[Any, ...]]:
            act_as(conn, JOB)
            return conn.execute(statement, arguments).fetchall()

        return in_transaction(self.pool, work)

    def item(self, code: str, base_unit: str = "each") -> int:
        def work(conn: Connection) -> int:
            item_id = add_item(
                conn, code, name=f"{code.title()} of the house", category=None, base_unit=base_unit
            )
            add_identifier(conn, ("sku", code), item_id, ratio=(1, 1), valid_from=None)
            return item_id

        self.items[code] = self.run(work)
        return self.items[code]

    def stock(
        self,
        code: str,
        quantity: str,
        *,
        disposition: str | None = None,
        location: str = "A-01",
        unit: str | None = None,
    ) -> None:
        """Put stock where it is, out of the account of the opening."""
        place = {"unit": unit} if unit else {"location": location, "disposition": disposition}
        self.state(
            Movement,
            identifier=Identifier(scheme="sku", value=code),
            quantity_seen=Decimal(quantity),
            source=Side(location="@opening"),
            destination=Side.model_validate(place),
        )

    def place(self, unit: str, location: str) -> None:
        self.state(UnitPosition, unit=unit, location=location)

    def state(self, kind: type[Movement] | type[UnitPosition], **fields: Any) -> None:
        at = NOW - timedelta(days=30)
        stamp = {"seq": 1, "occurred_at_claimed": at, "mono_ns": 0, "boot_id": "b", "clock_ok": True}
        row = EffectiveRow(kind.model_validate(stamp | fields), at, TimeBasis.CLAIMED)
        statement = CloudStatement(self.site, row)
        self.run(lambda conn: post(conn, KEEPER, kind=PostingKind.STATEMENT, statements=[statement]))

    def forecast(
        self, daily: dict[str, tuple[float, float]], *, first_day: Any = TODAY, days: int = DAYS
    ) -> int:
        """Write forecasts of independent normal days, by item mean and deviation of a day."""
        horizons = [each for each in HORIZONS if each <= days]

        def work(conn: Connection) -> int:
            run_id = runs.begin(conn, JOB, kind="forecast", site=self.site, inputs={}, parameters={})
            for code, (mean, deviation) in daily.items():
                cum_q = [(mean * h + SCORES * deviation * h**0.5).tolist() for h in horizons]
                conn.execute(
                    "INSERT INTO forecast (run_id, site_id, item_id, first_day, mean, horizons, cum_q, "
                    "model, why, is_sufficient, history_from, history_until, weekly_volume) "
                    "VALUES (%s, %s, %s, %s, %s, %s, %s, 'ets', '{}', true, %s, %s, %s)",
                    (
                        run_id, self.site, self.items[code], first_day, [mean] * days, horizons, cum_q,
                        first_day - timedelta(days=100), first_day - timedelta(days=1), mean * 7,
                    ),
                )  # fmt: skip
            runs.finish(conn, run_id, {})
            return int(run_id)

        return self.run(work)

    def supplier(self, supplier: str, **fields: Any) -> None:
        stated = {
            "supplier": supplier,
            "name": supplier.title(),
            "currency": "EUR",
            "working_days": range(1, 8),
        } | fields
        self.run(lambda conn: put_supplier(conn, BUYER, SupplierPaper.model_validate(stated)))

    def sells(self, supplier: str, item: str, **fields: Any) -> None:
        stated = {"supplier": supplier, "item": item, "site": self.site, "lead_time_days": 7, "price": "2.50"}
        self.run(
            lambda conn: put_supplier_item(conn, BUYER, SupplierItemPaper.model_validate(stated | fields))
        )

    def propose(self, now: datetime = NOW, slot: datetime | None = None) -> dict[str, Any]:
        return service.run_all(self.pool, JOB, now, slot, sites=[self.site])["sites"][self.site]

    def proposals(self, *, only_unsent: bool = True, **asked: Any) -> list[ProposalRow]:
        return self.run(
            lambda conn: reading.proposals(
                conn, BUYER, site=self.site, only_unsent=only_unsent, limit=100, **asked
            )
        )

    def one(self, item: str = "TEA") -> ProposalRow:
        (found,) = self.proposals(item=item)
        return found

    def approve(self, decision_id: int, by: Actor = APPROVER) -> Decision:
        def work(conn: Connection) -> Decision:
            found = find(conn, by, decision_id)
            return approve_and_apply(conn, by, decision_id, found.revision)

        return self.run(work)

    def on_hand(self, item: str) -> dict[tuple[str, str | None], Decimal]:
        found = self.query(
            "SELECT l.code, c.disposition, sum(b.quantity) FROM balance b JOIN cell c USING (cell_id) "
            "JOIN location l USING (location_id) JOIN item i USING (item_id) "
            "WHERE i.code = %s AND b.site_id = %s AND l.kind = 'bin' "
            "GROUP BY 1, 2 HAVING sum(b.quantity) <> 0",
            item,
            self.site,
        )
        return {(code, disposition): quantity for code, disposition, quantity in found}


@contextmanager
def open_buying(
    pool: ConnectionPool, items: Sequence[str] = ("TEA",), *, site: str = SITE
) -> Iterator[Buying]:
    """Set a site up with two places and some items."""

    def work(conn: Connection) -> None:
        act_as(conn, KEEPER)
        add_site(conn, SiteId(site), name=site.title(), time_zone="Europe/London", currency="EUR")
        for code in ("A-01", "STAGING"):
            add_location(conn, KEEPER, site=site, code=code, kind="bin", parent=None)

    in_transaction(pool, work)
    buying = Buying(pool, SiteId(site), {})
    for code in items:
        buying.item(code)
    yield buying


def teas(buying: Buying, **terms: Any) -> None:
    """Sell 20 a day of what is bought in dozens, with stock for five days."""
    buying.stock("TEA", "100")
    buying.supplier("ACME")
    buying.sells("ACME", "TEA", **({"min_order": "48", "pack": "12"} | terms))
    buying.forecast({"TEA": (20.0, 6.0)})
