"""Who may ask about the past, what stock was worth, and for a period's close."""

from typing import Any

from serving import OWN, TEA

from cloud.identity.actor import Role

STAFF = set(Role) - {Role.ADMIN, Role.DEVICE}
VALUES = STAFF - {Role.OPERATOR}
KEEPERS = {Role.INVENTORY_CONTROLLER}
PAST_ROUTES: dict[str, set[Role] | None] = {
    "GET /v1/item-history": STAFF,
    "GET /v1/stock-differences": STAFF,
    "GET /v1/stock-differences/{cell_id}": STAFF,
    "GET /v1/stock-value": VALUES,
    "GET /v1/periods/{site}": VALUES,
    "GET /v1/periods/{site}/{period}": VALUES,
    "GET /v1/periods/{site}/{period}/lines": VALUES,
    "GET /v1/periods/{site}/{period}/late-facts": VALUES,
    "POST /v1/periods/{site}/{period}/close": KEEPERS,
    "POST /v1/sites/{site}/period-calendar": KEEPERS,
    "POST /v1/reconciliations": KEEPERS,
    "GET /v1/exchange-rates": STAFF,
    "POST /v1/exchange-rates": KEEPERS,
    "GET /items/{code:path}": STAFF,
    "GET /stock/differences": STAFF,
    "GET /stock/differences.{form:form}": STAFF,
    "GET /stock/differences/{cell_id}": STAFF,
    "GET /periods": VALUES,
    "GET /periods.{form:form}": VALUES,
    "GET /periods/{site}/{period}": VALUES,
    "GET /periods/{site}/{period}.{form:form}": VALUES,
    "GET /periods/{site}/{period}/late.{form:form}": VALUES,
    "POST /periods/{site}/{period}/close": KEEPERS,
}
PAST_OF_ONE_SITE = {
    route: {404} if "{cell_id}" in route else {403}
    for route in PAST_ROUTES
    if "{site}" in route
    or "{cell_id}" in route
    or route in {"GET /v1/stock-value", "POST /v1/reconciliations"}
}
"""What those of another site are answered."""
PAST_FORMS = {"POST /periods/{site}/{period}/close"}
PAST_OF_THE_NETWORK = {"POST /v1/exchange-rates"}
PAST_NAMES: dict[str, object] = {"period": "2026-02", "form": "csv"}
_RATE = {
    "from_currency": "USD",
    "to_currency": "EUR",
    "valid_from": "2026-01-01",
    "rate": "0.9",
    "source": "test",
}
PAST_BODIES: dict[str, Any] = {
    "POST /v1/periods/{site}/{period}/close": {"reason": "figures_due"},
    "POST /v1/sites/{site}/period-calendar": {"pattern": "month"},
    "POST /v1/exchange-rates": {"rates": [_RATE]},
    "POST /v1/reconciliations": {
        "site": OWN,
        "observed_at": "2026-02-01T00:00:00Z",
        "lines": [{"item": TEA, "location": "A-01-1", "quantity": "0"}],
    },
}
PAST_FORM = {"reason": "figures_due"}
PAST_ASKED: dict[str, dict[str, str]] = {
    "GET /v1/item-history": {"item": TEA},
    "GET /v1/stock-value": {"site": OWN},
}
