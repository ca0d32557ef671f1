"""Holt and Winters' smoothing of series with a season, all at once: indices that move with the demand. Pure.

It runs on demand divided by the indices of a decomposition, so that its own indices begin at 1; the season is
multiplicative, the trend damped (Holt 2004; Winters 1960; Hyndman et al. 2008, model (M,Ad,M)),

    f = (l + p b) s,  e = y - f,  l = l + p b + a e / s,  b = p b + a b* e / s,  s = s + g e / (l + p b).

As in the other grids, models are weighed by their errors, and a growing memory precedes them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.batch.criterion import likelihood, weights
from cloud.forecasting.batch.panel import Real, Reals
from cloud.forecasting.batch.smoothing_grid import SmoothingGrid, column

LEVEL: Final = (0.1, 0.3, 0.6)
TREND: Final = (0.0, 0.05, 0.15)
"""Weights of the newest change of the level in the trend; 0 for models without one."""
SEASON: Final = (0.05, 0.15)
"""Weights of the newest period in its index."""
DAMPING: Final = 0.95
GRID: Final = tuple((level, trend, season) for trend in TREND for level in LEVEL for season in SEASON)
"""Models, those without a trend first."""
PARAMETERS: Final = 4
RANGE: Final = (0.1, 10.0)
"""How far an index may move from where it began."""
LEAST: Final = 0.1
"""Part of the mean demand below which no level says anything of an index."""
_FLAT: Final = len(LEVEL) * len(SEASON)
_LEVEL: Final = column(*(level for level, _, _ in GRID))
_TREND: Final = column(*(level * trend for level, trend, _ in GRID))
_SEASON: Final = column(*(season for _, _, season in GRID))
_DAMPING: Final = column(*(DAMPING if trend else 0.0 for _, trend, _ in GRID))


@dataclass(slots=True)
class HoltWinters:
    """States of all models after the period last stepped over; models x columns."""

    place: int
    """Periods stepped over."""
    level: Reals
    trend: Reals
    errors: Reals
    """Sums of squared errors."""
    indices: Reals
    """Season x models x columns."""

    def step(self, y: Reals, known: Reals, beside: SmoothingGrid) -> None:
        """Take in one period.

        Args:
            y: Of each column its demand, 0 where not known.
            known: 1 where it is, else 0.
            beside: The other smoothings, which have taken it in: they know how much is known.
        """
        index = self.indices[self.place % len(self.indices)]
        self.place += 1
        n = np.maximum(beside.number, 1)
        self.trend *= _DAMPING
        self.level += self.trend
        error = y - self.level * index
        error *= known
        moves = _SEASON * (beside.number > len(self.indices))
        mean = (beside.moments[0] / n).astype(Real)
        least = np.maximum(mean * Real(LEAST), np.finfo(Real).tiny)
        relative = error / np.maximum(self.level, least)
        shared = error / index
        if beside.is_mature:
            self.level += _LEVEL * shared
            self.trend += _TREND * shared
        else:
            self._start(shared, n)
            error *= beside.judged > 0
        index += moves * relative
        np.clip(index, *RANGE, out=index)
        self.errors += error * error

    def _start(self, shared: Reals, n: Reals) -> None:
        """Move levels and trends by a growing memory as long as its weight is the larger one."""
        line = n * (n + 1)
        self.level[:_FLAT] += np.maximum(_LEVEL[:_FLAT], 1 / n) * shared[:_FLAT]
        self.level[_FLAT:] += np.maximum(_LEVEL[_FLAT:], (4 * n - 2) / line) * shared[_FLAT:]
        self.trend[_FLAT:] += np.maximum(_TREND[_FLAT:], 6 / line) * (n > 1) * shared[_FLAT:]

    def read(self, horizon: int, beside: SmoothingGrid) -> Reals:
        """Forecast from the period last stepped over.

        Args:
            horizon: Periods ahead.
            beside: The other smoothings.

        Returns:
            Columns x horizon, >= 0.
        """
        share = weights(likelihood(self.errors, beside.judged, beside.squares, PARAMETERS))
        path = np.empty((horizon, share.shape[1]), dtype=Real)
        level, trend = self.level.copy(), self.trend.copy()
        for step in range(horizon):
            trend *= _DAMPING
            level += trend
            index = self.indices[(self.place + step) % len(self.indices)]
            path[step] = (share * np.maximum(level, 0) * index).sum(axis=0)
        return np.ascontiguousarray(path.T)


def holt_winters_of(columns: int, season: int) -> HoltWinters:
    """Make the states before the first period.

    Args:
        columns: Series.
        season: Periods per cycle.

    Returns:
        All zero, and indices of 1.
    """
    level, trend, errors = np.zeros((3, len(GRID), columns), dtype=Real)
    return HoltWinters(0, level, trend, errors, np.ones((season, len(GRID), columns), dtype=Real))
