"""A site's forecast run: demand read, forecasts computed, rows written. Needs numpy and statsmodels."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import numpy as np

from cloud.db import Connection
from cloud.demand.reading import DailyMatrix, daily_matrix
from cloud.events.reading import of_site, subjects
from cloud.forecasting import store
from cloud.forecasting.batch.idle import HALF_LIFE
from cloud.forecasting.batch.roomy import filed, let_go
from cloud.forecasting.chosen.method import WithSeries
from cloud.forecasting.cold_start import Likes
from cloud.forecasting.contests import Contests, contests_of
from cloud.forecasting.domain import (
    HORIZONS,
    JUDGED_WEEKS,
    KIND,
    LEVELS,
    USUAL_PROTECTION_DAYS,
)
from cloud.forecasting.engine import Plan, PlannedSeries, Progress, plan
from cloud.forecasting.granularity import store as granularity
from cloud.forecasting.granularity.domain import Bucket, BucketChoice
from cloud.forecasting.granularity.method import Granular
from cloud.forecasting.left_out import left_out
from cloud.forecasting.methods import method_named
from cloud.forecasting.moves import Moves
from cloud.forecasting.overrides.applying import Adjusted
from cloud.forecasting.overrides.nightly import InForce, in_force, keep_effects
from cloud.forecasting.policies import Policies
from cloud.forecasting.protocol import Bools, Floats, Method, Spread
from cloud.forecasting.registry import service as registry
from cloud.forecasting.reviewing.opening import History, open_reviews
from cloud.forecasting.rolling import MOST_ORIGINS
from cloud.forecasting.training import InForceTraining, keep_training, training_in_force
from cloud.forecasting.weeks import DAYS, some_at_once
from cloud.identity.actor import Actor

HISTORY_WEEKS: Final = 156
"""How far back a run looks."""
BATCH: Final = 200
"""Items whose rows are written at a time."""
_AHEAD_DAYS: Final = 731
"""Of events that are read."""
MOST_TOLD: Final = 20
"""Days whose demand can be none that a run names."""
BACKTESTS_KEPT: Final = 8
"""Runs of a site whose backtests are kept line by line."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a site's run rests on."""

    site: str
    demand: DailyMatrix
    policies: Policies
    likes: Likes
    moves: Moves
    training: InForceTraining
    contests: Contests
    buckets: tuple[Bucket, ...]
    """Of each item the period that it is forecast in, as replenishment approved it."""
    choices: tuple[BucketChoice, ...]
    """Of periods for classes of items, made before, the oldest first."""
    late_days: int
    """By how many days demand ends before yesterday."""
    dependent: int
    """Items asked for that are left out: replenishment plans them by what other sites need (DOMAIN D10)."""

    @property
    def last_day(self) -> date:
        """Last day of the demand."""
        return self.demand.days[-1]

    @property
    def no_demand(self) -> Bools:
        """Items x days: quantities that are none, negative or not finite; such a day is not known."""
        quantity = self.demand.quantity
        found = np.asarray(~np.isfinite(quantity) | (quantity < 0), dtype=np.bool_)
        let_go(quantity)
        return found

    def digest(self) -> str:
        """Give the hash of the demand and all else that was read as arrays, likes and events included."""
        digest = hashlib.sha256()
        for part in (
            self.demand.quantity,
            self.demand.censored,
            self.demand.masked,
            self.policies.protection_days,
            self.policies.review_days,
            self.policies.service,
        ):
            for rows in some_at_once(len(part)):
                digest.update(np.ascontiguousarray(part[rows]).tobytes())
                let_go(part)
        digest.update("\n".join(item.code for item in self.demand.items).encode())
        digest.update(np.ascontiguousarray(self.likes.prices).tobytes())
        digest.update(repr(list(self.likes.categories)).encode())
        digest.update("\n".join(self.buckets).encode())
        for row in self.moves.revisions:
            digest.update(f"{row.event_id}/{row.revision}".encode())
        digest.update(repr(self.moves.clock).encode())
        digest.update(self.contests.digest())
        return digest.hexdigest()

    def told(self) -> dict[str, Any]:
        """Tell what was read, so that the run's hash covers it."""
        return {
            "demand_from": self.demand.days[0],
            "demand_until": self.last_day,
            "demand_late_days": self.late_days,
            "items": len(self.demand.items),
            "dependent_items": self.dependent,
            "days_of_no_demand": int(self.no_demand.sum()),
            "days_with_demand": int((self.demand.quantity > 0).sum()),
            "censored_days": int(self.demand.censored.sum()),
            "masked_days": int(self.demand.masked.sum()),
            "stated_protection_periods": self.policies.stated,
            "events": len({row.event_id for row in self.moves.revisions}),
            "model_version": self.training.version_id,
            "series_with_models": len(self.contests.in_force),
            "buckets": dict(sorted(Counter(bucket.value for bucket in self.buckets).items())),
            "buckets_chosen": len(self.choices),
            "arrays_sha256": self.digest(),
        }


