"""A site whose goods have lots, kits made of them, and orders that want them: short names for tests."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from cloud.alerts import service as alerts
from cloud.alerts.domain import Ticket, TicketState
from cloud.allocation import reading as allocation
from cloud.allocation import terms
from cloud.allocation.claiming import Wish
from cloud.allocation.domain import ClaimKind
from cloud.allocation.following import JOB as PICKS
from cloud.allocation.service import allocate
from cloud.allocation.store import AvailableRow
from cloud.allocation.upkeep import keep_up
from cloud.approvals import service as approvals
from cloud.counting.reconciling.domain import StatedLine, StatedList
from cloud.counting.reconciling.service import reconcile
from cloud.db import LastingConnection
from cloud.decisions.domain import Decision
from cloud.documents import service as documents
from cloud.documents import visits
from cloud.documents.import_file import ImportPaper
from cloud.documents.papers import DocumentPaper
from cloud.documents.shipping.papers import ShipmentPaper
from cloud.documents.shipping.service import ship
from cloud.identity.actor import Actor, Role
from cloud.ledger.corrections import adjust_to_count, post_reversal
from cloud.lots import expiry, reading, recalls, stating
from cloud.lots.domain import JOB, Recall, RecallSite
from cloud.lots.expiry import WATCH, ExpiringRow, watch_expiry
from cloud.lots.following import follow_recalls
from cloud.lots.reading import LotStory
from cloud.lots.resolver import RESOLVER, resolve
from cloud.lots.stating import UnstatedRow
from contracts.records import DocumentRef, Identifier, Movement, RowRef, Side, UnitPosition
from tests.integration.ledger.scenario import SITE, Ledger, Outbox, at, move, open_ledger

KIM = Actor("user:kim", frozenset({Role.SUPERVISOR}), all_sites=True)
NET = Actor("user:net", frozenset({Role.INVENTORY_CONTROLLER, Role.SUPERVISOR}), all_sites=True)
BOSS = Actor("user:boss", frozenset({Role.APPROVER}), all_sites=True)
GTINS = {
    "MILK": "00614141000012",
    "BOX": "00614141000029",
    "KIT": "00614141000036",
    "GIFT": "00614141000043",
}
PALLET = "106141412345678908"
SERIALS = [f"urn:epc:id:sgtin:0614141.000003.{number}" for number in range(6)]


@dataclass
class Floor:
    """A site and what moves there."""

    ledger: Ledger
    outbox: Outbox = field(default_factory=Outbox)

    def moves(self, *records: Movement | UnitPosition) -> None:
        """Let a gateway state records."""
        self.ledger.post(self.outbox.seal(records))

    def story(self, item: str, lot: str) -> LotStory:
        return self.ledger.as_app(lambda conn: reading.story(conn, KIM, item=item, lot=lot))

    def announces(self, name: str, item: str, quantity: int, lot: str, unit: str | None = None) -> None:
        """Register an ASN of one line that says the lot, loose or in a unit."""
        line = {
            "line": "1",
            "identifier": {"scheme": "gtin", "value": GTINS[item]},
            "quantity": str(quantity),
            "lot": lot,
            "units": [unit] if unit else [],
        }
        paper = DocumentPaper.model_validate({"site": SITE, "type": "asn", "id": name, "lines": [line]})
        self.ledger.as_app(lambda conn: documents.register_document(conn, KIM, paper))

    def orders(self, name: str, item: str, quantity: int, partner: str) -> None:
        line = {
            "line": "1",
            "identifier": {"scheme": "gtin", "value": GTINS[item]},
            "quantity": str(quantity),
            "unit_seen": "base",
        }
        paper = DocumentPaper.model_validate(
            {"site": SITE, "type": "outbound_order", "id": name, "partner": partner, "lines": [line]}
        )
        self.ledger.as_app(lambda conn: documents.register_document(conn, KIM, paper))

    def departs(self, order: str, item: str, lot: str | None, unit: str) -> Any:
        """Order what a pallet holds, and let it depart by the visit of a vehicle at a door."""
        line = {
            "line": "1",
            "identifier": {"scheme": "gtin", "value": GTINS[item]},
            "quantity": "10",
            "unit_seen": "base",
            "lot": lot,
            "units": [unit],
        }
        door = {"site": SITE, "portal": "dock-1", "gateway": "gw-1"}
        stated = {
            "portals": [door | {"inside_location": "STAGE", "outside_location": "@clearing/dock-1"}],
            "documents": [{"site": SITE, "type": "outbound_order", "id": order, "lines": [line]}],
            "visits": [
                {
                    "site": SITE,
                    "visit": f"V-{order}",
                    "door": "dock-1",
                    "direction": "outbound",
                    "from_at": at(0),
                    "documents": [{"type": "outbound_order", "id": order}],
                }
            ],
        }
        papers = ImportPaper.model_validate(stated)
        self.ledger.as_app(lambda conn: documents.import_all(conn, NET, papers, now=at(0)))
        named = {"site": SITE, "visit": f"V-{order}", "confirmed_units": [unit], "now": at(60)}
        return self.ledger.as_app(lambda conn: visits.confirm(conn, KIM, **named))

    def sent(self) -> set[tuple[str | None, Decimal]]:
        """Give what customers got by lot, as the ledger has it."""
        rows = self.ledger.query(
            "SELECT c.lot, b.quantity FROM balance b JOIN cell c USING (cell_id) "
            "JOIN location l USING (location_id) WHERE l.code = '@customer' AND b.quantity <> 0"
        )
        return set(rows)

    def recalls(self, item: str, lot: str) -> Recall:
        asked = {"item": item, "lot": lot, "reason": "contaminated"}
        return self.ledger.as_app(lambda conn: recalls.open_recall(conn, KIM, **asked))

    def recall_sites(self, recall: Recall) -> list[RecallSite]:
        return self.ledger.as_app(lambda conn: recalls.recall_sites(conn, KIM, recall_id=recall.recall_id))

    def ends(self, recall: Recall) -> Recall:
        asked = {"recall_id": recall.recall_id, "reason": "unfounded"}
        return self.ledger.as_app(lambda conn: recalls.close_recall(conn, KIM, **asked))

    def approves(self, decision: int, *, by: Actor) -> Decision:
        return self.ledger.as_app(lambda conn: approvals.approve_and_apply(conn, by, decision, 1))

    def reverses(self, decision: int, *, by: Actor) -> Decision:
        return self.ledger.as_app(
            lambda conn: approvals.reverse(conn, by, decision, 1, reason="approved_in_error")
        )

    def follows(self) -> Mapping[str, Any]:
        with closing(LastingConnection(self.ledger.app_dsn, "test-recalls")) as source:
            return follow_recalls(source, JOB, at(600))

    def controls(self, item: str, *, rule: str | None) -> None:
        asked = {"item": item, "is_lot_controlled": True, "rule": rule}
        self.ledger.as_app(lambda conn: stating.set_policy(conn, NET, **asked))

    def resolves(self) -> Mapping[str, Any]:
        with closing(LastingConnection(self.ledger.app_dsn, "test-resolver")) as source:
            return resolve(source, RESOLVER, at(600))

    def unstated(self) -> list[UnstatedRow]:
        return self.ledger.as_app(lambda conn: stating.unstated(conn, KIM, limit=100))

    def states(self, cell: int, lot: str, quantity: int, *, minute: float = 100) -> None:
        asked = {"cell_id": cell, "lot": lot, "quantity": Decimal(quantity), "now": at(minute)}
        self.ledger.as_app(lambda conn: stating.state_lot(conn, KIM, **asked))

    def settles(self) -> None:
        """Let the resolver run until nothing is left, also of what that made counts move."""
        for _ in range(4):
            self.resolves()
        assert self.resolves() == {"items": 0, "posted": 0}

    def counts(self, place: str, lot: str | None, counted: int, *, minute: float) -> None:
        """Bind a cell to a count."""
        ((cell,),) = self.ledger.query(
            "SELECT cell_id FROM cell JOIN location l USING (location_id) "
            "WHERE l.code = %s AND lot IS NOT DISTINCT FROM %s",
            place,
            lot,
        )
        asked = {"observed_at": at(minute), "counted": Decimal(counted), "reason": "cycle_count"}
        self.ledger.as_app(lambda conn: adjust_to_count(conn, NET, cell_id=cell, **asked))

    def reconciles(self, stated: Mapping[str, int], *, minute: float = 60) -> Decision:
        """State a stock list by place: MILK, at D-01 KIT."""
        lines = [
            StatedLine("KIT" if place == "D-01" else "MILK", place, Decimal(quantity))
            for place, quantity in stated.items()
        ]
        paper = StatedList(SITE, at(minute), lines, "list.csv")
        return self.ledger.as_app(lambda conn: reconcile(conn, NET, paper, now=at(600)))

    def reverses_movement(self, seq: int, **of: Any) -> None:
        ref = RowRef.model_validate({"gateway": "gw-1", "epoch": "00000000000000aa", "seq": seq} | of)
        self.ledger.as_app(lambda conn: post_reversal(conn, NET, ref, reason="misread"))

    def there(self) -> dict[str, Decimal]:
        """Give what lies at real places, whatever it is."""
        found: Counter[str] = Counter()
        for (place, *_), quantity in self.lots().items():
            found[place] += quantity
        return dict(found)

    def lots(self) -> dict[tuple[str, str | None], Decimal]:
        """Give what lies at real places by place and lot, and whose it is where that is known."""
        rows = self.ledger.query(
            "SELECT l.code, c.lot, c.owner, b.quantity FROM balance b JOIN cell c USING (cell_id) "
            "JOIN location l USING (location_id) WHERE l.kind <> 'virtual' AND b.quantity <> 0"
        )
        return {
            (place, lot, owner) if owner else (place, lot): quantity for place, lot, owner, quantity in rows
        }

    def rules(self) -> set[str]:
        return {
            row[0]
            for row in self.ledger.query(
                "SELECT DISTINCT detail #>> '{inferred,rule}' FROM movement WHERE detail ? 'inferred'"
            )
        }

    def ships(self, item: str, lot: str, order: str, *, out_of: str, with_unit: bool = False) -> None:
        of = {"type": "outbound_order", "id": order, "line": "1"}
        place = {"unit" if out_of.isdigit() else "location": out_of, "with_unit": with_unit}
        line = {"line": "1", "of": of, "quantity": "1", "lot": lot} | place
        paper = ShipmentPaper.model_validate({"site": SITE, "shipment": f"S-{order}", "lines": [line]})
        self.ledger.as_app(lambda conn: ship(conn, KIM, paper, now=at(700)))

    def claims(self, order: str) -> None:
        wish = Wish(SITE, (f"outbound_order/{order}",))
        self.ledger.as_app(lambda conn: allocate(conn, KIM, wish, kind=ClaimKind.HARD, now=at(20)))

    def has_picked(self, order: str, quantity: int, place: str, lot: str) -> None:
        """Leave a claim on goods that were picked to where they leave from."""
        self.ledger.query(
            "INSERT INTO allocation "
            "(site_id, type, id, line, item_id, kind, cell_id, quantity, needed_on, why, created_by) "
            "SELECT %s, 'outbound_order', %s, '1', c.item_id, 'picked', c.cell_id, %s, now(), '{}', 't' "
            "FROM cell c JOIN location l USING (location_id) WHERE l.code = %s AND c.lot = %s RETURNING 1",
            SITE,
            order,
            quantity,
            place,
            lot,
        )

    def keeps(self) -> None:
        with closing(LastingConnection(self.ledger.app_dsn, "test-upkeep")) as source:
            keep_up(source, PICKS, at(30))

    def claimed(self) -> list[tuple[str, str, str | None, int]]:
        asked = {"site": SITE, "limit": 100}
        rows = self.ledger.as_app(lambda conn: allocation.claims(conn, KIM, **asked))
        return sorted((row.id, str(row.kind), row.lot, int(row.quantity)) for row in rows)

    def watches(self, *, days: int, owner: str) -> None:
        asked = {"site": SITE, "days": days, "owner": owner}
        self.ledger.as_app(lambda conn: expiry.put_watch(conn, KIM, **asked))

    def expiring(self, now: datetime, days: int) -> list[ExpiringRow]:
        return self.ledger.as_app(lambda conn: expiry.expiring(conn, KIM, days=days, now=now, limit=100))

    def warns(self, now: datetime) -> Mapping[str, Any]:
        with closing(LastingConnection(self.ledger.app_dsn, "test-expiry")) as source:
            return watch_expiry(source, WATCH, now)

    def available(self, item: str, now: datetime) -> list[AvailableRow]:
        asked = {"item": item, "now": now, "limit": 10}
        return self.ledger.as_app(lambda conn: allocation.availability(conn, KIM, **asked))

    def costs(self, item: str, cost: str) -> None:
        self.ledger.query(
            "INSERT INTO item_cost (item_id, site_id, valid_from, cost, currency) "
            "SELECT item_id, %s, '-infinity', %s, 'GBP' FROM item WHERE code = %s RETURNING 1",
            SITE,
            Decimal(cost),
            item,
        )

    def tickets(self, kind: str) -> list[Ticket]:
        open_ones = [TicketState.OPEN, TicketState.ACKNOWLEDGED]
        return self.ledger.as_app(
            lambda conn: alerts.tickets(conn, KIM, kind=kind, states=open_ones, limit=100)
        )

    def conditions(self) -> dict[tuple[str, str, str | None, str | None], Decimal]:
        """Give what lies at real places, by place, item, lot and condition."""
        rows = self.ledger.query(
            "SELECT l.code, i.code, c.lot, c.disposition, b.quantity "
            "FROM balance b JOIN cell c USING (cell_id) JOIN location l USING (location_id) "
            "JOIN item i USING (item_id) "
            "WHERE l.kind <> 'virtual' AND b.quantity <> 0"
        )
        return {tuple(names): quantity for *names, quantity in rows}

    def dates(self, item: str, lot: str, on: Any) -> None:
        self.ledger.as_app(lambda conn: terms.put_lot(conn, NET, item=item, lot=lot, expires_on=on))


def goes(
    item: str,
    quantity: int | str,
    source: str,
    destination: str,
    lot: str | tuple[str | None, str | None] | None = None,
    *,
    under: str | None = None,
    minute: float = 0,
    **more: Any,
) -> Movement:
    """State a movement of an item; places of 18 digits are units, ``under`` names a document's line."""
    lots = lot if isinstance(lot, tuple) else (lot, lot)
    papers = () if under is None else (_line(under),)
    return move(
        str(quantity),
        _side(source, lots[0], more.pop("disposition", None)),
        _side(destination, lots[1], more.pop("into", None)),
        identifier=Identifier(scheme="gtin", value=GTINS[item]),
        minute=minute,
        documents=papers,
        **more,
    )


def stands(unit: str, place: str, minute: float = 0) -> UnitPosition:
    placed = {"seq": 1, "occurred_at_claimed": at(minute), "mono_ns": 0, "boot_id": "b", "clock_ok": True}
    return UnitPosition.model_validate(placed | {"unit": unit, "location": place})


def _item(code: str) -> dict[str, Any]:
    return {"code": code, "levels": [{"gtin": GTINS[code], "base_units": 1}]}


def _line(under: str) -> DocumentRef:
    kind, name = under.split("/")
    return DocumentRef(type=kind, id=name, line="1")


def _side(place: str, lot: str | None, disposition: str | None) -> Side:
    named = {"unit": place} if place.isdigit() else {"location": place}
    return Side.model_validate(named | {"lot": lot, "disposition": disposition})


@contextmanager
def open_floor(database: object, *items: str, **options: Any) -> Iterator[Floor]:
    """Open a ledger that knows items."""
    with open_ledger(database, **options) as ledger:
        papers = ImportPaper.model_validate({"items": [_item(code) for code in items]})
        ledger.as_app(lambda conn: documents.import_all(conn, NET, papers, now=at(0)))
        yield Floor(ledger)
