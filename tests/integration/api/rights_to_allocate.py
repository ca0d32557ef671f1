"""Who may claim stock, release picks and see what is free."""

from typing import Any

from rights_to_lots import LOT_FORMS, LOT_ROUTES, LOTS_OF_ONE_SITE, LOTS_OF_THE_NETWORK
from serving import MUG, NOW, OWN, ROOT, moved, post_all

from cloud.allocation.claiming import Wish
from cloud.allocation.picking import release_picks
from cloud.db import ConnectionPool
from cloud.documents.papers import DocumentPaper
from cloud.documents.service import register_document
from cloud.identity.actor import Role

STAFF = set(Role) - {Role.ADMIN, Role.DEVICE}
MOVERS = {Role.SUPERVISOR, Role.INVENTORY_CONTROLLER}
CLAIM_ROUTES: dict[str, set[Role] | None] = {
    **LOT_ROUTES,
    "GET /v1/allocations": STAFF,
    "POST /v1/allocations": MOVERS,
    "POST /v1/allocations/release": MOVERS,
    "GET /v1/availability": STAFF,
    "GET /v1/availability/{site}/{item:path}": STAFF,
    "POST /v1/lots": MOVERS,
    "POST /v1/customer-terms": MOVERS,
    "GET /v1/waves": STAFF,
    "POST /v1/waves": MOVERS,
    "GET /v1/tasks": STAFF,
    "GET /v1/tasks/{task}": STAFF,
    "POST /v1/tasks/{site}/{task}/cancel": MOVERS,
    "GET /v1/short-picks": STAFF,
    "GET /v1/pick-faces/{site}": STAFF,
    "POST /v1/pick-faces": MOVERS,
    "GET /availability": STAFF,
    "GET /availability/{site}/{item:path}": STAFF,
    "GET /availability/{site}/{item:path}/days.{form:form}": STAFF,
    "GET /availability/{site}/{item:path}/to-come.{form:form}": STAFF,
    "GET /picking": STAFF,
    "GET /picking/events": STAFF,
    "POST /picking": MOVERS,
    "GET /picking/tasks/{task}": STAFF,
    "POST /picking/tasks/{site}/{task}/cancel": MOVERS,
}
CLAIMS_OF_THE_NETWORK = LOTS_OF_THE_NETWORK | {"POST /v1/lots", "POST /v1/customer-terms"}
CLAIMS_OF_ONE_SITE = (
    LOTS_OF_ONE_SITE
    | {route: {403} for route in CLAIM_ROUTES if "{site}" in route}
    | {route: {404} for route in CLAIM_ROUTES if route.endswith("/tasks/{task}")}
    | {f"POST {path}": {403} for path in ("/v1/allocations", "/v1/allocations/release", "/v1/waves")}
    | {f"POST {path}": {403} for path in ("/v1/pick-faces", "/picking")}
)
"""What those of another site are answered."""
CLAIM_FORMS = LOT_FORMS | {route for route in CLAIM_ROUTES if route.startswith("POST /picking")}
CLAIMED: dict[str, Any] = {
    "POST /v1/allocations": {"site": OWN, "documents": ["outbound_order/SO-C"]},
    "POST /v1/allocations/release": {"site": OWN, "document": "outbound_order/SO-C"},
    "POST /v1/lots": {"item": MUG, "lot": "L1", "expires_on": "2027-01-31"},
    "POST /v1/customer-terms": {"partner": "ACME", "minimum_days": 30},
    "POST /v1/waves": {
        "site": OWN,
        "to_location": "A-01-1",
        "documents": ["outbound_order/SO-C"],
        "gateway": "dock-m1",
    },
    "POST /v1/tasks/{site}/{task}/cancel": None,
    "POST /v1/pick-faces": {
        "site": OWN,
        "location": "A-01-1",
        "item": MUG,
        "minimum": "2",
        "maximum": "4",
    },
}


def claim_form(caller: str) -> dict[str, str]:
    """Ask for a wave of the caller's own order."""
    asked = {"site": OWN, "to_location": "A-01-1", "gateway": "dock-m1"}
    return asked | {"documents": f"SO-{caller}"}


def claim_something(pool: ConnectionPool) -> dict[str, object]:
    """Leave an order whose picks are released, and one for each form that will be sent; names the task."""
    callers = [f"{role}@{where}" for role in MOVERS for where in (OWN, "all")]
    line = {"line": "1", "identifier": {"scheme": "sku", "value": MUG}, "quantity": "2"}
    post_all(pool, moved("50", "@opening", "C-09-9", item=MUG))
    with pool.connection() as conn:
        for name in ("C", *callers):
            paper = {"site": OWN, "type": "outbound_order", "id": f"SO-{name}", "lines": [line]}
            register_document(conn, ROOT, DocumentPaper.model_validate(paper))
        wish = Wish(OWN, ("outbound_order/SO-C",))
        wave = release_picks(conn, ROOT, wish, to_location="A-01-1", gateway="dock-m1", now=NOW)
    return {"task": wave.tasks[0]}