def parameters(inputs: Inputs) -> dict[str, Any]:
    """Tell what a run is computed with.

    Args:
        inputs: What was read; the method in force is part of it.

    Returns:
        Names and numbers.
    """
    method = _whole(inputs, _in_force(inputs), with_series=True)
    return {
        "method": method.name,
        **method.parameters(),
        "history_weeks": HISTORY_WEEKS,
        "origins": MOST_ORIGINS,
        "judged_origins": JUDGED_WEEKS,
        "scale_half_life_weeks": HALF_LIFE,
        "horizons": list(HORIZONS),
        "levels": [str(level) for level in LEVELS],
        "usual_protection_days": USUAL_PROTECTION_DAYS,
    }


def read(conn: Connection, site: str, last_day: date, *, late_days: int, now: datetime) -> Inputs:
    """Read a site's demand and the protection periods.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        last_day: Last site day whose demand is known.
        late_days: By how many days that is before yesterday.
        now: The present; events that are told later do not count.

    Returns:
        The inputs.
    """
    first_day = last_day - timedelta(days=HISTORY_WEEKS * DAYS - 1)
    stated = store.policies(conn, site)
    asked = daily_matrix(conn, site, first_day, last_day)
    demand = asked.without({item_id for item_id, one in stated.items() if one.is_dependent})
    item_ids = [item.item_id for item in demand.items]
    likes = store.likes(conn, site, item_ids)
    alike = [likes.get(item_id, (None, None)) for item_id in item_ids]
    costs = np.array([np.nan if cost is None else cost for _, cost in alike], dtype=np.float64)
    return Inputs(
        site=site,
        demand=demand._replace(quantity=filed(demand.quantity)),
        policies=Policies.of(stated, item_ids),
        likes=Likes([category for category, _ in alike], costs),
        moves=Moves(
            of_site(conn, site, first_day, last_day + timedelta(days=_AHEAD_DAYS)),
            subjects(conn, item_ids),
            last_day,
            now,
            store.clock(conn, site),
        ),
        training=training_in_force(conn, site, last_day),
        contests=contests_of(conn, site, now.date()),
        buckets=tuple(
            Bucket(stated[item_id].bucket) if item_id in stated else Bucket.WEEK for item_id in item_ids
        ),
        choices=tuple(granularity.choices(conn, site, last_day)),
        late_days=late_days,
        dependent=len(asked.items) - len(demand.items),
    )


def compute(
    inputs: Inputs,
    *,
    processes: int | None,
    progress: Progress | None,
    method: Method | None = None,
    with_series: bool = True,
    workers: Spread | None = None,
) -> Plan:
    """Forecast all items of a site.

    Args:
        inputs: What was read.
        processes: How many work at it; None: as many as pay.
        progress: Told after each chunk of items.
        method: How; None: as the site is forecast now.
        with_series: Whether the models of single series that are in force count.
        workers: Of a cluster, who work at it instead of processes.

    Returns:
        The forecasts.

    """
    quantity, unknown = inputs.demand.quantity, inputs.demand.censored | inputs.demand.masked
    wrong = inputs.no_demand
    if wrong.any():
        quantity, unknown = np.where(wrong, 0.0, quantity), unknown | wrong
    return plan(
        quantity,
        unknown,
        last_day=inputs.last_day,
        protection=inputs.policies.protection_days,
        likes=inputs.likes,
        method=_whole(inputs, method or _in_force(inputs), with_series=with_series),
        processes=processes,
        workers=workers,
        progress=progress,
    )


def _in_force(inputs: Inputs) -> Method:
    known = inputs.training
    return method_named(known.name, training=known.state, moves=inputs.moves, is_due=known.is_due)


def _whole(inputs: Inputs, method: Method, *, with_series: bool) -> Method:
    granular = Granular(
        method, inputs.policies, inputs.likes.prices, choices=inputs.choices, buckets=inputs.buckets
    )
    items = inputs.demand.items
    models = inputs.contests.models(items) if with_series else {}
    unread = inputs.contests.fallbacks(items) if with_series else {}
    if not models and not unread:
        return granular
    return WithSeries(granular, models, inputs.moves, {row: items[row].code for row in models}, unread)


