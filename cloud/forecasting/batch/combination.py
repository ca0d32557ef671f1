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
    sums = np.zeros((count, members, series))
    steps = np.zeros((count, members, series))
    squares = np.zeros((count, members, series))
    seen = np.zeros((count, members, series))
    is_alike = np.ones((count, series), dtype=np.bool_)
    total, number = np.zeros((members, series)), np.zeros((members, series))
    for later in range(1, count):
        for earlier in range(later):
            before = min(int(origins[later - 1] - origins[earlier]), horizon)
            come = min(int(origins[later] - origins[earlier]), horizon)
            if come > before:
                ahead = slice(before, come)
                error = paths[:, :, earlier, ahead] - actual[:, earlier, ahead]
                is_known = np.isfinite(error)
                square = np.where(is_known, error * error, 0).sum(axis=2)
                squares[earlier] += square
                seen[earlier] += is_known.sum(axis=2)
                total += square * is_alike[earlier]
                number += is_known.sum(axis=2) * is_alike[earlier]
            outgrown = is_alike[earlier] & (HALF * lengths[:, earlier] < lengths[:, later])
            if outgrown.any():
                is_alike[earlier] &= ~outgrown
                total = np.where(outgrown, np.maximum(total - squares[earlier], 0), total)
                number = np.where(outgrown, number - seen[earlier], number)
        sums[later], steps[later] = total, number
    error = np.divide(sums, steps, out=np.full_like(sums, np.nan), where=steps > 0)
    relative = np.moveaxis(_relative(error), (0, 1, 2), (1, 2, 0))
    return Known(relative, np.moveaxis(steps / horizon, (0, 1, 2), (1, 2, 0)))


