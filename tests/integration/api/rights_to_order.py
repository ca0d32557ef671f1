"""What the authorisation matrix needs of suppliers, proposals and orders at the own site."""

from typing import Any

from serving import MUG, NOW, OWN, TEA

from cloud.db import Connection, ConnectionPool
from cloud.documents.order_papers import OrderPaper
from cloud.documents.orders import register_order
from cloud.identity.actor import Actor, Role
from cloud.master.supplier_papers import SupplierItemPaper, SupplierPaper
from cloud.master.suppliers import put_supplier, put_supplier_item
from cloud.replenishment import service

BUYER = Actor("user:bea", frozenset({Role.BUYER}), all_sites=True)
STAFF = set(Role) - {Role.ADMIN, Role.DEVICE}
DOCK = {Role.SUPERVISOR, Role.INVENTORY_CONTROLLER, Role.OPERATOR}
BUYERS = {Role.BUYER}
ORDER_PAGES: dict[str, set[Role] | None] = {
    "GET /orders": STAFF,
    "GET /orders/new": BUYERS,
    "POST /orders/new": BUYERS,
    "GET /orders/{site}/{order}": STAFF,
    "GET /orders/{site}/{order}.{form:form}": STAFF,
    "POST /orders/{site}/{order}/receipts": DOCK,
    "POST /orders/{site}/{order}/sent": BUYERS,
    "POST /orders/{site}/{order}/confirmation": BUYERS,
    "POST /orders/{site}/{order}/close": BUYERS,
}
"""Who may use which page."""
ORDER_FORMS = {route for route in ORDER_PAGES if route.startswith("POST ")}
ORDERS_OF_ONE_SITE = {route: {403} for route in ORDER_PAGES if "{site}" in route or route in ORDER_FORMS}
"""What those of another site are answered."""
LINE = {"line": "1", "item": TEA, "quantity": "50", "price": "2", "due_on": "2026-04-01"}
ORDER = {"site": OWN, "id": "PO-X", "supplier": "ACME", "sent_at": "2026-03-02T06:00:00Z", "lines": [LINE]}
SUPPLIER = {"supplier": "ACME", "name": "Acme", "currency": "EUR"}
ORDERED: dict[str, Any] = {
    "POST /v1/suppliers": SUPPLIER,
    "POST /v1/suppliers/items": {"supplier": "ACME", "item": TEA, "site": OWN, "price": "2"},
    "POST /v1/planning/policies": {"site": OWN, "target_kind": "fill_rate", "target": 0.9},
    "POST /v1/proposals/{proposal_id}/accept": {},
    "POST /v1/proposals/{proposal_id}/change": {"reason": "budget", "quantity": "5", "supplier": "ACME"},
    "POST /v1/proposals/{proposal_id}/reject": {"reason": "budget"},
    "POST /v1/purchase-orders": ORDER,
    "POST /v1/planning/confirmation-tolerance": {
        "site": OWN,
        "quantity_percent": "5",
        "price_percent": "2",
    },
    "POST /v1/purchase-orders/{site}/{order}/confirmations": {"lines": [{"line": "1"}]},
    "POST /v1/purchase-orders/{site}/{order}/dates": {"line": "1", "due_on": "2026-04-02"},
    "POST /v1/purchase-orders/{site}/{order}/sent": None,
    "POST /v1/purchase-orders/{site}/{order}/close": {"reason": "other"},
}
"""Bodies of the routes; a second answer to a proposal or order is a conflict."""


ORDER_FORM = {
    "site": OWN,
    "id": "PO-F",
    "supplier": "ACME",
    "item": TEA,
    "quantity": "5",
    "unit_seen": "",
    "price": "",
    "due_on": "2026-04-01",
}
"""As it is typed on the page."""


def delivery(name: str) -> dict[str, Any]:
    """State a delivery that came but once."""
    return {"receipt": name, "location": "A-01-1", "lines": [{"line": "1", "received": "1"}]}


def order_something(pool: ConnectionPool) -> dict[str, object]:
    """Leave a proposal that waits and an order on its way; gives their names."""

    def work(conn: Connection) -> None:
        put_supplier(conn, BUYER, SupplierPaper.model_validate(SUPPLIER))
        for item in (TEA, MUG):
            put_supplier_item(conn, BUYER, SupplierItemPaper(supplier="ACME", item=item, site=OWN))
        register_order(conn, BUYER, OrderPaper.model_validate(ORDER), now=NOW)

    with pool.connection() as conn:
        work(conn)
    service.run_all(pool, BUYER, NOW, None, sites=[OWN])
    with pool.connection() as conn:
        conn.execute("SELECT set_config('dockledger.sites', '*', true)")
        row = conn.execute("SELECT proposal_id FROM proposal ORDER BY created_at, proposal_id").fetchone()
    assert row is not None
    return {"proposal_id": row[0], "order": "PO-X", "supplier": "ACME"}
