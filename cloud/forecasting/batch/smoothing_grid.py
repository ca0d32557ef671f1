"""A grid of exponential smoothings of all series at once: simple ones, and those with a damped trend. Pure.

Simple: l += a e. Damped trend: e = y - (l + p b), l = l + p b + a e, b = p b + a b* e (Gardner 1985; Hyndman
et al. 2008, model (A,Ad,N)). Errors one step ahead are summed as they come, so at any period the models can
be weighed by Akaike's criterion without looking back.

A start is not guessed: as long as the weight of a growing memory is larger than a model's own it is used
instead, 1/n for a level, and for a line 2(2n-1)/(n(n+1)) and 6/(n(n+1)) (the gains of recursive least
squares). So a model begins as the mean, or the line, of all there is.

After periods that are not known, what a wrong trend did to the level has added up: of the error that is seen
then the trend takes the part that one of its own periods has in it. It would swing ever wider otherwise.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.batch.criterion import SIMPLE_PARAMETERS, likelihood, weights
from cloud.forecasting.batch.panel import Real, Reals
from cloud.forecasting.protocol import Floats

SIMPLE: Final = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9)
"""Weights of the newest period."""
LEVEL: Final = (0.05, 0.15, 0.3, 0.5, 0.8)
TREND: Final = (0.05, 0.15, 0.35)
"""Weights of the newest change of the level in the trend."""
DAMPING: Final = (0.9, 0.98)
GRID: Final = tuple((level, trend, damping) for damping in DAMPING for level in LEVEL for trend in TREND)
"""Models with a damped trend, those of one damping together."""
FREE: Final = 3
"""Errors of so few first periods judge no model: they tell of its start."""
DAMPED_PARAMETERS: Final = 5
MATURE: Final = 100
"""Known periods after which no model's memory still grows."""


def column(*values: float) -> Reals:
    """Write values one below the other, to be held against columns.

    Args:
        *values: Of the models.

    Returns:
        Models x 1.
    """
    return np.array(values, dtype=Real)[:, None]


