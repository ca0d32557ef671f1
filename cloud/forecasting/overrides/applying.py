"""Adjustments applied to a forecast: daily means and quantiles of sums in, the same adjusted out. Pure.

A sum's mean S becomes S'. Its quantiles keep their distances from the mean, times the root of S'/S and at
most doubled where it rises, as a count's standard deviation grows; times S'/S where it falls. So no adjustment
makes a quantile negative, brings two of them out of order, or narrows a band that it raises.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from cloud.forecasting.domain import BAND
from cloud.forecasting.overrides.domain import Adjustment, Mode
from cloud.forecasting.protocol import Bools, Floats, Ints

MOST_WIDENING: Final = 2.0


@dataclass(frozen=True, slots=True)
class Said:
    """What a forecast says."""

    mean: Floats
    """Expected demand by day from the first, >= 0."""
    horizons: Ints
    """Days, ascending; the last is the number of means."""
    cum_q: Floats
    """Horizons x levels: quantiles of the sums."""


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A forecast with adjustments."""

    said: Said
    system: Said
    override_ids: list[int]
    """Of the adjustments that change some of its days, ascending."""


def adjust(said: Said, first_day: date, adjustments: Sequence[Adjustment]) -> Adjusted | None:
    """Apply adjustments to a forecast.

    Args:
        said: What the system says.
        first_day: Day of the first mean.
        adjustments: In any order; on days of one of the item that of its category does not count.

    Returns:
        The forecast, adjusted; None if none of them changes any of its days.
    """
    taken = np.zeros(len(said.mean), dtype=np.bool_)
    mean, used = said.mean.copy(), []
    ordered = sorted(adjustments, key=lambda one: (not one.is_of_item, one.override_id))
    for one in ordered:
        days = _days(one, first_day, len(mean)) & ~taken
        if days.any():
            mean[days] = _changed(said.mean[days], one)
            taken |= days
            used.append(one.override_id)
    if not used:
        return None
    return Adjusted(Said(mean, said.horizons, shifted(said, mean)), said, sorted(used))


def shifted(said: Said, mean: Floats) -> Floats:
    """Move the quantiles of sums with their means.

    Args:
        said: What the system says.
        mean: Expected demand by day, adjusted, >= 0.

    Returns:
        Horizons x levels, >= 0, rising with both; untouched where the sum is.

    Examples:
        >>> said = Said(np.array([4.0]), np.array([1]), np.array([[0.0, 4.0, 8.0]]))
        >>> shifted(said, np.array([16.0])).tolist(), shifted(said, np.array([1.0])).tolist()
        ([[8.0, 16.0, 24.0]], [[0.0, 1.0, 2.0]])
    """
    before, after = (np.cumsum(part)[said.horizons - 1] for part in (said.mean, mean))
    ratio = np.divide(after, before, out=np.full_like(after, np.inf), where=before > 0)
    spread = np.where(ratio >= 1, np.minimum(np.sqrt(ratio), MOST_WIDENING), ratio)
    moved = after[:, None] + (said.cum_q - before[:, None]) * spread[:, None]
    moved = np.where((after == before)[:, None], said.cum_q, np.maximum(moved, 0))
    result: Floats = np.maximum.accumulate(np.maximum.accumulate(moved, axis=0), axis=1)
    return result


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
    if not days.any():
        return 0.0, 0.0, 0.0
    wanted = (one.until_day - max(one.from_day, first_day)).days + 1
    factor = wanted / int(days.sum())
    system = float(said.mean[days].sum()) * factor
    overridden = float(_changed(said.mean[days], one).sum()) * factor
    half = (said.cum_q[:, BAND[1]] - said.cum_q[:, BAND[0]]) / 2
    return system, overridden, float(np.interp(wanted, said.horizons, half))


def _days(one: Adjustment, first_day: date, count: int) -> Bools:
    """Mark the forecast's days that an adjustment changes."""
    start, stop = (one.from_day - first_day).days, (one.until_day - first_day).days
    at = np.arange(count)
    result: Bools = (at >= start) & (at <= stop)
    return result


def _changed(mean: Floats, one: Adjustment) -> Floats:
    """Change some days; units are spread over them as the system spreads its own."""
    if one.mode is Mode.PERCENT:
        return mean * (1 + one.amount / 100)
    daily = one.amount / (one.per_days or 1)
    usual = float(mean.mean())
    profile = mean / usual if usual > 0 else np.ones_like(mean)
    wanted = profile * daily if one.mode is Mode.REPLACE else mean + profile * daily
    result: Floats = np.maximum(wanted, 0)
    return result


def last_day_of(first_day: date, said: Said) -> date:
    """Give the last day that a forecast speaks of.

    Args:
        first_day: Day of the first mean.
        said: The forecast.

    Returns:
        The day.
    """
    return first_day + timedelta(days=len(said.mean) - 1)
