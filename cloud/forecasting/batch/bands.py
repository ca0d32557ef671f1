"""Bands around forecasts from past errors, pooled over series of like volume and corrected online. Pure.

Split-conformal prediction (Vovk et al. 2005; Lei et al. 2018). An error is divided by its series' scale: the
root of its usual square, drawn towards that of series of like volume. Scaled errors are pooled by stratum of
volume, and the k-th smallest of n, k = ceil((n + 1) p), is the quantile p. After each origin the share that
lay below a quantile is held against its level, and the level moves by a part of the difference (adaptive
conformal inference, Gibbs & Candes 2021). A target is a single step or the sum over the first steps, because
a sum over the lead time is what stock must cover. What an origin's bands rest on had come by then.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from cloud.forecasting.batch.classes import strata
from cloud.forecasting.protocol import Bools, Floats, Ints

LEVELS: Final = np.array(
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99, 0.995]
)
"""Of the quantiles (DOMAIN D10)."""
BAND_80: Final = (4, 10)
BAND_95: Final = (2, 12)
"""Places of the bands' limits within the levels."""
MOST_STRATA: Final = 10
LEAST_SERIES: Final = 20
"""Series per stratum; with fewer there are fewer strata."""
LEAST_ERRORS: Final = 100
"""Scaled errors below which a stratum borrows those of all."""
SMOOTHING: Final = 0.15
HALF_LIFE: Final = 26
"""Periods after which a one-step error of the plain smoothing weighs half in a series' scale."""
PRIOR_PERIODS: Final = 8.0
"""Weight of the stratum's scale in a series' own."""
PRIOR_ORIGINS: Final = 8.0
"""Weight of the plain smoothing's scale beside the forecast's own one-step errors."""
MOST_GAIN: Final = 25.0
"""A single own square of so many times the plain one counts no more."""
STEP: Final = 0.1
"""Part of a difference between share and level by which the level moves."""


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
        return np.stack(
            [
                steps[..., start:end].sum(axis=-1)
                for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True)
            ],
            axis=-1,
        )


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

    scores: Floats
    """Series x origins x targets; NaN where not known."""
    width: Floats
    """The same shape: what errors are divided by, but for the targets' spread; > 0 or NaN."""
    strata: Ints
    """Series x origins; -1 without a forecast."""
    count: int
    """Number of strata."""

    def of(self, rows: slice) -> "Scaled":
        """Give some of the series."""
        return Scaled(self.scores[rows], self.width[rows], self.strata[rows], self.count)


@dataclass(frozen=True, slots=True)
class Tables:
    """Quantiles of scaled errors as known at each origin."""

    quantiles: Floats
    """Origins x targets x strata x levels, times the targets' spread; NaN where no error is known."""
    samples: Ints
    """Origins x targets x strata: how many errors each rests on."""
    levels: Floats
    """Origins x targets x strata x levels: the levels as corrected."""


def plain_scale(y: Floats, at: Ints) -> tuple[Floats, Floats]:
    """Give the mean square of one-step errors of a plain smoothing, the newest weighing most.

    Args:
        y: Series x periods; NaN where not known.
        at: Origins.

    Returns:
        Series x origins: mean squares, 0 where none is known; and the sum of their weights.
    """
    fading = 0.5 ** (1 / HALF_LIFE)
    level = np.full(len(y), np.nan)
    total, weight = np.zeros(len(y)), np.zeros(len(y))
    squares, weights = np.zeros((len(y), len(at))), np.zeros((len(y), len(at)))
    place = 0
    for column in range(int(at[-1]) + 1):
        now = y[:, column]
        error = now - level
        is_known = np.isfinite(error)
        total = np.where(is_known, fading * total + error * error, total)
        weight = np.where(is_known, fading * weight + 1, weight)
        level = np.where(is_known, level + SMOOTHING * error, np.where(np.isnan(level), now, level))
        while place < len(at) and at[place] == column:
            squares[:, place] = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
            weights[:, place] = weight
            place += 1
    return squares, weights


