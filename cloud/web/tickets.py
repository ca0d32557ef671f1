"""*Tickets*: what is wrong now, who looks after it and by when; one ticket with what was done about it."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.alerts import service
from cloud.alerts.domain import (
    CLOSE_REASONS,
    READERS,
    ResolvedTicketError,
    Ticket,
    TicketState,
    TicketWishError,
    UnknownTicketError,
)
from cloud.db import Connection, in_transaction
from cloud.identity.actor import Actor
from cloud.identity.gate import Gate
from cloud.inquiry.domain import GREATEST
from cloud.routes import LateRoute
from cloud.web.facts import facts, label_of
from cloud.web.rendering import fragment, page, zone_of
from cloud.web.streaming import Look, stream
from cloud.web.visitors import Sender, TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

SHOWN: Final = 100

Number = Annotated[int, Path(ge=1, le=GREATEST)]
Note = Annotated[str, Form(max_length=2_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
Whose = Literal["", "mine"]
Told = Literal["", "done", "over"]


def _look(owner: str | None) -> Look:
    """Give what reads the open tickets, of everybody or of one owner."""

    def look(gate: Gate, actor: Actor, now: datetime) -> dict[str, Any]:
        with gate.acting(actor) as conn:
            rows = service.urgent(conn, actor, owner=owner, limit=SHOWN + 1)
        return {"now": now, "rows": rows[:SHOWN], "has_more": len(rows) > SHOWN}

    return look


def _seen(request: Request, gate: Gate, actor: Actor, whose: Whose) -> dict[str, Any]:
    owner = actor.id if whose else None
    snapshots = request.app.state.snapshots
    content: dict[str, Any] = snapshots.look(gate, actor, _look(owner), "tickets", owner or "")
    return {**content, "whose": whose, "me": actor.id, "label_of": label_of}


@router.get("/tickets")
def show_tickets(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    state: Literal["open", "resolved"] = "open",
    whose: Whose = "",
    before: Annotated[int, Query(ge=1, le=GREATEST)] = GREATEST,
) -> Response:
    """Show what is open, the most urgent first; or what is over, the latest first."""
    actor = visitor.actor
    if state == "open":
        content = _seen(request, gate, actor, whose)
        return page(request, visitor, "tickets.html", tab="/tickets", state=state, following="", **content)
    with gate.acting(actor) as conn:
        rows = service.tickets(conn, actor, states=[TicketState.RESOLVED], before=before, limit=SHOWN + 1)
    shown = rows[:SHOWN]
    older = {"state": "resolved", "before": shown[-1].ticket_id} if len(rows) > SHOWN else {}
    content = {"now": gate.clock(), "rows": shown, "has_more": False, "whose": "", "me": actor.id}
    return page(
        request,
        visitor,
        "tickets.html",
        tab="/tickets",
        state=state,
        following=urlencode(older),
        label_of=label_of,
        **content,
    )


@router.get("/tickets/events")
def stream_tickets(*, request: Request, gate: TheGate, visitor: Viewer, whose: Whose = "") -> Response:
    """Send the open tickets every two seconds."""
    visitor.actor.require(*READERS)

    def render(actor: Actor) -> str:
        return fragment("tickets_queue.html", state="open", **_seen(request, gate, actor, whose))

    return stream(request, gate, render)


@router.get("/tickets/{ticket_id}")
def show_ticket(
    *, request: Request, gate: TheGate, visitor: Viewer, ticket_id: Number, told: Told = ""
) -> Response:
    """Show one ticket; after a form was sent, what became of it."""
    return _opened(request, gate, visitor, ticket_id, told=told)


@router.post("/tickets/{ticket_id}/acknowledge")
def acknowledge(
    *, request: Request, gate: TheGate, visitor: Sender, ticket_id: Number, note: Note = ""
) -> Response:
    """Say that one knows."""
    actor = visitor.actor
    return _sent(
        request, gate, visitor, ticket_id, lambda conn: service.acknowledge(conn, actor, ticket_id, note=note)
    )


@router.post("/tickets/{ticket_id}/assign")
def assign(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    ticket_id: Number,
    owner: Annotated[str, Form(max_length=128)] = "",
    note: Note = "",
) -> Response:
    """Say who looks after it."""
    actor = visitor.actor
    name = owner.strip()
    named = name if ":" in name else f"user:{name}"
    return _sent(
        request,
        gate,
        visitor,
        ticket_id,
        lambda conn: service.assign(conn, actor, ticket_id, owner=named, note=note),
    )


@router.post("/tickets/{ticket_id}/close")
def close(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    ticket_id: Number,
    reason: Annotated[str, Form(max_length=64)] = "",
    note: Note = "",
) -> Response:
    """Close it by hand."""
    actor = visitor.actor
    return _sent(
        request,
        gate,
        visitor,
        ticket_id,
        lambda conn: service.close_by_hand(conn, actor, ticket_id, reason=reason, note=note),
    )


def _sent(
    request: Request, gate: Gate, visitor: Sender, ticket_id: int, work: Callable[[Connection], Ticket]
) -> Response:
    told: Told = "done"
    try:
        in_transaction(gate.pool, work)
    except UnknownTicketError as error:
        raise HTTPException(404, f"{error}") from error
    except ResolvedTicketError:
        told = "over"
    except TicketWishError as error:
        return _opened(request, gate, visitor, ticket_id, problem=str(error), status=422)
    return RedirectResponse(f"/tickets/{ticket_id}?{urlencode({'told': told})}", 303)


def _opened(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    ticket_id: int,
    *,
    told: Told = "",
    problem: str = "",
    status: int = 200,
) -> Response:
    actor = visitor.actor
    with gate.acting(actor) as conn:
        try:
            ticket, steps = service.ticket(conn, actor, ticket_id)
        except UnknownTicketError as error:
            raise HTTPException(404, f"{error}") from error
    zone = zone_of(ticket.time_zone)
    return page(
        request,
        visitor,
        "ticket.html",
        tab="/tickets",
        status=status,
        ticket=ticket,
        steps=steps,
        details=facts(ticket.detail, zone=zone),
        may_handle=service.may_handle(actor, ticket),
        told=told,
        problem=problem,
        me=actor.id,
        now=gate.clock(),
        close_reasons=CLOSE_REASONS,
        label_of=label_of,
    )
