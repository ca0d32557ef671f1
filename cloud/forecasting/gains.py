"""Whether one way of forecasting causes less of something than another, beyond chance. Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.protocol import Floats

LEAST_GAIN: Final = 0.01
"""A smaller gain is not worth the change."""
LEAST_T: Final = 1.64
"""One-sided 95 %."""


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

    def is_sure(self, least_t: float = LEAST_T) -> bool:
        """Tell whether it is large enough and beyond chance.

        Args:
            least_t: Of both.

        Returns:
            Whether it is.
        """
        return self.share >= LEAST_GAIN and min(self.t_series, self.t_origins) >= least_t

    def told(self) -> dict[str, float]:
        """Write it as JSON."""
        return {
            "champion": round(self.champion, 6),
            "challenger": round(self.challenger, 6),
            "gain": round(self.share, 5),
            "t_series": round(float(np.clip(self.t_series, -1e6, 1e6)), 3),
            "t_origins": round(float(np.clip(self.t_origins, -1e6, 1e6)), 3),
        }


def t_of(values: Floats, lasting: int = 1) -> float:
    """Give the mean over its standard error; infinite where nothing varies, 0 where nothing differs.

    Neighbours that are not independent make the mean less sure (Newey & West 1987).

    Args:
        values: In the order of time, if neighbours are not independent; at least one.
        lasting: Over how many values one is felt.

    Returns:
        t, with a single value infinite or 0.

    Examples:
        >>> round(t_of(np.array([1.0, 2.0, 3.0])), 4), t_of(np.ones(3)), t_of(np.zeros(3))
        (3.4641, inf, 0.0)
    """
    count = len(values)
    mean = float(values.mean())
    off = values - mean
    squares = float(off @ off)
    if not squares:
        return float(np.sign(mean)) * float("inf") if mean else 0.0
    lags = range(1, min(lasting, count))
    together = squares + 2 * sum((1 - lag / lasting) * float(off[lag:] @ off[:-lag]) for lag in lags)
    variance = max(together, squares) / max(count - 1, 1)
    return mean / float(np.sqrt(variance / count))
