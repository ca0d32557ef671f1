"""Judging: inspected goods are released or not, returned ones graded, held ones freed (DOMAIN D1, D4)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from cloud.db import Connection
from cloud.documents.domain import KEEPERS, READERS, DocumentError, UnknownDocumentError
from cloud.documents.judging import store
from cloud.documents.judging.papers import JudgementPaper, WaitingGoodsPaper
from cloud.documents.lines import base_identifier, lock_documents, places_known
from cloud.documents.movements import moved
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.ledger.closing import require_open, tell_late
from cloud.ledger.corrections import lock_cells
from cloud.ledger.domain import Posted, PostingKind
from cloud.ledger.posting import Posting
from contracts.records import DocumentRef, Side
from contracts.vocabulary import BizStep, Disposition

_DISPOSITION: Final = {"sellable": None, "damaged": Disposition.DAMAGED, "hold": Disposition.HOLD}


class WaitingRow(NamedTuple):
    """Goods that wait; the quantity is in base units."""

    site: str
    receipt: str | None
    """None: no receipt brought them, as a handheld's return or a hold by hand."""
    line: str | None
    waits_as: str
    lot: str | None
    owner: str | None
    """Whose they are; None: our own."""
    identifier_scheme: str
    identifier: str
    item: str
    item_name: str | None
    base_unit: str
    quantity: Decimal
    location: str
    unit: str | None
    partner: str | None
    is_unexpected: bool
    reason: str | None
    since_at: datetime
    time_zone: str
    numbers: list[str]
    """Of returns, as handhelds named them, where no receipt brought them."""
    days_left: int | None
    """Of what is inspected since it keeps for too short a time: from when it came until its lot expires."""


class JudgementRow(NamedTuple):
    """A decision that was taken."""

    number: int
    site: str
    receipt: str | None
    line: str | None
    item: str | None
    waited_as: str
    verdict: str
    quantity: Decimal
    grade: str | None
    reason: str
    location: str
    judged_at: datetime
    judged_by: str
    time_zone: str


def waiting(
    conn: Connection, actor: Actor, *, site: str | None = None, waits_as: str | None = None, limit: int
) -> list[WaitingRow]:
    """List goods that wait for a person, those that came first come first.

    Args:
        conn: In a transaction.
        actor: Who asks; sees the sites at which it may read stock.
        site: Only of this site.
        waits_as: Only in ``inspection``, ``returned`` or on ``hold``.
        limit: Most to give.

    Returns:
        The goods.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    within = actor.narrowed(*READERS)
    act_as(conn, within)
    sites = [site] if site else within.reach
    return store.rows(conn, WaitingRow, "waiting", sites=sites, waits_as=waits_as, limit=limit)


def judgements(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    waited_as: str | None = None,
    before: int = 2**62,
    limit: int,
) -> list[JudgementRow]:
    """List decisions, the latest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        waited_as: Only of what waited so.
        before: Number of the last one of the page before.
        limit: Most to give.

    Returns:
        The decisions.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    asked = {"site": site, "waited_as": waited_as, "before": before, "limit": limit}
    return store.rows(conn, JudgementRow, "judgements", **asked)


def judge(conn: Connection, actor: Actor, paper: JudgementPaper, *, now: datetime) -> JudgementRow:
    """Move waiting goods into the condition that a person decides, as one posting.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A supervisor or inventory controller of the site.
        paper: The decision.
        now: The present: when it changes.

    Returns:
        The decision as it was taken.

    Raises:
        NotAllowedError: If the actor may not, or not in a closed period.
        UnknownDocumentError: If none of those goods wait so.
        DocumentError: If less waits, several lots or owners do, or a place is unknown.
    """
    actor.require(*KEEPERS, site=paper.site)
    act_as(conn, actor)
    lock_documents(conn, paper.site, paper.locks)
    found = still_waiting(conn, paper)
    if paper.verdict == paper.waits_as:
        raise DocumentError(f"{paper.named} is on hold already: expected sellable or damaged")
    if paper.put_at and not places_known(conn, paper.site, [paper.put_at]):
        raise DocumentError(f"there is no place {paper.put_at!r} at site {paper.site!r}")
    there: dict[str, object] = {"location": paper.put_at} if paper.put_at else _lies_at(found)
    condition = _DISPOSITION[paper.verdict]
    stated = there | _named(found) | ({"disposition": condition} if condition else {})
    carry_out(
        conn,
        actor,
        paper,
        found,
        verdict=paper.verdict,
        there=Side.model_validate(stated),
        grade=paper.grade,
        now=now,
    )
    (told,) = judgements(conn, actor, site=paper.site, limit=1)
    return told


