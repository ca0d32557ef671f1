"""Weights of the members of a combined forecast: by what each went wrong, as known at each origin. Pure.

A combination beats the choice of a best member (Bates & Granger 1969; M4 competition). A member's weight is
inversely proportional to its mean square error in the backtest, relative to that of all members for the same
series, and drawn towards what is usual in the series' class; members whose forecasts nearly coincide share a
vote, lest five ways to say the same outweigh one that says something else. A member is left out only where
its class's error is more than 1.25 times that of the class's best. The weights at an origin rest on errors
of steps that had come by then and on nothing later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cloud.forecasting.batch.classes import NAMES
from cloud.forecasting.protocol import Bools, Floats, Ints

DROPPED_ABOVE: Final = 1.25
"""Times the class's best mean square error."""
HALF: Final = 2
"""An origin counts where its history is at least one part in so many as long as today's."""
PRIOR_ORIGINS: Final = 13.0
"""Origins that the class's usual error weighs like in a series' own."""
PRIOR_SERIES: Final = 20.0
"""Series with as many origins that all classes' error weighs like in a class's own."""
Paths = NDArray[np.float32] | NDArray[np.float64]
"""Members x series x origins x horizon."""
_GRID: Final = 1 << 20
"""Relative errors are summed as whole multiples of 1 / 2^20, so that no order of series changes a sum."""
EVERY: Final = 8
"""Origins from one measuring of how far members lie apart to the next."""
_CLASSES: Final = len(NAMES)


@dataclass(frozen=True, slots=True)
class Known:
    """Errors of each member as known at each origin."""

    relative: Floats
    """Series x origins x members: mean square error over the mean of all members'; NaN: none known."""
    counts: Floats
    """The same shape: how many whole windows' steps each rests on (steps over horizon)."""

    def newest(self) -> "Known":
        """Give what is known at the last origin."""
        return Known(self.relative[:, -1:], self.counts[:, -1:])


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


def known_errors(paths: Paths, actual: Floats, *, origins: Ints, lengths: Ints) -> Known:
    """Gather the errors of each member that were known at each origin.

    A step of an earlier origin is known once it has come: origin + step <= the later origin. What was
    forecast from less than half of the history that is known now does not count: the series was younger.

    Args:
        paths: Members x series x origins x horizon; NaN where a member is not ready.
        actual: Series x origins x horizon: what came; NaN where not known.
        origins: Columns, ascending.
        lengths: Series x origins: how many periods were known.

    Returns:
        Relative errors and their weight.
    """
    members, series, count, horizon = paths.shape
    come = np.clip(origins[:, None] - origins[None, :], 0, horizon)
    outgrown = [np.sum(HALF * lengths[:, :now] < lengths[:, now, None], axis=1) for now in range(count)]
    young = np.flatnonzero(np.max(outgrown, axis=0) > 0)
    younger = [rows[young] for rows in outgrown]

    def known(each: Floats) -> Floats:
        for step in range(1, horizon):
            each[:, step] += each[:, step - 1]
        found = _come(each, come)
        if len(young):
            found[:, young] = _come(each[:, :, young], come, younger)
        return found

    sums, steps = np.empty((2, count, members, series))
    before = None
    for member, path in enumerate(paths):
        error = np.moveaxis(path - actual, 0, 2)
        is_known = np.isfinite(error)
        error *= error
        sums[:, member] = known(np.where(is_known, error, 0))
        is_alike = before is not None and np.array_equal(is_known, before)
        steps[:, member] = steps[:, member - 1] if is_alike else known(is_known.astype(np.float64))
        before = is_known
    error = np.where(steps > 0, sums / np.maximum(steps, 1), np.nan)
    steps /= horizon
    return Known(*(np.moveaxis(found, 2, 0) for found in (_relative(error), steps)))


def _come(each: Floats, come: Ints, outgrown: Sequence[Ints] | None = None) -> Floats:
    """Sum what has come of earlier origins by each origin.

    Args:
        each: Origins x horizon x series: sums up to each step.
        come: Later x earlier origins: steps that have come.
        outgrown: Of each later origin, how many first ones no longer count, by series.

    Returns:
        Origins x series.
    """
    horizon = each.shape[1]
    found = np.zeros((len(come), each.shape[2]))
    whole, settled = np.zeros(each.shape[2]), 0
    for later, ahead in enumerate(come):
        if outgrown is None:
            while ahead[settled] == horizon:
                whole += each[settled, -1]
                settled += 1
            found[later] = whole
        for earlier in range(settled, later):
            part = each[earlier, ahead[earlier] - 1]
            found[later] += part if outgrown is None else np.where(outgrown[later] <= earlier, part, 0)
    return found


