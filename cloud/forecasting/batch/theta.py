"""The Theta method, read off a grid of simple smoothings. Pure.

Theta forecasts with a simple smoothing and a drift, a part w = 1 - 1/theta of the slope of the line through
all demand (Assimakopoulos & Nikolopoulos 2000; Hyndman & Billah 2003; w = 1/2 is theta = 2). The smoothing
runs over the line bent by theta, which depends on the slope and so on all data. But smoothing is linear: with
the clock smoothed beside the demand, level and errors of any bent line are known without a second pass,
e = e_y - w b e_t.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from cloud.forecasting.batch.criterion import SIMPLE_PARAMETERS, likelihood, weights
from cloud.forecasting.batch.panel import Real, Reals
from cloud.forecasting.batch.smoothing_grid import SIMPLE, SmoothingGrid

THETAS: Final[Mapping[str, tuple[float, ...]]] = {
    "theta": (0.5,),
    "optimised_theta": (0.0, 0.25, 0.5, 0.75, 1.0),
}
"""By member the parts of the slope: that of theta = 2; or those from theta = 1, no drift, to infinity,
weighed by their errors (Fiorucci et al. 2016)."""
LEAST: Final = 0.1
"""Smallest weight of the newest period: below it the smoothing would be a second line."""
_FIRST: Final = next(place for place, alpha in enumerate(SIMPLE) if alpha >= LEAST)


def slope(grid: SmoothingGrid) -> Reals:
    """Give the slope of the least squares line through all known demand.

    Args:
        grid: After the last period.

    Returns:
        Of each column, per period; 0 with fewer than two known.
    """
    sum_y, sum_t, sum_ty, sum_tt = grid.moments
    count = np.maximum(grid.number.astype(np.float64), 1)
    spread = sum_tt - sum_t * sum_t / count
    has_line = spread > 1 / 4
    rise = np.divide(sum_ty - sum_t * sum_y / count, spread, out=np.zeros_like(spread), where=has_line)
    result: Reals = rise.astype(Real)
    return result


def theta(grid: SmoothingGrid, horizon: int, parts: tuple[float, ...], rise: Reals) -> Reals:
    """Forecast from the period last stepped over.

    Args:
        grid: After that period.
        horizon: Periods ahead.
        parts: Parts of the slope between which the errors decide.
        rise: The slope.

    Returns:
        Columns x horizon, >= 0.
    """
    level, time = grid.level[_FIRST:], grid.time[_FIRST:]
    errors, crossed, squares = grid.errors[_FIRST:], grid.crossed[_FIRST:], grid.time_errors[_FIRST:]
    late = (grid.clock - time) * rise
    crossed = crossed * rise
    squares = squares * (rise * rise)
    bent = np.empty((len(parts), *errors.shape), dtype=Real)
    for part, own in zip(parts, bent, strict=True):
        np.multiply(squares, Real(part * part), out=own)
        np.subtract(own, Real(2 * part) * crossed, out=own)
        np.add(own, errors, out=own)
    flat = bent.reshape(-1, errors.shape[1])
    share = weights(likelihood(flat, grid.judged, grid.squares, SIMPLE_PARAMETERS))
    start, drift = np.zeros_like(rise), np.zeros_like(rise)
    for place, part in enumerate(parts):
        own = share[place * len(level) : (place + 1) * len(level)]
        start += (own * (level + Real(part) * late)).sum(axis=0)
        drift += own.sum(axis=0) * Real(part)
    path = start[:, None] + (drift * rise)[:, None] * np.arange(1, horizon + 1, dtype=Real)
    return np.maximum(path, 0)
