"""What the authorisation matrix needs of decisions, tickets and webhooks at the own site."""

from typing import Any

from serving import OWN, ROOT

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.alerts.webhooks import service as webhooks
from cloud.db import ConnectionPool
from cloud.decisions import limits, service
from cloud.decisions.domain import Draft
from cloud.decisions.limits import LimitPaper
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as

JOB = Actor("job:test", frozenset({Role.DEVICE}), all_sites=True)


SAID = {"revision": 9, "reason": "other", "note": "n"}
DECIDED: dict[str, Any] = {
    "POST /v1/decisions/{decision_id}/approve": {"revision": 9},
    "POST /v1/decisions/{decision_id}/reject": SAID,
    "POST /v1/decisions/{decision_id}/reverse": SAID,
    "POST /v1/decisions/{decision_id}/withdraw": {"revision": 9},
    "POST /v1/approval-limits": {"role": "approver", "currency": "EUR", "limit": "100", "site": OWN},
    "POST /v1/approval-limits/{limit_id}/remove": None,
    "POST /v1/tickets/{ticket_id}/acknowledge": {},
    "POST /v1/tickets/{ticket_id}/assign": {"owner": "user:ada"},
    "POST /v1/tickets/{ticket_id}/close": {"reason": "fixed"},
    "POST /v1/webhooks": {"name": "own", "url": "http://127.0.0.1:9/y", "events": ["*"], "site": OWN},
    "POST /v1/webhooks/{subscription_id}/rotate": None,
    "POST /v1/webhooks/{subscription_id}/test": None,
    "POST /v1/webhooks/{subscription_id}/{wish}": None,
    "POST /v1/webhooks/{subscription_id}/deliveries/{event_id}/again": None,
}
"""Bodies of the routes; answers to a revision that was never seen are conflicts."""


def decide(pool: ConnectionPool) -> None:
    """Put up one decision, one ticket, one webhook with a delivery, and a limit for each who removes one."""
    with pool.connection() as conn:
        drafted = service.draft(conn, JOB, Draft("count_adjustment", OWN, "variance/x", "test", {"do": 1}))
        service.submit(conn, JOB, drafted.decision_id)
        act_as(conn, ROOT)
        alerts.notice(conn, [Notice("test", "test", Severity.INFO, "Something", OWN)])
        made = webhooks.subscribe(conn, ROOT, name="test", url="http://127.0.0.1:9/x", events=["*"], site=OWN)
        webhooks.ping(conn, ROOT, made.subscription.subscription_id)
        for currency in ("AAA", "BBB"):
            limits.put_limit(conn, ROOT, LimitPaper("approver", currency, None, site=OWN))


def things_to_decide(pool: ConnectionPool) -> dict[str, object]:
    """Name what `decide` put up, and a limit that still stands."""
    with pool.connection() as conn:
        conn.execute("SELECT set_config('dockledger.sites', '*', true)")
        row = conn.execute(
            "SELECT (SELECT min(decision_id) FROM decision),"
            " (SELECT min(ticket_id) FROM ticket WHERE dedup_key = 'test'),"
            " (SELECT min(limit_id) FROM approval_limit), min(subscription_id), min(event_id)"
            " FROM webhook_delivery"
        ).fetchone()
    assert row is not None
    names = ("decision_id", "ticket_id", "limit_id", "subscription_id", "event_id")
    return dict(zip(names, row, strict=True)) | {"wish": "stop"}
