"""Estimation of effects on demand at one column, over all series at once; `uplift` tells the model. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from cloud.forecasting.protocol import Bools, Floats, Ints
from cloud.forecasting.uplift_shared import NO_INFORMATION, Part, Shared, shared

HALF_WINDOW: Final = 26
"""Periods to each side over which the slow level is the mean."""
ROUNDS: Final = 15
"""Most steps of the estimation; it stops when none moves by more than `SETTLED`."""
SETTLED: Final = 0.005
LONGEST_STEP: Final = 1.0
PRIOR_SD: Final = 1.0
"""Of a coefficient nothing is known about: a factor between 1/7 and 7."""
LEAST_SPREAD: Final = 0.05
"""Members of a pool are taken to differ by at least so much in a coefficient."""
MOST_SPREAD: Final = 1.5
USUAL_SPREAD: Final = 0.25
NOISE_PERIODS: Final = 10
"""Weight of the typical relative noise in a series' own, in periods."""
Shift = Callable[[slice], Floats]
"""Of some series the covariates less their values without effect."""
CHUNK: Final = 500
"""Series whose arrays are worked on at a time."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Effects of every series as known at one column."""

    coefficients: Floats
    """Series x covariates."""
    covariances: Floats
    """Series x covariates x covariates."""
    pooled: Floats
    """Pools x covariates."""
    pooled_covariances: Floats
    spread: Floats
    """Of each covariate the standard deviation between series of a pool."""
    noise: Floats
    """Of each series: variance of the relative error."""


@dataclass(frozen=True, slots=True)
class Moving:
    """Covariates less their values without effect, made of some series at a time: arrays of all are large."""

    values: Floats
    """Series x periods x covariates; NaN where not known."""
    references: Floats
    """Series x covariates: values without effect."""

    def of(self, rows: slice, columns: Ints) -> Floats:
        """Give those of some series and covariates; NaN where not known."""
        shifted: Floats = (self.values[rows] - self.references[rows, None])[:, :, columns]
        return shifted


def estimate(y: Floats, moving: Moving, pools: Ints, prior: Floats) -> Estimate:
    """Estimate all series' coefficients from columns that are all known.

    Args:
        y: Series x periods, >= 0, NaN where not known.
        moving: The covariates of these periods.
        pools: Of each series the number of its pool, from 0 without gaps.
        prior: Of each covariate the coefficient expected before any data.

    Returns:
        The estimates; a series that tells nothing has its pool's, a covariate that never moved its prior.
    """
    is_known = _usable(y)
    told = np.flatnonzero(_ever_moved(moving, is_known))
    part = _estimate(y, is_known, moving, told, pools=pools, prior=prior[told])
    return part if len(told) == len(prior) else _widened(part, told, prior)


def _ever_moved(moving: Moving, is_known: Bools) -> Bools:
    """Tell which covariates ever move while demand is known."""
    width = moving.values.shape[2]
    found = np.zeros(width, dtype=np.bool_)
    for first in range(0, len(is_known), CHUNK):
        rows = slice(first, first + CHUNK)
        found |= (_without_level(moving.of(rows, np.arange(width)), is_known[rows]) != 0).any(axis=(0, 1))
    return found


def _widened(part: Estimate, told: Ints, prior: Floats) -> Estimate:
    """Give covariates that never moved their prior, with all the doubt there is."""
    series, pools, width = len(part.coefficients), len(part.pooled), len(prior)
    square = np.ix_(told, told)

    def coefficients(found: Floats, count: int) -> Floats:
        whole = np.repeat(prior[None], count, axis=0)
        whole[:, told] = found
        return whole

    def covariances(found: Floats, count: int) -> Floats:
        whole = np.repeat(np.diag(np.full(width, PRIOR_SD**2))[None], count, axis=0)
        whole[:, square[0], square[1]] = found
        return whole

    spread = np.full(width, USUAL_SPREAD)
    spread[told] = part.spread
    return Estimate(
        coefficients=coefficients(part.coefficients, series),
        covariances=covariances(part.covariances, series),
        pooled=coefficients(part.pooled, pools),
        pooled_covariances=covariances(part.pooled_covariances, pools),
        spread=spread,
        noise=part.noise,
    )


