"""State, correct and withdraw events; each step a further revision that says from when it was known."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from cloud.db import Connection
from cloud.events import store
from cloud.events.domain import (
    AUTHORS,
    EventError,
    EventRow,
    StaleEventError,
    UnknownEventError,
)
from cloud.events.papers import EventPaper, Withdrawal
from cloud.identity.actor import Actor
from cloud.identity.store import act_as


class Stated(NamedTuple):
    """What became of several events."""

    added: int
    corrected: int
    unchanged: int


def add(conn: Connection, actor: Actor, paper: EventPaper, *, now: datetime) -> EventRow:
    """State an event. What a source has stated before under the same reference is corrected, if it differs.

    Args:
        conn: In a transaction that the caller commits.
        actor: A planner, buyer or inventory controller of the site; of all sites for an event of all.
        paper: The event.
        now: The present.

    Returns:
        The revision in force.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownEventError: If there is no such site, item or category.
        EventError: If it is said to be known in the future.
    """
    return _put(conn, actor, paper, now=now)[0]


def add_all(conn: Connection, actor: Actor, papers: Iterable[EventPaper], *, now: datetime) -> Stated:
    """State several events, all or none.

    Args:
        conn: In a transaction that the caller commits.
        actor: As for one.
        papers: The events.
        now: The present.

    Returns:
        How many were new, were corrected, and were known as they are.
    """
    told = [_put(conn, actor, paper, now=now)[1] for paper in papers]
    return Stated(told.count("added"), told.count("corrected"), told.count("unchanged"))


def correct(
    conn: Connection, actor: Actor, event_id: int, paper: EventPaper, *, revision: int, now: datetime
) -> EventRow:
    """Say an event anew; what was known before stays on record.

    Args:
        conn: In a transaction that the caller commits.
        actor: Who may state such an event.
        event_id: Of the event.
        paper: The event as it is now.
        revision: That the actor has seen.
        now: The present.

    Returns:
        The new revision; the one in force if nothing differs.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownEventError: If there is no such event, site, item or category.
        StaleEventError: If another revision is in force.
        EventError: If its site differs, or it is said to be known in the future, or before what it corrects.
    """
    _require(actor, paper.site)
    seen = _seen(conn, actor, event_id, revision)
    if paper.site != seen.site:
        raise EventError(
            f"site {paper.site!r} of event {event_id}: expected {seen.site!r}, where it was stated; withdraw "
            "it, and state another one"
        )
    same = paper.model_copy(update={"source": seen.source, "reference": seen.reference})
    return _put(conn, actor, same, now=now)[0]


def withdraw(conn: Connection, actor: Actor, event_id: int, why: Withdrawal, *, now: datetime) -> EventRow:
    """Say that an event does not take place; forecasts made before still show that it was expected.

    Args:
        conn: In a transaction that the caller commits.
        actor: Who may state such an event.
        event_id: Of the event.
        why: The reason, and the revision that the actor has seen.
        now: The present.

    Returns:
        The withdrawn revision.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownEventError: If there is no such event.
        StaleEventError: If another revision is in force.
    """
    actor.require(*AUTHORS)
    seen = _seen(conn, actor, event_id, why.revision)
    if seen.is_withdrawn:
        return seen
    _store(conn, actor, seen, _columns(seen), known_at=now, is_withdrawn=True, reason=why.reason)
    return _latest(conn, event_id)


def _put(conn: Connection, actor: Actor, paper: EventPaper, *, now: datetime) -> tuple[EventRow, str]:
    _require(actor, paper.site)
    act_as(conn, actor.narrowed(*AUTHORS))
    known_at = paper.known_at or now
    if known_at > now:
        raise EventError(
            f"known_at {known_at.isoformat()}: expected the present, {now.isoformat()}, or before"
        )
    item_id = _scope(conn, paper)
    store.tuples(conn, "hold_reference", site=paper.site, source=paper.source, reference=paper.named)
    found = store.tuples(conn, "number_of", site=paper.site, source=paper.source, reference=paper.named)
    columns = {**paper.told(), "item_id": item_id}
    columns.pop("item")
    if not found:
        number = store.add(
            conn,
            event_id=None,
            revision=1,
            known_at=known_at,
            source=paper.source,
            reference=paper.named,
            is_withdrawn=False,
            reason="",
            author=actor.id,
            **columns,
        )
        detail = {**paper.told(), "revision": 1, "source": paper.source}
        store.audit(conn, actor.id, "event_stated", f"event:{number}", site=paper.site, detail=detail)
        return _latest(conn, number), "added"
    before = _latest(conn, found[0][0])
    _require(actor, before.site)
    if _columns(before) == columns and not before.is_withdrawn:
        return before, "unchanged"
    if known_at < before.known_at:
        raise EventError(
            f"known_at {known_at.isoformat()}: expected not before what it corrects was known, "
            f"{before.known_at.isoformat()}"
        )
    _store(conn, actor, before, columns, known_at=known_at, is_withdrawn=False, reason="")
    return _latest(conn, before.event_id), "corrected"


def _columns(row: EventRow) -> dict[str, object]:
    return {
        "site": row.site,
        "item_id": row.item_id,
        "category": row.category,
        "from_day": row.from_day,
        "to_day": row.to_day,
        "kind": row.kind,
        "name": row.name,
        "attributes": dict(row.attributes),
        "effect_prior": row.effect_prior,
    }


def _store(
    conn: Connection,
    actor: Actor,
    before: EventRow,
    columns: dict[str, object],
    *,
    known_at: datetime,
    is_withdrawn: bool,
    reason: str,
) -> None:
    revision = before.revision + 1
    store.add(
        conn,
        event_id=before.event_id,
        revision=revision,
        known_at=known_at,
        source=before.source,
        reference=before.reference,
        is_withdrawn=is_withdrawn,
        reason=reason,
        author=actor.id,
        **columns,
    )
    detail: dict[str, object] = {**columns, "revision": revision, "reason": reason}
    action = "event_withdrawn" if is_withdrawn else "event_corrected"
    store.audit(conn, actor.id, action, f"event:{before.event_id}", site=before.site, detail=detail)


def _require(actor: Actor, site: str | None) -> None:
    if site is None:
        actor.require_everywhere(*AUTHORS)
    else:
        actor.require(*AUTHORS, site=site)


def _seen(conn: Connection, actor: Actor, event_id: int, revision: int) -> EventRow:
    actor.require(*AUTHORS)
    act_as(conn, actor.narrowed(*AUTHORS))
    row = _latest(conn, event_id)
    _require(actor, row.site)
    store.tuples(conn, "hold_reference", site=row.site, source=row.source, reference=row.reference)
    row = _latest(conn, event_id)
    if row.revision != revision:
        raise StaleEventError(
            f"revision {revision} of event {event_id}: {row.author} has stated revision {row.revision} "
            "since; look at it and decide again"
        )
    return row


def _latest(conn: Connection, event_id: int) -> EventRow:
    found = store.rows(conn, EventRow, "revisions", event_id=event_id)
    if not found:
        raise UnknownEventError(f"there is no event {event_id} at your sites")
    return found[0]


def _scope(conn: Connection, paper: EventPaper) -> int | None:
    if paper.site is not None and not store.tuples(conn, "known_site", site=paper.site):
        raise UnknownEventError(f"there is no site {paper.site!r}")
    if paper.category is not None and not store.tuples(conn, "known_category", category=paper.category):
        raise UnknownEventError(f"category {paper.category!r:.80}: no item is of it")
    if paper.item is None:
        return None
    found = store.tuples(conn, "known_item", item=paper.item)
    if not found:
        raise UnknownEventError(f"item {paper.item!r:.80}: there is no such item")
    return int(found[0][0])
