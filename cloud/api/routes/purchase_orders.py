"""`/v1/purchase-orders`: orders from approved to received; what is open is derived from movements."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.api.salvaging import Sent
from cloud.db import Connection
from cloud.decisions.domain import State as DecisionState
from cloud.documents import order_receipts, order_steps, orders
from cloud.documents.order_papers import DueDate, OrderPaper, OrderStory, ReceiptPaper
from cloud.documents.papers import LineNumber
from cloud.replenishment import confirming, ordering
from cloud.replenishment.confirming import ConfirmationPaper
from contracts.base import ID_PATTERN

router = APIRouter(prefix="/v1/purchase-orders", tags=["purchase orders"], route_class=ConditionalRoute)

SiteId = Annotated[str, Path(pattern=ID_PATTERN)]
OrderId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$")]
State = Literal["approved", "sent", "closed", "cancelled"]


class PurchaseOrder(BaseModel):
    """A purchase order; it is sent once, and counts as coming from then on."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    id: str
    supplier: str
    currency: str
    origin: Literal["decision", "elsewhere"]
    decision_id: int | None = Field(description="That approved it; null: it was placed elsewhere")
    state: State
    sent_at: datetime | None
    sent_by: str | None
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None
    created_at: datetime
    created_by: str
    lines: int
    value: Decimal | None = Field(description="Null: a price is not known")


class PurchaseOrderLine(BaseModel):
    """A line in base units of its item."""

    model_config = ConfigDict(from_attributes=True)

    line: str
    item: str
    item_name: str | None
    base_unit: str
    supplier_code: str | None = Field(description="What the supplier calls the item")
    quantity: Decimal = Field(description="As ordered, or as confirmed and taken since")
    price: Decimal | None
    ordered: Decimal
    stated_quantity: Decimal = Field(description="As it was ordered, in `unit_seen`")
    unit_seen: str = Field(description="`base`, or the GTIN of the packaging level that was ordered")
    identifier_scheme: str
    identifier: str = Field(description="What named the item when it was ordered")
    ordered_price: Decimal | None
    due_on: date = Field(description="As confirmed or expected last")
    ordered_for: date
    received: Decimal = Field(description="Sound and damaged, less what was reversed or sent back")
    damaged: Decimal
    open_quantity: Decimal
    over: Decimal


class Confirmation(BaseModel):
    """What the supplier confirmed of a line."""

    model_config = ConfigDict(from_attributes=True)

    line: str
    revision: int
    quantity: Decimal = Field(description="Of the whole line; 0: nothing will come")
    price: Decimal | None
    due_on: date
    reference: str = Field(description="The supplier's own number for it")
    beyond: list[str] = Field(description="What of it is beyond the tolerance; empty: it was taken at once")
    decision_id: int | None = Field(description="That takes it or not; null: it was taken at once")
    decision_state: DecisionState | None
    is_taken: bool
    stated_at: datetime
    stated_by: str


class Receipt(BaseModel):
    """What a person said came of a line with one delivery."""

    model_config = ConfigDict(from_attributes=True)

    receipt: str
    line: str
    open_before: Decimal
    received: Decimal
    damaged: Decimal
    over: Decimal
    short: Decimal
    location: str
    occurred_at: datetime
    received_by: str


class PurchaseOrderWhole(PurchaseOrder):
    """An order with its lines, receipts and confirmations."""

    content: list[PurchaseOrderLine]
    receipts: list[Receipt]
    confirmations: list[Confirmation]
    is_complete: bool


class Received(BaseModel):
    """A receipt that was posted."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    id: str
    receipt: str
    position: int = Field(description="The posting's place in the ledger's order")
    lines: list[Receipt]


class DatePaper(BaseModel):
    """When a line is due now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: LineNumber
    due_on: DueDate
    reason: Literal["confirmed", "expedited", "delayed"] = "confirmed"


