"""Visits from the pages of the dock: registered by hand, that a vehicle came."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.db import Connection, in_transaction
from cloud.documents import appointments, catalogue, service
from cloud.documents.appointments import AppointmentPaper
from cloud.documents.domain import (
    CARRIED,
    KEEPERS,
    ConflictingDocumentError,
    DocumentError,
    UnknownDocumentError,
    named_paper,
)
from cloud.documents.papers import VisitPaper
from cloud.identity.gate import Gate
from cloud.identity.store import act_as
from cloud.inquiry import operations
from cloud.routes import LateRoute
from cloud.web.dock_papers import open_documents
from cloud.web.forms import refused
from cloud.web.instants import InstantError, instant_of, moved_to, wall_clock
from cloud.web.rendering import page, zone_of
from cloud.web.visitors import Sender, TheGate, Viewer
from contracts.base import ID_PATTERN

router: Final = APIRouter(route_class=LateRoute)

SiteId = Annotated[str, Path(pattern=ID_PATTERN)]
VisitId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Direction = Literal["inbound", "outbound"]
Text = Annotated[str, Form(max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
SHOWN: Final = 100
"""Documents offered, those due first."""
_PAGES: Final = {"inbound": "/receiving", "outbound": "/shipping"}
_NOTHING: Final[dict[str, Any]] = {"visit": "", "door": "", "from_at": "", "to_at": "", "documents": ()}


@router.get("/visits/{site}/new")
def show_form(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: SiteId,
    direction: Annotated[Direction, Query()] = "inbound",
) -> Response:
    """Ask which vehicle comes to which door, when, and for which documents."""
    return _form(request, gate, visitor, site, direction=direction, typed=_NOTHING)


@router.post("/visits/{site}/new")
def register(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: SiteId,
    direction: Annotated[Direction, Form()],
    visit: Text = "",
    door: Text = "",
    from_at: Text = "",
    to_at: Text = "",
    document: Annotated[list[Text] | None, Form(max_length=SHOWN)] = None,
) -> Response:
    """Register a visit; the same again changes nothing."""
    typed = {"visit": visit, "door": door, "from_at": from_at, "to_at": to_at, "documents": document or ()}

    def work(conn: Connection) -> None:
        zone = zone_of(_zone(conn, visitor, site))
        names = [named_paper(name, direction) for name in document or ()]
        stated: dict[str, Any] = {"site": site, "visit": visit.strip(), "door": door, "direction": direction}
        stated |= {"from_at": instant_of(from_at, zone), "documents": names}
        stated |= {"to_at": instant_of(to_at, zone) if to_at else None}
        service.register_visit(conn, visitor.actor, VisitPaper.model_validate(stated), now=gate.clock())

    problem = refused(lambda: in_transaction(gate.pool, work), DocumentError, InstantError)
    if problem:
        return _form(request, gate, visitor, site, direction=direction, typed=typed, problem=problem)
    return RedirectResponse(f"{_PAGES[direction]}?site={site}", 303)


@router.get("/visits/{site}/{visit}/appointment")
def show_appointment(
    *, request: Request, gate: TheGate, visitor: Viewer, site: SiteId, visit: VisitId
) -> Response:
    """Ask to which door a vehicle comes now, and when."""
    return _appointment(request, gate, visitor, site, visit)


@router.post("/visits/{site}/{visit}/appointment")
def appoint(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: SiteId,
    visit: VisitId,
    door: Text = "",
    from_at: Text = "",
    to_at: Text = "",
    carrier: Text = "",
) -> Response:
    """Give a visit another door or window; the gateways concerned are told."""
    typed = {"door": door, "from_at": from_at, "to_at": to_at, "carrier": carrier.strip()}

    def work(conn: Connection) -> str:
        zone = zone_of(_zone(conn, visitor, site))
        where = {"site": site, "visit": visit}
        before = appointments.appointment(conn, visitor.actor, **where)
        stated: dict[str, Any] = {"door": door, "carrier": carrier.strip() or None}
        stated |= {"from_at": moved_to(from_at, zone, before.from_at)}
        stated |= {"to_at": moved_to(to_at, zone, before.to_at) if to_at else None}
        if to_at and stated["to_at"] <= stated["from_at"]:  # told as it was typed: the paper knows UTC only
            raise InstantError(f"to {to_at}: expected after from {from_at}")
        paper = AppointmentPaper.model_validate(stated)
        return appointments.appoint(conn, visitor.actor, paper, now=gate.clock(), **where).direction

    problem = refused(lambda: in_transaction(gate.pool, work), DocumentError, InstantError)
    if problem:
        return _appointment(request, gate, visitor, site, visit, typed=typed, problem=problem)
    return RedirectResponse(f"/visits/{site}/{visit}/appointment", 303)


@router.post("/visits/{site}/{visit}/arrived")
def arrive(*, gate: TheGate, visitor: Sender, site: SiteId, visit: VisitId) -> Response:
    """Say that a vehicle came."""

    def work(conn: Connection) -> str:
        return appointments.arrive(conn, visitor.actor, site=site, visit=visit, now=gate.clock()).direction

    try:
        direction = in_transaction(gate.pool, work)
    except UnknownDocumentError as error:
        raise HTTPException(404, f"{error}") from error
    except ConflictingDocumentError:
        return RedirectResponse(f"/receiving?site={site}", 303)  # somebody was faster
    return RedirectResponse(f"{_PAGES[direction]}?site={site}", 303)


def _appointment(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    site: str,
    visit: str,
    *,
    typed: dict[str, str] | None = None,
    problem: str = "",
) -> Response:
    actor = visitor.actor
    actor.require(*KEEPERS, site=site)
    with gate.acting(actor) as conn:
        try:
            found = appointments.appointment(conn, actor, site=site, visit=visit)
        except UnknownDocumentError as error:
            raise HTTPException(404, f"{error}") from error
        except ConflictingDocumentError as error:  # it has ended: the page tells so
            if problem:
                return RedirectResponse(f"/visits/{site}/{visit}/appointment", 303)
            of = {"row": None, "site": site, "visit": visit, "ended": f"{error}"}
            return page(request, visitor, "appointment.html", tab="/receiving", status=200, **of)
        doors = [row.portal for row in catalogue.portals(conn, actor, site=site, limit=1_000)]
    zone = zone_of(found.time_zone)
    stands = {
        "door": found.door,
        "from_at": wall_clock(found.from_at, zone),
        "to_at": wall_clock(found.to_at, zone) if found.to_at else "",
        "carrier": found.carrier or "",
    }
    return page(
        request,
        visitor,
        "appointment.html",
        tab=_PAGES[found.direction],
        status=422 if problem else 200,
        row=found,
        back=f"{_PAGES[found.direction]}?site={site}",
        doors=doors,
        typed=typed or stands,
        problem=problem,
    )


def _zone(conn: Connection, visitor: Viewer, site: str) -> str:
    return next(
        (each.time_zone for each in operations.sites(conn, visitor.actor) if each.site == site), "UTC"
    )


def _form(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    site: str,
    *,
    direction: Direction,
    typed: dict[str, Any],
    problem: str = "",
) -> Response:
    actor = visitor.actor
    actor.require(*KEEPERS, site=site)
    with gate.acting(actor) as conn:
        zone = _zone(conn, visitor, site)
        doors = [row.portal for row in catalogue.portals(conn, actor, site=site, limit=1_000)]
        act_as(conn, actor)
        leaving = direction == "outbound"
        kinds = CARRIED[direction]
        papers = open_documents(conn, sites=[site], kinds=kinds, leaving=leaving, now=gate.clock())
    return page(
        request,
        visitor,
        "visit_new.html",
        tab=_PAGES[direction],
        status=422 if problem else 200,
        site=site,
        direction=direction,
        zone=zone,
        doors=doors,
        papers=papers[:SHOWN],
        typed=typed,
        problem=problem,
    )
