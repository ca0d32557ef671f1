"""What a vehicle takes to another site has left under a shipment of its own (DOMAIN D4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from cloud.db import Connection
from cloud.documents.domain import Line, VisitRow
from cloud.documents.lines import LineNow
from cloud.documents.own_papers import fresh_names, numbered
from cloud.documents.shipping import store
from cloud.documents.shipping.service import SHIPMENT_CLAIM
from cloud.identity.actor import Actor
from cloud.ledger.domain import Claim
from contracts.records import DocumentRef


@dataclass(frozen=True, slots=True)
class Sent:
    """Lines of transfers to one site that leave with a vehicle."""

    visit: VisitRow
    shipment: str
    partner: str | None
    """The site they go to."""
    lines: tuple[tuple[Line, LineNow], ...]

    @property
    def refs(self) -> Mapping[Line, DocumentRef]:
        """By a document's line, the shipment's line with which its goods leave."""
        return numbered("shipment", self.shipment, (line for line, _ in self.lines))

    @property
    def claim(self) -> Claim:
        """What may happen once."""
        return Claim(SHIPMENT_CLAIM, f"{self.visit.site}/{self.shipment}")


def to_send(
    conn: Connection,
    visit: VisitRow,
    due: Sequence[Line],
    now_of: Mapping[tuple[str, str, str], LineNow],
) -> list[Sent]:
    """Find what of a visit's goods goes to other sites.

    Args:
        conn: In a transaction that shows the site.
        visit: Outbound or not.
        due: Lines that change hands, in base units.
        now_of: By type, id and line, how each stands.

    Returns:
        By the site they go to, each under a shipment of its own.
    """
    if visit.is_inbound:
        return []
    leaving = [(line, now_of[line.type, line.id, line.line]) for line in due if line.type == "transfer"]
    named = partial(store.tuples, conn, "shipment_is_there", site=visit.site)
    fresh = fresh_names(visit.visit, "departed", lambda name: bool(named(id=name)))
    return [
        Sent(visit, next(fresh), partner, tuple(each for each in leaving if each[1].partner == partner))
        for partner in dict.fromkeys(now.partner for _, now in leaving)
    ]


def keep_sent(conn: Connection, actor: Actor, sent: Sent, *, occurred_at: datetime, posting_id: int) -> None:
    """Keep with which shipment goods left, and that their transfers are on their way.

    Args:
        conn: In a transaction that the caller commits.
        actor: Who confirmed it.
        sent: What.
        occurred_at: When it was confirmed.
        posting_id: What posted it.
    """
    visit, lines = sent.visit, sent.lines
    name = {"site": visit.site, "id": sent.shipment}
    store.change(
        conn,
        "add_shipment",
        **name,
        destination="transfer",
        partner=sent.partner,
        carrier=None,
        visit=visit.visit,
        occurred_at=occurred_at,
        posting_id=posting_id,
        actor=actor.id,
    )
    store.change(
        conn,
        "add_shipment_lines",
        **name,
        lines=[f"{nth}" for nth in range(1, len(lines) + 1)],
        of_types=[line.type for line, _ in lines],
        of_ids=[line.id for line, _ in lines],
        of_lines=[line.line for line, _ in lines],
        item_ids=[now.item_id for _, now in lines],
        units_seen=[line.unit_seen for line, _ in lines],
        open_before=[now.open_quantity for _, now in lines],
        quantities=[line.quantity for line, _ in lines],
        lots=[line.lot for line, _ in lines],
        units=[line.unit for line, _ in lines],
        locations=[None if line.unit else visit.clearing_account for line, _ in lines],
        dispositions=[None] * len(lines),
    )
    ids = sorted({line.id for line, _ in lines})
    store.change(conn, "depart", site=visit.site, ids=ids, actor=actor.id, at=occurred_at, carrier=None)
