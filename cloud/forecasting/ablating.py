"""A site's drivers left out of LightGBM group by group: what the error does; kept and shown. Needs numpy."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import numpy as np

from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.events.arrays import matrix
from cloud.events.domain import Kind
from cloud.forecasting import site_run
from cloud.forecasting.ablation import Score, ablate
from cloud.forecasting.batch.rolled import actuals
from cloud.forecasting.boosted import Boosting
from cloud.forecasting.boosting import BoostingError
from cloud.forecasting.challenging import inputs_of
from cloud.forecasting.event_traces import AFTER_A_HOLIDAY, AFTER_PROMOTION, BEFORE_HOLIDAY, WORN
from cloud.forecasting.moves import Moves
from cloud.forecasting.protocol import Floats
from cloud.forecasting.registry import service as registry
from cloud.forecasting.registry.domain import DECIDERS, ModelError
from cloud.forecasting.weeks import DAYS, weeks_of
from cloud.identity.actor import Actor
from cloud.identity.store import act_as

HORIZON_WEEKS: Final = 4
ORIGINS: Final = 26


def ablate_site(source: Source, actor: Actor, now: datetime, *, site: str) -> dict[str, Any]:
    """Forecast a site's last 26 weeks by LightGBM alone, with all drivers and without each group of them.

    Args:
        source: Where connections come from.
        actor: A planner or inventory controller of the site.
        now: The present.
        site: Site id.

    Returns:
        The score with all drivers, and by group the score without and the rise of the error.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownForecastError: If the site has no demand.
        ModelError: If no driver is known, nothing can be judged yet, or LightGBM cannot be loaded.
    """
    actor.require(*DECIDERS, site=site)

    def read(conn: Connection) -> site_run.Inputs:
        act_as(conn, actor)
        return inputs_of(conn, site, now)

    inputs = in_transaction(source, read)
    try:
        told = _told(inputs)
    except (BoostingError, ValueError) as error:
        raise ModelError(f"site {site!r}: {error}") from error

    def write(conn: Connection) -> None:
        act_as(conn, actor)
        registry.tell(conn, actor, None, site, kind="ablated", because="asked", evidence=told)

    in_transaction(source, write)
    return told


def _told(inputs: site_run.Inputs) -> dict[str, Any]:
    demand, moves = inputs.demand, inputs.moves
    weeks = weeks_of(demand.quantity, demand.censored | demand.masked)
    totals = weeks.totals
    last = totals.shape[1] - 1
    origins = np.arange(max(last - HORIZON_WEEKS - ORIGINS, 0), last - HORIZON_WEEKS + 1)
    driven = moves.drive(weeks, origins, HORIZON_WEEKS)
    if driven is None:
        raise ModelError(f"site {inputs.site!r}: no event that drives demand is known there")
    names = driven.uplift.names
    kinds = _kinds(moves, names)

    def said(group: str | None) -> Floats:
        without = [name for name, kind in zip(names, kinds, strict=True) if kind == group]
        return (
            Boosting()
            .said(
                totals,
                origins,
                HORIZON_WEEKS,
                last_day=inputs.last_day.toordinal(),
                driven=driven,
                without=without,
            )
            .paths
        )

    whole, found = ablate(said, sorted(set(kinds)), actuals(totals, origins, HORIZON_WEEKS))
    if not whole.cells:
        raise ModelError(f"site {inputs.site!r}: nothing can be judged yet")
    return {
        "horizon_days": HORIZON_WEEKS * DAYS,
        "origins": len(origins),
        "series": len(totals),
        "with_all": _rounded(whole),
        "without": {one.group: {**_rounded(one.score), "worse_by": round(one.worse_by, 5)} for one in found},
    }


def _kinds(moves: Moves, names: tuple[str, ...]) -> tuple[str, ...]:
    """Give of each driver the kind of its events; what events leave behind is theirs too."""
    traces = dict.fromkeys((AFTER_PROMOTION, WORN), Kind.PROMOTION.value)
    traces |= dict.fromkeys((BEFORE_HOLIDAY, AFTER_A_HOLIDAY), Kind.HOLIDAY.value)
    told = matrix(
        moves.revisions, moves.subjects[:1], moves.last_day, 1, as_known_at=moves.known_at, names=names
    )
    return tuple(traces.get(name, kind) for name, kind in zip(names, told.kinds, strict=True))


def _rounded(score: Score) -> dict[str, Any]:
    return {name: round(value, 5) for name, value in asdict(score).items()}
