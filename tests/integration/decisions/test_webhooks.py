"""Webhooks over a real database and a real HTTP server: signed, at least once, given up in the end."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from deciding import ADA, BOB, EVE, LEEDS, MADRID, ROOT, Desk, person
from receiver import Receiver, receiving

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.alerts.webhooks import service as webhooks
from cloud.alerts.webhooks.delivering import deliver_webhooks
from cloud.alerts.webhooks.domain import (
    WAITS,
    TakenNameError,
    UnknownWebhookError,
    WebhookWishError,
)
from cloud.identity.actor import NotAllowedError


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def subscribed(desk: Desk, receiver: Receiver, *events: str, site: str | None = None, name: str = "erp") -> int:
    def work(conn):
        return webhooks.subscribe(conn, ROOT, name=name, url=receiver.url, events=events or ["*"], site=site)

    made = desk.run(work)
    receiver.secrets.append(made.secret)
    return made.subscription.subscription_id


def soon(span: timedelta = timedelta(seconds=1)) -> datetime:
    return datetime.now(UTC) + span


def late(desk: Desk, *, key: str = "k", site: str = LEEDS) -> None:
    desk.run(lambda conn: alerts.notice(conn, [Notice(key, "late", Severity.WARNING, "Late", site)]))


def test_whoever_subscribes_is_told_each_step_with_a_signature_that_holds(
    desk: Desk, receiver: Receiver
) -> None:
    subscribed(desk, receiver, "decision.*", site=LEEDS)
    decision = desk.submitted()
    desk.apply(BOB, decision)
    late(desk)
    assert deliver_webhooks(desk.pool, soon()) == {"delivered": 4, "failed": 0, "dead": 0}
    assert receiver.types() == [
        "decision.drafted",
        "decision.submitted",
        "decision.approved",
        "decision.applied",
    ]
    told = receiver.taken[-1]["data"]
    assert (told["decision_id"], told["actor"], told["value"]) == (
        decision.decision_id,
        "user:bob",
        "-50.000000",
    )
    assert receiver.forged == []
    assert deliver_webhooks(desk.pool, soon())["delivered"] == 0
