"""Who may do what with documents of a dock, what comes, what leaves and what waits."""

from typing import Any

from serving import NOW, OTHER, OWN, ROOT, TEA

from cloud.db import Connection, ConnectionPool
from cloud.documents.papers import DocumentPaper
from cloud.documents.receiving import service as receiving
from cloud.documents.receiving.papers import DeliveryPaper
from cloud.documents.service import register_document
from cloud.documents.shipping import service as shipping
from cloud.documents.shipping.papers import ShipmentPaper
from cloud.documents.transfers import service as transfers
from cloud.documents.transfers.papers import TransferPaper
from cloud.identity.actor import Role

STAFF = set(Role) - {Role.ADMIN, Role.DEVICE}
MOVERS = {Role.SUPERVISOR, Role.INVENTORY_CONTROLLER}
DOCK = MOVERS | {Role.OPERATOR}
DRAFTERS = MOVERS | {Role.PLANNER}
DOCK_ROUTES: dict[str, set[Role] | None] = {
    "GET /v1/documents": STAFF,
    "GET /v1/documents/{site}/{type}/{name:path}": STAFF,
    "POST /v1/documents": MOVERS,
    "GET /v1/visits": STAFF,
    "GET /v1/visits/{site}/{visit}": STAFF,
    "POST /v1/visits": MOVERS,
    "POST /v1/visits/{site}/{visit}/receipt": MOVERS,
    "POST /v1/visits/{site}/{visit}/departure": MOVERS,
    "POST /v1/visits/{site}/{visit}/close": MOVERS,
    "POST /v1/visits/{site}/{visit}/cancel": MOVERS,
    "GET /v1/receipts": STAFF,
    "GET /v1/receipts/{site}/{receipt}": STAFF,
    "GET /v1/receipts/{site}/{receipt}/lines": STAFF,
    "POST /v1/receipts": DOCK,
    "POST /v1/receipts/check": DOCK,
    "POST /v1/receipts/{site}/{receipt}/reversals": MOVERS,
    "GET /v1/receiving-rules": STAFF,
    "POST /v1/receiving-rules": MOVERS,
    "POST /v1/sscc-series": MOVERS,
    "POST /v1/short-closes": MOVERS,
    "GET /v1/open-lines": STAFF,
    "GET /v1/dock-to-stock": STAFF,
    "GET /v1/waiting-goods": STAFF,
    "GET /v1/judgements": STAFF,
    "POST /v1/judgements": MOVERS,
    "POST /v1/scrappings": MOVERS,
    "GET /v1/shipments": STAFF,
    "GET /v1/shipments/{site}/{shipment}": STAFF,
    "GET /v1/shipments/{site}/{shipment}/lines": STAFF,
    "POST /v1/shipments": DOCK,
    "POST /v1/shipments/{site}/{shipment}/reversals": MOVERS,
    "GET /v1/transfers": STAFF,
    "GET /v1/transfers/{site}/{transfer}": STAFF,
    "POST /v1/transfers": DRAFTERS,
    "POST /v1/transfers/{site}/{transfer}/departure": DOCK,
    "POST /v1/transfers/{site}/{transfer}/cancel": DRAFTERS,
    "POST /v1/transfers/{site}/{transfer}/short": MOVERS,
    "GET /v1/appointments": STAFF,
    "POST /v1/appointments/{site}/{visit}": MOVERS,
    "POST /v1/appointments/{site}/{visit}/arrival": DOCK,
    "GET /receiving": STAFF,
    "GET /receiving/{site}/new": DOCK,
    "POST /receiving/{site}/new": DOCK,
    "GET /receiving/{site}/receipts/{receipt}": STAFF,
    "GET /receiving/{site}/receipts/{receipt}/lines.{form:form}": STAFF,
    "POST /receiving/{site}/receipts/{receipt}/reversals": MOVERS,
    "GET /inspection": STAFF,
    "POST /inspection/{site}": MOVERS,
    "POST /inspection/{site}/rules": MOVERS,
    "GET /returns": STAFF,
    "GET /documents/{site}/new": MOVERS,
    "POST /documents/{site}/new": MOVERS,
    "POST /documents/{site}/short": MOVERS,
    "GET /shipping": STAFF,
    "GET /shipping/{site}/new": DOCK,
    "POST /shipping/{site}/new": DOCK,
    "GET /shipping/{site}/shipments/{shipment}": STAFF,
    "GET /shipping/{site}/shipments/{shipment}/lines.{form:form}": STAFF,
    "POST /shipping/{site}/shipments/{shipment}/reversals": MOVERS,
    "GET /transfers": STAFF,
    "GET /transfers/{site}/{transfer}": STAFF,
    "POST /transfers": DRAFTERS,
    "POST /transfers/{site}/{transfer}/{step}": DRAFTERS,
    "POST /visits/{site}/{visit}/arrived": DOCK,
    "GET /visits/{site}/{visit}/appointment": MOVERS,
    "POST /visits/{site}/{visit}/appointment": MOVERS,
    "GET /visits/{site}/new": MOVERS,
    "POST /visits/{site}/new": MOVERS,
    "GET /open-lines.{form:form}": STAFF,
}
EITHER = (
    "POST /v1/transfers/{site}/{transfer}/departure",
    "POST /v1/transfers/{site}/{transfer}/cancel",
    "POST /transfers/{site}/{transfer}/{step}",
)
"""Steps that either site of a transfer may take."""
DOCK_OF_ONE_SITE = {
    "GET /v1/documents/{site}/{type}/{name:path}": {403},
    "POST /v1/documents": {403},
    "GET /v1/visits/{site}/{visit}": {403},
    "POST /v1/visits": {403},
    "POST /v1/visits/{site}/{visit}/receipt": {403},
    "POST /v1/visits/{site}/{visit}/departure": {403},
    "POST /v1/visits/{site}/{visit}/close": {403},
    "POST /v1/visits/{site}/{visit}/cancel": {403},
    **{
        route: {403}
        for route in DOCK_ROUTES
        if "{site}" in route and not route.startswith(("GET /v1/transfers/", "GET /transfers/", *EITHER))
    },
    **{
        route: {403}
        for route in (
            *("POST /v1/receipts", "POST /v1/receipts/check", "GET /v1/receiving-rules"),
            *("POST /v1/receiving-rules", "POST /v1/sscc-series", "POST /v1/short-closes"),
            *("POST /v1/judgements", "POST /v1/scrappings", "POST /v1/shipments"),
        )
    },
}
"""What those of another site are answered; a transfer is of both its sites."""
DOCK_FORMS = {route for route in DOCK_ROUTES if route.startswith("POST /") and "/v1/" not in route}
LINE = {"line": "1", "identifier": {"scheme": "sku", "value": TEA}, "quantity": "1000"}
ASKED: dict[str, dict[str, Any]] = {
    "GET /v1/open-lines": {"type": "asn"},
    "GET /v1/receiving-rules": {"site": OWN},
    "GET /shipping/{site}/new": {"type": "outbound_order", "id": "SO-D"},
}
"""Queries of routes that need one."""


