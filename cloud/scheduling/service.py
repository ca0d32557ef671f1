"""The scheduler: looks which slots are due, runs them once, turns the loops, and says what went wrong."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from cloud.db import Connection, OperationalError, in_transaction
from cloud.db.retry import Source
from cloud.identity.store import act_as
from cloud.runs.store import give_up_lost
from cloud.scheduling import store
from cloud.scheduling.claims import Claims
from cloud.scheduling.domain import Daily, Every, LostClaimError, Patience
from cloud.scheduling.job import Job, Occasion
from cloud.scheduling.loops import SCHEDULER, Loops, notice, resolve, ticket_key
from cloud.scheduling.store import Claim

LATE_S: Final = 300.0
"""A slot that begins later than this is said to be late."""
PAUSE_AFTER_CRASH_S: Final = 30.0
"""After a process of its own that ended badly, before the same slot is looked at again here."""
ERROR_LENGTH: Final = 2000

_AWAY: Final = ("08", "53300", "57P")
"""SQLSTATEs of a server that is not there or takes nobody in."""

log = structlog.get_logger()


@dataclass(slots=True)
class Turn:
    """One run of a job, as far as it came."""

    job: Job
    claim: Claim | None = None
    attempt: int = 0
    is_asked: bool = False
    """Whether somebody waits for it: nobody tries again by itself."""
    took_s: float = 0.0
    outcome: Mapping[str, Any] | None = None
    error: str | None = None


def is_away(error: OperationalError) -> bool:
    """Tell a database that is away from one that refuses or takes too long.

    Args:
        error: What a statement or connection raised.

    Returns:
        True if nothing can be said or done about the job itself.
    """
    return error.sqlstate is None or error.sqlstate.startswith(_AWAY)


class Scheduler:
    """Runs jobs whenever it is called; many of them on one database run each slot once."""

    def __init__(
        self,
        source: Source,
        jobs: Callable[[Connection], Sequence[Job]],
        *,
        name: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience: Patience | None = None,
        launch: Callable[[str, datetime], int] | None = None,
    ) -> None:
        """Prepare; nothing runs yet.

        Args:
            source: Of connections as the application.
            jobs: Gives the list of jobs; asked again from time to time, for sites and their zones change.
            name: Unique among schedulers, as ``host:pid:1f0c``.
            clock: Tells the time, by which slots are due; leases go by the database's.
            patience: How long to wait for what.
            launch: Runs a heavy job's slot in a process of its own and gives its exit status; without it
                heavy jobs run here.
        """
        self.patience = patience or Patience()
        self.claims = Claims(source, scheduler=name, patience=self.patience)
        self._source = source
        self._list = jobs
        self._clock = clock
        self._launch = launch
        self._loops = Loops(source, clock)
        self._known_since: dict[str, datetime] = {}
        self._registered: dict[str, tuple[str, datetime | None]] = {}
        self._over: dict[str, datetime] = {}
        self._not_before_s: dict[str, float] = {}
        self._is_away = False

    def refresh(self) -> list[Job]:
        """Ask for the list of jobs and make them known.

        Returns:
            The jobs to call `turn` for.
        """
        now = self._clock()

        def work(conn: Connection) -> tuple[list[Job], dict[str, datetime]]:
            jobs = list(self._list(conn))
            fresh = [job for job in jobs if self._registered.get(job.name) != _registration(job, now)]
            known_since = {
                job.name: _register(conn, job, now) for job in sorted(fresh, key=lambda job: job.name)
            }
            store.retire(conn, [job.name for job in jobs], now)
            store.sweep(conn)
            act_as(conn, SCHEDULER)
            give_up_lost(conn)
            return jobs, known_since

        jobs, known_since = in_transaction(self._source, work)
        self._known_since |= known_since
        self._registered = {job.name: _registration(job, now) for job in jobs}
        return jobs

    def turn(self, job: Job) -> Turn:
        """Run a job if it is its turn.

        Args:
            job: The job.

        Returns:
            What was done.
        """
        if isinstance(job.trigger, Every):
            return self._outliving(job, self._go_round)
        return self._outliving(job, self._look)

    def once(self, job: Job, slot: datetime, *, asked_by: str | None) -> Turn:
        """Run a slot now in this thread, if it can be had.

        Args:
            job: The job.
            slot: The slot; for a run that somebody asks for, the present.
            asked_by: Who asks; None if the clock does.

        Returns:
            What was done; without a claim the slot is another's or over.
        """
        return self._outliving(job, lambda turn: self._run_slot(turn, slot, asked_by=asked_by))

    def renew(self) -> None:
        """Keep what is held; while the database is away there is nothing to keep."""
        try:
            self.claims.renew()
        except OperationalError as error:
            self.database_away(error)
        else:
            self._database_back()

    def release(self) -> None:
        """Give everything back, so that others need not wait for leases to end."""
        try:
            self.claims.release()
        except OperationalError as error:
            self.database_away(error)

    def database_away(self, error: OperationalError) -> None:
        """Say once that the database is away.

        Args:
            error: How it showed.
        """
        if not self._is_away:
            log.warning("database_away", error=str(error))
        self._is_away = True

    def _database_back(self) -> None:
        if self._is_away:
            log.info("database_back")
        self._is_away = False

    def _outliving(self, job: Job, work: Callable[[Turn], None]) -> Turn:
        """Do a turn, whatever comes of it: the scheduler's loop, which no error of a job ends."""
        turn = Turn(job)
        try:
            work(turn)
        except Exception as error:  # noqa: BLE001  counted, told with its traceback, and tried again (STYLE 7)
            self._went_wrong(turn, error)
        return turn

    def _run(self, turn: Turn, occasion: Occasion) -> Mapping[str, Any]:
        began_s = time.monotonic()
        try:
            return turn.job.run(occasion)
        finally:
            turn.took_s = time.monotonic() - began_s

    def _go_round(self, turn: Turn) -> None:
        """Turn a loop, unless another scheduler has it or it waits after a failure."""
        name = turn.job.name
        if not self._loops.is_due(name) or not self.claims.holds(name):
            return
        turn.outcome = self._run(turn, Occasion(self._source, self._clock(), None))
        self._loops.went_round(name, turn.outcome, turn.took_s)
        self._database_back()

    def _look(self, turn: Turn) -> None:
        """Run the latest slot if it is due and open; remember slots that need no further look."""
        job, now = turn.job, self._clock()
        if not isinstance(job.trigger, Daily) or time.monotonic() < self._not_before_s.get(job.name, 0.0):
            return
        slot = job.trigger.latest(now)
        if slot <= self._over.get(job.name, datetime.min.replace(tzinfo=UTC)):
            return
        if slot < self._known_since[job.name] or not self._is_wanted(job, slot):
            return
        if job.is_heavy and self._launch is not None:
            status = self._launch(job.name, slot)
            if status:
                log.error("job_process_failed", job=job.name, slot=slot.isoformat(), status=status)
                self._not_before_s[job.name] = time.monotonic() + PAUSE_AFTER_CRASH_S
        else:
            self._run_slot(turn, slot, asked_by=None)

    def _is_wanted(self, job: Job, slot: datetime) -> bool:
        """Tell whether a slot is open, its forerunner's is over, and it has attempts left."""

        def work(conn: Connection) -> bool:
            state = store.slot_state(conn, job.name, slot)
            if state is not None and state.is_over:
                self._over[job.name] = slot
                return False
            if state is not None and state.is_free and state.attempts >= self.patience.attempts:
                self._give_up(conn, job, slot, held=None, error=None)
                return False
            if state is not None and not state.is_free:
                return False
            return job.after is None or not store.is_open(conn, job.after, slot)

        return in_transaction(self._source, work)

    def _run_slot(self, turn: Turn, slot: datetime, *, asked_by: str | None) -> None:
        job = turn.job
        known_since = self._known_since.get(job.name, slot)
        turn.is_asked = asked_by is not None
        taken = self.claims.take(job, slot, known_since=known_since, asked_by=asked_by)
        if taken is None:
            return
        turn.claim, turn.attempt, missed = taken
        if missed:
            log.warning("slots_missed", job=job.name, slots=len(missed), caught_up_by=slot.isoformat())
        late_s = (self._clock() - slot).total_seconds()
        if late_s > LATE_S:
            log.warning("slot_late", job=job.name, slot=slot.isoformat(), late_s=round(late_s))
        occasion = Occasion(self._source, self._clock(), slot, self.claims.finisher(turn.claim))
        with self.claims.kept(turn.claim):
            outcome, held = self._run(turn, occasion), turn.claim
            in_transaction(self._source, lambda conn: self._close(conn, held, outcome))
        turn.outcome = outcome
        log.info(
            "slot_done",
            job=job.name,
            slot=slot.isoformat(),
            took_s=round(turn.took_s, 3),
            attempt=turn.attempt,
        )

    def _close(self, conn: Connection, held: Claim, outcome: Mapping[str, Any]) -> None:
        store.finish(conn, held, outcome)
        resolve(conn, ticket_key(held.job))

    def _went_wrong(self, turn: Turn, error: Exception) -> None:
        """Count and tell what happened; a slot is put off or given up."""
        turn.error = f"{type(error).__name__}: {error}".replace("\0", "\\0")[:ERROR_LENGTH]
        if isinstance(error, OperationalError) and is_away(error) and turn.claim is None:
            self.database_away(error)
            return
        if isinstance(error, LostClaimError):
            log.warning("slot_taken_over", job=turn.job.name, attempt=turn.attempt)
            return
        log.error("job_failed", job=turn.job.name, attempt=turn.attempt, exc_info=error)
        try:
            if isinstance(turn.job.trigger, Every) and turn.claim is None:
                self._loops.failed(turn.job.name, turn.job.trigger, turn.error, turn.took_s)
            elif turn.claim is not None:
                self._put_off(turn, turn.claim, turn.error)
        except OperationalError as away:
            self.database_away(away)

    def _put_off(self, turn: Turn, held: Claim, error: str) -> None:
        pauses = self.patience.retries

        def work(conn: Connection) -> None:
            if turn.is_asked:
                store.give_up(conn, held.job, held.slot, held=held, error=error, attempts=turn.attempt)
            elif turn.attempt <= len(pauses):
                store.put_off(conn, held, error, pauses[turn.attempt - 1])
            else:
                self._give_up(conn, turn.job, held.slot, held=held, error=error)

        in_transaction(self._source, work)

    def _give_up(
        self, conn: Connection, job: Job, slot: datetime, *, held: Claim | None, error: str | None
    ) -> None:
        why = store.give_up(conn, job.name, slot, held=held, error=error, attempts=self.patience.attempts)
        if why is not None:
            summary = f"{job.name} of {slot:%Y-%m-%d %H:%M} UTC was given up: {why}"
            notice(conn, ticket_key(job.name), summary)


def _registration(job: Job, now: datetime) -> tuple[str, datetime | None]:
    """What people are told of a job: its trigger and its next slot."""
    return str(job.trigger), job.trigger.following(now) if isinstance(job.trigger, Daily) else None


def _register(conn: Connection, job: Job, now: datetime) -> datetime:
    trigger, following = _registration(job, now)
    is_slotted = isinstance(job.trigger, Daily)
    return store.register(conn, job.name, trigger=trigger, is_slotted=is_slotted, next_at=following, now=now)
