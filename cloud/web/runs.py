"""*Runs*: what runs by itself, what came of it, and what each computation rests on."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import Response

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.inquiry import operations
from cloud.inquiry.domain import GREATEST
from cloud.routes import LateRoute
from cloud.runs import jobs, service
from cloud.runs.domain import UnknownRunError
from cloud.runs.jobs import JobRow, SlotRow, duration_words
from cloud.web.facts import facts
from cloud.web.names import person
from cloud.web.rendering import page, zone_of
from cloud.web.visitors import TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

ROWS: Final = 50
SLOTS: Final = 12
LATE: Final = timedelta(minutes=5)
TONES: Final[Mapping[str, str]] = {
    "done": "good",
    "running": "good",
    "retrying": "warn",
    "missed": "warn",
    "failing": "bad",
    "failed": "bad",
    "stopped": "bad",
}
"""How a state looks; others are neutral."""

RESULTS: Final[Mapping[str, str]] = {"forecast": "/forecast", "replenishment": "/proposals"}
"""Where the results of a kind of run are shown."""

Number = Annotated[int, Path(ge=1, le=GREATEST)]


@router.get("/runs")
def list_runs(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    kind: Annotated[str | None, Query(max_length=64)] = None,
    state: Literal["running", "done", "failed"] | None = None,
    before: Annotated[int | None, Query(ge=0, le=GREATEST)] = None,
) -> Response:
    """Show the jobs, their last slots and the planning runs."""
    actor = visitor.actor
    with gate.acting(actor) as conn:
        listed = jobs.jobs(conn, actor)
        slots = jobs.slots(conn, actor, limit=SLOTS)
        rows = service.runs(conn, actor, kind=kind, state=state, before=before, limit=ROWS + 1)
        zones = _zones(conn, actor)
    shown = rows[:ROWS]
    asked = {name: value for name, value in (("kind", kind), ("state", state)) if value}
    return page(
        request,
        visitor,
        "runs.html",
        tab="/runs",
        jobs=[(job, _loop_words(job)) for job in listed],
        slots=[(slot, _slot_words(slot)) for slot in slots],
        rows=shown,
        zones=zones,
        kind=kind,
        state=state,
        tones=TONES,
        took=duration_words,
        zone_of_job=_zone_of_job,
        following=urlencode(asked | {"before": shown[-1].run_id}) if len(rows) > ROWS else None,
    )


@router.get("/runs/{run_id}")
def show_run(*, request: Request, gate: TheGate, visitor: Viewer, run_id: Number) -> Response:
    """Show one run: its inputs, parameters, completeness and outcome."""
    actor = visitor.actor
    try:
        with gate.acting(actor) as conn:
            run = service.run(conn, actor, run_id)
            zones = _zones(conn, actor)
    except UnknownRunError as error:
        raise HTTPException(404, f"there is no run {run_id} at your sites") from error
    return page(
        request,
        visitor,
        "run.html",
        tab="/runs",
        run=run,
        zone=zones.get(run.site or "", "UTC"),
        told={
            "Inputs": facts(run.inputs, zone=zone_of(zones.get(run.site or "", "UTC"))),
            "Parameters": facts(run.parameters),
            "Outcome": facts(run.outcome or {}),
        },
        results=RESULTS.get(run.kind) if run.state == "done" else None,
        tones=TONES,
        took=duration_words,
    )


def _zones(conn: Connection, actor: Actor) -> dict[str, str]:
    return {site.site: site.time_zone for site in operations.sites(conn, actor)}


def _zone_of_job(job: str) -> str:
    """A job of one zone's sites has the zone in its name."""
    return job.partition("/")[2] or "UTC"


def _loop_words(job: JobRow) -> str:
    """Say of a loop what it did, of a slotted job how its last slot went."""
    if job.is_slotted:
        return job.error or ""
    told = f"{job.runs:,} round{'' if job.runs == 1 else 's'}" + (f" by {job.holder}" if job.is_held else "")
    if job.failures:
        told += f", {job.failures:,} failed"
    return f"{told}: {job.last_error}" if job.last_error else told


def _slot_words(slot: SlotRow) -> str:
    """Say what is unusual about a slot."""
    told = []
    if slot.asked_by:
        told.append(f"asked for by {person(slot.asked_by)}")
    elif slot.attempts and slot.delay > LATE:
        told.append(f"{duration_words(slot.delay)} late")
    if slot.attempts > 1:
        told.append(f"attempt {slot.attempts}")
    if slot.state == "missed":
        told.append("a later slot made up for it")
    if slot.error:
        told.append(slot.error)
    return "; ".join(told)
