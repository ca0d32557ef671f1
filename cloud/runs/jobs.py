"""What schedulers run and what came of it, for people to read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.runs import store
from cloud.runs.domain import READERS


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job with its last slot, or a loop with what it did."""

    job: str
    trigger: str
    is_slotted: bool
    next_at: datetime | None
    known_since: datetime
    lease_until: datetime | None
    is_held: bool | None
    """Of a loop: whether a scheduler that lives turns it."""
    holder: str | None
    runs: int
    failures: int
    last_at: datetime | None
    last_s: float | None
    last_outcome: Mapping[str, Any] | None
    last_error: str | None
    failing_since: datetime | None
    slot: datetime | None
    state: str | None
    started_at: datetime | None
    finished_at: datetime | None
    attempts: int | None
    outcome: Mapping[str, Any] | None
    error: str | None

    @property
    def condition(self) -> str:
        """In one word: ``waiting`` first; then a loop is ``running``, ``failing`` or ``stopped``."""
        if self.is_slotted:
            return self.state or "waiting"
        if not self.is_held:
            return "stopped" if self.last_at else "waiting"
        return "failing" if self.failing_since else "running"

    @property
    def due_at(self) -> datetime:
        """When it should have run, or will next; of a loop, when its scheduler should have renewed it."""
        told = self.next_at if self.is_slotted else self.lease_until
        return told or self.last_at or self.known_since

    @property
    def said(self) -> str:
        """Say it to people on one line."""
        if not self.is_slotted:
            return f"{self.condition}, {self.runs} rounds, {self.failures} failures"
        if self.slot is None:
            return "waiting for its first slot"
        took = f" in {duration_words(self.duration)}" if self.duration is not None else ""
        return f"{self.condition}{took}, slot {self.slot:%Y-%m-%d %H:%M} UTC"

    @property
    def duration(self) -> timedelta | None:
        """How long the last slot took; None while it runs."""
        return self.finished_at - self.started_at if self.finished_at and self.started_at else None


@dataclass(frozen=True, slots=True)
class SlotRow:
    """One slot of a job."""

    job: str
    slot: datetime
    state: str
    """``running``, ``retrying``, ``done``, ``failed`` or ``missed``: a later slot made up for it."""
    started_at: datetime
    """Of the last attempt."""
    finished_at: datetime | None
    attempts: int
    scheduler: str | None
    asked_by: str | None
    outcome: Mapping[str, Any] | None
    error: str | None

    @property
    def duration(self) -> timedelta | None:
        """How long the last attempt took; None while it runs and where nothing ran."""
        return self.finished_at - self.started_at if self.finished_at and self.attempts else None

    @property
    def delay(self) -> timedelta:
        """How long after its slot it began."""
        return self.started_at - self.slot


class SlotKey(NamedTuple):
    """Place of a slot in the list, the latest first."""

    started_at: datetime
    job: str
    slot: datetime


def jobs(conn: Connection, actor: Actor) -> list[JobRow]:
    """List the jobs, loops first.

    Args:
        conn: In a transaction.
        actor: Who asks.

    Returns:
        The jobs by name.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS)
    return store.rows(conn, JobRow, "jobs")


def slots(
    conn: Connection,
    actor: Actor,
    *,
    job: str | None = None,
    state: str | None = None,
    before: SlotKey | None = None,
    limit: int,
) -> list[SlotRow]:
    """List what came of slots, the latest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        job: Only of this job.
        state: Only in this state.
        before: The last one of the page before.
        limit: Most to give.

    Returns:
        The slots.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS)
    return store.rows(
        conn,
        SlotRow,
        "slots",
        job=job,
        state=state,
        before_at=before.started_at if before else None,
        before_job=before.job if before else None,
        before_slot=before.slot if before else None,
        limit=limit,
    )


def duration_words(took: timedelta) -> str:
    """Write a duration for people.

    Args:
        took: Not negative.

    Returns:
        Milliseconds, seconds or minutes.

    Examples:
        >>> [duration_words(timedelta(seconds=s)) for s in (0.0123, 4.56, 75)]
        ['12 ms', '4.6 s', '1 min 15 s']
    """
    seconds = took.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:  # noqa: PLR2004  a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
