"""*Live*: gateways, flow, completeness, gaps and the last movements, kept fresh by server-sent events."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cloud.alerts import service as alerts
from cloud.alerts.domain import Severity
from cloud.identity.actor import Actor
from cloud.identity.gate import Gate
from cloud.inquiry import operations, stock
from cloud.inquiry.domain import OPERATIONS_READERS, FlowRow
from cloud.routes import LateRoute
from cloud.web.rendering import fragment, page
from cloud.web.streaming import stream
from cloud.web.visitors import TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

FLOW_MINUTES: Final = 30
SILENT_AFTER: Final = timedelta(seconds=45)
"""A gateway that says it is online but was not heard for so long is shown as silent."""
LAST_MOVEMENTS: Final = 12
MOST_TICKETS: Final = 12
"""The most severe; what is only worth knowing stands under *Tickets*."""
ROWS: Final = 200


def _look(gate: Gate, actor: Actor, now: datetime) -> dict[str, Any]:
    since = (now - timedelta(minutes=FLOW_MINUTES)).replace(second=0, microsecond=0)
    with gate.acting(actor) as conn:
        ledger, sites = operations.completeness(conn, actor)
        gateways = operations.gateways(conn, actor, limit=ROWS)
        flow = operations.flow(conn, actor, since_at=since)
        gaps = operations.gaps(conn, actor, open_only=True, limit=20)
        held = operations.held_count(conn, actor)
        movements = stock.last_movements(conn, actor, limit=LAST_MOVEMENTS)
        tickets = alerts.urgent(conn, actor.narrowed(*OPERATIONS_READERS), limit=MOST_TICKETS + 1)
    wrong = [ticket for ticket in tickets if ticket.severity is not Severity.INFO]
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
        "tickets": wrong[:MOST_TICKETS],
        "has_more_tickets": len(tickets) > len(wrong[:MOST_TICKETS]),
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
    content = request.app.state.snapshots.look(gate, visitor.actor, _look, "live")
    return page(request, visitor, "live.html", tab="/live", **content)


@router.get("/live/events")
def stream_live(request: Request, gate: TheGate, visitor: Viewer) -> Response:
    """Send the live parts every two seconds."""
    visitor.actor.require(*OPERATIONS_READERS)
    snapshots = request.app.state.snapshots

    def render(actor: Actor) -> str:
        return fragment("live_parts.html", **snapshots.look(gate, actor, _look, "live"))

    return stream(request, gate, render)
