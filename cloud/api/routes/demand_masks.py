"""`/v1/demand/masks`: days that forecasts shall not learn from; the demand itself stays."""

from datetime import date, datetime
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
from cloud.demand import masks
from cloud.demand.masks import LONGEST_REASON, MaskKind
from cloud.inquiry.domain import GREATEST
from contracts.base import ID_PATTERN

router = APIRouter(prefix="/v1/demand/masks", tags=["demand"], route_class=ConditionalRoute)

Reason = Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]


class MaskPaper(BaseModel):
    """Days that tell nothing of days to come."""

    model_config = ConfigDict(extra="forbid")

    site: Annotated[str, Field(pattern=ID_PATTERN)]
    item: Annotated[str, Field(min_length=1, max_length=256)] | None = Field(
        default=None, description="Code; null: every item of the site"
    )
    from_day: date = Field(description="Site day")
    until_day: date = Field(description="Site day, itself included")
    kind: MaskKind
    reason: Reason


class WithdrawalPaper(BaseModel):
    """Why a mask was wrong."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class DemandMask(BaseModel):
    """Days that forecasts take for unknown."""

    model_config = ConfigDict(from_attributes=True)

    mask_id: int
    site: str
    item: str | None = Field(description="Code; null: every item of the site")
    from_day: date
    until_day: date = Field(description="Itself included")
    kind: MaskKind
    reason: str
    recorded_at: datetime
    recorded_by: str
    withdrawn_at: datetime | None = Field(description="Null: in force")
    withdrawn_by: str | None
    withdrawn_because: str | None


@router.get("")
def list_masks(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    item: Annotated[str | None, Query(max_length=256, description="Only masks that cover it")] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[DemandMask]:
    """List masks, withdrawn ones too."""
    start = min(int(decode_cursor(after, int)[0]), GREATEST) if after is not None else 0
    with gate.acting(caller) as conn:
        rows = masks.masks(conn, caller, site=site, item=item, after=start, limit=limit + 1)
    return page_of(rows, limit, show=DemandMask.model_validate, key=lambda row: [row.mask_id])


@router.post("", status_code=201, response_model=DemandMask, responses=responses(400, 404, 413))
def add_mask(
    *, gate: TheGate, caller: Caller, body: MaskPaper, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Mask days, from the next forecast on."""

    def effect(conn: Connection) -> DemandMask:
        return DemandMask.model_validate(masks.add_mask(conn, caller, **dict(body)))

    return post_once(gate, caller, idempotency_key, target="/v1/demand/masks", body=body, effect=effect)


@router.post(
    "/{mask_id}/withdrawal",
    status_code=201,
    response_model=DemandMask,
    responses=responses(400, 404, 413),
)
def withdraw_mask(
    *,
    gate: TheGate,
    caller: Caller,
    mask_id: Annotated[int, Path(ge=1, le=GREATEST)],
    body: WithdrawalPaper,
    idempotency_key: IdempotencyKey,
) -> JSONResponse:
    """Let forecasts learn from the days again."""

    def effect(conn: Connection) -> DemandMask:
        return DemandMask.model_validate(masks.withdraw_mask(conn, caller, mask_id, reason=body.reason))

    target = f"/v1/demand/masks/{mask_id}/withdrawal"
    return post_once(gate, caller, idempotency_key, target=target, body=body, effect=effect)
