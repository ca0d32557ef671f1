"""`/v1/demand/sources`: where demand comes from by itself; `/v1/demand/events`: what shops push, signed."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import ProblemError, responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection, in_transaction
from cloud.demand.domain import DemandError
from cloud.demand.sources import service
from cloud.demand.sources.domain import (
    MOST_MINUTES,
    NewSource,
    Source,
    SourceAwayError,
    SourceKind,
    SourceSettings,
    SourceState,
    TakenSourceError,
    UnverifiedEventError,
)
from cloud.demand.sources.taking import Event, Taken, take_event, tell_faulty, verified
from cloud.inquiry.domain import GREATEST
from contracts.base import ID_PATTERN, UtcDatetime

router = APIRouter(prefix="/v1/demand", tags=["demand"], route_class=ConditionalRoute)

SourceId = Annotated[int, Path(ge=1, le=GREATEST)]


class SourcePaper(BaseModel):
    """Where demand comes from."""

    model_config = ConfigDict(extra="forbid")

    site: Annotated[str, Field(pattern=ID_PATTERN)]
    name: Annotated[str, Field(pattern=ID_PATTERN)] = Field(description="The `source` of its lines")
    kind: SourceKind
    address: Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[\x21-\x7e]*$")] | None = Field(
        default=None, description="URL of a REST source, absolute path of a folder"
    )
    settings: SourceSettings = SourceSettings()
    secret_from: Annotated[str, Field(max_length=128, pattern=r"^[\x21-\x7e]*$")] | None = Field(
        default=None, description="`env:DEMAND_SOURCE_SITE__NAME` or `file:NAME`, never the secret"
    )
    every_minutes: Annotated[int, Field(strict=True, ge=1, le=MOST_MINUTES)] = 15
    from_at: UtcDatetime | None = Field(default=None, description="Ask for demand since then; null: for all")


class BackfillPaper(BaseModel):
    """Since when a source is asked again."""

    model_config = ConfigDict(extra="forbid")

    from_at: UtcDatetime


class DemandSource(BaseModel):
    """A source as it stands."""

    model_config = ConfigDict(from_attributes=True)

    source_id: int
    site: str
    name: str
    kind: SourceKind
    address: str | None
    settings: dict[str, Any]
    secret_from: str | None
    every_minutes: int
    state: SourceState
    stopped_because: str | None
    cursor: str | None = Field(description="Where the next pull goes on")
    from_at: datetime | None
    due_at: datetime
    failures: int = Field(description="In a row")
    pulled_at: datetime | None
    lines: int = Field(description="New and corrected ones so far")
    last_error: str | None
    recorded_at: datetime
    recorded_by: str


class EventTaken(BaseModel):
    """What came of an event."""

    model_config = ConfigDict(from_attributes=True)

    source: str
    event_id: str
    lines: int = Field(description="New and corrected ones")
    is_repeated: bool = Field(description="It was known: nothing changed")


@router.get("/sources")
def list_sources(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[DemandSource]:
    """List sources by number."""
    start = min(int(decode_cursor(after, int)[0]), GREATEST) if after is not None else 0
    with gate.acting(caller) as conn:
        rows = service.sources(conn, caller, site=site, after=start, limit=limit + 1)
    return page_of(rows, limit, show=DemandSource.model_validate, key=lambda row: [row.source_id])


@router.get("/sources/{source_id}", responses=responses(404))
def get_source(*, gate: TheGate, caller: Caller, source_id: SourceId) -> DemandSource:
    """Give one source."""
    with gate.acting(caller) as conn:
        return DemandSource.model_validate(service.source(conn, caller, source_id))


@router.post(
    "/sources", status_code=201, response_model=DemandSource, responses=responses(400, 404, 409, 413)
)
def add_source(*, once: Once, body: SourcePaper) -> JSONResponse:
    """Say where demand comes from; it is first pulled at once."""
    wished = NewSource(**dict(body))

    def effect(conn: Connection) -> DemandSource:
        made = service.add_source(conn, once.caller, wished, site=body.site, now=once.gate.clock())
        return DemandSource.model_validate(made)

    return once.answer(body, effect)


@router.post(
    "/sources/{source_id}/backfill",
    status_code=201,
    response_model=DemandSource,
    responses=responses(400, 404, 413),
)
def backfill_source(*, once: Once, source_id: SourceId, body: BackfillPaper) -> JSONResponse:
    """Ask a REST source again for all since a time; what is known changes nothing."""

    def effect(conn: Connection) -> DemandSource:
        now = once.gate.clock()
        after = service.backfill_source(conn, once.caller, source_id, from_at=body.from_at, now=now)
        return DemandSource.model_validate(after)

    return once.answer(body, effect)


_ACTIONS: Final = {
    "pause": service.pause_source,
    "resume": service.resume_source,
    "pull": service.pull_soon,
}


@router.post(
    "/sources/{source_id}/{action}",
    status_code=201,
    response_model=DemandSource,
    responses=responses(400, 404, 413),
)
def step_source(
    *, once: Once, source_id: SourceId, action: Literal["pause", "resume", "pull"]
) -> JSONResponse:
    """Pause a source, resume it, or let it be pulled at the scheduler's next round."""

    def effect(conn: Connection) -> DemandSource:
        after = _ACTIONS[action](conn, once.caller, source_id, now=once.gate.clock())
        return DemandSource.model_validate(after)

    return once.answer(None, effect)


async def _event(
    request: Request,
    source_id: SourceId,
    webhook_id: Annotated[str, Header(max_length=128)] = "",
    webhook_timestamp: Annotated[str, Header(max_length=20, description="Seconds since 1970")] = "",
    webhook_signature: Annotated[str, Header(max_length=2000, description="`v1,…`")] = "",
) -> Event:
    return Event(source_id, webhook_id, webhook_timestamp, webhook_signature, await request.body())


@router.post(
    "/events/{source_id}",
    status_code=201,
    responses=responses(400, 409, 413),
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": {}}}}},
)
def push_event(*, gate: TheGate, event: Annotated[Event, Depends(_event)]) -> EventTaken:
    """Take an event signed as Standard Webhooks says; the same `webhook-id` again changes nothing."""
    now = gate.clock()
    try:
        source = in_transaction(gate.pool, lambda conn: verified(conn, event, now=now))
    except UnverifiedEventError as error:
        raise ProblemError(HTTPStatus.UNAUTHORIZED, "event-not-verified", str(error)) from error
    try:
        return EventTaken.model_validate(_taken(gate, source, event, now))
    except SourceAwayError as error:
        retry = {"Retry-After": "300"}
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE, "source-paused", str(error), headers=retry
        ) from error


def _taken(gate: TheGate, source: Source, event: Event, now: datetime) -> Taken:
    try:
        return in_transaction(gate.pool, lambda conn: take_event(conn, source, event, now=now))
    except TakenSourceError:
        raise
    except DemandError as error:
        told = error
        in_transaction(gate.pool, lambda conn: tell_faulty(conn, source, event, told))
        raise
