"""*Variances and alerts*: what counts found, provisional at once, and the tickets that wait for somebody."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.alerts import service as alerts
from cloud.alerts.domain import (
    HANDLERS,
    ResolvedTicketError,
    TicketError,
    TicketState,
    UnknownTicketError,
)
from cloud.counting import reading
from cloud.counting.domain import READERS, TICKET_KIND, VarianceRow
from cloud.counting.notices import QUESTION_KIND
from cloud.counting.reading import VarianceFilter
from cloud.db import Connection, in_transaction
from cloud.identity.actor import Actor
from cloud.identity.gate import Gate, Visitor
from cloud.identity.store import act_as
from cloud.inquiry import operations
from cloud.inquiry.domain import GREATEST
from cloud.routes import LateRoute
from cloud.sheets.listing import Column, Kind, columns_of
from cloud.web.approval_words import money
from cloud.web.files import FileForm, answer, looking, whole
from cloud.web.rendering import fragment, page
from cloud.web.streaming import Look, follow
from cloud.web.visitors import Sender, TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

SHOWN: Final = 100
TICKETS: Final = 20
_CODE: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
COLUMNS: Final = (
    *columns_of(
        VarianceRow,
        *("count_name=count", "line_no=line", "site", "location", "place", "item", "lot", "disposition"),
        *("owner", "observed_at", "stage", "state", "counted", "book", "difference"),
    ),
    Column("least_difference", Kind.DECIMAL, lambda row: min(row.differences, default=None)),
    Column("greatest_difference", Kind.DECIMAL, lambda row: max(row.differences, default=None)),
    *columns_of(
        VarianceRow,
        *("value", "currency", "counted_by", "count_task", "decision_id", "decision_state", "superseded_by"),
    ),
)

State = Literal["", "provisional", "within", "beyond", "unreported", "superseded", "adjusted"]
SiteText = Annotated[str, Query(max_length=64)]
Text = Annotated[str, Query(max_length=128, pattern=_CODE)]
Number = Annotated[int, Path(ge=1, le=GREATEST)]


def _look(wanted: VarianceFilter) -> Look:
    """Give what reads the records that are asked for, and the tickets of counts."""

    def look(gate: Gate, actor: Actor, now: datetime) -> dict[str, Any]:
        with gate.acting(actor) as conn:
            rows = reading.variances(conn, actor, wanted, limit=SHOWN + 1)
            tickets = [
                ticket
                for kind in (TICKET_KIND, QUESTION_KIND)
                for ticket in alerts.tickets(
                    conn,
                    actor,
                    site=wanted.site,
                    states=[TicketState.OPEN, TicketState.ACKNOWLEDGED],
                    kind=kind,
                    limit=TICKETS + 1,
                )
            ]
        shown = rows[:SHOWN]
        return {
            "now": now,
            "rows": shown,
            "following": _following(wanted, rows),
            "tickets": sorted(tickets, key=lambda ticket: (ticket.due_at or now, ticket.ticket_id))[:TICKETS],
            "more_tickets": len(tickets) > TICKETS,
            "figures": _figures(shown),
        }

    return look


@router.get("/variances")
def show_variances(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: SiteText = "",
    item: Text = "",
    location: Text = "",
    state: State = "",
    before: Annotated[str, Query(max_length=120)] = "",
) -> Response:
    """Show records of counts beside the book, the latest first; the first page is live."""
    actor = visitor.actor
    actor.require(*READERS, site=site or None)
    wanted = _wanted(site, item, location, state)
    with gate.acting(actor) as conn:
        sites = operations.sites(conn, actor)
        older = _older(conn, actor, wanted, before) if before else []
    content: dict[str, Any] = {"now": gate.clock(), "rows": older[:SHOWN], "tickets": []}
    if before:
        content["following"] = _following(wanted, older)
    else:
        content = _look(wanted)(gate, actor, gate.clock())
    return page(
        request,
        visitor,
        "variances.html",
        tab="/variances",
        asked={"site": site, "item": item, "location": location, "state": state},
        query=_query(wanted),
        sites=sites,
        is_first=not before,
        **_for(visitor, content),
    )


@router.get("/variances/events")
def stream_variances(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: SiteText = "",
    item: Text = "",
    location: Text = "",
    state: State = "",
) -> Response:
    """Send the page as soon as it changes."""
    visitor.actor.require(*READERS, site=site or None)
    wanted = _wanted(site, item, location, state)

    def draw(actor: Actor, content: dict[str, Any]) -> str:
        seen = Visitor(actor, visitor.session_token)
        return fragment("variances_parts.html", csrf=visitor.csrf_token, is_first=True, **_for(seen, content))

    return follow(request, gate, _look(wanted), draw, "variances", site, item, location, state)


@router.get("/variances.{form:form}")
def export_variances(
    *,
    gate: TheGate,
    visitor: Viewer,
    form: FileForm,
    site: SiteText = "",
    item: Text = "",
    location: Text = "",
    state: State = "",
) -> Response:
    """Give the same as a file."""
    wanted = _wanted(site, item, location, state)
    with looking(gate, visitor) as conn:
        rows = whole(
            lambda before, limit: reading.variances(conn, visitor.actor, wanted, before=before, limit=limit),
            start=None,
            key=reading.key_of,
        )
        return answer("variances", COLUMNS, rows, form, at=gate.clock(), site=site)


@router.post("/variances/tickets/{ticket_id}/acknowledge")
def acknowledge(gate: TheGate, visitor: Sender, ticket_id: Number) -> Response:
    """Say that one knows, and look after it."""
    actor = visitor.actor

    def work(conn: Connection) -> None:
        act_as(conn, actor)
        alerts.acknowledge(conn, actor, ticket_id)

    return _handled(gate, work)


@router.post("/variances/tickets/{ticket_id}/assign")
def assign(
    gate: TheGate,
    visitor: Sender,
    ticket_id: Number,
    owner: Annotated[str, Form(max_length=128, pattern=_CODE)],
) -> Response:
    """Give it to somebody."""
    actor, name = visitor.actor, owner.strip()

    def work(conn: Connection) -> None:
        act_as(conn, actor)
        alerts.assign(conn, actor, ticket_id, owner=name if ":" in name else f"user:{name}")

    return _handled(gate, work)


def _handled(gate: Gate, work: Any) -> Response:
    try:
        in_transaction(gate.pool, work)
    except ResolvedTicketError:
        pass  # it is over; the page shows it no more
    except UnknownTicketError as error:
        raise HTTPException(404, f"{error}") from error
    except TicketError as error:
        raise HTTPException(422, f"{error}") from error
    return RedirectResponse("/variances", 303)


def _for(visitor: Visitor, content: dict[str, Any]) -> dict[str, Any]:
    """Add what differs between people who see the same records: which tickets they may take."""
    actor = visitor.actor
    may = not actor.roles_anywhere.isdisjoint(HANDLERS)
    within = actor.narrowed(*HANDLERS) if may else actor
    return {
        **content,
        "me": actor.id,
        "money": money,
        "takes": {
            ticket.ticket_id for ticket in content["tickets"] if may and within.may_see(ticket.site or "")
        },
    }


def _figures(rows: list[VarianceRow]) -> dict[str, Any]:
    """Sum up what is shown: how many wait, and what they are worth by currency."""
    worth: dict[str, Decimal] = {}
    beyond = [row for row in rows if row.state == "beyond"]
    for row in beyond:
        if row.value is not None and row.currency is not None:
            worth[row.currency] = worth.get(row.currency, Decimal(0)) + abs(row.value)
    return {
        "provisional": sum(row.stage == "provisional" for row in rows),
        "beyond": len(beyond),
        "unreported": sum(row.state == "unreported" for row in rows),
        "worth": sorted(worth.items()),
        "unknown": sum(row.value is None for row in beyond),
    }


def _older(conn: Connection, actor: Actor, wanted: VarianceFilter, before: str) -> list[VarianceRow]:
    return reading.variances(conn, actor, wanted, before=_place(before), limit=SHOWN + 1)


def _wanted(site: str, item: str, location: str, state: str) -> VarianceFilter:
    return VarianceFilter(
        site=site or None, item=item.strip() or None, location=location.strip() or None, state=state or None
    )


def _query(wanted: VarianceFilter, **more: str) -> str:
    asked = {
        "site": wanted.site,
        "item": wanted.item,
        "location": wanted.location,
        "state": wanted.state,
        **more,
    }
    return urlencode({name: value for name, value in asked.items() if value})


def _following(wanted: VarianceFilter, rows: list[VarianceRow]) -> str:
    if len(rows) <= SHOWN:
        return ""
    at, *rest = reading.key_of(rows[SHOWN - 1])
    return _query(wanted, before="|".join([at.isoformat(), *map(str, rest)]))


def _place(before: str) -> reading.Place:
    try:
        at, gateway, epoch, seq, line = before.split("|")
        return datetime.fromisoformat(at), int(gateway), int(epoch), int(seq), int(line)
    except ValueError as error:
        raise HTTPException(422, f"before={before!r:.60} is not the address of a next page") from error
