"""Jobs, slots and claims in the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from psycopg import Connection

from cloud.db import statements
from cloud.scheduling.domain import LostClaimError

_SQL: Final = statements("cloud.scheduling")


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to finish a slot."""

    job: str
    slot: datetime
    token: UUID
    """New with each claim: who was taken for dead holds an old one."""


class SlotState(NamedTuple):
    """A slot that somebody has claimed before."""

    state: str
    is_free: bool
    """Whether its lease is over."""
    attempts: int

    @property
    def is_over(self) -> bool:
        """Whether nobody needs to run it."""
        return self.state in {"done", "failed", "missed"}


@dataclass(frozen=True, slots=True)
class Told:
    """What a loop did since it was last told of."""

    runs: int
    failures: int
    last_at: datetime
    last_s: float
    outcome: Mapping[str, Any] | None
    error: str | None


def zones(conn: Connection) -> dict[str, list[str]]:
    """List the time zones of the sites.

    Args:
        conn: In a transaction.

    Returns:
        Site ids by zone.
    """
    return dict(conn.execute(_SQL["zones"]).fetchall())


def register(
    conn: Connection, job: str, *, trigger: str, is_slotted: bool, next_at: datetime | None, now: datetime
) -> datetime:
    """Make a job known.

    Args:
        conn: In a transaction.
        job: Its name.
        trigger: For people.
        is_slotted: Whether it has slots.
        next_at: Its next slot.
        now: The present.

    Returns:
        Since when it is known; slots before that are nobody's.
    """
    given = {"job": job, "trigger": trigger, "is_slotted": is_slotted, "next_at": next_at, "now": now}
    row = conn.execute(_SQL["register"], given).fetchone()
    return row[0] if row else now


def retire(conn: Connection, jobs: Sequence[str], now: datetime) -> None:
    """Retire every job but some.

    Args:
        conn: In a transaction.
        jobs: Those that run.
        now: The present.
    """
    conn.execute(_SQL["retire"], {"jobs": list(jobs), "now": now})


def slot_state(conn: Connection, job: str, slot: datetime) -> SlotState | None:
    """Look at a slot.

    Args:
        conn: In a transaction.
        job: Name of the job.
        slot: Its slot.

    Returns:
        Its state, missed if a later one was run already; None if nobody has claimed it.
    """
    row = conn.execute(_SQL["slot_state"], {"job": job, "slot": slot}).fetchone()
    return SlotState(row[0], bool(row[1]), row[2]) if row else None


def is_open(conn: Connection, after: str, slot: datetime) -> bool:
    """Tell whether a job that must come first has still to do its slot.

    Args:
        conn: In a transaction.
        after: Its name.
        slot: The slot.

    Returns:
        True while it is known and the slot is not over.
    """
    row = conn.execute(_SQL["open_before"], {"after": after, "slot": slot}).fetchone()
    return bool(row and row[0])


def claim(
    conn: Connection,
    wanted: Claim,
    *,
    scheduler: str,
    lease: timedelta,
    attempts: int,
    asked_by: str | None,
) -> int | None:
    """Claim a slot that is nobody's or whose lease is over.

    Args:
        conn: In a transaction that the caller commits before it begins.
        wanted: Job, slot and a new token.
        scheduler: Who claims.
        lease: For how long, unless it is renewed.
        attempts: Most claims of a slot.
        asked_by: Who asked for it, if not the clock.

    Returns:
        Which attempt this is, or None if the slot cannot be had.
    """
    given = {
        "job": wanted.job,
        "slot": wanted.slot,
        "claim": wanted.token,
        "scheduler": scheduler,
        "lease": lease,
        "attempts": attempts,
        "asked_by": asked_by,
    }
    row = conn.execute(_SQL["claim"], given).fetchone()
    return int(row[0]) if row else None


def last_slot_before(conn: Connection, job: str, slot: datetime) -> datetime | None:
    """Find the slot before another that is known.

    Args:
        conn: In a transaction.
        job: Name of the job.
        slot: The later one.

    Returns:
        The earlier one, or None.
    """
    row = conn.execute(_SQL["last_slot_before"], {"job": job, "slot": slot}).fetchone()
    return row[0] if row else None


def miss(conn: Connection, job: str, missed: Sequence[datetime], slot: datetime) -> None:
    """Say of slots that nobody ran that a later one makes up for them.

    Args:
        conn: In the transaction that claims the later one.
        job: Name of the job.
        missed: Its slots.
        slot: The later one.
    """
    conn.execute(_SQL["miss"], {"job": job, "missed": list(missed), "slot": slot})