def write(conn: Connection, actor: Actor, run_id: int, inputs: Inputs, planned: Plan) -> dict[str, Any]:
    """Write a run's rows, some items at a time, with what people adjusted; ask for reviews of the odd ones.

    Args:
        conn: In the transaction that finishes the run.
        actor: Whose run it is.
        run_id: Of the run.
        inputs: What it rests on.
        planned: What came of it.

    Returns:
        What came of adjustments, reviews and training, for the run to keep.
    """
    counted = in_force(conn, inputs.site, inputs.last_day + timedelta(days=1))
    done: dict[int, Adjusted] = {}
    numbered = zip(itertools.count(), planned.series(), strict=False)
    while batch := list(itertools.islice(numbered, BATCH)):
        said = (_columns(run_id, inputs, planned, row, one) for row, one in batch)
        rows = [columns | _adjusted(counted, columns, done) for columns in said]
        store.add_forecasts(conn, rows)
        _write_backtest(conn, run_id, inputs, batch)
    if planned.said.decided and planned.said.decided.anew:
        granularity.add_choices(conn, inputs.site, run_id, planned.said.decided.anew)
    store.forget_backtests(conn, site=inputs.site, kind=KIND, keep=BACKTESTS_KEPT)
    keep_effects(conn, run_id, counted, done, inputs.demand)
    reviews = open_reviews(conn, run_id, inputs.site, inputs.last_day, _errors(inputs, planned))
    trained = keep_training(
        conn,
        actor,
        run_id,
        inputs.site,
        method=planned.method,
        learned=planned.said.training,
        days=(inputs.demand.days[0], inputs.last_day),
        series=len(inputs.demand.items),
        digest=inputs.digest(),
        reviews=reviews,
    )
    if planned.said.fallbacks:
        evidence = {"method": planned.method.name, "fallbacks": list(planned.said.fallbacks)}
        registry.tell(conn, actor, run_id, inputs.site, kind="fell_back", because="failed", evidence=evidence)
    return {
        "adjusted": len(done),
        "reviews": reviews,
        "training": trained,
        "fallbacks": list(planned.said.fallbacks),
        "no_demand": list(_told_wrong(inputs)),
    }


def _told_wrong(inputs: Inputs) -> Iterator[str]:
    """Name the days that are left out as their demand can be none: the first of them."""
    for row, day in np.argwhere(inputs.no_demand)[:MOST_TOLD].tolist():
        yield (
            f"demand of item {inputs.demand.items[row].code!r} on {inputs.demand.days[day]} is "
            f"{inputs.demand.quantity[row, day]}: expected a finite number >= 0; the day is left out"
        )


def _adjusted(counted: InForce, row: dict[str, Any], done: dict[int, Adjusted]) -> dict[str, Any]:
    """Give the columns of a forecast that people adjusted; the system's own are kept beside."""
    adjusted = counted.apply(row["item_id"], row["mean"], row["horizons"], row["cum_q"])
    if adjusted is None:
        return {"mean_system": None, "cum_q_system": None, "override_ids": []}
    done[row["item_id"]] = adjusted
    return {
        "mean": list(adjusted.said.mean),
        "cum_q": [list(levels) for levels in adjusted.said.cum_q],
        "mean_system": list(adjusted.system.mean),
        "cum_q_system": [list(levels) for levels in adjusted.system.cum_q],
        "override_ids": list(adjusted.override_ids),
    }


def _errors(inputs: Inputs, planned: Plan) -> History:
    """Give the past errors of the weeks that have come."""
    week = HORIZONS.index(DAYS)
    errors = (planned.rolled.actual - planned.rolled.forecast)[:, :-1, week]
    return History(
        item_ids=[item.item_id for item in inputs.demand.items],
        errors=errors,
        scales=planned.calibration.scales[:, :-1],
        strata=planned.calibration.strata[:, -1],
        horizon_days=DAYS,
    )


def _columns(run_id: int, inputs: Inputs, planned: Plan, row: int, one: PlannedSeries) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "site": inputs.site,
        "item_id": inputs.demand.items[row].item_id,
        "first_day": inputs.last_day + timedelta(days=1),
        "mean": one.mean.tolist(),
        "horizons": one.horizons.tolist(),
        "cum_q": one.cum_q.tolist(),
        "model": one.model,
        "why": {**one.why, **left_out(inputs.demand, row)},
        "is_sufficient": one.is_sufficient,
        "history_from": one.history_from,
        "history_until": inputs.last_day,
        "history": list(_history(planned.weeks.totals[row, planned.weeks.starts[row] :])),
        "weekly_volume": one.weekly_volume,
        "wape": one.wape,
        "naive_wape": one.naive_wape,
        "bias": one.bias,
        "rmsse": one.rmsse,
        "coverage": one.coverage,
    }


def _history(weeks: Floats) -> Iterator[float | None]:
    for week in weeks:
        yield float(week) if np.isfinite(week) else None


def _write_backtest(
    conn: Connection, run_id: int, inputs: Inputs, batch: list[tuple[int, PlannedSeries]]
) -> None:
    lines = [(inputs.demand.items[row].item_id, line) for row, one in batch for line in one.backtest]
    store.add_backtest(
        conn,
        run_id=run_id,
        site=inputs.site,
        item_ids=[item_id for item_id, _ in lines],
        origins=[line.origin for _, line in lines],
        horizon_days=[line.horizon_days for _, line in lines],
        forecasts=[line.forecast for _, line in lines],
        naives=[line.naive for _, line in lines],
        lows=[line.low for _, line in lines],
        highs=[line.high for _, line in lines],
        actuals=[line.actual for _, line in lines],
        are_in_wide=[line.is_in_wide for _, line in lines],
    )
