"""*Quarantine*: what could not be understood, and its original bytes."""

from contextlib import suppress
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.inquiry import operations
from cloud.inquiry.domain import GREATEST
from cloud.ledger.domain import AlreadyClaimedError
from cloud.ledger.replays import may_settle, request_replay
from cloud.routes import LateRoute
from cloud.web.rendering import page
from cloud.web.visitors import Sender, TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

ROWS: Final = 100
SHOWN_BYTES: Final = 16 * 1024

Number = Annotated[int, Path(ge=1, le=GREATEST)]


def readable(payload: bytes) -> str:
    r"""Write bytes for people: as text where they are text, else as a hex dump.

    Args:
        payload: Any bytes.

    Returns:
        At most the first 16 KiB.

    Examples:
        >>> readable(b"{}"), readable(b"\x1f\x8b\x00")
        ('{}', '1f 8b 00')
    """
    shown = payload[:SHOWN_BYTES]
    try:
        text = shown.decode()
    except UnicodeDecodeError:
        text = ""
    is_text = bool(text) and all(character.isprintable() or character in "\n\t" for character in text)
    body = text if is_text else shown.hex(" ")
    return body if len(payload) <= SHOWN_BYTES else f"{body}\n… {len(payload) - SHOWN_BYTES} bytes more"


@router.get("/quarantine")
def list_quarantine(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    state: Literal["held", "replayed", "discarded"] = "held",
    before: Annotated[int, Query(ge=0, le=GREATEST)] = GREATEST,
) -> Response:
    """Show what waits, or what became of it."""
    actor = visitor.actor
    with gate.acting(actor) as conn:
        zones = {site.site: site.time_zone for site in operations.sites(conn, actor)}
        rows = operations.quarantine(conn, actor, state=state, before=before, limit=ROWS + 1)
    shown = rows[:ROWS]
    more = urlencode({"state": state, "before": shown[-1].quarantine_id}) if len(rows) > ROWS else None
    return page(
        request,
        visitor,
        "quarantine.html",
        tab="/quarantine",
        rows=shown,
        zones=zones,
        state=state,
        following=more,
    )


@router.get("/quarantine/{quarantine_id}")
def show_quarantined(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    quarantine_id: Number,
) -> Response:
    """Show one thing whole."""
    actor = visitor.actor
    with gate.acting(actor) as conn:
        zones = {site.site: site.time_zone for site in operations.sites(conn, actor)}
        row = operations.quarantined(conn, actor, quarantine_id=quarantine_id)
    if row is None:
        raise _nothing(quarantine_id)
    zone = zones.get(row.site or "", "UTC")
    return page(
        request,
        visitor,
        "quarantined.html",
        tab="/quarantine",
        row=row,
        zone=zone,
        text=readable(row.payload),
        may_replay=row.state == "held" and may_settle(actor, row.site),
    )


@router.post("/quarantine/{quarantine_id}/replay")
def replay_quarantined(*, gate: TheGate, visitor: Sender, quarantine_id: Number) -> Response:
    """Ask for a replay; the page then tells what became of it, also if it was settled meanwhile."""
    with suppress(AlreadyClaimedError), gate.acting(visitor.actor) as conn:
        if not request_replay(conn, visitor.actor, quarantine_id=quarantine_id):
            raise _nothing(quarantine_id)
    return RedirectResponse(f"/quarantine/{quarantine_id}", 303)


def _nothing(quarantine_id: int) -> HTTPException:
    return HTTPException(404, f"there is nothing in quarantine under {quarantine_id} at your sites")
