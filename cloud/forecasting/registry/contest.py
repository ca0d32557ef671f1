"""Champion against challenger: past forecasts and what came in, errors and simulated stock cost out. Pure.

Each model's quantile is an order-up-to level: at every origin the position is raised to it (never lowered:
stock is not sent back), and a lead time later what is left over costs its holding and what is missing its
backorder (base-stock policy, Snyder & Shen 2019, section 4.3). A challenger takes over only if it is better
by error *and* by this cost, by at least one per cent and beyond chance, from series to series and from origin
to origin.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.protocol import Bools, Floats

LEAST_GAIN: Final = 0.01
"""A smaller gain is not worth the change."""
LEAST_T: Final = 1.64
"""One-sided 95 %."""
BACKORDER_TO_HOLDING: Final = 19.0
"""A missing unit costs so many times what a left-over one does: the level of 95 %."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a model said at past origins."""

    mean: Floats
    """Series x origins: expected sum over the lead time."""
    level: Floats
    """Series x origins: its quantile backorder / (backorder + holding)."""


@dataclass(frozen=True, slots=True)
class Gain:
    """How much less of something a challenger causes."""

    champion: float
    challenger: float
    t_series: float
    """Mean difference over its standard error, from series to series; infinite: it never varies."""
    t_origins: float

    @property
    def share(self) -> float:
        """Gain as a share of the champion's; negative: it is worse."""
        return (self.champion - self.challenger) / self.champion if self.champion > 0 else 0.0

    @property
    def is_sure(self) -> bool:
        """Whether it is large enough and beyond chance."""
        return self.share >= LEAST_GAIN and min(self.t_series, self.t_origins) >= LEAST_T

    def told(self) -> dict[str, float]:
        """Write it as JSON."""
        return {
            "champion": round(self.champion, 6),
            "challenger": round(self.challenger, 6),
            "gain": round(self.share, 5),
            "t_series": round(float(np.clip(self.t_series, -1e6, 1e6)), 3),
            "t_origins": round(float(np.clip(self.t_origins, -1e6, 1e6)), 3),
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a challenger takes over."""

    error: Gain
    """Mean squared error over the series' scale squared."""
    cost: Gain
    """Holding and backorder cost of an origin and series."""
    series: int
    origins: int
    backorder_to_holding: float

    @property
    def is_promoted(self) -> bool:
        """Only if it is better by both."""
        return self.error.is_sure and self.cost.is_sure

    def told(self) -> Mapping[str, object]:
        """Write it as JSON: the evidence of the decision."""
        return {
            "error": self.error.told(),
            "stock_cost": self.cost.told(),
            "series": self.series,
            "origins": self.origins,
            "backorder_to_holding": self.backorder_to_holding,
            "least_gain": LEAST_GAIN,
            "least_t": LEAST_T,
            "is_promoted": self.is_promoted,
        }


def contest(
    champion: Outlook,
    challenger: Outlook,
    *,
    came: Floats,
    step: Floats,
    scale: Floats,
    unit_cost: Floats | None = None,
    backorder_to_holding: float = BACKORDER_TO_HOLDING,
) -> Verdict:
    """Hold two models against what came.

    Args:
        champion: What forecasts now.
        challenger: What might; at the same origins.
        came: Series x origins: demand over the lead time; NaN where not known.
        step: Series x origins: demand from the origin to the next; NaN where not known.
        scale: Of each series, > 0; errors are divided by it. Others are left out.
        unit_cost: Of each series; None: all alike. NaN: not known, counted as the median.
        backorder_to_holding: Cost of a missing unit over that of one left over, > 0.

    Returns:
        The verdict.

    Raises:
        ValueError: If shapes differ, there is nothing to judge, or the ratio is not above 0.
    """
    parts = (champion.mean, champion.level, challenger.mean, challenger.level, step)
    if any(part.shape != came.shape for part in parts) or scale.shape != came.shape[:1]:
        raise ValueError(f"expected all parts as {came.shape}, scales as {came.shape[:1]}")
    if backorder_to_holding <= 0:
        raise ValueError(f"backorder_to_holding {backorder_to_holding}: expected a number above 0")
    errors = [
        ((one.mean - came) / np.where(scale > 0, scale, np.nan)[:, None]) ** 2
        for one in (champion, challenger)
    ]
    weight = _weights(unit_cost, len(came))
    costs = [
        simulate_base_stock(one.level, came=came, step=step, backorder_to_holding=backorder_to_holding)
        * weight[:, None]
        for one in (champion, challenger)
    ]
    known = np.isfinite(sum([*errors, *costs]))
    if not known.any():
        raise ValueError("no origin of any series has both forecasts and what came")
    return Verdict(
        error=_gain(errors[0], errors[1], known),
        cost=_gain(costs[0], costs[1], known),
        series=int(known.any(axis=1).sum()),
        origins=int(known.any(axis=0).sum()),
        backorder_to_holding=backorder_to_holding,
    )


def simulate_base_stock(
    level: Floats, *, came: Floats, step: Floats, backorder_to_holding: float = BACKORDER_TO_HOLDING
) -> Floats:
    """Simulate ordering up to a level at every origin.

    Args:
        level: Series x origins: order-up-to level; NaN: nothing is ordered.
        came: Series x origins: demand over the lead time from the origin.
        step: Series x origins: demand from the origin to the next.
        backorder_to_holding: Cost of a missing unit, a left-over one costing 1.

    Returns:
        Series x origins: cost at the end of each origin's lead time; NaN where it cannot be told.

    Examples:
        The level falls from 10 to 2, but stock is not sent back: 10 - 3 stay, and 7 - 4 are left over.
        >>> came, step = np.array([[4.0, 4.0]]), np.array([[3.0, 3.0]])
        >>> simulate_base_stock(np.array([[10.0, 2.0]]), came=came, step=step).tolist()
        [[6.0, 3.0]]
    """
    cost = np.full(level.shape, np.nan)
    position = np.full(len(level), -np.inf)
    for origin in range(level.shape[1]):
        wanted = np.where(np.isnan(level[:, origin]), -np.inf, level[:, origin])
        position = np.maximum(position, wanted)
        left = np.where(np.isfinite(position), position, np.nan) - came[:, origin]
        cost[:, origin] = np.where(left >= 0, left, -backorder_to_holding * left)
        sold = step[:, origin]
        position = np.where(np.isnan(sold), -np.inf, position - np.nan_to_num(sold))
    return cost


def _weights(unit_cost: Floats | None, series: int) -> Floats:
    if unit_cost is None or not np.isfinite(unit_cost).any():
        return np.ones(series)
    result: Floats = np.where(np.isfinite(unit_cost), unit_cost, np.nanmedian(unit_cost))
    return result


def _gain(champion: Floats, challenger: Floats, known: Bools) -> Gain:
    difference = np.where(known, champion - challenger, 0.0)
    counted = int(known.sum())
    return Gain(
        champion=float(np.where(known, champion, 0.0).sum()) / counted,
        challenger=float(np.where(known, challenger, 0.0).sum()) / counted,
        t_series=_t(difference.sum(axis=1)[known.any(axis=1)]),
        t_origins=_t(difference.sum(axis=0)[known.any(axis=0)]),
    )


def _t(parts: Floats) -> float:
    """Give mean over standard error; without a spread the sign decides."""
    mean = float(parts.mean())
    spread = float(parts.std(ddof=1)) if len(parts) > 1 else 0.0
    if spread == 0:
        return float(np.sign(mean)) * np.inf if mean else 0.0
    return mean / (spread / float(np.sqrt(len(parts))))
