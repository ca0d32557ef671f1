"""Who may do what with events."""

from typing import Any

from serving import OWN, TEA

from cloud.identity.actor import Role

STAFF = set(Role) - {Role.ADMIN, Role.DEVICE}
STATERS = {Role.BUYER, Role.INVENTORY_CONTROLLER, Role.PLANNER}
EVENT_ROUTES: dict[str, set[Role] | None] = {
    "GET /v1/events": STAFF,
    "GET /v1/events/effects": STAFF,
    "GET /v1/events/what-if": STAFF,
    "GET /v1/events/{event_id}": STAFF,
    "POST /v1/events": STATERS,
    "POST /v1/events/holidays": STATERS,
    "POST /v1/events/{event_id}/revisions": STATERS,
    "POST /v1/events/{event_id}/withdrawal": STATERS,
    "GET /events": STAFF,
    "GET /events.{form:form}": STAFF,
    "GET /events/effects": STAFF,
    "GET /events/{event_id}": STAFF,
    "POST /events": STATERS,
    "POST /events/{event_id}/withdraw": STATERS,
}
UNTAUGHT: dict[str, dict[str, Any]] = {
    "GET /v1/demand/feedback/worth": {"site": OWN},
    "GET /v1/events/effects": {"site": OWN},
    "GET /v1/events/what-if": {
        "site": OWN,
        "kind": "promotion",
        "from_day": "2026-03-02",
        "to_day": "2026-03-02",
        "item": TEA,
    },
}
"""Their queries; whoever may ask is answered that too little is known."""
EVENTS_OF_ONE_SITE = {
    "GET /v1/events/effects": {403},
    "GET /v1/events/what-if": {403},
    "GET /events/{event_id}": {404},
    "POST /events": {403},
    "POST /events/{event_id}/withdraw": {404},
    "GET /v1/events/{event_id}": {404},
    "POST /v1/events": {403},
    "POST /v1/events/holidays": {403},
    "POST /v1/events/{event_id}/revisions": {403},
    "POST /v1/events/{event_id}/withdrawal": {404},
}
"""What those of another site are answered."""
