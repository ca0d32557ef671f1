"""`/v1/tickets`: what people should know, who looks after it and by when."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from cloud.alerts import service
from cloud.alerts.domain import CLOSE_REASONS, Severity, TicketState
from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.inquiry.domain import GREATEST
from contracts.base import UtcDatetime

router = APIRouter(prefix="/v1/tickets", tags=["tickets"], route_class=ConditionalRoute)

Number = Annotated[int, Path(ge=1, le=GREATEST)]
Note = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$")]
Text = Annotated[str | None, Query(max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


class Ticket(BaseModel):
    """One thing that is wrong, however often it was noticed."""

    model_config = ConfigDict(from_attributes=True)

    ticket_id: int
    dedup_key: str
    kind: str
    severity: Severity
    site: str | None = Field(description="null: of the network")
    summary: str
    state: TicketState
    owner: str | None
    due_at: datetime | None
    escalated_at: datetime | None
    opened_at: datetime
    last_at: datetime
    occurrences: int
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    close_reason: str | None = Field(description="null: it was right again by itself")
    note: str
    detail: dict[str, JsonValue]


class TicketStep(BaseModel):
    """What was done with a ticket; never rewritten."""

    model_config = ConfigDict(from_attributes=True)

    step: int
    action: str
    actor: str
    detail: dict[str, JsonValue]
    taken_at: datetime
    audit_id: int | None


class TicketWhole(Ticket):
    """A ticket with what was done about it."""

    steps: list[TicketStep]


class Acknowledgement(BaseModel):
    """Somebody knows."""

    model_config = ConfigDict(extra="forbid")

    note: Note = ""


class Assignment(Acknowledgement):
    """Who looks after it, and by when."""

    owner: str = Field(min_length=1, max_length=128, description="`user:ada`, `key:erp`")
    due_at: UtcDatetime | None = Field(None, description="null: as before")


class Closing(Acknowledgement):
    """It is over, although it did not become right by itself."""

    reason: str = Field(max_length=64, description=f"One of {', '.join(CLOSE_REASONS)}")


@router.get("")
def list_tickets(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    state: Annotated[list[TicketState] | None, Query(max_length=3)] = None,
    kind: Text = None,
    severity: Severity | None = None,
    owner: Text = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Ticket]:
    """List tickets of your sites and of the network, the latest first."""
    before = int(decode_cursor(after, int)[0]) if after else None
    with gate.acting(caller) as conn:
        rows = service.tickets(
            conn,
            caller,
            site=site,
            states=state,
            kind=kind,
            severity=severity,
            owner=owner,
            before=before,
            limit=limit + 1,
        )
    return page_of(rows, limit, show=Ticket.model_validate, key=lambda row: [row.ticket_id])


@router.get("/{ticket_id}", responses=responses(404))
def get_ticket(gate: TheGate, caller: Caller, ticket_id: Number) -> TicketWhole:
    """Give one ticket with what was done about it."""
    with gate.acting(caller) as conn:
        return _whole(conn, caller, ticket_id)


@router.post(
    "/{ticket_id}/acknowledge",
    status_code=201,
    response_model=TicketWhole,
    responses=responses(400, 404, 409, 413),
)
def acknowledge_ticket(*, once: Once, ticket_id: Number, body: Acknowledgement) -> JSONResponse:
    """Say that you know; without an owner it becomes yours."""

    def step(conn: Connection) -> None:
        service.acknowledge(conn, once.caller, ticket_id, note=body.note)

    return once.step(body, step, _show(once.caller, ticket_id))


@router.post(
    "/{ticket_id}/assign",
    status_code=201,
    response_model=TicketWhole,
    responses=responses(400, 404, 409, 413),
)
def assign_ticket(*, once: Once, ticket_id: Number, body: Assignment) -> JSONResponse:
    """Say who looks after it, and by when."""

    def step(conn: Connection) -> None:
        service.assign(conn, once.caller, ticket_id, owner=body.owner, due_at=body.due_at, note=body.note)

    return once.step(body, step, _show(once.caller, ticket_id))


@router.post(
    "/{ticket_id}/close",
    status_code=201,
    response_model=TicketWhole,
    responses=responses(400, 404, 409, 413),
)
def close_ticket(*, once: Once, ticket_id: Number, body: Closing) -> JSONResponse:
    """Close it by hand; if it is noticed again, that is another ticket."""

    def step(conn: Connection) -> None:
        service.close_by_hand(conn, once.caller, ticket_id, reason=body.reason, note=body.note)

    return once.step(body, step, _show(once.caller, ticket_id))


def _show(caller: Actor, ticket_id: int) -> Callable[[Connection], TicketWhole]:
    return lambda conn: _whole(conn, caller, ticket_id)


def _whole(conn: Connection, caller: Actor, ticket_id: int) -> TicketWhole:
    found, steps = service.ticket(conn, caller, ticket_id)
    told = [TicketStep.model_validate(step) for step in steps]
    return TicketWhole(**Ticket.model_validate(found).model_dump(), steps=told)