def carry_out(
    conn: Connection,
    by: Actor,
    paper: WaitingGoodsPaper,
    found: WaitingRow,
    *,
    verdict: str,
    there: Side,
    grade: str | None = None,
    decision_id: int | None = None,
    now: datetime,
) -> Posted:
    """Move waiting goods as it was decided, as one posting, and keep who decided it and why.

    Args:
        conn: In a transaction that the caller commits directly after, and that holds the receipt's lock.
        by: Who decided it; that they may has been seen to.
        paper: Which goods, how many, why.
        found: The goods as they wait.
        verdict: What they are found to be.
        there: Where they go, and as what.
        grade: Of the person's own.
        decision_id: The approved decision that says so; None: it takes none.
        now: When it changes.

    Returns:
        The posting; its one row is the movement.

    Raises:
        NotAllowedError: If the period is closed by then, and who decided it may not change it.
    """
    is_late = require_open(conn, by, paper.site, now)
    posting = Posting(conn, by, PostingKind.STATEMENT)
    source = _lies_at(found) | _named(found) | {"disposition": Disposition(paper.waits_as)}
    statement = moved(
        paper.site,
        base_identifier(conn, (found.identifier_scheme, found.identifier), found.item),
        paper.quantity,
        "base",
        source=Side.model_validate(source),
        destination=there,
        documents=paper.refs or [DocumentRef(type="customer_return", id=each) for each in found.numbers],
        occurred_at=now,
        actor=by.id,
        biz_step=BizStep.INSPECTING,
        reason=paper.reason,
    )
    posting.write(statements=[statement])
    kept = {"site": paper.site, "receipt": paper.receipt, "line": paper.line, "quantity": paper.quantity}
    store.change(
        conn,
        "add_judgement",
        **kept,
        item=paper.item,
        reason=paper.reason,
        verdict=verdict,
        grade=grade,
        waited_as=paper.waits_as,
        location=str(there.location or found.location),
        posting_id=posting.posting_id,
        decision_id=decision_id,
        actor=by.id,
    )
    if is_late:
        tell_late(posting, paper.site, now, paper.reason)
    told = {"line": paper.line, "waited_as": paper.waits_as, "verdict": verdict, "reason": paper.reason}
    posting.audit("goods_judged", paper.subject, paper.site, told)
    return posting.close()


def still_waiting(conn: Connection, paper: WaitingGoodsPaper) -> WaitingRow:
    """Find the goods that a paper is about, and keep others from taking them until the transaction ends.

    Args:
        conn: In a transaction that holds the receipt's lock.
        paper: Which goods, and how many.

    Returns:
        The goods as they wait.

    Raises:
        UnknownDocumentError: If none of those goods wait so.
        DocumentError: If less waits, several lots, of several owners or at several places, or the place is
            unknown.
    """
    named = {"site": paper.site, "receipt": paper.receipt, "line": paper.line, "item": paper.item}
    lock_waiting(conn, [cell for (cell,) in store.tuples(conn, "cells_of_goods", **named)])
    if paper.location and not places_known(conn, paper.site, [paper.location]):
        raise DocumentError(f"there is no place {paper.location!r} at site {paper.site!r}")
    stated = {"waits_as": paper.waits_as, "lot": paper.lot, "owner": paper.owner, "unit": paper.unit}
    rows = store.rows(conn, WaitingRow, "waiting_of", **named, **stated)
    where = paper.named
    if not rows:
        raise UnknownDocumentError(f"nothing of {where} waits as {paper.waits_as} at site {paper.site!r}")
    if paper.location:
        places = ", ".join(row.location for row in rows)
        there = [row for row in rows if row.location == paper.location]
        rows = [row for row in there if row.unit is None] or there
        if not rows:
            raise DocumentError(f"{where}: nothing waits at {paper.location!r}: expected {places}")
    if len(rows) > 1:
        lots = sorted({str(row.lot) for row in rows})
        if len(lots) > 1:
            raise DocumentError(f"{where}: several lots wait: expected lot, one of {', '.join(lots)}")
        owners = sorted({row.owner or "'' (our own)" for row in rows})
        if len(owners) > 1:
            raise DocumentError(
                f"{where}: goods of several owners wait: expected owner, one of {', '.join(owners)}"
            )
        places = ", ".join(row.location for row in rows)
        raise DocumentError(f"{where}: goods wait at several places: expected location, one of {places}")
    if paper.quantity > rows[0].quantity:
        raise DocumentError(
            f"{where}: {paper.quantity.normalize():f}: expected at most {rows[0].quantity.normalize():f}, "
            f"which wait as {paper.waits_as}"
        )
    return rows[0]


def lock_waiting(conn: Connection, cells: Sequence[int]) -> None:
    """Keep others from posting to where goods wait until the transaction ends.

    Args:
        conn: In a transaction; who acts may decide about the goods, which has been seen to.
        cells: Cell ids; those of a unit are of the site that filled it first, wherever it stands now.
    """
    lock_cells(conn, Actor("job:judging", frozenset({Role.INVENTORY_CONTROLLER}), all_sites=True), cells)


def _named(found: WaitingRow) -> dict[str, object]:
    """Name what a judgement never changes: the lot, and whose goods they are."""
    return {name: said for name, said in (("lot", found.lot), ("owner", found.owner)) if said}


def _lies_at(found: WaitingRow) -> dict[str, object]:
    return {"unit": found.unit} if found.unit else {"location": found.location}
