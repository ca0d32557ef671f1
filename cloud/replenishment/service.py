"""Runs of replenishment: parameters for forecasting, then proposals from forecasts and the ledger."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.replenishment import store
from cloud.replenishment.arithmetic import proposed
from cloud.replenishment.curves import CurveError
from cloud.replenishment.dependent import downstream_first, planned_transfers
from cloud.replenishment.domain import (
    PLANNERS,
    RUN_KIND,
    Planned,
    PlannedTransfer,
    Proposed,
    ReplenishmentError,
    Unplanned,
)
from cloud.replenishment.gathering import Known, SiteRow, gather, sites_of
from cloud.replenishment.parameters import write_parameters
from cloud.replenishment.planner import plan
from cloud.runs import service as runs
from cloud.runs.domain import RunId, RunOverError, SlotDoneError

PARAMETERS_KIND: Final = "planning_parameters"
_MOST_TOLD: Final = 20
"""Items named in a run's outcome that could not be planned; all are counted."""


def run_all(
    source: Source, actor: Actor, now: datetime, slot: datetime | None, *, sites: Sequence[str] | None = None
) -> dict[str, Any]:
    """Propose what to order, site by site, each in a run of its own; one that supplies others after them.

    Args:
        source: Where connections come from.
        actor: A planner, buyer or job.
        now: The present.
        slot: Of the scheduler; None if a person asked.
        sites: Only these; None for all within reach.

    Returns:
        Per site what came of it, or that its slot was done before.

    Raises:
        NotAllowedError: If the actor may not.
        ReplenishmentError: If there is no such site.
    """
    prepare(source, actor, now, slot, sites=sites)
    return _per_site(source, actor, sites, lambda site: _run_site(source, actor, site, now, slot))


def prepare(
    source: Source, actor: Actor, now: datetime, slot: datetime | None, *, sites: Sequence[str] | None = None
) -> dict[str, Any]:
    """Write planning parameters where they changed; run it before forecasts, which read them (DOMAIN D10).

    Args:
        source: Where connections come from.
        actor: A planner, buyer or job.
        now: The present.
        slot: Of the scheduler; None if a person asked.
        sites: Only these; None for all within reach.

    Returns:
        Per site how many items have parameters and how many changed.

    Raises:
        NotAllowedError: If the actor may not.
        ReplenishmentError: If there is no such site.
    """
    return _per_site(source, actor, sites, lambda site: _prepare_site(source, actor, site, now, slot))


def _per_site(
    source: Source,
    actor: Actor,
    names: Sequence[str] | None,
    work: Callable[[SiteRow], Mapping[str, Any]],
) -> dict[str, Any]:
    within = actor.narrowed(*PLANNERS)

    def listed(conn: Connection) -> list[SiteRow]:
        act_as(conn, within)
        sites = {site.site_id: site for site in sites_of(conn, names)}
        supplies = set(store.tuples(conn, "supplies"))
        return [sites[name] for name in downstream_first(list(sites), supplies)]

    told: dict[str, Any] = {}
    found = in_transaction(source, listed)
    if missing := sorted(set(names or ()) - {site.site_id for site in found}):
        raise ReplenishmentError(f"there is no site {', '.join(map(repr, missing))} within your reach")
    for site in found:
        try:
            told[site.site_id] = work(site)
        except (RunOverError, SlotDoneError) as error:
            told[site.site_id] = {"skipped": str(error)}
    return {"sites": told}


def _run_site(
    source: Source, actor: Actor, site: SiteRow, now: datetime, slot: datetime | None
) -> dict[str, Any]:
    def begin(conn: Connection) -> tuple[Known, RunId]:
        act_as(conn, actor)
        known = gather(conn, site, now)
        return known, runs.begin(
            conn, actor, kind=RUN_KIND, site=site.site_id, slot=slot, inputs=known.as_inputs(), parameters={}
        )

    known, run_id = in_transaction(source, begin)

    def work() -> Callable[[Connection], dict[str, Any]]:
        planned = planned_of(known)
        return lambda conn: _write(conn, actor, (known, planned), run_id, now)

    return {"run_id": run_id, **runs.complete(source, actor, run_id, work)}


def planned_of(known: Known) -> Planned:
    """Plan every cell of a site; one that cannot be planned is told, not guessed.

    Args:
        known: What was read.

    Returns:
        Proposals and what needs none.
    """
    proposals: list[Proposed] = []
    unplanned: list[Unplanned] = []
    transfers: list[PlannedTransfer] = []
    left_out = [Unplanned(cell.item, why) for cell in known.cells for why in cell.left_out]
    for cell in known.cells:
        try:
            found = plan(cell)
        except CurveError as error:
            unplanned.append(Unplanned(cell.item, str(error)))
            continue
        transfers += planned_transfers(cell, found)
        if not found.is_covered:
            proposals.append(proposed(cell, found, known.read_at))
    covered = len(known.cells) - len(proposals) - len(unplanned)
    return Planned(proposals, transfers, covered, unplanned, left_out)


def _write(
    conn: Connection, actor: Actor, found: tuple[Known, Planned], run_id: RunId, now: datetime
) -> dict[str, Any]:
    known, planned = found
    site = known.site.site_id
    store.tuples(conn, "lock_site", site=site)
    store.change(conn, "settle_refused", site=site, now=now)
    keep = [each.proposal_id for each in planned.proposals]
    expired = store.change(conn, "expire", site=site, now=now, run_id=run_id, actor=actor.id, keep=keep)
    waiting = dict(store.tuples(conn, "unsent_items", site=site))
    overtaken = known.overtaken(
        dict(store.tuples(conn, "steps_taken", site=site))
    )  # after what waits: see there
    held = waiting.keys() | overtaken
    fresh = [each for each in planned.proposals if each.item_id not in held]
    new = store.add_proposals(conn, site, run_id, fresh)
    store.plan_transfers(conn, site, run_id, planned.transfers)
    return {
        "items": len(known.cells),
        "proposals": len(planned.proposals),
        "new": new,
        "waiting": sum(each.item_id in waiting for each in planned.proposals),
        "overtaken": sum(each.item_id in overtaken - waiting.keys() for each in planned.proposals),
        "expired": expired,
        "planned_transfers": len(planned.transfers),
        "covered": planned.covered,
        "unplanned": len(planned.unplanned),
        "left_out": len(planned.left_out),
        "because": [
            f"{each.item}: {each.why}" for each in (*planned.unplanned, *planned.left_out)[:_MOST_TOLD]
        ],
    }


def _prepare_site(
    source: Source, actor: Actor, site: SiteRow, now: datetime, slot: datetime | None
) -> dict[str, Any]:
    def begin(conn: Connection) -> RunId:
        act_as(conn, actor)
        items = [item_id for (item_id,) in store.tuples(conn, "planned_items", site=site.site_id)]
        return runs.begin(
            conn,
            actor,
            kind=PARAMETERS_KIND,
            site=site.site_id,
            slot=slot,
            inputs={"items": len(items), "today": site.day_of(now)},
            parameters={},
        )

    run_id = in_transaction(source, begin)

    def write(conn: Connection) -> dict[str, Any]:
        return write_parameters(conn, site, run_id, now)

    return {"run_id": run_id, **runs.complete(source, actor, run_id, lambda: write)}
