"""When jobs are due: a clock's reading in, slots out, across clock changes too. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from typing_extensions import override

_DAY: Final = timedelta(days=1)


class SchedulingError(Exception):
    """A job or slot is not as it must be; the message says what was expected."""


class LostClaimError(SchedulingError):
    """Another scheduler took the slot over; what this one did must not count."""


@dataclass(frozen=True, slots=True)
class Every:
    """A loop: again and again, with no slot of its own."""

    interval: timedelta

    @override
    def __str__(self) -> str:
        """Say it to people."""
        return f"every {self.interval.total_seconds():g} s"


@dataclass(frozen=True, slots=True)
class Daily:
    """Once each local day, at a time of the wall clock.

    A day of 23 or 25 hours has one slot like any other. A time that the clock skips is taken as the instant
    as long after midnight as it would have been; of a time that comes twice, the first counts.

    Examples:
        >>> nightly = Daily(time(2, 30), "Europe/Berlin")
        >>> [f"{nightly.on(date(2026, 3, day)):%d %H:%M}" for day in (28, 29, 30)]
        ['28 01:30', '29 01:30', '30 00:30']
        >>> [f"{nightly.on(date(2026, 10, day)):%d %H:%M}" for day in (24, 25, 26)]
        ['24 00:30', '25 00:30', '26 01:30']
    """

    at: time
    """Of the wall clock; without a zone."""
    zone: str
    """IANA name, as ``Europe/Madrid``."""

    @override
    def __str__(self) -> str:
        """Say it to people."""
        return f"daily at {self.at:%H:%M} {self.zone}"

    def on(self, day: date) -> datetime:
        """Give the slot of a local day.

        Args:
            day: Of the zone's calendar.

        Returns:
            The instant in UTC.
        """
        return datetime.combine(day, self.at, ZoneInfo(self.zone)).astimezone(UTC)

    def latest(self, now: datetime) -> datetime:
        """Give the last slot that is due.

        Args:
            now: Aware.

        Returns:
            The slot at or before it.
        """
        day = now.astimezone(ZoneInfo(self.zone)).date() + _DAY
        while (slot := self.on(day)) > now:
            day -= _DAY
        return slot

    def following(self, now: datetime) -> datetime:
        """Give the next slot.

        Args:
            now: Aware.

        Returns:
            The first slot after it.
        """
        day = now.astimezone(ZoneInfo(self.zone)).date() - _DAY
        while (slot := self.on(day)) <= now:
            day += _DAY
        return slot

    def between(self, after: datetime, before: datetime) -> Iterator[datetime]:
        """Give the slots strictly between two instants.

        Args:
            after: Aware.
            before: Aware.

        Yields:
            Slots in order.
        """
        slot = self.following(after)
        while slot < before:
            yield slot
            slot = self.following(slot)


Trigger = Every | Daily


@dataclass(frozen=True, slots=True)
class Patience:
    """How long schedulers wait for what."""

    lease: timedelta = timedelta(seconds=60)
    """A scheduler that did not renew its claim for so long is taken for dead."""
    retries: tuple[timedelta, ...] = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
    """Pauses after a run that failed; then the slot is given up and a ticket says so."""
    look: timedelta = timedelta(seconds=1)
    """How often a slotted job is looked at."""

    @property
    def attempts(self) -> int:
        """Most runs of a slot, those that were killed included."""
        return len(self.retries) + 1


def pause_after(failures: int, interval: timedelta) -> timedelta:
    """Say how long a loop that failed waits.

    Args:
        failures: In a row; >= 0.
        interval: Of the loop.

    Returns:
        The interval, doubled with each failure, at most a minute unless the interval is longer.

    Examples:
        >>> [pause_after(n, timedelta(seconds=2)).total_seconds() for n in (0, 1, 4, 99)]
        [2.0, 4.0, 32.0, 60.0]
    """
    return max(interval, min(interval * (1 << min(failures, 16)), timedelta(minutes=1)))
