"""What is there and what comes in time: stock, open orders by due date, customers' orders; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from cloud.replenishment.curves import Floats

CONSUME_BACK_DAYS: Final = 7
CONSUME_AHEAD_DAYS: Final = 7
"""Within so many days around it an order is a part of the forecast (APICS; DOMAIN D10)."""


@dataclass(frozen=True, slots=True)
class OpenLine:
    """What is still to come of an order that was sent."""

    order: str
    line: str
    supplier: str
    quantity: float
    """Not received yet, in base units."""
    due_on: date
    sent_at: str
    """When it was sent, as the arithmetic shows it."""
    late_on: date | None = None
    """Of an overdue one: when it is expected instead; None: nothing tells, so as if it came today."""
    is_transfer: bool = False
    """It comes from a site of ours."""

    @property
    def expected_on(self) -> date:
        """The day on which it counts as coming; one that is past means today."""
        return self.late_on or self.due_on


@dataclass(frozen=True, slots=True)
class CustomerOrder:
    """Goods that a customer ordered and that have not departed."""

    order: str
    quantity: float
    due_on: date


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a site of ours draws from this one: dependent demand, in no forecast."""

    to_site: str
    transfer: str | None
    """None: it is planned."""
    quantity: float
    due_on: date


@dataclass(frozen=True, slots=True)
class Position:
    """An inventory position that knows when its parts come."""

    on_hand: float
    in_time: tuple[OpenLine, ...]
    """Expected by the end of the protection interval."""
    too_late: tuple[OpenLine, ...]
    """Expected after it: they cover nothing now."""
    beyond_forecast: float
    """What customers ordered and the forecast around it does not hold."""
    dependent: float = 0.0
    """What sites of ours draw by the end of the protection interval."""

    @property
    def level(self) -> float:
        """What covers the demand of the protection interval, in base units."""
        coming = sum(line.quantity for line in self.in_time)
        return self.on_hand + coming - self.beyond_forecast - self.dependent


def split_by_due(
    lines: Sequence[OpenLine], *, until: date
) -> tuple[tuple[OpenLine, ...], tuple[OpenLine, ...]]:
    """Tell which open orders come in time.

    Args:
        lines: Open lines of a cell.
        until: End of the protection interval; due that day is in time.

    Returns:
        Those in time and those too late, by due date.

    Examples:
        An order due in half a year hides no shortage (OCA #582):
        >>> far = OpenLine("PO-1", "1", "ACME", 500.0, date(2027, 5, 1), "2026-11-01")
        >>> in_time, too_late = split_by_due([far], until=date(2026, 12, 10))
        >>> len(in_time), len(too_late)
        (0, 1)
    """
    ordered = sorted(lines, key=lambda line: (line.expected_on, line.order, line.line))
    return (
        tuple(line for line in ordered if line.expected_on <= until),
        tuple(line for line in ordered if line.expected_on > until),
    )


def consume(mean: Floats, orders: Sequence[tuple[int, float]]) -> Floats:
    """Let customers' orders use up the forecast around their days; what remains is beyond it.

    Each order takes from its own day, then back up to 7 days, then ahead up to 7 days, no day twice.

    Args:
        mean: Forecast by day from today, in base units.
        orders: Day from today (below 0: overdue, taken as today) and quantity of each, by day.

    Returns:
        By day what of its orders no forecast held.

    Examples:
        >>> consume(np.full(10, 2.0), [(3, 5.0), (3, 40.0)]).round(6).tolist()
        [0.0, 0.0, 0.0, 25.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    left = np.array(mean, dtype=np.float64)
    beyond = np.zeros(len(left))
    for due, quantity in sorted(orders):
        day = max(0, due)
        if day >= len(left):
            continue
        back = range(day, max(-1, day - CONSUME_BACK_DAYS - 1), -1)
        ahead = range(day + 1, min(len(left), day + CONSUME_AHEAD_DAYS + 1))
        rest = quantity
        for each in (*back, *ahead):
            taken = min(rest, float(left[each]))
            left[each] -= taken
            rest -= taken
        beyond[day] += rest
    return beyond


def by_day(requirements: Sequence[Requirement], today: date, days: int) -> Floats:
    """Sum what sites draw, day by day.

    Args:
        requirements: What they draw.
        today: The site's day; what was due before is due now.
        days: How far.

    Returns:
        By day from today.

    Examples:
        >>> planned = Requirement("york", None, 5.0, date(2026, 3, 6))
        >>> late = Requirement("york", "TR-1", 2.0, date(2026, 3, 1))
        >>> by_day([planned, late], date(2026, 3, 4), 4).tolist()
        [2.0, 0.0, 5.0, 0.0]
    """
    found = np.zeros(days)
    for one in requirements:
        place = max(0, (one.due_on - today).days)
        if place < days:
            found[place] += one.quantity
    return found


def project(on_hand: float, arrivals: Sequence[tuple[int, float]], mean: Floats, beyond: Floats) -> Floats:
    """Follow expected stock from day to day: goods come in the morning, demand goes until the evening.

    Args:
        on_hand: Usable now.
        arrivals: Day from today (below 0: overdue, taken as today) and quantity of each.
        mean: Expected demand by day from today.
        beyond: Customers' orders beyond it, by day.

    Returns:
        Stock at each day's end; below zero is demand that waits.

    Examples:
        >>> project(10, [(2, 5)], np.array([4.0, 4.0, 4.0]), np.zeros(3)).tolist()
        [6.0, 2.0, 3.0]
    """
    coming = np.zeros(len(mean))
    for due, quantity in arrivals:
        if due < len(mean):
            coming[max(0, due)] += quantity
    return np.asarray(on_hand + np.cumsum(coming - mean - beyond), dtype=np.float64)


def first_below(stock: Floats, level: float) -> int | None:
    """Find the first day on which stock ends below a level.

    Args:
        stock: By day from today.
        level: In base units.

    Returns:
        Day from today; None if it never does.

    Examples:
        >>> first_below(np.array([6.0, 2.0, 3.0]), 3.0), first_below(np.array([6.0]), 3.0)
        (1, None)
    """
    below = np.flatnonzero(stock < level)
    return int(below[0]) if below.size else None
