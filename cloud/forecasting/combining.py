"""The method in force: many simple members, combined by what each went wrong: the batch engine. Pure."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import numpy as np

from cloud.forecasting.batch import combination
from cloud.forecasting.batch.joined import Joined, join
from cloud.forecasting.batch.members import MEMBERS
from cloud.forecasting.batch.rolled import actuals, pieces, work
from cloud.forecasting.protocol import Floats, Ints, Said, Spread
from cloud.forecasting.weeks import Weeks

SEASON_WEEKS: Final = 52


class Combination:
    """Members weighed by their errors over the last origins, drawn towards what is usual in their class.

    Bates & Granger 1969. Nothing is estimated from weeks after an origin for what is said at it.
    """

    name: Final = "combination"
    min_weeks: Final = 8

    def parameters(self) -> Mapping[str, Any]:
        """Tell the members and what weighs them."""
        return {
            "members": list(MEMBERS),
            "season_weeks": SEASON_WEEKS,
            "min_weeks": self.min_weeks,
            "dropped_above": combination.DROPPED_ABOVE,
            "prior_origins": combination.PRIOR_ORIGINS,
        }

    def said(self, weeks: Weeks, origins: Ints, horizon_weeks: int, *, last_day: int, spread: Spread) -> Said:
        """Roll all members through the weeks, and combine them at each origin.

        Args:
            weeks: What is known.
            origins: The weeks from which is forecast.
            horizon_weeks: How far, > 0.
            last_day: Of no concern here.
            spread: Works on chunks of series.

        Returns:
            The combined forecasts.
        """
        del last_day
        cut = list(pieces(weeks.totals, origins, horizon=horizon_weeks, season=SEASON_WEEKS, members=MEMBERS))
        found = join(list(spread(work, cut)), actuals(weeks.totals, origins, horizon_weeks), origins)
        return Said(_ready(found.forecast, weeks, origins, self.min_weeks), partial(_why, found))


def _ready(forecast: Floats, weeks: Weeks, origins: Ints, least: int) -> Floats:
    known = np.cumsum(np.isfinite(weeks.totals), axis=1)[:, origins]
    result: Floats = np.where((known >= least)[:, :, None], forecast, np.nan)
    return result


def _why(found: Joined, row: int) -> Mapping[str, Any]:
    return combination.why(MEMBERS, found.known, found.classes, found.pooled, weights=found.weights, row=row)
