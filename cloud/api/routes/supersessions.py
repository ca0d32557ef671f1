"""`/v1/demand/supersessions`: items that take another's place and history, each by an approved decision."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.demand import supersession
from cloud.demand.calendar import calendar
from cloud.demand.supersession import LEAST_FACTOR, MOST_FACTOR
from cloud.inquiry.domain import GREATEST
from contracts.base import ID_PATTERN

router = APIRouter(prefix="/v1/demand/supersessions", tags=["demand"], route_class=ConditionalRoute)

Code = Annotated[str, Field(min_length=1, max_length=256)]


class SupersessionPaper(BaseModel):
    """Which item shall take which one's place."""

    model_config = ConfigDict(extra="forbid")

    site: Annotated[str, Field(pattern=ID_PATTERN)]
    from_item: Code = Field(description="Code of the one that goes; its history is the other's")
    to_item: Code
    from_day: date = Field(description="First site day on which the new one is asked for instead")
    factor: Annotated[Decimal, Field(ge=LEAST_FACTOR, le=MOST_FACTOR, decimal_places=6)] = Field(
        default=Decimal(1), description="Base units of the new item in place of one of the old"
    )
    note: str = Field(default="", max_length=2000)


class Proposed(BaseModel):
    """The decision that somebody has to approve."""

    model_config = ConfigDict(from_attributes=True)

    decision_id: int
    state: str


class Supersession(BaseModel):
    """What took whose place."""

    model_config = ConfigDict(from_attributes=True)

    supersession_id: int
    site: str
    from_item: str
    to_item: str
    from_day: date
    factor: Decimal
    decision_id: int
    applied_at: datetime
    applied_by: str
    ended_at: datetime | None = Field(description="Null: in force")
    ended_by: str | None


@router.get("")
def list_supersessions(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Supersession]:
    """List what took whose place, ended ones too."""
    start = min(int(decode_cursor(after, int)[0]), GREATEST) if after is not None else 0
    with gate.acting(caller) as conn:
        rows = supersession.supersessions(conn, caller, site=site, after=start, limit=limit + 1)
    return page_of(rows, limit, show=Supersession.model_validate, key=lambda row: [row.supersession_id])


@router.post("", status_code=201, response_model=Proposed, responses=responses(400, 404, 409, 413))
def propose_supersession(
    *, gate: TheGate, caller: Caller, body: SupersessionPaper, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Ask that an item take another's place; it counts from the next forecast on after it was approved."""

    def effect(conn: Connection) -> Proposed:
        zone = ZoneInfo(calendar(conn, caller, site=body.site).time_zone)
        today = gate.clock().astimezone(zone).date()
        return Proposed.model_validate(supersession.propose(conn, caller, **dict(body), today=today))

    target = "/v1/demand/supersessions"
    return post_once(gate, caller, idempotency_key, target=target, body=body, effect=effect)
