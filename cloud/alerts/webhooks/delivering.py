"""What is due goes out: taken under a lease, sent outside a transaction, its outcome kept; at least once.

A process that dies between sending and keeping sends again, under the same `webhook-id`.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Final

import structlog

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.alerts.webhooks import store
from cloud.alerts.webhooks.domain import Answer, Due, wait_before
from cloud.alerts.webhooks.sending import Sender
from cloud.alerts.webhooks.service import dead_key
from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as

AT_ONCE: Final = 40
PER_RECEIVER: Final = 5
"""One that is slow holds up few of its own messages and none of the others'."""
RECEIVERS_AT_ONCE: Final = 8
LEASE: Final = timedelta(minutes=2)
"""Longer than a receiver's share can take; a process that died is taken over from then on."""

KEPT: Final = timedelta(days=30)
"""So long what was delivered or given up can be looked at and sent again."""
FORGOTTEN_AT_ONCE: Final = 500

_MESSENGER: Final = Actor("job:webhooks", frozenset({Role.DEVICE}), all_sites=True)

log = structlog.get_logger()


def deliver_webhooks(source: Source, now: datetime, *, sender: Sender | None = None) -> dict[str, int]:
    """Send what is due, each receiver's messages in order of their time, receivers beside each other.

    When nothing is due, events that are over for longer than `KEPT` are forgotten, some at a time.

    Args:
        source: Connections of ``dockledger_app``.
        now: The present.
        sender: Connections to receivers; None opens and closes them here.

    Returns:
        ``{"delivered": …, "failed": …, "dead": …}``.
    """
    taken = in_transaction(source, partial(_claim, now=now))
    counts = {"delivered": 0, "failed": 0, "dead": 0}
    if not taken:
        in_transaction(source, partial(store.forget, before=now - KEPT, most=FORGOTTEN_AT_ONCE))
        return counts
    by_receiver = attrgetter("subscription_id")
    taken.sort(key=lambda due: (due.subscription_id, due.event_id))
    shares = [list(share) for _, share in groupby(taken, key=by_receiver)]
    own = sender or Sender()
    try:
        with ThreadPoolExecutor(min(RECEIVERS_AT_ONCE, len(shares)), "webhooks") as pool:
            answered = list(pool.map(lambda share: [(due, own.send(due, now)) for due in share], shares))
    finally:
        if sender is None:
            own.close()
    for share in answered:
        for outcome in in_transaction(source, partial(_keep_share, now=now, share=share)):
            counts[outcome] += 1
    log.info("webhooks_sent", **counts)
    return counts


def _claim(conn: Connection, *, now: datetime) -> list[Due]:
    act_as(conn, _MESSENGER)
    return store.claim(conn, now, limit=AT_ONCE, per_subscription=PER_RECEIVER, lease=LEASE)


def _keep_share(conn: Connection, *, now: datetime, share: list[tuple[Due, Answer]]) -> list[str]:
    act_as(conn, _MESSENGER)
    return [_keep(conn, now, due, answer) for due, answer in share]


def _keep(conn: Connection, now: datetime, due: Due, answer: Answer) -> str:
    """Keep what came of an attempt, unless somebody else has tried since."""
    which = {
        "event_id": due.event_id,
        "subscription_id": due.subscription_id,
        "attempts": due.attempts,
        "status": answer.status,
    }
    if answer.error is None:
        store.change(conn, "taken", **which)
        return "delivered"
    wait = None if answer.is_gone else wait_before(due.attempts, answer.retry_after)
    if wait is not None:
        store.change(conn, "later", **which, error=answer.error, due_at=now + wait)
        return "failed"
    store.change(conn, "dead", **which, error=answer.error)
    if answer.is_gone:
        because = "the receiver answered 410 Gone"
        store.change(
            conn, "set_active", subscription_id=due.subscription_id, is_active=False, because=because
        )
    _tell(conn, due, answer)
    return "dead"


def _tell(conn: Connection, due: Due, answer: Answer) -> None:
    ending = "wants no more messages" if answer.is_gone else f"took none of {due.attempts} attempts"
    alerts.notice(
        conn,
        [
            Notice(
                dead_key(due.subscription_id),
                "webhook_dead",
                Severity.WARNING,
                f"Webhook {due.name} {ending}: {answer.error}",
                detail={
                    "subscription_id": due.subscription_id,
                    "event_id": due.event_id,
                    "type": due.type,
                    "url": due.url,
                },
            )
        ],
    )
