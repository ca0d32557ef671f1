"""Whether one way of forecasting causes less of something than another, beyond chance. Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.protocol import Floats

LEAST_GAIN: Final = 0.01
"""A smaller gain is not worth the change."""
LEAST_T: Final = 1.64
"""One-sided 95 %."""
LEAST_BLOCKS: Final = 2
"""Of origins that do not feel each other: one says nothing of another time, however many series it has."""
LEAST_OBSERVED: Final = 6
"""Series times independent blocks of origins; of fewer no t tells anything."""


@dataclass(frozen=True, slots=True)
class Gain:
    """How much less of something a challenger causes."""

    champion: float
    challenger: float
    t_series: float
    """Mean difference over its standard error, from series to series; infinite: it never varies."""
    t_origins: float
    series: int
    blocks: int
    """Independent ones: origins over how long one is felt."""

    @classmethod
    def of(
        cls, champion: float, challenger: float, by_series: Floats, by_origin: Floats, lasting: int
    ) -> "Gain":
        """Judge what a challenger causes less.

        Args:
            champion: What it causes.
            challenger: What the other causes.
            by_series: How much less, of each series.
            by_origin: How much less, of each origin, in the order of time.
            lasting: Over how many origins one is felt.

        Returns:
            The gain.
        """
        t_origins = t_of(by_origin, lasting)
        blocks = len(by_origin) // max(lasting, 1)
        return cls(champion, challenger, t_of(by_series), t_origins, len(by_series), blocks)

    @property
    def share(self) -> float:
        """Gain as a share of the champion's; negative: it is worse."""
        return (self.champion - self.challenger) / self.champion if self.champion > 0 else 0.0

    def is_sure(self, least_t: float = LEAST_T) -> bool:
        """Tell whether it is large enough and beyond chance.

        A single series is judged from origin to origin alone.

        Args:
            least_t: From series to series and from origin to origin.

        Returns:
            Whether it is; never by too little.
        """
        if self.blocks < LEAST_BLOCKS or self.series * self.blocks < LEAST_OBSERVED:
            return False
        t = self.t_origins if self.series == 1 else min(self.t_series, self.t_origins)
        return self.share >= LEAST_GAIN and t >= least_t

    def told(self) -> dict[str, float]:
        """Write it as JSON."""
        return {
            "champion": round(self.champion, 6),
            "challenger": round(self.challenger, 6),
            "gain": round(self.share, 5),
            "t_series": round(float(np.clip(self.t_series, -1e6, 1e6)), 3),
            "t_origins": round(float(np.clip(self.t_origins, -1e6, 1e6)), 3),
            "observed": self.series * self.blocks,
        }


def t_of(values: Floats, lasting: int = 1) -> float:
    """Give the mean over its standard error; infinite where nothing varies, 0 where nothing differs.

    Neighbours that are not independent make the mean less sure (Newey & West 1987).

    Args:
        values: In the order of time, if neighbours are not independent; at least one.
        lasting: Over how many values one is felt.

    Returns:
        t; 0 with a single value, for that tells nothing of others.

    Examples:
        >>> round(t_of(np.array([1.0, 2.0, 3.0])), 4), t_of(np.ones(3)), t_of(np.zeros(3)), t_of(np.ones(1))
        (3.4641, inf, 0.0, 0.0)
    """
    count, largest = len(values), float(np.abs(values).max())
    if count == 1 or not largest:
        return 0.0
    # Whatever the unit is: squares of very small values would be none.
    told = values / largest
    mean = float(told.mean())
    off = told - mean
    squares = float(off @ off)
    if not squares:
        return float(np.sign(mean)) * float("inf")
    lags = range(1, min(lasting, count))
    together = squares + 2 * sum((1 - lag / lasting) * float(off[lag:] @ off[:-lag]) for lag in lags)
    return mean / float(np.sqrt(max(together, squares) / (count - 1) / count))
