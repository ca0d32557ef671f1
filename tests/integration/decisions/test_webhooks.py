"""Webhooks over a real database and a real HTTP server: signed, at least once, given up in the end."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from deciding import ADA, BOB, JOB, LEEDS, MADRID, ROOT, Desk, person
from receiver import Receiver, receiving

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.alerts.webhooks import service as webhooks
from cloud.alerts.webhooks.delivering import KEPT, LEASE, PER_RECEIVER, deliver_webhooks
from cloud.alerts.webhooks.domain import (
    WAITS,
    TakenNameError,
    UnknownWebhookError,
    WebhookWishError,
)
from cloud.identity.actor import NotAllowedError
from cloud.identity.store import act_as

DELIVERED = {"delivered": 1, "failed": 0, "dead": 0}
FAILED = {"delivered": 0, "failed": 1, "dead": 0}
NOTHING = {"delivered": 0, "failed": 0, "dead": 0}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def subscribed(
    desk: Desk, receiver: Receiver, *events: str, site: str | None = None, name: str = "erp", url: str = ""
) -> int:
    made = desk.run(
        lambda conn: webhooks.subscribe(
            conn, ROOT, name=name, url=url or receiver.url, events=events or ["*"], site=site
        )
    )
    receiver.secrets.append(made.secret)
    return made.subscription.subscription_id


def soon(span: timedelta = timedelta(seconds=1)) -> datetime:
    return datetime.now(UTC) + span


def late(desk: Desk, *, key: str = "k", site: str = LEEDS) -> None:
    notice = Notice(key, "late", Severity.WARNING, "Late", site)
    desk.run(lambda conn: (act_as(conn, JOB), alerts.notice(conn, [notice])))


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
    assert deliver_webhooks(desk.pool, soon()) == NOTHING


def test_a_subscription_hears_of_its_site_and_events_only(desk: Desk, receiver: Receiver) -> None:
    subscribed(desk, receiver, "ticket.opened", site=LEEDS)
    subscribed(desk, receiver, "*", name="network")
    late(desk, key="a")
    late(desk, key="a")
    late(desk, key="b", site=MADRID)
    desk.run(lambda conn: (act_as(conn, JOB), alerts.resolve(conn, ["a"])))
    deliver_webhooks(desk.pool, soon())
    heard = sorted((message["id"].rpartition("_")[2], message["type"]) for message in receiver.taken)
    assert heard == [
        ("1", "ticket.opened"),
        ("2", "ticket.opened"),
        ("2", "ticket.opened"),
        ("2", "ticket.resolved"),
    ]


def test_a_refusal_is_tried_again_later_under_the_same_id(desk: Desk, receiver: Receiver) -> None:
    number = subscribed(desk, receiver)
    receiver.answers = [(500, {}), (429, {"Retry-After": "600"}), (302, {"Location": "http://127.0.0.1:9/"})]
    late(desk)
    at = soon()
    assert deliver_webhooks(desk.pool, at) == FAILED
    assert deliver_webhooks(desk.pool, at + WAITS[0] - timedelta(seconds=1)) == NOTHING
    at += WAITS[0]
    assert deliver_webhooks(desk.pool, at) == FAILED
    assert deliver_webhooks(desk.pool, at + timedelta(seconds=599)) == NOTHING
    at += timedelta(seconds=600)
    assert deliver_webhooks(desk.pool, at) == FAILED
    (waits,) = desk.run(lambda conn: webhooks.deliveries(conn, ROOT, number))
    assert (waits.state, waits.attempts, waits.last_status) == ("pending", 3, 302)
    assert waits.last_error == "HTTP 302: not now"
    assert deliver_webhooks(desk.pool, at + WAITS[2]) == DELIVERED
    assert {message["id"] for message in receiver.refused} == {receiver.taken[0]["id"]}


def test_what_nobody_takes_is_given_up_with_one_ticket_and_can_be_sent_again(
    desk: Desk, receiver: Receiver
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        closed = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
    number = subscribed(desk, receiver, "decision.*", url=closed)
    event = desk.run(lambda conn: webhooks.ping(conn, ROOT, number))
    at = soon()
    outcomes = []
    for _ in range(len(WAITS) + 1):
        outcomes.append(deliver_webhooks(desk.pool, at))
        at += timedelta(days=1)
    assert outcomes == [FAILED] * len(WAITS) + [{"delivered": 0, "failed": 0, "dead": 1}]
    (ticket,) = desk.run(lambda conn: alerts.open_tickets(conn, ROOT))
    assert ticket.summary.startswith("Webhook erp took none of 8 attempts: ConnectError")
    desk.ask("UPDATE webhook_subscription SET url = %s RETURNING 1", receiver.url)
    desk.run(lambda conn: webhooks.redeliver(conn, ROOT, number, event))
    assert desk.run(lambda conn: alerts.open_tickets(conn, ROOT)) == []
    assert deliver_webhooks(desk.pool, soon()) == DELIVERED
    assert receiver.types() == ["webhook.test"]


def test_a_receiver_that_is_gone_gets_no_more(desk: Desk, receiver: Receiver) -> None:
    number = subscribed(desk, receiver, "ticket.*")
    receiver.answers = [(410, {})]
    late(desk)
    assert deliver_webhooks(desk.pool, soon()) == {"delivered": 0, "failed": 0, "dead": 1}
    stopped = desk.run(lambda conn: webhooks.subscription(conn, ROOT, number))
    assert (stopped.is_active, stopped.stopped_because) == (False, "the receiver answered 410 Gone")
    late(desk, key="other")
    assert deliver_webhooks(desk.pool, soon()) == NOTHING
    started = desk.run(lambda conn: webhooks.set_active(conn, ROOT, number, is_active=True))
    assert started.is_active


def test_one_that_died_while_sending_is_taken_over_after_its_lease(desk: Desk, receiver: Receiver) -> None:
    subscribed(desk, receiver)
    late(desk)
    at = soon()

    class DiedError(Exception):
        pass

    class Dying:
        """Sends, and dies before anything is kept."""

        def send(self, *_: object) -> None:
            raise DiedError

    with pytest.raises(DiedError):
        deliver_webhooks(desk.pool, at, sender=Dying())
    assert deliver_webhooks(desk.pool, at) == NOTHING
    assert deliver_webhooks(desk.pool, at + LEASE) == DELIVERED


def test_many_messages_for_one_receiver_leave_room_for_the_others(desk: Desk, receiver: Receiver) -> None:
    subscribed(desk, receiver, "ticket.opened", name="busy", site=LEEDS)
    subscribed(desk, receiver, "ticket.opened", name="quiet", site=MADRID)
    for key in range(3 * PER_RECEIVER):
        late(desk, key=f"{key}")
    late(desk, key="one", site=MADRID)
    assert deliver_webhooks(desk.pool, soon())["delivered"] == PER_RECEIVER + 1
    while deliver_webhooks(desk.pool, soon())["delivered"]:
        continue
    busy = [message["data"]["dedup_key"] for message in receiver.taken if message["id"].endswith("_1")]
    assert busy == [f"{key}" for key in range(3 * PER_RECEIVER)]


def test_what_is_over_for_a_month_is_forgotten_and_what_waits_is_not(desk: Desk, receiver: Receiver) -> None:
    number = subscribed(desk, receiver, "ticket.opened")
    late(desk, key="told")
    deliver_webhooks(desk.pool, soon())
    desk.run(lambda conn: webhooks.set_active(conn, ROOT, number, is_active=False))
    waiting = desk.run(lambda conn: webhooks.ping(conn, ROOT, number))
    deliver_webhooks(desk.pool, soon(KEPT - timedelta(hours=1)))
    assert len(desk.run(lambda conn: webhooks.deliveries(conn, ROOT, number))) == 2
    deliver_webhooks(desk.pool, soon(KEPT))
    left = desk.run(lambda conn: webhooks.deliveries(conn, ROOT, number))
    assert [row.event_id for row in left] == [waiting]


def test_a_new_secret_signs_and_for_a_day_the_old_one_too(desk: Desk, receiver: Receiver) -> None:
    number = subscribed(desk, receiver)
    (old,) = receiver.secrets
    made = desk.run(lambda conn: webhooks.rotate(conn, ROOT, number, now=soon()))
    assert made.secret != old
    late(desk)
    deliver_webhooks(desk.pool, soon())
    receiver.secrets[:] = [made.secret]
    late(desk, key="other")
    deliver_webhooks(desk.pool, soon())
    receiver.secrets[:] = [old]
    late(desk, key="third")
    deliver_webhooks(desk.pool, soon(timedelta(days=2)))
    assert (len(receiver.taken), len(receiver.forged)) == (2, 1)


def test_subscribing_is_for_the_administrators_of_the_place_and_is_audited(
    desk: Desk, receiver: Receiver
) -> None:
    local = person("lou", "admin@leeds")
    for actor, site in ((ADA, LEEDS), (local, None), (local, MADRID)):
        with pytest.raises(NotAllowedError):
            desk.run(
                lambda conn, actor=actor, site=site: webhooks.subscribe(
                    conn, actor, name="x", url=receiver.url, events=["*"], site=site
                )
            )
    number = subscribed(desk, receiver, site=MADRID)
    with pytest.raises(UnknownWebhookError):
        desk.run(lambda conn: webhooks.deliveries(conn, local, number))
    with pytest.raises(TakenNameError, match="'erp' is there already"):
        subscribed(desk, receiver)
    desk.run(lambda conn: webhooks.remove(conn, ROOT, number))
    assert subscribed(desk, receiver, site=MADRID) > number
    told = desk.ask(
        "SELECT action, detail FROM audit_event WHERE target = 'webhook:erp' ORDER BY audit_id DESC LIMIT 3"
    )
    assert [action for action, _ in told] == ["webhook_subscribed", "webhook_removed", "webhook_subscribed"]
    assert "whsec" not in str(told)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"url": "ftp://erp/x"}, "expected https://host/path"),
        ({"url": "https:///x"}, "expected https://host/path"),
        ({"url": "https://ada:pw@erp/x"}, "expected no user"),
        ({"url": "https://erp:99999/x"}, "Port out of range"),
        ({"url": "https://erp/a b"}, "without spaces"),
        ({"url": "https://[erp/x"}, "url "),
        ({"url": "https://erp/" + "x" * 2_000}, "at most 2000 characters"),
        ({"events": ["ticket.exploded"]}, "events .'ticket.exploded'"),
        ({"events": []}, "expected some of"),
        ({"name": "ERP!"}, "name 'ERP!'"),
    ],
)
def test_a_subscription_that_is_not_as_it_must_be_is_refused(
    desk: Desk, change: dict[str, object], message: str
) -> None:
    wish = {"name": "erp", "url": "https://erp/hooks", "events": ["*"]} | change
    with pytest.raises(WebhookWishError, match=message):
        desk.run(lambda conn: webhooks.subscribe(conn, ROOT, **wish))
