"""Saying where demand comes from by itself; pausing, resuming, asking again from a date."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from cloud.alerts import service as alerts
from cloud.db import Connection
from cloud.demand import held
from cloud.demand import store as demand
from cloud.demand.domain import Faults, UnknownSiteError
from cloud.demand.sources import store
from cloud.demand.sources.domain import (
    ADDERS,
    KEEPERS,
    VIEWERS,
    NewSource,
    Source,
    SourceError,
    SourceKind,
    SourceState,
    TakenSourceError,
    UnknownSourceError,
    faults_of,
)
from cloud.demand.sources.pages import mark_of, reader_of
from cloud.demand.waiting import Reason
from cloud.identity.actor import Actor
from cloud.identity.store import act_as

_WORD: Final = {
    SourceKind.DROP.value: "folder",
    SourceKind.PUSH.value: "shop that pushes",
    SourceKind.MQTT.value: "source that publishes",
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def ticket_key(source_id: int) -> str:
    """Name the ticket about a source that does not work.

    Args:
        source_id: The source.

    Returns:
        The ticket's key.
    """
    return f"demand_source:{source_id}"


def add_source(conn: Connection, actor: Actor, wished: NewSource, *, site: str, now: datetime) -> Source:
    """Say where demand comes from.

    Args:
        conn: In a transaction that the caller commits.
        actor: An administrator of the site.
        wished: The source.
        site: Its site.
        now: The present: it is first pulled at once.

    Returns:
        The source.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownSiteError: If there is no such site.
        TakenSourceError: If the site has another source of that name.
        SourceError: If it cannot be; the message names every fault.
    """
    actor.require(*ADDERS, site=site)
    act_as(conn, actor)
    faults = faults_of(wished)
    if not faults and (wished.kind in {SourceKind.REST, SourceKind.PUSH} or wished.settings.fields):
        reader_of(wished.settings, site=site, name=wished.name, faults=Faults())
    if wished.from_at is not None and not _EPOCH <= wished.from_at <= now:
        faults.append(f"from {wished.from_at.isoformat()}: expected a time since 1970 that is over")
    if faults:
        raise SourceError("\n".join(f"source {wished.name!r:.80}: {fault}" for fault in faults))
    if not store.tuples(conn, "site", site=site):
        raise UnknownSiteError(f"there is no site {site!r}")
    made = store.add(
        conn,
        wished.settings.model_dump(mode="json", exclude_defaults=True),
        site=site,
        name=wished.name,
        kind=wished.kind.value,
        address=wished.address,
        secret_from=wished.secret_from,
        every_minutes=wished.every_minutes,
        from_at=wished.from_at,
        now=now,
        actor=actor.id,
    )
    if made is None:
        raise TakenSourceError(f"source {wished.name!r} of site {site!r} is there already: choose another")
    detail = {"kind": made.kind, "address": made.address, "secret_from": made.secret_from}
    _record(conn, actor, "demand_source_added", made, detail | {"settings": made.settings})
    held.source_is_back(conn, made.site, made.name, Reason.UNKNOWN_SOURCE, now=now)
    return made


def sources(
    conn: Connection, actor: Actor, *, site: str | None = None, after: int = 0, limit: int = 100
) -> list[Source]:
    """List sources by number.

    Args:
        conn: In a transaction.
        actor: Who asks; sees those of its sites.
        site: Only of this site.
        after: Number of the last one of the page before.
        limit: Most to give.

    Returns:
        The sources, without any secret.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*VIEWERS, site=site)
    act_as(conn, actor.narrowed(*VIEWERS))
    return store.rows(conn, Source, "sources", site=site, after=after, limit=limit)


def source(conn: Connection, actor: Actor, source_id: int) -> Source:
    """Give one source.

    Args:
        conn: In a transaction.
        actor: Who asks.
        source_id: Its number.

    Returns:
        The source.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownSourceError: If the actor's sites hold no such source.
    """
    act_as(conn, actor.narrowed(*VIEWERS))
    return _found(conn, "source", source_id)


def pause_source(conn: Connection, actor: Actor, source_id: int, *, now: datetime) -> Source:
    """Stop asking a source, or taking what it pushes; where it was is kept.

    Args:
        conn: In a transaction that the caller commits.
        actor: A keeper of its site.
        source_id: Its number.
        now: The present.

    Returns:
        The source.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownSourceError: If the actor's sites hold no such source.
    """
    return _set_state(conn, actor, source_id, SourceState.PAUSED, now)


