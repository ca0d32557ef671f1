"""*Shipping*: what is to leave, a form for what leaves, and what left."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from cloud.db import Connection, in_transaction
from cloud.documents import appointments, short_lines
from cloud.documents.domain import KEEPERS, READERS, DocumentError, UnknownDocumentError
from cloud.documents.lines import SHIPPABLE, lines_now
from cloud.documents.shipping import reading, service
from cloud.documents.shipping.papers import ShipmentPaper
from cloud.identity.gate import Gate
from cloud.identity.store import act_as
from cloud.inquiry import operations
from cloud.ledger.domain import LedgerError
from cloud.routes import LateRoute
from cloud.web.dock_papers import (
    KINDS,
    MOST_LINES,
    REVERSAL_REASONS,
    Name,
    PaperId,
    ReversalReason,
    SiteId,
    Text,
    fits,
    open_documents,
    take_back,
)
from cloud.web.forms import may, rows_of, words_of
from cloud.web.rendering import page
from cloud.web.visitors import Sender, TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

SHOWN: Final = 30
CONDITIONS: Final = {"": "Sellable", "damaged": "Damaged", "hold": "On hold", "inspection": "In inspection"}

Texts = Annotated[list[str] | None, Form(max_length=MOST_LINES)]
Kind = Literal["outbound_order", "supplier_return", "transfer"]


@router.get("/shipping")
def show_shipping(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Show what leaves today, what is still to leave, and what left last."""
    actor, now = visitor.actor, gate.clock()
    with gate.acting(actor) as conn:
        actor.require(*READERS)
        within = actor.narrowed(*READERS)
        act_as(conn, within)
        sites = operations.sites(conn, actor)
        waiting = open_documents(
            conn, sites=[site] if site else within.reach, kinds=SHIPPABLE, leaving=True, now=now
        )
        at_doors = appointments.at_doors(conn, actor, site=site or None, direction="outbound", now=now)
        rows = reading.shipments(conn, actor, site=site or None, limit=SHOWN)
    return page(
        request,
        visitor,
        "shipping.html",
        tab="/shipping",
        sites=[each.site for each in sites],
        site=site,
        waiting=waiting[:MOST_LINES],
        hidden=max(0, len(waiting) - MOST_LINES),
        at_doors=at_doors,
        now=now,
        may_greet=bool(actor.roles_anywhere & set(appointments.GREETERS)),
        may_keep=[each.site for each in sites if may(actor, each.site, *KEEPERS)],
        shipments=rows,
    )


@router.get("/shipping/{site}/new")
def show_form(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: SiteId,
    type: Kind,  # noqa: A002  the parameter's name
    id: Name,  # noqa: A002  the parameter's name
    find: Name = "",
) -> Response:
    """Show a form for what leaves for a document."""
    return _form(request, gate, visitor, site, (type, id), find=find.strip())


@router.post("/shipping/{site}/new")
def ship(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: SiteId,
    type: Annotated[Kind, Form()],  # noqa: A002  the field's name
    id: Text,  # noqa: A002  the field's name
    shipment: Text = "",
    location: Text = "",
    carrier: Text = "",
    has_departed: Annotated[bool, Form()] = False,
    of_line: Texts = None,
    quantity: Texts = None,
    place: Texts = None,
    unit: Texts = None,
    lot: Texts = None,
    disposition: Texts = None,
) -> Response:
    """Ship; lines without a quantity stay."""
    typed = {"shipment": shipment, "location": location, "carrier": carrier}
    columns = (of_line, quantity, place, unit, lot, disposition)

    def work(conn: Connection) -> str:
        lines = [line for row in rows_of(*columns) if (line := _line(row, type, id))]
        stated: dict[str, Any] = {name: text.strip() or None for name, text in typed.items()}
        stated |= {"site": site, "has_departed": has_departed}
        stated["lines"] = [{"line": str(number), **line} for number, line in enumerate(lines, start=1)]
        paper = ShipmentPaper.model_validate(stated)
        return service.ship(conn, visitor.actor, paper, now=gate.clock()).id

    try:
        name = in_transaction(gate.pool, work)
    except (ValidationError, DocumentError, LedgerError) as error:
        words = words_of(error) if isinstance(error, ValidationError) else f"{error}"
        rows = list(zip_longest(*(column or () for column in columns), fillvalue=""))
        return _form(request, gate, visitor, site, (type, id), typed=typed, rows=rows, problem=words)
    return RedirectResponse(_address(site, name), 303)


