"""`/v1/forecasts`: what will be asked for, with bands, the backtest, and what it rests on."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import not_found, responses
from cloud.api.requests import Caller, TheGate
from cloud.forecasting import reading
from cloud.forecasting.domain import LEVELS, Forecast, ForecastRow, UnknownForecastError
from cloud.forecasting.granularity import reading as granularity
from cloud.forecasting.granularity.calendar import four_weeks, in_decimals, periods
from cloud.forecasting.site_clock import SiteClock
from cloud.inquiry.domain import contains
from contracts.base import ID_PATTERN

router = APIRouter(prefix="/v1/forecasts", tags=["forecasts"], route_class=ConditionalRoute)


class ForecastSummary(BaseModel):
    """The forecast in force of an item at a site. Expected demand is a number, not a count."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    item: str
    item_name: str | None
    base_unit: str
    run_id: int
    finished_at: datetime = Field(description="When the run was done")
    first_day: date = Field(description="First site day forecast; in the past where demand is imported late")
    model: str
    is_sufficient: bool = Field(description="False: too short a history; wide bands, no accuracy known")
    history_from: date
    history_until: date
    weekly_volume: float = Field(description="Mean demand of a week of the history, in base units")
    next_week: float = Field(description="Expected demand of the first seven days")
    wape: float | None = Field(description="Of the last 13 weeks, forecast one week ahead; null: not judged")
    naive_wape: float | None = Field(description="Of the same weeks, by the week before each")
    bias: float | None = Field(description="Sum of errors over sum of demand; above 0: too much was forecast")
    rmsse: float | None
    coverage: float | None = Field(description="Share of these weeks within the 80 % band")


class Quantiles(BaseModel):
    """Demand summed from the first day over some days."""

    days: int
    expected: float
    quantiles: dict[str, float] = Field(description="By level: `0.95` is exceeded with a chance of 5 %")


class CalendarPeriod(BaseModel):
    """A week, or four weeks, of the site's calendar."""

    model_config = ConfigDict(from_attributes=True)

    from_day: date
    to_day: date
    days: int = Field(description="How many of its days are forecast")
    expected: Decimal = Field(description="Of these days")


class Backtest(BaseModel):
    """What was said at the end of `origin` for the days after it, and what came."""

    model_config = ConfigDict(from_attributes=True)

    origin: date
    horizon_days: int
    forecast: float
    naive: float
    low: float = Field(description="Of the 80 % band, as it would have been drawn then; `high` alike")
    high: float
    actual: float | None = Field(description="Null: stock-outs hid part of it")


class RunInputs(BaseModel):
    """What the run read, when, and with what it computed."""

    read_at: datetime
    sha256: str
    inputs: dict[str, Any]
    parameters: dict[str, Any]
    code_version: str
    as_of_position: int
    completeness: dict[str, Any]


class ForecastDetail(ForecastSummary):
    """A forecast whole."""

    mean: list[float] = Field(description="Expected demand of each site day from `first_day` on")
    days: list[Decimal] = Field(description="The same in thousandths; every sum of them is the rounded sum")
    weeks: list[CalendarPeriod] = Field(description="Sums of `days` over the site's weeks")
    four_weeks: list[CalendarPeriod] = Field(description="Sums of `days` over four of these weeks")
    cumulative: list[Quantiles]
    history: list[float | None] = Field(
        description="Demand by week, the last ending with `history_until`; null: out of stock"
    )
    backtest: list[Backtest]
    why: dict[str, Any]
    run: RunInputs


@router.get("")
def list_forecasts(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    search: Annotated[str | None, Query(max_length=128, description="Part of an item's code or name")] = None,
    is_sufficient: bool | None = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[ForecastSummary]:
    """List the forecasts in force by site and item."""
    start = reading.FIRST
    if after is not None:
        after_site, after_item = map(str, decode_cursor(after, str, str))
        start = (0.0, after_site, after_item)
    with gate.acting(caller) as conn:
        rows = reading.forecasts(
            conn,
            caller,
            site=site,
            item_like=contains(search),
            is_sufficient=is_sufficient,
            after=start,
            limit=limit + 1,
        )
    return page_of(rows, limit, show=ForecastSummary.model_validate, key=lambda row: [row.site, row.item])


@router.get("/{site}/{item:path}", responses=responses(404))
def get_forecast(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str, Path(pattern=ID_PATTERN)],
    item: Annotated[str, Path(min_length=1, max_length=128)],
) -> ForecastDetail:
    """Give the forecast in force of an item at a site, with its bands, backtest and inputs."""
    with gate.acting(caller) as conn:
        try:
            found = reading.forecast(conn, caller, site=site, item=item)
        except UnknownForecastError as error:
            raise not_found("forecast", f"{site}/{item}") from error
        clock = granularity.clock(conn, caller, site=site)
    return _whole(found, clock)


def _whole(found: Forecast, clock: SiteClock) -> ForecastDetail:
    content, first_day = found.content, found.row.first_day
    days = in_decimals(content.mean)
    sums = [
        Quantiles(
            days=days,
            expected=sum(content.mean[:days]),
            quantiles={str(level): value for level, value in zip(LEVELS, values, strict=True)},
        )
        for days, values in zip(content.horizons, content.cum_q, strict=True)
    ]
    return ForecastDetail(
        **_summary(found.row).model_dump(),
        mean=content.mean,
        days=days,
        weeks=[CalendarPeriod.model_validate(one) for one in periods(first_day, days, clock)],
        four_weeks=[CalendarPeriod.model_validate(one) for one in four_weeks(first_day, days, clock)],
        cumulative=sums,
        history=content.history,
        backtest=[Backtest.model_validate(line) for line in found.backtest],
        why=dict(content.why),
        run=RunInputs(
            read_at=content.inputs_at,
            sha256=content.inputs_sha256,
            inputs=dict(content.inputs),
            parameters=dict(content.parameters),
            code_version=content.code_version,
            as_of_position=content.as_of_position,
            completeness=dict(content.completeness),
        ),
    )


def _summary(row: ForecastRow) -> ForecastSummary:
    return ForecastSummary.model_validate(row)
