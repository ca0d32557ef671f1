"""Two methods' backtests of the same site held against each other: errors and simulated stock cost. Pure."""

from typing import Final

import numpy as np

from cloud.forecasting.domain import HORIZONS
from cloud.forecasting.engine import Plan
from cloud.forecasting.policies import Policies, level_at
from cloud.forecasting.protocol import Floats, Ints
from cloud.forecasting.registry.contest import Came, Outlook, Verdict, contest
from cloud.forecasting.stock import protection_of, terms_of
from cloud.forecasting.weeks import DAYS, summed_demand

CONTEST_WEEKS: Final = 26
"""Origins that are judged: twice those of the backtest, for a long protection period leaves few of 13."""
_HORIZONS: Final = np.array([0, *HORIZONS])


def duel(champion: Plan, challenger: Plan, policies: Policies, unit_cost: Floats) -> Verdict:
    """Judge two plans of the same demand, at the same origins, all items by their own policies.

    Args:
        champion: By the method in force.
        challenger: By the other.
        policies: Of each series.
        unit_cost: Of each series; NaN: not known.

    Returns:
        The verdict.

    Raises:
        ValueError: If there is nothing to judge yet.
    """
    rows = np.arange(len(unit_cost))
    came = came_of(champion, policies, unit_cost, rows)
    return contest(outlook(champion, policies, rows), outlook(challenger, policies, rows), came)


def outlook(plan: Plan, policies: Policies, rows: Ints) -> Outlook:
    """Give what a plan said of the time that an order covers.

    Args:
        plan: With its backtest.
        policies: Of each series.
        rows: Of the series wanted.

    Returns:
        Expected sums and order-up-to levels at the judged origins.
    """
    places = _places(plan)
    days = protection_of(policies)[rows]
    mean = _between(plan.rolled.forecast[rows][:, places], days)
    level = np.full(mean.shape, np.nan)
    distinct, which = np.unique(days, return_inverse=True)
    for number, place in enumerate(places.tolist()):
        sums = plan.rolled.forecast[rows, place]
        centre = np.stack([_between(sums, np.full(len(sums), day)) for day in distinct], axis=1)
        drawn = plan.calibration.quantiles(place, centre, distinct, rows)[np.arange(len(rows)), which]
        level[:, number] = level_at(drawn, policies.service[rows])
    return Outlook(mean, level)


def came_of(plan: Plan, policies: Policies, unit_cost: Floats, rows: Ints) -> Came:
    """Give what came, and how it was to be served.

    Args:
        plan: With its backtest.
        policies: Of each series.
        unit_cost: Of each series; NaN: not known.
        rows: Of the series wanted.

    Returns:
        It, at the judged origins.
    """
    places = _places(plan)
    origins, daily = plan.rolled.origins[places], plan.weeks.daily
    days = protection_of(policies)[rows]
    total = np.full((len(rows), len(places)), np.nan)
    for day in np.unique(days):
        within = days == day
        total[within] = summed_demand(daily[rows[within]], origins, np.array([day]))[:, :, 0]
    naive = (plan.rolled.naive - plan.rolled.actual)[rows][:, :, HORIZONS.index(2 * DAYS)]
    return Came(
        total=total,
        days=daily[rows][:, origins + 1],
        scale=_root_mean_square(naive),
        terms=terms_of(policies, unit_cost).of(rows),
    )


def _places(plan: Plan) -> Ints:
    last = len(plan.rolled.origins) - 1
    return np.arange(max(last - CONTEST_WEEKS, 0), last)


def _between(sums: Floats, days: Ints) -> Floats:
    """Give sums over any days: linear between those of the standard horizons, in proportion beyond."""
    known = np.concatenate([np.zeros_like(sums[..., :1]), sums], axis=-1)
    right = np.clip(np.searchsorted(_HORIZONS, days), 1, len(_HORIZONS) - 1)
    part = (days - _HORIZONS[right - 1]) / (_HORIZONS[right] - _HORIZONS[right - 1])
    index = right.reshape(-1, *[1] * (known.ndim - 1))
    high = np.take_along_axis(known, index, axis=-1)[..., 0]
    low = np.take_along_axis(known, index - 1, axis=-1)[..., 0]
    result: Floats = low + (high - low) * part.reshape(-1, *[1] * (known.ndim - 2))
    return result


def _root_mean_square(errors: Floats) -> Floats:
    """Of each series; 0 where nothing is known or nothing ever changed, so that it is left out."""
    known = np.isfinite(errors)
    squares = np.where(known, errors, 0.0) ** 2
    result: Floats = np.sqrt(squares.sum(axis=1) / np.maximum(known.sum(axis=1), 1))
    return result
