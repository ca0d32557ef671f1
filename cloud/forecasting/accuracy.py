"""How well past forecasts went, beside the seasonal naive: WAPE, bias, RMSSE, coverage. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.batch.bands import BAND_80, BAND_95, limits
from cloud.forecasting.batch.coverage import randomised
from cloud.forecasting.batch.roomy import let_go
from cloud.forecasting.calibration import Calibration
from cloud.forecasting.domain import HORIZONS, JUDGED_WEEKS, LEVELS
from cloud.forecasting.protocol import Bools, Floats, Ints
from cloud.forecasting.rolling import Rolled
from cloud.forecasting.weeks import DAYS, some_at_once

_WEEK: Final = HORIZONS.index(DAYS)
_HORIZONS: Final = np.array(HORIZONS)


@dataclass(frozen=True, slots=True)
class Judged:
    """The last 13 origins before the one in force, and the bands as they would have been drawn at each."""

    places: Ints
    """Indices of these origins."""
    low: Floats
    """Series x judged origins x horizons, of the 80 % band; high alike."""
    high: Floats
    in_wide: Bools
    """Whether what came lay within the 95 % band; False where it is not known."""
    wape: Floats
    """Of each series over its judged weeks; NaN where there is none, or nothing was asked for."""
    naive_wape: Floats
    bias: Floats
    rmsse: Floats
    """NaN where the series did not change from week to week before."""
    coverage: Floats
    overall: Mapping[str, object]
    """The same of all series together, and coverage by horizon and level."""


def judge(rolled: Rolled, calibration: Calibration) -> Judged:
    """Hold the last 13 weeks' forecasts against what came.

    Args:
        rolled: What was said, and what came.
        calibration: What the bands rest on.

    Returns:
        Accuracy of each series and of all.
    """
    last = len(rolled.origins) - 1
    places = np.arange(max(last - JUDGED_WEEKS, 0), last)
    judged = slice(len(rolled.origins) - 1 - len(places), -1)  # views: copies of all series are large
    forecast, naive, actual = (part[:, judged] for part in (rolled.forecast, rolled.naive, rolled.actual))
    is_known, in_wide = np.empty((2, *forecast.shape), dtype=np.bool_)
    low, high = np.empty((2, *forecast.shape))
    held: list[list[_Held]] = [[] for _ in HORIZONS]
    for rows in some_at_once(len(forecast)):
        is_known[rows] = np.isfinite(forecast[rows] + naive[rows] + actual[rows])
        idle = np.asarray(calibration.scaled.idle[rows][:, places], dtype=np.float64)
        cum_q = np.empty((*forecast[rows].shape, len(LEVELS)))
        for number, place in enumerate(places.tolist()):
            cum_q[:, number] = calibration.quantiles(place, forecast[rows, number], _HORIZONS, rows)
        low[rows], high[rows] = limits(cum_q, BAND_80, idle)
        wide_low, wide_high = limits(cum_q, BAND_95, idle)
        in_wide[rows] = (actual[rows] >= wide_low) & (actual[rows] <= wide_high)
        for index, parts in enumerate(held):
            known = is_known[rows, :, index] & np.isfinite(cum_q[:, :, index, 0])
            own = (cum_q[:, :, index][known], actual[rows, :, index][known], idle[:, :, index][known])
            parts.append(_Held.of(*own))
        let_go(rolled.forecast, rolled.naive, rolled.actual)
    week = is_known[:, :, _WEEK]
    said, yardstick, came = (part[:, :, _WEEK] for part in (forecast, naive, actual))
    demand = _summed(came, week)
    return Judged(
        places=places,
        low=low,
        high=high,
        in_wide=in_wide,
        wape=_ratio(_summed(abs(said - came), week), demand),
        naive_wape=_ratio(_summed(abs(yardstick - came), week), demand),
        bias=_ratio(_summed(said - came, week), demand),
        rmsse=_rmsse(rolled, places, week),
        coverage=_covered(low[:, :, _WEEK], high[:, :, _WEEK], came, week),
        overall=_overall(forecast, naive, actual, held, is_known),
    )


def _rmsse(rolled: Rolled, places: Ints, is_known: Bools) -> Floats:
    """Root of the mean square error over that of last week's demand before the judged weeks (M5)."""
    error = (rolled.forecast[:, places, _WEEK] - rolled.actual[:, places, _WEEK]) ** 2
    until = int(places[0]) if len(places) else 0
    before = (rolled.naive[:, :until, _WEEK] - rolled.actual[:, :until, _WEEK]) ** 2
    mean = _ratio(_summed(error, is_known), is_known.sum(axis=1).astype(np.float64))
    counted = np.isfinite(before)
    scale = _ratio(_summed(before, counted), counted.sum(axis=1).astype(np.float64))
    return np.sqrt(_ratio(mean, scale))


