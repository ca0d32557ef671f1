"""Two methods' backtests of the same site held against each other: errors and simulated stock cost. Pure."""

from typing import Final

import numpy as np

from cloud.forecasting.domain import HORIZONS
from cloud.forecasting.engine import Plan
from cloud.forecasting.protocol import Floats
from cloud.forecasting.registry.contest import Outlook, Verdict, contest
from cloud.forecasting.weeks import DAYS

HORIZON_DAYS: Final = 14
"""Over which demand is summed: the usual protection period."""
BACKORDER_TO_HOLDING: Final = 9.0
"""The level is the upper end of the 80 % band, exceeded once in ten."""
_WEEK: Final = HORIZONS.index(DAYS)


def duel(champion: Plan, challenger: Plan, unit_cost: Floats | None = None) -> Verdict:
    """Judge two plans of the same demand, at the same 13 origins.

    Args:
        champion: By the method in force.
        challenger: By the other.
        unit_cost: Of each series; None or NaN: not known.

    Returns:
        The verdict.

    Raises:
        ValueError: If there is nothing to judge yet.
    """
    index = HORIZONS.index(HORIZON_DAYS)
    places, rolled = champion.judged.places, champion.rolled
    naive_errors = (rolled.naive - rolled.actual)[:, :, index]
    return contest(
        _outlook(champion, index),
        _outlook(challenger, index),
        came=rolled.actual[:, places, index],
        step=rolled.actual[:, places, _WEEK],
        scale=_root_mean_square(naive_errors),
        unit_cost=unit_cost,
        backorder_to_holding=BACKORDER_TO_HOLDING,
    )


def _outlook(plan: Plan, index: int) -> Outlook:
    places = plan.judged.places
    return Outlook(plan.rolled.forecast[:, places, index], plan.judged.high[:, :, index])


def _root_mean_square(errors: Floats) -> Floats:
    """Of each series; 0 where nothing is known or nothing ever changed, so that it is left out."""
    known = np.isfinite(errors)
    squares = np.where(known, errors, 0.0) ** 2
    result: Floats = np.sqrt(squares.sum(axis=1) / np.maximum(known.sum(axis=1), 1))
    return result
