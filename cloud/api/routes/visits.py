"""`/v1/visits`: vehicles at doors, what remains of them, receipts, departures and ends."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.documents import service, visits
from cloud.documents.domain import RemainderReason, VisitRow
from cloud.documents.papers import Unit, VisitPaper
from cloud.documents.visits import Confirmed, VisitStory
from cloud.identity.actor import Actor
from cloud.identity.gate import Gate
from contracts.base import ID_PATTERN

router = APIRouter(prefix="/v1/visits", tags=["documents"], route_class=ConditionalRoute)

SiteId = Annotated[str, Path(pattern=ID_PATTERN)]
VisitId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
State = Literal["open", "closed", "cancelled"]


class Visit(BaseModel):
    """A vehicle at a door."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    visit: str
    door: str
    gateway: str = Field(description="Which hears the door")
    direction: Literal["inbound", "outbound"]
    from_at: datetime
    to_at: datetime | None
    clearing_account: str
    documents: list[str] = Field(description="`type/id` of each")
    state: State
    reasons: dict[str, RemainderReason] = Field(description="Why what remained did, by unit or item")


class Left(BaseModel):
    """Something that keeps a visit from being clear."""

    model_config = ConfigDict(from_attributes=True)

    kind: Literal["missing_unit", "unexpected_unit", "unsettled_unit", "loose", "card"]
    name: str = Field(description="The unit, the item's code, or the crossing: what a reason is given for")
    quantity: Decimal | None
    message: str


class VisitWhole(Visit):
    """A visit with what crossed for it and what remains."""

    lines: int
    settled_lines: int
    crossed_units: list[str]
    remainders: list[Left]


class NewConfirmation(BaseModel):
    """A receipt or departure; units are those that are there although no reader saw them."""

    model_config = ConfigDict(extra="forbid")

    units: Annotated[tuple[Unit, ...], Field(max_length=1000)] = ()


class Confirmation(BaseModel):
    """What changed hands now, and what is missing."""

    visit: str
    position: int | None = Field(description="In the ledger's order; null: nothing was left to post")
    settled: list[str] = Field(description="`type/id/line` of the lines that changed hands now")
    missing_units: list[str]
    unexpected_units: list[str]


class NewEnd(BaseModel):
    """Why something remains of a visit, by the name of the remainder."""

    model_config = ConfigDict(extra="forbid")

    reasons: Annotated[dict[str, RemainderReason], Field(max_length=1000)] = Field(default_factory=dict)


@router.get("")
def list_visits(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    state: State | None = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Visit]:
    """List visits by site and name."""
    start = ("", "")
    if after is not None:
        after_site, after_visit = map(str, decode_cursor(after, str, str))
        start = (after_site, after_visit)
    with gate.acting(caller) as conn:
        rows = visits.visits(conn, caller, site=site, state=state, after=start, limit=limit + 1)
    return page_of(rows, limit, show=_shown, key=lambda row: [row.site, row.visit])


@router.get("/{site}/{visit}", responses=responses(404))
def get_visit(*, gate: TheGate, caller: Caller, site: SiteId, visit: VisitId) -> VisitWhole:
    """Give a visit with what remains of it."""
    with gate.acting(caller) as conn:
        return _whole(visits.story(conn, caller, site=site, visit=visit))


@router.post("", status_code=201, response_model=VisitWhole, responses=responses(400, 404, 409, 413))
def register_visit(
    *, gate: TheGate, caller: Caller, body: VisitPaper, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Open a visit, which the door's gateway is told; the same content again is answered the same."""

    def effect(conn: Connection) -> VisitWhole:
        service.register_visit(conn, caller, body, now=gate.clock())
        return _whole(visits.story(conn, caller, site=body.site, visit=body.visit))

    return post_once(gate, caller, idempotency_key, target="/v1/visits", body=body, effect=effect)


@router.post(
    "/{site}/{visit}/receipt",
    status_code=201,
    response_model=Confirmation,
    responses=responses(400, 404, 409, 413),
)
def confirm_receipt(
    *,
    gate: TheGate,
    caller: Caller,
    site: SiteId,
    visit: VisitId,
    body: NewConfirmation,
    idempotency_key: IdempotencyKey,
) -> JSONResponse:
    """Receive what an inbound visit brought: each line once, units that crossed or are named here."""
    asked = {"site": site, "visit": visit, "direction": "inbound"}
    return _confirm(gate, caller, idempotency_key, body, f"/v1/visits/{site}/{visit}/receipt", **asked)


@router.post(
    "/{site}/{visit}/departure",
    status_code=201,
    response_model=Confirmation,
    responses=responses(400, 404, 409, 413),
)
def confirm_departure(
    *,
    gate: TheGate,
    caller: Caller,
    site: SiteId,
    visit: VisitId,
    body: NewConfirmation,
    idempotency_key: IdempotencyKey,
) -> JSONResponse:
    """Let what an outbound visit took go to the customer: each line once."""
    asked = {"site": site, "visit": visit, "direction": "outbound"}
    return _confirm(gate, caller, idempotency_key, body, f"/v1/visits/{site}/{visit}/departure", **asked)


@router.post(
    "/{site}/{visit}/close", status_code=201, response_model=Visit, responses=responses(400, 404, 409, 413)
)
def close_visit(
    *,
    gate: TheGate,
    caller: Caller,
    site: SiteId,
    visit: VisitId,
    body: NewEnd,
    idempotency_key: IdempotencyKey,
) -> JSONResponse:
    """End a visit that is clear, or whose every remainder has a reason; open cards take none."""

    def effect(conn: Connection) -> Visit:
        reasons = {name: reason.value for name, reason in body.reasons.items()}
        ended = visits.close(conn, caller, site=site, visit=visit, reasons=reasons, now=gate.clock())
        return _shown(ended)

    target = f"/v1/visits/{site}/{visit}/close"
    return post_once(gate, caller, idempotency_key, target=target, body=body, effect=effect)


@router.post(
    "/{site}/{visit}/cancel", status_code=201, response_model=Visit, responses=responses(400, 404, 409, 413)
)
def cancel_visit(
    *, gate: TheGate, caller: Caller, site: SiteId, visit: VisitId, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """End a visit for which nothing crossed and nothing was confirmed."""
    return post_once(
        gate,
        caller,
        idempotency_key,
        target=f"/v1/visits/{site}/{visit}/cancel",
        body=None,
        effect=lambda conn: _shown(visits.cancel(conn, caller, site=site, visit=visit, now=gate.clock())),
    )


def _shown(row: VisitRow) -> Visit:
    return Visit.model_validate(row)


def _whole(story: VisitStory) -> VisitWhole:
    return VisitWhole(
        **_shown(story.visit).model_dump(),
        lines=len(story.lines),
        settled_lines=len(story.settled),
        crossed_units=list(story.crossed),
        remainders=[Left.model_validate(left) for left in story.remainders],
    )


def _confirm(
    gate: Gate, caller: Actor, key: str, body: NewConfirmation, target: str, **asked: str
) -> JSONResponse:
    def effect(conn: Connection) -> Confirmation:
        done = visits.confirm(conn, caller, confirmed_units=body.units, now=gate.clock(), **asked)
        return _confirmed(done)

    return post_once(gate, caller, key, target=target, body=body, effect=effect)


def _confirmed(done: Confirmed) -> Confirmation:
    return Confirmation(
        visit=done.visit,
        position=done.position,
        settled=[line.name for line in done.lines],
        missing_units=list(done.missing_units),
        unexpected_units=list(done.unexpected_units),
    )
