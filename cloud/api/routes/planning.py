"""`/v1/planning`: what planning rests on, and how far suppliers' confirmations may be off."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.inquiry.domain import GREATEST
from cloud.replenishment import confirming, policies
from cloud.replenishment.confirming import ConfirmationTolerance
from cloud.replenishment.domain import TargetKind
from cloud.replenishment.policies import PolicyPaper
from contracts.base import ID_PATTERN

router = APIRouter(prefix="/v1/planning", tags=["proposals"], route_class=ConditionalRoute)

OfItem = Annotated[str | None, Query(max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


class Parameters(BaseModel):
    """What planning of an item at a site rests on, and what of it nobody chose."""

    model_config = ConfigDict(from_attributes=True)

    parameter_id: int
    run_id: int
    site: str
    item: str
    review_days: int
    protection_days: int = Field(description="Review, and the lead time that 95 % of deliveries keep")
    bucket: Literal["day", "week", "four_weeks", "reconciled"] = Field(
        description="Period that demand is forecast in"
    )
    bucket_choice_id: int | None = Field(description="By what evidence; none: weeks, as nothing was decided")
    target_kind: TargetKind
    target: float
    defaults: list[str]
    approved_at: datetime
    approved_by: str
    supplier: str | None
    days: list[int] = Field(description="Possible lead times")
    probability: list[float]
    source: Literal["observed", "promised", "default"]
    samples: int


class Tolerance(BaseModel):
    """How far a supplier's confirmation may be off what was approved before it is approved again."""

    model_config = ConfigDict(from_attributes=True)

    quantity_percent: Decimal = Field(description="Up or down")
    price_percent: Decimal = Field(description="Up; a lower price is always within")
    set_by: str = Field(description="`default`: nobody chose it")


@router.get("/parameters")
def list_planning_parameters(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str, Query(pattern=ID_PATTERN)],
    item: OfItem = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Parameters]:
    """List the planning parameters in force at a site."""
    start = min(int(decode_cursor(after, int)[0]), GREATEST) if after is not None else 0
    with gate.acting(caller) as conn:
        rows = policies.parameters(conn, caller, site=site, item=item, after=start, limit=limit + 1)
    return page_of(rows, limit, show=Parameters.model_validate, key=lambda row: [row.item_id])


@router.post(
    "/policies", status_code=201, response_model=PolicyPaper, responses=responses(400, 404, 409, 413)
)
def set_planning_policy(*, once: Once, body: PolicyPaper) -> JSONResponse:
    """Set review and service target of a site, or of an item there; a target never without its kind."""

    def effect(conn: Connection) -> PolicyPaper:
        policies.set_policy(conn, once.caller, body)
        return body

    return once.answer(body, effect)


@router.get("/confirmation-tolerance")
def get_confirmation_tolerance(
    *, gate: TheGate, caller: Caller, site: Annotated[str, Query(pattern=ID_PATTERN)]
) -> Tolerance:
    """Give the tolerance that holds at a site."""
    with gate.acting(caller) as conn:
        return Tolerance.model_validate(confirming.tolerance(conn, caller, site=site))


@router.post(
    "/confirmation-tolerance",
    status_code=201,
    response_model=ConfirmationTolerance,
    responses=responses(400, 404, 409, 413),
)
def set_confirmation_tolerance(*, once: Once, body: ConfirmationTolerance) -> JSONResponse:
    """Set the tolerance of a site, or of every site without one of its own."""

    def effect(conn: Connection) -> ConfirmationTolerance:
        confirming.set_tolerance(conn, once.caller, body)
        return body

    return once.answer(body, effect)
