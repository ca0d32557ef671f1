"""What errors are divided by before they are pooled: each series' usual error, and where it stands. Pure.

The scale is the root of a mean square: of the one-step errors of a plain smoothing over all history, drawn
towards those of series of like volume, and then of the forecast's own one-step errors as they become known.
It is larger where little is known, as a level that rests on n periods is itself off by a part of 1 / n of the
square (the prediction interval of a mean: Hyndman & Athanasopoulos 2021, 5.5). Otherwise the errors of a
series' first forecasts, which say that, widen the bands of those whose levels are known well.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cloud.forecasting.batch.classes import NONE, strata
from cloud.forecasting.batch.idle import FADING, Idle, drawn, is_young
from cloud.forecasting.batch.roomy import let_go
from cloud.forecasting.protocol import Bools, Floats, Ints

Reals = NDArray[np.float32] | NDArray[np.float64]
MOST_STRATA: Final = 10
LEAST_SERIES: Final = 20
"""Series per stratum; with fewer there are fewer strata."""
SMOOTHING: Final = 0.15
PRIOR_PERIODS: Final = 8.0
"""Weight of the stratum's scale in a series' own."""
PRIOR_ORIGINS: Final = 8.0
"""Weight of the plain smoothing's scale beside the forecast's own one-step errors."""
MOST_GAIN: Final = 25.0
"""A single own square of so many times the plain one counts no more."""
MOST_SCORE: Final = 20.0
"""An error of more times its series' usual one counts as one of so many: a band cannot be drawn from it."""
OFTEN_IDLE: Final = 0.1
"""Chance of no demand above which a series' errors are pooled apart: its bands begin at zero."""
AT_ONCE: Final = 1_000
"""Series whose scores are worked on together: this bounds memory."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What bands are drawn around: single steps, sums over first steps, or both."""

    starts: Ints
    """Of each target its first step, from 0."""
    ends: Ints
    """Its last step plus one."""

    @property
    def spread(self) -> Floats:
        """By how much errors grow before anything is known: the root of the number of steps summed."""
        result: Floats = np.sqrt(self.ends - self.starts)
        return result

    def of(self, steps: Floats) -> Floats:
        """Sum steps into targets.

        Args:
            steps: Any shape, the last axis the horizon.

        Returns:
            The same with targets last; NaN where a step of one is.
        """
        found = np.stack(
            [
                steps[..., start:end].sum(axis=-1)
                for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True)
            ]
        )
        return np.moveaxis(found, 0, -1)


def steps_and_sum(horizon: int) -> Targets:
    """Give each step of a horizon, and last the sum of all.

    Args:
        horizon: Steps, > 0.

    Returns:
        `horizon` + 1 targets.
    """
    steps = np.arange(horizon)
    return Targets(np.append(steps, 0), np.append(steps + 1, horizon))


@dataclass(frozen=True, slots=True)
class Scaled:
    """Errors over scale, and where each series stands."""

    scores: Reals
    """Series x origins x targets; NaN where not known."""
    width: Reals
    """The same shape: what errors are divided by, but for the targets' spread; > 0 or NaN."""
    strata: Ints
    """Series x origins; -1 without a forecast."""
    count: int
    """Number of strata."""
    idle: Reals
    """Series x origins x targets: how often nothing at all was asked for."""
    young: Bools
    """Series x origins: of which little was known: their errors are pooled apart, whatever their volume."""
    starts: tuple[int, ...] = (0,)
    """Strata with which those of each kind of series begin; errors of no two kinds are pooled."""

    @property
    def pools(self) -> int:
        """How many pools of errors there are."""
        return 2 * self.count + len(self.starts)

    def pool(self, place: int) -> Ints:
        """Tell in which pool of errors each series is.

        Of each stratum the series that are rarely idle are one, then the others; after those of all strata
        come the young series of each kind.

        Args:
            place: Of the origin.

        Returns:
            Series x targets; that of the first stratum where there is no forecast.
        """
        stratum = np.maximum(self.strata[:, place], 0)
        kind = np.searchsorted(self.starts, stratum, side="right") - 1
        grown = 2 * stratum[:, None] + (self.idle[:, place] > OFTEN_IDLE)
        result: Ints = np.where(self.young[:, place, None], 2 * self.count + kind[:, None], grown)
        return result

    def kind_of(self, stratum: int) -> tuple[int, int]:
        """Tell which strata a kind of series has.

        Args:
            stratum: One of them.

        Returns:
            The first, and one past the last.
        """
        ends = (*self.starts[1:], self.count)
        return next(pair for pair in zip(self.starts, ends, strict=True) if stratum < pair[1])

    def of(self, rows: slice) -> "Scaled":
        """Give some of the series."""
        return replace(
            self,
            scores=self.scores[rows],
            width=self.width[rows],
            strata=self.strata[rows],
            idle=self.idle[rows],
            young=self.young[rows],
        )


