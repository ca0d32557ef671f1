"""Demand that cannot be stored yet: kept with its bytes and the reason, tried again, or discarded."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection, NamedStatements
from cloud.demand import store
from cloud.demand.domain import IMPORTERS, READERS, DemandError
from cloud.demand.waiting import (
    LONGEST_REASON,
    MOST_BYTES_WAITING,
    MOST_WAITING,
    FullError,
    Held,
    HeldState,
    Holding,
    Origin,
    Reason,
    UnknownHeldError,
    busy_until,
    next_try,
    storable,
)
from cloud.identity.actor import Actor
from cloud.identity.store import act_as

_SQL: Final = NamedStatements("cloud.demand", "held.sql")


def hold(conn: Connection, holdings: Iterable[Holding], *, now: datetime) -> int:
    """Let something wait; the same again changes nothing, nor does what a person discarded.

    Args:
        conn: In a transaction that shows its sites.
        holdings: It.
        now: The present.

    Returns:
        How much of it did not wait before.

    Raises:
        FullError: If more than may wait would; nothing of it waits then, and a ticket says so.
    """
    added: dict[tuple[str, str], int] = {}
    place = ("", "")
    try:
        with conn.transaction():
            for one in holdings:
                place = (one.site, one.source)
                added[place] = added.get(place, 0) + _put(conn, one, now)
            for place in sorted(name for name, count in added.items() if count):
                _require_room(conn, *place)
    except FullError as error:
        _tell(conn, *place, full=str(error))
        raise
    for name in sorted(name for name, count in added.items() if count):
        _tell(conn, *name)
    return sum(added.values())


def _put(conn: Connection, one: Holding, now: datetime) -> int:
    return _SQL.change(
        conn,
        "hold",
        site=one.site,
        source=one.source,
        origin=one.origin.value,
        name=one.name,
        payload=one.payload,
        reason=one.reason.value,
        message=storable(one.message),
        due_at=next_try(one.reason, 0, now),
    )


def _require_room(conn: Connection, site: str, source: str) -> None:
    ((waiting, size),) = _SQL.tuples(conn, "waiting", site=site, source=source)
    if waiting > MOST_WAITING or size > MOST_BYTES_WAITING:
        raise FullError(
            f"too much of {source!r} waits already: expected at most {MOST_WAITING} messages or lines and "
            f"{MOST_BYTES_WAITING} bytes. This one is not kept: send it again once those are settled"
        )


def known(conn: Connection, site: str, source: str, origin: Origin, name: str) -> Held | None:
    """Find what waits, or has waited, by its name.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        source: Its source.
        origin: What it is.
        name: Its name.

    Returns:
        It; None if nothing of that name ever waited.
    """
    return _SQL.row(conn, Held, "named", site=site, source=source, origin=origin.value, name=name)


def due(conn: Connection, *, now: datetime, limit: int) -> list[Held]:
    """Take what is to be tried again; others pass over it until the transaction ends.

    Args:
        conn: In a transaction.
        now: The present.
        limit: Most to take.

    Returns:
        Of the source that has waited longest, in the order that it came.
    """
    return _SQL.rows(conn, Held, "due", now=now, limit=limit)


def replayed(conn: Connection, one: Held, *, now: datetime, actor: str, because: str | None = None) -> None:
    """Say that something is stored at last.

    Args:
        conn: In the transaction that stored it.
        one: It.
        now: The present.
        actor: Who stored it.
        because: What of it was not stored, and why; None: all of it was.
    """
    _settle(conn, one, HeldState.REPLAYED, now=now, actor=actor, because=because)


def put_off(conn: Connection, one: Held, reason: Reason, message: str, *, now: datetime) -> None:
    """Try something again later.

    Args:
        conn: In a transaction.
        one: It.
        reason: Why it waits on.
        message: The same for people.
        now: The present.
    """
    due_at = next_try(reason, one.tries + 1, now)
    words = storable(message)
    _SQL.change(conn, "put_off", held_id=one.held_id, reason=reason.value, message=words, due_at=due_at)


def source_is_busy(conn: Connection, site: str, source: str, *, now: datetime) -> None:
    """Try all that is due of a source later, so that none of it holds up other sources.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        source: Its name.
        now: The present.
    """
    _SQL.change(conn, "source_is_busy", site=site, source=source, now=now, due_at=busy_until(now))


def source_is_back(conn: Connection, site: str, source: str, reason: Reason, *, now: datetime) -> None:
    """Try again at once what waited for its source.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        source: Its name.
        reason: What no longer holds.
        now: The present.
    """
    _SQL.change(conn, "source_is_due", site=site, source=source, reason=reason.value, now=now)


def listed(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    source: str | None = None,
    state: HeldState | None = HeldState.HELD,
    after: int = 0,
    limit: int = 100,
) -> list[Held]:
    """List what waits, or has waited, by number.

    Args:
        conn: In a transaction.
        actor: Who asks; sees the sites at which it may read stock.
        site: Only of this site.
        source: Only of this source.
        state: Only what has become this; None: all.
        after: Number of the last one of the page before.
        limit: Most to give.

    Returns:
        It.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    wanted = None if state is None else state.value
    return _SQL.rows(conn, Held, "held", site=site, source=source, state=wanted, after=after, limit=limit)


