"""Demand that cannot be stored yet: kept with its bytes and the reason, tried again, or discarded."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection, NamedStatements
from cloud.demand import store
from cloud.demand.domain import IMPORTERS, READERS, DemandError
from cloud.identity.actor import Actor
from cloud.identity.store import act_as

_SQL: Final = NamedStatements("cloud.demand", "held.sql")
LONGEST_REASON: Final = 500
LONGEST_MESSAGE: Final = 2000
LONGEST_WAIT: Final = timedelta(hours=1)
NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""When what time cannot heal is tried again: only if a person asks."""
MOST_TRIES: Final = 100
"""Some four days; then only if a person asks, or its source is added or resumed."""
_FIRST_WAIT: Final = timedelta(minutes=1)


class Origin(StrEnum):
    """What it is."""

    ORDER_LINE = "order_line"
    MESSAGE = "message"


class Reason(StrEnum):
    """Why it waits; a stable word."""

    UNKNOWN_NAME = "unknown_name"
    """It names no item, or a unit of none."""
    UNKNOWN_SOURCE = "unknown_source"
    SOURCE_PAUSED = "source_paused"
    FAULTY = "faulty"
    """Its lines contradict what is known, or do not add up."""
    UNREADABLE = "unreadable"
    OTHER_RELEASE = "other_release"
    """Of a schema that this release does not read."""
    TOO_EXACT = "too_exact"
    """It cannot be told in base units of 14 digits and six decimals."""
    BUSY = "busy"
    """Another import of its source went on meanwhile, or its own took too long."""


HEALED_BY_TIME: Final = frozenset(
    {
        Reason.UNKNOWN_NAME,
        Reason.UNKNOWN_SOURCE,
        Reason.SOURCE_PAUSED,
        Reason.OTHER_RELEASE,
        Reason.FAULTY,
        Reason.BUSY,
    }
)
"""By what others do meanwhile: an item is registered, a source added, a request sent, we are upgraded."""


class HeldState(StrEnum):
    """What became of it."""

    HELD = "held"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


class UnknownHeldError(DemandError):
    """The actor's sites hold nothing of that number."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Something that shall wait."""

    site: str
    source: str
    origin: Origin
    name: str
    payload: bytes
    reason: Reason
    message: str


class MustWaitError(Exception):
    """Something that cannot be stored now."""

    def __init__(self, reason: Reason, message: str) -> None:
        """Keep why.

        Args:
            reason: As a word.
            message: The same for people.
        """
        super().__init__(message[:LONGEST_MESSAGE])
        self.reason = reason


class Held(NamedTuple):
    """Something that waits, or has waited."""

    held_id: int
    site: str
    source: str
    origin: str
    name: str
    """Of an order's line: document and line; of a message: its SHA-256."""
    payload: bytes
    """As it came."""
    reason: str
    message: str
    held_at: datetime
    due_at: datetime
    """When it is tried again."""
    tries: int
    state: str
    settled_at: datetime | None
    settled_by: str | None
    settled_because: str | None


def hold(conn: Connection, holdings: Iterable[Holding], *, now: datetime) -> int:
    """Let something wait; the same again changes nothing, nor does what a person discarded.

    Args:
        conn: In a transaction that shows its sites.
        holdings: It.
        now: The present.

    Returns:
        How much of it did not wait before.
    """
    added = 0
    places: set[tuple[str, str]] = set()
    for one in holdings:
        added += _SQL.change(
            conn,
            "hold",
            site=one.site,
            source=one.source,
            origin=one.origin.value,
            name=one.name,
            payload=one.payload,
            reason=one.reason.value,
            message=storable(one.message),
            due_at=_next_try(one.reason, 0, now),
        )
        places.add((one.site, one.source))
    if added:
        for site, source in sorted(places):
            _tell(conn, site, source)
    return added


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
    due_at = _next_try(reason, one.tries + 1, now)
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
    _SQL.change(conn, "source_is_busy", site=site, source=source, now=now, due_at=now + _FIRST_WAIT)


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
    words = " ".join(reason.split())
    if not 1 <= len(words) <= LONGEST_REASON or not words.isprintable():
        raise DemandError(f"reason {reason!r:.80}: expected 1 to {LONGEST_REASON} printable characters")
    if one.state == HeldState.HELD:
        _settle(conn, one, HeldState.DISCARDED, now=now, actor=actor.id, because=words)
        _record(conn, actor, "demand_held_discarded", one, {"reason": words})
    return _found(conn, held_id)


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


def _tell(conn: Connection, site: str, source: str) -> None:
    """Keep one ticket per source while something of it waits."""
    ((waiting, message),) = _SQL.tuples(conn, "how_many", site=site, source=source)
    key = f"demand_held:{site}/{source}"
    if not waiting:
        alerts.resolve(conn, [key])
        return
    summary = f"Demand of {source} waits ({waiting}): {message}"[:500]
    detail = {"source": source, "waiting": waiting}
    alerts.notice(conn, [Notice(key, "demand_held", Severity.WARNING, summary, site, dict(detail))])


def _record(conn: Connection, actor: Actor, action: str, one: Held, detail: dict[str, object]) -> None:
    told = {"source": one.source, "name": one.name, "why_held": one.reason, **detail}
    store.audit(conn, actor.id, action, f"demand_held:{one.held_id}", site=one.site, detail=told)


def storable(message: str) -> str:
    """Write words from outside so that a row can hold them.

    Args:
        message: Any text.

    Returns:
        At most `LONGEST_MESSAGE` characters, without NUL or half of a surrogate pair.
    """
    text = message.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
    return text[:LONGEST_MESSAGE] or "(no words)"


def _next_try(reason: Reason, tries: int, now: datetime) -> datetime:
    if reason not in HEALED_BY_TIME or tries > MOST_TRIES:
        return NEVER
    return now + min(_FIRST_WAIT * (1 << min(tries, 16)), LONGEST_WAIT)
