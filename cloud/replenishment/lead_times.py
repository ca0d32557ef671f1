"""How long a supplier takes: promises and past receipts in, a distribution of elapsed days out; pure."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from typing import Final

DEFAULT_LEAD_TIME_DAYS: Final = 7
"""Where nobody promised one; every answer that rests on it says so."""
ENOUGH_RECEIPTS: Final = 8
"""From so many receipts on what a supplier did counts, not what it promised."""
UPPER: Final = 0.95
"""Share of deliveries that a protection interval waits for."""
_MOST_RECEIPTS: Final = 52
_ALMOST: Final = 1e-9


@dataclass(frozen=True, slots=True)
class LeadTime:
    """Elapsed days from an order sent to its goods received, with their probabilities."""

    days: tuple[int, ...]
    """Ascending; 0 is the same day."""
    probability: tuple[float, ...]
    """Of each; they sum to 1."""
    source: str
    """``observed``, ``promised`` or ``default``."""
    samples: int = 0
    """How many receipts it rests on."""

    @property
    def mean(self) -> float:
        """Expected days."""
        return sum(day * share for day, share in zip(self.days, self.probability, strict=True))

    @property
    def planned(self) -> int:
        """Whole days within which a delivery is expected."""
        return ceil(self.mean - _ALMOST)

    def upper(self, share: float = UPPER) -> int:
        """Give the days within which a share of deliveries comes.

        Args:
            share: Of deliveries.

        Returns:
            Days.
        """
        reached = 0.0
        for day, probability in zip(self.days, self.probability, strict=True):
            reached += probability
            if reached >= share - _ALMOST:
                return day
        return self.days[-1]

    def waiting(self, days: int) -> "LeadTime":
        """Begin later: the order goes out only after some days.

        Args:
            days: >= 0.

        Returns:
            The same, later by so many days.
        """
        return LeadTime(tuple(day + days for day in self.days), self.probability, self.source, self.samples)


def promised(days: int | None) -> LeadTime:
    """Take a supplier at its word.

    Args:
        days: Elapsed days promised, 0 included; None if nobody promised any.

    Returns:
        A distribution of one value.

    Examples:
        >>> promised(0).days, promised(None).days, promised(None).source
        ((0,), (7,), 'default')
    """
    if days is None:
        return LeadTime((DEFAULT_LEAD_TIME_DAYS,), (1.0,), "default")
    return LeadTime((days,), (1.0,), "promised")


def observed(days: Sequence[int]) -> LeadTime | None:
    """Take what a supplier did, once it did so often enough.

    Args:
        days: Elapsed days of its receipts, the latest last.

    Returns:
        The distribution of the last 52; None if there are fewer than 8.

    Examples:
        >>> observed([5, 5, 5, 9, 5, 5, 5, 9]).probability
        (0.75, 0.25)
    """
    if len(days) < ENOUGH_RECEIPTS:
        return None
    counted = Counter(max(0, day) for day in days[-_MOST_RECEIPTS:])
    total = counted.total()
    ascending = tuple(sorted(counted))
    return LeadTime(ascending, tuple(counted[day] / total for day in ascending), "observed", total)


def elapsed(start: date, days: int, *, working_days: Collection[int]) -> int:
    """Count how many days it takes until so many of a supplier's working days have passed.

    Args:
        start: The day on which the order is sent.
        days: Working days promised, >= 0.
        working_days: ISO weekdays, Monday 1; at least one.

    Returns:
        Elapsed days.

    Examples:
        Three working days from a Thursday end on the Tuesday after:
        >>> elapsed(date(2026, 11, 26), 3, working_days={1, 2, 3, 4, 5})
        5
    """
    reached = start
    for _ in range(days):
        reached += timedelta(1)
        while reached.isoweekday() not in working_days:
            reached += timedelta(1)
    return (reached - start).days


def next_order_day(today: date, order_days: Collection[int]) -> date:
    """Find the next day on which a supplier takes orders.

    Args:
        today: The site's day.
        order_days: ISO weekdays, Monday 1; at least one.

    Returns:
        Today or one of the six days after it.

    Examples:
        >>> next_order_day(date(2026, 11, 26), {2})
        datetime.date(2026, 12, 1)
    """
    return next(
        day for day in (today + timedelta(ahead) for ahead in range(7)) if day.isoweekday() in order_days
    )


def late_arrival(lead_time: LeadTime, sent_on: date, today: date) -> date | None:
    """Say when an order that should be there is likely to come, by how its supplier's slower ones came.

    Args:
        lead_time: Of its supplier.
        sent_on: When it was sent.
        today: The site's day.

    Returns:
        The day; None if nothing was observed, or none took so long yet.

    Examples:
        Sent 10 days ago; of the deliveries that took longer one took 12 days and one 16:
        >>> known = LeadTime((7, 12, 16), (0.5, 0.25, 0.25), "observed", 8)
        >>> late_arrival(known, date(2026, 2, 22), date(2026, 3, 4))
        datetime.date(2026, 3, 8)
    """
    so_far = (today - sent_on).days
    slower = [
        (day, share)
        for day, share in zip(lead_time.days, lead_time.probability, strict=True)
        if day > so_far and lead_time.source == "observed"
    ]
    if not slower:
        return None
    mean = sum(day * share for day, share in slower) / sum(share for _, share in slower)
    return today + timedelta(ceil(mean - so_far - _ALMOST))
