"""*Doors*: crossings as they happen, with their radio pictures; and one crossing with all that came of it."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.crossings import reading, service
from cloud.crossings.domain import READERS, AnsweredError, CrossingRow, NotAskedError, UnknownCrossingError
from cloud.db import Connection, in_transaction
from cloud.identity.actor import Actor
from cloud.identity.gate import Gate
from cloud.identity.store import act_as
from cloud.routes import LateRoute
from cloud.sheets.listing import Column, Kind, columns_of
from cloud.web.files import FileForm, answer, looking, whole
from cloud.web.radiogram import LARGE, radiogram
from cloud.web.rendering import fragment, page
from cloud.web.streaming import Look, stream
from cloud.web.visitors import Sender, TheGate, Viewer
from contracts.base import EPOCH_PATTERN, ID_PATTERN, epoch_from_int
from contracts.records import RowRef

router: Final = APIRouter(route_class=LateRoute)

PER_DOOR: Final = 8
ALONE: Final = 40
"""Crossings of a door that is shown by itself."""
COLUMNS: Final = (
    *columns_of(
        CrossingRow,
        *("occurred_at", "site", "portal", "epc", "unit", "identifier", "direction", "confidence", "reads"),
        *("posted", "because", "visit_now=visit", "stands", "card", "answer", "answered_by", "answered_at"),
        "gateway",
    ),
    Column("epoch", Kind.TEXT, lambda row: epoch_from_int(row.epoch)),
    Column("seq", Kind.INTEGER, lambda row: row.seq),
)

Text = Annotated[str, Query(max_length=128)]
Outcome = Literal["", "posted", "held", "evidence", "all"]
"""Empty is whatever was posted or held: cases that cross inside their pallet are evidence, and many."""
_POSTED: Final[Mapping[str, str | None]] = {"": "decisive", "all": None}
GatewayName = Annotated[str, Path(pattern=ID_PATTERN)]
Epoch = Annotated[str, Path(pattern=EPOCH_PATTERN)]
Seq = Annotated[int, Path(ge=1, le=2**53 - 1)]


def _look(portal: str, outcome: Outcome) -> Look:
    """Give what reads the doors under a filter."""

    def look(gate: Gate, actor: Actor, now: datetime) -> dict[str, Any]:
        with gate.acting(actor) as conn:
            doors = reading.doors(
                conn,
                actor,
                portal=portal or None,
                posted=_POSTED.get(outcome, outcome),
                per_portal=ALONE if portal else PER_DOOR,
            )
            waiting = reading.count_open(conn, actor)
        return {"now": now, "doors": doors, "waiting": waiting, "portal": portal, "outcome": outcome}

    return look


@router.get("/doors")
def show_doors(
    *, request: Request, gate: TheGate, visitor: Viewer, portal: Text = "", outcome: Outcome = ""
) -> Response:
    """Show the last crossings of each door; the stream keeps them fresh."""
    snapshots = request.app.state.snapshots
    content = snapshots.look(gate, visitor.actor, _look(portal, outcome), "doors", portal, outcome)
    asked = {"portal": portal, "outcome": outcome}
    query = urlencode({name: value for name, value in asked.items() if value})
    return page(request, visitor, "doors.html", tab="/doors", query=query, **content)


@router.get("/doors/events")
def stream_doors(
    *, request: Request, gate: TheGate, visitor: Viewer, portal: Text = "", outcome: Outcome = ""
) -> Response:
    """Send the doors every two seconds."""
    visitor.actor.require(*READERS)
    snapshots = request.app.state.snapshots

    def render(actor: Actor) -> str:
        content = snapshots.look(gate, actor, _look(portal, outcome), "doors", portal, outcome)
        return fragment("doors_parts.html", **content)

    return stream(request, gate, render)


@router.get("/doors.{form:form}")
def export_crossings(
    *, gate: TheGate, visitor: Viewer, form: FileForm, portal: Text = "", outcome: Outcome = ""
) -> Response:
    """Give crossings as a file, the latest first."""
    wanted = reading.CrossingFilter(portal=portal or None, posted=None if outcome in _POSTED else outcome)
    with looking(gate, visitor) as conn:
        rows = whole(
            lambda before, limit: reading.crossings(conn, visitor.actor, wanted, before=before, limit=limit),
            start=None,
            key=lambda row: (row.occurred_at, row.gateway_key, row.epoch, row.seq),
        )
        return answer("crossings", COLUMNS, rows, form, at=gate.clock())


@router.get("/doors/{gateway}/{epoch}/{seq}")
def show_crossing(
    *, request: Request, gate: TheGate, visitor: Viewer, gateway: GatewayName, epoch: Epoch, seq: Seq
) -> Response:
    """Show one crossing: its picture, why the door decided so, what it posted and what people said."""
    actor = visitor.actor
    ref = RowRef(gateway=gateway, epoch=epoch, seq=seq)
    with gate.acting(actor) as conn:
        story = reading.crossing(conn, actor, ref)
        visits = reading.choosable_visits(conn, actor) if story else []
    if story is None:
        raise _nothing(ref)
    crossing = story.crossing
    return page(
        request,
        visitor,
        "crossing.html",
        tab="/doors",
        now=gate.clock(),
        story=story,
        crossing=crossing,
        picture=radiogram(crossing.trace, crossing.antennas, LARGE),
        may_answer=service.may_answer(actor, crossing.site),
        may_take_back=service.may_take_back(actor, crossing),
        visits=[visit for visit in visits if visit.site == crossing.site],
        proposal=story.proposal,
    )


@router.post("/doors/{gateway}/{epoch}/{seq}/misread")
def take_back_crossing(
    *, gate: TheGate, visitor: Sender, gateway: GatewayName, epoch: Epoch, seq: Seq
) -> Response:
    """Take back what the crossing posted; the page then tells how it stands, also if somebody was faster."""
    actor = visitor.actor
    ref = RowRef(gateway=gateway, epoch=epoch, seq=seq)

    def work(conn: Connection) -> None:
        act_as(conn, actor)
        service.take_back(conn, actor, ref)

    try:
        with suppress(AnsweredError, NotAskedError):
            in_transaction(gate.pool, work)
    except UnknownCrossingError as error:
        raise _nothing(ref) from error
    return RedirectResponse(f"/doors/{gateway}/{epoch}/{seq}", 303)


def _nothing(ref: RowRef) -> HTTPException:
    return HTTPException(404, f"there is no crossing {ref.gateway}/{ref.epoch}/{ref.seq} at your sites")
