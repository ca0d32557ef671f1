"""Recalls: opened by a person with a reason; a decision per site holds what lies there of all they reach."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from pydantic import JsonValue

from cloud.alerts import service as alerts
from cloud.db import Connection
from cloud.decisions import service as decisions
from cloud.decisions.domain import Draft, State
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import audit
from cloud.lots import store
from cloud.lots.domain import (
    END_REASONS,
    JOB,
    KEEPERS,
    READERS,
    RECALL_KIND,
    RECALL_REASONS,
    UNSPECIFIED,
    LotConflictError,
    LotError,
    ReachedStock,
    Recall,
    RecallSite,
    UnknownLotError,
    recall_subject,
)
from cloud.lots.genealogy import Relative
from cloud.lots.notices import Told, about_recall, is_news, recall_keys
from cloud.lots.reading import find_lot, genealogy_of, whereabouts

_LISTED: Final = 100
"""Of the places of a decision; the rest is told as a number."""
_LATEST: Final = 2**62


def open_recall(
    conn: Connection,
    actor: Actor,
    *,
    item: str,
    lot: str,
    reason: str,
    note: str = "",
    with_possible: bool = True,
) -> Recall:
    """Recall a lot with everything made of it, at every site.

    Stock is held by a decision per site, which waits for whoever may approve what it is worth. People of
    every site that has any of it, or sent any, get a ticket with the customers that got it.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller, of any site.
        item: Its item's code.
        lot: Its name.
        reason: One of `RECALL_REASONS`.
        note: What is known; needed with the reason `other`.
        with_possible: Whether goods of which no lot was kept, and which may be of it, are held too.

    Returns:
        The recall.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownLotError: If nothing ever named the lot.
        LotConflictError: If it is recalled already.
        LotError: If the reason is none of them, or `other` without a note.
    """
    actor.require(*KEEPERS)
    if reason not in RECALL_REASONS:
        raise LotError(f"reason {reason!r:.80}: expected one of {', '.join(RECALL_REASONS)}")
    if reason == "other" and not note.strip():
        raise LotError("reason 'other': expected a note that says which")
    if lot == UNSPECIFIED:
        raise LotError(
            f"lot {lot!r} names no goods: state their lots first, or recall the lot they may be of"
        )
    found = find_lot(conn, actor, item=item, lot=lot)
    act_as(conn, JOB)
    asked = {"item_id": found.item_id, "lot": lot, "reason": reason, "note": note}
    made = store.tuples(conn, "add_recall", **asked, with_possible=with_possible, actor=actor.id)
    if not made:
        raise LotConflictError(f"lot {lot!r} of {found.code!r} is recalled already")
    recall = _recall(conn, made[0][0])
    reach(conn, recall)
    detail = {"item": found.code, "lot": lot, "reason": reason, "note": note, "with_possible": with_possible}
    audit(conn, actor.id, "lot_recalled", f"recall:{recall.name}", site=None, detail=detail)
    stock = store.rows(conn, ReachedStock, "recall_stock", recall=recall.recall_id, site=None)
    for site, rows in _by_site(stock).items():
        ask_to_hold(conn, recall, site, rows)
    notify(conn, recall)
    act_as(conn, actor)
    return _recall(conn, recall.recall_id)


def close_recall(conn: Connection, actor: Actor, *, recall_id: int, reason: str, note: str = "") -> Recall:
    """End a recall: nothing more is held for it. What is held stays so until its decision is reversed.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller at all sites: recalls are everywhere's.
        recall_id: The recall.
        reason: One of `END_REASONS`.
        note: Anything worth keeping; needed with the reason `other`.

    Returns:
        The recall.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownLotError: If there is no such recall.
        LotConflictError: If it has ended.
        LotError: If the reason is none of them, or `other` without a note.
    """
    actor.require_everywhere(*KEEPERS)
    if reason not in END_REASONS:
        raise LotError(f"reason {reason!r:.80}: expected one of {', '.join(END_REASONS)}")
    if reason == "other" and not note.strip():
        raise LotError("reason 'other': expected a note that says which")
    act_as(conn, actor)
    found = recall(conn, actor, recall_id=recall_id)
    if not store.change(conn, "end_recall", recall=recall_id, actor=actor.id, because=reason):
        raise LotConflictError(f"recall {found.name} has ended already")
    for at in store.rows(conn, RecallSite, "recall_sites", recall=recall_id):
        if at.state in {State.DRAFT, State.SUBMITTED}:
            decisions.withdraw(conn, JOB, at.decision_id, note=f"the recall was ended: {reason}")
    act_as(conn, actor)
    detail = {"reason": reason, "note": note}
    audit(conn, actor.id, "recall_ended", f"recall:{found.name}", site=None, detail=detail)
    sites = [row[0] for row in store.tuples(conn, "sites")]
    alerts.resolve(conn, recall_keys(found, sites))
    return recall(conn, actor, recall_id=recall_id)


def recalls(
    conn: Connection,
    actor: Actor,
    *,
    with_ended: bool = False,
    before: int = _LATEST,
    limit: int,
) -> list[Recall]:
    """List recalls, the latest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        with_ended: Whether ended ones are shown too.
        before: Number of the last one of the page before.
        limit: Most to give.

    Returns:
        The recalls.

    Raises:
        NotAllowedError: If the actor may not.
    """
    act_as(conn, actor.narrowed(*READERS))
    asked = {"recall": None, "item_id": None, "lot": None, "with_ended": with_ended}
    return store.rows(conn, Recall, "recalls", **asked, before=before, limit=limit)


def recalls_of(conn: Connection, actor: Actor, *, item_id: int, lot: str) -> list[Recall]:
    """List the recalls that reach a lot, ended ones too.

    Args:
        conn: In a transaction.
        actor: Who asks.
        item_id: Its canonical item.
        lot: Its name.

    Returns:
        The latest first.

    Raises:
        NotAllowedError: If the actor may not.
    """
    act_as(conn, actor.narrowed(*READERS))
    asked = {"recall": None, "item_id": item_id, "lot": lot, "with_ended": True}
    return store.rows(conn, Recall, "recalls", **asked, before=_LATEST, limit=_LISTED)


def recall(conn: Connection, actor: Actor, *, recall_id: int) -> Recall:
    """Find a recall.

    Args:
        conn: In a transaction.
        actor: Who asks.
        recall_id: Its number.

    Returns:
        The recall.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownLotError: If there is none.
    """
    act_as(conn, actor.narrowed(*READERS))
    return _recall(conn, recall_id)


def recall_sites(conn: Connection, actor: Actor, *, recall_id: int) -> list[RecallSite]:
    """Tell how a recall stands at each of the actor's sites.

    Args:
        conn: In a transaction.
        actor: Who asks.
        recall_id: The recall.

    Returns:
        By site.

    Raises:
        NotAllowedError: If the actor may not.
    """
    act_as(conn, actor.narrowed(*READERS))
    return store.rows(conn, RecallSite, "recall_sites", recall=recall_id)


def reach(conn: Connection, recall: Recall) -> int:
    """Add to a recall what is made of its lot by now.

    Args:
        conn: In a transaction that shows every site.
        recall: The recall.

    Returns:
        How many lots are new to it, or surer than before.
    """
    found = _reached(conn, recall)
    return store.change(
        conn,
        "add_recall_lots",
        recall=recall.recall_id,
        **store.named([each.key for each in found]),
        steps=[each.steps for each in found],
        possible=[each.is_possible for each in found],
        since=[each.since for each in found],
    )


def ask_to_hold(conn: Connection, recall: Recall, site: str, stock: Sequence[ReachedStock]) -> None:
    """Ask for what a recall reaches at a site to be held, in the name of whoever opened it.

    Args:
        conn: In a transaction that shows every site.
        recall: The recall.
        site: Where; without a decision on it yet.
        stock: What lies there of it.
    """
    value, currency = value_of(conn, site, stock)
    paper = Draft(
        kind=RECALL_KIND,
        site=site,
        subject=recall_subject(recall.recall_id, site),
        reason=recall.reason,
        effect=effect_of(recall, site, stock),
        evidence={"page_url": f"/recalls/{recall.recall_id}"},
        inputs={"recall": recall.recall_id},
        value=value,
        currency=currency,
        author=recall.opened_by,
        note=recall.note,
    )
    made = decisions.draft(conn, JOB, paper)
    decisions.submit(conn, JOB, made.decision_id, note=recall.note)
    store.change(conn, "add_recall_site", recall=recall.recall_id, site=site, decision=made.decision_id)


def value_of(conn: Connection, site: str, stock: Sequence[ReachedStock]) -> tuple[Decimal | None, str | None]:
    """Say what stock is worth at its site's costs.

    Args:
        conn: In a transaction that shows the site.
        site: The site.
        stock: Of it.

    Returns:
        Value and currency; None and None if a cost is not known.
    """
    items = sorted({row.item_id for row in stock})
    costs = {
        item: (cost, currency) for item, cost, currency in store.tuples(conn, "costs", site=site, items=items)
    }
    currencies = {currency for _, currency in costs.values()}
    if len(costs) < len(items) or len(currencies) != 1:
        return None, None
    total = sum((row.quantity * costs[row.item_id][0] for row in stock), Decimal(0))
    return total.quantize(Decimal("0.01")), currencies.pop()


def effect_of(recall: Recall, site: str, stock: Sequence[ReachedStock]) -> dict[str, JsonValue]:
    """Say what holding a site's stock of a recall does.

    Args:
        recall: The recall.
        site: Where.
        stock: What lies there of it.

    Returns:
        The effect, for people and for the carrier.
    """
    free = [row for row in stock if not row.is_held]
    return {
        "summary": f"Recall {recall.name}: hold what {site} has of lot {recall.lot} of {recall.item} and of "
        f"what was made of it, in {len(free)} places",
        "recall": recall.recall_id,
        "places": len(free),
        "stock": [_told(row) for row in free[:_LISTED]],
    }


def notify(conn: Connection, recall: Recall) -> None:
    """Tell people of every site that has or sent any of what a recall reaches what they were not told yet.

    Args:
        conn: In a transaction that shows every site.
        recall: The recall.
    """
    found = about_recall(recall, whereabouts(conn, _only(recall, _reached(conn, recall))))
    rows = store.tuples(conn, "told_of_recall", keys=[each.dedup_key for each in found])
    told = {key: Told(is_open, summary, detail) for key, is_open, summary, detail in rows}
    alerts.notice(conn, [each for each in found if is_news(each, told.get(each.dedup_key))])
    if any(each.site for each in found):
        alerts.resolve(conn, recall_keys(recall, ()))


def _reached(conn: Connection, recall: Recall) -> list[Relative]:
    made = genealogy_of(conn, recall.key, recall.item, recall.base_unit, with_unknown=recall.with_possible)
    return made.forward()


def _only(recall: Recall, found: Iterable[Relative]) -> list[Relative]:
    return [each for each in found if recall.with_possible or not each.is_possible]


def _recall(conn: Connection, recall_id: int) -> Recall:
    asked = {"recall": recall_id, "item_id": None, "lot": None, "with_ended": True}
    found = store.rows(conn, Recall, "recalls", **asked, before=_LATEST, limit=1)
    if not found:
        raise UnknownLotError(f"there is no recall {recall_id}")
    return found[0]


def _by_site(stock: Iterable[ReachedStock]) -> dict[str, list[ReachedStock]]:
    found: defaultdict[str, list[ReachedStock]] = defaultdict(list)
    for row in stock:
        found[row.site].append(row)
    return dict(found)


def _told(row: ReachedStock) -> dict[str, JsonValue]:
    return {
        "item": row.item,
        "lot": row.lot,
        "place": row.unit or row.location,
        "condition": row.disposition or "sellable",
        "quantity": f"{row.quantity.normalize():f}",
        "certainty": "possible" if row.is_possible else "sure",
    }
