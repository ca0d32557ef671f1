"""What the authorisation matrix needs of demand and its sources: who may, bodies, and one that is there."""

from typing import Any

from serving import MUG, NOW, OWN, ROOT, TEA

from cloud.api.routes.demand_sources import SourcePaper
from cloud.db import ConnectionPool
from cloud.demand import held
from cloud.demand.domain import Faults
from cloud.demand.papers import DemandLinePaper
from cloud.demand.service import import_lines
from cloud.demand.sources import service
from cloud.demand.sources.domain import NewSource
from cloud.demand.waiting import Holding, Origin, Reason
from cloud.identity.actor import Role

SIGNED: set[Role] = set()
"""Whoever holds the secret that signs what is sent; no role counts."""
_STAFF = set(Role) - {Role.ADMIN, Role.DEVICE}
_PLANNING = {Role.INVENTORY_CONTROLLER, Role.PLANNER}
_IMPORTERS = _PLANNING | {Role.SUPERVISOR}
_VIEWERS = set(Role) - {Role.DEVICE}
_KEEPERS = {Role.SUPERVISOR, Role.INVENTORY_CONTROLLER, Role.PLANNER, Role.ADMIN}
DEMAND_ROUTES: dict[str, set[Role]] = {
    "GET /v1/demand": _STAFF,
    "POST /v1/demand": _IMPORTERS,
    "GET /v1/demand/held": _STAFF,
    "POST /v1/demand/held/{held_id}/retry": _IMPORTERS,
    "POST /v1/demand/held/{held_id}/discard": _IMPORTERS,
    "POST /v1/demand/held/retry": _IMPORTERS,
    "POST /v1/demand/held/discard": _IMPORTERS,
    "GET /demand": _STAFF,
    "GET /demand.{form:form}": _STAFF,
    "POST /demand/held/{held_id}/retry": _IMPORTERS,
    "POST /demand/held/{held_id}/discard": _IMPORTERS,
    "POST /demand/held/retry": _IMPORTERS,
    "POST /demand/held/discard": _IMPORTERS,
    "POST /demand/masks": _PLANNING,
    "POST /demand/masks/{mask_id}/withdrawal": _PLANNING,
    "GET /v1/demand/shorts": _STAFF,
    "GET /v1/demand/feedback": _STAFF,
    "GET /v1/demand/feedback/worth": _STAFF,
    "GET /v1/demand/substitutions": _STAFF,
    "POST /v1/demand/substitutions": _IMPORTERS,
    "GET /v1/demand/masks": _STAFF,
    "POST /v1/demand/masks": _PLANNING,
    "POST /v1/demand/masks/{mask_id}/withdrawal": _PLANNING,
    "GET /v1/demand/supersessions": _STAFF,
    "POST /v1/demand/supersessions": _PLANNING,
    "GET /v1/demand/sources": _VIEWERS,
    "POST /v1/demand/sources": {Role.ADMIN},
    "GET /v1/demand/sources/{source_id}": _VIEWERS,
    "POST /v1/demand/sources/{source_id}/{action}": _KEEPERS,
    "POST /v1/demand/sources/{source_id}/backfill": _KEEPERS,
    "POST /v1/demand/events/{source_id}": SIGNED,
}
DEMAND_FORMS = {route for route in DEMAND_ROUTES if route.startswith("POST /demand/")}
DEMAND_OF_ONE_SITE = {
    "GET /v1/demand/shorts": {403},
    "GET /v1/demand/feedback": {403},
    "GET /v1/demand/feedback/worth": {403},
    "POST /v1/demand/substitutions": {403},
    "POST /demand/held/{held_id}/retry": {404},
    "POST /demand/held/{held_id}/discard": {404},
    "POST /demand/masks": {403},
    "POST /demand/masks/{mask_id}/withdrawal": {404},
    "POST /demand/held/retry": {403},
    "POST /demand/held/discard": {403},
    "POST /v1/demand": {403},
    "POST /v1/demand/held/{held_id}/retry": {404},
    "POST /v1/demand/held/{held_id}/discard": {404},
    "POST /v1/demand/held/retry": {403},
    "POST /v1/demand/held/discard": {403},
    "POST /v1/demand/masks": {403},
    "POST /v1/demand/masks/{mask_id}/withdrawal": {404},
    "POST /v1/demand/supersessions": {403},
    "POST /v1/demand/sources": {403},
    "GET /v1/demand/sources/{source_id}": {404},
    "POST /v1/demand/sources/{source_id}/{action}": {404},
    "POST /v1/demand/sources/{source_id}/backfill": {404},
}
HELD_FORM = {"site": OWN, "source": "none"}
MASK_FORM = {"site": OWN, "from_day": "2026-02-02", "kind": "one_off"}
SHOP = {
    "site": OWN,
    "name": "shop",
    "kind": "rest",
    "address": "https://shop.example/orders",
    "settings": {
        "fields": {"document": "id", "line": "n", "item": "sku", "quantity": "n", "requested_at": "at"},
        "cursor_parameter": "since",
        "watermark": "at",
    },
}
PERIOD_OF_DEMAND = {"site": OWN, "since": "2026-02-01T00:00:00Z", "until": "2026-03-02T00:00:00Z"}
SWAPPED = {
    "site": OWN,
    "source": "till",
    "document": "S-1",
    "line": "1",
    "asked": TEA,
    "asked_quantity": 1,
    "sent": MUG,
    "sent_quantity": 1,
    "sent_at": "2026-03-02T08:00:00Z",
}
DEMANDED: dict[str, Any] = {
    "POST /v1/demand/substitutions": {"substitutions": [SWAPPED]},
    "POST /v1/demand/held/{held_id}/retry": None,
    "POST /v1/demand/held/{held_id}/discard": {"reason": "a test"},
    "POST /v1/demand/held/retry": {"site": OWN, "source": "none"},
    "POST /v1/demand/held/discard": {"site": OWN, "source": "none", "reason": "a test"},
    "POST /v1/demand/sources": SHOP,
    "POST /v1/demand/sources/{source_id}/{action}": None,
    "POST /v1/demand/sources/{source_id}/backfill": {"from_at": "2026-03-01T00:00:00Z"},
}
"""Bodies of the routes; a name that is taken is a conflict."""


def demand_something(pool: ConnectionPool) -> dict[str, object]:
    """Leave a source, and a step that it allows any time."""
    wished = NewSource(**dict(SourcePaper.model_validate(SHOP | {"name": "till"})))
    waiting = Holding(OWN, "till", Origin.MESSAGE, "0", b"{", Reason.UNREADABLE, "no JSON")
    asked = {"document": "S-1", "line": "1", "identifier": {"scheme": "item", "value": TEA}, "quantity": 1}
    asked |= {"site": OWN, "source": "till", "requested_at": "2026-03-01T08:00:00Z"}
    with pool.connection() as conn:
        line = DemandLinePaper.model_validate(asked).staged(1)
        import_lines(conn, ROOT, [line], faults=Faults(), origin="line", now=NOW)
    with pool.connection() as conn:
        made = service.add_source(conn, ROOT, wished, site=OWN, now=NOW)
        held.hold(conn, [waiting], now=NOW)
        (found,) = held.listed(conn, ROOT, limit=1)
    return {"source_id": made.source_id, "action": "pull", "held_id": found.held_id}
