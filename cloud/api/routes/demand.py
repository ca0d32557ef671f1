"""`/v1/demand`: what customers asked for; `/v1/sites/{site}/calendar`: when a site's day begins."""

from datetime import datetime, time
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.demand import calendar, service
from cloud.demand.calendar import SiteCalendar
from cloud.demand.domain import Faults, Kind
from cloud.demand.papers import DemandPaper
from cloud.demand.service import LineFilter, LineRow
from contracts.base import ID_PATTERN, UtcDatetime

router = APIRouter(prefix="/v1", tags=["demand"], route_class=ConditionalRoute)

SiteId = Annotated[str, Path(pattern=ID_PATTERN)]
Text = Annotated[str | None, Query(max_length=128)]


class DemandLine(BaseModel):
    """The latest revision of a line of demand."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    source: str
    document: str
    line: str
    revision: int
    kind: Kind
    item: str = Field(description="Code of the item, as it reads after merging")
    channel: str | None
    requested_at: datetime
    quantity: Decimal = Field(description="In base units")
    identifier_scheme: str
    identifier: str
    quantity_seen: Decimal = Field(description="In units of what names the item")
    of_document: str | None = Field(description="The request that is cancelled or returned")
    of_line: str | None
    recorded_at: datetime
    recorded_by: str


class DemandStored(BaseModel):
    """What a batch changed."""

    model_config = ConfigDict(from_attributes=True)

    lines: int
    added: int
    corrected: int = Field(description="Lines of which this is a new revision")
    superseded: int = Field(description="Lines that say what a later revision has replaced: nothing changed")
    repeated: int = Field(description="Lines that say what is known: nothing changed")
    new_items: int = Field(description="Provisional items that were made")


ClockTime = Annotated[
    time,
    WithJsonSchema({"type": "string", "pattern": r"^\d\d:\d\d(:\d\d(\.\d{1,6})?)?$", "examples": ["06:00"]}),
]
"""By the site's clocks: OpenAPI's format ``time`` would demand an offset."""


class Calendar(BaseModel):
    """When a site's days are; times are by its clocks."""

    model_config = ConfigDict(from_attributes=True, extra="forbid")

    time_zone: str = Field(max_length=64, description="IANA name")
    business_day_start: ClockTime = Field(description="A night shift belongs to the day it began")
    week_start: Annotated[int, Field(strict=True, ge=1, le=7, description="1 is Monday")]
    opens_at: ClockTime | None = Field(default=None, description="Null, as `closes_at`: always open")
    closes_at: ClockTime | None = Field(default=None, description="Before `opens_at`: open past midnight")


@router.get("/demand")
def list_demand(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    source: Text = None,
    document: Text = None,
    item: Annotated[str | None, Query(max_length=256, description="Code of the item")] = None,
    kind: Kind | None = None,
    since: Annotated[UtcDatetime | None, Query(description="Asked for at or after")] = None,
    until: Annotated[UtcDatetime | None, Query(description="Asked for before")] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[DemandLine]:
    """List lines by site, source, document and line."""
    start = ("", "", "", "")
    if after is not None:
        of_site, of_source, of_document, of_line = map(str, decode_cursor(after, str, str, str, str))
        start = (of_site, of_source, of_document, of_line)
    wanted = LineFilter(site, source, document, item, kind and kind.value, since, until)
    with gate.acting(caller) as conn:
        rows = service.lines(conn, caller, wanted, after=start, limit=limit + 1)
    return page_of(rows, limit, show=DemandLine.model_validate, key=_key)


@router.post("/demand", status_code=201, response_model=DemandStored, responses=responses(400, 413))
def tell_demand(
    *, gate: TheGate, caller: Caller, body: DemandPaper, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Store lines: all of them, or none and every fault told; a line that is known changes nothing."""

    def effect(conn: Connection) -> DemandStored:
        done = service.import_lines(
            conn,
            caller,
            [line.staged(number) for number, line in enumerate(body.lines)],
            faults=Faults(),
            origin="body.lines",
            now=gate.clock(),
            makes_items=body.new_items,
        )
        return DemandStored.model_validate(done)

    return post_once(gate, caller, idempotency_key, target="/v1/demand", body=body, effect=effect)


@router.get("/sites/{site}/calendar", responses=responses(404))
def get_calendar(*, gate: TheGate, caller: Caller, site: SiteId) -> Calendar:
    """Tell a site's calendar."""
    with gate.acting(caller) as conn:
        return Calendar.model_validate(calendar.calendar(conn, caller, site=site))


@router.post(
    "/sites/{site}/calendar", status_code=201, response_model=Calendar, responses=responses(400, 404, 413)
)
def set_calendar(
    *, gate: TheGate, caller: Caller, site: SiteId, body: Calendar, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Say when a site's days are; past demand is read by the new days too."""

    def effect(conn: Connection) -> Calendar:
        calendar.set_calendar(conn, caller, SiteCalendar(**body.model_dump()), site=site)
        return body

    target = f"/v1/sites/{site}/calendar"
    return post_once(gate, caller, idempotency_key, target=target, body=body, effect=effect)


def _key(row: LineRow) -> list[str | int]:
    return [row.site, row.source, row.document, row.line]