def pool(paths: Paths, known: Known, classes: Ints) -> Pooled:
    """Sum relative errors by class, and how far the members' forecasts lie apart.

    Args:
        paths: Members x series x origins x horizon.
        known: Of a chunk's series.
        classes: Series x origins; those of -1 are in no class.

    Returns:
        Sums, to be added to other chunks'.
    """
    has_error = np.isfinite(known.relative)
    weight = np.where(has_error, np.round(known.counts * _GRID), 0).astype(np.int64)
    value = np.round(np.where(has_error, known.relative * known.counts, 0) * _GRID).astype(np.int64)
    sums = np.zeros((_CLASSES, *known.relative.shape[1:]), dtype=np.int64)
    counts = np.zeros_like(sums)
    # Members keep their distance: it is measured at every eighth origin, and holds until the next.
    measured = np.arange(classes.shape[1]) // EVERY * EVERY
    apart = _apart(paths[:, :, ::EVERY])
    has_gap = np.isfinite(apart)
    apart = np.round(np.where(has_gap, apart, 0) * _GRID)
    gaps = np.zeros((*sums.shape, sums.shape[2]), dtype=np.int64)
    pairs = np.zeros_like(gaps)
    for number in range(_CLASSES):
        within = (classes == number)[:, :, None]
        sums[number] = np.where(within, value, 0).sum(axis=0)
        counts[number] = np.where(within, weight, 0).sum(axis=0)
        for place in range(classes.shape[1]):
            rows = classes[:, place] == number
            if measured[place] == place:
                gaps[number, place] = apart[rows, place // EVERY].sum(axis=0)
                pairs[number, place] = has_gap[rows, place // EVERY].sum(axis=0)
    gaps, pairs = gaps[:, measured], pairs[:, measured]
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
    usual, dropped = pooled.relative(), pooled.dropped()
    places = np.arange(classes.shape[1])[None, :]
    expected = usual[np.maximum(classes, 0), places]
    is_used: Bools = ready & ~dropped[np.maximum(classes, 0), places]
    # Where a class's members are all not ready yet, whoever is ready stands in.
    is_used = is_used | (ready & ~np.any(is_used, axis=2, keepdims=True))
    own = np.where(np.isfinite(known.relative), known.relative, 0)
    count = np.where(np.isfinite(known.relative), known.counts, 0)
    shrunk = (count * own + PRIOR_ORIGINS * expected) / (count + PRIOR_ORIGINS)
    votes = pooled.votes()[np.maximum(classes, 0), places]
    weight = np.where(is_used, votes / np.maximum(shrunk, 1e-9), 0)
    weight = _shares(weight)
    if families is None or not families.any():
        return weight
    result = np.zeros_like(weight)
    for family in range(int(families.max()) + 1):
        inside = _shares(np.where(families == family, weight, 0))
        error = (inside * shrunk).sum(axis=2, keepdims=True)
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
    total = np.zeros(paths.shape[1:])
    for number, path in enumerate(paths):
        weight = weights[:, :, number, None]
        total += np.where(weight > 0, weight * path, 0)
    result: Floats = np.where((weights > 0).any(axis=2, keepdims=True), total, np.nan)
    return result


def why(
    members: tuple[str, ...], known: Known, classes: Ints, pooled: Pooled, *, weights: Floats, row: int
) -> Mapping[str, Any]:
    """Tell what the newest weights of a series rest on.

    Args:
        members: Names, in the order of the arrays.
        known: Of the series.
        classes: Series x origins.
        pooled: Of all series.
        weights: Series x origins x members.
        row: Of the series.

    Returns:
        Its class, how many windows of its own are known, and of each member weight, its own error and its
        class's relative to the mean of all members, and whether the class leaves it out.
    """
    number = int(classes[row, -1])
    usual, dropped = pooled.relative()[max(number, 0), -1], pooled.dropped()[max(number, 0), -1]
    own = known.relative[row, -1]
    return {
        "class": NAMES[number] if number >= 0 else None,
        "windows": round(float(known.counts[row, -1].max()), 1),
        "members": {
            name: {
                "weight": round(float(weights[row, -1, place]), 4),
                "own_error": round(float(own[place]), 4) if np.isfinite(own[place]) else None,
                "class_error": round(float(usual[place]), 4),
                "is_dropped": bool(dropped[place]),
            }
            for place, name in enumerate(members)
        },
    }


def _shares(weight: Floats) -> Floats:
    total = weight.sum(axis=2, keepdims=True)
    result: Floats = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    return result


def _apart(paths: Paths) -> Floats:
    """Mean square difference of each two members' first and last steps, over the mean of all pairs.

    Returns:
        Series x origins x members x members; NaN where one of them is not ready.
    """
    ends = np.moveaxis(paths[..., [0, -1]].astype(np.float64), 0, 2)
    is_ready: Bools = np.isfinite(ends[..., 0]) & np.isfinite(ends[..., 1])
    ends = np.where(is_ready[..., None], ends, 0)
    ends -= (ends.sum(axis=2) / np.maximum(is_ready.sum(axis=2), 1)[..., None])[:, :, None]
    ends = np.where(is_ready[..., None], ends, 0)
    length = (ends * ends).sum(axis=3)
    square = np.maximum(length[..., None] + length[:, :, None] - 2 * ends @ np.moveaxis(ends, 2, 3), 0)
    both: Bools = is_ready[..., None] & is_ready[:, :, None]
    members = is_ready.sum(axis=2)
    mean = np.where(both, square, 0).sum(axis=(2, 3)) / np.maximum(members * (members - 1), 1)
    ratio = np.divide(
        square, mean[:, :, None, None], out=np.ones_like(square), where=mean[:, :, None, None] > 0
    )
    return np.where(both, ratio, np.nan)


def _median(values: Floats) -> Floats:
    """Median along the last axis of what is known; 0 where nothing is."""
    ordered = np.sort(values, axis=-1)
    count = np.isfinite(ordered).sum(axis=-1, keepdims=True)
    middle = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=-1)
    return np.where(count > 0, middle, 0)[..., 0]


def _relative(error: Floats) -> Floats:
    """Divide by the mean of the members (second axis); 1 where all are without error."""
    has_error = np.isfinite(error)
    mean = np.where(has_error, error, 0).sum(axis=1, keepdims=True)
    mean /= np.maximum(has_error.sum(axis=1, keepdims=True), 1)
    perfect = np.where(has_error, 1.0, np.nan)
    result: Floats = np.divide(error, mean, out=perfect, where=has_error & (mean > 0))
    return result


def _any(count: Floats) -> Bools:
    result: Bools = count.sum(axis=0) > 0
    return result