def pool(paths: Paths, known: Known, classes: Ints) -> Pooled:
    """Sum relative errors by class, and how far the members' forecasts lie apart.

    Args:
        paths: Members x series x origins x horizon.
        known: Of a chunk's series.
        classes: Series x origins; those of -1 are in no class.

    Returns:
        Sums, to be added to other chunks'.
    """
    is_of = np.stack([number == classes.T for number in range(_CLASSES)]).astype(np.float64)
    has_error = np.isfinite(known.relative)
    weight = np.where(has_error, np.round(known.counts * _GRID), 0)
    value = np.round(np.where(has_error, known.relative * known.counts, 0) * _GRID)
    # Members keep their distance: it is measured at every eighth origin, and holds until the next.
    measured = np.arange(classes.shape[1]) // EVERY
    apart = _apart(paths[:, :, ::EVERY])
    has_gap = np.isfinite(apart)
    gaps, pairs = (
        _square(_by_class(np.moveaxis(part, 2, 0), is_of[:, ::EVERY]), len(paths))[:, measured]
        for part in (np.where(has_gap, np.round(apart * _GRID), 0), has_gap.astype(np.float64))
    )
    sums, counts = (_by_class(part, is_of) for part in (value, weight))
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
    votes = np.where(pooled.dropped(), 0, pooled.votes())
    expected, vote = (_of_class(part, classes) for part in (pooled.relative(), votes))
    is_used: Bools = ready & (vote > 0)
    # Where a class's members are all not ready yet, whoever is ready stands in.
    is_left = ~np.any(is_used, axis=2)
    if is_left.any():
        is_used |= ready & is_left[:, :, None]
        vote = np.where(is_left[:, :, None], _of_class(pooled.votes(), classes), vote)
    has_error = np.isfinite(known.relative)
    count = np.where(has_error, known.counts, 0)
    own = np.where(has_error, known.relative, 0)
    shrunk = (count * own + PRIOR_ORIGINS * expected) / (count + PRIOR_ORIGINS)
    weight = _shares(np.where(is_used, vote / np.maximum(shrunk, 1e-9), 0))
    if families is None or not families.any():
        return weight
    result = np.zeros_like(weight)
    for family in range(int(families.max()) + 1):
        inside = _shares(np.where(families == family, weight, 0))
        error = _added(inside * shrunk)[:, :, None]
        result += np.divide(inside, error, out=np.zeros_like(inside), where=error > 0)
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
        "windows": round(float(known.counts[row, -1].max()), 1),
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
    total = _added(weight)[:, :, None]
    result: Floats = weight / np.where(total > 0, total, 1)
    return result


def _added(values: Floats) -> Floats:
    """Sum over the last axis, always in its order: however many series there are beside."""
    total: Floats = values[..., 0].copy(order="K")
    for place in range(1, values.shape[-1]):
        total += values[..., place]
    return total


def _by_class(values: Floats, is_of: Floats) -> Ints:
    """Sum whole numbers over the series of each class: classes x origins x values."""
    result: Ints = np.einsum("cos,som->com", is_of, values).astype(np.int64)
    return result


def _of_class(values: Floats, classes: Ints) -> Floats:
    """Give each series what is of its class (classes x origins x members): series x origins x members."""
    found = np.empty((*values.shape[1:], len(classes)))
    for number, value in enumerate(values):
        own: Bools = np.equal(np.maximum(classes, 0).T, number)
        np.copyto(found, value[:, :, None], where=own[:, None])
    return np.moveaxis(found, 2, 0)


def _apart(paths: Paths) -> Floats:
    """Mean square difference of each two members' first and last steps, over the mean of all pairs.

    Returns:
        Origins x pairs (as `np.triu_indices` has them) x series; NaN where one of them is not ready.
    """
    members, series, count = paths.shape[:3]
    first, last = (np.moveaxis(paths[..., step], 1, 2).astype(np.float64) for step in (0, -1))
    found = np.empty((count, members * (members - 1) // 2, series))
    total, number = np.zeros((2, count, series))
    for pair, (one, other) in enumerate(zip(*np.triu_indices(members, 1), strict=True)):
        gap, late = first[one] - first[other], last[one] - last[other]
        square = gap * gap + late * late
        found[:, pair] = square
        is_known = np.isfinite(square)
        np.add(total, square, out=total, where=is_known)
        number += is_known
    mean = (total / np.maximum(number, 1))[:, None]
    return np.where(mean > 0, found / np.where(mean > 0, mean, 1), np.where(np.isfinite(found), 1.0, np.nan))


def _square(pairs: Ints, members: int) -> Ints:
    """Write values of pairs as a matrix, with nothing on its diagonal."""
    found = np.zeros((*pairs.shape[:2], members, members), dtype=np.int64)
    one, other = np.triu_indices(members, 1)
    found[:, :, one, other] = found[:, :, other, one] = pairs
    return found


def _median(values: Floats) -> Floats:
    """Median along the last axis of what is known; 0 where nothing is."""
    ordered = np.sort(values, axis=-1)
    count = np.isfinite(ordered).sum(axis=-1, keepdims=True)
    middle = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=-1)
    return np.where(count > 0, middle, 0)[..., 0]


def _relative(error: Floats) -> Floats:
    """Divide by the mean of the members (second axis); 1 where all are without error."""
    has_error = np.isfinite(error)
    mean = _added(np.moveaxis(np.where(has_error, error, 0), 1, 2))[:, None]
    mean /= np.maximum(has_error.sum(axis=1, keepdims=True), 1)
    perfect = np.where(has_error, 1.0, np.nan)
    return np.where(mean > 0, error / np.where(mean > 0, mean, 1), perfect)


def _any(count: Floats) -> Bools:
    result: Bools = count.sum(axis=0) > 0
    return result
