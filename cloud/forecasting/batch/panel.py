"""Many series as columns that run through time together: scaled, gaps set to zero and marked. Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cloud.forecasting.protocol import Floats, Ints

Real: Final = np.float32
"""What the recursions compute in: half the memory of float64, and twice the speed."""
Reals = NDArray[np.float32]
LEAST_EXPONENT: Final = -100
"""Of the scale: the unit of demand that is smaller still must be another one."""
WIDTH: Final = 16
"""Columns come in multiples of this, so that no sum over models runs in another order for few series."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Series turned on their side: time x series, so that a period is a row that lies together in memory."""

    y: Reals
    """Time x columns: demand over the scale; 0 where not known."""
    known: Reals
    """Time x columns: 1 where known, else 0."""
    scale: Reals
    """Of each column, a power of two: to divide by it loses nothing, whatever comes later."""
    count: int
    """Series; further columns repeat the first one."""

    @property
    def periods(self) -> int:
        """Rows."""
        return len(self.y)

    @property
    def begun(self) -> Ints:
        """Of each column the first known row; the number of rows where none is."""
        is_known = self.known > 0
        return np.where(is_known.any(axis=0), is_known.argmax(axis=0), self.periods)

    def of(self, columns: Ints) -> "Panel":
        """Take some series.

        Args:
            columns: Which, ascending; at least one.

        Returns:
            Their panel.
        """
        if len(columns) == self.count:
            return self
        chosen = np.concatenate([columns, np.repeat(columns[:1], -len(columns) % WIDTH)])
        return Panel(self.y[:, chosen], self.known[:, chosen], self.scale[chosen], len(columns))


def panel_of(y: Floats) -> Panel:
    """Turn series on their side.

    Args:
        y: Series x periods, >= 0 and finite, or NaN where not known.

    Returns:
        The panel.
    """
    count, periods = y.shape
    columns = max(-(-count // WIDTH), 1) * WIDTH
    with np.errstate(invalid="ignore"):
        largest = np.fmax.reduce(y, axis=1, initial=0.0)
    scale = np.ones(columns, dtype=Real)
    scale[:count] = power_of_two(largest)
    values = np.zeros((periods, columns), dtype=Real)
    known = np.zeros((periods, columns), dtype=Real)
    is_known = ~np.isnan(y.T)
    np.divide(y.T, scale[:count], out=values[:, :count], where=is_known, casting="same_kind")
    known[:, :count] = is_known
    if count:
        values[:, count:], known[:, count:] = values[:, :1], known[:, :1]
    return Panel(values, known, scale, count)


def power_of_two(largest: Floats) -> Floats:
    """Give the power of two next above, 1 for nothing.

    Args:
        largest: >= 0.

    Returns:
        The scale of each.

    Examples:
        >>> power_of_two(np.array([0.0, 5.0, 8.0])).tolist()
        [1.0, 8.0, 16.0]
    """
    _, exponent = np.frexp(largest)
    result: Floats = np.ldexp(1.0, np.where(largest > 0, np.maximum(exponent, LEAST_EXPONENT), 0))
    return result
