"""`/v1/receipts`: what came, as people say it; each is posted once and taken back line by line."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once, Posted
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import ProblemError, responses
from cloud.api.requests import Caller, TheGate
from cloud.api.routes.instants import instant_of
from cloud.api.salvaging import Read, Sent
from cloud.db import Connection
from cloud.documents.papers import DocumentType
from cloud.documents.receiving import reading, reversing, service
from cloud.documents.receiving.papers import DeliveryPaper, ReceiptRow
from cloud.faults import Fault
from contracts.base import ID_PATTERN

router = APIRouter(prefix="/v1/receipts", tags=["receiving"], route_class=ConditionalRoute)

SiteId = Annotated[str, Path(pattern=ID_PATTERN)]
SiteQuery = Annotated[str | None, Query(pattern=ID_PATTERN)]
ReceiptId = Annotated[str, Path(min_length=1, max_length=128, pattern=r"^[^/\x00-\x1f\x7f-\x9f]*$")]
ReversalReason = Literal["misread", "typing_error", "wrong_item", "wrong_quantity", "wrong_document", "other"]


class Receipt(BaseModel):
    """A receipt; figures are numbers of lines."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    id: str
    origin: Literal["supplier", "customer", "transfer"]
    partner: str | None
    delivery_note: str | None
    visit: str | None
    location: str
    is_blind: bool
    occurred_at: datetime
    recorded_at: datetime
    received_by: str
    position: int | None = Field(description="In the ledger's order; null: all of it was rejected")
    lines: int
    over: int
    short: int
    unexpected: int
    damaged: int
    rejected: int


class NewReceipt(Receipt):
    """A receipt that was taken in now."""

    issued: list[str] = Field(description="SSCCs that were given out for it, by new unit in order")


class ReceiptLine(BaseModel):
    """What came of a line, in base units of its item."""

    model_config = ConfigDict(from_attributes=True)

    line: str
    of_type: DocumentType | Literal["purchase_order"] | None
    of_id: str | None
    of_line: str | None
    item: str | None
    item_name: str | None
    base_unit: str | None
    identifier_scheme: str
    identifier: str
    unit_seen: str
    expected: Decimal | None = Field(description="By the purchase order; null: none is known")
    declared: Decimal | None = Field(description="By the ASN, return or transfer")
    open_before: Decimal | None = Field(description="Null: no document asked for it")
    received: Decimal = Field(description="Sound; damaged came beside it, rejected was not taken in")
    damaged: Decimal
    rejected: Decimal
    held: Decimal = Field(description="Of the received: on hold, unexpected or beyond the tolerance")
    over: Decimal
    short: Decimal
    condition: Literal["sellable", "inspection", "returned", "hold"]
    is_unexpected: bool
    reason: str | None
    days_left: int | None = Field(
        description="Until its lot expires, where its item asks for more; null: long enough, or not known"
    )
    lot: str | None
    unit: str | None
    owner: str | None = Field(description="Whose it is, as stated; null: our own")
    location: str
    reversed_at: datetime | None
    reversed_by: str | None
    reversal_reason: str | None
    waiting: Decimal = Field(description="Of it in inspection, ungraded or on hold now")
    is_unchecked: bool = Field(
        description="Received in its unit as the paper declares it, and not counted in the unit since"
    )


class Checked(BaseModel):
    """What is wrong with a delivery; nothing of it was posted."""

    faults: list[str]


