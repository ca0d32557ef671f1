"""`/v1/items/…/costs` and `/v1/exchange-rates`: what items cost at a site, and currencies in others."""

from datetime import date, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, Once, post_once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import ProblemError, responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.master.costs import BEFORE_ALL, Basis, CostPaper, CostRow, costs, put_costs
from cloud.master.rates import RatePaper, put_rates, rates
from contracts.base import Site, UtcDatetime

router = APIRouter(prefix="/v1", tags=["master data"], route_class=ConditionalRoute)

ItemCode = Annotated[str, Path(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
Text = Annotated[str | None, Query(max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
Amount = Annotated[Decimal, Field(ge=0, max_digits=20, decimal_places=6, allow_inf_nan=False)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Cost(BaseModel):
    """What one base unit costs at a site until the next cost begins."""

    model_config = ConfigDict(from_attributes=True)

    item: str
    site: str
    valid_from: datetime
    cost: Decimal
    currency: str
    recorded_at: datetime | None = Field(description="When it was said; null: before that was noted")


class NewCost(BaseModel):
    """A cost from an instant on; what was valid before stays as it was."""

    model_config = ConfigDict(extra="forbid")

    site: Site
    cost: Amount = Field(description="Of one base unit")
    currency: Currency
    valid_from: UtcDatetime | None = Field(None, description="null means now")
    basis: Basis = Field(Basis.STANDARD, description="purchase: what is paid, which periods average")


class Rate(BaseModel):
    """How many units of one currency another is from a day on."""

    model_config = ConfigDict(from_attributes=True)

    from_currency: str
    to_currency: str
    valid_from: date
    rate: Decimal
    source: str
    recorded_at: datetime


class NewRates(BaseModel):
    """Rates from a day on, all or none; what was valid before stays as it was."""

    model_config = ConfigDict(extra="forbid")

    rates: Annotated[list["NewRate"], Field(min_length=1, max_length=1_000)]


class NewRate(BaseModel):
    """One rate."""

    model_config = ConfigDict(extra="forbid")

    from_currency: Currency
    to_currency: Currency
    valid_from: date
    rate: Annotated[Decimal, Field(gt=0, max_digits=20, decimal_places=10, allow_inf_nan=False)]
    source: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


class KeptCost(BaseModel):
    """How many were new."""

    new: int


@router.get("/item-costs")
def list_costs(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    item: Text = None,
    basis: Basis = Basis.STANDARD,
    limit: Limit = 100,
    after: After = None,
) -> Page[Cost]:
    """List costs by item, site and instant; an item without one has an unknown value, never zero."""
    start = ("", "", BEFORE_ALL)
    if after is not None:
        code, at_site, at = decode_cursor(after, str, str, str)
        start = (str(code), str(at_site), _instant(str(at)))
    with gate.acting(caller) as conn:
        rows = costs(conn, caller, basis=basis, site=site, item=item, after=start, limit=limit + 1)
    return page_of(rows, limit, show=_shown, key=lambda row: [row.item, row.site, row.valid_from.isoformat()])


@router.post(
    "/items/{item:path}/costs",
    status_code=201,
    response_model=KeptCost,
    responses=responses(400, 413),
)
def add_cost(
    *, gate: TheGate, caller: Caller, item: ItemCode, body: NewCost, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Say what an item costs at a site from an instant on."""

    def effect(conn: Connection) -> KeptCost:
        paper = CostPaper(item, body.site, body.cost, body.currency, body.valid_from or gate.clock())
        return KeptCost(new=put_costs(conn, caller, [paper], basis=body.basis))

    return post_once(
        gate, caller, idempotency_key, target=f"/v1/items/{item}/costs", body=body, effect=effect
    )


@router.get("/exchange-rates")
def list_rates(
    *,
    gate: TheGate,
    caller: Caller,
    currency: Annotated[str | None, Query(pattern=r"^[A-Z]{3}$", description="Of it, or in it")] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Rate]:
    """List exchange rates by pair and day."""
    start = ("", "", date.min)
    if after is not None:
        of, to, day = map(str, decode_cursor(after, str, str, str))
        start = (of, to, _instant(day).date())
    with gate.acting(caller) as conn:
        rows = rates(conn, caller, currency=currency, after=start, limit=limit + 1)
    return page_of(
        rows,
        limit,
        show=Rate.model_validate,
        key=lambda row: [row.from_currency, row.to_currency, row.valid_from.isoformat()],
    )


@router.post("/exchange-rates", status_code=201, response_model=KeptCost, responses=responses(400, 413))
def add_rates(*, caller: Caller, once: Once, body: NewRates) -> JSONResponse:
    """Say what currencies are in others from a day on; all of it or nothing."""

    def effect(conn: Connection) -> KeptCost:
        papers = [RatePaper(**new.model_dump(), place=f"rates.{n}: ") for n, new in enumerate(body.rates)]
        return KeptCost(new=put_rates(conn, caller, papers))

    return once.answer(body, effect)


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "bad-cursor", f"query.after: {text!r:.60} is no instant"
        ) from error


def _shown(row: CostRow) -> Cost:
    return Cost.model_validate(row)
