"""When did it happen: one pure function from what the edge sent to the effective time (PROTOCOL P2)."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

OLDEST_BELIEVABLE: Final = timedelta(days=400)
"""A claimed time further back than this before receipt is not believed."""


class TimeBasis(StrEnum):
    """What an effective time rests on, best first."""

    CLAIMED = "claimed"
    MONOTONIC = "monotonic"
    RECEIVED = "received"


class EffectiveTime(NamedTuple):
    """The time the ledger files an event under, and why."""

    at: datetime
    basis: TimeBasis


def effective_occurred_at(
    *,
    claimed_at: datetime,
    clock_ok: bool,
    mono_ns: int,
    boot_id: str,
    sent_mono_ns: int,
    sent_boot_id: str,
    received_at: datetime,
) -> EffectiveTime:
    """Decide the time under which the ledger files an event, so that no clock of 1970 reaches a partition.

    The claimed time if the edge clock was good and the claim lies within [received - 400 d, received];
    else the time of receipt less the event's age by the monotonic clock, if both come from one boot;
    else the time of receipt.

    Args:
        claimed_at: The edge clock's time of the event; aware.
        clock_ok: Whether the edge says its clock was synchronised.
        mono_ns: Monotonic clock at the event, in nanoseconds.
        boot_id: Boot in which ``mono_ns`` was read.
        sent_mono_ns: Monotonic clock at sending, in nanoseconds.
        sent_boot_id: Boot in which ``sent_mono_ns`` was read.
        received_at: The cloud's clock at receipt; aware.

    Returns:
        The effective time, never after ``received_at`` nor more than 400 days before it, and its basis.

    Examples:
        >>> from datetime import UTC, datetime
        >>> effective_occurred_at(
        ...     claimed_at=datetime(1970, 1, 1, tzinfo=UTC), clock_ok=True, mono_ns=5_000_000_000,
        ...     boot_id="a", sent_mono_ns=65_000_000_000, sent_boot_id="a",
        ...     received_at=datetime(2026, 1, 1, 12, tzinfo=UTC)).at.isoformat()
        '2026-01-01T11:59:00+00:00'
    """
    oldest_at = received_at - OLDEST_BELIEVABLE
    if clock_ok and oldest_at <= claimed_at <= received_at:
        return EffectiveTime(claimed_at, TimeBasis.CLAIMED)
    if boot_id == sent_boot_id and 0 <= sent_mono_ns - mono_ns <= OLDEST_BELIEVABLE.total_seconds() * 1e9:
        age = timedelta(microseconds=(sent_mono_ns - mono_ns) // 1000)
        return EffectiveTime(received_at - age, TimeBasis.MONOTONIC)
    return EffectiveTime(received_at, TimeBasis.RECEIVED)
