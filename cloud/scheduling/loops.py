"""The loops of one scheduler: when each goes round, how it fares, and when a person should hear of it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.scheduling import store
from cloud.scheduling.domain import Every, pause_after
from cloud.scheduling.store import Told

SCHEDULER: Final = Actor("job:scheduler", frozenset({Role.DEVICE}), all_sites=True)
TELL_EVERY_S: Final = 5.0
FAILURES_UNTIL_TICKET: Final = 5
"""Failures in a row that a person should hear of."""


@dataclass(slots=True)
class Loop:
    """How one loop fares."""

    due_s: float = 0.0
    failures: int = 0
    """In a row."""
    told_s: float = 0.0
    runs_untold: int = 0
    failures_untold: int = 0


class Loops:
    """Keeps count of loops; each is touched by one thread at a time."""

    def __init__(self, source: Source, clock: Callable[[], datetime]) -> None:
        """Begin with none.

        Args:
            source: Of connections as the application.
            clock: Tells the time.
        """
        self._source = source
        self._clock = clock
        self._loops: dict[str, Loop] = {}

    def is_due(self, job: str) -> bool:
        """Tell whether a loop that failed has waited long enough.

        Args:
            job: Its name.

        Returns:
            True if it may go round.
        """
        return time.monotonic() >= self._loops.setdefault(job, Loop()).due_s

    def went_round(self, job: str, outcome: Mapping[str, Any], took_s: float) -> None:
        """Count a round; the database hears of it every few seconds, and at once after a failure.

        Args:
            job: Name of the loop.
            outcome: What came of it.
            took_s: How long it took, in seconds.
        """
        loop = self._loops[job]
        had_failed, loop.failures = loop.failures, 0
        loop.runs_untold += 1
        if had_failed >= FAILURES_UNTIL_TICKET:
            in_transaction(self._source, lambda conn: resolve(conn, ticket_key(job)))
        if had_failed or time.monotonic() - loop.told_s >= TELL_EVERY_S:
            self._tell(job, loop, took_s, outcome=outcome, error=None)

    def failed(self, job: str, trigger: Every, error: str, took_s: float) -> None:
        """Count a failure, and put the next round off.

        Args:
            job: Name of the loop.
            trigger: How often it goes round.
            error: What happened.
            took_s: How long it took, in seconds.
        """
        loop = self._loops[job]
        loop.failures += 1
        loop.failures_untold += 1
        loop.due_s = time.monotonic() + pause_after(loop.failures, trigger.interval).total_seconds()
        if loop.failures == FAILURES_UNTIL_TICKET:
            summary = f"{job} has failed {loop.failures} times in a row: {error}"
            in_transaction(self._source, lambda conn: notice(conn, ticket_key(job), summary))
        self._tell(job, loop, took_s, outcome=None, error=error)

    def _tell(
        self, job: str, loop: Loop, took_s: float, *, outcome: Mapping[str, Any] | None, error: str | None
    ) -> None:
        told = Told(loop.runs_untold, loop.failures_untold, self._clock(), took_s, outcome, error)
        in_transaction(self._source, lambda conn: store.tell(conn, job, told))
        loop.runs_untold = loop.failures_untold = 0
        loop.told_s = time.monotonic()


def ticket_key(job: str) -> str:
    """Name the one ticket about a job."""
    return f"job_failed:{job}"


def notice(conn: Connection, key: str, summary: str) -> None:
    """Tell people of a job that does not work.

    Args:
        conn: In a transaction.
        key: Of the ticket.
        summary: What is wrong.
    """
    act_as(conn, SCHEDULER)
    alerts.notice(conn, [Notice(key, "job_failed", Severity.CRITICAL, summary)])


def resolve(conn: Connection, key: str) -> None:
    """Close the ticket of a job that works again.

    Args:
        conn: In a transaction.
        key: Of the ticket.
    """
    act_as(conn, SCHEDULER)
    alerts.resolve(conn, [key])