def try_again(conn: Connection, actor: Actor, held_id: int, *, now: datetime) -> Held:
    """Let something be tried again at the scheduler's next round.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor, inventory controller or planner of its site.
        held_id: Its number.
        now: The present.

    Returns:
        It; unchanged if it waits no longer.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownHeldError: If the actor's sites hold nothing of that number.
    """
    one = _taken(conn, actor, held_id)
    if _SQL.change(conn, "try_now", held_id=held_id, now=now):
        _record(conn, actor, "demand_held_asked", one, {})
    return _found(conn, held_id)


def try_source_again(conn: Connection, actor: Actor, *, site: str, source: str, now: datetime) -> int:
    """Let all that waits of a source be tried again from the scheduler's next round on.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor, inventory controller or planner of the site.
        site: Site id.
        source: Its name.
        now: The present.

    Returns:
        How much of it waits.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*IMPORTERS, site=site)
    act_as(conn, actor.narrowed(*IMPORTERS))
    count = _SQL.change(conn, "try_source_now", site=site, source=source, now=now)
    if count:
        detail: dict[str, object] = {"source": source, "waiting": count}
        store.audit(conn, actor.id, "demand_held_asked", f"demand_held:{source}", site=site, detail=detail)
    return count


def discard_source(
    conn: Connection, actor: Actor, *, site: str, source: str, reason: str, now: datetime
) -> int:
    """Say of all that waits of a source that it is no demand; it stays on record.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor, inventory controller or planner of the site.
        site: Site id.
        source: Its name.
        reason: Why, in words.
        now: The present.

    Returns:
        How much of it was discarded.

    Raises:
        NotAllowedError: If the actor may not.
        DemandError: If the reason is empty or too long.
    """
    actor.require(*IMPORTERS, site=site)
    act_as(conn, actor.narrowed(*IMPORTERS))
    words = _words(reason)
    settled = {"actor": actor.id, "because": words, "now": now}
    count = _SQL.change(conn, "discard_source", site=site, source=source, **settled)
    if count:
        _tell(conn, site, source)
        told: dict[str, object] = {"source": source, "discarded": count, "reason": words}
        store.audit(conn, actor.id, "demand_held_discarded", f"demand_held:{source}", site=site, detail=told)
    return count


def refused(conn: Connection, site: str, source: str, words: str) -> None:
    """Tell people that something was not kept, and its sender was told so.

    Args:
        conn: In a transaction that the caller commits.
        site: Site id.
        source: Its name.
        words: Why.
    """
    summary = f"Demand of {source} was refused: {storable(words)}"[:500]
    key = f"demand_refused:{site}/{source}"
    alerts.notice(conn, [Notice(key, "demand_refused", Severity.WARNING, summary, site, {"source": source})])


def discard(conn: Connection, actor: Actor, held_id: int, *, reason: str, now: datetime) -> Held:
    """Say that something is no demand; it stays on record, and changes nothing if it comes again.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor, inventory controller or planner of its site.
        held_id: Its number.
        reason: Why, in words.
        now: The present.

    Returns:
        It; unchanged if it waits no longer.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownHeldError: If the actor's sites hold nothing of that number.
        DemandError: If the reason is empty or too long.
    """
    one = _taken(conn, actor, held_id)
    words = _words(reason)
    if one.state == HeldState.HELD:
        _settle(conn, one, HeldState.DISCARDED, now=now, actor=actor.id, because=words)
        _record(conn, actor, "demand_held_discarded", one, {"reason": words})
    return _found(conn, held_id)


def _words(reason: str) -> str:
    words = " ".join(reason.split())
    if not 1 <= len(words) <= LONGEST_REASON or not words.isprintable():
        raise DemandError(f"reason {reason!r:.80}: expected 1 to {LONGEST_REASON} printable characters")
    return words


def _taken(conn: Connection, actor: Actor, held_id: int) -> Held:
    act_as(conn, actor.narrowed(*IMPORTERS))
    return _found(conn, held_id)


def _found(conn: Connection, held_id: int) -> Held:
    found = _SQL.rows(conn, Held, "one", held_id=held_id)
    if not found:
        raise UnknownHeldError(f"nothing that waits has the number {held_id} at your sites")
    return found[0]


def _settle(
    conn: Connection, one: Held, state: HeldState, *, now: datetime, actor: str, because: str | None
) -> None:
    settled = {"held_id": one.held_id, "state": state.value, "actor": actor, "because": because}
    _SQL.change(conn, "settle", **settled, now=now)
    _tell(conn, one.site, one.source)


def _tell(conn: Connection, site: str, source: str, full: str | None = None) -> None:
    """Keep one ticket per source while something of it waits; a worse one when it is full."""
    ((waiting, message),) = _SQL.tuples(conn, "how_many", site=site, source=source)
    key = f"demand_held:{site}/{source}"
    if not waiting and full is None:
        alerts.resolve(conn, [key])
        return
    summary, severity = f"Demand of {source} waits ({waiting}): {message}", Severity.WARNING
    if full is not None:
        summary, severity = f"Demand of {source} is refused: {full}", Severity.CRITICAL
    detail = {"source": source, "waiting": waiting}
    alerts.notice(conn, [Notice(key, "demand_held", severity, summary[:500], site, dict(detail))])


def _record(conn: Connection, actor: Actor, action: str, one: Held, detail: dict[str, object]) -> None:
    told = {"source": one.source, "name": one.name, "why_held": one.reason, **detail}
    store.audit(conn, actor.id, action, f"demand_held:{one.held_id}", site=one.site, detail=told)
