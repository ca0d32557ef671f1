"""A rolling origin over many series: at each week, what was said with what was known then. Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.batch.roomy import let_go, roomy
from cloud.forecasting.event_days import EventDays, shared_out
from cloud.forecasting.protocol import Floats, Ints
from cloud.forecasting.sensing import SENSED_DAYS, Sensed, sense
from cloud.forecasting.weekdays import Weekdays, weekday_shares
from cloud.forecasting.weeks import (
    DAYS,
    Weeks,
    seasonal_naive,
    some_at_once,
    summed_demand,
    summed_paths,
)

MOST_ORIGINS: Final = 52
"""Weeks looked back upon: 13 to judge, the others to weigh members and calibrate the bands with."""


@dataclass(frozen=True, slots=True)
class Rolled:
    """Forecasts at each origin; the last origin is the last week known, whose forecast is in force."""

    origins: Ints
    forecast: Floats
    """Series x origins x horizons, summed from the origin on; NaN where the method was not ready."""
    naive: Floats
    actual: Floats
    """NaN where stock-outs hide it, or it has not come."""
    level: Floats
    """Series x origins: expected demand of the first week."""
    paths: Floats
    """Series x weeks ahead, in force, before sensing."""
    shares: Floats
    """Series x weeks ahead x 7, in force: parts of each week, the last also those of all after it; the first
    is the day after the last known."""
    weekdays: Weekdays
    """The usual parts of the weekdays, as known at each origin."""
    fortnight: Floats | None
    """Series x origins x 2 x 7: by what events move the days of the first two weeks; None: nothing does."""
    sensed: Sensed
    growth: Floats | None
    """Series x origins x horizons: by how much events move the sums; None: nothing is known to."""

    def sums(self, horizons: Ints, rows: slice | Ints = slice(None)) -> Floats:
        """Sum the forecasts in force.

        Args:
            horizons: Days, > 0, within the paths.
            rows: Series; all by default.

        Returns:
            Series x horizons.
        """
        whole = summed_paths(self.paths[rows], self.shares[rows], horizons)
        return _moved(whole, self.sensed.shift(rows, -1), horizons)

    def past_shares(self, rows: slice | Ints) -> Floats:
        """Give the parts of the days of the weeks after each origin.

        Args:
            rows: Series.

        Returns:
            Series x origins x weeks x 7: the last week's are those of any later one.
        """
        return _past_shares(self.weekdays, self.fortnight, rows)

    def sums_of(self, paths: Floats, horizons: Ints) -> Floats:
        """Sum the forecasts of every origin over other horizons.

        Args:
            paths: Those that were rolled.
            horizons: Days, > 0, within the paths.

        Returns:
            Series x origins x horizons.
        """
        found = np.empty((*paths.shape[:2], len(horizons)))
        for rows in some_at_once(len(paths)):
            sums = summed_paths(paths[rows], self.past_shares(rows), horizons)
            found[rows] = _moved(sums, self.sensed.shift(rows), horizons)
        return found

    def daily(self, row: int, days: int) -> Floats:
        """Give a series' forecast in force by day.

        Args:
            row: Of the series.
            days: How many, within the paths.

        Returns:
            Expected demand of each.
        """
        path, shares = self.paths[row], self.shares[row]
        last = np.minimum(np.arange(len(path)), len(shares) - 1)
        found = (path[:, None] * shares[last]).reshape(-1)[:days]
        sensed = min(days, SENSED_DAYS)
        found[:sensed] += self.sensed.shift(row, -1)[:sensed]
        result: Floats = np.maximum(found, 0)
        return result


def origins_of(weeks: Weeks) -> Ints:
    """Give the weeks looked back upon, and the last one."""
    return np.arange(max(0, weeks.count - 1 - MOST_ORIGINS), weeks.count)


def roll(
    paths: Floats,
    weeks: Weeks,
    origins: Ints,
    horizons: Ints,
    factors: Floats | None = None,
    *,
    days: EventDays | None = None,
    pools: Ints | None = None,
) -> Rolled:
    """Hold what a method said against what came.

    Args:
        paths: Series x origins x weeks ahead, covering the horizons; NaN where the method was not ready.
        weeks: What is known.
        origins: As `origins_of` gives them.
        horizons: Days over which forecasts are summed.
        factors: By which events move the paths.
        days: How events move the days within their weeks.
        pools: Of each series its class, from whose weekdays it borrows; None: all are of one.

    Returns:
        What was said, moved by the latest days where that had helped, and what came.
    """
    weekdays = weekday_shares(weeks.daily, origins, pools) if days is None else days.weekdays
    fortnight = None if days is None else days.fortnight
    ahead = weekdays.shares[:, -1:] if days is None else shared_out(weekdays.shares[:, -1], days.in_force)

    def near(rows: slice) -> Floats:
        shares = _past_shares(weekdays, fortnight, rows)
        return np.broadcast_to(shares[:, :, :2], (*shares.shape[:2], 2, DAYS))

    sensed = sense(weeks.daily, int(origins[0]), paths, near)
    # Those over a horizon lie together: weeks are looked at by themselves.
    forecast, naive, actual = (np.moveaxis(roomy((len(horizons), *paths.shape[:2])), 0, 2) for _ in range(3))
    growth = None if factors is None else np.ones_like(forecast)
    for rows in some_at_once(len(paths)):
        shares = _past_shares(weekdays, fortnight, rows)
        sums = summed_paths(paths[rows], shares, horizons)
        if factors is not None and growth is not None:
            plain = summed_paths(paths[rows] / factors[rows], shares, horizons)
            np.divide(sums, plain, out=growth[rows], where=plain > 0)
        forecast[rows] = _moved(sums, sensed.shift(rows), horizons)
        naive[rows] = seasonal_naive(weeks.daily[rows], origins, horizons)
        actual[rows] = summed_demand(weeks.daily[rows], origins, horizons)
        let_go(weeks.daily, paths, weekdays.shares, forecast, naive, actual)
    return Rolled(
        origins=origins,
        forecast=forecast,
        naive=naive,
        actual=actual,
        level=paths[:, :, 0].copy(),
        paths=paths[:, -1].copy(),
        shares=ahead,
        weekdays=weekdays,
        fortnight=fortnight,
        sensed=sensed,
        growth=growth,
    )


def _past_shares(weekdays: Weekdays, fortnight: Floats | None, rows: slice | Ints) -> Floats:
    usual = weekdays.shares[rows]
    if fortnight is None:
        return usual[:, :, None]
    return np.concatenate([shared_out(usual, fortnight[rows]), usual[:, :, None]], axis=2)


def _moved(sums: Floats, shift: Floats, horizons: Ints) -> Floats:
    """Move sums over horizons by what sensing moves their days: … x days; what it takes whole leaves zero."""
    moved = np.cumsum(shift, axis=-1)[..., np.minimum(horizons, SENSED_DAYS) - 1]
    result: Floats = np.maximum(sums + moved, 0)
    return result
