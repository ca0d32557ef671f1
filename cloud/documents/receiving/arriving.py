"""What of a vehicle's pallets is inspected, or was sent back, waits under a receipt of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from cloud.db import Connection
from cloud.documents.domain import Line, VisitRow
from cloud.documents.lines import LineNow
from cloud.documents.own_papers import fresh_names, numbered
from cloud.documents.receiving import store
from cloud.documents.receiving.domain import NOTHING, ORIGIN_OF, Condition, Origin, rule_for
from cloud.documents.receiving.life import days_left
from cloud.documents.receiving.posting import RECEIPT_CLAIM
from cloud.documents.receiving.service import rules_of
from cloud.documents.still_open import moving
from cloud.identity.actor import Actor
from cloud.ledger.domain import Claim
from contracts.records import DocumentRef


@dataclass(frozen=True, slots=True)
class Inspected:
    """Lines of units that wait until somebody has inspected, or graded, them."""

    visit: VisitRow
    receipt: str
    origin: Origin
    partner: str | None
    """From whom they come."""
    lines: tuple[tuple[Line, LineNow], ...]
    days_left: tuple[int | None, ...]
    """Of each, until its lot expires, where that is less than its item asks for."""

    @property
    def refs(self) -> Mapping[Line, DocumentRef]:
        """By a document's line, the receipt's line under which its goods wait."""
        return numbered("receipt", self.receipt, (line for line, _ in self.lines))

    @property
    def claim(self) -> Claim:
        """What may happen once."""
        return Claim(RECEIPT_CLAIM, f"{self.visit.site}/{self.receipt}")


def to_inspect(
    conn: Connection,
    visit: VisitRow,
    due: Sequence[Line],
    now_of: Mapping[tuple[str, str, str], LineNow],
    *,
    at: datetime,
) -> list[Inspected]:
    """Find what of a visit's goods is inspected, by a rule or for its short life, as if received on paper.

    Args:
        conn: In a transaction that shows the site.
        visit: Inbound or not.
        due: Lines that change hands.
        now_of: By type, id and line, how each stands.
        at: When they are received.

    Returns:
        Those in units, and all that customers send back, by whom they come from, each under a receipt of its
        own; loose goods cross their door before or after, as sellable ones.
    """
    if not visit.is_inbound:
        return []
    rules = rules_of(conn, visit.site)
    arriving = [(line, now_of[line.type, line.id, line.line]) for line in due if line.unit]
    bought = [
        (now.item_id if ORIGIN_OF[line.type] is Origin.SUPPLIER else None, line.lot) for line, now in arriving
    ]
    left = days_left(conn, visit.site, bought, at=at)
    found = [
        ((ORIGIN_OF[line.type], now.partner), (line, now), days)
        for (line, now), days in zip(arriving, left, strict=True)
        if now.item
        and now.ordered
        and (
            ORIGIN_OF[line.type] is Origin.CUSTOMER
            or days is not None
            or rule_for(rules, now.partner, now.item).inspects
        )
    ]
    givers = dict.fromkeys(giver for giver, _, _ in found)
    named = partial(store.tuples, conn, "receipt_is_there", site=visit.site)
    names = fresh_names(visit.visit, "received", lambda name: bool(named(id=name)))
    return [
        Inspected(
            visit,
            next(names),
            *giver,
            tuple(each for of, each, _ in found if of == giver),
            tuple(days for of, _, days in found if of == giver),
        )
        for giver in givers
    ]


def keep_inspected(
    conn: Connection,
    actor: Actor,
    inspected: Inspected,
    places: Mapping[str, str],
    *,
    occurred_at: datetime,
    posting_id: int,
) -> None:
    """Keep under which receipt it waits.

    Args:
        conn: In a transaction that the caller commits.
        actor: Who confirmed it.
        inspected: What.
        places: By unit where it stands; what is not known stands before the door.
        occurred_at: When it was confirmed.
        posting_id: What posted it.
    """
    visit, lines = inspected.visit, [line for line, _ in inspected.lines]
    stands = [places.get(f"{line.unit}", visit.clearing_account) for line in lines]
    open_before, none = [now.open_quantity for _, now in inspected.lines], [None] * len(lines)
    came = [moving(line, now) for line, now in inspected.lines]
    nothing = [NOTHING] * len(lines)
    is_return = inspected.origin is Origin.CUSTOMER
    condition = Condition.RETURNED if is_return else Condition.INSPECTION
    name = {"site": visit.site, "id": inspected.receipt}
    store.change(
        conn,
        "add_receipt",
        **name,
        actor=actor.id,
        origin=inspected.origin.value,
        partner=inspected.partner,
        delivery_note=None,
        visit=visit.visit,
        location=stands[0],
        is_blind=False,
        occurred_at=occurred_at,
        posting_id=posting_id,
    )
    store.change(
        conn,
        "add_receipt_lines",
        **name,
        lines=[f"{nth}" for nth in range(1, len(lines) + 1)],
        of_types=[line.type for line in lines],
        of_ids=[line.id for line in lines],
        of_lines=[line.line for line in lines],
        item_ids=[now.item_id for _, now in inspected.lines],
        schemes=[line.identifier_scheme for line in lines],
        identifiers=[line.identifier for line in lines],
        units_seen=[line.unit_seen for line in lines],
        declared=[now.ordered for _, now in inspected.lines],
        open_before=open_before,
        received=came,
        damaged=nothing,
        rejected=nothing,
        held=nothing,
        over=nothing,
        short=nothing,
        conditions=[condition.value] * len(lines),
        unexpected=[False] * len(lines),
        **dict.fromkeys(("expected", "reasons", "owners"), none),
        lots=[line.lot for line in lines],
        units=[line.unit for line in lines],
        locations=stands,
        days_left=list(inspected.days_left),
    )
