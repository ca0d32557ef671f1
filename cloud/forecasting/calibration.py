"""Quantiles of summed demand from past forecast errors, pooled over items of like volume. Pure.

Split-conformal prediction (Vovk et al. 2005; Lei et al. 2018) on errors of *sums* over a horizon, because a
sum over the lead time is what stock must cover. An error is divided by its series' scale: the root mean
square of the one-week errors known at that origin, the newest weighing most, drawn towards that of series of
like volume, times the root of the horizon in weeks. The k-th smallest of n scaled errors, with
k = ceil((n + 1) p), is the quantile p.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.domain import HORIZONS, LEVELS
from cloud.forecasting.protocol import Bools, Floats, Ints
from cloud.forecasting.rolling import Rolled
from cloud.forecasting.weeks import DAYS

MOST_STRATA: Final = 10
LEAST_SERIES: Final = 20
"""Series per stratum of volume; with fewer there are fewer strata."""
LEAST_ERRORS: Final = 100
"""Scaled errors below which a stratum borrows those of all."""
HALF_LIFE_WEEKS: Final = 8
"""After so many weeks an error weighs half in its series' scale, so that a change of mood is followed."""
PRIOR_WEEKS: Final = 8
"""Weight of the stratum's scale in a series' own."""
_WEEK: Final = HORIZONS.index(DAYS)
_LEVELS: Final = np.array(LEVELS)
_HORIZONS: Final = np.array(HORIZONS)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the bands of each origin rest on."""

    strata: Ints
    """Series x origins: stratum of volume, 0 the smallest; -1 where there is no forecast."""
    counts: Ints
    """Of each origin the number of strata."""
    scales: Floats
    """Series x origins, units per week; NaN where none is known."""
    scores: Floats
    """Series x origins x horizons: errors over scale and root of horizon."""


@dataclass(frozen=True, slots=True)
class Table:
    """Quantiles of scaled errors as known at one origin."""

    quantiles: Floats
    """Strata x horizons x levels; NaN where no error is known yet."""
    samples: Ints
    """Strata x horizons: how many errors each row rests on."""


def calibrate(rolled: Rolled) -> Calibration:
    """Scale all errors of a rolling origin.

    Args:
        rolled: With the standard horizons.

    Returns:
        Strata, scales and scaled errors; each of an origin rests only on what was known at it.
    """
    errors = rolled.actual - rolled.forecast
    own, known = _known_squares(errors[:, :, _WEEK])
    level = rolled.level
    strata = np.full(level.shape, -1, dtype=np.int64)
    counts = np.ones(level.shape[1], dtype=np.int64)
    scales = np.full(level.shape, np.nan)
    for origin in range(level.shape[1]):
        has_forecast = np.isfinite(level[:, origin])
        if not has_forecast.any():
            continue
        volume = level[has_forecast, origin]
        counts[origin] = min(max(len(volume) // LEAST_SERIES, 1), MOST_STRATA)
        edges = np.quantile(volume, np.arange(1, counts[origin]) / counts[origin])
        strata[has_forecast, origin] = np.searchsorted(edges, volume, side="right")
        scales[has_forecast, origin] = _scales(
            own[has_forecast, origin],
            known[has_forecast, origin],
            volume,
            strata[has_forecast, origin],
        )
    widths = scales[:, :, None] * np.sqrt(_HORIZONS / DAYS)
    scores = np.divide(errors, widths, out=np.full_like(errors, np.nan), where=widths > 0)
    return Calibration(strata, counts, scales, scores)


def table_at(calibration: Calibration, origin: int, levels: Floats = _LEVELS) -> Table:
    """Read the quantiles of scaled errors as they were known at an origin.

    Args:
        calibration: Of all origins.
        origin: Its index.
        levels: Wanted, ascending.

    Returns:
        The table; a stratum with few errors, or a long horizon with none, borrows.
    """
    strata = int(calibration.counts[origin])
    quantiles = np.full((strata, len(HORIZONS), len(levels)), np.nan)
    samples = np.zeros((strata, len(HORIZONS)), dtype=np.int64)
    for index, days in enumerate(HORIZONS):
        settled = origin - -(-days // DAYS) + 1
        scores = calibration.scores[:, : max(settled, 0), index]
        is_known = np.isfinite(scores)
        pooled = np.sort(scores[is_known])
        # A past origin's stratum is by its own number of strata; compare by the place within them.
        place = calibration.strata[:, : scores.shape[1]] / calibration.counts[None, : scores.shape[1]]
        for stratum in range(strata):
            low, high = stratum / strata, (stratum + 1) / strata
            own = np.sort(scores[is_known & (place >= low) & (place < high)])
            chosen = own if len(own) >= LEAST_ERRORS else pooled
            samples[stratum, index] = len(chosen)
            if len(chosen):
                quantiles[stratum, index] = conformal(chosen, levels)
            elif index:
                quantiles[stratum, index] = quantiles[stratum, index - 1]
    return Table(quantiles, samples)


def bands(
    table: Table, forecast: Floats, horizons: Ints, *, scale: Floats, strata: Ints, is_wanted: Bools
) -> Floats:
    """Put quantiles around forecasts, rising with level and horizon, never below zero.

    Args:
        table: Quantiles of scaled errors at the forecasts' origin.
        forecast: Series x horizons: expected sums.
        horizons: Days, ascending; errors of one that is not standard lie between its neighbours'.
        scale: Of each series.
        strata: Of each series.
        is_wanted: Which series have a forecast.

    Returns:
        Series x horizons x levels; NaN where not wanted, or no error is known.
    """
    between = _interpolated(table.quantiles, horizons)[np.maximum(strata, 0)]
    width = scale[:, None] * np.sqrt(horizons / DAYS)
    raw = forecast[:, :, None] + between * width[:, :, None]
    raw = np.maximum.accumulate(np.maximum(raw, 0), axis=1)
    result: Floats = np.where(is_wanted[:, None, None], np.maximum.accumulate(raw, axis=2), np.nan)
    return result


def conformal(ordered: Floats, levels: Floats) -> Floats:
    """Give the quantiles that a further exchangeable value falls below with at least the levels' chance.

    Args:
        ordered: Values, ascending; at least one.
        levels: Within (0, 1).

    Returns:
        One of the values per level; the extreme ones where there are too few for the level. Below one half
        the k-th smallest with k = floor((n + 1) p).

    Examples:
        >>> conformal(np.arange(1.0, 10.0), np.array([0.1, 0.5, 0.85, 0.99])).tolist()
        [1.0, 5.0, 9.0, 9.0]
    """
    count = len(ordered)
    exact = np.round((count + 1) * levels, 9)
    rank = np.where(levels > 0.5, np.ceil(exact), np.floor(exact)).astype(np.int64)  # noqa: PLR2004  the middle
    result: Floats = ordered[np.clip(rank, 1, count) - 1]
    return result


def _known_squares(one_week: Floats) -> tuple[Floats, Floats]:
    """Weighted mean square of the one-week errors known at each origin, and the sum of their weights."""
    fading = 0.5 ** (1 / HALF_LIFE_WEEKS)
    own, known = np.zeros_like(one_week), np.zeros_like(one_week)
    total, weight = np.zeros(len(one_week)), np.zeros(len(one_week))
    for origin in range(one_week.shape[1]):
        own[:, origin] = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
        known[:, origin] = weight
        error = one_week[:, origin]
        total = np.where(np.isnan(error), total, fading * total + error**2)
        weight = np.where(np.isnan(error), weight, fading * weight + 1)
    return own, known


def _scales(own: Floats, known: Floats, volume: Floats, strata: Ints) -> Floats:
    """Draw each series' mean square towards its stratum's, which grows with the volume."""
    is_usable = (known > 0) & (volume > 0)
    if not is_usable.any():
        return np.full_like(own, np.nan)
    ratio = np.divide(own, volume, out=np.full_like(own, np.nan), where=is_usable)
    everywhere = float(np.median(ratio[is_usable]))
    typical = np.array(
        [
            float(np.median(ratio[is_usable & (strata == stratum)]))
            if (is_usable & (strata == stratum)).any()
            else everywhere
            for stratum in range(int(strata.max()) + 1)
        ]
    )
    prior = typical[strata] * volume
    result: Floats = np.sqrt((known * own + PRIOR_WEEKS * prior) / (known + PRIOR_WEEKS))
    return result


def _interpolated(quantiles: Floats, horizons: Ints) -> Floats:
    """Give scaled quantiles at any horizon: linear in its logarithm, those at 91 days beyond."""
    at = np.log(np.clip(horizons, HORIZONS[0], HORIZONS[-1]))
    knots = np.log(_HORIZONS)
    right = np.clip(np.searchsorted(knots, at, side="left"), 1, len(knots) - 1)
    share = ((at - knots[right - 1]) / (knots[right] - knots[right - 1]))[None, :, None]
    result: Floats = quantiles[:, right - 1] * (1 - share) + quantiles[:, right] * share
    return result