_ALPHA: Final = column(*SIMPLE)
_LEVEL: Final = column(*(level for level, _, _ in GRID))
_TREND: Final = column(*(level * trend for level, trend, _ in GRID))
_DAMPING: Final = column(*(damping for _, _, damping in GRID))
_FADING: Final = column(*DAMPING)


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
    """The clock, smoothed as the level is: Theta's line is known from it."""
    crossed: Reals
    """Sums of the errors of level and of clock multiplied."""
    time_errors: Reals
    """Sums of the squared errors of the clock."""
    moments: Floats
    """4 x columns: sums of y, t, ty and tt; their differences need double precision."""
    damped_level: Reals
    trend: Reals
    damped_errors: Reals
    pace: Reals
    """Dampings x columns: what part of an error is one period's of the trend; 1 after a known period."""
    scratch: Reals
    """2 x models x columns: where intermediate results are written; not a state."""

    def step(self, y: Reals, known: Reals) -> None:
        """Take in one period.

        Args:
            y: Of each column its demand, 0 where not known.
            known: 1 where it is, else 0.
        """
        self.number += known
        self.clock += self.number > 0
        self.squares += y * y
        clock = self.clock.astype(np.float64)
        self.moments[0] += y
        self.moments[1] += clock * known
        self.moments[2] += clock * y
        self.moments[3] += clock * clock * known
        gaps = None if known.all() else known
        self._learn(y, known, gaps)
        if gaps is not None or (self.pace < 1).any():
            faded = self.pace * _FADING
            is_fresh = (known > 0) | (self.number == 0)
            self.pace = np.where(is_fresh, Real(1), faded / (faded + 1))

    def _learn(self, y: Reals, known: Reals, gaps: Reals | None) -> None:
        """Step all models."""
        if self.is_mature:
            self._smooth(y, _ALPHA, gaps, gaps)
            self._follow(y, _LEVEL, _TREND, gaps, gaps)
            return
        judged = known * (self.number > FREE)
        n = np.maximum(self.number, 1)
        self._smooth(y, np.maximum(_ALPHA, 1 / n), gaps, judged)
        line = n * (n + 1)
        level, trend = (4 * n - 2) / line, 6 / line * (n > 1)
        # Models of either damping begin alike.
        half = len(GRID) // len(DAMPING)
        trends = np.maximum(_TREND[:half] * (n > 1), trend)
        self._follow(y, np.maximum(_LEVEL[:half], level), trends, gaps, judged)

    def _smooth(self, y: Reals, gain: Reals, gaps: Reals | None, judged: Reals | None) -> None:
        """Step the simple models, and the clock with them."""
        models = len(SIMPLE)
        error, other = self.scratch[0, :models], self.scratch[1, :models]
        time_error = self.scratch[0, models : 2 * models]
        np.subtract(y, self.level, out=error)
        np.subtract(self.clock, self.time, out=time_error)
        if gaps is not None:
            error *= gaps
            time_error *= gaps
        self.level += np.multiply(gain, error, out=other)
        self.time += np.multiply(gain, time_error, out=other)
        if judged is not None:
            error *= judged
            time_error *= judged
        self.crossed += np.multiply(error, time_error, out=other)
        self.errors += np.multiply(error, error, out=error)
        self.time_errors += np.multiply(time_error, time_error, out=time_error)

    def _follow(
        self, y: Reals, gain: Reals, trend_gain: Reals, gaps: Reals | None, judged: Reals | None
    ) -> None:
        """Step the models with a trend."""
        error, other = self.scratch
        self.trend *= _DAMPING
        self.damped_level += self.trend
        np.subtract(y, self.damped_level, out=error)
        if gaps is not None:
            error *= gaps
        for state, weight in ((self.damped_level, gain), (self.trend, trend_gain)):
            shape = (-1, len(weight), error.shape[1])
            np.multiply(weight, error.reshape(shape), out=other.reshape(shape))
            if state is self.trend and (self.pace < 1).any():
                by_damping = other.reshape(len(DAMPING), -1, error.shape[1])
                by_damping *= self.pace[:, None]
            np.add(state, other, out=state)
        if judged is not None:
            error *= judged
        self.damped_errors += np.multiply(error, error, out=error)

    @property
    def is_mature(self) -> bool:
        """Whether no model's memory still grows, of the series that have begun."""
        return bool(((self.number > MATURE) | (self.number == 0)).all())

    @property
    def judged(self) -> Reals:
        """Of each column, how many errors models are judged by."""
        return np.maximum(self.number - FREE, 0)

    def read(self, horizon: int) -> dict[str, Reals]:
        """Forecast from the period last stepped over.

        Args:
            horizon: Periods ahead.

        Returns:
            By member, columns x horizon or columns x 1.
        """
        simple = likelihood(self.errors, self.judged, self.squares, SIMPLE_PARAMETERS)
        damped = likelihood(self.damped_errors, self.judged, self.squares, DAMPED_PARAMETERS)
        ses = (weights(simple) * self.level).sum(axis=0)
        share = weights(np.concatenate([simple, damped]))
        flat = (share[: len(SIMPLE)] * self.level).sum(axis=0)
        share = share[len(SIMPLE) :]
        flat += (share * self.damped_level).sum(axis=0)
        path = np.repeat(flat[:, None], horizon, axis=1)
        share *= self.trend
        each = len(LEVEL) * len(TREND)
        for place, damping in enumerate(DAMPING):
            grown = np.cumsum(damping ** np.arange(1.0, horizon + 1)).astype(Real)
            path += share[place * each : (place + 1) * each].sum(axis=0)[:, None] * grown
        return {"ses": ses[:, None], "damped_trend": np.maximum(path, 0)}


def grid_of(columns: int) -> SmoothingGrid:
    """Make the states before the first period.

    Args:
        columns: Series.

    Returns:
        All zero.
    """
    one, simple, damped = (columns,), (len(SIMPLE), columns), (len(GRID), columns)
    shapes = {
        **dict.fromkeys(("number", "clock", "squares"), one),
        **dict.fromkeys(("level", "errors", "time", "crossed", "time_errors"), simple),
        **dict.fromkeys(("damped_level", "trend", "damped_errors"), damped),
        "scratch": (2, *damped),
    }
    zeros = {name: np.zeros(shape, dtype=Real) for name, shape in shapes.items()}
    pace = np.ones((len(DAMPING), columns), dtype=Real)
    return SmoothingGrid(**zeros, moments=np.zeros((4, columns)), pace=pace)
