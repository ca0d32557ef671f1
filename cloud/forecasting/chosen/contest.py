"""Each chosen series' own model held against the site's method: in force only by error and stock cost. Pure.

A series is judged at the last 26 origins by the one contest of methods, alone: what is beyond chance is told
from origin to origin. Its own model comes into force if the mean of both forecasts is better than the
method's by both, surely; it stays as long as it is worse by neither.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from cloud.forecasting.arima import LEAST_KNOWN, NAME, NotFittedError
from cloud.forecasting.calibration import calibrate
from cloud.forecasting.chosen.domain import SeriesModel, Standing
from cloud.forecasting.chosen.fitting import DatedFit, Lives, fit_at
from cloud.forecasting.chosen.method import WithSeries, beside, lives_of
from cloud.forecasting.domain import HORIZONS
from cloud.forecasting.engine import Plan
from cloud.forecasting.moves import Moves
from cloud.forecasting.policies import Policies
from cloud.forecasting.protocol import Floats, Said
from cloud.forecasting.registry.contest import Verdict, contest
from cloud.forecasting.registry.domain import RETRAIN_DAYS
from cloud.forecasting.registry.duel import CONTEST_WEEKS, came_of, outlook
from cloud.forecasting.rolling import roll

LEAST_JUDGED: Final = 8
"""Origins that are left to judge after the first fit."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A series that is tried, and what is known of it from before."""

    row: int
    item_id: int
    code: str
    kept: Sequence[DatedFit]
    is_in_force: bool


def judge_series(
    plan: Plan,
    tried: Sequence[Tried],
    *,
    moves: Moves,
    policies: Policies,
    unit_cost: Floats,
    has_time: Callable[[], bool],
) -> list[SeriesModel]:
    """Fit what is due of the chosen series, and judge them all.

    Args:
        plan: By the site's method, without models of single series.
        tried: The series, in the order in which time is given to them.
        moves: Events of the site.
        policies: Of each series of the site.
        unit_cost: Of each series of the site; NaN: not known.
        has_time: Whether there is time for a further fit.

    Returns:
        What came of each.
    """
    if not tried:
        return []
    origins, last_day = plan.rolled.origins, plan.last_day.toordinal()
    horizon = plan.said.paths.shape[2]
    rows = [one.row for one in tried]
    lives = lives_of(plan.weeks, rows, origins, moves=moves, horizon_weeks=horizon, last_day=last_day)
    fits: dict[int, list[DatedFit]] = {}
    failed: dict[int, str] = {}
    first = int(origins[max(len(origins) - 1 - CONTEST_WEEKS, 0)])
    for place, one in enumerate(tried):
        try:
            fits[one.row] = _fits(lives, place, one.kept, first, has_time)
        except (NotFittedError, ValueError, np.linalg.LinAlgError) as error:
            failed[one.row] = str(error)
    method = WithSeries(plan.method, fits, moves, {one.row: one.code for one in tried})
    own, failures = method.own(plan.weeks, origins, horizon, last_day=last_day)
    both = _with(plan, beside(plan.said, own))
    at = np.array(rows)
    parts = (outlook(plan, policies, at), outlook(both, policies, at))
    came = came_of(plan, policies, unit_cost, at)
    found = []
    for place, one in enumerate(tried):
        why = failed.get(one.row) or failures.get(one.row)
        if why is not None:
            found.append(SeriesModel(one.item_id, NAME, Standing.NOT_FITTED, why, [], {}))
            continue
        alone = np.array([place])
        try:
            verdict = contest(parts[0].of(alone), parts[1].of(alone), came.of(alone))
        except ValueError as error:
            found.append(SeriesModel(one.item_id, NAME, Standing.NOT_FITTED, str(error), [], {}))
            continue
        found.append(_judged(one, fits[one.row], verdict))
    return found


def _with(plan: Plan, said: Said) -> Plan:
    """Judge other forecasts of the same demand."""
    rolled = roll(
        said.paths, plan.weeks, plan.rolled.origins, np.array(HORIZONS), said.factors, days=said.days
    )
    return replace(plan, said=said, rolled=rolled, calibration=calibrate(rolled, plan.weeks, said.kinds))


def _fits(
    lives: Lives, place: int, kept: Sequence[DatedFit], first: int, has_time: Callable[[], bool]
) -> list[DatedFit]:
    """Take over the fits that are of use, and fit at the first origin and now where there is none."""
    last = lives.totals.shape[1] - 1
    known = np.cumsum(np.isfinite(lives.totals[place, int(lives.starts[place]) :]))
    enough = int(lives.starts[place]) + int(np.searchsorted(known, LEAST_KNOWN))
    begin = max(first, enough)
    if begin > last - LEAST_JUDGED:
        raise NotFittedError(
            f"{int(known[-1]) if len(known) else 0} weeks known with demand: expected at least "
            f"{LEAST_KNOWN + LEAST_JUDGED}"
        )
    found = [one for one in kept if (lives.last_day - one.day).days <= (last - first) * 7 + RETRAIN_DAYS]
    if not any(one.day <= lives.day_of(begin) for one in found):
        found.insert(0, fit_at(lives, place, begin, has_time=has_time))
    # Without time for a further fit those that serve serve on: they are judged all the same.
    if (lives.last_day - found[-1].day).days >= RETRAIN_DAYS and has_time():
        found.append(fit_at(lives, place, last, has_time=has_time))
    return found


def _judged(one: Tried, fits: Sequence[DatedFit], verdict: Verdict) -> SeriesModel:
    stays = one.is_in_force and min(verdict.error.share, verdict.cost.share) >= 0
    is_used = verdict.is_promoted or stays
    return SeriesModel(
        item_id=one.item_id,
        name=NAME,
        standing=Standing.IN_FORCE if is_used else Standing.NOT_BETTER,
        why=_why(verdict, stays=stays),
        fits=[fitted.told() for fitted in fits],
        evidence=_evidence(verdict),
    )


def _evidence(verdict: Verdict) -> Mapping[str, Any]:
    """Tell the verdict without what is told from series to series: there is one."""
    told = {"error": verdict.error.told(), "stock_cost": verdict.cost.told()}
    for gain in told.values():
        del gain["t_series"]
    return {**verdict.told(), **told}


def _why(verdict: Verdict, *, stays: bool) -> str:
    told = (
        f"squared error {-verdict.error.share:+.1%} (t {verdict.error.t_origins:.1f}), stock cost "
        f"{-verdict.cost.share:+.1%} (t {verdict.cost.t_origins:.1f})"
    )
    if verdict.is_promoted:
        return f"better by both: {told}"
    return f"worse by neither: {told}" if stays else f"not surely better by both: {told}"