@router.get("/shipping/{site}/shipments/{shipment}")
def show_shipment(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: SiteId,
    shipment: PaperId,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> Response:
    """Show what left, line by line."""
    return _shipment(request, gate, visitor, site, shipment, after=after)


@router.post("/shipping/{site}/shipments/{shipment}/reversals")
def reverse(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: SiteId,
    shipment: PaperId,
    line: Text,
    reason: Annotated[ReversalReason, Form()],
) -> Response:
    """Take a line back."""

    def work(conn: Connection) -> object:
        where = {"site": site, "name": shipment, "line": line}
        return service.reverse_line(conn, visitor.actor, reason=reason, **where)

    if problem := take_back(gate, work):
        return _shipment(request, gate, visitor, site, shipment, problem=problem)
    return RedirectResponse(_address(site, shipment), 303)


def _address(site: str, name: str) -> str:
    return f"/shipping/{site}/shipments/{quote(name, safe='')}"


def _line(row: tuple[str, ...], kind: str, document: str) -> dict[str, Any] | None:
    """Read a line of the form; one without a quantity stays."""
    of_line, quantity, place, unit, lot, disposition = row
    if not quantity:
        return None
    return {
        "of": {"type": kind, "id": document, "line": of_line},
        "quantity": quantity,
        "unit_seen": "base",
        "location": place or None,
        "unit": unit or None,
        "lot": lot or None,
        "disposition": disposition or None,
    }


def _form(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    site: str,
    document: tuple[str, str],
    *,
    find: str = "",
    typed: dict[str, str] | None = None,
    rows: Sequence[tuple[str, ...]] = (),
    problem: str = "",
) -> Response:
    kind, name = document
    visitor.actor.require(*service.SHIPPERS, site=site)
    with gate.acting(visitor.actor) as conn:
        lines = lines_now(conn, site=site, kind=kind, ids=[name])
    if not lines:
        raise HTTPException(404, f"there is no {KINDS[kind]} {name!r} at site {site!r}")
    typed_lines = {row[0]: row[1:] for row in rows}
    wanted = [line for line in lines if line.line in typed_lines or fits(line, find)]
    wanted.sort(key=lambda line: line.open_quantity == 0)
    return page(
        request,
        visitor,
        "ship.html",
        tab="/shipping",
        status=422 if problem else 200,
        site=site,
        type=kind,
        kind=KINDS[kind],
        name=name,
        partner=lines[0].partner,
        lines=wanted[:MOST_LINES],
        hidden=max(0, len(wanted) - MOST_LINES),
        total=len(lines),
        find=find,
        conditions=CONDITIONS,
        typed={"shipment": "", "location": "", "carrier": ""} | (typed or {}),
        typed_lines=typed_lines,
        may_close=may(visitor.actor, site, *KEEPERS),
        short_reasons=short_lines.REASONS,
        problem=problem,
    )


def _shipment(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    site: str,
    name: str,
    *,
    after: int = 0,
    problem: str = "",
) -> Response:
    with gate.acting(visitor.actor) as conn:
        try:
            story = reading.shipment(
                conn, visitor.actor, site=site, name=name, after=after, limit=MOST_LINES + 1
            )
        except UnknownDocumentError as error:
            raise HTTPException(404, f"{error}") from error
    return page(
        request,
        visitor,
        "shipment.html",
        tab="/shipping",
        status=422 if problem else 200,
        shipment=story.shipment,
        lines=story.lines[:MOST_LINES],
        following=after + MOST_LINES if len(story.lines) > MOST_LINES else 0,
        reasons=REVERSAL_REASONS,
        kinds=KINDS,
        conditions=CONDITIONS,
        may_reverse=may(visitor.actor, site, *KEEPERS),
        problem=problem,
    )
