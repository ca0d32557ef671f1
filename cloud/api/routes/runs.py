"""`/v1/runs` and `/v1/jobs`: what was computed on what, what runs by itself, and what came of it."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from cloud.api.conditional import ConditionalRoute
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import ProblemError, not_found, responses
from cloud.api.requests import Caller, TheGate
from cloud.inquiry.domain import GREATEST
from cloud.runs import jobs, service
from cloud.runs.domain import Run, UnknownRunError
from cloud.runs.jobs import JobRow, SlotKey, SlotRow

router = APIRouter(prefix="/v1", tags=["runs"], route_class=ConditionalRoute)

Number = Annotated[int, Path(ge=1, le=GREATEST)]
Name = Annotated[str | None, Query(max_length=128)]


class PlanningRun(BaseModel):
    """Something that was computed; results name it by `run_id`."""

    model_config = ConfigDict(from_attributes=True)

    run_id: int
    kind: str = Field(description="`forecast`, `replenishment` …")
    site: str | None = Field(description="null: the whole network")
    slot: datetime | None = Field(description="Of the scheduler; null: a person asked for it")
    started_by: str
    inputs_sha256: str = Field(description="The same inputs give the same hash")
    code_version: str
    as_of_position: int = Field(description="Last position of the ledger when it began")
    started_at: datetime
    finished_at: datetime | None
    duration_s: float | None = Field(description="null while it runs")
    state: Literal["running", "done", "failed"]
    outcome: dict[str, JsonValue] | None
    error: str | None


class PlanningRunWhole(PlanningRun):
    """The same with what it rests on."""

    inputs: dict[str, JsonValue]
    parameters: dict[str, JsonValue]
    completeness: dict[str, JsonValue] = Field(
        description="By site, when it began: `complete_until` (null: not known), `active_gateways`, "
        "`offline_gateways`"
    )


class Slot(BaseModel):
    """One turn of a job: it has one effective run, whatever the number of schedulers."""

    model_config = ConfigDict(from_attributes=True)

    job: str
    slot: datetime
    state: Literal["running", "retrying", "done", "failed", "missed"] = Field(
        description="`missed`: nobody ran it, and a later slot made up for it"
    )
    started_at: datetime = Field(description="Of the last attempt")
    finished_at: datetime | None
    duration_s: float | None = Field(description="Of the last attempt; null while it runs")
    attempts: int
    scheduler: str | None
    asked_by: str | None = Field(description="null: the clock did")
    outcome: dict[str, JsonValue] | None
    error: str | None


class ScheduledJob(BaseModel):
    """A job with its last slot, or a loop with what it did."""

    model_config = ConfigDict(from_attributes=True)

    job: str
    trigger: str
    is_slotted: bool = Field(description="false: a loop, which one scheduler at a time turns")
    condition: str = Field(
        description="`waiting` at first; then of a loop `running`, `failing`, `stopped`, else its slot's"
    )
    known_since: datetime
    next_at: datetime | None
    slot: datetime | None = Field(description="The last that was run")
    runs: int = Field(description="Rounds of a loop")
    failures: int = Field(description="Rounds of a loop that failed")
    last_at: datetime | None = Field(description="Last round of a loop that was told of")
    outcome: dict[str, JsonValue] | None
    error: str | None
    failing_since: datetime | None


class JobList(BaseModel):
    """Everything that runs by itself, loops first."""

    items: list[ScheduledJob]


@router.get("/runs")
def list_runs(
    *,
    gate: TheGate,
    caller: Caller,
    kind: Name = None,
    site: Name = None,
    state: Annotated[Literal["running", "done", "failed"] | None, Query()] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[PlanningRun]:
    """List what was computed, the latest first."""
    before = int(decode_cursor(after, int)[0]) if after else None
    if before is not None and not 0 <= before <= GREATEST:
        raise _bad_cursor(str(before))
    with gate.acting(caller) as conn:
        rows = service.runs(conn, caller, kind=kind, site=site, state=state, before=before, limit=limit + 1)
    return page_of(rows, limit, show=_shown_run, key=lambda run: [run.run_id])


@router.get("/runs/{run_id}", responses=responses(404))
def read_run(*, gate: TheGate, caller: Caller, run_id: Number) -> PlanningRunWhole:
    """Read one run with its inputs, parameters and the completeness of what it read."""
    try:
        with gate.acting(caller) as conn:
            run = service.run(conn, caller, run_id)
    except UnknownRunError as error:
        raise not_found("run", run_id) from error
    return PlanningRunWhole(
        **_shown_run(run).model_dump(),
        inputs=dict(run.inputs),
        parameters=dict(run.parameters),
        completeness=dict(run.completeness),
    )


@router.get("/jobs")
def list_jobs(*, gate: TheGate, caller: Caller) -> JobList:
    """List what runs by itself, and what came of it last."""
    with gate.acting(caller) as conn:
        rows = jobs.jobs(conn, caller)
    return JobList(items=[_shown_job(row) for row in rows])


@router.get("/jobs/slots")
def list_slots(
    *,
    gate: TheGate,
    caller: Caller,
    job: Name = None,
    state: Annotated[Literal["running", "retrying", "done", "failed", "missed"] | None, Query()] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Slot]:
    """List the slots of jobs and what came of each, the latest first."""
    before = _slot_key(after) if after else None
    with gate.acting(caller) as conn:
        rows = jobs.slots(conn, caller, job=job, state=state, before=before, limit=limit + 1)
    return page_of(
        rows,
        limit,
        show=_shown_slot,
        key=lambda row: [row.started_at.isoformat(), row.job, row.slot.isoformat()],
    )


def _slot_key(after: str) -> SlotKey:
    started_at, job, slot = map(str, decode_cursor(after, str, str, str))
    try:
        key = SlotKey(datetime.fromisoformat(started_at), job, datetime.fromisoformat(slot))
    except ValueError as error:
        raise _bad_cursor(after) from error
    if key.started_at.tzinfo is None or key.slot.tzinfo is None:
        raise _bad_cursor(after)
    return key


def _bad_cursor(after: str) -> ProblemError:
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "bad-cursor",
        f"query.after: {after!r:.60} is not a `next` of this list; begin again without it",
    )


def _shown_run(run: Run) -> PlanningRun:
    return PlanningRun(
        run_id=run.run_id,
        kind=run.kind,
        site=run.site,
        slot=run.slot,
        started_by=run.started_by,
        inputs_sha256=run.inputs_sha256,
        code_version=run.code_version,
        as_of_position=run.as_of_position,
        started_at=run.started_at,
        finished_at=run.finished_at,
        duration_s=run.duration.total_seconds() if run.duration is not None else None,
        state=run.state.value,
        outcome=dict(run.outcome) if run.outcome is not None else None,
        error=run.error,
    )


def _shown_slot(row: SlotRow) -> Slot:
    return Slot.model_validate(
        {name: getattr(row, name) for name in Slot.model_fields if name != "duration_s"}
        | {"duration_s": row.duration.total_seconds() if row.duration is not None else None}
    )


def _shown_job(row: JobRow) -> ScheduledJob:
    told = {
        "outcome": row.outcome if row.is_slotted else row.last_outcome,
        "error": row.error if row.is_slotted else row.last_error,
    }
    return ScheduledJob.model_validate(
        {name: getattr(row, name) for name in ScheduledJob.model_fields} | told
    )
