"""What each group of drivers adds to LightGBM: its error with all of them, and without each group. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cloud.forecasting.protocol import Bools, Floats


@dataclass(frozen=True, slots=True)
class Score:
    """How a forecast did."""

    cells: int
    wape: float
    """Sum of absolute errors over sum of demand; NaN where nothing was asked for."""
    cum_wape: float
    """The same of sums over the horizon."""
    bias: float
    """Sum of errors over sum of demand; positive: too much was forecast."""


@dataclass(frozen=True, slots=True)
class Ablation:
    """What a group of drivers adds: the score without it, beside that with all."""

    group: str
    score: Score
    worse_by: float
    """Rise of the WAPE without the group, as a part; negative: the group harms."""


def ablate(
    said: Callable[[str | None], Floats], groups: Sequence[str], actual: Floats
) -> tuple[Score, tuple[Ablation, ...]]:
    """Forecast with all drivers, and again without each group of them.

    Args:
        said: Forecasts without a group, or with all: series x origins x horizon, NaN where it says nothing.
        groups: Of drivers.
        actual: What came, in the same shape; NaN where not known.

    Returns:
        The score with all, and what each group adds, the most useful first.
    """
    whole = said(None)
    counted: Bools = np.isfinite(whole) & np.isfinite(actual)
    reference = score(whole, actual, counted)
    found = []
    for group in groups:
        left = score(said(group), actual, counted)
        found.append(Ablation(group, left, left.wape / reference.wape - 1))
    return reference, tuple(sorted(found, key=lambda one: (-one.worse_by, one.group)))


def score(said: Floats, actual: Floats, counted: Bools) -> Score:
    """Measure a forecast over some cells.

    Args:
        said: Series x origins x horizon.
        actual: The same shape.
        counted: Which cells.

    Returns:
        The score.
    """
    demand = np.where(counted, actual, 0)
    error = np.where(counted, said - actual, 0)
    whole: Bools = np.asarray(counted.all(axis=2))
    return Score(
        cells=int(counted.sum()),
        wape=_share(_total(abs(error)), _total(demand)),
        cum_wape=_share(_total(abs(error.sum(axis=2)[whole])), _total(demand.sum(axis=2)[whole])),
        bias=_share(_total(error), _total(demand)),
    )


def _total(values: Floats) -> float:
    return float(np.sort(values, axis=None).sum())


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")
