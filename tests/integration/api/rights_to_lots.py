"""Who may ask about lots, recall them, say what nobody knows of them, and see what expires."""

from decimal import Decimal
from typing import Any

from rights_to_make import (
    MADE,
    MADE_AT_ONE_SITE,
    MADE_FOR_THE_NETWORK,
    MAKE_ASKED,
    MAKE_FORMS,
    MAKE_ROUTES,
    MAKE_THINGS,
    make_form,
    plan_something,
)
from serving import NOW, OWN, ROOT

from cloud.db import ConnectionPool
from cloud.documents.import_file import ImportPaper
from cloud.documents.service import import_all
from cloud.identity.actor import Role
from cloud.identity.store import act_as
from cloud.ledger.manual import ManualMovement, post_movement
from cloud.lots import recalls, stating
from contracts.base import SiteId
from contracts.records import Identifier, Side

STAFF = set(Role) - {Role.ADMIN, Role.DEVICE}
MOVERS = {Role.SUPERVISOR, Role.INVENTORY_CONTROLLER}
CHEESE, GTIN = "CHEESE", "00614141000050"
LOT_ROUTES: dict[str, set[Role] | None] = {
    **MAKE_ROUTES,
    "GET /v1/lots": STAFF,
    "GET /v1/lot-story": STAFF,
    "GET /v1/lot-history": STAFF,
    "GET /v1/lot-dates": STAFF,
    "GET /v1/recalls": STAFF,
    "GET /v1/recalls/{recall_id}": STAFF,
    "POST /v1/recalls": MOVERS,
    "POST /v1/recalls/{recall_id}/end": MOVERS,
    "GET /v1/unstated-lots": STAFF,
    "POST /v1/unstated-lots": MOVERS,
    "POST /v1/lot-policies": MOVERS,
    "GET /v1/expiring-lots": STAFF,
    "GET /v1/expiry-watches": STAFF,
    "POST /v1/expiry-watches": MOVERS,
    "GET /lots": STAFF,
    "GET /lots.{form:form}": STAFF,
    "GET /lots/{item}/{lot:path}": STAFF,
    "POST /lot-dates": MOVERS,
    "GET /recalls/{recall_id}": STAFF,
    "POST /recalls": MOVERS,
    "POST /recalls/{recall_id}/end": MOVERS,
    "GET /expiring": STAFF,
    "GET /expiring.{form:form}": STAFF,
    "GET /unstated": STAFF,
    "GET /unstated.{form:form}": STAFF,
    "POST /unstated": MOVERS,
}
LOTS_OF_ONE_SITE = {
    **MADE_AT_ONE_SITE,
    "POST /v1/unstated-lots": {404},
    "POST /unstated": {404},
    "POST /v1/expiry-watches": {403},
}
"""What those of another site are answered; a recall is everybody's."""
LOTS_OF_THE_NETWORK = MADE_FOR_THE_NETWORK | {
    "POST /v1/recalls/{recall_id}/end",
    "POST /recalls/{recall_id}/end",
    "POST /v1/lot-policies",
    "POST /lot-dates",
}
LOT_FORMS = MAKE_FORMS | {
    "POST /lot-dates",
    "POST /recalls",
    "POST /recalls/{recall_id}/end",
    "POST /unstated",
}
LOT_FORM: dict[str, str] = {"item": CHEESE, "lot": "L2", "reason": "unfounded", "quantity": "1"}
_NAMED = {"item": CHEESE, "lot": "L1"}
LOT_ASKED: dict[str, dict[str, str]] = MAKE_ASKED | dict.fromkeys(
    ("GET /v1/lot-dates", "GET /v1/lot-story", "GET /v1/lot-history", "GET /lots.{form:form}"), _NAMED
)
LOT_THINGS = MAKE_THINGS | {"{item}/{lot:path}": f"{CHEESE}/L1"}
"""What stands in the routes' paths."""
LOTTED: dict[str, Any] = {
    **MADE,
    "POST /v1/recalls": _NAMED | {"reason": "defective"},
    "POST /v1/recalls/{recall_id}/end": {"reason": "unfounded"},
    "POST /v1/unstated-lots": {"lot": "L2", "quantity": "1"},
    "POST /v1/lot-policies": {"item": CHEESE, "is_lot_controlled": True, "rule": "fifo"},
    "POST /v1/expiry-watches": {"site": OWN, "days": 10},
}


def lot_form(route: str) -> dict[str, Any]:
    """Give what a form of these pages sends."""
    if route in MAKE_FORMS:
        return make_form(route)
    return LOT_FORM | ({"reason": "defective"} if route == "POST /recalls" else {})


def lots_of_something(pool: ConnectionPool) -> dict[str, object]:
    """Leave lots of an item, goods of it of which nobody knows the lot, and a recall."""
    item = {"code": CHEESE, "levels": [{"gtin": GTIN, "base_units": 1}]}
    with pool.connection() as conn:
        import_all(conn, ROOT, ImportPaper.model_validate({"items": [item]}), now=NOW)
        stating.set_policy(conn, ROOT, item=CHEESE, is_lot_controlled=True, rule=None)
    for lot in ("unspecified", "L1", "L2", "L3"):
        came = ManualMovement(
            site=SiteId(OWN),
            identifier=Identifier(scheme="gtin", value=GTIN),
            quantity=Decimal(100),
            unit="base",
            source=Side(location="@opening", lot=lot),
            destination=Side(location="C-09-9", lot=lot),
            occurred_at=NOW,
            reason="test",
        )
        with pool.connection() as conn:
            act_as(conn, ROOT)
            post_movement(conn, ROOT, came, now=NOW)
    with pool.connection() as conn:
        (unknown,) = stating.unstated(conn, ROOT, limit=2)
        recall = recalls.open_recall(conn, ROOT, item=CHEESE, lot="L3", reason="defective")
    LOTTED["POST /v1/unstated-lots"]["cell_id"] = unknown.cell_id
    LOT_FORM["cell"] = str(unknown.cell_id)
    plan_something(pool)
    return {"recall_id": recall.recall_id}
