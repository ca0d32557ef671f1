"""`/v1/items/…/costs`: what a base unit costs at a site from an instant on."""

from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import ProblemError, responses
from cloud.api.requests import Caller, TheGate
from cloud.counting.costs import BEFORE_ALL, CostPaper, CostRow, costs, put_costs
from cloud.db import Connection
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


class NewCost(BaseModel):
    """A cost from an instant on; what was valid before stays as it was."""

    model_config = ConfigDict(extra="forbid")

    site: Site
    cost: Amount = Field(description="Of one base unit")
    currency: Currency
    valid_from: UtcDatetime | None = Field(None, description="null means now")


class KeptCost(BaseModel):
    """Whether it was new."""

    new: int


@router.get("/item-costs")
def list_costs(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    item: Text = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Cost]:
    """List costs by item, site and instant; an item without one has an unknown value, never zero."""
    start = ("", "", BEFORE_ALL)
    if after is not None:
        code, at_site, at = decode_cursor(after, str, str, str)
        start = (str(code), str(at_site), _instant(str(at)))
    with gate.acting(caller) as conn:
        rows = costs(conn, caller, site=site, item=item, after=start, limit=limit + 1)
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
        return KeptCost(new=put_costs(conn, caller, [paper]))

    return post_once(
        gate, caller, idempotency_key, target=f"/v1/items/{item}/costs", body=body, effect=effect
    )


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "bad-cursor", f"query.after: {text!r:.60} is no instant"
        ) from error


def _shown(row: CostRow) -> Cost:
    return Cost.model_validate(row)
