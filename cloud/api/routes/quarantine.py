"""`/v1/quarantine`: what could not be understood, with its original bytes."""

import base64
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import not_found, responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.inquiry import operations
from cloud.inquiry.domain import GREATEST, QuarantineRow
from cloud.ledger.replays import request_replay
from contracts.base import EpochId, epoch_from_int

router = APIRouter(prefix="/v1/quarantine", tags=["quarantine"], route_class=ConditionalRoute)

Number = Annotated[int, Path(ge=1, le=GREATEST)]


class Quarantined(BaseModel):
    """Something that could not be understood; `reason` is a stable code, `message` is for people."""

    model_config = ConfigDict(from_attributes=True)

    quarantine_id: int
    received_at: datetime
    topic: str
    site: str | None
    gateway: str | None
    epoch: EpochId | None
    batch_no: int | None
    seq: int | None
    reason: str
    message: str
    state: Literal["held", "replayed", "discarded"]
    settled_at: datetime | None
    settled_by: str | None
    size: int


class ReplayRequest(BaseModel):
    """Somebody's wish to post what is held; it is gone once that is done."""

    asked_at: datetime
    asked_by: str
    refusal: str | None = Field(description="Why it could not be posted; null while it waits")


class QuarantinedWhole(Quarantined):
    """The same with its original bytes."""

    payload: str = Field(description="The original bytes, base64")
    sha256: str
    replay: ReplayRequest | None


class ReplayAccepted(BaseModel):
    """The wish is noted; what becomes of it is told at `status_url`."""

    quarantine_id: int
    status_url: str


@router.get("")
def list_quarantine(
    *,
    gate: TheGate,
    caller: Caller,
    state: Annotated[Literal["held", "replayed", "discarded"] | None, Query()] = None,
    reason: Annotated[str | None, Query(max_length=64)] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Quarantined]:
    """List what could not be understood, the latest first."""
    (before,) = decode_cursor(after, int) if after else (GREATEST,)
    with gate.acting(caller) as conn:
        rows = operations.quarantine(
            conn, caller, state=state, reason=reason, before=int(before), limit=limit + 1
        )
    return page_of(rows, limit, show=_shown, key=lambda row: [row.quarantine_id])


@router.get("/{quarantine_id}", responses=responses(404))
def get_quarantined(*, gate: TheGate, caller: Caller, quarantine_id: Number) -> QuarantinedWhole:
    """Give one thing in quarantine, with its original bytes."""
    with gate.acting(caller) as conn:
        row = operations.quarantined(conn, caller, quarantine_id=quarantine_id)
    if row is None:
        raise not_found("quarantined", quarantine_id)
    payload = base64.b64encode(row.payload).decode()
    replay = None
    if row.replay_asked_at and row.replay_asked_by:
        replay = ReplayRequest(
            asked_at=row.replay_asked_at, asked_by=row.replay_asked_by, refusal=row.replay_refusal
        )
    return QuarantinedWhole(**_shown(row).model_dump(), payload=payload, sha256=row.sha256, replay=replay)


@router.post(
    "/{quarantine_id}/replay",
    status_code=202,
    response_model=ReplayAccepted,
    responses=responses(400, 404, 409, 413),
)
def replay_quarantined(
    *, gate: TheGate, caller: Caller, quarantine_id: Number, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Ask that what is held be posted, through the path it would take if it arrived now."""
    status_url = f"/v1/quarantine/{quarantine_id}"

    def effect(conn: Connection) -> ReplayAccepted:
        if not request_replay(conn, caller, quarantine_id=quarantine_id):
            raise not_found("quarantined", quarantine_id)
        return ReplayAccepted(quarantine_id=quarantine_id, status_url=status_url)

    return post_once(
        gate,
        caller,
        idempotency_key,
        target=f"{status_url}/replay",
        body=None,
        effect=effect,
        status=HTTPStatus.ACCEPTED,
    )


def _shown(row: QuarantineRow) -> Quarantined:
    epoch = None if row.epoch is None else epoch_from_int(row.epoch)
    fields = {name: getattr(row, name) for name in Quarantined.model_fields}
    return Quarantined.model_validate({**fields, "epoch": epoch})
