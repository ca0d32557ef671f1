"""A steady lean of a class's forecasts in, the factor that takes it out; as known at each origin. Pure.

Where the demand of a whole class falls or rises year by year, every flat member leans to one side and so does
their mean. The lean is the log ratio of what came to what was forecast, summed over the class, at each
earlier origin as far as it had come. Its mean is taken out as far as it is steady: drawn to nothing by its
own uncertainty (James & Stein 1961, positive part), which is judged by how much it differs between origins;
overlapping horizons count as one, and one without a lean is added. It is only taken out where that would have
helped the origins before.
"""

from typing import Final

import numpy as np

from cloud.forecasting.batch.classes import NAMES
from cloud.forecasting.batch.roomy import let_go
from cloud.forecasting.protocol import Bools, Floats, Ints

LEAST_WINDOWS: Final = 2
"""Horizons side by side that must have come before a lean can be called steady."""
LEAST_TRIED: Final = 3
"""Corrected origins that must have come whole before they are held against it."""
MOST: Final = 1.5
"""Factor, or its inverse."""
PRIOR_SERIES: Final = 20.0
"""Series whose number draws a class half-way to all."""
_LARGE: Final = 0.9
"""Series above this quantile of demand count as if they were at it, so that no giant speaks for all."""
_GRID: Final = 1 << 20


def corrections(forecast: Floats, actual: Floats, *, classes: Ints, level: Floats, origins: Ints) -> Floats:
    """Give the factors.

    Args:
        forecast: Series x origins x horizon, combined.
        actual: The same; NaN where not known.
        classes: Series x origins.
        level: Series x origins: mean demand known by then.
        origins: Columns, ascending.

    Returns:
        Classes x origins, near 1.
    """
    horizon = forecast.shape[2]
    came, said, number = _sums(forecast, actual, classes, level)
    logs = np.zeros(number.shape)
    for place in range(len(origins)):
        ahead = np.minimum(origins[place] - origins[:place], horizon)
        windows = (origins[place] - origins[0]) / horizon
        if windows < LEAST_WINDOWS:
            continue
        lean = _leans(came, said, number, ahead)
        weight = ahead / ahead.sum()
        mean = lean @ weight * windows / (windows + 1)
        variance = ((lean - mean[:, None]) ** 2) @ weight / (windows - 1)
        steady = np.divide(variance, mean * mean, out=np.ones_like(mean), where=mean != 0)
        log = mean * np.maximum(1 - steady, 0)
        logs[:, place] = np.clip(log, -np.log(MOST), np.log(MOST))
    return np.exp(np.where(_helped(logs, came, said, number, origins), logs, 0))


def _helped(logs: Floats, came: Floats, said: Floats, number: Floats, origins: Ints) -> Bools:
    """Tell at each origin whether the corrections of those before it, as far as they came, were nearer.

    Returns:
        Classes x origins; True too where too few came to tell.
    """
    horizon = came.shape[2]
    result = np.ones(logs.shape, dtype=np.bool_)
    for place in range(len(origins)):
        settled = int(np.searchsorted(origins, origins[place] - horizon, side="right"))
        if not settled:
            continue
        lean = _leans(came, said, number, np.full(settled, horizon))
        tried = logs[:, :settled] != 0
        with_it = np.where(tried, (lean - logs[:, :settled]) ** 2, 0).sum(axis=1)
        without = np.where(tried, lean**2, 0).sum(axis=1)
        result[:, place] = (tried.sum(axis=1) < LEAST_TRIED) | (with_it < without)
    return result


def _sums(forecast: Floats, actual: Floats, classes: Ints, level: Floats) -> tuple[Floats, Floats, Floats]:
    """Sum demand and forecasts by class and origin over the first steps (classes x origins x horizon)."""
    count, horizon = forecast.shape[1:]
    shape = (len(NAMES), count, horizon)
    came, said, number = np.zeros(shape), np.zeros(shape), np.zeros(shape[:2])
    for place in range(count):
        known = level[:, place]
        usual = float(np.quantile(known, _LARGE))
        if usual <= 0:
            continue
        is_known = np.isfinite(forecast[:, place]) & np.isfinite(actual[:, place])
        scale = np.maximum(known, usual)[:, None]
        # Whole multiples of a small number: no order of the series changes their sum.
        parts = [
            np.round(np.where(is_known, value[:, place] / scale, 0) * _GRID).astype(np.int64)
            for value in (actual, forecast)
        ]
        for one in range(len(NAMES)):
            rows = classes[:, place] == one
            number[one, place] = rows.sum()
            came[one, place], said[one, place] = (part[rows].sum(axis=0).cumsum() for part in parts)
        let_go(forecast)
    return came, said, number


def _leans(came: Floats, said: Floats, number: Floats, ahead: Ints) -> Floats:
    """Log ratios by class and earlier origin, those of small classes drawn towards those of all."""
    places = np.arange(len(ahead))
    a, f = came[:, places, ahead - 1], said[:, places, ahead - 1]
    every = _log_ratio(a.sum(axis=0), f.sum(axis=0))
    own = _log_ratio(a, f)
    share = number[:, : len(ahead)] / (number[:, : len(ahead)] + PRIOR_SERIES)
    result: Floats = share * own + (1 - share) * every
    return result


def _log_ratio(part: Floats, whole: Floats) -> Floats:
    is_known = (part > 0) & (whole > 0)
    ratio = np.divide(part, whole, out=np.ones_like(part), where=is_known)
    result: Floats = np.log(ratio)
    return result
