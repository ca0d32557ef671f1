"""*Quarantine*: what could not be understood, and its original bytes."""

from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import Response

from cloud.inquiry import operations
from cloud.inquiry.domain import GREATEST
from cloud.web.rendering import page
from cloud.web.visitors import TheGate, Viewer

router: Final = APIRouter()

ROWS: Final = 100
SHOWN_BYTES: Final = 16 * 1024


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
    quarantine_id: Annotated[int, Path(ge=1, le=GREATEST)],
) -> Response:
    """Show one thing whole."""
    actor = visitor.actor
    with gate.acting(actor) as conn:
        zones = {site.site: site.time_zone for site in operations.sites(conn, actor)}
        row = operations.quarantined(conn, actor, quarantine_id=quarantine_id)
    if row is None:
        raise HTTPException(404, f"there is nothing in quarantine under {quarantine_id} at your sites")
    zone = zones.get(row.site or "", "UTC")
    return page(
        request,
        visitor,
        "quarantined.html",
        tab="/quarantine",
        row=row,
        zone=zone,
        text=readable(row.payload),
    )