def scale_errors(
    forecast: Floats,
    actual: Floats,
    plain: tuple[Floats, Floats],
    *,
    origins: Ints,
    targets: Targets,
    factors: Floats | None = None,
) -> Scaled:
    """Scale the errors of all series.

    Args:
        forecast: Series x origins x horizon, combined.
        actual: The same shape; NaN where not known.
        plain: As `plain_scale` gives it, of demand without effects.
        origins: Columns, ascending.
        targets: What the bands are around.
        factors: Of each step what its forecast was multiplied by; errors are taken to grow with it.

    Returns:
        Scores, scales and strata; those of an origin rest on what was known at it, scores apart.
    """
    growth = np.ones(forecast.shape) if factors is None else factors
    volume = (forecast / growth).mean(axis=2)
    count = min(max(len(volume) // LEAST_SERIES, 1), MOST_STRATA)
    placed = np.stack([strata(volume[:, place], count) for place in range(len(origins))], axis=1)
    own, known = _own_squares((forecast[:, :, 0] - actual[:, :, 0]) / growth[:, :, 0], origins)
    scale = np.stack(
        [
            _scale(
                plain[0][:, n],
                plain[1][:, n],
                own[:, n],
                known[:, n],
                volume=volume[:, n],
                placed=placed[:, n],
            )
            for n in range(len(origins))
        ],
        axis=1,
    )
    error = targets.of(actual) - targets.of(forecast)
    width = scale[:, :, None] * targets.of(growth) / (targets.ends - targets.starts)
    spread = width * targets.spread
    scores = np.divide(error, spread, out=np.full_like(error, np.nan), where=spread > 0)
    return Scaled(scores, width, placed, count)


def calibrate(scaled: Scaled, origins: Ints, targets: Targets, *, first: int = 0) -> Tables:
    """Read quantiles of scaled errors as they were known at each origin, and correct their levels.

    Args:
        scaled: Of all series.
        origins: Columns, ascending.
        targets: What the bands are around.
        first: Index of the first origin whose bands are wanted; earlier ones stay NaN.

    Returns:
        The tables.
    """
    shape = (len(origins), len(targets.ends), scaled.count, len(LEVELS))
    quantiles = np.full(shape, np.nan)
    samples = np.zeros(shape[:3], dtype=np.int64)
    levels = np.broadcast_to(LEVELS, shape).copy()
    below = np.full(shape, np.nan)
    for place in range(first, len(origins)):
        order = np.argsort(scaled.strata[:, place], kind="stable")
        bounds = np.searchsorted(scaled.strata[order, place], np.arange(scaled.count + 1))
        scores = np.moveaxis(scaled.scores[order, : place + 1], 2, 0).copy()
        for target, end in enumerate(targets.ends.tolist()):
            settled = int(np.searchsorted(origins, origins[place] - end, side="right"))
            levels[place, target] = _corrected(below[:settled, target])
            pools = _pools(scores[target, :, :settled], bounds)
            quantiles[place, target] = _quantiles(pools, levels[place, target])
            samples[place, target] = [len(pool) for pool in pools]
            if target and not samples[place, target].all():
                unknown = samples[place, target] == 0
                quantiles[place, target, unknown] = quantiles[place, target - 1, unknown]
            below[place, target] = _shares_below(scores[target, :, place], bounds, quantiles[place, target])
    return Tables(quantiles * targets.spread[:, None, None], samples, levels)


def draw(tables: Tables, scaled: Scaled, place: int, centre: Floats) -> Floats:
    """Put quantiles around forecasts, rising with the level, never below zero.

    Args:
        tables: Of all origins.
        scaled: Of the series.
        place: Index of the origin.
        centre: Series x targets: what was forecast.

    Returns:
        Series x targets x levels; NaN where there is no forecast, or no error is known.
    """
    number = scaled.strata[:, place]
    width = np.where(number[:, None] >= 0, scaled.width[:, place], np.nan)
    between = np.moveaxis(tables.quantiles[place][:, np.maximum(number, 0)], 0, 1)
    raw = np.maximum(centre[:, :, None] + between * width[:, :, None], 0)
    result: Floats = np.maximum.accumulate(raw, axis=2)
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
    result: Floats = ordered[_ranks(np.array(len(ordered)), levels) - 1]
    return result


def _ranks(count: Ints, levels: Floats) -> Ints:
    exact = np.round((count + 1) * levels, 9)
    rank = np.where(levels > 0.5, np.ceil(exact), np.floor(exact)).astype(np.int64)  # noqa: PLR2004  the middle
    result: Ints = np.clip(rank, 1, count)
    return result


def _pools(scores: Floats, bounds: Ints) -> list[Floats]:
    """Sort what is known of each stratum; one with too little has what is known of all."""
    pools = [_sorted(scores[first:last]) for first, last in pairwise(bounds.tolist())]
    if min(map(len, pools)) >= LEAST_ERRORS:
        return pools
    everyone = _sorted(scores[bounds[0] :])
    return [pool if len(pool) >= LEAST_ERRORS else everyone for pool in pools]


def _quantiles(pools: list[Floats], levels: Floats) -> Floats:
    """Give the conformal quantiles of all strata (strata x levels); NaN where nothing is known."""
    counts = np.array([len(pool) for pool in pools])
    if not counts.any():
        return np.full(levels.shape, np.nan)
    ranks = _ranks(counts[:, None], levels)
    place = np.cumsum(counts) - counts
    found = np.concatenate(pools)[np.minimum(place[:, None] + ranks - 1, counts.sum() - 1)]
    return np.where(counts[:, None] > 0, found, np.nan)


def _shares_below(scores: Floats, bounds: Ints, quantiles: Floats) -> Floats:
    """Tell which share of each stratum came at or below its quantiles (strata x levels)."""
    found = np.full(quantiles.shape, np.nan)
    for number, (first, last) in enumerate(pairwise(bounds.tolist())):
        ordered = _sorted(scores[first:last])
        if len(ordered) and np.isfinite(quantiles[number, 0]):
            found[number] = np.searchsorted(ordered, quantiles[number], side="right") / len(ordered)
    return found


def _own_squares(one_step: Floats, origins: Ints) -> tuple[Floats, Floats]:
    """Mean square of the forecast's own one-step errors known at each origin, and their number."""
    square = np.nan_to_num(one_step**2)
    is_known = np.isfinite(one_step)
    mean, number = np.zeros_like(square), np.zeros_like(square)
    for place in range(len(origins)):
        settled = int(np.searchsorted(origins, origins[place] - 1, side="right"))
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


def _corrected(below: Floats) -> Floats:
    """Move the levels by what lay below them at the origins that have come (strata x levels)."""
    if not len(below):
        return np.broadcast_to(LEVELS, below.shape[1:])
    level = LEVELS + STEP * np.where(np.isnan(below), 0, LEVELS - below).sum(axis=0)
    # No level loses more than half of its distance to its end, so that their order holds.
    low, high = LEVELS / 2, 1 - (1 - LEVELS) / 2
    result: Floats = np.maximum.accumulate(np.clip(level, low, high), axis=-1)
    return result


def _sorted(scores: Floats) -> Floats:
    ordered: Floats = np.sort(scores, axis=None)  # what is not known comes last
    return ordered[: len(ordered) - int(np.isnan(ordered).sum())]
