"""`/v1/demand/shorts`, `…/substitutions`, `…/feedback`: what the warehouse sent, and what it did not."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.demand import substitutions
from cloud.demand.sources.shorts import shorts
from cloud.demand.substitution_file import SubstitutionPaper
from cloud.demand.substitutions import MOST, SubstitutionRow
from contracts.base import ID_PATTERN, UtcDatetime

router = APIRouter(prefix="/v1/demand", tags=["demand"], route_class=ConditionalRoute)

SiteId = Annotated[str, Query(pattern=ID_PATTERN)]
Since = Annotated[UtcDatetime, Query(description="Asked for at or after")]
Until = Annotated[UtcDatetime, Query(description="And before")]


FirstDay = Annotated[UtcDatetime, Query(description="In the first site day that counts")]
LastDay = Annotated[UtcDatetime, Query(description="After the last site day that counts has begun")]


class ShortItem(BaseModel):
    """An item that outbound orders asked for; quantities in base units."""

    model_config = ConfigDict(from_attributes=True)

    item: str
    lines: int
    requested: Decimal
    left_with: Decimal = Field(description="What departures posted")
    short: Decimal = Field(description="What a closed visit left behind, and nothing has taken since")
    short_lines: int
    fill: Decimal | None = Field(description="Share of what is settled that left; null: nothing is settled")


class ShortItems(BaseModel):
    """What outbound orders asked for and what of it left."""

    site: str
    items: list[ShortItem]


class SubstitutionsPaper(BaseModel):
    """Substitutions that are recorded together, or not at all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    substitutions: Annotated[tuple[SubstitutionPaper, ...], Field(min_length=1, max_length=MOST)]


class SubstitutionsRecorded(BaseModel):
    """What a batch changed."""

    model_config = ConfigDict(from_attributes=True)

    substitutions: int
    added: int
    corrected: int
    repeated: int


class Substitution(BaseModel):
    """An item that was sent in place of the one asked for; quantities in base units of each."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    source: str
    document: str
    line: str
    asked: str
    asked_quantity: Decimal = Field(description="0: it was taken back")
    sent: str
    sent_quantity: Decimal
    sent_at: datetime
    reason: str | None
    recorded_at: datetime
    recorded_by: str


class FeedbackItem(BaseModel):
    """An item of which departures tell something else than what was asked for; quantities in base units."""

    model_config = ConfigDict(from_attributes=True)

    item: str
    asked: Decimal = Field(description="What forecasts learn from")
    short: Decimal = Field(description="What a closed visit left behind, and nothing was sent instead of")
    sent_instead: Decimal = Field(description="Asked for, and another item was sent")
    stood_in: Decimal = Field(description="Sent in place of others")
    left: Decimal = Field(description="What departures alone would tell")
    bias: Decimal | None = Field(
        description="How far off a forecast would be that learned from departures; null: none asked"
    )


class Feedback(BaseModel):
    """What the warehouse's execution changes of the demand that forecasts learn from."""

    site: str
    items: list[FeedbackItem]


class ForecastErrors(BaseModel):
    """Of forecasts against what was asked for."""

    model_config = ConfigDict(from_attributes=True)

    wape: float = Field(description="Sum of errors over the sum of demand")
    bias: float = Field(description="Sum of forecasts over that of demand, less 1")


class FeedbackWorth(BaseModel):
    """How forecasts of the items concerned went, told of what was not sent, and told departures alone."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    first_day: date
    last_day: date
    items: int
    origins: int
    horizon_weeks: int
    asked: float = Field(description="In base units, over the days")
    left: float = Field(description="What departures alone told of it")
    told: ForecastErrors
    untold: ForecastErrors


@router.get("/shorts")
def list_shorts(*, gate: TheGate, caller: Caller, site: SiteId, since: Since, until: Until) -> ShortItems:
    """Measure what outbound orders asked for and what of it left, what is most short first."""
    with gate.acting(caller) as conn:
        rows = shorts(conn, caller, site=site, from_at=since, until_at=until)
    return ShortItems(site=site, items=[ShortItem.model_validate(row) for row in rows])


@router.get("/feedback")
def list_feedback(
    *, gate: TheGate, caller: Caller, site: SiteId, since: FirstDay, until: LastDay
) -> Feedback:
    """Measure what shorts and substitutions change of the demand that forecasts learn from, by site days."""
    with gate.acting(caller) as conn:
        rows = substitutions.feedback(conn, caller, site=site, from_at=since, until_at=until)
    return Feedback(site=site, items=[FeedbackItem.model_validate(row) for row in rows])


@router.get("/feedback/worth", responses=responses(404))
def tell_worth(*, gate: TheGate, caller: Caller, site: SiteId) -> FeedbackWorth:
    """Backtest forecasts of the items concerned twice, and judge both by what was asked for."""
    from cloud.forecasting.execution import execution_effect, read_execution  # noqa: PLC0415  numpy is an extra

    with gate.acting(caller) as conn:
        read = read_execution(conn, caller, site=site, now=gate.clock())
    return FeedbackWorth.model_validate(execution_effect(read))


@router.get("/substitutions")
def list_substitutions(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    item: Annotated[str | None, Query(max_length=256, description="Asked for, or sent")] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Substitution]:
    """List what was sent in place of what was asked for."""
    start = ("", "", "", "", "")
    if after is not None:
        of_site, source, document, line, sent = map(str, decode_cursor(after, str, str, str, str, str))
        start = (of_site, source, document, line, sent)
    with gate.acting(caller) as conn:
        rows = substitutions.substitutions(conn, caller, site=site, item=item, after=start, limit=limit + 1)
    return page_of(rows, limit, show=Substitution.model_validate, key=_key)


@router.post(
    "/substitutions", status_code=201, response_model=SubstitutionsRecorded, responses=responses(400, 413)
)
def record_substitutions(*, once: Once, body: SubstitutionsPaper) -> JSONResponse:
    """Say what was sent in place of what; demand stays with the item asked for. The same again is once."""

    def effect(conn: Connection) -> SubstitutionsRecorded:
        given = [paper.at(number) for number, paper in enumerate(body.substitutions)]
        now = once.gate.clock()
        done = substitutions.record(conn, once.caller, given, origin="body.substitutions", now=now)
        return SubstitutionsRecorded.model_validate(done)

    return once.answer(body, effect)


def _key(row: SubstitutionRow) -> list[str | int]:
    return [row.site, row.source, row.document, row.line, row.sent]