def came(name: str, **more: Any) -> dict[str, Any]:
    """Say what came without papers."""
    line = {"line": "1", "identifier": LINE["identifier"], "received": "1"}
    return {"site": OWN, "receipt": name, "location": "A-01-1", "lines": [line]} | more


def leaves(name: str) -> dict[str, Any]:
    """Say what leaves for an order."""
    line = {"line": "1", "of": {"type": "outbound_order", "id": "SO-D", "line": "1"}, "quantity": "1"}
    return {"site": OWN, "shipment": name, "location": "A-01-1", "lines": [line]}


def docked(caller: str) -> dict[str, Any]:
    """Give the bodies of the routes; what is posted once bears the caller's name."""
    graded = {"site": OWN, "receipt": "R-D", "line": "1", "waits_as": "returned", "verdict": "sellable"}
    between = {"from_site": OTHER, "to_site": OWN, "id": "T-NEW", "lines": [LINE]}
    return {
        "POST /v1/receipts": came(f"R-{caller}"),
        "POST /v1/receipts/check": came(f"R-{caller}"),
        "POST /v1/receipts/{site}/{receipt}/reversals": {"line": "2", "reason": "other"},
        "POST /v1/receiving-rules": {"site": OWN, "over_percent": "5"},
        "POST /v1/sscc-series": {"site": OWN, "company_prefix": "9521141"},
        "POST /v1/short-closes": {"site": OWN, "type": "asn", "id": "ASN-D", "reason": "other"},
        "POST /v1/judgements": {**graded, "quantity": "1", "reason": "as_new"},
        "POST /v1/scrappings": {name: graded[name] for name in ("site", "receipt", "line", "waits_as")}
        | {"quantity": "1", "reason": "defective"},
        "POST /v1/shipments": leaves(f"S-{caller}"),
        "POST /v1/shipments/{site}/{shipment}/reversals": {"line": "1", "reason": "other"},
        "POST /v1/transfers": between,
        "POST /v1/transfers/{site}/{transfer}/departure": {},
        "POST /v1/transfers/{site}/{transfer}/cancel": None,
        "POST /v1/transfers/{site}/{transfer}/short": {"reason": "lost"},
        "POST /v1/appointments/{site}/{visit}": {"door": "dock-1", "from_at": "2026-03-02T07:00:00Z"},
        "POST /v1/appointments/{site}/{visit}/arrival": None,
    }


