"""What a forecasting method is: arrays in, arrays out, no clock, no database, no randomness."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Forecaster(Protocol):
    """A method that forecasts many series of weeks at once.

    Weeks are series x weeks, never negative, NaN where demand is not known: before a series began, and where
    stock-outs censored it. Each row is forecast from itself alone, so that rows may be cut into chunks and
    given in any order.
    """

    @property
    def name(self) -> str:
        """Stable snake_case word, as results carry it."""

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """What the columns of the parameters are."""

    @property
    def min_weeks(self) -> int:
        """Known weeks below which a series is not forecast by this method."""

    def fit(self, weeks: Floats, until: Ints) -> Floats:
        """Estimate parameters from what was known at a week.

        Args:
            weeks: Series x weeks.
            until: Of each series the last week that may be looked at; -1 fits nothing.

        Returns:
            Series x parameters; NaN where nothing was fitted.
        """

    def paths(self, weeks: Floats, parameters: Floats, horizon_weeks: int) -> Floats:
        """Forecast from the end of each week, with what was known then.

        Args:
            weeks: Series x weeks.
            parameters: Series x parameters; a row of NaN gives NaN.
            horizon_weeks: How far, > 0.

        Returns:
            Series x weeks x horizon: expected demand of each following week, >= 0; NaN before
            `min_weeks` weeks are known.
        """
