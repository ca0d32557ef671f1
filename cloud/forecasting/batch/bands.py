"""Bands around forecasts from past errors, pooled over series of like volume and corrected online. Pure.

Split-conformal prediction (Vovk et al. 2005; Lei et al. 2018). An error is divided by its series' scale: the
root of its usual square, drawn towards that of series of like volume. Scaled errors are pooled by stratum of
volume, and the k-th smallest of n, k = ceil((n + 1) p), is the quantile p. After each origin the share that
lay below a quantile is held against its level, and the level moves by a part of the difference (adaptive
conformal inference, Gibbs & Candes 2021). Of a series of which little is known, such as an item that has just
begun, those errors tell most that were made when as little was known of others: they are a pool of their own,
and in no other. A target is a single step or the sum over the first steps, because a sum over the lead time
is what stock must cover. What an origin's bands rest on had come by then.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from cloud.forecasting.batch.idle import FADING
from cloud.forecasting.batch.scales import (
    LEAST_SERIES,
    Past,
    Reals,
    Scaled,
    Targets,
    past_of,
    scale_errors,
    steps_and_sum,
)
from cloud.forecasting.protocol import Floats, Ints

__all__ = [
    "BAND_80",
    "BAND_95",
    "LEVELS",
    "Past",
    "Scaled",
    "Tables",
    "Targets",
    "calibrate",
    "conformal",
    "draw",
    "limits",
    "past_of",
    "scale_errors",
    "steps_and_sum",
]

LEVELS: Final = np.array(
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99, 0.995]
)
"""Of the quantiles (DOMAIN D10)."""
BAND_80: Final = (4, 10, 9)
"""Places of 10 % and 90 % within the levels, and of the 80 % that ends a band which begins at zero."""
BAND_95: Final = (2, 12, 11)
"""The same of 2.5 %, 97.5 % and 95 %."""
LEAST_ERRORS: Final = 100
"""Scaled errors below which a pool borrows those of all."""
STEP: Final = 0.25
"""Part of a difference between share and level by which the level moves."""


@dataclass(frozen=True, slots=True)
class Tables:
    """Quantiles of scaled errors as known at each origin."""

    quantiles: Floats
    """Origins x targets x pools x levels, times the targets' spread; NaN where no error is known. Pools are
    as `Scaled.pool` says."""
    samples: Ints
    """Origins x targets x pools: how many errors each rests on."""
    levels: Floats
    """Origins x targets x pools x levels: the levels as corrected."""


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
    shape = (len(origins), len(targets.ends), scaled.pools, len(LEVELS))
    quantiles = np.full(shape, np.nan)
    samples = np.zeros(shape[:3], dtype=np.int64)
    levels = np.broadcast_to(LEVELS, shape).copy()
    below = np.full(shape, np.nan)
    grown, young = _by_target(scaled)
    for place in range(first, len(origins)):
        for target, end in enumerate(targets.ends.tolist()):
            settled = int(np.searchsorted(origins, origins[place] - end, side="right"))
            order, bounds, joined = _pools(scaled, place, target)
            ordered = grown[target].take(order, axis=0)
            parts = [ordered[begin:stop] for begin, stop in pairwise(bounds)]
            parts += [each[target] for each in young]
            pools = _sorted_pools([part[:, :settled] for part in parts])
            known = [pools[number] for number in joined]
            levels[place, target] = _corrected(below[:settled, target])
            quantiles[place, target] = _quantiles(known, levels[place, target])
            samples[place, target] = [len(pool) for pool in known]
            newest = [part[:, place] for part in parts]
            below[place, target] = _shares_below(newest, joined, quantiles[place, target])
            if target and not samples[place, target].all():
                # Borrowed of a shorter one, so that there is a band; nothing is learned from it.
                unknown = samples[place, target] == 0
                quantiles[place, target, unknown] = quantiles[place, target - 1, unknown]
    return Tables(quantiles * targets.spread[:, None, None], samples, levels)


def _by_target(scaled: Scaled) -> tuple[Reals, list[Reals]]:
    """Part errors by whether much was known of their series when they were forecast.

    Returns:
        Targets x series x origins, NaN where little was known; of each kind the same of the others.
    """
    by_target = np.moveaxis(scaled.scores, 2, 0)
    kind = np.searchsorted(scaled.starts, scaled.strata.max(axis=1), side="right") - 1
    was_young = scaled.young.any(axis=1)
    young = []
    for number in range(len(scaled.starts)):
        rows = np.flatnonzero(was_young & (kind == number))
        young.append(np.where(scaled.young[rows], by_target[:, rows], np.nan))
    grown = by_target.copy()
    grown[:, scaled.young] = np.nan
    return grown, young


def _pools(scaled: Scaled, place: int, target: int) -> tuple[Ints, list[int], Ints]:
    """Order series by pool: of each stratum those that are rarely idle, then the others.

    Returns:
        The series, those of no stratum and the young ones first; where each pool of enough series begins,
        and the last ends; of each pool, that of the young included, which of these it is in.
    """
    pool = np.where(scaled.strata[:, place] >= 0, scaled.pool(place)[:, target], scaled.pools)
    sizes = np.bincount(pool, minlength=scaled.pools + 1)
    joined = np.full(scaled.pools + 1, -1)
    number = 0
    for first, last in pairwise((*scaled.starts, scaled.count)):
        for idleness in range(2):
            of_kind = slice(2 * first + idleness, 2 * last, 2)
            joined[of_kind] = number + _neighbours(sizes[of_kind])
            number = int(joined[of_kind].max()) + 1
    among = joined[pool]
    order = np.argsort(among.astype(np.int16), kind="stable")
    joined[2 * scaled.count : scaled.pools] = number + np.arange(len(scaled.starts))
    return order, np.searchsorted(among[order], np.arange(number + 1)).tolist(), joined[: scaled.pools]


def _neighbours(sizes: Ints) -> Ints:
    """Join neighbours until each group has enough series: the errors of a few tell of one that went wild.

    Examples:
        >>> _neighbours(np.array([30, 5, 0, 18, 25, 3])).tolist()
        [0, 1, 1, 1, 2, 2]
    """
    groups = np.zeros_like(sizes)
    group, held = 0, 0
    for place, size in enumerate(sizes.tolist()):
        groups[place] = group
        held += size
        if held >= LEAST_SERIES:
            group, held = group + 1, 0
    return np.minimum(groups, max(group - 1, 0))


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
    number, idle = scaled.strata[:, place], scaled.idle[:, place].T
    width = np.where(number >= 0, scaled.width[:, place].T, np.nan)
    pool = scaled.pool(place).T
    each = np.moveaxis(tables.quantiles[place], 2, 0)
    # Levels x targets x series: the longest last, so that every step runs along it.
    found = np.empty((len(LEVELS), *pool.shape))
    for target, own in enumerate(pool):
        each[:, target].take(own, axis=1, out=found[:, target], mode="clip")
    found *= width
    found += centre.T
    # Where nothing is asked for more often than a level, its quantile is zero.
    np.copyto(found, 0, where=((idle > LEVELS[:, None, None]) & np.isfinite(found)) | (found < 0))
    for level in range(1, len(LEVELS)):
        np.maximum(found[level - 1], found[level], out=found[level])
    return np.moveaxis(found, (0, 1, 2), (2, 1, 0))


def limits(quantiles: Floats, band: tuple[int, int, int], idle: Reals | None = None) -> tuple[Floats, Floats]:
    """Give the limits of a band.

    Demand of a series that is idle more often than the lower level cannot lie below its band, which begins
    at zero. All that may be missed is above it: such a band ends at the 80 % (95 %) quantile, any other at
    the 90 % (97.5 %) one.

    Args:
        quantiles: Any shape, the last axis the levels.
        band: `BAND_80` or `BAND_95`.
        idle: The same shape without the levels: chance that nothing is asked for; None: told by whether the
            lower quantile is zero.

    Returns:
        The lower and the upper limit, both within the band.
    """
    low, high, alone = (quantiles[..., place] for place in band)
    is_idle = low <= 0 if idle is None else idle > LEVELS[band[0]]
    return low, np.where(is_idle, alone, high)


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


def _sorted_pools(parts: list[Reals]) -> list[Reals]:
    """Sort what is known of each pool; one with too little has what is known of all."""
    pools = [_sorted(part) for part in parts]
    if min(map(len, pools)) >= LEAST_ERRORS:
        return pools
    everyone: Reals = np.sort(np.concatenate(pools))
    return [pool if len(pool) >= LEAST_ERRORS else everyone for pool in pools]


def _quantiles(pools: list[Reals], levels: Floats) -> Floats:
    """Give the conformal quantiles of all strata (strata x levels); NaN where nothing is known."""
    counts = np.array([len(pool) for pool in pools])
    if not counts.any():
        return np.full(levels.shape, np.nan)
    ranks = _ranks(counts[:, None], levels)
    place = np.cumsum(counts) - counts
    found = np.concatenate(pools)[np.minimum(place[:, None] + ranks - 1, counts.sum() - 1)]
    return np.where(counts[:, None] > 0, found, np.nan)


def _shares_below(newest: list[Reals], joined: Ints, quantiles: Floats) -> Floats:
    """Tell which share of each pool came at or below its quantiles (pools x levels)."""
    found = np.full(quantiles.shape, np.nan)
    pools = [_sorted(part) for part in newest]
    for place, number in enumerate(joined.tolist()):
        ordered = pools[number]
        if len(ordered):
            found[place] = ordered.searchsorted(quantiles[place], side="right") / len(ordered)
    found[np.isnan(quantiles[:, 0])] = np.nan
    return found


def _corrected(below: Floats) -> Floats:
    """Move the levels by what lay below them at the origins that have come (pools x levels).

    What was off fades: by and by the errors that came of it are among those that quantiles are read from.
    """
    if not len(below):
        return np.broadcast_to(LEVELS, below.shape[1:])
    fading = FADING ** np.arange(len(below))[::-1]
    off = np.where(np.isnan(below), 0, LEVELS - below)
    level = LEVELS + STEP * (fading[:, None, None] * off).sum(axis=0)
    # No level loses more than half of its distance to its end, so that their order holds.
    low, high = LEVELS / 2, 1 - (1 - LEVELS) / 2
    result: Floats = np.maximum.accumulate(np.clip(level, low, high), axis=-1)
    return result


def _sorted(scores: Reals) -> Reals:
    if not scores.size:
        return scores.ravel()
    ordered = scores.flatten()
    ordered.sort()  # what is not known comes last
    return ordered[: ordered.searchsorted(ordered.dtype.type(np.inf), side="right")]
