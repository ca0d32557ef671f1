"""Champion against challenger: past forecasts and what came in, errors and simulated stock cost out. Pure.

Each model's quantile at the service that an item's policy asks for is an order-up-to level: at every review
the position is raised to it (never lowered: stock is not sent back), and a protection period later what is
left over costs its holding and what is missing its backorder, service / (1 - service) times as much
(base-stock policy, Snyder & Shen 2019, section 4.3). A challenger takes over only if it is better by error
*and* by this cost, by at least one per cent and beyond chance, from series to series and from origin to
origin.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.protocol import Bools, Floats, Ints

LEAST_GAIN: Final = 0.01
"""A smaller gain is not worth the change."""
LEAST_T: Final = 1.64
"""One-sided 95 %."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a model said at past origins."""

    mean: Floats
    """Series x origins: expected sum over the protection period."""
    level: Floats
    """Series x origins: its quantile at the service wanted."""

    def of(self, rows: Ints) -> "Outlook":
        """Give that of some series."""
        return Outlook(self.mean[rows], self.level[rows])


@dataclass(frozen=True, slots=True)
class Came:
    """What came, and how it was to be served."""

    total: Floats
    """Series x origins: demand over the protection period; NaN where not known."""
    step: Floats
    """Series x origins: demand from the origin to the next; NaN where not known."""
    scale: Floats
    """Of each series, > 0; errors are divided by it. Others are left out."""
    service: Floats
    """Of each series, within (0, 1): what is missing costs service / (1 - service) of what is left over."""
    review: Ints
    """Of each series: at every so many origins, counted from the last, is ordered; >= 1."""
    unit_cost: Floats
    """Of each series; NaN: not known, counted as the median."""

    def of(self, rows: Ints) -> "Came":
        """Give that of some series."""
        return Came(
            self.total[rows],
            self.step[rows],
            self.scale[rows],
            self.service[rows],
            self.review[rows],
            self.unit_cost[rows],
        )


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
            "least_gain": LEAST_GAIN,
            "least_t": LEAST_T,
            "is_promoted": self.is_promoted,
        }


def contest(champion: Outlook, challenger: Outlook, came: Came) -> Verdict:
    """Hold two models against what came.

    Args:
        champion: What forecasts now.
        challenger: What might; at the same origins.
        came: What came.

    Returns:
        The verdict.

    Raises:
        ValueError: If shapes differ, there is nothing to judge, or a service or a review cannot be.
    """
    shape = came.total.shape
    parts = (champion.mean, champion.level, challenger.mean, challenger.level, came.step)
    flat = (came.scale, came.service, came.review, came.unit_cost)
    if any(part.shape != shape for part in parts) or any(part.shape != shape[:1] for part in flat):
        raise ValueError(f"expected all parts as {shape}, scales, services, reviews and costs as {shape[:1]}")
    if not ((came.service > 0) & (came.service < 1) & (came.review >= 1)).all():
        raise ValueError("expected services between 0 and 1, and reviews at every origin or at fewer")
    scale = np.where(came.scale > 0, came.scale, np.nan)[:, None]
    errors = [((one.mean - came.total) / scale) ** 2 for one in (champion, challenger)]
    weight = _weights(came.unit_cost)
    costs = [simulate_base_stock(one.level, came) * weight[:, None] for one in (champion, challenger)]
    judged, ordered = np.isfinite(sum(errors)), np.isfinite(sum(costs))
    if not judged.any() or not ordered.any():
        raise ValueError("no origin of any series has both forecasts and what came")
    return Verdict(
        error=_gain(errors[0], errors[1], judged),
        cost=_gain(costs[0], costs[1], ordered),
        series=int(judged.any(axis=1).sum()),
        origins=int(judged.any(axis=0).sum()),
    )


def simulate_base_stock(level: Floats, came: Came) -> Floats:
    """Simulate ordering up to a level at every review.

    Args:
        level: Series x origins: order-up-to level; NaN: nothing is ordered.
        came: What came.

    Returns:
        Series x origins: cost at the end of the protection period of each review; NaN at other origins, and
        where it cannot be told.

    Examples:
        The level falls from 10 to 2, but stock is not sent back: 10 - 3 stay, and 7 - 4 are left over.
        >>> one = np.array([1.0])
        >>> total, step = np.array([[4.0, 4.0]]), np.array([[3.0, 3.0]])
        >>> came = Came(total, step, one, np.array([0.95]), np.array([1]), one)
        >>> simulate_base_stock(np.array([[10.0, 2.0]]), came).tolist()
        [[6.0, 3.0]]
    """
    cost = np.full(level.shape, np.nan)
    position = np.full(len(level), -np.inf)
    shortage = came.service / (1 - came.service)
    count = level.shape[1]
    for origin in range(count):
        is_due = (count - 1 - origin) % came.review == 0
        wanted = np.where(is_due & np.isfinite(level[:, origin]), level[:, origin], -np.inf)
        position = np.maximum(position, wanted)
        left = np.where(is_due & np.isfinite(position), position, np.nan) - came.total[:, origin]
        cost[:, origin] = np.where(left >= 0, left, -shortage * left)
        sold = came.step[:, origin]
        position = np.where(np.isnan(sold), -np.inf, position - np.nan_to_num(sold))
    return cost


def _weights(unit_cost: Floats) -> Floats:
    if not np.isfinite(unit_cost).any():
        return np.ones(len(unit_cost))
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