@dataclass(frozen=True, slots=True)
class Past:
    """What the history of each series tells of its errors to come, as known at each origin."""

    squares: Floats
    """Series x origins: mean square of one-step errors of a plain smoothing; 0 where none is known."""
    weights: Floats
    """Sums of the weights of these."""
    idle: Floats
    """Share of periods without any demand since the first, as `cloud.forecasting.batch.idle` counts them."""
    periods: Floats
    """Sums of the weights of these: how much is known of a series."""

    @classmethod
    def empty(cls, series: int, origins: int) -> "Past":
        """Begin with nothing."""
        return cls(*np.zeros((4, origins, series)).transpose(0, 2, 1))


def past_of(y: Floats, at: Ints) -> Past:
    """Smooth each series plainly, and remember its errors and its idle periods, the newest weighing most.

    Args:
        y: Series x periods; NaN where not known.
        at: Origins.

    Returns:
        What is known at each.
    """
    level = np.full(len(y), np.nan)
    total, weight = np.zeros((2, len(y)))
    idle, found = Idle(len(y)), Past.empty(len(y), len(at))
    place = 0
    for column in range(int(at[-1]) + 1):
        now = y[:, column]
        error = now - level
        has_error = np.isfinite(error)
        total = np.where(has_error, FADING * total + error * error, total)
        weight = np.where(has_error, FADING * weight + 1, weight)
        level = np.where(has_error, level + SMOOTHING * error, np.where(np.isnan(level), now, level))
        idle.step(now)
        while place < len(at) and at[place] == column:
            found.squares[:, place] = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
            found.weights[:, place] = weight
            found.idle[:, place], found.periods[:, place] = idle.told()
            place += 1
    return found


def scale_errors(
    forecast: Floats,
    actual: Floats,
    past: Past,
    *,
    origins: Ints,
    targets: Targets,
    volume: Floats,
    one_step: Floats,
    one_step_after: int = 1,
    growth: Floats | None = None,
    periods: Floats | None = None,
    kinds: Ints | None = None,
) -> Scaled:
    """Scale the errors of all series.

    Args:
        forecast: Series x origins x targets.
        actual: The same shape; NaN where not known.
        past: Of demand without effects.
        origins: When was forecast, ascending, in the unit of the targets' starts and ends.
        targets: What the bands are around.
        volume: Series x origins: expected demand without effects, that strata are made of.
        one_step: Series x origins: errors of the first step, without effects.
        one_step_after: When they were known.
        growth: Of each target the mean factor it was multiplied by; errors are taken to grow with it.
        periods: How many periods of the past each target lasts; None: as many as it has steps.
        kinds: Of each series how it is forecast, from 0; each kind has strata of its own. None: all alike.

    Returns:
        Scores, scales and strata; those of an origin rest on what was known at it, scores apart.
    """
    placed, starts, count = _placed(volume, kinds)
    own, known = _own_squares(one_step, origins, one_step_after)
    scale = np.stack(
        [
            _scale(
                past.squares[:, n],
                past.weights[:, n],
                own[:, n],
                known[:, n],
                volume=volume[:, n],
                placed=placed[:, n],
            )
            for n in range(len(origins))
        ]
    ).T * np.sqrt(1 + 1 / np.maximum(past.periods, 1))
    lasts = targets.ends - targets.starts if periods is None else periods
    idle = drawn(past.idle, past.periods, placed, count)
    scores, widths, idles = np.empty((3, *forecast.shape), dtype=np.float32)
    for first in range(0, len(forecast), AT_ONCE):
        rows = slice(first, first + AT_ONCE)
        width = scale[rows, :, None] * (np.ones_like(forecast[rows]) if growth is None else growth[rows])
        off = (actual[rows] - forecast[rows]) / (np.where(width > 0, width, np.nan) * targets.spread)
        scores[rows], widths[rows] = np.minimum(off, MOST_SCORE), width
        idles[rows] = idle[rows, :, None] ** lasts
        let_go(forecast, actual)
    return Scaled(scores, widths, placed, count, idles, is_young(past.periods), starts)


