"""Champion against challenger: past forecasts and what came in, errors and simulated stock cost out. Pure.

Each model's quantile at the service that an item's policy asks for is an order-up-to level, and the policy is
played with it (`cloud.forecasting.stock`). A challenger takes over only if it is better by error *and* by
this cost, by at least one per cent and beyond chance, from series to series and from origin to origin; of too
little to tell chance by (`cloud.forecasting.gains`) nobody takes over.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cloud.forecasting.gains import LEAST_BLOCKS, LEAST_GAIN, LEAST_OBSERVED, LEAST_T, Gain
from cloud.forecasting.protocol import Bools, Floats, Ints
from cloud.forecasting.stock import Terms, play


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
    days: Floats
    """Series x origins x 7: demand of the days from the origin to the next; NaN where not known."""
    scale: Floats
    """Of each series, > 0; errors are divided by it. Others are left out."""
    terms: Terms

    def of(self, rows: Ints) -> "Came":
        """Give that of some series."""
        return Came(self.total[rows], self.days[rows], self.scale[rows], self.terms.of(rows))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a challenger takes over."""

    error: Gain
    """Mean squared error over the series' scale squared."""
    cost: Gain
    """Of holding and shortage in the week after an origin, by series."""
    series: int
    origins: int

    @property
    def is_promoted(self) -> bool:
        """Only if it is better by both."""
        return self.error.is_sure() and self.cost.is_sure()

    def told(self) -> Mapping[str, object]:
        """Write it as JSON: the evidence of the decision."""
        return {
            "error": self.error.told(),
            "stock_cost": self.cost.told(),
            "series": self.series,
            "origins": self.origins,
            "least_gain": LEAST_GAIN,
            "least_t": LEAST_T,
            "least_blocks": LEAST_BLOCKS,
            "least_observed": LEAST_OBSERVED,
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
        ValueError: If shapes differ, or there is nothing to judge.
    """
    shape = came.total.shape
    parts = (champion.mean, champion.level, challenger.mean, challenger.level, came.days[:, :, 0])
    flat = (came.scale, came.terms.review_weeks, came.terms.holding)
    if any(part.shape != shape for part in parts) or any(part.shape != shape[:1] for part in flat):
        raise ValueError(f"expected all parts as {shape}, scales, reviews and costs as {shape[:1]}")
    scale = np.where(came.scale > 0, came.scale, np.nan)[:, None]
    errors = [((one.mean - came.total) / scale) ** 2 for one in (champion, challenger)]
    costs = play(np.stack([champion.level, challenger.level]), came.days, came.terms)
    judged, ordered = np.isfinite(sum(errors)), np.isfinite(costs.sum(axis=0))
    if not judged.any() or not ordered.any():
        raise ValueError("no origin of any series has both forecasts and what came")
    lasting = int(np.median(came.terms.lasting_weeks))
    return Verdict(
        error=_gain(errors[0], errors[1], judged, lasting),
        cost=_gain(costs[0], costs[1], ordered, lasting),
        series=int(judged.any(axis=1).sum()),
        origins=int(judged.any(axis=0).sum()),
    )


def _gain(champion: Floats, challenger: Floats, known: Bools, lasting: int) -> Gain:
    difference = np.where(known, champion - challenger, 0.0)
    counted = int(known.sum())
    return Gain.of(
        champion=float(np.where(known, champion, 0.0).sum()) / counted,
        challenger=float(np.where(known, challenger, 0.0).sum()) / counted,
        by_series=difference.sum(axis=1)[known.any(axis=1)],
        by_origin=difference.sum(axis=0)[known.any(axis=0)],
        lasting=lasting,
    )
