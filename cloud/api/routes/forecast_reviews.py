"""`/v1/forecast-reviews`, `/v1/forecast-accuracy`: which forecasts are odd, and how near they come."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.forecasting.reviewing import reading, service
from cloud.forecasting.reviewing.service import SettingPaper
from cloud.forecasting.track_record.reading import accuracy
from cloud.inquiry.domain import GREATEST
from contracts.base import ID_PATTERN

router = APIRouter(prefix="/v1/forecast-reviews", tags=["forecasts"], route_class=ConditionalRoute)
record = APIRouter(prefix="/v1/forecast-accuracy", tags=["forecasts"], route_class=ConditionalRoute)

OfSite = Annotated[str | None, Query(pattern=ID_PATTERN)]


class ForecastReview(BaseModel):
    """One week's review of a site's forecasts."""

    model_config = ConfigDict(from_attributes=True)

    review_id: int
    site: str
    run_id: int
    last_day: date
    horizon_days: int
    judged: int
    nominal: float = Field(description="Share that is flagged though nothing has changed")
    expected: float = Field(description="False reviews to be expected")
    flagged: int
    opened: int = Field(description="New tickets; the others were open already")
    share: float | None
    past_shares: list[float] = Field(description="Of the weeks before, the oldest first")
    is_drifting: bool = Field(description="More than chance and the weeks before explain")
    reviewed_at: datetime
    still_open: int


class FlaggedForecast(BaseModel):
    """A forecast that a site's latest review found odd."""

    model_config = ConfigDict(from_attributes=True)

    review_id: int
    site: str
    last_day: date
    item: str
    item_name: str | None
    trigger: str
    statistic: float = Field(description="Above 0: more came than was forecast")
    limit_at: float | None
    chance: float = Field(description="How often an item of its volume looks at least as odd")
    error: float
    ticket_id: int | None
    state: str | None
    owner: str | None
    due_at: datetime | None


class ReviewSetting(BaseModel):
    """How a site is told of odd forecasts."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    nominal: Decimal
    most_per_week: int | None
    owner: str | None
    due_days: int
    set_by: str | None = Field(description="Null: nobody chose, the defaults hold")
    set_at: datetime | None


class PartAccuracy(BaseModel):
    """How near the forecasts of a part came, over a horizon, at the last 13 origins."""

    model_config = ConfigDict(from_attributes=True)

    part: str = Field(
        description="`all`, `site`, `class` (ADI/CV²), `decile` of volume, 1 the least, `bucket` forecast in"
    )
    name: str
    horizon_days: int
    items: int
    windows: int
    came: float
    wape: float | None
    naive_wape: float | None
    value_added: float | None = Field(description="Share of the seasonal naive's error taken away")
    bias: float | None
    coverage: float = Field(description="Share within the 80 % band")
    coverage_wide: float | None = Field(description="Share within the 95 % band; null: the run did not tell")
    idle: float = Field(
        description="Share of windows in which nothing was asked for: a band that holds zero holds no less"
    )


@router.get("")
def list_forecast_reviews(
    *, gate: TheGate, caller: Caller, site: OfSite = None, limit: Limit = 100, after: After = None
) -> Page[ForecastReview]:
    """List the weeks' reviews, the latest first."""
    with gate.acting(caller) as conn:
        rows = reading.reviews(conn, caller, site=site, before=_before(after), limit=limit + 1)
    return page_of(rows, limit, show=ForecastReview.model_validate, key=lambda row: [row.review_id])


@router.get("/items")
def list_flagged_forecasts(
    *, gate: TheGate, caller: Caller, site: OfSite = None, limit: Limit = 100, after: After = None
) -> Page[FlaggedForecast]:
    """List what each site's latest review found odd, the oddest first."""
    start = reading.FIRST
    if after is not None:
        chance, place, item = decode_cursor(after, str, str, str)
        start = (reading.chance_of(str(chance)), str(place), str(item))
    with gate.acting(caller) as conn:
        rows = reading.flagged(conn, caller, site=site, after=start, limit=limit + 1)
    return page_of(
        rows,
        limit,
        show=FlaggedForecast.model_validate,
        key=lambda row: [repr(row.chance), row.site, row.item],
    )


@router.get("/settings")
def get_review_setting(
    *, gate: TheGate, caller: Caller, site: Annotated[str, Query(pattern=ID_PATTERN)]
) -> ReviewSetting:
    """Give how a site is told."""
    with gate.acting(caller) as conn:
        return ReviewSetting.model_validate(reading.setting(conn, caller, site))


@router.post(
    "/settings", status_code=201, response_model=ReviewSetting, responses=responses(400, 404, 409, 413)
)
def set_review_setting(
    *, gate: TheGate, caller: Caller, body: SettingPaper, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Say how a site is told, from the next review on."""

    def effect(conn: Connection) -> ReviewSetting:
        return ReviewSetting.model_validate(service.put_setting(conn, caller, body))

    target = "/v1/forecast-reviews/settings"
    return post_once(gate, caller, idempotency_key, target=target, body=body, effect=effect)


@record.get("")
def get_forecast_accuracy(*, gate: TheGate, caller: Caller, site: OfSite = None) -> list[PartAccuracy]:
    """Sum the backtests in force up: all together, by site, class, decile of volume and period."""
    with gate.acting(caller) as conn:
        return [PartAccuracy.model_validate(row) for row in accuracy(conn, caller, site=site)]


def _before(after: str | None) -> int | None:
    return None if after is None else min(int(decode_cursor(after, int)[0]), GREATEST)