def _placed(volume: Floats, kinds: Ints | None) -> tuple[Ints, tuple[int, ...], int]:
    """Place series in strata of volume, each kind in its own.

    Returns:
        Series x origins; the first stratum of each kind; how many there are.
    """
    placed = np.full(volume.shape, NONE, dtype=np.int64)
    starts, count = [], 0
    of = np.zeros(len(volume), dtype=np.int64) if kinds is None else kinds
    for kind in np.unique(of):
        rows = np.flatnonzero(of == kind)
        number = min(max(len(rows) // LEAST_SERIES, 1), MOST_STRATA)
        for place in range(volume.shape[1]):
            found = strata(volume[rows, place], number)
            placed[rows, place] = np.where(found >= 0, found + count, NONE)
        starts.append(count)
        count += number
    return placed, tuple(starts), count


def _own_squares(one_step: Floats, origins: Ints, after: int) -> tuple[Floats, Floats]:
    """Mean square of the forecast's own one-step errors known at each origin, and their number."""
    square = np.nan_to_num(one_step**2)
    is_known = np.isfinite(one_step)
    mean, number = np.zeros_like(square), np.zeros_like(square)
    for place in range(len(origins)):
        settled = int(np.searchsorted(origins, origins[place] - after, side="right"))
        number[:, place] = is_known[:, :settled].sum(axis=1)
        mean[:, place] = square[:, :settled].sum(axis=1) / np.maximum(number[:, place], 1)
    return mean, number


def _scale(
    plain: Floats, weight: Floats, own: Floats, known: Floats, *, volume: Floats, placed: Ints
) -> Floats:
    """Draw a series' mean squares towards its stratum's, which grow with the volume; give the root."""
    has_forecast = placed >= 0
    is_usable = has_forecast & (weight > 0) & (plain > 0) & (volume > 0)
    if not is_usable.any():
        return np.where(has_forecast, np.sqrt(plain), np.nan)
    per_volume = np.divide(plain, volume, out=np.full_like(plain, np.nan), where=is_usable)
    usual = _typical(per_volume, placed, is_usable) * np.nan_to_num(volume)
    drawn = (weight * plain + PRIOR_PERIODS * usual) / (weight + PRIOR_PERIODS)
    is_judged = is_usable & (known > 0) & (drawn > 0)
    gain = np.divide(own, drawn, out=np.full_like(own, np.nan), where=is_judged)
    if is_judged.any():
        expected = drawn * _mean_gain(gain, placed, is_judged)
        drawn = (known * own + PRIOR_ORIGINS * expected) / (known + PRIOR_ORIGINS)
    return np.where(has_forecast & (drawn > 0), np.sqrt(np.maximum(drawn, 0)), np.nan)


def _typical(value: Floats, placed: Ints, is_usable: Bools) -> Floats:
    """Give each series the median of its stratum, or of all where that has none."""
    everywhere = float(np.median(value[is_usable]))
    of = [
        float(np.median(value[within])) if (within := is_usable & (placed == number)).any() else everywhere
        for number in range(int(placed.max()) + 1)
    ]
    result: Floats = np.array(of)[np.maximum(placed, 0)]
    return result


def _mean_gain(gain: Floats, placed: Ints, is_usable: Bools) -> Floats:
    """Give each series the mean of its stratum; a median would lean low where few errors are known."""
    everywhere = _mean(gain[is_usable])
    of = [
        _mean(gain[within]) if (within := is_usable & (placed == number)).any() else everywhere
        for number in range(int(placed.max()) + 1)
    ]
    result: Floats = np.array(of)[np.maximum(placed, 0)]
    return result


def _mean(value: Floats) -> float:
    return float(np.sort(np.minimum(value, MOST_GAIN)).mean())
