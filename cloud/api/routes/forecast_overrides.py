"""`/v1/forecast-overrides`: adjustments of forecasts, where they stand and what they were worth."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.approvals.within_limits import settle
from cloud.db import Connection
from cloud.forecasting.overrides import reading, service
from cloud.forecasting.overrides.domain import Mode, Standing
from cloud.forecasting.overrides.papers import Note, OverridePaper
from cloud.forecasting.overrides.value_added import worths
from cloud.inquiry.domain import GREATEST
from contracts.base import ID_PATTERN

router = APIRouter(prefix="/v1/forecast-overrides", tags=["forecasts"], route_class=ConditionalRoute)

Number = Annotated[int, Path(ge=1, le=GREATEST)]
OfSite = Annotated[str | None, Query(pattern=ID_PATTERN)]
OfItem = Annotated[str | None, Query(max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


class ForecastOverride(BaseModel):
    """An adjustment of the system's forecast. It counts once it is approved, and ends with `expires_on`."""

    model_config = ConfigDict(from_attributes=True)

    override_id: int
    site: str
    item: str | None
    item_name: str | None
    base_unit: str | None
    category: str | None
    from_day: date
    to_day: date
    expires_on: date = Field(description="Last day that it changes")
    mode: Mode
    amount: Decimal = Field(description="Percent more, or base units per `per_days`, more or instead")
    per_days: int | None
    in_words: str
    reason: str
    evidence: str
    note: str
    is_small: bool = Field(description="Smaller than what usually pays, and confirmed all the same")
    basis: dict[str, Any] = Field(description="What the system said when it was asked for")
    standing: Standing
    author: str
    created_at: datetime
    decision_id: int | None
    revision: int | None
    value: Decimal | None = Field(description="Cost of the units more or less; null: not known")
    currency: str | None
    approver: str | None
    decided_at: datetime | None
    applied_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None
    run_id: int | None = Field(description="The last run whose forecasts were judged with it")


class WithdrawPaper(BaseModel):
    """Why it is taken back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    note: Note = ""


class ValueAdded(BaseModel):
    """What adjustments came to: sums of absolute errors over blocks of seven days, in base units."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(description="Number of the override, author or reason")
    overrides: int
    blocks: int
    came: float
    system_error: float
    override_error: float
    naive_blocks: int = Field(description="Blocks whose naive forecast, the week before again, is known")
    naive_error: float | None = Field(description="Of these; null: of none")
    over_naive: float | None = Field(description="Error of the naive less error with it, of these")
    added: float = Field(description="Error taken away; below 0: the adjustment did harm")
    share: float | None = Field(description="The same, of what came")
    cost_saved: float | None = Field(description="Stock cost; null where no cost of a unit is known")
    currency: str | None


@router.get("")
def list_forecast_overrides(
    *,
    gate: TheGate,
    caller: Caller,
    site: OfSite = None,
    item: OfItem = None,
    standing: Standing | None = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[ForecastOverride]:
    """List adjustments, the latest first."""
    before = min(int(decode_cursor(after, int)[0]), GREATEST) if after is not None else None
    with gate.acting(caller) as conn:
        rows = reading.overrides(
            conn,
            caller,
            now=gate.clock(),
            site=site,
            item=item,
            standings=None if standing is None else [standing],
            before=before,
            limit=limit + 1,
        )
    return page_of(rows, limit, show=ForecastOverride.model_validate, key=lambda row: [row.override_id])


@router.post("", status_code=201, response_model=ForecastOverride, responses=responses(400, 404, 409, 413))
def add_forecast_override(
    *, gate: TheGate, caller: Caller, body: OverridePaper, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Ask for an adjustment; within one's own limit it counts at once, else when another has approved it."""

    def effect(conn: Connection) -> ForecastOverride:
        row = service.add(conn, caller, body, now=gate.clock())
        if row.decision_id is not None:
            settle(conn, caller, row.decision_id)
        return ForecastOverride.model_validate(
            reading.override(conn, caller, row.override_id, now=gate.clock())
        )

    target = "/v1/forecast-overrides"
    return post_once(gate, caller, idempotency_key, target=target, body=body, effect=effect)


@router.get("/value-added")
def get_value_added(
    *,
    gate: TheGate,
    caller: Caller,
    by: Literal["override", "author", "reason"] = "override",
    site: OfSite = None,
) -> list[ValueAdded]:
    """Say what the adjustments of the last year were worth, the greatest gain first."""
    with gate.acting(caller) as conn:
        found = worths(conn, caller, now=gate.clock(), by=by, site=site)
    return [ValueAdded.model_validate(worth) for worth in found]


@router.get("/{override_id}", responses=responses(404))
def get_forecast_override(*, gate: TheGate, caller: Caller, override_id: Number) -> ForecastOverride:
    """Give an adjustment."""
    with gate.acting(caller) as conn:
        row = reading.override(conn, caller, override_id, now=gate.clock())
    return ForecastOverride.model_validate(row)


@router.post(
    "/{override_id}/withdraw",
    status_code=201,
    response_model=ForecastOverride,
    responses=responses(400, 404, 409, 413),
)
def withdraw_forecast_override(
    *,
    gate: TheGate,
    caller: Caller,
    override_id: Number,
    body: WithdrawPaper,
    idempotency_key: IdempotencyKey,
) -> JSONResponse:
    """Take back one's own adjustment; from the next run on the system's forecast counts."""

    def effect(conn: Connection) -> ForecastOverride:
        row = service.withdraw(conn, caller, override_id, note=body.note, now=gate.clock())
        return ForecastOverride.model_validate(row)

    target = f"/v1/forecast-overrides/{override_id}/withdraw"
    return post_once(gate, caller, idempotency_key, target=target, body=body, effect=effect)
