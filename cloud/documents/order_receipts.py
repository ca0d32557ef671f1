"""Receiving against one purchase order: a delivery whose lines are all the order's."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from cloud.db import Connection
from cloud.documents import store
from cloud.documents.domain import DocumentError, FaultyDocumentError
from cloud.documents.order_papers import OrderStory, ReceiptPaper, ReceiptRow, Received
from cloud.documents.orders import locked, order
from cloud.documents.receiving import service
from cloud.documents.receiving.papers import DeliveryLine, DeliveryPaper, OfLine
from cloud.faults import NO_GAPS, Fault, Gaps
from cloud.identity.actor import Actor
from cloud.master.domain import BASE_UNIT
from contracts.base import SiteId

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
        UnknownDocumentError: If there is no such order.
        ConflictingDocumentError: If it is not sent.
        FaultyDocumentError: Naming every fault of every line: one that the order has not, a place that is
            unknown, a lot that is missing; and that it came before it was sent or after now.
        AlreadyClaimedError: If there is a receipt of that number.
    """
    actor.require(*service.RECEIVERS, site=site)
    found = locked(conn, actor, site, name, only="sent")
    delivery = _delivery(conn, paper, site, name, now)
    if too_early := _faults_of_time(paper, found, now):
        faults = [*too_early, *map(_of_order, service.check(conn, actor, delivery, now=now))]
        raise FaultyDocumentError(f"receipt {paper.receipt!r}", faults)
    try:
        done = service.receive(conn, actor, delivery, now=now)
    except FaultyDocumentError as error:
        faults = [_of_order(fault) for fault in error.faults]
        raise FaultyDocumentError(f"receipt {paper.receipt!r}", faults) from error
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
            delivery.occurred_at or now,
            actor.id,
        )
        for each in done.lines
    )
    return Received(site, name, paper.receipt, done.position or 0, rows)


def check_receipt(
    conn: Connection,
    actor: Actor,
    paper: ReceiptPaper,
    *,
    site: str,
    name: str,
    now: datetime,
    gaps: Gaps = NO_GAPS,
) -> list[Fault]:
    """Say what is wrong with a delivery against an order, without receiving it.

    Args:
        conn: In a transaction that is not committed.
        actor: An operator, supervisor or inventory controller of the site.
        paper: What came.
        site: Site id.
        name: The order's id.
        now: The present.
        gaps: What of it could not be read; it may stand empty, except the lines.

    Returns:
        Every fault; none: it can be received, if the order is sent.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is no such order.
    """
    actor.require(*service.RECEIVERS, site=site)
    found = order(conn, actor, site=site, name=name)
    delivery = _delivery(conn, paper, site, name, now)
    lines = {index: unread | {"of"} if "line" in unread else unread for index, unread in gaps.lines.items()}
    of_delivery = service.check(conn, actor, delivery, now=now, gaps=Gaps(gaps.whole, lines))
    return [*_faults_of_time(paper, found, now), *map(_of_order, of_delivery)]


def _delivery(conn: Connection, paper: ReceiptPaper, site: str, name: str, now: datetime) -> DeliveryPaper:
    """Say it as a delivery, whose lines are all the order's; what could not be read stands empty."""
    lines = tuple(
        DeliveryLine.model_construct(
            line=line.line,
            of=OfLine.model_construct(type="purchase_order", id=name, line=line.line),
            received=line.received or Decimal(0),
            damaged=line.damaged,
            unit_seen=BASE_UNIT,
            lot=line.lot,
            owner=line.owner,
        )
        for line in paper.lines
    )
    return DeliveryPaper.model_construct(
        site=SiteId(site),
        receipt=_number(conn, site, name, paper.receipt),
        delivery_note=paper.receipt,
        location=paper.location,
        occurred_at=paper.occurred_at or now,
        lines=lines,
    )


def _of_order(fault: Fault) -> Fault:
    """Say where a fault of the delivery stands in the receipt, which names the order's lines alone."""
    return replace(fault, field="line") if fault.field == "of" else fault


def _number(conn: Connection, site: str, name: str, note: str) -> str:
    """Number the receipt by its delivery note, with the order where another one has a note of that number."""
    others = store.tuples(conn, "receipts_of_others", site=site, id=note, order=name)
    number = f"{note}~{name}" if others else note
    if number and len(number) > _MOST_CHARACTERS:
        raise DocumentError(f"receipt {note!r} is there already for another order: expected a shorter number")
    return number


def _faults_of_time(paper: ReceiptPaper, found: OrderStory, now: datetime) -> list[Fault]:
    occurred_at, sent_at = paper.occurred_at or now, found.order.sent_at or now
    if occurred_at >= sent_at:
        return []
    message = (
        f"occurred_at {occurred_at.isoformat()}: expected from {sent_at.isoformat()}, "
        "when the order was sent, to now"
    )
    return [Fault(None, "occurred_at", occurred_at.isoformat(), message)]
