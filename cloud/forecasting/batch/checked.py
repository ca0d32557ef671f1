"""Demand that a recursion may be let loose on: what is wrong is named, or marked, series by series. Pure."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from cloud.forecasting.protocol import Bools, Floats

LARGEST: Final = 1e30
"""Demand of a period that the recursions can still square."""


def faults(y: Floats) -> Bools:
    """Mark series that hold a number that is no demand, so that the others can be forecast without them.

    Args:
        y: Series x periods; NaN where not known.

    Returns:
        Of each series, whether it holds a negative or infinite number, or one above `LARGEST`.

    Examples:
        >>> faults(np.array([[1.0, np.nan], [1.0, -2.0], [np.inf, 0.0]])).tolist()
        [False, True, True]
    """
    with np.errstate(invalid="ignore"):
        is_wrong: Bools = (y < 0) | (y > LARGEST)
    return np.asarray(is_wrong.any(axis=1))


def checked(y: Floats, names: Sequence[str] | None = None, *, first_column: int = 0) -> Floats:
    """Give demand back if all of it can be one.

    Args:
        y: Series x periods; NaN where not known.
        names: Of the series; None: they are told by their row.
        first_column: Number of the first column, as the error tells it.

    Returns:
        The same.

    Raises:
        ValueError: Naming series, column and value of the first number that is no demand.
    """
    is_wrong = faults(y)
    if is_wrong.any():
        row = int(is_wrong.argmax())
        column = int(((y[row] < 0) | (y[row] > LARGEST)).argmax())
        name = f"series {names[row]}" if names is not None else f"series in row {row}"
        more = int(is_wrong.sum()) - 1
        raise ValueError(
            f"{name}, column {first_column + column}: demand is {float(y[row, column])!r}: "
            f"expected a finite number >= 0 (at most {LARGEST:g}), or NaN where it is not known"
            + (f" ({more} more series are wrong)" if more else "")
        )
    return y