def _estimate(
    y: Floats, is_known: Bools, moving: Moving, columns: Ints, *, pools: Ints, prior: Floats
) -> Estimate:
    series, width = len(y), len(columns)
    moved = np.empty((*y.shape, width))
    for first in range(0, series, CHUNK):
        rows = slice(first, first + CHUNK)
        moved[rows] = _without_level(moving.of(rows, columns), is_known[rows])
    shift = partial(moving.of, columns=columns)
    gram = np.einsum("stc,std->scd", moved, moved)
    counts = is_known.sum(axis=1).astype(np.float64)
    told = (np.einsum("scc->sc", gram) > 0).sum(axis=1).astype(np.float64)
    found = np.repeat(prior[None], series, axis=0)
    precision = np.full(width, 1 / USUAL_SPREAD**2)
    score, squares = _score(y, is_known, shift, moved, found=found, is_first=True)
    for step in range(ROUNDS):
        if step:
            score, squares = _score(y, is_known, shift, moved, found=found, is_first=False)
        noise = _noise(squares, counts, told)
        weighed = gram / noise[:, None, None]
        target = (np.einsum("scd,sd->sc", gram, found) + score) / noise[:, None]
        pooled, _ = _pooled(weighed, target, pools, prior, precision)
        covariances = np.linalg.inv(weighed + np.diag(precision))
        centre = pooled[pools]
        drawn = np.einsum("scd,sd->sc", covariances, target - np.einsum("scd,sd->sc", weighed, centre))
        precision = _precision(drawn, covariances, precision)
        move = np.clip(centre + drawn - found, -LONGEST_STEP, LONGEST_STEP)
        found = found + move
        if step and np.abs(move).max(initial=0) < SETTLED:
            break
    marginal = _marginal(weighed, precision)
    weight, pull = marginal @ weighed, np.einsum("scd,sd->sc", marginal, target)
    known = shared(
        _parts(y, is_known, shift, moved, found=found, pull=marginal / noise[:, None, None], noise=noise),
        exact_total(weight),
        exact_total(pull),
        prior,
        least=USUAL_SPREAD,
        most=PRIOR_SD,
    )
    pooled, pooled_covariances = _doubted(
        weight, pull, pools=pools, prior=prior, precision=precision, known=known
    )
    centre = pooled[pools]
    found = centre + np.einsum("scd,sd->sc", covariances, target - np.einsum("scd,sd->sc", weighed, centre))
    through = np.einsum("scd,d->scd", covariances, precision)
    covariances = covariances + through @ pooled_covariances[pools] @ through.transpose(0, 2, 1)
    return Estimate(
        coefficients=found,
        covariances=covariances,
        pooled=pooled,
        pooled_covariances=pooled_covariances,
        spread=1 / np.sqrt(precision),
        noise=noise,
    )


def moving_mean(values: Floats, is_known: Bools, half: int = HALF_WINDOW) -> Floats:
    """Average what is known within some periods to each side, as far as there are any.

    Args:
        values: Series x periods (x covariates); whatever stands where it is not known.
        is_known: The same shape.
        half: Periods to each side.

    Returns:
        The same shape; 0 where nothing is known around.
    """
    periods = values.shape[1]
    zero = np.zeros_like(values[:, :1])
    sums = np.concatenate([zero, np.cumsum(np.where(is_known, values, 0), axis=1)], axis=1)
    counts = np.concatenate([zero, np.cumsum(is_known, axis=1, dtype=np.float64)], axis=1)
    last = np.minimum(np.arange(periods) + half + 1, periods)
    first = np.maximum(np.arange(periods) - half, 0)
    whole, count = sums[:, last] - sums[:, first], counts[:, last] - counts[:, first]
    result: Floats = np.divide(whole, count, out=np.zeros_like(whole), where=count > 0)
    return result


def exact_total(values: Floats) -> Floats:
    """Sum over series in ascending order of value, so that the order of the series does not matter.

    Args:
        values: Series x anything.

    Returns:
        Of the shape of one series.
    """
    result: Floats = np.sort(values, axis=0).sum(axis=0)
    return result


def _usable(y: Floats) -> Bools:
    """Tell periods that are known, with some demand around."""
    is_known = np.isfinite(y)
    result: Bools = is_known & (moving_mean(y, is_known) > 0)
    return result


def _without_level(values: Floats, is_known: Bools) -> Floats:
    known = is_known[:, :, None] & np.isfinite(values)
    return np.where(known, values - moving_mean(values, known), 0)


def _score(
    y: Floats, is_known: Bools, shift: Shift, moved: Floats, *, found: Floats, is_first: bool
) -> tuple[Floats, Floats]:
    """Say which way the errors pull each coefficient, and their squares' sum.

    The first step takes logs, of demand plus a tenth of its level, which is near the answer from anywhere.
    """
    score, squares = np.empty_like(found), np.empty(len(y))
    for first in range(0, len(y), CHUNK):
        rows = slice(first, first + CHUNK)
        error = _errors(y[rows], is_known[rows], shift(rows), found[rows], is_first=is_first)
        known = is_known[rows]
        error = np.where(known, error - moving_mean(error, known), 0)
        score[rows] = np.einsum("stc,st->sc", moved[rows], error)
        squares[rows] = (error**2).sum(axis=1)
    return score, squares


def _errors(y: Floats, is_known: Bools, shift: Floats, found: Floats, *, is_first: bool) -> Floats:
    """Give relative errors; 0 where not known."""
    factor = np.exp(np.einsum("stc,sc->st", np.nan_to_num(shift), found))
    level = moving_mean(np.where(is_known, y, 0) / factor, is_known)
    expected = np.where(is_known, level * factor, 1)
    ratio = np.where(is_known, y, expected) / expected
    return np.log((ratio + 0.1) / 1.1) if is_first else ratio - 1


