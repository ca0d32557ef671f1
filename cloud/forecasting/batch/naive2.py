"""Naive2, the yardstick of the M competitions: the last value, with the season where there is one. Pure.

As the benchmark code of M4 has it (Makridakis, Spiliotis & Assimakopoulos 2020): a test of the
autocorrelation at the season, 90 % two-sided; classical multiplicative decomposition by a centred moving
average; the naive forecast of the adjusted series, with the season put back.
"""

from typing import Final

import numpy as np

from cloud.forecasting.protocol import Floats

CRITICAL: Final = 1.645
_LEAST_CYCLES: Final = 3


def naive2(history: Floats, horizon: int, season: int) -> Floats:
    """Forecast one series.

    Args:
        history: All finite, at least one value.
        horizon: Steps, > 0.
        season: Periods per cycle, 1 for none.

    Returns:
        As many values.

    Examples:
        >>> naive2(np.array([1.0, 2, 3]), 2, 1).tolist()
        [3.0, 3.0]
    """
    if season <= 1 or not is_seasonal(history, season):
        return np.full(horizon, history[-1])
    indices = seasonal_indices(history, season)
    steps = len(history) + np.arange(horizon)
    last = indices[(len(history) - 1) % season]
    adjusted = history[-1] / last if last else history[-1]
    result: Floats = adjusted * indices[steps % season]
    return result


def is_seasonal(history: Floats, season: int) -> bool:
    """Tell whether the autocorrelation at the season is beyond its 90 % limit.

    Args:
        history: All finite.
        season: Periods per cycle, > 1.

    Returns:
        False too with fewer than three cycles, or without any change.
    """
    if len(history) < _LEAST_CYCLES * season:
        return False
    centred = history - history.mean()
    total = float(centred @ centred)
    if not total:
        return False
    correlations = np.array([float(centred[lag:] @ centred[:-lag]) for lag in range(1, season + 1)]) / total
    spread = 1 + 2 * float((correlations[:-1] ** 2).sum())
    limit = CRITICAL * np.sqrt(spread / len(history))
    return bool(abs(correlations[-1]) > limit)


def seasonal_indices(history: Floats, season: int) -> Floats:
    """Decompose by the classical multiplicative method.

    Args:
        history: At least three cycles, all finite.
        season: Periods per cycle.

    Returns:
        By place in the cycle, the first being that of the first value; their mean is 1.
    """
    weights = np.ones(season)
    if season % 2 == 0:
        weights = np.concatenate([[0.5], np.ones(season - 1), [0.5]])
    trend = np.convolve(history, weights / season, mode="valid")
    skipped = season // 2
    middle = history[skipped : skipped + len(trend)]
    ratio = np.divide(middle, trend, out=np.ones_like(trend), where=trend > 0)
    place = (skipped + np.arange(len(trend))) % season
    found = np.bincount(place, ratio, season) / np.bincount(place, minlength=season)
    mean = float(found.mean())
    return found / mean if mean else np.ones(season)
