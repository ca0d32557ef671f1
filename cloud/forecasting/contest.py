"""A challenger against the champion: both forecasts' errors and the stock they would cause; a verdict. Pure.

The stock is that of an order-up-to level covering the horizon: the sum forecast plus the quantile, at the
service wanted, of scaled errors known by then (all series together). What is left over costs holding, what is
short costs `level / (1 - level)` times that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.boosting import Boosted, boost
from cloud.forecasting.features import without
from cloud.forecasting.protocol import Bools, Floats, Ints
from cloud.forecasting.uplift import Covariates

SERVICE: Final = 0.95
LEAST_GAIN: Final = 0.01
"""A challenger must be better by this part, in error and in cost of stock."""
MOST_BIAS: Final = 0.05
"""It may be biased by at most so much, or less than the champion."""
LEAST_ERRORS: Final = 30


@dataclass(frozen=True, slots=True)
class Score:
    """How a forecast did, over the cells that both forecasts reach."""

    cells: int
    wape: float
    cum_wape: float
    """Of the sums over the horizon."""
    bias: float
    """Sum of errors over sum of demand; positive: too much was forecast."""
    stock_cost: float
    """Holding and shortage over demand; NaN where too few errors were known beforehand."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Both scores, whether the challenger is promoted, and why."""

    champion: Score
    challenger: Score
    is_promoted: bool
    why: str


@dataclass(frozen=True, slots=True)
class Ablation:
    """What a group of drivers adds: the score without it, beside that with all."""

    group: str
    score: Score
    worse_by: float
    """Rise of the WAPE without the group, as a part; negative: the group harms."""


def contest(
    champion: Floats, challenger: Floats, y: Floats, origins: Ints, *, level: float = SERVICE
) -> Verdict:
    """Hold two forecasts against what came.

    Args:
        champion: Series x origins x horizon.
        challenger: The same shape.
        y: Series x periods, NaN where not known.
        origins: Columns, ascending.
        level: Service of the stock, within (0, 1).

    Returns:
        The verdict: promoted only if error and cost of stock are better and the bias speaks not against it.

    Raises:
        ValueError: If the forecasts' shapes differ.
    """
    if champion.shape != challenger.shape:
        raise ValueError(f"forecasts have shapes {champion.shape} and {challenger.shape}: expected the same")
    actual = came(y, origins, champion.shape[2])
    both = np.isfinite(champion) & np.isfinite(challenger) & np.isfinite(actual)
    old, new = (score(said, actual, origins, both, level=level) for said in (champion, challenger))
    reasons = []
    if not new.wape < (1 - LEAST_GAIN) * old.wape:
        reasons.append(f"its WAPE {new.wape:.3f} is not 1 % below {old.wape:.3f}")
    if not new.stock_cost < (1 - LEAST_GAIN) * old.stock_cost:
        reasons.append(f"its stock cost {new.stock_cost:.3f} a unit is not 1 % below {old.stock_cost:.3f}")
    if abs(new.bias) > MOST_BIAS and abs(new.bias) > abs(old.bias):
        reasons.append(f"its bias {new.bias:+.1%} is greater than {old.bias:+.1%}")
    told = (
        f"WAPE {new.wape:.3f} instead of {old.wape:.3f}, stock cost {new.stock_cost:.3f} a unit instead of "
        f"{old.stock_cost:.3f}, bias {new.bias:+.1%}"
    )
    why = f"not promoted: {'; '.join(reasons)}" if reasons else f"promoted: {told}"
    return Verdict(old, new, is_promoted=not reasons, why=why)


def ablate(
    y: Floats,
    covariates: Covariates,
    origins: Ints,
    horizon: int,
    *,
    groups: Mapping[str, str],
    season: int = 1,
    pools: Ints | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[Score, tuple[Ablation, ...]]:
    """Boost with all drivers, and again without each group of them.

    Args:
        y: Series x periods, NaN where not known.
        covariates: All drivers.
        origins: Columns.
        horizon: Periods ahead.
        groups: Of each covariate's name its group (price, promotion, holiday, weather, …); a name that is
            missing is a group of its own.
        season: Periods of a cycle.
        pools: Class of each series.
        progress: Told each group before it is left out.

    Returns:
        The score with all, and what each group adds, the most useful first.
    """

    def said(given: Covariates | None) -> Boosted:
        return boost(y, given, origins, horizon, season=season, pools=pools)

    actual = came(y, origins, horizon)
    whole = said(covariates).paths
    known = np.isfinite(whole) & np.isfinite(actual)
    reference = score(whole, actual, origins, known)
    found = []
    for group in sorted({groups.get(name, name) for name in covariates.names}):
        if progress is not None:
            progress(group)
        left = score(said(without(covariates, groups, group)).paths, actual, origins, known)
        found.append(Ablation(group, left, left.wape / reference.wape - 1))
    return reference, tuple(sorted(found, key=lambda one: (-one.worse_by, one.group)))


def came(y: Floats, origins: Ints, horizon: int) -> Floats:
    """Arrange demand as forecasts are.

    Args:
        y: Series x periods.
        origins: Columns.
        horizon: Periods ahead.

    Returns:
        Series x origins x horizon; NaN where not known, or it has not come.
    """
    result = np.full((len(y), len(origins), horizon), np.nan)
    for place, origin in enumerate(origins.tolist()):
        ahead = y[:, origin + 1 : origin + 1 + horizon]
        result[:, place, : ahead.shape[1]] = ahead
    return result


def score(said: Floats, actual: Floats, origins: Ints, counted: Bools, *, level: float = SERVICE) -> Score:
    """Measure a forecast over some cells.

    Args:
        said: Series x origins x horizon.
        actual: The same shape.
        origins: Columns.
        counted: Which cells.
        level: Service of the stock.

    Returns:
        The score; NaN where nothing was asked for.
    """
    demand = np.where(counted, actual, 0)
    error = np.where(counted, said - actual, 0)
    whole: Bools = np.asarray(counted.all(axis=2))
    sums, summed = error.sum(axis=2), demand.sum(axis=2)
    return Score(
        cells=int(counted.sum()),
        wape=_share(_total(abs(error)), _total(demand)),
        cum_wape=_share(_total(abs(sums[whole])), _total(summed[whole])),
        bias=_share(_total(error), _total(demand)),
        stock_cost=_stock_cost(
            np.where(whole, sums, np.nan),
            np.where(whole, summed, np.nan),
            origins + said.shape[2],
            origins,
            level,
        ),
    )


def _stock_cost(errors: Floats, demand: Floats, settled_at: Ints, origins: Ints, level: float) -> float:
    """Simulate the order-up-to level wherever enough errors were settled beforehand."""
    penalty = level / (1 - level)
    scale = np.sqrt(
        np.maximum(demand + errors, 0)
    )  # the spread of sums grows about as the root of the volume
    costs, judged = 0.0, 0.0
    for place, origin in enumerate(origins.tolist()):
        settled = settled_at <= origin
        before, width = -errors[:, settled], scale[:, settled]
        usable = np.isfinite(before) & (width > 0)
        if usable.sum() < LEAST_ERRORS:
            continue
        safety = float(np.quantile(before[usable] / width[usable], level)) * scale[:, place]
        over = (safety + errors[:, place])[np.isfinite(errors[:, place])]
        costs += _total(np.where(over > 0, over, -penalty * over))
        judged += _total(demand[:, place][np.isfinite(errors[:, place])])
    return _share(costs, judged)


def _total(values: Floats) -> float:
    return float(np.sort(values, axis=None).sum())


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")
