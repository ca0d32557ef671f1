"""Bins, lots and orders of a site: short names for tests."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from cloud.allocation import reading, service, terms
from cloud.allocation.claiming import Allocated, Wish
from cloud.allocation.domain import ClaimKind, ClaimRow
from cloud.allocation.following import JOB, follow
from cloud.allocation.picking import Released, release_picks
from cloud.allocation.upkeep import keep_up
from cloud.db import LastingConnection
from cloud.documents import service as documents
from cloud.documents.import_file import ImportPaper
from cloud.documents.papers import DocumentPaper
from cloud.identity.actor import Actor, Role
from cloud.master.places import add_location
from contracts.base import EpochId, GatewayId
from contracts.offline import TaskLine, TaskList
from contracts.records import DocumentRef, Identifier, Movement, RowRef, Side, UnitPosition, WorkflowEvent
from tests.integration.ledger.scenario import SITE, Ledger, Outbox, at, move, open_ledger, stated

KEEPER = Actor("user:kim", frozenset({Role.SUPERVISOR}), frozenset({SITE}))
NETWORK = Actor("user:net", frozenset({Role.INVENTORY_CONTROLLER, Role.SUPERVISOR}), all_sites=True)
EACH = "00614141123452"
CASE = "10614141123459"
"""GTIN of a case of 24."""
PALLET = "106141412345678908"
NOW = datetime.fromisoformat("2026-03-02T08:00:00+00:00")
TODAY = date(2026, 3, 2)


@dataclass
class Shelves:
    """A site with bins."""

    ledger: Ledger
    outbox: Outbox = field(default_factory=Outbox)

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

    def stands(self, unit: str, place: str) -> None:
        """Let a unit stand somewhere."""
        placed = {"seq": 1, "occurred_at_claimed": at(0), "mono_ns": 0, "boot_id": "b", "clock_ok": True}
        self._records(UnitPosition.model_validate(placed | {"unit": unit, "location": place}))

    def departs(self, order: str, place: str, quantity: int) -> None:
        """Let picked goods go to the customer."""
        gone = move(
            str(quantity),
            place,
            "@customer",
            identifier=Identifier(scheme="gtin", value=EACH),
            documents=(DocumentRef(type="outbound_order", id=order, line="1"),),
        )
        self.ledger.state(stated(gone), actor=NETWORK)

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

    def releases(self, *names: str, to: str = "LANE-1", **more: Any) -> Released:
        """Release picks of orders to the gateway's handhelds."""
        wish = Wish(SITE, tuple(names) or None)
        asked = {"to_location": to, "gateway": "gw-1", "now": NOW} | more
        return self.ledger.as_app(lambda conn: release_picks(conn, KEEPER, wish, **asked))

    def sent(self) -> TaskList:
        """Give the last list of tasks that waits for the gateway."""
        ((payload,),) = self.ledger.query(
            "SELECT payload::text FROM gateway_message WHERE channel = 'task' ORDER BY revision DESC LIMIT 1"
        )
        return TaskList.model_validate_json(payload)

    def told(self, now: datetime = NOW) -> dict[str, int]:
        """Let claims follow what the ledger says."""
        return self.ledger.as_app(lambda conn: follow(conn, JOB, now=now))

    def kept(self, now: datetime = NOW) -> dict[str, int]:
        with closing(LastingConnection(self.ledger.app_dsn, "test-upkeep")) as source:
            return keep_up(source, JOB, now)

    def picks(
        self, line: TaskLine, quantity: int, task: str, *, minute: float = 60, gtin: str = EACH, **more: Any
    ) -> Movement:
        """Let a handheld pick from a task's line; gives the record as it was sealed."""
        place = Side(
            location=None if line.from_unit else line.from_location,
            unit=line.from_unit,
            lot=line.lot,
            disposition=line.disposition,
            owner=line.owner,
        )
        goods = {"lot": line.lot, "disposition": line.disposition, "owner": line.owner}
        named = (line.document, DocumentRef(type="task", id=task, line=str(line.number)))
        moved = move(
            str(quantity),
            place,
            Side(location=line.to_location, **goods),
            identifier=Identifier(scheme="gtin", value=gtin),
            minute=minute,
            documents=named,
            actor="user:pia",
            **more,
        )
        return self._records(moved)

    def undoes(self, picked: Movement) -> None:
        """Take a pick back at the handheld."""
        ref = RowRef(gateway=GatewayId("gw-1"), epoch=EpochId(self.outbox.epoch), seq=self.outbox.seq)
        sides = {"source": picked.destination, "destination": picked.source}
        self._records(picked.model_copy(update={**sides, "reverses": ref, "reason": "undo"}))

    def finds_short(self, line: TaskLine, task: str, *, reason: str = "empty", minute: float = 61) -> None:
        named = (line.document, DocumentRef(type="task", id=task, line=str(line.number)))
        said = {"workflow": "pick", "step": "short", "outcome": reason, "actor": "user:pia"}
        times = {"seq": 1, "occurred_at_claimed": at(minute), "mono_ns": 0, "boot_id": "b", "clock_ok": True}
        self._records(WorkflowEvent.model_validate(times | said | {"documents": named}))

    def _records(self, record: Any) -> Any:
        self.ledger.post(self.outbox.seal([record]))
        return record

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
        ledger.as_app(
            lambda conn: add_location(conn, KEEPER, site=SITE, code="LANE-1", kind="bin", parent=None)
        )
        yield Shelves(ledger)
