"""How well past forecasts went, beside the seasonal naive: WAPE, bias, RMSSE, coverage. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.batch.bands import BAND_80, BAND_95, limits
from cloud.forecasting.batch.coverage import randomised
from cloud.forecasting.calibration import Calibration
from cloud.forecasting.domain import HORIZONS, JUDGED_WEEKS, LEVELS
from cloud.forecasting.protocol import Bools, Floats, Ints
from cloud.forecasting.rolling import Rolled
from cloud.forecasting.weeks import DAYS

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
    drawn = [calibration.quantiles(int(place), rolled.forecast[:, place], _HORIZONS) for place in places]
    shape = (len(rolled.level), 0, len(HORIZONS), len(LEVELS))
    cum_q = np.stack(drawn, axis=1) if drawn else np.zeros(shape)
    idle = np.asarray(calibration.scaled.idle[:, places], dtype=np.float64)
    low, high = limits(cum_q, BAND_80, idle)
    wide_low, wide_high = limits(cum_q, BAND_95, idle)
    forecast, naive, actual = (part[:, places] for part in (rolled.forecast, rolled.naive, rolled.actual))
    is_known = np.isfinite(forecast) & np.isfinite(naive) & np.isfinite(actual)
    week = is_known[:, :, _WEEK]
    said, yardstick, came = (part[:, :, _WEEK] for part in (forecast, naive, actual))
    demand = _summed(came, week)
    return Judged(
        places=places,
        low=low,
        high=high,
        in_wide=(actual >= wide_low) & (actual <= wide_high),
        wape=_ratio(_summed(abs(said - came), week), demand),
        naive_wape=_ratio(_summed(abs(yardstick - came), week), demand),
        bias=_ratio(_summed(said - came, week), demand),
        rmsse=_rmsse(rolled, places, week),
        coverage=_covered(low[:, :, _WEEK], high[:, :, _WEEK], came, week),
        overall=_overall(forecast, naive, actual, (cum_q, idle), is_known),
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


def _overall(
    forecast: Floats, naive: Floats, actual: Floats, bands: tuple[Floats, Floats], is_known: Bools
) -> dict[str, object]:
    told: dict[str, object] = {}
    cum_q, idle = bands
    for index, days in enumerate(HORIZONS):
        known = is_known[:, :, index]
        came, said, yardstick = (part[:, :, index][known] for part in (actual, forecast, naive))
        total = exact_sum(came)
        if not total:
            continue
        quantiles, quiet = cum_q[:, :, index][known], idle[:, :, index][known]
        has_band = np.isfinite(quantiles[:, 0])
        quantiles, held, quiet = quantiles[has_band], came[has_band], quiet[has_band]
        told[str(days)] = {
            "windows": len(came),
            "wape": round(exact_sum(abs(said - came)) / total, 4),
            "naive_wape": round(exact_sum(abs(yardstick - came)) / total, 4),
            "bias": round(exact_sum(said - came) / total, 4),
            **_coverages(quantiles, held, quiet),
        }
    return told


def _coverages(quantiles: Floats, came: Floats, idle: Floats) -> dict[str, object]:
    if not len(came):
        return {"coverage_80": None, "coverage_95": None}
    return {
        "coverage_80": round(_share(quantiles, came, idle, BAND_80), 4),
        "coverage_95": round(_share(quantiles, came, idle, BAND_95), 4),
        "pit_80": round(float(randomised(quantiles, came, BAND_80, idle).mean()), 4),
        "pit_95": round(float(randomised(quantiles, came, BAND_95, idle).mean()), 4),
        "below": [round(float(np.mean(came <= quantiles[:, level])), 4) for level in range(len(LEVELS))],
    }


def _share(quantiles: Floats, came: Floats, idle: Floats, band: tuple[int, int, int]) -> float:
    low, high = limits(quantiles, band, idle)
    return float(np.mean((came >= low) & (came <= high)))


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
