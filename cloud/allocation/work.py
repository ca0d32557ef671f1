"""What people ask of waves, tasks and shorts, and a task that is called off."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from cloud.allocation import store
from cloud.allocation.domain import KEEPERS, READERS, ConflictingClaimError, UnknownClaimError
from cloud.allocation.sending import tell_of
from cloud.allocation.store import OpenClaim
from cloud.allocation.taking_back import end_tasks, withdraw
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import audit

FIRST_WAVE: Final = 2**62


@dataclass(frozen=True, slots=True)
class WaveRow:
    """Picks that were released together."""

    wave_id: int
    site: str
    time_zone: str
    gateway: str
    to_location: str
    asked: Mapping[str, Any]
    created_at: datetime
    created_by: str
    tasks: int
    open_tasks: int
    lines: int
    done_lines: int
    short_lines: int


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task and how far it is."""

    task: str
    site: str
    time_zone: str
    gateway: str
    wave_id: int | None
    kind: str
    expires_at: datetime
    created_at: datetime
    created_by: str
    ended_at: datetime | None
    ended_because: str | None
    documents: str | None
    lines: int
    done_lines: int
    short_lines: int
    last_at: datetime | None
    actor: str | None
    """Who did something of it last."""


@dataclass(frozen=True, slots=True)
class LineOfTask:
    """A line of a task and what became of it, in base units."""

    task: str
    number: int
    type: str | None
    id: str | None
    line: str | None
    item: str
    item_name: str | None
    base_unit: str
    lot: str | None
    expires_on: date | None
    from_location: str
    unit: str | None
    to_location: str
    quantity: Decimal
    picked: Decimal
    short: Decimal
    withdrawn: Decimal
    open: Decimal
    reason: str | None
    last_at: datetime | None
    actor: str | None
    why: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class ShortRow:
    """A pick that found less than the book said."""

    task: str
    number: int
    occurred_at: datetime
    actor: str | None
    reason: str | None
    quantity: Decimal
    item: str
    base_unit: str
    location: str
    lot: str | None
    type: str | None
    id: str | None
    line: str | None
    site: str
    time_zone: str
    is_doubted: bool
    """Whether nobody has counted the place since."""


def waves(
    conn: Connection, actor: Actor, *, site: str | None = None, before: int = FIRST_WAVE, limit: int
) -> list[WaveRow]:
    """List waves, the latest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        before: The last one of the page before.
        limit: Most to give.

    Returns:
        The waves.

    Raises:
        NotAllowedError: If the actor may not.
    """
    _see(conn, actor, site)
    return store.rows(conn, WaveRow, "waves", site=site, before=before, limit=limit)


def tasks(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    wave: int | None = None,
    open_only: bool = False,
    before: str = "",
    limit: int,
) -> list[TaskRow]:
    """List tasks, the latest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        wave: Only of this wave.
        open_only: Only those not ended.
        before: The last one of the page before.
        limit: Most to give.

    Returns:
        The tasks.

    Raises:
        NotAllowedError: If the actor may not.
    """
    _see(conn, actor, site)
    return _tasks(conn, site=site, wave=wave, task=None, open_only=open_only, before=before, limit=limit)


def task(conn: Connection, actor: Actor, *, name: str) -> tuple[TaskRow, list[LineOfTask]]:
    """Give a task with its lines.

    Args:
        conn: In a transaction.
        actor: Who asks.
        name: The task.

    Returns:
        The task, and its lines as they are walked.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownClaimError: If the actor's sites hold no such task.
    """
    _see(conn, actor, None)
    found = _tasks(conn, site=None, wave=None, task=name, open_only=False, before="", limit=1)
    if not found:
        raise UnknownClaimError(f"there is no task {name!r}")
    return found[0], store.rows(conn, LineOfTask, "lines_of_task", task=name)


def shorts(conn: Connection, actor: Actor, *, site: str | None = None, limit: int) -> list[ShortRow]:
    """List picks that found less than the book said, the latest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        limit: Most to give.

    Returns:
        The shorts.

    Raises:
        NotAllowedError: If the actor may not.
    """
    _see(conn, actor, site)
    return store.rows(conn, ShortRow, "shorts", site=site, limit=limit)


def call_off(conn: Connection, actor: Actor, *, site: str, name: str, now: datetime) -> None:
    """Call a task off: what is not picked of it is let go, and its gateway is told.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        site: Its site.
        name: The task.
        now: The present.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownClaimError: If the site has no such task.
        ConflictingClaimError: If it has ended.
    """
    actor.require(*KEEPERS, site=site)
    act_as(conn, actor)
    known = _tasks(conn, site=site, wave=None, task=name, open_only=False, before="", limit=1)
    if not known:
        raise UnknownClaimError(f"there is no task {name!r} at site {site!r}")
    items = [row[0] for row in store.tuples(conn, "items_of_task", task=name)]
    store.lock_items(conn, site, items)
    if not store.tuples(conn, "open_task", task=name, site=site):
        raise ConflictingClaimError(f"task {name!r} has ended: expected one that is open")
    held = store.rows(conn, OpenClaim, "claims_of_task", task=name)
    withdraw(conn, held, by=actor.id, because="task_called_off", now=now)
    rest = [
        (line.number, line.open)
        for line in store.rows(conn, LineOfTask, "lines_of_task", task=name)
        if line.open > 0
    ]
    if rest:  # lines to fill up a pick face claim nothing
        asked = {"now": now, "actor": actor.id, "because": "task_called_off"}
        columns = {"numbers": [number for number, _ in rest], "quantities": [open_ for _, open_ in rest]}
        store.change(conn, "withdraw_lines", tasks=[name] * len(rest), **columns, **asked)
    end_tasks(conn, [name])
    tell_of(conn, [name], sent_by=actor.id, now=now)
    audit(conn, actor.id, "task_called_off", f"task:{name}", site=site, detail={"claims": len(held)})


def _tasks(
    conn: Connection,
    *,
    site: str | None,
    wave: int | None,
    task: str | None,
    open_only: bool,
    before: str,
    limit: int,
) -> list[TaskRow]:
    asked = {"site": site, "wave": wave, "task": task, "open_only": open_only, "limit": limit}
    return store.rows(conn, TaskRow, "tasks", **asked, before=before)


def _see(conn: Connection, actor: Actor, site: str | None) -> None:
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