class ClosePaper(BaseModel):
    """Why nothing more is expected."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Literal[
        "supplier_cannot",
        "not_needed",
        "ordered_elsewhere",
        "approved_in_error",
        "facts_changed",
        "wrong_quantity",
        "wrong_item",
        "other",
    ]


@router.get("")
def list_purchase_orders(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(pattern=ID_PATTERN)] = None,
    state: State | None = None,
    supplier: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$")] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[PurchaseOrder]:
    """List purchase orders by site and id."""
    start = ("", "")
    if after is not None:
        after_site, after_id = map(str, decode_cursor(after, str, str))
        start = (after_site, after_id)
    with gate.acting(caller) as conn:
        rows = orders.orders(
            conn, caller, site=site, state=state, supplier=supplier, after=start, limit=limit + 1
        )
    return page_of(rows, limit, show=PurchaseOrder.model_validate, key=lambda row: [row.site, row.id])


@router.get("/{site}/{order}", responses=responses(404))
def get_purchase_order(*, gate: TheGate, caller: Caller, site: SiteId, order: OrderId) -> PurchaseOrderWhole:
    """Give an order with its lines and receipts."""
    with gate.acting(caller) as conn:
        return _whole(orders.order(conn, caller, site=site, name=order))


@router.post("", status_code=201, response_model=PurchaseOrderWhole, responses=responses(400, 404, 409, 413))
def register_purchase_order(*, once: Once, body: Sent[OrderPaper]) -> JSONResponse:
    """Register an order that was placed elsewhere; it counts as sent."""
    paper, now = body.paper, once.gate.clock()
    body.require_whole(
        once.gate,
        lambda conn: orders.check_order(conn, once.caller, paper, now=now, gaps=body.gaps),
        problem="document-not-possible",
    )

    def effect(conn: Connection) -> PurchaseOrderWhole:
        orders.register_order(conn, once.caller, paper, now=now)
        return _whole(orders.order(conn, once.caller, site=paper.site, name=paper.id))

    return once.answer(paper, effect)


@router.post(
    "/{site}/{order}/sent",
    status_code=201,
    response_model=PurchaseOrderWhole,
    responses=responses(400, 404, 409, 413),
)
def send_purchase_order(*, once: Once, site: SiteId, order: OrderId) -> JSONResponse:
    """Say that an approved order went to its supplier."""

    def effect(conn: Connection) -> PurchaseOrderWhole:
        return _whole(ordering.send(conn, once.caller, site=site, name=order, now=once.gate.clock()))

    return once.answer(None, effect)


@router.post(
    "/{site}/{order}/dates",
    status_code=201,
    response_model=PurchaseOrderWhole,
    responses=responses(400, 404, 409, 413),
)
def state_purchase_order_date(*, once: Once, site: SiteId, order: OrderId, body: DatePaper) -> JSONResponse:
    """Say when a line is due now."""

    def effect(conn: Connection) -> PurchaseOrderWhole:
        where = {"site": site, "name": order, "line": body.line}
        return _whole(
            order_steps.state_date(conn, once.caller, due_on=body.due_on, reason=body.reason, **where)
        )

    return once.answer(body, effect)


@router.post(
    "/{site}/{order}/confirmations",
    status_code=201,
    response_model=PurchaseOrderWhole,
    responses=responses(400, 404, 409, 413),
)
def confirm_purchase_order(
    *, once: Once, site: SiteId, order: OrderId, body: ConfirmationPaper
) -> JSONResponse:
    """Record what the supplier confirmed; beyond the tolerance it waits for an approver."""

    def effect(conn: Connection) -> PurchaseOrderWhole:
        return _whole(confirming.confirm(conn, once.caller, body, site=site, name=order))

    return once.answer(body, effect)


@router.post(
    "/{site}/{order}/close",
    status_code=201,
    response_model=PurchaseOrderWhole,
    responses=responses(400, 404, 409, 413),
)
def close_purchase_order(*, once: Once, site: SiteId, order: OrderId, body: ClosePaper) -> JSONResponse:
    """Close a sent order: what has not come is not expected any more."""

    def effect(conn: Connection) -> PurchaseOrderWhole:
        where = {"site": site, "name": order}
        return _whole(ordering.close(conn, once.caller, reason=body.reason, now=once.gate.clock(), **where))

    return once.answer(body, effect)


@router.post(
    "/{site}/{order}/receipts",
    status_code=201,
    response_model=Received,
    responses=responses(400, 404, 409, 413),
)
def receive_purchase_order(
    *, once: Once, site: SiteId, order: OrderId, body: Sent[ReceiptPaper]
) -> JSONResponse:
    """Receive a delivery: its goods move from the supplier into stock, once per delivery note."""
    paper, now = body.paper, once.gate.clock()
    body.require_whole(
        once.gate,
        lambda conn: order_receipts.check_receipt(
            conn, once.caller, paper, site=site, name=order, now=now, gaps=body.gaps
        ),
        problem="document-not-possible",
    )

    def effect(conn: Connection) -> Received:
        found = order_receipts.receive(conn, once.caller, paper, site=site, name=order, now=now)
        return Received.model_validate(found)

    return once.answer(paper, effect)


def _whole(story: OrderStory) -> PurchaseOrderWhole:
    return PurchaseOrderWhole(
        **PurchaseOrder.model_validate(story.order).model_dump(),
        content=[PurchaseOrderLine.model_validate(line) for line in story.lines],
        receipts=[Receipt.model_validate(receipt) for receipt in story.receipts],
        confirmations=[Confirmation.model_validate(each) for each in story.confirmations],
        is_complete=story.is_complete,
    )
