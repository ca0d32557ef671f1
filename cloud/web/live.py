"""*Live*: gateways, flow, completeness, gaps and the last movements, kept fresh by server-sent events."""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse

from cloud.identity.actor import Actor
from cloud.identity.gate import Gate, NotLoggedInError
from cloud.inquiry import operations, stock
from cloud.inquiry.domain import OPERATIONS_READERS, FlowRow
from cloud.web.rendering import fragment, page
from cloud.web.visitors import TheGate, Viewer

router: Final = APIRouter()

EVERY_S: Final = 2.0
"""Seconds between two looks; viewers with the same sites share one."""
MAX_STREAM: Final = timedelta(minutes=15)
"""A stream ends after so long; the browser opens a new one by itself."""
FLOW_MINUTES: Final = 30
SILENT_AFTER: Final = timedelta(seconds=45)
"""A gateway that says it is online but was not heard for so long is shown as silent."""
LAST_MOVEMENTS: Final = 12
ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class _Kept:
    taken_s: float
    content: dict[str, Any]


class Snapshots:
    """The last look at the ledger per reach, so that fifty viewers cost one."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._lock = threading.Lock()
        self._kept: dict[Actor, _Kept] = {}

    def look(self, gate: Gate, actor: Actor) -> dict[str, Any]:
        """Give what *Live* shows, at most `EVERY_S` old.

        Args:
            gate: Opens the transaction.
            actor: Who looks; the roles are checked at every look.

        Returns:
            What `live_parts.html` names.

        Raises:
            NotAllowedError: If the actor may not see operations.
        """
        anybody = replace(actor, id="")
        with self._lock:
            now_s = time.monotonic()
            self._kept = {
                who: kept for who, kept in self._kept.items() if now_s - kept.taken_s < EVERY_S * 0.9
            }
            if anybody not in self._kept:
                self._kept[anybody] = _Kept(now_s, _look(gate, actor, gate.clock()))
            return self._kept[anybody].content


def _look(gate: Gate, actor: Actor, now: datetime) -> dict[str, Any]:
    since = (now - timedelta(minutes=FLOW_MINUTES)).replace(second=0, microsecond=0)
    with gate.acting(actor) as conn:
        ledger, sites = operations.completeness(conn, actor)
        gateways = operations.gateways(conn, actor, limit=ROWS)
        flow = operations.flow(conn, actor, since_at=since)
        gaps = operations.gaps(conn, actor, open_only=True, limit=20)
        held = operations.held_count(conn, actor)
        movements = stock.last_movements(conn, actor, limit=LAST_MOVEMENTS)
    series, total = per_minute(flow, since, FLOW_MINUTES)
    known = [(site.complete_until, site.time_zone) for site in sites if site.complete_until]
    complete_until, zone = min(known) if known and len(known) == len(sites) else (None, "UTC")
    return {
        "now": now,
        "silent_limit": SILENT_AFTER,
        "ledger": ledger,
        "sites": sites,
        "complete_until": complete_until,
        "complete_zone": zone,
        "gateways": gateways,
        "silent_before": now - SILENT_AFTER,
        "online": sum(gateway.presence == "online" for gateway in gateways),
        "series": series,
        "total": total,
        "gaps": gaps,
        "held": held,
        "movements": movements,
    }


def per_minute(flow: list[FlowRow], since: datetime, minutes: int) -> tuple[dict[str, list[int]], list[int]]:
    """Lay flow out on a row of minutes, minutes without anything being zero.

    Args:
        flow: Records by gateway and minute.
        since: The first minute.
        minutes: How many minutes before the present one, which is not whole yet.

    Returns:
        By gateway, and for all of them, one number per minute, oldest first.

    Examples:
        >>> at = datetime.fromisoformat("2026-01-01T12:00:00+00:00")
        >>> per_minute([FlowRow("dock-1", at + timedelta(minutes=1), 7)], at, 3)[1]
        [0, 7, 0, 0]
    """
    series: dict[str, list[int]] = defaultdict(lambda: [0] * (minutes + 1))
    total = [0] * (minutes + 1)
    for row in flow:
        index = int((row.minute_at - since).total_seconds() // 60)
        if 0 <= index <= minutes:
            series[row.gateway][index] += row.records
            total[index] += row.records
    return series, total


@router.get("/live")
def show_live(request: Request, gate: TheGate, visitor: Viewer) -> Response:
    """Show the page as it is now; the stream keeps it fresh."""
    content = request.app.state.snapshots.look(gate, visitor.actor)
    return page(request, visitor, "live.html", tab="/live", **content)


@router.get("/live/events")
def stream_live(request: Request, gate: TheGate, visitor: Viewer) -> Response:
    """Send the live parts every two seconds, as long as the session and the roles last."""
    visitor.actor.require(*OPERATIONS_READERS)
    return StreamingResponse(
        _events(request, gate),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _events(request: Request, gate: Gate) -> AsyncIterator[bytes]:
    """Render in the thread pool and wait outside it, so that a viewer holds no thread."""
    ends_at = gate.clock() + MAX_STREAM
    cookies = dict(request.cookies)

    def render() -> str:
        actor = gate.identify(authorization=None, cookies=cookies).actor
        return fragment("live_parts.html", **request.app.state.snapshots.look(gate, actor))

    yield b"retry: 3000\n\n"
    while gate.clock() < ends_at and not await request.is_disconnected():
        try:
            html = await run_in_threadpool(render)
        except NotLoggedInError:
            yield b"event: ended\ndata: session\n\n"
            return
        yield b"event: live\ndata: " + orjson.dumps(html) + b"\n\n"
        await asyncio.sleep(EVERY_S)
