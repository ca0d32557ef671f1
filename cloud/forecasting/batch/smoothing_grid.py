"""A grid of exponential smoothings of all series at once: simple ones, and those with a damped trend. Pure.

Simple: l += a e. Damped trend: e = y - (l + p b), l = l + p b + a e, b = p b + a b* e (Gardner 1985; Hyndman
et al. 2008, model (A,Ad,N)). Errors one step ahead are summed as they come, so at any period the models can
be weighed by Akaike's criterion without looking back.

A start is not guessed: as long as the weight of a growing memory is larger than a model's own it is used
instead, 1/n for a level, and for a line 2(2n-1)/(n(n+1)) and 6/(n(n+1)) (the gains of recursive least
squares). So a model begins as the mean, or the line, of all there is.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.batch.panel import Real, Reals

SIMPLE: Final = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9)
"""Weights of the newest period."""
LEVEL: Final = (0.05, 0.15, 0.3, 0.5, 0.8)
TREND: Final = (0.05, 0.15, 0.35)
"""Weights of the newest change of the level in the trend."""
DAMPING: Final = (0.9, 0.98)
FREE: Final = 3
"""Errors of so few first periods judge no model: they tell of its start."""
SIMPLE_PARAMETERS: Final = 2
DAMPED_PARAMETERS: Final = 5
FLOOR: Final = 1e-9
"""Part of the sum of squared demand below which errors are rounding."""


def _column(values: tuple[float, ...]) -> Reals:
    return np.array(values, dtype=Real)[:, None]


_ALPHA: Final = _column(SIMPLE)
_GRID: Final = tuple((a, b, p) for p in DAMPING for a in LEVEL for b in TREND)
_D_ALPHA: Final = _column(tuple(a for a, _, _ in _GRID))
_D_TREND: Final = _column(tuple(a * b for a, b, _ in _GRID))
_D_PHI: Final = _column(tuple(p for _, _, p in _GRID))
_PER_PHI: Final = len(LEVEL) * len(TREND)
_MATURE: Final = 100
"""Periods after which no model's memory still grows."""


