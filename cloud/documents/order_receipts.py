"""Receiving against one purchase order: a delivery whose lines are all the order's."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from cloud.db import Connection
from cloud.documents import store
from cloud.documents.domain import DocumentError, UnknownDocumentError
from cloud.documents.order_papers import OrderStory, ReceiptPaper, ReceiptRow, Received
from cloud.documents.orders import locked
from cloud.documents.receiving import service
from cloud.documents.receiving.papers import DeliveryPaper
from cloud.identity.actor import Actor

_MOST_CHARACTERS: Final = 128


def receive(
    conn: Connection, actor: Actor, paper: ReceiptPaper, *, site: str, name: str, now: datetime
) -> Received:
    """Receive a delivery in one posting; over, short and damaged quantities are kept as they came.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: An operator, supervisor or inventory controller of the site.
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
        AlreadyClaimedError: If there is a receipt of that number.
    """
    actor.require(*service.RECEIVERS, site=site)
    found = locked(conn, actor, site, name, only="sent")
    known = [line.line for line in found.lines]
    if unknown := [line.line for line in paper.lines if line.line not in set(known)]:
        raise UnknownDocumentError(
            f"purchase order {name!r} has no line {unknown[0]!r}: expected one of {', '.join(known[:20])}"
        )
    occurred_at = _after_it_was_sent(paper, found, now)
    stated = {
        "site": site,
        "receipt": _number(conn, site, name, paper.receipt),
        "delivery_note": paper.receipt,
        "location": paper.location,
        "occurred_at": occurred_at,
        "lines": [
            line.model_dump() | {"of": {"type": "purchase_order", "id": name, "line": line.line}}
            for line in paper.lines
        ],
    }
    done = service.receive(conn, actor, DeliveryPaper.model_validate(stated), now=now)
    rows = tuple(
        ReceiptRow(
            paper.receipt,
            each.line.paper.line,
            each.outcome.open_before or Decimal(0),
            each.line.received,
            each.line.damaged,
            each.outcome.over,
            each.outcome.short,
            paper.location,
            occurred_at,
            actor.id,
        )
        for each in done.lines
    )
    return Received(site, name, paper.receipt, done.position or 0, rows)


def _number(conn: Connection, site: str, name: str, note: str) -> str:
    """Number the receipt by its delivery note, with the order where another one has a note of that number."""
    others = store.tuples(conn, "receipts_of_others", site=site, id=note, order=name)
    number = f"{note}~{name}" if others else note
    if len(number) > _MOST_CHARACTERS:
        raise DocumentError(f"receipt {note!r} is there already for another order: expected a shorter number")
    return number


def _after_it_was_sent(paper: ReceiptPaper, found: OrderStory, now: datetime) -> datetime:
    occurred_at, sent_at = paper.occurred_at or now, found.order.sent_at or now
    if occurred_at < sent_at:
        raise DocumentError(
            f"receipt {paper.receipt!r}: occurred_at {occurred_at.isoformat()}: expected from "
            f"{sent_at.isoformat()}, when the order was sent, to now"
        )
    return occurred_at
