"""Visits from the pages of the dock: that a vehicle came, and another door or window for it."""

from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Path
from fastapi.responses import RedirectResponse, Response

from cloud.db import Connection, in_transaction
from cloud.documents import appointments
from cloud.documents.domain import ConflictingDocumentError, UnknownDocumentError
from cloud.web.visitors import Sender, TheGate
from contracts.base import ID_PATTERN

router: Final = APIRouter()

SiteId = Annotated[str, Path(pattern=ID_PATTERN)]
VisitId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
_PAGES: Final = {"inbound": "/receiving", "outbound": "/shipping"}


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