@dataclass(frozen=True, slots=True)
class _Held:
    """How bands of some series held over a horizon."""

    windows: int
    within: Ints
    """Of the 80 % and the 95 % band: windows whose demand lay within it."""
    below: Ints
    """Of each level: windows whose demand lay at or below its quantile."""
    randomised: tuple[Floats, Floats]
    """Of both bands, by window."""

    @classmethod
    def of(cls, quantiles: Floats, came: Floats, idle: Floats) -> "_Held":
        edges = [limits(quantiles, band, idle) for band in (BAND_80, BAND_95)]
        return cls(
            len(came),
            np.array([((came >= low) & (came <= high)).sum() for low, high in edges]),
            (came[:, None] <= quantiles).sum(axis=0),
            (randomised(quantiles, came, BAND_80, idle), randomised(quantiles, came, BAND_95, idle)),
        )


def _overall(
    forecast: Floats, naive: Floats, actual: Floats, held: Sequence[Sequence[_Held]], is_known: Bools
) -> dict[str, object]:
    told: dict[str, object] = {}
    for index, days in enumerate(HORIZONS):
        known = is_known[:, :, index]
        came, said, yardstick = (part[:, :, index][known] for part in (actual, forecast, naive))
        let_go(forecast, naive, actual)
        total = exact_sum(came)
        if not total:
            continue
        told[str(days)] = {
            "windows": len(came),
            "wape": round(exact_sum(abs(said - came)) / total, 4),
            "naive_wape": round(exact_sum(abs(yardstick - came)) / total, 4),
            "bias": round(exact_sum(said - came) / total, 4),
            **_coverages(held[index]),
        }
    return told


def _coverages(held: Sequence[_Held]) -> dict[str, object]:
    windows = sum(one.windows for one in held)
    if not windows:
        return {"coverage_80": None, "coverage_95": None}
    within = sum((one.within for one in held), np.zeros(2)) / windows
    below = sum((one.below for one in held), np.zeros(len(LEVELS))) / windows
    by_chance = [
        np.concatenate(parts).mean() for parts in zip(*(one.randomised for one in held), strict=True)
    ]
    return {
        "coverage_80": round(float(within[0]), 4),
        "coverage_95": round(float(within[1]), 4),
        "pit_80": round(float(by_chance[0]), 4),
        "pit_95": round(float(by_chance[1]), 4),
        "below": [round(float(share), 4) for share in below],
    }


def _covered(low: Floats, high: Floats, came: Floats, is_known: Bools) -> Floats:
    has_band = is_known & np.isfinite(low)
    within = has_band & (came >= low) & (came <= high)
    return _ratio(within.sum(axis=1).astype(np.float64), has_band.sum(axis=1).astype(np.float64))


def exact_sum(values: Floats) -> float:
    """Sum values in ascending order, so that the order of the series does not matter.

    Args:
        values: Any numbers.

    Returns:
        Their sum.
    """
    return float(np.sort(values, axis=None).sum())


def _summed(values: Floats, is_counted: Bools) -> Floats:
    result: Floats = np.where(is_counted, values, 0).sum(axis=1)
    return result


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
