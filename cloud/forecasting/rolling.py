"""A rolling origin over many series: at each week, what was said with what was known then. Pure.

Parameters are estimated at the first week of each block of 91 days, counted from a fixed day, and serve the
whole block: so what is said today is what a later backtest will hold against today, and no day that comes
later changes it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.protocol import Bools, Floats, Forecaster, Ints
from cloud.forecasting.weeks import (
    DAYS,
    Weeks,
    seasonal_naive,
    summed_demand,
    summed_paths,
    weekday_shares,
)

BLOCK_DAYS: Final = 91
MOST_ORIGINS: Final = 52
"""Weeks looked back upon: 13 to judge, the others to calibrate the bands with."""


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
    """Series x weeks ahead, in force."""
    shares: Floats
    """Series x 7, in force; the first is the weekday after the last day known."""
    parameters: Floats
    """Series x parameters, in force."""
    fitted_at: Ints
    """Of each series the week at which these were estimated; -1 if they were not."""


def roll(
    forecaster: Forecaster, weeks: Weeks, *, last_day: int, horizons: Ints, horizon_weeks: int
) -> Rolled:
    """Forecast at each of the last weeks.

    Args:
        forecaster: The method.
        weeks: What is known.
        last_day: The last day known, as an ordinal.
        horizons: Days over which forecasts are summed.
        horizon_weeks: How far the paths go; covers the horizons.

    Returns:
        What was said, and what came.
    """
    count = weeks.count
    origins = np.arange(max(0, count - 1 - MOST_ORIGINS), count)
    blocks = (last_day - DAYS * (count - 1 - np.arange(count))) // BLOCK_DAYS
    ready = np.cumsum(np.isfinite(weeks.totals), axis=1) >= forecaster.min_weeks
    first_ready = np.where(ready.any(axis=1), ready.argmax(axis=1), count)
    series = len(weeks.totals)
    said = np.full((series, len(origins), horizon_weeks), np.nan)
    parameters = np.full((series, len(forecaster.parameter_names)), np.nan)
    fitted_at = np.full(series, -1, dtype=np.int64)
    for block in np.unique(blocks[origins]):
        within = np.flatnonzero(blocks == block)
        fitted_at = np.maximum(within[0], first_ready)
        fitted_at = np.where(fitted_at <= within[-1], fitted_at, -1)
        parameters = forecaster.fit(weeks.totals, fitted_at)
        paths = forecaster.paths(weeks.totals, parameters, horizon_weeks)
        here = blocks[origins] == block
        said[:, here] = _unready(paths[:, origins[here]], ready[:, origins[here]])
    shares = weekday_shares(weeks.daily, origins)
    return Rolled(
        origins=origins,
        forecast=summed_paths(said, shares, horizons),
        naive=seasonal_naive(weeks.daily, origins, horizons),
        actual=summed_demand(weeks.daily, origins, horizons),
        level=said[:, :, 0],
        paths=said[:, -1],
        shares=shares[:, -1],
        parameters=parameters,
        fitted_at=fitted_at,
    )


def _unready(paths: Floats, ready: Bools) -> Floats:
    result: Floats = np.where(ready[:, :, None], paths, np.nan)
    return result
