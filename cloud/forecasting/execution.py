"""What shorts and substitutions are worth to forecasts: one engine, told of them and not, judged alike.

Whoever takes departures for demand teaches a forecast that what could not be sent was not wanted. It needs
numpy.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np

from cloud.db import Connection
from cloud.demand.departures import as_left
from cloud.demand.reading import DailyMatrix, daily_matrix
from cloud.forecasting import store
from cloud.forecasting.batch.evaluate import evaluate
from cloud.forecasting.domain import READERS, ForecastError, UnknownForecastError
from cloud.forecasting.protocol import Floats
from cloud.forecasting.weeks import DAYS, weeks_of
from cloud.identity.actor import Actor
from cloud.identity.store import act_as

WEEKS: Final = 104
HORIZON: Final = 4
"""Weeks ahead that are judged."""
ORIGINS: Final = 13
LEAST_WEEKS: Final = 30
YEAR: Final = 52


@dataclass(frozen=True, slots=True)
class Errors:
    """Of forecasts against what was asked for."""

    wape: float
    """Sum of errors over the sum of demand."""
    bias: float
    """Sum of forecasts over that of demand, less 1."""


@dataclass(frozen=True, slots=True)
class ExecutionEffect:
    """How forecasts of the items concerned went, told what was asked for, and told departures alone."""

    site: str
    first_day: date
    last_day: date
    items: int
    """Those that the warehouse was short of, sent others for, or sent for others."""
    origins: int
    horizon_weeks: int
    asked: float
    """Demand of these items over the days, in base units."""
    left: float
    """What departures alone told of it."""
    told: Errors
    untold: Errors


@dataclass(frozen=True, slots=True)
class Execution:
    """Demand of the items concerned, as it was asked for and as departures alone told it."""

    site: str
    last_day: date
    demand: DailyMatrix
    left: Floats
    """Items x days, as the demand."""


def read_execution(conn: Connection, actor: Actor, *, site: str, now: datetime) -> Execution:
    """Read what a site's shorts and substitutions changed.

    Args:
        conn: In a transaction.
        actor: Who may see its forecasts.
        site: Site id.
        now: The present.

    Returns:
        Demand of the last 104 weeks, to be judged once the transaction is over.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownForecastError: If there is no such site within reach.
        ForecastError: If no demand is known.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor)
    found = store.places(conn, sites=[site], now=now)
    if not found:
        raise UnknownForecastError(f"there is no site {site!r} that you may see")
    if found[0].demand_until is None:
        raise ForecastError(f"site {site!r}: no demand is known")
    last = min(found[0].demand_until, found[0].yesterday)
    demand = daily_matrix(conn, site, last - timedelta(days=WEEKS * DAYS - 1), last)
    return Execution(site, last, demand, as_left(conn, site, demand))


def execution_effect(read: Execution) -> ExecutionEffect:
    """Measure what shorts and substitutions are worth to forecasts.

    Args:
        read: What they changed.

    Returns:
        The errors of both over 13 origins, four weeks ahead, against what was asked for.

    Raises:
        ForecastError: If nothing was short or substituted, or too little demand is known.
    """
    site, asked, left = read.site, read.demand.quantity, read.left
    concerned = np.flatnonzero((left != asked).any(axis=1))
    if not len(concerned):
        raise ForecastError(f"site {site!r}: in {WEEKS} weeks nothing was short, and nothing sent instead")
    hidden = read.demand.masked[concerned]
    asked_weeks = weeks_of(asked[concerned], hidden)
    weeks = WEEKS - int(asked_weeks.starts.min(initial=WEEKS))
    if weeks < LEAST_WEEKS:
        raise ForecastError(f"site {site!r}: {weeks} weeks of demand, expected at least {LEAST_WEEKS}")
    totals, seen = asked_weeks.totals[:, -weeks:], weeks_of(left[concerned], hidden).totals[:, -weeks:]
    return ExecutionEffect(
        site=site,
        first_day=read.last_day - timedelta(days=weeks * DAYS - 1),
        last_day=read.last_day,
        items=len(concerned),
        origins=ORIGINS,
        horizon_weeks=HORIZON,
        asked=float(asked[concerned].sum()),
        left=float(left[concerned].sum()),
        told=_judged(totals, totals),
        untold=_judged(seen, totals),
    )


def _judged(history: Floats, asked: Floats) -> Errors:
    """Forecast from a history, and judge against what was asked for.

    Args:
        history: Series x weeks, NaN where not known.
        asked: The same weeks.

    Returns:
        The errors over the judged origins.
    """
    season = YEAR if history.shape[1] >= 2 * YEAR else 1
    made = evaluate(history, horizon=HORIZON, season=season, origins=ORIGINS, warm_up=0)
    pairs = [
        (made.forecast[:, place, step], asked[:, origin + 1 + step])
        for place, origin in enumerate(made.origins.at.tolist())
        for step in range(HORIZON)
        if origin + 1 + step < asked.shape[1]
    ]
    forecast, actual = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    both = np.isfinite(forecast) & np.isfinite(actual)
    total = float(actual[both].sum())
    if total <= 0:
        raise ForecastError("of the items concerned nothing was asked for in the weeks that are judged")
    error = forecast[both] - actual[both]
    return Errors(wape=float(np.abs(error).sum()) / total, bias=float(error.sum()) / total)