def supersede(conn: Connection, job: str, slot: datetime) -> None:
    """Give up earlier slots that wait to be tried again: a later one makes up for them.

    Args:
        conn: In the transaction that claims the later one.
        job: Name of the job.
        slot: The later slot.
    """
    conn.execute(_SQL["supersede"], {"job": job, "slot": slot})


def sweep(conn: Connection) -> None:
    """Give up slots that nobody will come back to.

    Args:
        conn: In a transaction.
    """
    conn.execute(_SQL["sweep"])


def renew(conn: Connection, claims: Sequence[Claim], lease: timedelta) -> None:
    """Keep claims.

    Args:
        conn: In a transaction.
        claims: Of runs that go on.
        lease: For how long from now.
    """
    given = {
        "claims": [held.token for held in claims],
        "jobs": [held.job for held in claims],
        "slots": [held.slot for held in claims],
        "lease": lease,
    }
    conn.execute(_SQL["renew"], given)


def finish(conn: Connection, held: Claim, outcome: Mapping[str, Any]) -> None:
    """Mark a slot done.

    Args:
        conn: In the transaction that holds the effect.
        held: The claim.
        outcome: What came of it.

    Raises:
        LostClaimError: If somebody took the slot over.
    """
    given = {
        "job": held.job,
        "slot": held.slot,
        "claim": held.token,
        "outcome": orjson.dumps(outcome, default=str, option=orjson.OPT_NON_STR_KEYS).decode(),
    }
    if conn.execute(_SQL["finish"], given).rowcount == 1:
        return
    row = conn.execute(_SQL["is_finished"], given).fetchone()
    if row is None or not row[0]:
        raise LostClaimError(f"{held.job}: slot {held.slot:%Y-%m-%d %H:%M:%S} UTC was taken over meanwhile")


def put_off(conn: Connection, held: Claim, error: str, pause: timedelta) -> None:
    """Leave a slot that failed to a later attempt.

    Args:
        conn: In a transaction.
        held: The claim.
        error: Why it failed.
        pause: After which anybody may try again.
    """
    given = {"job": held.job, "slot": held.slot, "claim": held.token, "error": error, "pause": pause}
    conn.execute(_SQL["put_off"], given)


def give_up(
    conn: Connection, job: str, slot: datetime, *, held: Claim | None, error: str | None, attempts: int
) -> str | None:
    """Mark a slot failed for good.

    Args:
        conn: In a transaction.
        job: Name of the job.
        slot: Its slot.
        held: Our claim; without one only a slot without attempts left is given up.
        error: Why, if it is known.
        attempts: Most claims of a slot.

    Returns:
        Why it failed; None if it was not to be given up.
    """
    given = {
        "job": job,
        "slot": slot,
        "claim": held.token if held else None,
        "error": error,
        "attempts": attempts,
    }
    row = conn.execute(_SQL["give_up"], given).fetchone()
    return str(row[0]) if row else None


def release(conn: Connection, claims: Sequence[Claim]) -> None:
    """Give claims back; the attempt does not count.

    Args:
        conn: In a transaction.
        claims: Of runs that were interrupted.
    """
    conn.execute(_SQL["release"], {"claims": [held.token for held in claims]})


def hold(conn: Connection, job: str, scheduler: str, lease: timedelta) -> bool:
    """Take or keep a loop.

    Args:
        conn: In a transaction.
        job: Its name.
        scheduler: Who.
        lease: For how long.

    Returns:
        False if another scheduler has it.
    """
    return conn.execute(_SQL["hold"], {"job": job, "scheduler": scheduler, "lease": lease}).rowcount == 1


def let_go(conn: Connection, scheduler: str) -> None:
    """Give all loops back.

    Args:
        conn: In a transaction.
        scheduler: Whose.
    """
    conn.execute(_SQL["let_go"], {"scheduler": scheduler})


def tell(conn: Connection, job: str, told: Told) -> None:
    """Keep how a loop fares.

    Args:
        conn: In a transaction.
        job: Its name.
        told: Since it was last told.
    """
    given = {
        "job": job,
        "runs": told.runs,
        "failures": told.failures,
        "last_at": told.last_at,
        "last_s": told.last_s,
        "last_outcome": None if told.outcome is None else orjson.dumps(told.outcome, default=str).decode(),
        "last_error": told.error,
    }
    conn.execute(_SQL["tell"], given)
