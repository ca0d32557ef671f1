"""`/v1/approval-limits`: up to what each role approves."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.decisions import limits
from cloud.decisions.limits import LimitPaper
from cloud.inquiry.domain import GREATEST
from contracts.base import CountedQuantity, Site

router = APIRouter(prefix="/v1/approval-limits", tags=["decisions"], route_class=ConditionalRoute)

Number = Annotated[int, Path(ge=1, le=GREATEST)]


class ApprovalLimit(BaseModel):
    """Up to what a role approves; of several that fit, site before kind, the most particular counts."""

    model_config = ConfigDict(from_attributes=True)

    limit_id: int
    site: str | None = Field(description="null: every site without one of its own")
    kind: str | None = Field(description="null: every kind without one of its own")
    role: str
    currency: str
    limit: Decimal | None = Field(description="null: whatever it is worth, an unknown value too")
    self_limit: Decimal = Field(description="Of one's own")
    set_by: str
    set_at: datetime


class NewLimit(BaseModel):
    """What a role may approve from now on, together with what the person approved of the item that day."""

    model_config = ConfigDict(extra="forbid")

    role: str = Field(max_length=64)
    currency: str = Field(max_length=3)
    limit: CountedQuantity | None = Field(description="null: whatever it is worth, an unknown value too")
    self_limit: CountedQuantity = Decimal(0)
    site: Site | None = None
    kind: str | None = Field(None, max_length=64)


class LimitRemoved(BaseModel):
    """The limit is gone; the less particular one holds again, or the default."""

    limit_id: int


@router.get("")
def list_approval_limits(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[ApprovalLimit]:
    """List limits by number."""
    start = int(decode_cursor(after, int)[0]) if after else 0
    with gate.acting(caller) as conn:
        rows = limits.limits(conn, caller, site=site, after=start, limit=limit + 1)
    return page_of(rows, limit, show=ApprovalLimit.model_validate, key=lambda row: [row.limit_id])


@router.post("", status_code=201, response_model=ApprovalLimit, responses=responses(400, 404, 409, 413))
def set_approval_limit(
    *, gate: TheGate, caller: Caller, body: NewLimit, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Set a limit, in place of the one for the same site, kind, role and currency."""
    paper = LimitPaper(**dict(body))

    def effect(conn: Connection) -> ApprovalLimit:
        return ApprovalLimit.model_validate(limits.put_limit(conn, caller, paper))

    return post_once(gate, caller, idempotency_key, target="/v1/approval-limits", body=body, effect=effect)


@router.post(
    "/{limit_id}/remove",
    status_code=201,
    response_model=LimitRemoved,
    responses=responses(400, 404, 409, 413),
)
def remove_approval_limit(
    *, gate: TheGate, caller: Caller, limit_id: Number, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Take a limit away."""

    def effect(conn: Connection) -> LimitRemoved:
        limits.remove_limit(conn, caller, limit_id)
        return LimitRemoved(limit_id=limit_id)

    target = f"/v1/approval-limits/{limit_id}/remove"
    return post_once(gate, caller, idempotency_key, target=target, body=None, effect=effect)
