"""Forecast runs: one per site, its rows written with its end, once per slot."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from cloud.db import Connection, in_transaction
from cloud.db.apart import each_apart
from cloud.db.retry import Source
from cloud.forecasting import store
from cloud.forecasting.domain import KIND, PLANNERS, ForecastError, UnknownForecastError
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.runs import service as runs
from cloud.runs.domain import RunId, RunOverError, SlotDoneError

if TYPE_CHECKING:
    from cloud.forecasting.protocol import Spread

QUIET: Final = timedelta(days=3)
"""So many days without any demand at a site may be a weekend or a holiday; more mean that demand is late."""

Progress = Callable[[str, int, int], None]
"""Told the site, and how many items of how many are done."""


def run_all(
    source: Source,
    actor: Actor,
    now: datetime,
    slot: datetime | None = None,
    *,
    sites: Sequence[str] | None = None,
    progress: Progress | None = None,
    processes: int | None = None,
    workers: "Spread | None" = None,
) -> dict[str, Any]:
    """Forecast every item with demand at each site, up to the last site day whose demand is known.

    Args:
        source: Where connections come from.
        actor: A planner, buyer or inventory controller of these sites, or a job.
        now: The present.
        slot: Of the scheduler; a site that has its run of the slot is left as it is. None: a person asked.
        sites: Only these; None for all within the actor's reach.
        progress: Told after each chunk of items.
        processes: How many work at one site; None: as many as pay. The result is the same.
        workers: Of a cluster, who work at it instead; contests are held here.

    Returns:
        By site under ``sites`` what its run came to, or why there was none (``skipped``).

    Raises:
        NotAllowedError: If the actor may not.
        UnknownForecastError: If a site is not within reach.
        PartsFailedError: If any failed, with what each met; its run is marked failed, and the other sites are
            forecast before it is raised.
    """
    actor.require(*PLANNERS)
    within = actor.narrowed(*PLANNERS)

    def places(conn: Connection) -> list[store.Place]:
        act_as(conn, within)
        return store.places(conn, sites=sites, now=now)

    found = in_transaction(source, places)
    if unknown := sorted(set(sites or ()) - {place.site for place in found}):
        raise UnknownForecastError(f"there is no site {unknown[0]!r} at which you may plan")
    told: dict[str, Any] = {}

    def run(place: store.Place) -> None:
        told[place.site] = _run_site(
            source,
            within,
            place,
            slot,
            now=now,
            progress=progress,
            processes=processes,
            workers=workers,
        )

    each_apart(((place.site, partial(run, place)) for place in found), told, foreseen=(ForecastError,))
    return {"sites": told}


def _run_site(
    source: Source,
    actor: Actor,
    place: store.Place,
    slot: datetime | None,
    *,
    now: datetime,
    progress: Progress | None,
    processes: int | None,
    workers: "Spread | None",
) -> dict[str, Any]:
    if place.demand_until is None:
        return {"skipped": "no demand is known"}
    from cloud.forecasting import contending, site_run  # noqa: PLC0415  numpy and statsmodels are an extra, and slow to load

    late_days = _late_days(place.demand_until, place.yesterday)
    last_day = place.yesterday - timedelta(days=late_days)

    def begin(conn: Connection) -> tuple[RunId, site_run.Inputs]:
        act_as(conn, actor)
        inputs = site_run.read(conn, place.site, last_day, late_days=late_days, now=now)
        told = {"inputs": inputs.told(), "parameters": site_run.parameters(inputs)}
        return runs.begin(conn, actor, kind=KIND, site=place.site, slot=slot, **told), inputs

    try:
        run_id, inputs = in_transaction(source, begin)
    except SlotDoneError as error:
        return {"skipped": str(error)}

    def work() -> Callable[[Connection], dict[str, Any]]:
        planned = site_run.compute(
            inputs,
            processes=processes,
            workers=workers,
            progress=None if progress is None else lambda done, of: progress(place.site, done, of),
        )
        held = contending.hold_due(inputs, planned, processes=processes)

        def write(conn: Connection) -> dict[str, Any]:
            return (
                planned.outcome()
                | {"late_days": late_days}
                | site_run.write(conn, actor, run_id, inputs, planned)
                | {"contests": contending.settle_due(conn, actor, run_id, inputs, held)}
            )

        return write

    try:
        outcome = runs.complete(source, actor, run_id, work)
    except (RunOverError, SlotDoneError) as error:  # another one was faster, or thinks this one dead
        return {"skipped": str(error)}
    return {"run_id": int(run_id), "first_day": (last_day + timedelta(days=1)).isoformat(), **outcome}


def _late_days(demand_until: date, yesterday: date) -> int:
    """Tell by how many days demand is late; a few without any are a weekend."""
    return (yesterday - demand_until).days if yesterday - demand_until > QUIET else 0
