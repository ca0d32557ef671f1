"""*Picking*: release picks to handhelds, see how far tasks are, and where the book was wrong."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.allocation import picking, work
from cloud.allocation.claiming import Wish
from cloud.allocation.domain import (
    KEEPERS,
    READERS,
    AllocationError,
    ConflictingClaimError,
    UnknownClaimError,
)
from cloud.db import Connection, in_transaction
from cloud.identity.actor import Actor
from cloud.identity.gate import Gate
from cloud.identity.store import act_as
from cloud.inquiry import operations
from cloud.routes import LateRoute
from cloud.web.instants import InstantError, instant_of
from cloud.web.rendering import fragment, page, zone_of
from cloud.web.streaming import follow
from cloud.web.visitors import Sender, TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

SHOWN: Final = 50
SHORTS: Final = 20
_CODE: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"

Text = Annotated[str, Form(max_length=128, pattern=_CODE)]
TaskName = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
SiteId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


def _look(gate: Gate, actor: Actor, now: datetime) -> dict[str, Any]:
    with gate.acting(actor) as conn:
        return {
            "now": now,
            "waves": work.waves(conn, actor, limit=10),
            "tasks": work.tasks(conn, actor, limit=SHOWN),
            "shorts": work.shorts(conn, actor, limit=SHORTS),
        }


@router.get("/picking")
def show_picking(
    *, request: Request, gate: TheGate, visitor: Viewer, released: Annotated[int, Query(ge=0)] = 0
) -> Response:
    """Show waves, tasks and shorts, and the form that releases picks."""
    return _page(request, gate, visitor, released=released)


@router.get("/picking/events")
def stream_picking(request: Request, gate: TheGate, visitor: Viewer) -> Response:
    """Send the lists as soon as they change."""
    visitor.actor.require(*READERS)

    def draw(_actor: Actor, content: dict[str, Any]) -> str:
        return fragment("picking_parts.html", **content)

    return follow(request, gate, _look, draw, "picking")


@router.post("/picking")
def release(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: Annotated[str, Form(max_length=64)],
    to_location: Text,
    documents: Annotated[str, Form(max_length=4000)] = "",
    visit: Text = "",
    due_until: Text = "",
    gateway: Text = "",
) -> Response:
    """Release a wave; what is wrong is told beside what was typed."""
    actor = visitor.actor
    typed = {
        "site": site,
        "to_location": to_location,
        "documents": documents,
        "visit": visit,
        "due_until": due_until,
        "gateway": gateway,
    }
    names = tuple(f"outbound_order/{name}" for name in documents.replace(",", " ").split())

    def effect(conn: Connection) -> picking.Released:
        act_as(conn, actor)
        zones = {row.site: row.time_zone for row in operations.sites(conn, actor)}
        until = instant_of(due_until, zone_of(zones.get(site, "UTC"))) if due_until else None
        wish = Wish(site, names or None, visit.strip() or None, until)
        return picking.release_picks(
            conn,
            actor,
            wish,
            to_location=to_location.strip(),
            gateway=gateway.strip() or None,
            now=gate.clock(),
        )

    try:
        done = in_transaction(gate.pool, effect)
    except (AllocationError, InstantError) as error:
        return _page(request, gate, visitor, typed=typed, problem=str(error), status=422)
    return RedirectResponse(f"/picking?released={done.wave}", 303)


@router.get("/picking/tasks/{task}")
def show_task(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    task: TaskName,
    done: Literal["", "called_off"] = "",
) -> Response:
    """Show a task and its lines as they are walked."""
    actor = visitor.actor
    with gate.acting(actor) as conn:
        try:
            row, lines = work.task(conn, actor, name=task)
        except UnknownClaimError as error:
            raise HTTPException(404, str(error)) from error
    may_call_off = row.ended_at is None and _may(actor, row.site)
    return page(
        request,
        visitor,
        "picking_task.html",
        tab="/picking",
        row=row,
        lines=lines,
        done=done,
        may_call_off=may_call_off,
    )


@router.post("/picking/tasks/{site}/{task}/cancel")
def call_off(*, gate: TheGate, visitor: Sender, site: SiteId, task: TaskName) -> Response:
    """Call a task off."""
    actor = visitor.actor
    try:
        in_transaction(
            gate.pool, lambda conn: work.call_off(conn, actor, site=site, name=task, now=gate.clock())
        )
    except UnknownClaimError as error:
        raise HTTPException(404, str(error)) from error
    except ConflictingClaimError:
        return RedirectResponse(f"/picking/tasks/{task}", 303)  # it has ended, as the page says
    return RedirectResponse(f"/picking/tasks/{task}?done=called_off", 303)


def _page(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    *,
    released: int = 0,
    typed: dict[str, str] | None = None,
    problem: str = "",
    status: int = 200,
) -> Response:
    actor = visitor.actor
    content = _look(gate, actor, gate.clock())
    with gate.acting(actor) as conn:
        sites = [row for row in operations.sites(conn, actor) if _may(actor, row.site)]
    empty = dict.fromkeys(("site", "to_location", "documents", "visit", "due_until", "gateway"), "")
    asked = {"sites": sites, "typed": typed or empty, "problem": problem, "released": released}
    return page(request, visitor, "picking.html", tab="/picking", status=status, **content, **asked)


def _may(actor: Actor, site: str) -> bool:
    return not actor.roles_anywhere.isdisjoint(KEEPERS) and actor.narrowed(*KEEPERS).may_see(site)
