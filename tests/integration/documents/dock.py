"""What arrives at a dock and what people confirm: short names for tests."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg

from cloud.db import LastingConnection, in_transaction
from cloud.documents import service, visits
from cloud.documents.domain import VisitRow
from cloud.documents.import_file import ImportPaper
from cloud.documents.papers import DocumentPaper, VisitPaper
from cloud.documents.service import Imported
from cloud.documents.visits import Confirmed, VisitStory
from cloud.identity.actor import Actor, Role
from cloud.ledger.verification.service import verify
from cloud.sheets.fields import has_check_digit
from contracts.offline import Assignment
from contracts.records import RowRef, UnitPosition
from tests.integration.crossings.doors import CASE, EPC, PALLET, Doors, carried, passage, stood
from tests.integration.ledger.scenario import LATER, SITE, Ledger, at, open_ledger

EACH = "00614141123452"
CASES = CASE
"""GTIN of a case of 24."""
SECOND = "106141412345678915"
"""Another pallet."""
OTHER_SITE = "york"
KEEPER = Actor("user:kim", frozenset({Role.SUPERVISOR}), frozenset({SITE}))
NETWORK = Actor("user:net", frozenset({Role.INVENTORY_CONTROLLER}), all_sites=True)
ITEM = {"code": "TEA", "levels": [{"gtin": EACH, "base_units": 1}, {"gtin": CASES, "base_units": 24}]}
PORTALS = [
    {
        "site": SITE,
        "portal": door,
        "gateway": "gw-1",
        "inside_location": "STAGE-1",
        "outside_location": f"@clearing/{door}",
    }
    for door in ("dock-1", "dock-2")
]


def sscc(number: int) -> str:
    """Give an SSCC with its check digit."""
    digits = f"10614141{number:09d}"
    return digits + next(check for check in "0123456789" if has_check_digit(digits + check))


def line(
    number: int, quantity: int, *, unit: str | None = None, seen: str = CASES, **more: Any
) -> dict[str, Any]:
    """Declare cases, in a unit or loose."""
    return {
        "line": str(number),
        "identifier": {"scheme": "gtin", "value": CASES},
        "quantity": str(quantity),
        "unit_seen": seen,
        "units": [unit] if unit else [],
        **more,
    }


def paper(*lines: Mapping[str, Any], name: str = "ASN-1", kind: str = "asn", **more: Any) -> DocumentPaper:
    """Write a document."""
    return DocumentPaper.model_validate({"site": SITE, "type": kind, "id": name, "lines": lines} | more)


@dataclass
class Dock:
    """A site with two doors of one gateway."""

    ledger: Ledger
    doors: Doors

    def register(self, document: DocumentPaper, *, actor: Actor = KEEPER) -> bool:
        return self.ledger.as_app(lambda conn: service.register_document(conn, actor, document))

    def expect(
        self, visit: str = "V-1", *names: str, actor: Actor = KEEPER, minute: int = 30, **more: Any
    ) -> bool:
        """Open a visit for documents."""
        direction = more.get("direction", "inbound")
        kind = "asn" if direction == "inbound" else "outbound_order"
        stated = {
            "site": SITE,
            "visit": visit,
            "door": "dock-1",
            "direction": direction,
            "from_at": at(0),
            "to_at": at(120),
            "documents": [{"type": kind, "id": name} for name in names],
        }
        wanted = VisitPaper.model_validate(stated | more)
        return self.ledger.as_app(lambda conn: service.register_visit(conn, actor, wanted, now=at(minute)))

    def imports(self, papers: Mapping[str, Any] | ImportPaper, *, actor: Actor = NETWORK) -> Imported:
        checked = papers if isinstance(papers, ImportPaper) else ImportPaper.model_validate(papers)
        return self.ledger.as_app(lambda conn: service.import_all(conn, actor, checked, now=at(-60)))

    def crosses(
        self, unit: str = PALLET, *, minute: float = 5, direction: str = "in", visit: str | None = "V-1"
    ) -> list[RowRef]:
        """Let a pallet pass a door, as the edge states it."""
        outside = f"@clearing/{visit}" if visit else "@clearing/dock-1"
        inside, places = "STAGE-1", (outside, "STAGE-1")
        source, destination = places if direction == "in" else places[::-1]
        names = {"unit": unit, "epc": f"urn:epc:id:sscc:{unit}", "evidence_id": f"{unit}-{minute}"}
        seen = {
            "direction": direction,
            "inside_location": inside,
            "outside_location": outside,
            "visit": visit,
        }
        placed = stood(destination, minute=minute, source=source, evidence_id=f"{unit}-{minute}")
        return self.doors.send(
            passage("posted", minute=minute, **seen, **names),
            UnitPosition.model_validate(placed.model_dump() | {"unit": unit}),
        )

    def stands(self, unit: str, place: str, *, minute: float) -> None:
        """Let somebody put a pallet away."""
        placed = stood(place, minute=minute)
        self.doors.send(UnitPosition.model_validate(placed.model_dump() | {"unit": unit}))

    def case_crosses(
        self, number: int, *, minute: float = 5, visit: str = "V-1", direction: str = "in"
    ) -> None:
        """Let a loose case pass a door."""
        epc = EPC.removesuffix("17") + str(number)
        places = (f"@clearing/{visit}", "STAGE-1")
        source, destination = places if direction == "in" else places[::-1]
        evidence = f"case-{number}"
        identifier = {"scheme": "sgtin", "value": epc}
        moved = carried(source, destination, minute=minute, evidence_id=evidence)
        seen = passage(
            "posted", minute=minute, loose=True, direction=direction, visit=visit, evidence_id=evidence
        )
        self.doors.send(
            seen.model_copy(update={"epc": epc, "outside_location": places[0]}),
            type(moved).model_validate(moved.model_dump() | {"epcs": (epc,), "identifier": identifier}),
        )

    def confirm(
        self, visit: str = "V-1", *units: str, actor: Actor = KEEPER, minute: float = 60
    ) -> Confirmed:
        return self.ledger.as_app(
            lambda conn: visits.confirm(
                conn, actor, site=SITE, visit=visit, confirmed_units=units, now=at(minute)
            )
        )

    def confirm_apart(self, visit: str) -> Confirmed:
        """Confirm on a connection of its own, as another process would."""
        with closing(LastingConnection(self.ledger.app_dsn, "test-apart")) as source:
            return in_transaction(
                source, lambda conn: visits.confirm(conn, KEEPER, site=SITE, visit=visit, now=at(60))
            )

    def close(self, visit: str = "V-1", *, actor: Actor = KEEPER, **reasons: str) -> VisitRow:
        named = {name.removeprefix("unit_"): reason for name, reason in reasons.items()}
        return self.ledger.as_app(
            lambda conn: visits.close(conn, actor, site=SITE, visit=visit, reasons=named, now=at(90))
        )

    def cancel(self, visit: str = "V-1", *, actor: Actor = KEEPER) -> VisitRow:
        return self.ledger.as_app(lambda conn: visits.cancel(conn, actor, site=SITE, visit=visit, now=at(90)))

    def story(self, visit: str = "V-1", *, actor: Actor = KEEPER) -> VisitStory:
        return self.ledger.as_app(lambda conn: visits.story(conn, actor, site=SITE, visit=visit))

    def remains(self, visit: str = "V-1") -> list[tuple[str, str, Decimal | None]]:
        return [(left.kind, left.name, left.quantity) for left in self.story(visit).remainders]

    def stock(self, place: str) -> Decimal:
        """Give the base units of a place: what lies there and what stands there in units."""

        def read(conn: psycopg.Connection) -> Decimal:
            (told,) = conn.execute(
                "SELECT coalesce(sum(s.quantity), 0) FROM location l, LATERAL stock_at("
                " NULL, ARRAY[l.location_id], %s, 9223372036854775807) s WHERE l.code = %s",
                (LATER, place),
            ).fetchone()
            return told

        return self.ledger.as_app(read)

    def assignments(self, gateway: str = "gw-1") -> list[Assignment]:
        found = self.ledger.query(
            "SELECT m.payload::text FROM gateway_message m JOIN gateway g USING (gateway_id)"
            " WHERE m.channel = 'assignment' AND g.name = %s ORDER BY m.message_id",
            gateway,
        )
        return [Assignment.model_validate_json(payload) for (payload,) in found]

    def count(self, table: str) -> int:
        return self.ledger.query(f"SELECT count(*) FROM {table}")[0][0]

    def is_clean(self) -> bool:
        return self.ledger.as_owner(verify).is_clean


@contextmanager
def open_dock(database: object) -> Iterator[Dock]:
    """Open a ledger with items and doors."""
    with open_ledger(database, sites=(SITE, OTHER_SITE)) as ledger:
        dock = Dock(ledger, Doors(ledger))
        dock.imports({"items": [ITEM], "portals": PORTALS})
        yield dock
