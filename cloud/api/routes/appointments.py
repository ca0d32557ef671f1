"""`/v1/appointments`: doors and windows of visits; who shares them is told."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.api.routes.receipts import SiteId, SiteQuery
from cloud.db import Connection
from cloud.documents import appointments
from cloud.documents.appointments import AppointmentPaper

router = APIRouter(prefix="/v1/appointments", tags=["documents"], route_class=ConditionalRoute)

VisitId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class Appointment(BaseModel):
    """An open visit with its door and window."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    visit: str
    door: str
    direction: Literal["inbound", "outbound"]
    from_at: datetime
    to_at: datetime | None
    arrived_at: datetime | None
    carrier: str | None
    documents: list[str] = Field(description="`type/id` of each")
    overlaps: list[str] = Field(description="Other open visits whose windows at this door overlap")


class Appointments(BaseModel):
    """Open visits by their windows, those of the next 36 hours included; at most 200."""

    items: list[Appointment]


@router.get("")
def list_appointments(
    *,
    gate: TheGate,
    caller: Caller,
    site: SiteQuery = None,
    direction: Annotated[Literal["inbound", "outbound"] | None, Query()] = None,
) -> Appointments:
    """List who stands or is expected at the doors."""
    with gate.acting(caller) as conn:
        rows = appointments.at_doors(conn, caller, site=site, direction=direction, now=gate.clock())
    return Appointments(items=[Appointment.model_validate(row) for row in rows])


@router.post(
    "/{site}/{visit}",
    status_code=201,
    response_model=Appointment,
    responses=responses(400, 404, 409, 413),
)
def appoint_visit(*, once: Once, site: SiteId, visit: VisitId, body: AppointmentPaper) -> JSONResponse:
    """Give a visit another door or window; what is left out stays, and an overlap is told, not refused."""

    def effect(conn: Connection) -> Appointment:
        where = {"site": site, "visit": visit}
        found = appointments.appoint(conn, once.caller, body, now=once.gate.clock(), **where)
        return Appointment.model_validate(found)

    return once.answer(body, effect)


@router.post(
    "/{site}/{visit}/arrival",
    status_code=201,
    response_model=Appointment,
    responses=responses(400, 404, 409, 413),
)
def welcome_visit(*, once: Once, site: SiteId, visit: VisitId) -> JSONResponse:
    """Say that a vehicle came."""

    def effect(conn: Connection) -> Appointment:
        found = appointments.arrive(conn, once.caller, site=site, visit=visit, now=once.gate.clock())
        return Appointment.model_validate(found)

    return once.answer(None, effect)
