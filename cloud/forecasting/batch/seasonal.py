"""Seasonal indices of many series at once, where a test finds a season at all. Pure.

The test is that of the M competitions: whether the autocorrelation at the season is beyond its 90 % limit
(Bartlett's). Indices are those of the classical multiplicative decomposition, the demand of a place in the
cycle over the centred moving average there, drawn towards 1 by as much as they are uncertain (Miller &
Williams 2003, their James-Stein estimator).
"""

from typing import Final

import numpy as np

from cloud.forecasting.batch.panel import WIDTH, Panel, Real, Reals
from cloud.forecasting.protocol import Bools, Floats, Ints

CRITICAL: Final = 1.645
CYCLES: Final = 3
"""With fewer full cycles there is nothing to tell an index from chance by."""
DENSE: Final = 0.5
"""Part of the known periods in which something must have been asked for."""
LEAST: Final = 4
"""Seasons of fewer periods are none."""
LEAST_KNOWN: Final = 0.75
"""Part of a cycle that must be known around a period for its moving average."""
GROWTH: Final = 0.25
"""Indices are estimated anew once a series is longer by this part."""
LOWEST: Final = 0.05
"""No index is smaller: what is divided by it would drown all else."""


def is_seasonal(y: Reals, known: Reals, season: int) -> Bools:
    """Test which columns have a season.

    Args:
        y: Time x columns, 0 where not known.
        known: 1 where known.
        season: Periods per cycle.

    Returns:
        Of each column.
    """
    columns = y.shape[1]
    if season < LEAST or len(y) < CYCLES * season:
        return np.zeros(columns, dtype=np.bool_)
    has_begun = np.logical_or.accumulate(known > 0, axis=0)
    age = has_begun.sum(axis=0)
    number = np.maximum(known.sum(axis=0, dtype=np.float64), 1)
    is_dense = (y > 0).sum(axis=0) >= DENSE * number
    found = np.flatnonzero(is_dense & (age >= CYCLES * season) & (number >= LEAST_KNOWN * age))
    result = np.zeros(columns, dtype=np.bool_)
    if not len(found):
        return result
    # Sums over rows of a single column would run in another order.
    found = np.resize(found, max(len(found), WIDTH))
    number = number[found]
    values = y[:, found].astype(np.float64)
    centred = (values - values.sum(axis=0) / number) * known[:, found]
    total = (centred * centred).sum(axis=0)
    spread = np.ones(len(found))
    correlation = np.zeros(len(found))
    for lag in range(1, season + 1):
        product = (centred[lag:] * centred[:-lag]).sum(axis=0)
        correlation = np.divide(product, total, out=np.zeros_like(total), where=total > 0)
        if lag < season:
            spread += 2 * correlation * correlation
    result[found] = correlation > CRITICAL * np.sqrt(spread / number)
    return result


def indices(y: Reals, known: Reals, season: int) -> Floats:
    """Estimate indices.

    Args:
        y: Time x columns, 0 where not known; at least three cycles.
        known: 1 where known.
        season: Periods per cycle.

    Returns:
        Season x columns: by row modulo the season; each column's mean is 1.
    """
    columns = y.shape[1]
    half = season // 2
    weight = _moving(known.astype(np.float64), season)
    # A whole cycle must lie within the series, which begins with its first known period.
    has_begun = np.logical_or.accumulate(known > 0, axis=0)[: len(weight)]
    has_average = (weight >= LEAST_KNOWN * season) & has_begun
    average = np.divide(
        _moving(y.astype(np.float64), season), weight, out=np.zeros_like(weight), where=has_average
    )
    middle = slice(half, half + len(average))
    is_used = has_average & (average > 0) & (known[middle] > 0)
    ratio = np.divide(y[middle], average, out=np.zeros_like(average), where=is_used)
    sums, counts, squares = (np.zeros((season, columns)) for _ in range(3))
    for row in range(len(ratio)):
        place = (row + half - len(y)) % season
        sums[place] += ratio[row]
        squares[place] += ratio[row] * ratio[row]
        counts[place] += is_used[row]
    # Places are counted from the end, so that sums over them run alike however early the first row is.
    return np.roll(shrunk(sums, squares, counts), len(y) % season, axis=0)


def seasonal_factors(panel: Panel, has_season: Bools, until: int, season: int) -> Reals:
    """Give what each series is divided by.

    Args:
        panel: Of the series.
        has_season: Of each series.
        until: How many rows may be looked at.
        season: Periods per cycle.

    Returns:
        Season x columns, by row modulo the season; 1 where there is no season.
    """
    found = np.ones((season, panel.y.shape[1]), dtype=Real)
    columns = np.flatnonzero(has_season)
    if len(columns):
        padded = panel.of(columns)
        found[:, columns] = indices(padded.y[:until], padded.known[:until], season)[:, : len(columns)]
    return found


def shrunk(sums: Floats, squares: Floats, counts: Floats) -> Floats:
    """Make indices of sums of ratios and of their squares.

    Args:
        sums: Season x columns.
        squares: The same shape.
        counts: Ratios in each.

    Returns:
        Season x columns.
    """
    season = len(sums)
    number = np.maximum(counts, 1)
    raw = np.where(counts > 0, sums / number, 1)
    mean = raw.sum(axis=0) / season
    raw /= np.where(mean > 0, mean, 1)
    inner = np.maximum(squares - sums * sums / number, 0).sum(axis=0)
    freedom = np.maximum(counts - 1, 0).sum(axis=0)
    variance = np.divide(inner, freedom, out=np.zeros_like(inner), where=freedom > 0)
    of_index = variance * (1 / number).sum(axis=0) / season
    spread = ((raw - 1) ** 2).sum(axis=0) / max(season - 1, 1)
    draw = np.divide(of_index, spread, out=np.ones_like(spread), where=spread > of_index)
    draw *= max(season - 3, 0) / max(season - 1, 1)
    found = np.maximum(1 + (1 - draw) * (raw - 1), LOWEST)
    result: Floats = found / (found.sum(axis=0) / season)
    return result


def _moving(values: Floats, season: int) -> Floats:
    """Sum a cycle around each period; of an even one the outermost two count half."""
    summed = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    if season % 2:
        return np.asarray(summed[season:] - summed[:-season])
    whole = summed[season:] - summed[:-season]
    return np.asarray((whole[:-1] + whole[1:]) / 2)


def epochs(origins: Ints) -> list[int]:
    """Choose the origins at which indices are estimated anew.

    Args:
        origins: Ascending.

    Returns:
        Places among the origins: the first, one in the middle of their span, and the last.

    Examples:
        >>> epochs(np.array([10, 20, 21, 22, 23, 24, 30]))
        [0, 1, 6]
    """
    middle = int(np.searchsorted(origins, (int(origins[0]) + int(origins[-1])) / 2))
    return sorted({0, middle, len(origins) - 1})
