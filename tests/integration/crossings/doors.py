"""What a door's gateway states of a passage, and how people answer: short names for tests."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg

from cloud.crossings import reading, service
from cloud.crossings.domain import Answer
from cloud.crossings.reading import Card, Story
from cloud.crossings.service import Answered
from cloud.identity.actor import Actor, Role
from cloud.ledger.verification.service import verify
from contracts.base import EpochId, GatewayId
from contracts.records import Crossing, Movement, RowRef, UnitPosition
from contracts.vocabulary import clearing_account
from tests.integration.ledger.scenario import SITE, Ledger, Outbox, at, move

EPOCH = EpochId("00000000000000aa")
PALLET = "106141412345678908"
CASE = "30614141123453"
EPC = "urn:epc:id:sgtin:0614141.312345.17"
OUTSIDE, INSIDE = "@clearing/dock-1", "STAGE-1"
OPERATOR = Actor("user:olga", frozenset({Role.OPERATOR}), frozenset({SITE}))
SUPERVISOR = Actor("user:sam", frozenset({Role.SUPERVISOR}), frozenset({SITE}))
AUDITOR = Actor("user:aud", frozenset({Role.AUDITOR}), frozenset({SITE}))
STRANGER = Actor("user:far", frozenset({Role.SUPERVISOR}), frozenset({"york"}))


def picture(seconds: float = 2.0, points: int = 24) -> list[tuple[int, int, float]]:
    """Draw a passage: the outer antenna sees it first, the inner one last."""
    return [
        (
            round(1000 * seconds * n / points),
            0 if n < points / 2 else 1,
            round(-70 + 22 * (1 - abs(2 * n / points - 1)), 1),
        )
        for n in range(points)
    ]


def passage(
    posted: str = "held", *, minute: float = 0, seq: int = 1, direction: str = "undecided", **fields: Any
) -> Crossing:
    """State a crossing of a pallet, or of a loose case with ``loose=True``."""
    loose = fields.pop("loose", False)
    names = (
        {"epc": EPC, "identifier": {"scheme": "sgtin", "value": EPC}, "unit_seen": CASE}
        if loose
        else {"epc": f"urn:epc:id:sscc:{PALLET}", "unit": PALLET}
    )
    return Crossing.model_validate(
        {
            "seq": seq,
            "occurred_at_claimed": at(minute),
            "mono_ns": 0,
            "boot_id": "b",
            "clock_ok": True,
            "portal": "dock-1",
            "read_point": "dock-1",
            "device": "r1",
            "direction": direction,
            "first_seen_at": at(minute) - timedelta(seconds=1),
            "reads": 24,
            "posted": posted,
            "confidence": 0.72,
            "evidence_id": f"e-{minute}",
            "inside_location": INSIDE,
            "outside_location": OUTSIDE,
            "antennas": ["r1:3", "r1:1"],
            "trace": picture(),
            **names,
            **({"because": "low_confidence"} if posted == "held" else {}),
            **fields,
        }
    )


def stood(location: str, *, minute: float, source: str | None = None, **fields: Any) -> UnitPosition:
    """State where the pallet stands."""
    return UnitPosition.model_validate(
        {
            "seq": 1,
            "occurred_at_claimed": at(minute),
            "mono_ns": 0,
            "boot_id": "b",
            "clock_ok": True,
            "unit": PALLET,
            "location": location,
            "from_location": source,
            **fields,
        }
    )


def carried(source: str, destination: str, *, minute: float, **fields: Any) -> Movement:
    """State that the loose case moved."""
    identifier = {"scheme": "sgtin", "value": EPC}
    return move(
        "1", source, destination, minute=minute, identifier=identifier, unit_seen=CASE, epcs=(EPC,), **fields
    )


@dataclass
class Doors:
    """A ledger with a gateway at its doors."""

    ledger: Ledger
    outbox: Outbox = field(default_factory=Outbox)

    def send(self, *records: Any) -> list[RowRef]:
        """Post a batch; gives each row's identity."""
        first = self.outbox.seq
        self.ledger.post(self.outbox.seal(records))
        return [
            RowRef(gateway=GatewayId("gw-1"), epoch=EPOCH, seq=first + n)
            for n, _ in enumerate(records, start=1)
        ]

    def open_visit(self, visit: str, direction: str = "inbound") -> None:
        """Let a vehicle stand at the door."""

        def add(conn: psycopg.Connection) -> None:
            conn.execute(
                "INSERT INTO portal (site_id, portal, gateway_id, inside_location, outside_location)"
                " SELECT %s, 'dock-1', gateway_id, %s, %s FROM gateway WHERE name = 'gw-1'"
                " ON CONFLICT DO NOTHING",
                (SITE, INSIDE, OUTSIDE),
            )
            conn.execute(
                "INSERT INTO visit (site_id, visit, door, direction, from_at, clearing_account, created_by)"
                " VALUES (%s, %s, 'dock-1', %s, %s, %s, 'test')",
                (SITE, visit, direction, at(-60), clearing_account(visit)),
            )

        self.ledger.as_owner(add)

    def answer(
        self, ref: RowRef, said: str, *, actor: Actor = OPERATOR, visit: str | None = None
    ) -> Answered:
        return self.ledger.as_app(
            lambda conn: service.answer(conn, actor, ref, answer=Answer(said), visit=visit)
        )

    def take_back(self, ref: RowRef, *, actor: Actor = SUPERVISOR) -> Answered:
        return self.ledger.as_app(lambda conn: service.take_back(conn, actor, ref))

    def cards(self, actor: Actor = AUDITOR) -> list[Card]:
        return self.ledger.as_app(lambda conn: reading.open_cards(conn, actor, limit=100))

    def story(self, ref: RowRef, actor: Actor = AUDITOR) -> Story:
        story = self.ledger.as_app(lambda conn: reading.crossing(conn, actor, ref))
        assert story is not None
        return story

    def stands(self) -> str | None:
        """Give where the pallet stands now."""
        found = self.ledger.query(
            "SELECT l.code FROM units_at('infinity', 9223372036854775807) JOIN location l USING (location_id)"
        )
        return found[0][0] if found else None

    def unit_as_read(self) -> str | None:
        """Give where the API says that the pallet stands."""

        def read(conn: psycopg.Connection) -> list[tuple[str | None]]:
            conn.execute("SELECT set_config('dockledger.sites', '*', true)")
            return conn.execute("SELECT location FROM read_units(NULL, NULL, '', 10)").fetchall()

        found = self.ledger.as_app(read)
        return found[0][0] if found else None

    def is_clean(self) -> bool:
        return self.ledger.as_owner(verify).is_clean
