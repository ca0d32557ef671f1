"""What the authorisation matrix needs of events at the own site."""

from typing import Any

from serving import NOW, OWN, TEA

from cloud.db import ConnectionPool
from cloud.events import service
from cloud.events.papers import EventPaper, Withdrawal
from cloud.identity.actor import Actor, Role

PLANNER = Actor("job:plan", frozenset({Role.PLANNER}), all_sites=True)
EVENT = {
    "site": OWN,
    "item": TEA,
    "from_day": "2026-04-01",
    "to_day": "2026-04-07",
    "kind": "promotion",
    "name": "spring",
}
HOLIDAYS = {"site": OWN, "first_year": 2027, "last_year": 2027, "country": "ES", "region": "MD"}
STATED: dict[str, Any] = {
    "POST /v1/events": EVENT,
    "POST /v1/events/holidays": HOLIDAYS,
    "POST /v1/events/{event_id}/revisions": {"revision": 1, "event": EVENT},
    "POST /v1/events/{event_id}/withdrawal": {"revision": 1, "reason": "rain"},
}
"""Bodies of the routes; the event was withdrawn by its second revision."""
STATED_FORMS: dict[str, dict[str, str]] = {
    "POST /events": EVENT,
    "POST /events/{event_id}/withdraw": {"revision": "1", "reason": "rain"},
}


def state_something(pool: ConnectionPool) -> dict[str, object]:
    """Leave an event that was withdrawn."""
    with pool.connection() as conn:
        paper = EventPaper.model_validate({**EVENT, "name": "autumn"})
        row = service.add(conn, PLANNER, paper, now=NOW)
        service.withdraw(conn, PLANNER, row.event_id, Withdrawal(revision=1, reason="rain"), now=NOW)
    return {"event_id": row.event_id}
