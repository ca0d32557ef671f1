"""`/v1/allocations`, `/v1/availability`: claims of documents on stock, what is free, what may be promised."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from cloud.allocation import reading, service, terms
from cloud.allocation.claiming import Allocated, Wish
from cloud.allocation.domain import ClaimKind, Shortfall
from cloud.allocation.reading import PromiseStory
from cloud.allocation.terms import MOST_REASON, Said
from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.documents.order_papers import DueDate
from contracts.base import ID_PATTERN, STORABLE, Code, Site, UtcDatetime

router = APIRouter(prefix="/v1", tags=["allocation"], route_class=ConditionalRoute)

SiteId = Annotated[str, Path(pattern=ID_PATTERN)]
Document = Annotated[str, Field(min_length=3, max_length=260, pattern=r"^[a-z_]+/[^\x00-\x1f\x7f-\x9f]+$")]
"""``type/id``."""


class Claimed(BaseModel):
    """A claim of a document's line on stock."""

    model_config = ConfigDict(from_attributes=True)

    allocation_id: int
    site: str
    type: str
    id: str
    line: str
    item: str
    kind: ClaimKind
    quantity: Decimal = Field(description="In base units; never changed: a part that goes on is a new claim")
    location: str | None
    unit: str | None
    lot: str | None
    expires_on: date | None
    needed_on: date
    why: dict[str, Any] = Field(description="Why of this cell: the rule, and what was passed over")
    task: str | None
    task_line: int | None
    created_at: datetime
    created_by: str
    ended_at: datetime | None
    ended_because: str | None


class Available(BaseModel):
    """An item's stock at a site, in base units; `available` below zero: more is claimed than there is."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    item: str
    name: str | None
    base_unit: str
    on_hand: Decimal
    usable: Decimal = Field(description="May leave, and is good today")
    soft: Decimal
    hard: Decimal
    picked: Decimal
    in_transit: Decimal = Field(description="On its way there from another site")
    available: Decimal


class PromiseDay(BaseModel):
    """A day on which something changes; it holds until the next."""

    model_config = ConfigDict(from_attributes=True)

    on: date
    receipts: Decimal
    orders: Decimal
    expiring: Decimal = Field(description="What no order uses before it is no longer good")
    projected: Decimal = Field(description="Stock by then; below zero: orders wait")
    available: Decimal = Field(description="May be promised for this day without making any order later")


class ScheduledReceipt(BaseModel):
    """Goods that are to come; those overdue or without a date are promised to nobody."""

    model_config = ConfigDict(from_attributes=True)

    type: str
    id: str
    partner: str | None
    due_on: date | None
    quantity: Decimal


class OpenLine(BaseModel):
    """A line that goods have not left for."""

    model_config = ConfigDict(from_attributes=True)

    type: str
    id: str
    line: str
    quantity: Decimal
    needed_on: date
    soft: Decimal
    hard: Decimal


class Promised(BaseModel):
    """What may be promised of an item, by date, with what it follows from."""

    site: str
    item: str
    today: date
    days: list[PromiseDay]
    receipts: list[ScheduledReceipt]
    orders: list[OpenLine]


class NewAllocation(BaseModel):
    """Which lines to serve; nothing named: every open line of the site."""

    model_config = ConfigDict(extra="forbid")

    site: Site
    documents: Annotated[tuple[Document, ...], Field(max_length=1000)] | None = None
    visit: Code | None = None
    due_until: UtcDatetime | None = None
    kind: Literal["soft", "hard"] = Field(
        default="hard", description="Soft: a quantity; hard: of bins and lots"
    )


class Short(BaseModel):
    """What of a line nothing covers."""

    document: str
    line: str
    quantity: Decimal
    passed_over: dict[str, Decimal] = Field(description="What is there and does not do, by reason")


class Served(BaseModel):
    """A claim that was made."""

    document: str
    line: str
    quantity: Decimal
    location: str
    unit: str | None
    lot: str | None
    expires_on: date | None
    why: dict[str, Any]


class Outcome(BaseModel):
    """What was claimed, and what is short."""

    lines: int
    claims: list[Served]
    shortfalls: list[Short]
    overclaimed: list[Short] = Field(description="Soft claims, of any document, that nothing covers any more")


class NewRelease(BaseModel):
    """Whose claims are let go, those not picked yet."""

    model_config = ConfigDict(extra="forbid")

    site: Site
    document: Document
    because: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")] = "released"


class Released(BaseModel):
    """How many claims ended."""

    released: int


class LotDate(BaseModel):
    """When a lot is no longer good, when it was made, or both."""

    model_config = ConfigDict(extra="forbid")

    item: Code
    lot: Code
    expires_on: date | None = Field(
        None,
        description="The first day on which it is no longer good; null: it keeps; left out: nobody says, it "
        "expires as its labels say, else its item's shelf life after `produced_on`, unless somebody says or "
        "said otherwise",
    )
    produced_on: DueDate | None = Field(None, description="As stands on the goods (AI 11); null: as before")
    taken_back: list[Said] = Field(
        [],
        max_length=2,
        description="What people said before and counts no more, unless it is said here: labels say it then, "
        "or its item's shelf life",
    )
    reason: Annotated[str, STORABLE] | None = Field(
        None, min_length=1, max_length=MOST_REASON, description="Why it is said, or said otherwise"
    )

    @model_serializer(mode="wrap")
    def _as_before(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Leave out what is left out and the release before did not know: the request is the same as then."""
        left_out = {"taken_back", "reason"} - self.model_fields_set
        return {name: value for name, value in write(self).items() if name not in left_out}