def dock_form(route: str, caller: str) -> dict[str, Any]:
    """Give the fields of a form."""
    typed = {"item": TEA, "quantity": "1", "received": "1", "of_line": "", "location": "A-01-1"}
    typed |= dict.fromkeys(("damaged", "rejected", "reason", "lot", "unit", "place", "disposition"), "")
    typed |= {"receipt": f"F-{caller}", "shipment": f"FS-{caller}", "line": "1"}
    forms = {
        "POST /inspection/{site}/rules": {"item": "", "over_percent": "5"},
        "POST /receiving/{site}/receipts/{receipt}/reversals": {"line": "2", "reason": "other"},
        "POST /inspection/{site}": {
            "item": "",
            "receipt": "R-D",
            "line": "1",
            "waits_as": "returned",
            "verdict": "sellable",
            "quantity": "1",
            "reason": "as_new",
            "lot": "",
            "location": "",
        },
        "POST /documents/{site}/new": {"type": "customer_return", "id": "RMA-F", "lot": "", "unit": ""},
        "POST /visits/{site}/new": {
            "direction": "inbound",
            "visit": "V-F",
            "door": "dock-1",
            "from_at": "2026-03-02T07:00",
        },
        "POST /visits/{site}/{visit}/appointment": {"door": "dock-1", "from_at": "2026-03-02T07:00"},
        "POST /documents/{site}/short": {"type": "asn", "id": "ASN-D", "line": "", "reason": "other"},
        "POST /shipping/{site}/new": {"type": "outbound_order", "id": "SO-D", "of_line": "1"},
        "POST /shipping/{site}/shipments/{shipment}/reversals": {"line": "1", "reason": "other"},
        "POST /transfers": {
            "from_site": OTHER,
            "to_site": OWN,
            "id": f"T-{caller}".replace("@", "."),
        },
    }
    return typed | forms.get(route, {})


def dock_something(pool: ConnectionPool) -> dict[str, object]:
    """Leave documents, a receipt, a shipment and a transfer at the own site, and name them."""

    def register(conn: Connection, kind: str, name: str) -> None:
        paper = {"site": OWN, "type": kind, "id": name, "lines": [LINE]}
        register_document(conn, ROOT, DocumentPaper.model_validate(paper))

    with pool.connection() as conn:
        for kind, name in (("asn", "ASN-D"), ("outbound_order", "SO-D")):
            register(conn, kind, name)
        between = {"from_site": OTHER, "to_site": OWN, "id": "T-D", "lines": [LINE]}
        transfers.draft(conn, ROOT, TransferPaper.model_validate(between))
    back = came("R-D", origin="customer")
    back["lines"] = [
        {**back["lines"][0], "received": "1000"},
        {**back["lines"][0], "line": "2", "received": "1"},
    ]
    with pool.connection() as conn:
        receiving.receive(conn, ROOT, DeliveryPaper.model_validate(back), now=NOW)
    with pool.connection() as conn:
        shipping.ship(conn, ROOT, ShipmentPaper.model_validate(leaves("S-D")), now=NOW)
    return {"receipt": "R-D", "shipment": "S-D", "transfer": "T-D", "step": "cancel", "form": "csv"}