def _noise(squares: Floats, counts: Floats, told: Floats) -> Floats:
    """Estimate each series' relative variance, drawn towards the typical one."""
    free = np.maximum(counts - told - counts / (2 * HALF_WINDOW + 1), 0)
    own = np.divide(squares, free, out=np.full_like(squares, np.nan), where=free > 1)
    typical = float(np.nanmedian(own)) if np.isfinite(own).any() else 1.0
    result: Floats = (squares + NOISE_PERIODS * typical) / (free + NOISE_PERIODS)
    return np.maximum(result, 1e-6)


def _pooled(
    weighed: Floats, target: Floats, pools: Ints, prior: Floats, precision: Floats
) -> tuple[Floats, Floats]:
    """Estimate each pool's coefficients, drawn to those of all, and these to the prior.

    A series counts by its marginal information: certain ones no more than series differ from each other.
    """
    width = len(prior)
    marginal = _marginal(weighed, precision)
    weight, pull = marginal @ weighed, np.einsum("scd,sd->sc", marginal, target)
    weak = np.eye(width) / PRIOR_SD**2
    everywhere = np.linalg.solve(exact_total(weight) + weak, exact_total(pull) + weak @ prior)
    count = int(pools.max(initial=0)) + 1
    near = np.diag(precision)
    found, covariances = np.empty((count, width)), np.empty((count, width, width))
    for pool in range(count):
        within = pools == pool
        own = exact_total(weight[within])
        if count == 1:
            covariances[pool] = np.linalg.inv(own + weak)
            found[pool] = everywhere
        else:
            covariances[pool] = np.linalg.inv(own + near)
            found[pool] = covariances[pool] @ (exact_total(pull[within]) + near @ everywhere)
    return found, covariances


def _marginal(weighed: Floats, precision: Floats) -> Floats:
    """Give what a series' information is multiplied by, as series differ."""
    return np.asarray(
        np.linalg.inv(np.eye(len(precision)) + weighed / precision[None, None, :]), dtype=np.float64
    )


def _doubted(
    weight: Floats, pull: Floats, *, pools: Ints, prior: Floats, precision: Floats, known: Shared
) -> tuple[Floats, Floats]:
    """Estimate the same from each series' part, as surely as periods and not only series tell it."""
    sure = np.diag(1 / known.deviations**2)
    everywhere, doubt = _drawn_to(prior, sure, exact_total(weight), exact_total(pull), known)
    count = int(pools.max(initial=0)) + 1
    if count == 1:
        return everywhere[None], doubt[None]
    alike = np.diag(precision)
    found, covariances = np.empty((count, len(prior))), np.empty((count, *alike.shape))
    for pool in range(count):
        within = pools == pool
        own, pulled = exact_total(weight[within]), exact_total(pull[within])
        found[pool], covariances[pool] = _drawn_to(everywhere, alike, own, pulled, known)
        borrowed = covariances[pool] @ alike
        covariances[pool] = covariances[pool] + borrowed @ doubt @ borrowed.T
    return found, covariances


def _drawn_to(
    centre: Floats, near: Floats, own: Floats, pull: Floats, known: Shared
) -> tuple[Floats, Floats]:
    """Draw coefficients towards a centre, as sure as `near`; give them and their covariance."""
    alone = np.linalg.inv(own + np.eye(len(own)) * NO_INFORMATION)
    told = np.linalg.inv(alone + known.covariance)
    covariance: Floats = np.linalg.inv(told + near).astype(np.float64)
    return covariance @ (told @ alone @ pull + near @ centre), covariance


def _parts(
    y: Floats, is_known: Bools, shift: Shift, moved: Floats, *, found: Floats, pull: Floats, noise: Floats
) -> Iterator[Part]:
    """Give what tells of errors in common, some series at a time."""
    for first in range(0, len(y), CHUNK):
        rows = slice(first, first + CHUNK)
        known, surety = is_known[rows], 1 / noise[rows]
        shifted = shift(rows)
        error = _errors(y[rows], known, shifted, found[rows], is_first=False)
        error = np.where(known, error - moving_mean(error, known), 0)
        pulled = moved[rows] @ pull[rows].transpose(0, 2, 1)
        yield Part(known, error, surety, pulled, np.nan_to_num(shifted) != 0)


def _precision(drawn: Floats, covariances: Floats, precision: Floats) -> Floats:
    """Re-estimate how alike series are (MacKay 1992, eq. 20: squares over well-determined parameters)."""
    determined = exact_total(1 - np.einsum("scc->sc", covariances) * precision)
    spread = np.divide(
        exact_total(drawn**2),
        determined,
        out=1 / precision,
        where=determined > 0.5,  # noqa: PLR2004  half a series
    )
    return 1 / np.clip(spread, LEAST_SPREAD**2, MOST_SPREAD**2)
