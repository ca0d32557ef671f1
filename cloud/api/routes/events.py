"""`/v1/events`: what moves demand; corrected by further revisions, never rewritten."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.events import public_holidays, reading, service
from cloud.events.domain import Kind
from cloud.events.papers import EventPaper, Withdrawal
from cloud.events.public_holidays import Region
from cloud.inquiry.domain import GREATEST
from contracts.base import ID_PATTERN, Site

router = APIRouter(prefix="/v1/events", tags=["forecasts"], route_class=ConditionalRoute)

Number = Annotated[int, Path(ge=1, le=GREATEST)]
Day = Annotated[date | None, Query(ge=date(2000, 1, 1), le=date(2199, 12, 31))]


class Event(BaseModel):
    """A revision of an event that moves demand."""

    model_config = ConfigDict(from_attributes=True)

    event_id: int
    revision: int
    site: str | None = Field(description="Null: every site")
    item: str | None
    category: str | None = Field(description="Null, and no item: every item")
    from_day: date
    to_day: date = Field(description="Itself included")
    kind: Kind
    name: str
    attributes: dict[str, Any]
    effect_prior: float | None = Field(description="Factor on demand that is expected before any data")
    known_at: datetime = Field(description="A forecast of an earlier moment does not see it")
    source: str
    reference: str
    is_withdrawn: bool
    reason: str
    author: str
    recorded_at: datetime


class Correction(BaseModel):
    """An event as it is now, and which revision is corrected."""

    model_config = ConfigDict(extra="forbid")

    revision: Annotated[int, Field(ge=1, le=1_000_000)] = Field(description="That you have seen")
    event: EventPaper


class HolidayPaper(BaseModel):
    """Of which site and years public holidays are wanted."""

    model_config = ConfigDict(extra="forbid")

    site: Site
    first_year: Annotated[int, Field(ge=2000, le=2100)]
    last_year: Annotated[int, Field(ge=2000, le=2100)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = Field(
        default=None, description="ISO 3166-1 alpha-2; null: as the site states it"
    )
    region: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,16}$")] | None = None


class HolidaysStated(BaseModel):
    """What became of them."""

    model_config = ConfigDict(from_attributes=True)

    added: int
    corrected: int
    unchanged: int


@router.get("")
def list_events(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(pattern=ID_PATTERN)] = None,
    item: Annotated[str | None, Query(max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")] = None,
    kind: Kind | None = None,
    from_day: Day = None,
    to_day: Day = None,
    known_at: Annotated[AwareDatetime | None, Query(description="As they were known then, RFC 3339")] = None,
    withdrawn: bool = False,
    limit: Limit = 100,
    after: After = None,
) -> Page[Event]:
    """List events by their revision in force, or in force at a moment."""
    start = min(int(decode_cursor(after, int)[0]), GREATEST) if after is not None else 0
    with gate.acting(caller) as conn:
        rows = reading.events(
            conn,
            caller,
            site=site,
            item=item,
            kind=kind,
            from_day=from_day,
            to_day=to_day,
            known_at=known_at,
            withdrawn=withdrawn,
            after=start,
            limit=limit + 1,
        )
    return page_of(rows, limit, show=Event.model_validate, key=lambda row: [row.event_id])


@router.post("", status_code=201, response_model=Event, responses=responses(400, 404, 413))
def add_event(*, once: Once, body: EventPaper) -> JSONResponse:
    """State an event; the same source and reference again is the same event, corrected where it differs."""

    def effect(conn: Connection) -> Event:
        return Event.model_validate(service.add(conn, once.caller, body, now=once.gate.clock()))

    return once.answer(body, effect)


@router.get("/{event_id}", responses=responses(404))
def get_event(*, gate: TheGate, caller: Caller, event_id: Number) -> list[Event]:
    """Give an event's revisions, the one in force first."""
    with gate.acting(caller) as conn:
        return [Event.model_validate(row) for row in reading.revisions(conn, caller, event_id)]


@router.post(
    "/{event_id}/revisions",
    status_code=201,
    response_model=Event,
    responses=responses(400, 404, 409, 413),
)
def correct_event(*, once: Once, event_id: Number, body: Correction) -> JSONResponse:
    """Correct an event; what was known before stays on record, and backtests see it."""

    def effect(conn: Connection) -> Event:
        return Event.model_validate(
            service.correct(
                conn, once.caller, event_id, body.event, revision=body.revision, now=once.gate.clock()
            )
        )

    return once.answer(body, effect)


@router.post(
    "/{event_id}/withdrawal",
    status_code=201,
    response_model=Event,
    responses=responses(400, 404, 409, 413),
)
def withdraw_event(*, once: Once, event_id: Number, body: Withdrawal) -> JSONResponse:
    """Say that an event does not take place."""

    def effect(conn: Connection) -> Event:
        return Event.model_validate(
            service.withdraw(conn, once.caller, event_id, body, now=once.gate.clock())
        )

    return once.answer(body, effect)


@router.post("/holidays", status_code=201, response_model=HolidaysStated, responses=responses(400, 404, 413))
def add_holidays(*, once: Once, body: HolidayPaper) -> JSONResponse:
    """State the public holidays of a site's country and region; again, it changes nothing."""

    def effect(conn: Connection) -> HolidaysStated:
        if body.country is not None:
            public_holidays.set_region(conn, once.caller, body.site, Region(body.country, body.region))
        return HolidaysStated.model_validate(
            public_holidays.add_holidays(
                conn,
                once.caller,
                body.site,
                first_year=body.first_year,
                last_year=body.last_year,
                now=once.gate.clock(),
            )
        )

    return once.answer(body, effect)
