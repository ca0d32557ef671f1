"""Receiving: what came moves into stock once; what is too much or unknown is held (DOMAIN D4)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache, partial
from typing import Final

from cloud.db import Connection
from cloud.documents.domain import KEEPERS, DocumentError, FaultyDocumentError
from cloud.documents.lines import LineName, end_lines, lock_documents
from cloud.documents.movements import believable
from cloud.documents.receiving import store
from cloud.documents.receiving.checking import Checking, checked
from cloud.documents.receiving.domain import (
    ENDED_BY_RECEIPT,
    Asked,
    Origin,
    RuleRow,
    outcome,
    rule_for,
)
from cloud.documents.receiving.life import days_left
from cloud.documents.receiving.papers import DeliveryPaper
from cloud.documents.receiving.posting import Delivery, Judged, keep_delivery, post_delivery
from cloud.documents.units import issue, lacks_series
from cloud.faults import NO_GAPS, Fault, Gaps
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.identity.store import act_as
from cloud.ledger.closing import require_open, tell_late
from cloud.ledger.domain import AlreadyClaimedError
from cloud.ledger.posting import Posting
from cloud.ledger.store import audit

RECEIVERS: Final = (*KEEPERS, Role.OPERATOR)
"""Who may say what came."""


@dataclass(frozen=True, slots=True)
class Received:
    """A receipt that was taken in."""

    site: str
    id: str
    position: int | None
    """The posting's place in the ledger's order; None: all of it was rejected."""
    lines: tuple[Judged, ...]
    issued: tuple[str, ...]
    """SSCCs that were given out for it."""


def check(
    conn: Connection, actor: Actor, paper: DeliveryPaper, *, now: datetime, gaps: Gaps = NO_GAPS
) -> tuple[Fault, ...]:
    """Say what is wrong with a delivery, without receiving it.

    Args:
        conn: In a transaction.
        actor: Who may receive at the site.
        paper: The delivery.
        now: The present.
        gaps: What of it could not be read; it may stand empty, except the site and the lines.

    Returns:
        Every fault; none: it can be received.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*RECEIVERS, site=paper.site)
    act_as(conn, actor)
    faults = _faults(conn, actor, paper, checked(conn, paper, gaps=gaps), now)
    return (*_done_before(conn, paper), *faults)


def receive(conn: Connection, actor: Actor, paper: DeliveryPaper, *, now: datetime) -> Received:
    """Receive a delivery in one posting, whole or not at all.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: An operator, supervisor or inventory controller of the site.
        paper: What came.
        now: The present.

    Returns:
        What became of each line.

    Raises:
        NotAllowedError: If the actor may not, or not into a closed period.
        AlreadyClaimedError: If there is a receipt of that number, and nothing is wrong with its lines.
        FaultyDocumentError: Naming every fault of every line, and that there is a receipt of that number.
    """
    actor.require(*RECEIVERS, site=paper.site)
    act_as(conn, actor)
    names = {(line.of.type, line.of.id) for line in paper.lines if line.of}
    lock_documents(conn, paper.site, {*names, ("receipt", paper.receipt)})
    done = _done_before(conn, paper)
    found = checked(conn, paper)
    if found.faults or _faults_of_order(paper) or _faults_of_units(conn, paper):
        raise FaultyDocumentError(_name(paper), [*done, *_faults(conn, actor, paper, found, now)])
    if done:
        raise AlreadyClaimedError(f"{done[0]}")
    occurred_at = believable(paper.occurred_at, now, _name(paper))
    is_late = require_open(conn, actor, paper.site, occurred_at)
    judged, issued = _judged(conn, actor, paper, found, occurred_at)
    delivery = Delivery(paper, found, judged, occurred_at)
    ends, whole = _ended(paper, found, judged)
    posting = post_delivery(conn, actor, delivery, whole)
    keep_delivery(conn, actor, delivery, posting.posting_id if posting else None)
    for reason, shorts in ends.items():
        end_lines(conn, paper.site, shorts, reason=reason, actor=actor.id)
    if posting and is_late:
        tell_late(posting, paper.site, occurred_at, "receipt")
    position = _told(conn, actor, delivery, posting)
    return Received(paper.site, paper.receipt, position, tuple(judged), tuple(issued))


def rules_of(conn: Connection, site: str) -> list[RuleRow]:
    """Read a site's rules of receiving.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.

    Returns:
        The latest of each supplier and item.
    """
    return store.rows(conn, RuleRow, "rules", site=site)


def _faults(
    conn: Connection, actor: Actor, paper: DeliveryPaper, found: Checking, now: datetime
) -> list[Fault]:
    """Add to what is wrong with lines what is wrong with the whole."""
    faults = [*found.faults, *_faults_of_order(paper), *_faults_of_units(conn, paper)]
    try:
        require_open(conn, actor, paper.site, believable(paper.occurred_at, now, _name(paper)))
    except (DocumentError, NotAllowedError) as error:
        message = f"{error}".removeprefix(f"{_name(paper)}: ")
        faults.append(Fault(None, "occurred_at", paper.occurred_at, message))
    return faults


