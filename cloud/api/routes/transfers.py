"""`/v1/transfers`: goods on their way from one site to another; their state is derived."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.api.routes.receipts import SiteId, SiteQuery
from cloud.api.salvaging import Sent
from cloud.db import Connection
from cloud.documents.transfers import service
from cloud.documents.transfers.papers import TransferPaper
from cloud.documents.transfers.service import TransferStory
from contracts.base import Code

router = APIRouter(prefix="/v1/transfers", tags=["shipping"], route_class=ConditionalRoute)

TransferId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$")]
ShortReason = Literal["lost", "damaged", "never_loaded", "other"]


class Transfer(BaseModel):
    """A transfer; quantities are in base units over all its lines."""

    model_config = ConfigDict(from_attributes=True)

    from_site: str
    id: str
    to_site: str
    state: Literal["draft", "shipped", "in_transit", "received", "short", "cancelled"]
    carrier: str | None
    due_on: date | None
    departed_at: datetime | None
    departed_by: str | None
    cancelled_at: datetime | None
    cancelled_by: str | None
    created_at: datetime
    created_by: str
    lines: int
    ordered: Decimal
    shipped: Decimal
    received: Decimal
    missing: Decimal = Field(description="Left, did not come, and was given up")


class TransferLine(BaseModel):
    """A line in base units of its item."""

    model_config = ConfigDict(from_attributes=True)

    line: str
    item: str | None
    item_name: str | None
    base_unit: str | None
    unit_seen: str
    lot: str | None
    ordered: Decimal | None
    shipped: Decimal
    received: Decimal
    missing: Decimal
    in_transit: Decimal


class TransferWhole(Transfer):
    """A transfer with its lines."""

    content: list[TransferLine]


class DeparturePaper(BaseModel):
    """That the vehicle is on its way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    carrier: Code | None = None


class ShortPaper(BaseModel):
    """Why what is on its way will not come."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: ShortReason


@router.get("")
def list_transfers(
    *, gate: TheGate, caller: Caller, site: SiteQuery = None, limit: Limit = 100, after: After = None
) -> Page[Transfer]:
    """List transfers from or to one's sites, by the sending site and number."""
    start = ("", "")
    if after is not None:
        after_site, after_id = map(str, decode_cursor(after, str, str))
        start = (after_site, after_id)
    with gate.acting(caller) as conn:
        rows = service.transfers(conn, caller, site=site, after=start, limit=limit + 1)
    return page_of(rows, limit, show=Transfer.model_validate, key=lambda row: [row.from_site, row.id])


@router.get("/{site}/{transfer}", responses=responses(404))
def get_transfer(*, gate: TheGate, caller: Caller, site: SiteId, transfer: TransferId) -> TransferWhole:
    """Give a transfer by one of its sites."""
    with gate.acting(caller) as conn:
        return _whole(service.transfer(conn, caller, at=site, name=transfer))


@router.post("", status_code=201, response_model=TransferWhole, responses=responses(400, 404, 409, 413))
def draft_transfer(*, once: Once, body: Sent[TransferPaper]) -> JSONResponse:
    """Draft a transfer; shipments against it move goods into transit, receipts out of it."""
    body.require_whole(
        once.gate,
        lambda conn: service.check_draft(conn, once.caller, body.paper, gaps=body.gaps),
        problem="document-not-possible",
    )
    return once.answer(body.paper, lambda conn: _whole(service.draft(conn, once.caller, body.paper)))


@router.post(
    "/{site}/{transfer}/departure",
    status_code=201,
    response_model=TransferWhole,
    responses=responses(400, 404, 409, 413),
)
def depart_transfer(*, once: Once, site: SiteId, transfer: TransferId, body: DeparturePaper) -> JSONResponse:
    """Say that the vehicle is on its way."""

    def effect(conn: Connection) -> TransferWhole:
        where = {"at": site, "name": transfer}
        now = once.gate.clock()
        return _whole(service.depart(conn, once.caller, carrier=body.carrier, now=now, **where))

    return once.answer(body, effect)


@router.post(
    "/{site}/{transfer}/cancel",
    status_code=201,
    response_model=TransferWhole,
    responses=responses(400, 404, 409, 413),
)
def cancel_transfer(*, once: Once, site: SiteId, transfer: TransferId) -> JSONResponse:
    """Call a transfer off before anything left."""

    def effect(conn: Connection) -> TransferWhole:
        return _whole(service.cancel(conn, once.caller, at=site, name=transfer, now=once.gate.clock()))

    return once.answer(None, effect)


@router.post(
    "/{site}/{transfer}/short",
    status_code=201,
    response_model=TransferWhole,
    responses=responses(400, 404, 409, 413),
)
def close_transfer_short(*, once: Once, site: SiteId, transfer: TransferId, body: ShortPaper) -> JSONResponse:
    """Expect nothing more of it: what left and did not come is given up."""

    def effect(conn: Connection) -> TransferWhole:
        where = {"at": site, "name": transfer}
        now = once.gate.clock()
        return _whole(service.give_up(conn, once.caller, reason=body.reason, now=now, **where))

    return once.answer(body, effect)


def _whole(story: TransferStory) -> TransferWhole:
    return TransferWhole(
        **Transfer.model_validate(story.transfer).model_dump(),
        content=[TransferLine.model_validate(line) for line in story.lines],
    )
