"""How far forecasts lay from what came, series by series, and of all together. Pure.

Sums over all series are exact (`math.fsum`), so that the order of the series changes no figure. What is not
known, in forecast or demand, counts nowhere.
"""

import math
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from cloud.forecasting.batch.bands import LEVELS
from cloud.forecasting.protocol import Floats

_PERCENT: Final = 100


@dataclass(frozen=True, slots=True)
class Errors:
    """Sums over the judged origins and steps, of each series."""

    count: Floats
    """Steps judged."""
    absolute: Floats
    signed: Floats
    """Forecast less demand."""
    square: Floats
    demand: Floats
    windows: Floats
    """Origins all of whose steps are judged."""
    cum_absolute: Floats
    """Of the sums over these windows."""
    cum_demand: Floats
    square_scale: Floats
    """Mean square of the change from one period to the next, before the first judged origin (M5)."""
    absolute_scale: Floats
    """Mean absolute change from a season before (M4)."""

    @property
    def rmsse(self) -> Floats:
        """Of each series; NaN where there is nothing to scale by."""
        return np.sqrt(_ratio(_ratio(self.square, self.count), self.square_scale))

    @property
    def mase(self) -> Floats:
        """Of each series."""
        return _ratio(_ratio(self.absolute, self.count), self.absolute_scale)

    @property
    def wape(self) -> Floats:
        """Of each series."""
        return _ratio(self.absolute, self.demand)

    @property
    def bias(self) -> Floats:
        """Of each series."""
        return _ratio(self.signed, self.demand)


def joined(parts: list[Errors]) -> Errors:
    """Put the series of chunks together.

    Args:
        parts: In the wanted order.

    Returns:
        All of them.
    """
    whole = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Errors)
    }
    return Errors(**whole)


def measure(forecast: Floats, actual: Floats, *, before: Floats, season: int) -> Errors:
    """Hold forecasts against what came.

    Args:
        forecast: Series x origins x horizon.
        actual: The same.
        before: Series x periods up to the first judged origin; NaN where not known.
        season: Periods per cycle, 1 for none.

    Returns:
        Sums by series.
    """
    is_judged = np.isfinite(forecast) & np.isfinite(actual)
    error = np.where(is_judged, forecast - actual, 0)
    came = np.where(is_judged, actual, 0)
    whole = is_judged.all(axis=2)
    return Errors(
        count=is_judged.sum(axis=(1, 2)).astype(np.float64),
        absolute=np.abs(error).sum(axis=(1, 2)),
        signed=error.sum(axis=(1, 2)),
        square=(error * error).sum(axis=(1, 2)),
        demand=came.sum(axis=(1, 2)),
        windows=whole.sum(axis=1).astype(np.float64),
        cum_absolute=np.where(whole, np.abs(error.sum(axis=2)), 0).sum(axis=1),
        cum_demand=np.where(whole, came.sum(axis=2), 0).sum(axis=1),
        square_scale=_changes(_since_first_demand(before), 1, power=2),
        absolute_scale=_changes(before, season, power=1),
    )


def overall(errors: Errors) -> dict[str, float | None]:
    """Give the figures of all series together.

    Args:
        errors: Of each.

    Returns:
        ``rmsse`` and ``mase``, means over series that change before the first origin; ``wape``, ``cum_wape``
        (of sums over the horizon) and ``bias_pct``, ratios of sums over all series, the last in per cent,
        positive where too much was forecast. None where nothing can be told.
    """
    demand, cum_demand = exact(errors.demand), exact(errors.cum_demand)
    return {
        "rmsse": mean(errors.rmsse),
        "wape": share(exact(errors.absolute), demand),
        "mase": mean(errors.mase),
        "bias_pct": None if not demand else _PERCENT * exact(errors.signed) / demand,
        "cum_wape": share(exact(errors.cum_absolute), cum_demand),
    }


def pinball(quantiles: Floats, actual: Floats) -> Floats:
    """Give the mean pinball loss over the levels (Koenker & Bassett 1978), twice, as is usual.

    Args:
        quantiles: Any shape, the last axis the levels.
        actual: The same without it.

    Returns:
        The shape of `actual`; NaN where a quantile or the demand is not known.

    Examples:
        With every level at 4 and a demand of 6, half of the levels' mass is at fault by 2:
        >>> pinball(np.full((1, 15), 4.0), np.array([6.0])).round(3).tolist()
        [2.0]
    """
    gap = actual[..., None] - quantiles
    loss = np.maximum(LEVELS * gap, (LEVELS - 1) * gap)
    result: Floats = 2 * loss.mean(axis=-1)
    return result


def smape(forecast: Floats, actual: Floats) -> Floats:
    """Give the symmetric error of each series, in per cent, as M3 and M4 define it.

    Args:
        forecast: Series x horizon.
        actual: The same; NaN beyond a series' own horizon.

    Returns:
        Mean of 200 |f - y| / (|f| + |y|); 0 where both are 0.

    Examples:
        >>> smape(np.array([[3.0, 1.0]]), np.array([[1.0, 1.0]])).tolist()
        [50.0]
    """
    both = np.abs(forecast) + np.abs(actual)
    is_judged = np.isfinite(both)
    ratio = np.divide(np.abs(forecast - actual), both, out=np.zeros_like(both), where=is_judged & (both > 0))
    return _ratio(2 * _PERCENT * ratio.sum(axis=1), is_judged.sum(axis=1).astype(np.float64))


def exact(values: Floats) -> float:
    """Sum what is known of values, exactly.

    Args:
        values: Any numbers.

    Returns:
        Their sum, whatever their order.
    """
    return math.fsum(values[np.isfinite(values)].ravel().tolist())


def mean(values: Floats) -> float | None:
    """Give the mean of what is known.

    Args:
        values: Any numbers.

    Returns:
        The mean, or None if nothing is known.
    """
    known = values[np.isfinite(values)]
    return exact(known) / known.size if known.size else None


def share(part: float, whole: float) -> float | None:
    """Divide.

    Args:
        part: Any number.
        whole: >= 0.

    Returns:
        Their ratio, or None by zero.
    """
    return part / whole if whole else None


def _changes(before: Floats, season: int, *, power: int) -> Floats:
    change = np.abs(before[:, season:] - before[:, :-season]) ** power
    is_known = np.isfinite(change)
    return _ratio(np.where(is_known, change, 0).sum(axis=1), is_known.sum(axis=1).astype(np.float64))


def _since_first_demand(before: Floats) -> Floats:
    result: Floats = np.where(np.cumsum(np.nan_to_num(before) > 0, axis=1) > 0, before, np.nan)
    return result


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
