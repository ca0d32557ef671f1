"""A rolling origin over many series: at each week, what was said with what was known then. Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.event_days import EventDays, shared_out
from cloud.forecasting.protocol import Floats, Ints
from cloud.forecasting.sensing import SENSED_DAYS, Sensed, sense
from cloud.forecasting.weekdays import Weekdays, weekday_shares
from cloud.forecasting.weeks import Weeks, seasonal_naive, summed_demand, summed_paths

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
    """Series x weeks ahead x 7, in force: parts of each week; the first is the day after the last known."""
    past_shares: Floats
    """Series x origins x 3 x 7: of the first two weeks after each origin, and of any later one."""
    weekdays: Weekdays
    """The usual parts of the weekdays, as known at each origin."""
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
        return _moved(whole, self.sensed.shift[rows, -1], horizons)

    def sums_of(self, paths: Floats, horizons: Ints) -> Floats:
        """Sum the forecasts of every origin over other horizons.

        Args:
            paths: Those that were rolled.
            horizons: Days, > 0, within the paths.

        Returns:
            Series x origins x horizons.
        """
        return _moved(summed_paths(paths, self.past_shares, horizons), self.sensed.shift, horizons)

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
        found[:sensed] += self.sensed.shift[row, -1, :sensed]
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
    usual = weekdays.shares[:, :, None]
    near = np.repeat(usual, 2, axis=2) if days is None else shared_out(weekdays.shares, days.fortnight)
    shares = np.concatenate([near, usual], axis=2)
    ahead = shares[:, -1] if days is None else shared_out(weekdays.shares[:, -1], days.in_force)
    sensed = sense(weeks.daily, int(origins[0]), paths, near)
    sums = summed_paths(paths, shares, horizons)
    growth = None
    if factors is not None:
        plain = summed_paths(paths / factors, shares, horizons)
        growth = np.divide(sums, plain, out=np.ones_like(sums), where=plain > 0)
    return Rolled(
        origins=origins,
        forecast=_moved(sums, sensed.shift, horizons),
        naive=seasonal_naive(weeks.daily, origins, horizons),
        actual=summed_demand(weeks.daily, origins, horizons),
        level=paths[:, :, 0],
        paths=paths[:, -1],
        shares=ahead,
        past_shares=shares,
        weekdays=weekdays,
        sensed=sensed,
        growth=growth,
    )


def _moved(sums: Floats, shift: Floats, horizons: Ints) -> Floats:
    """Move sums over horizons by what sensing moves their days: … x days; what it takes whole leaves zero."""
    moved = np.cumsum(shift, axis=-1)[..., np.minimum(horizons, SENSED_DAYS) - 1]
    result: Floats = np.maximum(sums + moved, 0)
    return result
