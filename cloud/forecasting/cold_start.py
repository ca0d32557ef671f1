"""Items with too short a history: the mean of what is known, and bands as wide as not knowing is. Pure."""

from statistics import NormalDist
from typing import Final

import numpy as np

from cloud.forecasting.domain import LEVELS
from cloud.forecasting.protocol import Floats, Ints
from cloud.forecasting.weeks import DAYS, Weeks

MODEL: Final = "mean_of_known_days"
_Z: Final = np.array([NormalDist().inv_cdf(level) for level in LEVELS])


def daily_rates(weeks: Weeks) -> tuple[Floats, Floats]:
    """Estimate demand a day since the first demand.

    Args:
        weeks: What is known.

    Returns:
        Of each series the rate, and the known days it rests on: since the first demand, at least 7, so that
        one busy day is not taken for every day; 0 of an item without demand, which rests on all days.
    """
    series = len(weeks.totals)
    flat = weeks.daily.reshape(series, -1)
    has_begun = np.cumsum(np.nan_to_num(flat), axis=1) > 0
    known = (np.isfinite(flat) & has_begun).sum(axis=1).astype(np.float64)
    known = np.where(weeks.starts < weeks.count, np.maximum(known, DAYS), float(weeks.count * DAYS))
    return np.nansum(flat, axis=1) / known, known


def wide_bands(rates: Floats, known_days: Floats, horizons: Ints) -> Floats:
    """Put bands around `rate * horizon` as if weekly demand had a standard deviation as great as its mean.

    The sum over h weeks after n known ones has the squared coefficient of variation 1/h + 1/n; it is read
    from a gamma distribution by the Wilson-Hilferty (1931) approximation. Of an item without demand it is the
    number of units after none in n weeks, under Jeffreys' prior: negative binomial with r = 1/2, p = n/(n+h).

    Args:
        rates: Demand a day of each series.
        known_days: What each rests on.
        horizons: Days, ascending.

    Returns:
        Series x horizons x levels, rising with both.
    """
    ahead, behind = horizons / DAYS, known_days / DAYS
    variation = 1 / ahead[None, :] + 1 / behind[:, None]
    shape = (1 / variation)[:, :, None]
    root = 1 - 1 / (9 * shape) + _Z / (3 * np.sqrt(shape))
    cum_q = (rates[:, None] * horizons)[:, :, None] * np.maximum(root, 0) ** 3
    for row in np.flatnonzero(rates == 0):
        cum_q[row] = [_after_none(behind[row], weeks) for weeks in ahead]
    cum_q = np.maximum.accumulate(cum_q, axis=1)
    result: Floats = np.maximum.accumulate(cum_q, axis=2)
    return result


def _after_none(behind: float, ahead: float) -> list[float]:
    """Quantiles of the units asked for after none were."""
    none = behind / (behind + ahead)
    chance = none**0.5
    below, units = chance, 0
    found = []
    for level in LEVELS:
        while below < level:
            chance *= (units + 0.5) / (units + 1) * (1 - none)
            units += 1
            below += chance
        found.append(float(units))
    return found
