"""How items are replenished, as far as it decides what an error of their forecasts costs. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from cloud.forecasting.domain import LEVELS, USUAL_PROTECTION_DAYS, Stated
from cloud.forecasting.protocol import Floats, Ints

USUAL_REVIEW_DAYS: Final = 7
USUAL_SERVICE: Final = 0.95
"""Where replenishment has stated none."""
LEAST_SERVICE: Final = 0.5
"""Below it a unit missing would cost less than one left over, and no stock would be the best."""


def level_at(quantiles: Floats, service: Floats) -> Floats:
    """Read the level that covers demand as surely as is asked, linear between those drawn.

    Args:
        quantiles: Of each series by level.
        service: Of each series.

    Returns:
        Of each series one.

    Examples:
        >>> level_at(np.arange(15.0)[None], np.array([0.85])).round(6).tolist()
        [9.5]
    """
    levels = np.array(LEVELS)
    right = np.clip(np.searchsorted(levels, service), 1, len(levels) - 1)
    part = np.clip((service - levels[right - 1]) / (levels[right] - levels[right - 1]), 0, 1)
    rows = np.arange(len(quantiles))
    result: Floats = quantiles[rows, right - 1] * (1 - part) + quantiles[rows, right] * part
    return result


@dataclass(frozen=True, slots=True)
class Policies:
    """Of each series how often is ordered, what time an order covers, and how surely."""

    review_days: Ints
    protection_days: Ints
    service: Floats
    """Chance that demand over the protection period is met from stock. A fill rate counts as a chance of the
    same height, which asks for somewhat more stock, of champion and challenger alike."""
    stated: int
    """Of how many series replenishment has stated one."""

    @classmethod
    def of(cls, stated: Mapping[int, Stated], item_ids: Sequence[int]) -> "Policies":
        """Arrange what was stated.

        Args:
            stated: By item id.
            item_ids: Of the series.

        Returns:
            The policies, the usual one where none was stated.
        """
        usual = Stated(USUAL_REVIEW_DAYS, USUAL_PROTECTION_DAYS, USUAL_SERVICE)
        rows = [stated.get(item_id, usual) for item_id in item_ids]
        return cls(
            review_days=np.array([row.review_days for row in rows], dtype=np.int64),
            protection_days=np.array([row.protection_days for row in rows], dtype=np.int64),
            service=np.clip([row.target for row in rows], LEAST_SERVICE, LEVELS[-1]),
            stated=sum(item_id in stated for item_id in item_ids),
        )

    def told(self) -> dict[str, Any]:
        """Tell them in few numbers, as JSON holds them."""
        if not len(self.service):
            return {"stated": 0}
        return {
            "stated": self.stated,
            "service": round(float(np.median(self.service)), 4),
            "protection_days": float(np.median(self.protection_days)),
            "review_days": float(np.median(self.review_days)),
        }
