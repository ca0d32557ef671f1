"""Adjustments applied to a forecast: daily means and quantiles of sums in, the same adjusted out. Pure.

A sum's mean S becomes S'. Its quantiles keep their distances from the mean, times the root of S'/S and at
most doubled where it rises, as a count's standard deviation grows; times S'/S where it falls. So none gets
negative or out of order, and no band is narrowed that is raised. Lists and no numpy: adjustments are few, and
whoever shows one has no need of numerical libraries.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate, pairwise
from typing import Final

from cloud.forecasting.domain import BAND
from cloud.forecasting.overrides.domain import Adjustment, Mode

MOST_WIDENING: Final = 2.0


@dataclass(frozen=True, slots=True)
class Said:
    """What a forecast says."""

    mean: Sequence[float]
    """Expected demand by day from the first, >= 0."""
    horizons: Sequence[int]
    """Days, ascending; the last is the number of means."""
    cum_q: Sequence[Sequence[float]]
    """Of each horizon by level: quantiles of the sums."""


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A forecast with adjustments."""

    said: Said
    system: Said
    override_ids: Sequence[int]
    """Of the adjustments that change some of its days, ascending."""
    days: Sequence[int | None]
    """Of each day the adjustment that changes it."""


def adjust(said: Said, first_day: date, adjustments: Sequence[Adjustment]) -> Adjusted | None:
    """Apply adjustments to a forecast.

    Args:
        said: What the system says.
        first_day: Day of the first mean.
        adjustments: In any order; on days of one of the item that of its category does not count.

    Returns:
        The forecast, adjusted; None if none of them changes any of its days.
    """
    mean = list(said.mean)
    taken: list[int | None] = [None] * len(mean)
    for one in sorted(adjustments, key=lambda each: (not each.is_of_item, each.override_id)):
        days = [day for day in _days(one, first_day, len(mean)) if taken[day] is None]
        for day, value in zip(days, _changed([said.mean[day] for day in days], one), strict=True):
            mean[day] = value
            taken[day] = one.override_id
    used = sorted({each for each in taken if each is not None})
    if not used:
        return None
    return Adjusted(Said(mean, said.horizons, shifted(said, mean)), said, used, taken)


def shifted(said: Said, mean: Sequence[float]) -> list[list[float]]:
    """Move the quantiles of sums with their means.

    Args:
        said: What the system says.
        mean: Expected demand by day, adjusted, >= 0.

    Returns:
        Of each horizon by level, >= 0, rising with both; untouched up to the first day that changes.

    Examples:
        >>> said = Said([4.0], [1], [[0.0, 4.0, 8.0]])
        >>> shifted(said, [16.0]), shifted(said, [1.0])
        ([[8.0, 16.0, 24.0]], [[0.0, 1.0, 2.0]])
    """
    before, after = list(accumulate(said.mean)), list(accumulate(mean))
    below = [0.0] * (len(said.cum_q[0]) if said.cum_q else 0)
    moved = []
    for days, levels in zip(said.horizons, said.cum_q, strict=True):
        old, new = before[days - 1], after[days - 1]
        is_changed = any(said.mean[day] != mean[day] for day in range(days))
        spread = _spread(old, new)
        row = [new + (level - old) * spread for level in levels] if is_changed else list(levels)
        below = list(accumulate(map(max, row, below), max))
        moved.append(below)
    return moved


def sums_within(said: Said, first_day: date, one: Adjustment) -> tuple[float, float, float]:
    """Sum a forecast over the days of an adjustment, without and with it.

    Args:
        said: What the system says.
        first_day: Day of the first mean.
        one: The adjustment; days beyond the forecast count like the mean of those within.

    Returns:
        What the system expects, what is expected with it, and the half-width of the system's 80 % band of a
        sum over as many days; all 0 if it changes no day.
    """
    days = _days(one, first_day, len(said.mean))
    if not days:
        return 0.0, 0.0, 0.0
    wanted = (one.until_day - max(one.from_day, first_day)).days + 1
    factor = wanted / len(days)
    own = [said.mean[day] for day in days]
    return sum(own) * factor, sum(_changed(own, one)) * factor, _half_width(said, wanted)


def _spread(old: float, new: float) -> float:
    if new < old:
        return new / old
    return min(math.sqrt(new / old), MOST_WIDENING) if old > 0 else MOST_WIDENING


def _days(one: Adjustment, first_day: date, count: int) -> range:
    """Give the places of the forecast's days that an adjustment changes."""
    start, stop = (one.from_day - first_day).days, (one.until_day - first_day).days
    return range(max(start, 0), min(stop + 1, count))


def _changed(mean: Sequence[float], one: Adjustment) -> list[float]:
    """Change some days; units are spread over them as the system spreads its own."""
    if one.mode is Mode.PERCENT:
        return [day * (1 + one.amount / 100) for day in mean]
    daily = one.amount / (one.per_days or 1)
    usual = sum(mean) / len(mean) if mean else 0.0
    shares = [day / usual if usual > 0 else 1.0 for day in mean]
    if one.mode is Mode.REPLACE:
        return [daily * share for share in shares]
    return [max(day + daily * share, 0.0) for day, share in zip(mean, shares, strict=True)]


def _half_width(said: Said, days: int) -> float:
    """Read half of the 80 % band of a sum: linear between horizons, that of the last beyond."""
    halves = [(high - low) / 2 for low, high in map(BAND.of, said.cum_q)]
    knots = [(0, 0.0), *zip(said.horizons, halves, strict=True)]
    for (left, low), (right, high) in pairwise(knots):
        if days <= right:
            return low + (high - low) * (days - left) / (right - left)
    return knots[-1][1]
