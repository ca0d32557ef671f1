"""What the authorisation matrix needs of overrides, reviews and models at the own site."""

from datetime import timedelta
from typing import Any

from serving import MUG, NOW, OWN, TEA

from cloud.db import ConnectionPool
from cloud.forecasting.overrides import service
from cloud.forecasting.overrides.papers import OverridePaper
from cloud.forecasting.registry import service as registry
from cloud.forecasting.registry.domain import Because, Trained
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as

JOB = Actor("job:forecast", frozenset({Role.PLANNER}), all_sites=True)
FIRST = NOW.date() + timedelta(days=1)
OVERRIDE = {
    "site": OWN,
    "item": TEA,
    "from_day": FIRST.isoformat(),
    "to_day": (FIRST + timedelta(days=6)).isoformat(),
    "mode": "percent",
    "amount": "80",
    "reason": "promotion",
    "evidence": "mail",
}
JUDGED: dict[str, Any] = {
    "POST /v1/forecast-overrides": OVERRIDE,
    "POST /v1/forecast-overrides/{override_id}/withdraw": {},
    "POST /v1/forecast-reviews/settings": {"site": OWN},
    "POST /v1/models/settings": {"site": OWN},
    "POST /v1/models/series": {"site": OWN, "item": TEA, "choice": "pinned"},
    "POST /v1/models/{version_id}/withdraw": {},
}
"""Bodies of the routes; whoever comes second overlaps, and what ended does not end again."""
JUDGED_FORMS: dict[str, dict[str, str]] = {
    "POST /overrides": {**OVERRIDE, "item": MUG},
    "POST /overrides/preview": OVERRIDE,
    "POST /overrides/{override_id}/withdraw": {},
    "POST /accuracy/setting": {"site": OWN, "nominal": "5", "due_days": "7"},
    "POST /models/setting": {"site": OWN, "every_days": "28"},
    "POST /models/series": {"site": OWN, "item": TEA, "choice": "pinned"},
    "POST /models/{version_id}/withdraw": {},
}


def judge_something(pool: ConnectionPool) -> dict[str, object]:
    """Leave an override that was taken back, one that waits, and a challenger that withdrew."""
    with pool.connection() as conn:
        waiting = OverridePaper.model_validate({**OVERRIDE, "item": MUG})
        service.add(conn, JOB, waiting, now=NOW)
        far = {"from_day": FIRST + timedelta(days=20), "to_day": FIRST + timedelta(days=21)}
        row = service.add(conn, JOB, OverridePaper.model_validate({**OVERRIDE, **far}), now=NOW)
        service.withdraw(conn, JOB, row.override_id, now=NOW)
        act_as(conn, JOB)
        trained = Trained("flat", FIRST, FIRST, 2, {}, {}, b"", "0" * 64, "1")
        registry.register(conn, JOB, None, OWN, trained, because=Because.FIRST)
        number = registry.register(conn, JOB, None, OWN, trained, because=Because.CHALLENGE)
        registry.withdraw(conn, JOB, number)
    return {"override_id": row.override_id, "version_id": number}
