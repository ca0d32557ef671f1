"""`/v1/shipments`: what leaves, as people say it; each is posted once and taken back line by line."""

from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import ProblemError, responses
from cloud.api.requests import Caller, TheGate
from cloud.api.routes.instants import instant_of
from cloud.api.routes.receipts import ReceiptId, ReversalPaper, SiteId, SiteQuery
from cloud.api.salvaging import Sent
from cloud.db import Connection
from cloud.documents.shipping import reading, service
from cloud.documents.shipping.papers import ShipmentPaper

router = APIRouter(prefix="/v1/shipments", tags=["shipping"], route_class=ConditionalRoute)


class Shipment(BaseModel):
    """A shipment."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    id: str
    destination: Literal["customer", "supplier", "transfer"]
    partner: str | None
    carrier: str | None
    visit: str | None
    occurred_at: datetime
    recorded_at: datetime
    shipped_by: str
    position: int = Field(description="In the ledger's order")
    lines: int


class ShipmentLine(BaseModel):
    """What left for a line, in base units of its item."""

    model_config = ConfigDict(from_attributes=True)

    line: str
    of_type: Literal["outbound_order", "supplier_return", "transfer"]
    of_id: str
    of_line: str
    item: str
    item_name: str | None
    base_unit: str
    unit_seen: str
    open_before: Decimal
    quantity: Decimal
    lot: str | None
    unit: str | None
    location: str | None
    disposition: str | None
    reversed_at: datetime | None
    reversed_by: str | None
    reversal_reason: str | None


class TakenBack(BaseModel):
    """A line that was taken back."""

    site: str
    id: str
    line: str
    position: int = Field(description="Of the reversal in the ledger's order")


@router.get("")
def list_shipments(
    *,
    gate: TheGate,
    caller: Caller,
    site: SiteQuery = None,
    destination: Annotated[Literal["customer", "supplier", "transfer"] | None, Query()] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Shipment]:
    """List shipments, the latest first."""
    before = reading.LATEST
    if after is not None:
        at, after_site, after_id = map(str, decode_cursor(after, str, str, str))
        before = (instant_of(at), after_site, after_id)
    with gate.acting(caller) as conn:
        rows = reading.shipments(
            conn, caller, site=site, destination=destination, before=before, limit=limit + 1
        )
    return page_of(
        rows,
        limit,
        show=Shipment.model_validate,
        key=lambda row: [row.recorded_at.isoformat(), row.site, row.id],
    )


@router.get("/{site}/{shipment}", responses=responses(404))
def get_shipment(*, gate: TheGate, caller: Caller, site: SiteId, shipment: ReceiptId) -> Shipment:
    """Give a shipment without its lines."""
    with gate.acting(caller) as conn:
        found = reading.shipment(conn, caller, site=site, name=shipment, limit=0)
    return Shipment.model_validate(found.shipment)


@router.get("/{site}/{shipment}/lines", responses=responses(404))
def list_shipment_lines(
    *,
    gate: TheGate,
    caller: Caller,
    site: SiteId,
    shipment: ReceiptId,
    limit: Limit = 100,
    after: After = None,
) -> Page[ShipmentLine]:
    """List a shipment's lines in order."""
    start = int(decode_cursor(after, int)[0]) if after is not None else 0
    if not 0 <= start < 2**31:
        why = "query.after is no `next` of this list; begin again without it"
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad-cursor", why)
    with gate.acting(caller) as conn:
        found = reading.shipment(conn, caller, site=site, name=shipment, after=start, limit=limit + 1)
    numbered = list(enumerate(found.lines, start=start + 1))
    return page_of(
        numbered, limit, show=lambda row: ShipmentLine.model_validate(row[1]), key=lambda row: [row[0]]
    )


@router.post("", status_code=201, response_model=Shipment, responses=responses(400, 404, 409, 413))
def ship_goods(*, once: Once, body: Sent[ShipmentPaper]) -> JSONResponse:
    """Ship whole or not at all; faults of form and of the book are told together."""
    paper, now = body.paper, once.gate.clock()
    body.require_whole(
        once.gate,
        lambda conn: service.check_shipment(conn, once.caller, paper, now=now, gaps=body.gaps),
        problem="document-not-possible",
    )

    def effect(conn: Connection) -> Shipment:
        service.ship(conn, once.caller, paper, now=now)
        found = reading.shipment(conn, once.caller, site=paper.site, name=paper.shipment, limit=0)
        return Shipment.model_validate(found.shipment)

    return once.answer(paper, effect)


@router.post(
    "/{site}/{shipment}/reversals",
    status_code=201,
    response_model=TakenBack,
    responses=responses(400, 404, 409, 413),
)
def reverse_shipment_line(
    *, once: Once, site: SiteId, shipment: ReceiptId, body: ReversalPaper
) -> JSONResponse:
    """Take a line back: what it moved is moved back at its own instant."""

    def effect(conn: Connection) -> TakenBack:
        where = {"site": site, "name": shipment, "line": body.line}
        position = service.reverse_line(conn, once.caller, reason=body.reason, **where)
        return TakenBack(site=site, id=shipment, line=body.line, position=position)

    return once.answer(body, effect)