def _done_before(conn: Connection, paper: DeliveryPaper) -> list[Fault]:
    if not store.tuples(conn, "receipt_is_there", site=paper.site, id=paper.receipt):
        return []
    message = f"receipt {paper.site}/{paper.receipt} has been done before"
    return [Fault(None, "receipt", paper.receipt, message)]


def _faults_of_order(paper: DeliveryPaper) -> list[Fault]:
    if not paper.is_last or not any(line.of and line.of.type == "purchase_order" for line in paper.lines):
        return []
    return [Fault(None, "is_last", "true", "is_last: a purchase order is closed short by its buyer")]


def _faults_of_units(conn: Connection, paper: DeliveryPaper) -> list[Fault]:
    """Say that a site gives out no SSCCs, once, at the first line that wants one."""
    wanted = next((index for index, line in enumerate(paper.lines) if line.new_unit), None)
    reason = "" if wanted is None else lacks_series(conn, paper.site)
    return [Fault(wanted, "new_unit", paper.lines[wanted or 0].new_unit, reason)] if reason else []


def _name(paper: DeliveryPaper) -> str:
    return f"receipt {paper.receipt!r}"


def _judged(
    conn: Connection, actor: Actor, paper: DeliveryPaper, found: Checking, at: datetime
) -> tuple[list[Judged], list[str]]:
    goods = [(line.goods.item_id if line.goods else None, line.lot) for line in found.lines]
    is_of_supplier = found.origin is Origin.SUPPLIER
    left = days_left(conn, paper.site, goods, at=at) if is_of_supplier else [None] * len(goods)
    rules, tally = rules_of(conn, paper.site), dict[LineName, Decimal]()
    rule = cache(partial(rule_for, rules))
    labels = list(dict.fromkeys(line.new_unit for line in paper.lines if line.new_unit))
    issued = (
        issue(conn, site=paper.site, count=len(labels), receipt=paper.receipt, actor=actor.id)
        if labels
        else []
    )
    fresh = dict(zip(labels, issued, strict=True))
    judged = []
    for line, days in zip(found.lines, left, strict=True):
        asked = None
        if line.of is not None and line.of.ordered is not None:
            before = tally.get(line.of.name, line.of.moved)
            asked = Asked(line.of.ordered, before, line.of.is_ended)
            tally[line.of.name] = before + line.received + line.damaged
        supplier = (line.of.partner if line.of else None) or found.partner
        told = outcome(
            asked,
            rule(supplier, line.goods.item if line.goods else ""),
            origin=found.origin,
            received=line.received,
            damaged=line.damaged,
            is_blind=found.is_blind and line.goods is not None and not line.goods.is_provisional,
            is_short_lived=days is not None,
        )
        unit = fresh[line.paper.new_unit] if line.paper.new_unit else line.paper.unit
        judged.append(Judged(line, told, unit, days if line.received > told.held else None))
    return judged, issued


def _ended(
    paper: DeliveryPaper, found: Checking, judged: Iterable[Judged]
) -> tuple[dict[str, list[tuple[LineName, Decimal]]], list[LineName]]:
    """Say which lines end short and why, and which have come whole."""
    last = {each.line.of.name: each.outcome for each in judged if each.line.of}
    within = [(name, told.closes) for name, told in last.items() if told.closes is not None]
    closed: list[tuple[LineName, Decimal]] = []
    if paper.is_last:
        documents_named = {(name.type, name.id) for name in last}
        for name, line in found.asked.items():
            left = last[name].short if name in last else line.open_quantity
            if (name.type, name.id) in documents_named and left > 0 and (name, left) not in within:
                closed.append((name, left))
    whole = [
        name
        for name, told in last.items()
        if not found.asked[name].is_ended and told.short == 0 and told.open_before is not None
    ]
    return dict(zip(ENDED_BY_RECEIPT, (within, closed), strict=True)), whole


def _told(conn: Connection, actor: Actor, delivery: Delivery, posting: Posting | None) -> int | None:
    """Say in the audit trail what came, and close the posting as the last act."""
    paper, told = delivery.paper, [each.outcome for each in delivery.judged]
    subject = f"receipt:{paper.receipt}"
    detail = {
        "lines": len(told),
        "origin": delivery.found.origin.value,
        "location": paper.location,
        "over": sum(each.over > 0 for each in told),
        "short": sum(each.short > 0 for each in told),
        "unexpected": sum(each.is_unexpected for each in told),
    }
    if posting is None:
        audit(conn, actor.id, "delivery_rejected", subject, site=paper.site, detail=detail)
        return None
    posting.audit("received", subject, paper.site, detail)
    return posting.close().position
