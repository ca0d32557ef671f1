"""Bins, lots and orders of a site: short names for tests."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from cloud.allocation import reading, service, terms
from cloud.allocation.domain import ClaimKind, ClaimRow
from cloud.allocation.service import Allocated, Wish
from cloud.documents import service as documents
from cloud.documents.papers import DocumentPaper, ImportPaper
from cloud.identity.actor import Actor, Role
from contracts.records import Identifier, Side
from tests.integration.ledger.scenario import SITE, Ledger, move, open_ledger, stated

KEEPER = Actor("user:kim", frozenset({Role.SUPERVISOR}), frozenset({SITE}))
NETWORK = Actor("user:net", frozenset({Role.INVENTORY_CONTROLLER, Role.SUPERVISOR}), all_sites=True)
EACH = "00614141123452"
CASE = "10614141123459"
"""GTIN of a case of 24."""
NOW = datetime.fromisoformat("2026-03-02T08:00:00+00:00")
TODAY = date(2026, 3, 2)


@dataclass
class Shelves:
    """A site with bins."""

    ledger: Ledger

    def holds(
        self, place: str, quantity: int, *, lot: str | None = None, unit: str | None = None, **more: Any
    ) -> None:
        """Put goods into a bin, or into a unit that stands there."""
        there = Side(location=None if unit else place, unit=unit, lot=lot, **more)
        self.ledger.state(
            stated(
                move(
                    str(quantity),
                    "@opening",
                    there,
                    identifier=Identifier(scheme="gtin", value=EACH),
                )
            ),
            actor=NETWORK,
        )

    def loses(self, place: str, quantity: int, *, lot: str | None = None) -> None:
        """Let goods of a bin be gone, as a count would."""
        gone = move(
            str(quantity),
            Side(location=place, lot=lot),
            "@adjustment",
            identifier=Identifier(scheme="gtin", value=EACH),
        )
        self.ledger.state(stated(gone), actor=NETWORK)

    def orders(self, name: str, *quantities: int, partner: str | None = None, **more: Any) -> str:
        """Register an outbound order with a line per quantity; gives its name."""
        lines = [self._line(number, quantity, more) for number, quantity in enumerate(quantities, start=1)]
        paper = DocumentPaper.model_validate(
            {"site": SITE, "type": "outbound_order", "id": name, "partner": partner, "lines": lines}
        )
        self.ledger.as_app(lambda conn: documents.register_document(conn, KEEPER, paper))
        return f"outbound_order/{name}"

    def _line(self, number: int, quantity: int, more: Mapping[str, Any]) -> dict[str, Any]:
        named = {"scheme": "gtin", "value": EACH}
        return {
            "line": str(number),
            "identifier": named,
            "quantity": str(quantity),
            "unit_seen": "base",
        } | more

    def allocates(
        self, *names: str, kind: ClaimKind = ClaimKind.HARD, actor: Actor = KEEPER, now: datetime = NOW
    ) -> Allocated:
        wish = Wish(SITE, tuple(names) or None)
        return self.ledger.as_app(lambda conn: service.allocate(conn, actor, wish, kind=kind, now=now))

    def expires(self, lot: str, on: date | None) -> None:
        self.ledger.as_app(lambda conn: terms.put_lot(conn, NETWORK, item="TEA", lot=lot, expires_on=on))

    def claims(self, name: str | None = None, *, with_ended: bool = False) -> list[ClaimRow]:
        return self.ledger.as_app(
            lambda conn: reading.claims(
                conn, KEEPER, site=SITE, document=name, with_ended=with_ended, limit=1000
            )
        )

    def held(self, name: str | None = None) -> list[tuple[str, str | None, str | None, int]]:
        """Give open claims briefly: kind, place, lot, quantity."""
        return [
            (each.kind, each.unit or each.location, each.lot, int(each.quantity))
            for each in self.claims(name)
        ]

    def free(self) -> dict[str, Decimal]:
        """Give the item's figures at the site."""
        rows = self.ledger.as_app(
            lambda conn: reading.availability(conn, KEEPER, site=SITE, item="TEA", now=NOW, limit=2)
        )
        return {name: value for name, value in rows[0]._asdict().items() if isinstance(value, Decimal)}


@contextmanager
def open_shelves(database: object) -> Iterator[Shelves]:
    """Open a ledger that knows the item."""
    with open_ledger(database) as ledger:
        item = {
            "code": "TEA",
            "levels": [{"gtin": EACH, "base_units": 1}, {"gtin": CASE, "base_units": 24}],
        }
        papers = ImportPaper.model_validate({"items": [item]})
        ledger.as_app(lambda conn: documents.import_all(conn, NETWORK, papers, now=NOW))
        yield Shelves(ledger)
