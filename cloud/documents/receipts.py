"""Receiving against a purchase order: what came moves from the supplier's account into stock, once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from cloud.db import Connection
from cloud.documents import store
from cloud.documents.domain import KEEPERS, DocumentError, UnknownDocumentError
from cloud.documents.order_papers import (
    OrderLineRow,
    OrderStory,
    ReceiptLinePaper,
    ReceiptPaper,
    ReceiptRow,
    Received,
)
from cloud.documents.orders import locked
from cloud.identity.actor import Actor
from cloud.ledger.domain import Claim, CloudStatement, EffectiveRow, PostingKind
from cloud.ledger.posting import Posting
from contracts.base import SiteId
from contracts.occurrence import OLDEST_BELIEVABLE, TimeBasis
from contracts.records import DocumentRef, Identifier, Movement, Side
from contracts.vocabulary import BizStep, Disposition, VirtualLocation

RECEIPT_CLAIM: Final = "purchase_receipt"
"""A delivery note is received once."""
_CLOCKS_DIFFER: Final = timedelta(minutes=2)


def receive(
    conn: Connection, actor: Actor, paper: ReceiptPaper, *, site: str, name: str, now: datetime
) -> Received:
    """Receive a delivery in one posting; over, short and damaged quantities are kept as they came.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A supervisor or inventory controller of the site.
        paper: What came.
        site: Site id.
        name: The order's id.
        now: The present.

    Returns:
        What was posted.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is no such order or line.
        ConflictingDocumentError: If it is not sent.
        DocumentError: If the place is unknown, a lot is missing, or it came before it was sent or after now.
        AlreadyClaimedError: If that delivery note was received before.
    """
    actor.require(*KEEPERS, site=site)
    found = locked(conn, actor, site, name, only="sent")
    occurred_at = _instant(paper, found, now)
    if not store.tuples(conn, "place_exists", site=site, location=paper.location):
        raise DocumentError(
            f"receipt {paper.receipt!r}: there is no place {paper.location!r} at site {site!r}"
        )
    lines = {line.line: line for line in found.lines}
    stamp = _Stamp(site, name, paper.receipt, paper.location, occurred_at, actor.id)
    told = [_told(lines, line, stamp) for line in paper.lines]
    posting = Posting(conn, actor, PostingKind.STATEMENT)
    posting.claim([Claim(RECEIPT_CLAIM, f"{site}/{name}/{paper.receipt}")])
    made = [
        statement for line in paper.lines for statement in _statements(lines[line.line].item, line, stamp)
    ]
    posting.write(statements=made)
    store.change(
        conn,
        "add_order_receipt",
        site=site,
        id=name,
        receipt=paper.receipt,
        location=paper.location,
        occurred_at=occurred_at,
        posting_id=posting.posting_id,
        actor=actor.id,
        lines=[row.line for row in told],
        open_before=[row.open_before for row in told],
        received=[row.received for row in told],
        damaged=[row.damaged for row in told],
        over=[row.over for row in told],
        short=[row.short for row in told],
    )
    detail = {"receipt": paper.receipt, "lines": len(told), "location": paper.location}
    posting.audit("purchase_order_received", f"purchase_order:{name}", site, detail)
    return Received(site, name, paper.receipt, posting.close().position, tuple(told))


def _instant(paper: ReceiptPaper, found: OrderStory, now: datetime) -> datetime:
    occurred_at = paper.occurred_at or now
    earliest = max(now - OLDEST_BELIEVABLE, found.order.sent_at or now)
    if not earliest <= occurred_at <= now + _CLOCKS_DIFFER:
        raise DocumentError(
            f"receipt {paper.receipt!r}: occurred_at {occurred_at.isoformat()}: expected from "
            f"{earliest.isoformat()}, when the order was sent, to now"
        )
    return min(occurred_at, now)


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What all lines of a receipt share."""

    site: str
    order: str
    receipt: str
    location: str
    occurred_at: datetime
    actor: str


def _told(lines: dict[str, OrderLineRow], line: ReceiptLinePaper, stamp: _Stamp) -> ReceiptRow:
    row = lines.get(line.line)
    if row is None:
        known = ", ".join(sorted(lines)[:20])
        raise UnknownDocumentError(
            f"purchase order {stamp.order!r} has no line {line.line!r}: expected one of {known}"
        )
    if row.is_lot_controlled and line.lot is None:
        raise DocumentError(
            f"receipt {stamp.receipt!r}, line {line.line!r}: item {row.item!r} is kept by lot: say which"
        )
    came = line.received + line.damaged
    open_before = row.open_quantity
    return ReceiptRow(
        stamp.receipt,
        line.line,
        open_before,
        line.received,
        line.damaged,
        max(Decimal(0), came - open_before),
        max(Decimal(0), open_before - came),
        stamp.location,
        stamp.occurred_at,
        stamp.actor,
    )


def _statements(item: str, line: ReceiptLinePaper, stamp: _Stamp) -> list[CloudStatement]:
    """State a movement of what is sound, and one of what is damaged, each naming its line first."""
    place = {"location": stamp.location} | ({"lot": line.lot} if line.lot else {})
    made = []
    for quantity, condition in ((line.received, {}), (line.damaged, {"disposition": Disposition.DAMAGED})):
        if quantity == 0:
            continue
        movement = Movement.model_validate(
            {
                "seq": 1,
                "mono_ns": 0,
                "boot_id": "cloud",
                "clock_ok": True,
                "occurred_at_claimed": stamp.occurred_at,
                "actor": stamp.actor,
                "biz_step": BizStep.ACCEPTING,
                "documents": (
                    DocumentRef(type="purchase_order", id=stamp.order, line=line.line),
                    DocumentRef(type="receipt", id=stamp.receipt, line=line.line),
                ),
                "identifier": Identifier(scheme="sku", value=item),
                "quantity_seen": quantity,
                "unit_seen": "base",
                "reason": "damaged" if condition else None,
                "source": Side(location=VirtualLocation.SUPPLIER),
                "destination": Side.model_validate(place | condition),
            }
        )
        row = EffectiveRow(movement, stamp.occurred_at, TimeBasis.CLAIMED)
        made.append(CloudStatement(SiteId(stamp.site), row))
    return made
