"""Who may state recipes, say what was made, take it back, and see it."""

from typing import Any

from serving import NOW, OWN, ROOT, TEA

from cloud.db import ConnectionPool
from cloud.identity.actor import Role
from cloud.recipes import making, service
from cloud.recipes.papers import MadePaper, PlanPaper, RecipePaper

STAFF = set(Role) - {Role.ADMIN, Role.DEVICE}
MOVERS = {Role.SUPERVISOR, Role.INVENTORY_CONTROLLER}
DOCK = MOVERS | {Role.OPERATOR}
MAKE_ROUTES: dict[str, set[Role] | None] = {
    "GET /v1/recipes": STAFF,
    "GET /v1/serial-genealogy": STAFF,
    "GET /v1/scanned-receipts": STAFF,
    "POST /v1/recipes": MOVERS,
    "GET /v1/transformations": STAFF,
    "GET /v1/transformations/{site}/{type}/{id:path}": STAFF,
    "POST /v1/transformations": DOCK,
    "POST /v1/transformation-plans": DOCK,
    "POST /v1/transformation-reversals": MOVERS,
    "GET /recipes": STAFF,
    "POST /recipes": MOVERS,
    "GET /transformations": STAFF,
    "POST /transformations": DOCK,
    "GET /transformations/{site}/{type}/{id:path}": STAFF,
    "POST /transformations/{site}/{type}/{id:path}": MOVERS,
}
MADE_AT_ONE_SITE = {
    route: {403}
    for route in MAKE_ROUTES
    if "{site}" in route or ("POST" in route and "transformation" in route)
} | {
    "GET /v1/transformations": {403},
    "GET /v1/scanned-receipts": {403},
    "GET /v1/serial-genealogy": {404},
}
"""What those of another site are answered; a recipe is everybody's."""
MADE_FOR_THE_NETWORK = {"POST /v1/recipes", "POST /recipes"}
MAKE_FORMS = {"POST /recipes", "POST /transformations", "POST /transformations/{site}/{type}/{id:path}"}
SERIAL = "urn:epc:id:sgtin:0614141.000005.1"
_NAMED = {"site": OWN, "type": "kit", "id": "M-1"}
_DONE = _NAMED | {"recipe": "TEA-SET", "times": "1", "location": "A-01-1"}
_RECIPE = {
    "code": "TEA-SET",
    "kind": "kit",
    "inputs": [{"item": TEA, "quantity": "2"}],
    "outputs": [{"item": "CHEESE", "quantity": "1"}],
}
MAKE_ASKED: dict[str, dict[str, str]] = {
    "GET /v1/transformations": {"site": OWN},
    "GET /v1/serial-genealogy": {"of": SERIAL},
    "GET /v1/scanned-receipts": {"site": OWN, "of": "ASN-1"},
}
MAKE_THINGS = {"{type}/{id:path}": "kit/M-1"}
MADE: dict[str, Any] = {
    "POST /v1/recipes": _RECIPE,
    "POST /v1/transformations": _DONE,
    "POST /v1/transformation-plans": _NAMED | {"recipe": "TEA-SET"},
    "POST /v1/transformation-reversals": _NAMED | {"reason": "typo"},
}
_RECIPE_FORM = {
    "code": "TEA-SET",
    "kind": "kit",
    "side": ["input", "output"],
    "item": [TEA, "CHEESE"],
    "quantity": ["2", "1"],
    "cost_share": ["", ""],
}


def make_form(route: str) -> dict[str, Any]:
    """Give what a form of these pages sends."""
    return {"POST /recipes": _RECIPE_FORM, "POST /transformations": _DONE}.get(route, {"reason": "typo"})


def plan_something(pool: ConnectionPool) -> None:
    """Leave a recipe, a kit that is to be made by it, and another with a serial."""
    used = {"identifier": {"scheme": "sku", "value": TEA}, "quantity": "1"}
    made = {"identifier": {"scheme": "gtin", "value": "00614141000050"}, "quantity": "1", "epcs": [SERIAL]}
    serial = _NAMED | {"id": "M-0", "location": "C-09-9", "inputs": [used], "outputs": [made]}
    with pool.connection() as conn:
        paper = RecipePaper.model_validate(_RECIPE | {"valid_from": NOW.replace(year=NOW.year - 1)})
        service.put_recipes(conn, ROOT, [paper], now=NOW)
        making.plan(conn, ROOT, PlanPaper.model_validate(MADE["POST /v1/transformation-plans"]), now=NOW)
    with pool.connection() as conn:
        making.make(conn, ROOT, MadePaper.model_validate(serial), now=NOW)
