"""A dock whose handhelds receive more than is tolerated: short names for tests."""

from collections.abc import Mapping
from contextlib import closing
from decimal import Decimal
from typing import Any

from cloud.alerts import service as alerts
from cloud.alerts.domain import TicketState
from cloud.db import Connection, LastingConnection
from cloud.documents.judging import service as judging
from cloud.documents.judging.papers import JudgementPaper
from cloud.documents.receiving.holding import JOB, hold_scanned
from cloud.documents.receiving.papers import DeliveryPaper
from cloud.documents.receiving.rules import RulePaper, put_rule
from cloud.documents.receiving.scanned import scanned
from cloud.documents.receiving.service import receive
from cloud.identity.actor import Actor, Role
from cloud.ledger.corrections import post_reversal
from contracts.records import Movement, RowRef, Side
from tests.integration.documents.dock import (
    EACH,
    KEEPER,
    NETWORK,
    Dock,
    line,
    paper,
)
from tests.integration.documents.test_scanned_receipts import scans
from tests.integration.ledger.scenario import SITE, Outbox, at, move

STRANGE = "05012345678900"
"""An item that no paper names."""
PLANNER = Actor("user:pat", frozenset({Role.SUPERVISOR, Role.PLANNER}), all_sites=True)


class Held:
    """A dock whose handhelds receive under ASN-1, ten pieces of tea, of which none too many is tolerated."""

    def __init__(self, dock: Dock) -> None:
        self.dock, self.others = dock, Outbox("gw-2")
        self.followed = 0
        """Places whose waiting goods the job let follow in its last run."""
        dock.register(paper(line(1, 10, seen="base")))
        self.tolerates(0)

    def tolerates(self, percent: int) -> None:
        rule = RulePaper(site=SITE, over_percent=Decimal(percent))
        self.dock.ledger.as_app(lambda conn: put_rule(conn, KEEPER, rule))

    def inspects(self, *, yes: bool = True, **names: str) -> None:
        rule = RulePaper(site=SITE, inspects=yes, **names)
        self.dock.ledger.as_app(lambda conn: put_rule(conn, KEEPER, rule))

    def complete(self, minute: float) -> None:
        """Let the other gateway say that it has told everything until then."""
        moved = move("1", "@supplier", "Z-09", item="05000000000005", minute=minute)
        self.dock.ledger.post(self.others.seal([moved]))

    def scan(self, minute: int, quantity: int, lot: str = "", **more: Any) -> RowRef:
        """Receive with a handheld, out of its workflow engine."""
        gtin, into = more.pop("gtin", EACH), more.pop("into", None)
        outbox = more.pop("outbox", None)
        found = [
            each for each in scans(minute, quantity, lot, gtin=gtin, **more) if isinstance(each, Movement)
        ]
        if into:
            found = [each.model_copy(update={"destination": Side(unit=into)}) for each in found]
        if outbox:
            self.dock.ledger.post(outbox.seal(found))
            return RowRef(gateway=outbox.gateway, epoch=outbox.epoch, seq=outbox.seq)
        return self.dock.doors.send(*found)[-1]

    def holds(self, minute: float = 200) -> Mapping[str, Any]:
        """Run the job, on a connection of its own."""
        with closing(LastingConnection(self.dock.ledger.app_dsn, "test-holds")) as source:
            told = hold_scanned(source, JOB, at(minute))
            self.followed = told["followed"]
            return {name: told[name] for name in ("looked", "held", "taken_back")}

    def stock(self, place: str = "STAGE-1") -> dict[tuple[str | None, str | None], int]:
        """Give what lies at a place by lot and condition."""
        rows = self.dock.ledger.query(
            "SELECT c.lot, c.disposition, sum(b.quantity) FROM balance b JOIN cell c USING (cell_id)"
            " JOIN location l USING (location_id) WHERE l.code = %s AND b.quantity <> 0 GROUP BY 1, 2",
            place,
        )
        return {(lot, condition): int(quantity) for lot, condition, quantity in rows}

    def waiting(self) -> list[tuple[str, str, int]]:
        rows = self.dock.ledger.as_app(lambda conn: judging.waiting(conn, KEEPER, site=SITE, limit=50))
        return [(row.receipt, row.line, int(row.quantity)) for row in rows]

    def told(self) -> list[tuple[int, int, int]]:
        """What the page tells of each scan: beyond, on hold, missed."""
        rows = self.dock.ledger.as_app(lambda conn: scanned(conn, KEEPER, site=SITE, name="ASN-1"))
        return [(int(each.beyond), int(each.row.on_hold), int(each.row.missed)) for each in rows]

    def tickets(self, kind: str = "received_beyond") -> list[str]:
        states = [TicketState.OPEN, TicketState.ACKNOWLEDGED]
        asked = {"kind": kind, "states": states, "limit": 50}
        return [
            each.summary
            for each in self.dock.ledger.as_app(lambda conn: alerts.tickets(conn, KEEPER, **asked))
        ]

    def judges(self, quantity: int, verdict: str, within: Connection | None = None, **more: Any) -> None:
        """Decide, in a transaction of its own or in one that is open."""
        (receipt, named, _), *_ = self.waiting()
        stated = {"site": SITE, "receipt": receipt, "line": named, "waits_as": "hold", "verdict": verdict}
        paper = JudgementPaper.model_validate(
            stated | {"quantity": quantity, "reason": "accepted_over"} | more
        )
        if within is not None:
            judging.judge(within, KEEPER, paper, now=at(300))
        else:
            self.dock.ledger.as_app(lambda conn: judging.judge(conn, KEEPER, paper, now=at(300)))

    def receives(self, receipt: str, quantity: int) -> None:
        """Receive on paper."""
        of = {"type": "asn", "id": "ASN-1", "line": "1"}
        stated = {"line": "1", "of": of, "received": str(quantity), "unit_seen": "base"}
        told = {"site": SITE, "receipt": receipt, "location": "STAGE-1", "lines": [stated]}
        delivery = DeliveryPaper.model_validate(told)
        self.dock.ledger.as_app(lambda conn: receive(conn, KEEPER, delivery, now=at(250)))

    def take_back(self, ref: RowRef) -> None:
        self.dock.ledger.as_app(lambda conn: post_reversal(conn, NETWORK, ref, reason="misread"))
