"""What each member of a combined forecast had gone wrong by, as known at each origin. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cloud.forecasting.protocol import Floats, Ints

HALF: Final = 2
"""An origin counts where its history is at least one part in so many as long as today's."""
Paths = NDArray[np.float32] | NDArray[np.float64]
"""Members x series x origins x horizon."""


@dataclass(frozen=True, slots=True)
class Known:
    """Errors of each member as known at each origin."""

    relative: Floats
    """Series x origins x members: mean square error over the mean of all members'; NaN: none known."""
    steps: NDArray[np.unsignedinteger[Any]]
    """The same shape: how many steps each rests on; whole numbers, kept as short as they can be."""
    horizon: int

    def windows(self, place: int) -> Floats:
        """Tell how many whole windows' steps each rests on.

        Args:
            place: Of the origin.

        Returns:
            Series x members: steps over horizon.
        """
        result: Floats = self.steps[:, place] / self.horizon
        return result

    def newest(self) -> "Known":
        """Give what is known at the last origin; what was before is let go of."""
        return Known(self.relative[:, -1:].copy(), self.steps[:, -1:].copy(), self.horizon)


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

    sums = np.empty((count, members, series))
    steps = np.empty(sums.shape, dtype=np.min_scalar_type(count * horizon))
    before = None
    for member, path in enumerate(paths):
        error = np.moveaxis(path - actual, 0, 2)
        is_known = np.isfinite(error)
        error *= error
        sums[:, member] = known(np.where(is_known, error, 0))
        is_alike = before is not None and np.array_equal(is_known, before)
        steps[:, member] = steps[:, member - 1] if is_alike else known(is_known.astype(np.float64))
        before = is_known
    for place in range(count):
        number = steps[place]
        sums[place] = _relative(np.where(number > 0, sums[place] / np.maximum(number, 1), np.nan))
    return Known(np.moveaxis(sums, 2, 0), np.moveaxis(steps, 2, 0), horizon)


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


def added(values: Floats) -> Floats:
    """Sum over the last axis, always in its order, however many series there are beside.

    Args:
        values: Any shape.

    Returns:
        The same without the last axis.
    """
    total: Floats = values[..., 0].copy(order="K")
    for place in range(1, values.shape[-1]):
        total += values[..., place]
    return total


def _relative(error: Floats) -> Floats:
    """Divide by the mean of the members (members x series); 1 where all are without error."""
    has_error = np.isfinite(error)
    mean = added(np.where(has_error, error, 0).T) / np.maximum(has_error.sum(axis=0), 1)
    return np.where(mean > 0, error / np.where(mean > 0, mean, 1), np.where(has_error, 1.0, np.nan))
