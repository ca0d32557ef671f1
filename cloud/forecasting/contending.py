"""Contests of a nightly run: those that are due are held beside its forecasts and settled with its end."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cloud.db import Connection
from cloud.demand.reading import Item
from cloud.forecasting import site_run
from cloud.forecasting.boosting import BoostingError
from cloud.forecasting.challenging import Held, hold, settle
from cloud.forecasting.chosen import service as chosen
from cloud.forecasting.chosen.contest import Tried, judge_series
from cloud.forecasting.chosen.domain import SeriesModel, Standing
from cloud.forecasting.contests import Contests
from cloud.forecasting.engine import Plan
from cloud.forecasting.registry import service as registry
from cloud.forecasting.registry.domain import ModelError
from cloud.forecasting.training import program
from cloud.identity.actor import Actor


@dataclass(frozen=True, slots=True)
class Contended:
    """What a run held."""

    held: Sequence[Held]
    refused: Mapping[str, str]
    """By method why no contest could be held."""
    series: Sequence[SeriesModel] | None
    """None: no series was tried."""
    spent_s: float
    """Processor time of trying series."""


def hold_due(inputs: site_run.Inputs, planned: Plan, *, processes: int | None) -> Contended:
    """Hold the contests that are due; what cannot be held is told, and fails nothing.

    Args:
        inputs: Of the run.
        planned: Its forecasts.
        processes: How many work at it; None: as many as pay.

    Returns:
        The contests, to be settled.
    """
    held: list[Held] = []
    refused: dict[str, str] = {}
    now = inputs.training
    for name in inputs.contests.challengers if now.champion_id is not None else ():
        if name == now.name:
            continue
        try:
            held.append(hold(inputs, planned, name, processes=processes))
        except (ModelError, BoostingError, ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            refused[name] = str(error)
    begun = time.process_time()
    series = judge_due(inputs, planned, processes=processes) if inputs.contests.is_series_due else None
    return Contended(held, refused, series, time.process_time() - begun)


def judge_due(inputs: site_run.Inputs, planned: Plan, *, processes: int | None) -> list[SeriesModel]:
    """Judge the models of chosen series, and let go of those that are chosen no longer.

    Args:
        inputs: Of the run.
        planned: Its forecasts.
        processes: How many work at it; None: as many as pay.

    Returns:
        What came of each.
    """
    contests, items = inputs.contests, inputs.demand.items
    rows = contests.tried(items, planned.weeks.totals, inputs.likes.prices)
    until = time.process_time() + contests.setting.budget_s
    plain = planned
    if contests.models(items):
        plain = site_run.compute(inputs, processes=processes, progress=None, with_series=False)
    tried = [_tried(contests, row, items[row]) for row in rows]
    found = judge_series(
        plain,
        tried,
        moves=inputs.moves,
        policies=inputs.policies,
        unit_cost=inputs.likes.prices,
        has_time=lambda: time.process_time() < until,
    )
    known = {one.item_id for one in found}
    gone = [item_id for item_id in sorted(contests.kept) if item_id not in known]
    why = "it is not one of the chosen series any more"
    return [
        *found,
        *(
            SeriesModel(item_id, contests.kept[item_id].name, Standing.NOT_CHOSEN, why, [], {})
            for item_id in gone
        ),
    ]


def _tried(contests: Contests, row: int, item: Item) -> Tried:
    kept = contests.kept.get(item.item_id)
    is_in_force = kept is not None and kept.standing == Standing.IN_FORCE
    fits = contests.fits.get(item.item_id, ())
    return Tried(row, item.item_id, item.code, fits, is_in_force=is_in_force)


def settle_due(
    conn: Connection, actor: Actor, run_id: int, inputs: site_run.Inputs, found: Contended
) -> dict[str, Any]:
    """Record what was held and what it decides; where the champion has changed meanwhile, nothing.

    Args:
        conn: In the transaction that finishes the run.
        actor: Whose run it is.
        run_id: Of the run.
        inputs: Of the run.
        found: What it held.

    Returns:
        What came of it, for the run to keep.
    """
    told: dict[str, Any] = {}
    refused = {name: ("failed", why) for name, why in found.refused.items()}
    for one in found.held:
        try:
            settled = settle(conn, actor, run_id, one)
        except ModelError as error:
            refused[one.challenger.name] = ("champion_changed", str(error))
            continue
        told[one.challenger.name] = {"promoted": settled["promoted"], "champion": settled["champion"]}
    for name, (because, why) in refused.items():
        evidence = {"challenger": name, "why": why}
        registry.tell(conn, actor, run_id, inputs.site, kind="not_held", because=because, evidence=evidence)
        told[name] = {"not_held": why}
    if found.series is not None:
        counts = chosen.keep(
            conn,
            actor,
            run_id,
            inputs.site,
            found.series,
            judged_until=inputs.last_day,
            inputs_sha256=inputs.digest(),
            code_version=program(),
        )
        budget_s = inputs.contests.setting.budget_s
        registry.tell(
            conn,
            actor,
            run_id,
            inputs.site,
            kind="series_judged",
            because="due",
            evidence={**counts, "cpu_s": round(found.spent_s, 2), "budget_s": budget_s},
        )
        told["series"] = counts
    return told
