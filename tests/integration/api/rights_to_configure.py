"""Who may say what gateways run, and what only gateways themselves may send."""

from typing import Any

from rights_to_demand import SIGNED
from rights_to_label import LABEL_FORMS, LABEL_ROUTES, LABELS_OF_ONE_SITE, PRINT_FORMS
from serving import NOW, ROOT

from cloud.db import ConnectionPool
from cloud.gateways import service
from cloud.identity.actor import Role

OPERATIONS = set(Role) - {Role.DEVICE}
ADMIN = {Role.ADMIN}
AGAIN = "/config/{revision}/again"
CONFIG_ROUTES: dict[str, set[Role] | None] = {
    "GET /v1/gateways/{gateway}/config": OPERATIONS,
    "GET /v1/gateways/{gateway}/config/revisions": OPERATIONS,
    "POST /v1/gateways/{gateway}/config": ADMIN,
    "POST /v1/gateways/{gateway}/config/revisions/{revision}/again": ADMIN,
    "POST /v1/batches": SIGNED,
    "GET /v1/ingest/state": SIGNED,
    "GET /v1/ingest/messages": SIGNED,
    "POST /v1/ingest/{channel}": SIGNED,
    "GET /gateways": OPERATIONS,
    "GET /gateways/{gateway}": OPERATIONS,
    "POST /gateways/{gateway}/config": ADMIN,
    "POST /gateways/{gateway}/config/{revision}/again": ADMIN,
    **LABEL_ROUTES,
}
CONFIGS_OF_ONE_SITE = {route: {404} for route in CONFIG_ROUTES if "{gateway}" in route} | LABELS_OF_ONE_SITE
"""What those of another site are answered."""
CONFIG_FORMS = (
    {route for route in CONFIG_ROUTES if route.startswith("POST /gateways")} - PRINT_FORMS.keys()
) | LABEL_FORMS
CONFIGURED: dict[str, Any] = {
    "POST /v1/gateways/{gateway}/config": {"settings": {"drain_rows_per_s": 100.0}, "reason": "test"},
    "POST /v1/gateways/{gateway}/config/revisions/{revision}/again": None,
}
CONFIG_FORM = {"place": "drain_rows_per_s", "value": "200.0"}


def configure_something(pool: ConnectionPool) -> dict[str, object]:
    """Wish a configuration for the own site's gateway, and name it."""
    with pool.connection() as conn:
        wish = service.set_config(
            conn, ROOT, gateway="dock-m1", settings={"drain_rows_per_s": 50.0}, reason="test", now=NOW
        )
    return {"revision": wish.revision, "channel": "status"}