class CustomerLife(BaseModel):
    """How long goods must last after they have left for a customer."""

    model_config = ConfigDict(extra="forbid")

    partner: Code
    item: Code | None = Field(default=None, description="null: every item without terms of its own")
    minimum_days: Annotated[int, Field(ge=0, le=36_500)]


class Kept(BaseModel):
    """Whether it was new."""

    is_new: bool


@router.get("/allocations")
def list_allocations(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    document: Annotated[str | None, Query(max_length=260, description="`type/id`")] = None,
    item: Annotated[str | None, Query(max_length=128)] = None,
    ended: Annotated[bool, Query(description="Ended ones too")] = False,
    limit: Limit = 100,
    after: After = None,
) -> Page[Claimed]:
    """List claims on stock by number."""
    (start,) = decode_cursor(after, int) if after else (0,)
    asked = {"site": site, "document": document, "item": item}
    with gate.acting(caller) as conn:
        rows = reading.claims(conn, caller, **asked, with_ended=ended, after=int(start), limit=limit + 1)
    return page_of(rows, limit, show=Claimed.model_validate, key=lambda row: [row.allocation_id])


@router.get("/availability")
def list_availability(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    item: Annotated[str | None, Query(max_length=128)] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Available]:
    """Tell by site and item what lies there, is claimed and is free."""
    start = ("", "")
    if after is not None:
        after_site, after_item = map(str, decode_cursor(after, str, str))
        start = (after_site, after_item)
    with gate.acting(caller) as conn:
        asked = {"site": site, "item": item}
        rows = reading.availability(conn, caller, **asked, now=gate.clock(), after=start, limit=limit + 1)
    return page_of(rows, limit, show=Available.model_validate, key=lambda row: [row.site, row.item])


@router.get("/availability/{site}/{item:path}", responses=responses(404))
def get_promise(
    *, gate: TheGate, caller: Caller, site: SiteId, item: Annotated[str, Path(max_length=128)]
) -> Promised:
    """Tell what may be promised of an item by date (APICS: cumulative ATP with look-ahead)."""
    with gate.acting(caller) as conn:
        return _promised(reading.promise(conn, caller, site=site, item=item, now=gate.clock()))


@router.post("/allocations", status_code=201, response_model=Outcome, responses=responses(400, 404, 409, 413))
def allocate(*, once: Once, body: NewAllocation) -> JSONResponse:
    """Claim stock for lines, first expired first out; what nothing covers is told."""
    wish = Wish(body.site, body.documents, body.visit, body.due_until)

    def effect(conn: Connection) -> Outcome:
        done = service.allocate(conn, once.caller, wish, kind=ClaimKind(body.kind), now=once.gate.clock())
        return outcome_of(done)

    return once.answer(body, effect)


@router.post(
    "/allocations/release",
    status_code=201,
    response_model=Released,
    responses=responses(400, 404, 409, 413),
)
def release(*, once: Once, body: NewRelease) -> JSONResponse:
    """Let go of what a document has claimed and not picked."""

    def effect(conn: Connection) -> Released:
        asked = {"site": body.site, "document": body.document, "because": body.because}
        return Released(released=service.release(conn, once.caller, **asked, now=once.gate.clock()))

    return once.answer(body, effect)


@router.post("/lots", status_code=201, response_model=Kept, responses=responses(400, 404, 409, 413))
def put_lot(*, once: Once, body: LotDate) -> JSONResponse:
    """State when a lot is no longer good, or when it was made, or take back what was stated."""

    def effect(conn: Connection) -> Kept:
        is_new = terms.put_lot(
            conn,
            once.caller,
            item=body.item,
            lot=body.lot,
            expires_on=body.expires_on,
            produced_on=body.produced_on,
            states_expiry="expires_on" in body.model_fields_set,
            taken_back=body.taken_back,
            reason=body.reason,
        )
        return Kept(is_new=is_new)

    return once.answer(body, effect)


@router.post("/customer-terms", status_code=201, response_model=Kept, responses=responses(400, 404, 409, 413))
def put_customer_terms(*, once: Once, body: CustomerLife) -> JSONResponse:
    """State how long goods must last after they have left for a customer."""

    def effect(conn: Connection) -> Kept:
        is_new = terms.put_life(
            conn, once.caller, partner=body.partner, item=body.item, days=body.minimum_days
        )
        return Kept(is_new=is_new)

    return once.answer(body, effect)


def outcome_of(done: Allocated) -> Outcome:
    """Show what was claimed and what is short.

    Args:
        done: What came of a wish.

    Returns:
        For an answer.
    """
    return Outcome(
        lines=done.lines,
        claims=[
            Served(
                document=f"{claim.name.type}/{claim.name.id}",
                line=claim.name.line,
                quantity=claim.quantity,
                location=claim.cell.location,
                unit=claim.cell.unit,
                lot=claim.cell.lot,
                expires_on=claim.cell.expires_on,
                why=dict(claim.why),
            )
            for claim in done.claims
        ],
        shortfalls=[_short(each) for each in done.shortfalls],
        overclaimed=[_short(each) for each in done.overclaimed],
    )


def _short(each: Shortfall) -> Short:
    return Short(
        document=f"{each.name.type}/{each.name.id}",
        line=each.name.line,
        quantity=each.quantity,
        passed_over=dict(each.passed_over),
    )


def _promised(story: PromiseStory) -> Promised:
    return Promised(
        site=story.site,
        item=story.item,
        today=story.day,
        days=[PromiseDay.model_validate(row) for row in story.rows],
        receipts=[ScheduledReceipt.model_validate(row) for row in story.receipts],
        orders=[OpenLine.model_validate(row) for row in story.orders],
    )