class ReversalPaper(BaseModel):
    """Which line is taken back, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^/\x00-\x1f\x7f-\x9f]*$")]
    reason: ReversalReason


class Reversed(BaseModel):
    """A line that was taken back."""

    site: str
    id: str
    line: str
    position: int | None = Field(description="Of the reversal in the ledger's order; null: nothing had moved")


@router.get("")
def list_receipts(
    *,
    gate: TheGate,
    caller: Caller,
    site: SiteQuery = None,
    origin: Literal["supplier", "customer", "transfer"] | None = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Receipt]:
    """List receipts, the latest first."""
    before = reading.LATEST
    if after is not None:
        at, after_site, after_id = map(str, decode_cursor(after, str, str, str))
        before = (instant_of(at), after_site, after_id)
    with gate.acting(caller) as conn:
        rows = reading.receipts(conn, caller, site=site, origin=origin, before=before, limit=limit + 1)
    return page_of(rows, limit, show=Receipt.model_validate, key=_key)


@router.get("/{site}/{receipt}", responses=responses(404))
def get_receipt(*, gate: TheGate, caller: Caller, site: SiteId, receipt: ReceiptId) -> Receipt:
    """Give a receipt without its lines."""
    with gate.acting(caller) as conn:
        found = reading.receipt(conn, caller, site=site, name=receipt, limit=0)
    return Receipt.model_validate(found.receipt)


@router.get("/{site}/{receipt}/lines", responses=responses(404))
def list_receipt_lines(
    *,
    gate: TheGate,
    caller: Caller,
    site: SiteId,
    receipt: ReceiptId,
    limit: Limit = 100,
    after: After = None,
) -> Page[ReceiptLine]:
    """List a receipt's lines in order."""
    start = int(decode_cursor(after, int)[0]) if after is not None else 0
    if not 0 <= start < 2**31:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "bad-cursor", "query.after is no `next` of this list"
        )
    with gate.acting(caller) as conn:
        found = reading.receipt(conn, caller, site=site, name=receipt, after=start, limit=limit + 1)
    numbered = list(enumerate(found.lines, start=start + 1))
    return page_of(
        numbered, limit, show=lambda row: ReceiptLine.model_validate(row[1]), key=lambda row: [row[0]]
    )


@router.post("", status_code=201, response_model=NewReceipt, responses=responses(400, 404, 409, 413))
def receive_delivery(*, once: Once, body: Sent[DeliveryPaper]) -> JSONResponse:
    """Receive a delivery whole or not at all; faults of form and of the book are told together."""
    paper = _whole(once, body)

    def effect(conn: Connection) -> NewReceipt:
        done = service.receive(conn, once.caller, paper, now=once.gate.clock())
        found = reading.receipt(conn, once.caller, site=paper.site, name=paper.receipt, limit=0)
        head = Receipt.model_validate(found.receipt).model_dump()
        return NewReceipt(**head, issued=list(done.issued))

    return once.answer(paper, effect)


@router.post("/check", status_code=201, response_model=Checked, responses=responses(400, 409, 413))
def check_delivery(*, once: Once, body: Sent[DeliveryPaper]) -> JSONResponse:
    """Say what is wrong with a delivery without receiving it."""
    paper = _whole(once, body)

    def effect(conn: Connection) -> Checked:
        faults = service.check(conn, once.caller, paper, now=once.gate.clock())
        return Checked(faults=[fault.message for fault in faults])

    return once.answer(paper, effect)


@router.post(
    "/{site}/{receipt}/reversals",
    status_code=201,
    response_model=Reversed,
    responses=responses(400, 404, 409, 413),
)
def reverse_receipt_line(
    *, once: Once, site: SiteId, receipt: ReceiptId, body: ReversalPaper
) -> JSONResponse:
    """Take a line back: what it moved is moved back at its own instant."""

    def effect(conn: Connection) -> Reversed:
        where = {"site": site, "name": receipt, "line": body.line}
        position = reversing.reverse_line(conn, once.caller, reason=body.reason, **where)
        return Reversed(site=site, id=receipt, line=body.line, position=position)

    return once.answer(body, effect)


def _whole(once: Posted, body: Read[DeliveryPaper]) -> DeliveryPaper:
    def check(conn: Connection) -> Sequence[Fault]:
        return service.check(conn, once.caller, body.paper, now=once.gate.clock(), gaps=body.gaps)

    body.require_whole(once.gate, check, problem="document-not-possible")
    return body.paper


def _key(row: ReceiptRow) -> list[str | int]:
    return [row.recorded_at.isoformat(), row.site, row.id]
