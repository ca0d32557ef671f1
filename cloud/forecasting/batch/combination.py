"""Weights of the members of a combined forecast: by what each went wrong, as known at each origin. Pure.

A combination beats the choice of a best member (Bates & Granger 1969; M4 competition). A member's weight is
inversely proportional to its mean square error in the backtest, relative to that of all members for the same
series, and drawn towards what is usual in the series' class; members whose forecasts nearly coincide share a
vote, lest five ways to say the same outweigh one that says something else. A member is left out only where
its class's error is more than 1.25 times that of the class's best. The weights at an origin rest on errors
of steps that had come by then and on nothing later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np

from cloud.forecasting.batch.classes import NAMES
from cloud.forecasting.batch.known import Known, Paths, added
from cloud.forecasting.protocol import Bools, Floats, Ints

DROPPED_ABOVE: Final = 1.25
"""Times the class's best mean square error."""
PRIOR_ORIGINS: Final = 13.0
"""Origins that the class's usual error weighs like in a series' own."""
PRIOR_SERIES: Final = 20.0
"""Series with as many origins that all classes' error weighs like in a class's own."""
_GRID: Final = 1 << 20
"""Relative errors are summed as whole multiples of 1 / 2^20, so that no order of series changes a sum."""
EVERY: Final = 8
"""Origins from one measuring of how far members lie apart to the next."""
_CLASSES: Final = len(NAMES)


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual in each class at an origin."""

    relative: Floats
    """Classes x members: errors over the mean of all members'."""
    dropped: Bools
    """The same shape: which members are left out."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """Sums of relative errors by class; those of chunks are added."""

    sums: Ints
    """Classes x origins x members, in multiples of the grid."""
    counts: Ints
    gaps: Ints
    """Classes x origins x members x members: how far their forecasts lie apart, in multiples of the grid."""
    pairs: Ints
    """The same shape: of how many series."""

    def __add__(self, other: "Pooled") -> "Pooled":
        """Join the sums of two chunks."""
        return Pooled(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def relative(self) -> Floats:
        """Give the mean relative error of each member by class, drawn towards that of all.

        Returns:
            Classes x origins x members; 1 where none is known.
        """
        total, count = self.sums / _GRID, self.counts / _GRID
        every = np.divide(total.sum(axis=0), count.sum(axis=0), out=np.ones_like(total[0]), where=_any(count))
        prior = PRIOR_SERIES * PRIOR_ORIGINS
        result: Floats = (total + prior * every) / (count + prior)
        return result

    def dropped(self) -> Bools:
        """Tell which members a class leaves out.

        Returns:
            Classes x origins x members.
        """
        relative = self.relative()
        result: Bools = relative > DROPPED_ABOVE * relative.min(axis=2, keepdims=True)
        return result

    def usual(self) -> Usual:
        """Give what is usual at the last origin."""
        return Usual(self.relative()[:, -1], self.dropped()[:, -1])

    def votes(self) -> Floats:
        """Give each member its vote: those whose forecasts nearly coincide share one.

        Returns:
            Classes x origins x members, within (0, 1]; 1 where no other that is not left out is near.
        """
        apart = np.divide(self.gaps / _GRID, self.pairs, out=np.zeros(self.gaps.shape), where=self.pairs > 0)
        out = self.dropped()
        members = np.arange(out.shape[2])
        counts = (self.pairs > 0) & ~out[:, :, None, :] & ~out[..., None]
        counts[:, :, members, members] = False
        usual = _median(np.where(counts & (apart > 0), apart, np.nan).reshape(*out.shape[:2], -1))[
            ..., None, None
        ]
        nearness = np.divide(apart, usual, out=np.zeros_like(apart), where=usual > 0)
        likeness = np.where(counts, np.exp(-nearness), 0)
        likeness[:, :, members, members] = 1
        result: Floats = 1 / likeness.sum(axis=3)
        return result


def pool(paths: Paths, known: Known, classes: Ints) -> Pooled:
    """Sum relative errors by class, and how far the members' forecasts lie apart.

    Args:
        paths: Members x series x origins x horizon.
        known: Of a chunk's series.
        classes: Series x origins; those of -1 are in no class.

    Returns:
        Sums, to be added to other chunks'.
    """
    members, origins = len(paths), classes.shape[1]
    sums, counts = np.zeros((2, _CLASSES, origins, members), dtype=np.int64)
    gaps, pairs = np.zeros((2, _CLASSES, origins, members, members), dtype=np.int64)
    for place in range(origins):
        is_of = (classes[:, place] == np.arange(_CLASSES)[:, None]).astype(np.float64)
        relative, count = known.relative[:, place].T, known.windows(place).T
        has_error = np.isfinite(relative)
        sums[:, place] = _by_class(np.where(has_error, np.round(relative * count * _GRID), 0), is_of)
        counts[:, place] = _by_class(np.where(has_error, np.round(count * _GRID), 0), is_of)
        # Members keep their distance: it is measured at every eighth origin, and holds until the next.
        if place % EVERY == 0:
            apart = _apart(paths[:, :, place])
            has_gap = np.isfinite(apart)
            one, other = np.triu_indices(members, 1)
            for found, part in (
                (gaps, np.where(has_gap, np.round(apart * _GRID), 0)),
                (pairs, has_gap * 1.0),
            ):
                ahead = slice(place, place + EVERY)
                found[:, ahead, one, other] = found[:, ahead, other, one] = _by_class(part, is_of)[:, None]
    return Pooled(sums, counts, gaps, pairs)


def weigh(
    known: Known, classes: Ints, pooled: Pooled, ready: Bools, *, families: Ints | None = None
) -> Floats:
    """Weigh the members of each series at each origin.

    Members of a family share what it weighs; a family weighs as the inverse of its mean error. So a model
    learned from all series at once stands beside all those of single series together (FORECASTING.md).

    Args:
        known: Of the series.
        classes: Series x origins.
        pooled: Of all series.
        ready: Series x origins x members: whether the member has a forecast there.
        families: Of each member its family, from 0; None: one.

    Returns:
        Series x origins x members; a row sums to 1, or is 0 where no member is ready.
    """
    if families is not None and not families.any():
        families = None
    usual, everyone = pooled.relative(), pooled.votes()
    votes = np.where(pooled.dropped(), 0, everyone)
    found = np.moveaxis(np.empty((classes.shape[1], ready.shape[2], len(classes))), 2, 0)
    for place in range(classes.shape[1]):
        own = np.maximum(classes[:, place], 0)
        expected, vote, any_vote = (part[:, place].T.take(own, axis=1).T for part in (usual, votes, everyone))
        is_used: Bools = ready[:, place] & (vote > 0)
        # Where a class's members are all not ready yet, whoever is ready stands in.
        is_left = ~np.any(is_used, axis=1)[:, None]
        if is_left.any():
            is_used |= ready[:, place] & is_left
            vote = np.where(is_left, any_vote, vote)
        relative, count = known.relative[:, place], known.windows(place)
        has_error = np.isfinite(relative)
        error = (np.where(has_error, count * relative, 0) + PRIOR_ORIGINS * expected) / (
            np.where(has_error, count, 0) + PRIOR_ORIGINS
        )
        weight = np.where(is_used, vote / np.maximum(error, 1e-9), 0)
        found[:, place] = _shares(weight) if families is None else _of_families(weight, error, families)
    return found


def _of_families(weight: Floats, error: Floats, families: Ints) -> Floats:
    """Share the weights out within each family, and between families by the inverse of their mean errors."""
    result = np.zeros_like(weight)
    for family in range(int(families.max()) + 1):
        inside = _shares(np.where(families == family, weight, 0))
        mean = added(inside * error)[:, None]
        result += inside / np.where(mean > 0, mean, np.inf)
    return _shares(result)


def combined(paths: Paths, weights: Floats) -> Floats:
    """Add the members' forecasts up.

    Args:
        paths: Members x series x origins x horizon.
        weights: Series x origins x members.

    Returns:
        Series x origins x horizon; NaN where no member is ready.
    """
    total: Floats = np.zeros_like(paths[0], dtype=np.float64)
    part = np.empty_like(total)
    for path, weight in zip(paths, np.moveaxis(weights, 2, 0), strict=True):
        np.multiply(path, weight[:, :, None], out=part)
        np.copyto(part, 0, where=np.isnan(part))  # not ready, and without weight
        total += part
    np.copyto(total, np.nan, where=~np.any(weights > 0, axis=2, keepdims=True))
    return total


def why(
    members: tuple[str, ...], known: Known, classes: Ints, usual: Usual, *, weights: Floats, row: int
) -> Mapping[str, Any]:
    """Tell what the newest weights of a series rest on.

    Args:
        members: Names, in the order of the arrays.
        known: Of the series.
        classes: Series x origins.
        usual: Of all series, at the last origin.
        weights: Series x origins x members.
        row: Of the series.

    Returns:
        Its class, how many windows of its own are known, and of each member weight, its own error and its
        class's relative to the mean of all members, and whether the class leaves it out.
    """
    number = int(classes[row, -1])
    expected, dropped = usual.relative[max(number, 0)], usual.dropped[max(number, 0)]
    own = known.relative[row, -1]
    return {
        "class": NAMES[number] if number >= 0 else None,
        "windows": round(float(known.steps[row, -1].max() / known.horizon), 1),
        "members": {
            name: {
                "weight": round(float(weights[row, -1, place]), 4),
                "own_error": round(float(own[place]), 4) if np.isfinite(own[place]) else None,
                "class_error": round(float(expected[place]), 4),
                "is_dropped": bool(dropped[place]),
            }
            for place, name in enumerate(members)
        },
    }


def _shares(weight: Floats) -> Floats:
    total = added(weight)[..., None]
    result: Floats = weight / np.where(total > 0, total, 1)
    return result


def _by_class(values: Floats, is_of: Floats) -> Ints:
    """Sum whole numbers (values x series) over the series of each class (classes x series).

    Returns:
        Classes x values.
    """
    result: Ints = np.einsum("cs,ms->cm", is_of, values).astype(np.int64)
    return result


def _apart(paths: Paths) -> Floats:
    """Mean square difference of each two members' first and last steps, over the mean of all pairs.

    Args:
        paths: Members x series x horizon, of one origin.

    Returns:
        Pairs (as `np.triu_indices` has them) x series; NaN where one of them is not ready.
    """
    members, series = paths.shape[:2]
    first, last = (paths[..., step].astype(np.float64) for step in (0, -1))
    found = np.empty((members * (members - 1) // 2, series))
    total, number = np.zeros((2, series))
    for pair, (one, other) in enumerate(zip(*np.triu_indices(members, 1), strict=True)):
        gap, late = first[one] - first[other], last[one] - last[other]
        gap *= gap
        gap += late * late
        is_known = np.isfinite(gap)
        total += np.where(is_known, gap, 0)
        number += is_known
        found[pair] = gap
    mean = total / np.maximum(number, 1)
    return np.where(mean > 0, found / np.where(mean > 0, mean, 1), np.where(np.isfinite(found), 1.0, np.nan))


def _median(values: Floats) -> Floats:
    """Median along the last axis of what is known; 0 where nothing is."""
    ordered = np.sort(values, axis=-1)
    count = np.isfinite(ordered).sum(axis=-1, keepdims=True)
    middle = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=-1)
    return np.where(count > 0, middle, 0)[..., 0]


def _any(count: Floats) -> Bools:
    result: Bools = count.sum(axis=0) > 0
    return result