def resume_source(conn: Connection, actor: Actor, source_id: int, *, now: datetime) -> Source:
    """Ask a source again, from where it was.

    Args:
        conn: In a transaction that the caller commits.
        actor: A keeper of its site.
        source_id: Its number.
        now: The present: it is due at once.

    Returns:
        The source.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownSourceError: If the actor's sites hold no such source.
    """
    return _set_state(conn, actor, source_id, SourceState.ACTIVE, now)


def backfill_source(
    conn: Connection, actor: Actor, source_id: int, *, from_at: datetime, now: datetime
) -> Source:
    """Ask a source again for all since a time; what is known already changes nothing.

    Args:
        conn: In a transaction that the caller commits.
        actor: A keeper of its site.
        source_id: Its number.
        from_at: Since when.
        now: The present: it is due at once.

    Returns:
        The source.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownSourceError: If the actor's sites hold no such source.
        SourceError: If this source cannot be asked for a time.
    """
    known = _held(conn, actor, source_id)
    if known.kind in _WORD:
        raise SourceError(
            f"source {known.name!r}: a {_WORD[known.kind]} is not asked: send again what is missing"
        )
    how = known.how
    is_dated = known.kind == SourceKind.ORDERS or how.from_parameter is not None
    if not is_dated and (how.cursor_path is not None or _counts(known)):
        raise SourceError(f"source {known.name!r}: its cursor is its own word, and it has no from_parameter")
    if not _EPOCH <= from_at <= now:
        raise SourceError(f"from {from_at.isoformat()}: expected a time since 1970 that is over")
    store.change(conn, "backfill", source_id=source_id, from_at=from_at, now=now)
    detail = {"from": from_at.isoformat(), "cursor_before": known.cursor}
    _record(conn, actor, "demand_source_backfilled", known, detail)
    return _found(conn, "source", source_id)


def pull_soon(conn: Connection, actor: Actor, source_id: int, *, now: datetime) -> Source:
    """Let a source be pulled at the scheduler's next round, due or not.

    Args:
        conn: In a transaction that the caller commits.
        actor: A keeper of its site.
        source_id: Its number.
        now: The present.

    Returns:
        The source.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownSourceError: If the actor's sites hold no such source.
        SourceError: If it is not active, or pushes by itself.
    """
    known = _held(conn, actor, source_id)
    if not SourceKind(known.kind).is_pulled:
        raise SourceError(f"source {known.name!r} pushes by itself; it cannot be pulled")
    if known.state != SourceState.ACTIVE:
        raise SourceError(f"source {known.name!r} is {known.state}: resume it first")
    store.change(conn, "pull_soon", source_id=source_id, now=now)
    _record(conn, actor, "demand_source_asked", known, {})
    return _found(conn, "source", source_id)


def _counts(known: Source) -> bool:
    """Tell whether a source's watermark is a number, which no date can be."""
    return known.cursor is not None and isinstance(mark_of(known.cursor), int)


def _set_state(conn: Connection, actor: Actor, source_id: int, state: SourceState, now: datetime) -> Source:
    before = _held(conn, actor, source_id)
    if before.state == state:
        return before
    store.change(conn, "set_state", source_id=source_id, state=state.value, now=now)
    if state is SourceState.ACTIVE:
        alerts.resolve(conn, [ticket_key(source_id)])
        known = Reason.SOURCE_PAUSED
        held.source_is_back(conn, before.site, before.name, known, now=now)
    action = "demand_source_resumed" if state is SourceState.ACTIVE else "demand_source_paused"
    _record(conn, actor, action, before, {"before": before.state, "because": before.stopped_because})
    return _found(conn, "source", source_id)


def _held(conn: Connection, actor: Actor, source_id: int) -> Source:
    act_as(conn, actor.narrowed(*KEEPERS))
    return _found(conn, "hold", source_id)


def _found(conn: Connection, statement: str, source_id: int) -> Source:
    found = store.rows(conn, Source, statement, source_id=source_id)
    if not found:
        raise UnknownSourceError(f"there is no source {source_id} at your sites")
    return found[0]


def _record(conn: Connection, actor: Actor, action: str, about: Source, detail: Mapping[str, object]) -> None:
    told = {"source_id": about.source_id, **detail}
    demand.audit(conn, actor.id, action, f"demand_source:{about.name}", site=about.site, detail=told)