@dataclass(slots=True)
class SmoothingGrid:
    """States of all models after the period last stepped over; models x columns, or one value per column."""

    number: Reals
    """Periods known."""
    clock: Reals
    """Periods since the first known one."""
    squares: Reals
    """Sum of squared demand."""
    level: Reals
    errors: Reals
    """Sums of squared errors."""
    time: Reals
    """The clock, smoothed as the level is."""
    crossed: Reals
    """Sums of the errors of level and of clock multiplied."""
    time_errors: Reals
    moments: Reals
    """Sums of y, t, ty and tt, in double precision."""
    damped_level: Reals
    trend: Reals
    damped_errors: Reals

    def step(self, y: Reals, known: Reals) -> None:
        """Take in one period.

        Args:
            y: Of each column its demand, 0 where not known.
            known: 1 where it is, else 0.
        """
        self.number += known
        self.clock += self.number > 0
        is_whole = bool(known.all())
        is_mature = float(self.number.min()) > _MATURE
        counted = None if is_whole and is_mature else known * (self.number > FREE)
        self.squares += y * y
        self._step_moments(y, known)
        n = np.maximum(self.number, 1)
        alpha, d_alpha, d_trend = _ALPHA, _D_ALPHA, _D_TREND
        if not is_mature:
            alpha = np.maximum(_ALPHA, 1 / n)
            d_alpha = np.maximum(_D_ALPHA, 2 * (2 * n - 1) / (n * (n + 1)))
            d_trend = np.maximum(_D_TREND, 6 / (n * (n + 1))) * (n > 1)
        error = y - self.level
        time_error = self.clock - self.time
        if not is_whole:
            error *= known
            time_error *= known
        self.level += alpha * error
        self.time += alpha * time_error
        if counted is not None:
            time_error *= counted
            self.errors += error * error * counted
        else:
            self.errors += error * error
        self.crossed += error * time_error
        self.time_errors += time_error * time_error
        self.trend *= _D_PHI
        self.damped_level += self.trend
        error = y - self.damped_level
        if not is_whole:
            error *= known
        self.damped_level += d_alpha * error
        self.trend += d_trend * error
        np.multiply(error, error, out=error)
        if counted is not None:
            error *= counted
        self.damped_errors += error

    def _step_moments(self, y: Reals, known: Reals) -> None:
        clock = self.clock.astype(np.float64)
        self.moments[0] += y
        self.moments[1] += clock * known
        self.moments[2] += clock * y
        self.moments[3] += clock * clock * known

    def read(self, horizon: int) -> dict[str, Reals]:
        """Forecast from the period last stepped over."""
        n = self.number - FREE
        floor = self.squares * Real(FLOOR) + Real(1e-30)
        simple = likelihood(self.errors, n, floor, SIMPLE_PARAMETERS)
        damped = likelihood(self.damped_errors, n, floor, DAMPED_PARAMETERS)
        best = np.maximum(simple.max(axis=0), damped.max(axis=0))
        all_simple, all_damped = np.exp(simple - best), np.exp(damped - best)
        total = all_simple.sum(axis=0) + all_damped.sum(axis=0)
        w = weights(simple)
        ses = (w * self.level).sum(axis=0)
        steps = [np.cumsum(np.float64(p) ** np.arange(1, horizon + 1)).astype(Real) for p in DAMPING]
        flat = (all_simple * self.level).sum(axis=0) + (all_damped * self.damped_level).sum(axis=0)
        path = np.repeat((flat / total)[:, None], horizon, axis=1)
        slopes = all_damped * self.trend
        for place, grown in enumerate(steps):
            slope = slopes[place * _PER_PHI : (place + 1) * _PER_PHI].sum(axis=0) / total
            path += slope[:, None] * grown
        return {
            "ses": ses[:, None],
            "damped_trend": np.maximum(path, 0),
            "theta": self._theta(0.5, horizon, n, floor),
            "optimised_theta": self._theta(None, horizon, n, floor),
        }

    def _theta(self, drawn: float | None, horizon: int, n: Reals, floor: Reals) -> Reals:
        sum_y, sum_t, sum_ty, sum_tt = self.moments
        count = np.maximum(self.number.astype(np.float64), 1)
        spread = sum_tt - sum_t * sum_t / count
        slope = np.divide(sum_ty - sum_t * sum_y / count, spread, out=np.zeros_like(spread), where=spread > 0.25)
        slope = slope.astype(Real)
        if drawn is None:
            most = np.divide(self.crossed, self.time_errors, out=np.zeros_like(self.crossed), where=self.time_errors > 0)
            drift = np.clip(most, np.minimum(slope, 0), np.maximum(slope, 0))
        else:
            drift = np.broadcast_to(slope * Real(drawn), self.level.shape)
        errors = self.errors - 2 * drift * self.crossed + drift * drift * self.time_errors
        w = weights(likelihood(errors, n, floor, SIMPLE_PARAMETERS))
        start = (w * (self.level + drift * (self.clock - self.time))).sum(axis=0)
        rise = (w * drift).sum(axis=0)
        path = start[:, None] + rise[:, None] * np.arange(1, horizon + 1, dtype=Real)
        return np.maximum(path, 0)


def grid_of(columns: int) -> SmoothingGrid:
    """Make the states before the first period."""
    one, simple = columns, (len(SIMPLE), columns)
    shapes = dict.fromkeys(("number", "clock", "squares"), (one,))
    shapes |= dict.fromkeys(("level", "errors", "time", "crossed", "time_errors"), simple)
    shapes |= dict.fromkeys(("damped_level", "trend", "damped_errors"), (len(_GRID), columns))
    zeros = {name: np.zeros(shape, dtype=Real) for name, shape in shapes.items()}
    return SmoothingGrid(**zeros, moments=np.zeros((4, columns)))


def likelihood(errors: Reals, n: Reals, floor: Reals, parameters: int) -> Reals:
    """Half of Akaike's corrected criterion, negative: the larger the better."""
    left = n - parameters - 1
    penalty = parameters + np.where(left > 0, parameters * (parameters + 1) / np.maximum(left, 1), 1e4)
    count = np.maximum(n, 0)
    return np.asarray(-0.5 * count * np.log(np.maximum(errors, floor)) - penalty, dtype=Real)


def weights(likelihoods: Reals) -> Reals:
    """Weigh models (first axis) by their likelihoods."""
    w = np.exp(likelihoods - likelihoods.max(axis=0))
    w /= w.sum(axis=0)
    return w
