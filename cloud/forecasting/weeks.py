"""Site days in; weeks that end with the last day, and sums over horizons out. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.batch.roomy import let_go, roomy
from cloud.forecasting.protocol import Bools, Floats, Ints

DAYS: Final = 7
LEAST_DAYS: Final = 4
"""A week with fewer known days than this is not known."""
AT_ONCE: Final = 1_000
"""Series whose days are worked on together: this bounds what is held beside them."""


@dataclass(frozen=True, slots=True)
class Weeks:
    """Demand of many items by week; the last week ends with the last day that is known."""

    daily: Floats
    """Series x weeks x 7; NaN where censored, and before the series' first demand."""
    totals: Floats
    """Series x weeks; scaled up where a few days are censored; NaN where too few are known."""
    starts: Ints
    """Of each series the week of its first demand; the number of weeks where there was none."""

    @property
    def count(self) -> int:
        """How many weeks there are."""
        return int(self.totals.shape[1])

    def of(self, rows: Sequence[int]) -> "Weeks":
        """Give those of some series.

        Args:
            rows: Their places.

        Returns:
            Their weeks.
        """
        chosen = list(rows)
        return Weeks(self.daily[chosen], self.totals[chosen], self.starts[chosen])


def some_at_once(series: int) -> Iterator[slice]:
    """Cut series into parts that are worked on one after the other.

    Args:
        series: How many.

    Yields:
        Their places, in order.
    """
    for first in range(0, series, AT_ONCE):
        yield slice(first, min(first + AT_ONCE, series))


def weeks_of(quantity: Floats, censored: Bools) -> Weeks:
    """Cut days into weeks that end with the last day.

    Args:
        quantity: Series x days, finite, >= 0.
        censored: The same shape; True where stock-outs hid demand: missing, not zero.

    Returns:
        The weeks; days before the first whole week are left out.

    Raises:
        ValueError: If the shapes differ, there is no whole week, or a quantity is negative or not finite.
    """
    if quantity.ndim != 2 or quantity.shape != censored.shape:  # noqa: PLR2004  series x days
        raise ValueError(
            f"demand has shape {quantity.shape}, censored {censored.shape}: expected both series x days"
        )
    series, days = quantity.shape
    if days < DAYS:
        raise ValueError(f"demand covers {days} days: expected at least {DAYS}")
    count = days // DAYS
    found = Weeks(
        roomy((series, count, DAYS)),
        np.full((series, count), np.nan),
        np.empty(series, dtype=np.int64),
    )
    for rows in some_at_once(series):
        wrong = np.argwhere(~np.isfinite(quantity[rows]) | (quantity[rows] < 0))
        if len(wrong):
            row, day = wrong[0]
            raise ValueError(
                f"demand of series {rows.start + row} on day {day} is {quantity[rows][row, day]}: expected a "
                "finite number >= 0"
            )
        whole = slice(days - count * DAYS, days)
        daily = np.where(censored[rows, whole], np.nan, quantity[rows, whole]).reshape(-1, count, DAYS)
        has_demand = np.nansum(daily, axis=2) > 0
        found.starts[rows] = np.where(has_demand.any(axis=1), has_demand.argmax(axis=1), count)
        daily[np.arange(count)[None, :] < found.starts[rows, None]] = np.nan
        known = np.isfinite(daily).sum(axis=2)
        enough = known >= LEAST_DAYS
        found.totals[rows][enough] = np.nansum(daily, axis=2)[enough] * DAYS / known[enough]
        found.daily[rows] = daily
        let_go(quantity, found.daily)
    return found


def summed_paths(paths: Floats, shares: Floats, horizons: Ints) -> Floats:
    """Sum weekly forecasts over horizons in days.

    Args:
        paths: … x weeks ahead.
        shares: … x weeks x 7, each week summing to 1; a week beyond the last has its shares.
        horizons: Days, > 0, within the paths.

    Returns:
        … x horizons.
    """
    whole = np.concatenate([np.zeros_like(paths[..., :1]), np.cumsum(paths, axis=-1)], axis=-1)
    part = np.concatenate([np.zeros_like(shares[..., :1]), np.cumsum(shares, axis=-1)], axis=-1)
    last = np.minimum(horizons // DAYS, paths.shape[-1] - 1)
    within = part[..., np.minimum(horizons // DAYS, shares.shape[-2] - 1), horizons % DAYS]
    result: Floats = whole[..., horizons // DAYS] + paths[..., last] * within
    return result


def summed_demand(daily: Floats, origins: Ints, horizons: Ints) -> Floats:
    """Sum the demand that came after each origin, where all of it is known.

    Args:
        daily: Series x weeks x 7, NaN where not known.
        origins: Weeks.
        horizons: Days, > 0.

    Returns:
        Series x origins x horizons; NaN where a day is not known, or has not come.
    """
    series, weeks, _ = daily.shape
    flat = daily.reshape(series, weeks * DAYS)
    sums = np.concatenate([np.zeros((series, 1)), np.nancumsum(flat, axis=1)], axis=1)
    gaps = np.concatenate([np.zeros((series, 1), dtype=np.int64), np.cumsum(np.isnan(flat), axis=1)], axis=1)
    first = (origins[:, None] + 1) * DAYS
    last = first + horizons[None, :]
    has_come = last <= weeks * DAYS
    first, last = np.broadcast_to(np.minimum(first, weeks * DAYS), last.shape), np.minimum(last, weeks * DAYS)
    is_known = has_come[None] & (gaps[:, last] == gaps[:, first])
    return np.where(is_known, sums[:, last] - sums[:, first], np.nan)


def seasonal_naive(daily: Floats, origins: Ints, horizons: Ints) -> Floats:
    """Repeat the last week that was known, weekday by weekday: the yardstick of the backtest.

    Args:
        daily: Series x weeks x 7, NaN where not known.
        origins: Weeks.
        horizons: Days, > 0.

    Returns:
        Series x origins x horizons; NaN before every weekday was known once.

    Examples:
        >>> week = np.array([[[1.0, 2, 0, 0, 0, 0, 4], [np.nan, 5, 0, 0, 0, 0, 0]]])
        >>> seasonal_naive(week, np.array([0, 1]), np.array([1, 7, 9])).tolist()
        [[[1.0, 7.0, 10.0], [1.0, 6.0, 12.0]]]
    """
    weeks = daily.shape[1]
    at = np.where(np.isfinite(daily), np.arange(weeks)[None, :, None], -1)
    latest = np.maximum.accumulate(at, axis=1)[:, origins]
    last = np.take_along_axis(daily, np.maximum(latest, 0), axis=1)
    last = np.where(latest >= 0, last, np.nan)
    parts = np.concatenate([np.zeros_like(last[..., :1]), np.cumsum(last, axis=-1)], axis=-1)
    result: Floats = parts[..., -1:] * (horizons // DAYS) + parts[..., horizons % DAYS]
    return result
