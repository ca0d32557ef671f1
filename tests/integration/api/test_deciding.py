"""Decisions, limits, tickets and webhooks over HTTP, and what a program is told when it errs."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from rights_to_decide import JOB
from serving import NOW, OTHER, OWN, ROOT, TEA, People, moved, post_all

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.counting.reporting import CountPaper, report_count
from cloud.counting.service import JOB as JOB_COUNTING
from cloud.counting.service import settle
from cloud.db import ConnectionPool
from cloud.decisions import service
from cloud.decisions.domain import Draft
from cloud.identity.actor import Role
from cloud.identity.domain import Grant, actor_of
from cloud.identity.store import act_as
from contracts.records import CountLine
from contracts.vocabulary import CountScope

APPROVER, ADMIN, KEEPER = f"approver@{OWN}", f"admin@{OWN}", f"supervisor@{OWN}"


class Program:
    """Somebody's program; each of its wishes has a key of its own unless it repeats itself."""

    def __init__(self, client: httpx.Client, people: People) -> None:
        self.client = client
        self.people = people
        self.wishes = 0

    def get(self, who: str, path: str) -> httpx.Response:
        return self.client.get(path, headers=self.people.headers(who))

    def post(self, who: str, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        self.wishes += 1
        headers = self.people.headers(who) | {"Idempotency-Key": key or f"wish-{self.wishes}"}
        return self.client.post(path, json=body, headers=headers)


@pytest.fixture
def program(client: httpx.Client, people: People) -> Program:
    return Program(client, people)


def asked(pool: ConnectionPool, subject: str, **more: Any) -> int:
    """Let a job ask for something that nothing here carries out."""
    paper = Draft("price_change", OWN, subject, "test", {"price": "2"}, **more)
    with pool.connection() as conn:
        drafted = service.draft(conn, JOB, paper)
        service.submit(conn, JOB, drafted.decision_id)
    return drafted.decision_id


def test_a_program_reads_a_decision_with_its_grounds_and_says_no(
    program: Program, pool: ConnectionPool
) -> None:
    number = asked(pool, "price/1", value=Decimal("12.5"), currency="EUR", evidence={"offer": 7})
    whole = program.get(APPROVER, f"/v1/decisions/{number}").json()
    assert (whole["state"], whole["revision"], whole["value"]) == ("submitted", 1, "12.500000")
    assert (whole["evidence"], whole["you_may_approve"], whole["because"]) == ({"offer": 7}, True, None)
    assert [step["to_state"] for step in whole["steps"]] == ["draft", "submitted"]
    because = program.get(KEEPER, f"/v1/decisions/{number}").json()["because"]
    assert "approves nothing of this kind" in because
    no = {"revision": 1, "reason": "too_expensive", "note": "twice as much"}
    first = program.post(APPROVER, f"/v1/decisions/{number}/reject", no, key="no")
    assert (first.status_code, first.json()["state"]) == (201, "rejected")
    again = program.post(APPROVER, f"/v1/decisions/{number}/reject", no, key="no")
    assert (again.headers["Idempotent-Replayed"], again.json()) == ("true", first.json())
    listed = program.get(APPROVER, "/v1/decisions?state=rejected&state=applied&limit=1").json()
    assert [row["decision_id"] for row in listed["items"]] == [number]


def test_wrong_answers_are_told_what_is_wrong_with_them(program: Program, pool: ConnectionPool) -> None:
    number = asked(pool, "price/1", value=Decimal(5), currency="EUR")
    with pool.connection() as conn:
        service.revise(conn, JOB, number, effect={"price": "3"}, value=Decimal(7), why="a new offer came")
    told = {
        ("approve", APPROVER, 1): (
            409,
            "decision-changed",
            "revision 1, it is at revision 2 now: a new offer",
        ),
        ("approve", KEEPER, 2): (403, "above-limit", "approves nothing of this kind"),
        ("approve", APPROVER, 2): (422, "decision-not-possible", "which nothing here carries out"),
        ("reverse", APPROVER, 2): (
            409,
            "decision-not-possible-now",
            "is submitted and cannot become reversed",
        ),
        ("withdraw", APPROVER, 2): (403, "not-allowed", "did not ask for decision"),
        ("reject", f"approver@{OTHER}", 2): (404, "no-such-decision", "at your sites"),
    }
    for (verb, who, revision), (status, kind, words) in told.items():
        body = {"revision": revision, "reason": "other", "note": "n"}
        body = body if verb in {"reject", "reverse"} else {"revision": revision}
        response = program.post(who, f"/v1/decisions/{number}/{verb}", body)
        problem = response.json()
        assert (response.status_code, problem["type"]) == (status, f"urn:dockledger:problem:{kind}"), verb
        assert words in problem["detail"]
    for body in (
        {"revision": "1"},
        {"revision": 0},
        {"revision": 2**40},
        {"revision": 2, "note": "\x00"},
        {},
    ):
        assert program.post(APPROVER, f"/v1/decisions/{number}/approve", body).status_code == 422
    for path in (f"/v1/decisions/{2**63}", "/v1/decisions?state=open", "/v1/decisions?subject=%00"):
        assert program.get(APPROVER, path).status_code == 422


def test_limits_are_set_and_taken_away_by_administrators_of_the_place(
    program: Program, pool: ConnectionPool
) -> None:
    limit = {"role": "supervisor", "currency": "EUR", "limit": "100.5", "site": OWN}
    made = program.post(ADMIN, "/v1/approval-limits", limit)
    assert (made.status_code, made.json()["limit"]) == (201, "100.500000")
    number = asked(pool, "price/1", value=Decimal(5), currency="EUR")
    assert program.get(KEEPER, f"/v1/decisions/{number}").json()["you_may_approve"]
    assert program.get(f"approver@{OTHER}", "/v1/approval-limits").json()["items"] == []
    for wrong in (limit | {"site": None}, limit | {"site": OTHER}):
        assert program.post(ADMIN, "/v1/approval-limits", wrong).status_code == 403
    for wrong in (
        {"role": "auditor"},
        {"limit": -1},
        {"limit": 0.1},
        {"currency": "eur"},
        {"self_limit": "200"},
    ):
        assert program.post(ADMIN, "/v1/approval-limits", limit | wrong).status_code == 422
    path = f"/v1/approval-limits/{made.json()['limit_id']}/remove"
    assert program.post(ADMIN, path).status_code == 201
    assert program.post(ADMIN, path).status_code == 404


def test_a_ticket_is_acknowledged_given_away_and_closed(program: Program, pool: ConnectionPool) -> None:
    with pool.connection() as conn:
        act_as(conn, ROOT)
        alerts.notice(conn, [Notice("k", "late", Severity.WARNING, "Late", OWN, {"minutes": 5})])
    (ticket,) = program.get(f"operator@{OWN}", f"/v1/tickets?site={OWN}&state=open&severity=warning").json()[
        "items"
    ]
    path = f"/v1/tickets/{ticket['ticket_id']}"
    known = program.post(KEEPER, f"{path}/acknowledge", {"note": "looking"}).json()
    assert (known["state"], known["owner"][:4]) == ("acknowledged", "key:")
    due = {"owner": "user:ada", "due_at": "2027-01-01T00:00:00Z"}
    assert program.post(KEEPER, f"{path}/assign", due).json()["due_at"].startswith("2027-01-01T00:00:00")
    for wrong in ({"owner": "nobody"}, due | {"due_at": "tomorrow"}):
        assert program.post(KEEPER, f"{path}/assign", wrong).status_code == 422
    assert program.post(KEEPER, f"{path}/close", {"reason": "bored"}).status_code == 422
    closed = program.post(KEEPER, f"{path}/close", {"reason": "fixed"}).json()
    assert [step["action"] for step in closed["steps"]] == ["opened", "acknowledged", "assigned", "closed"]
    again = program.post(KEEPER, f"{path}/close", {"reason": "fixed"})
    assert (again.status_code, "was resolved by" in again.json()["detail"]) == (409, True)
    assert program.get(f"supervisor@{OTHER}", path).status_code == 404


def test_a_secret_is_told_once_and_kept_with_no_answer(program: Program, pool: ConnectionPool) -> None:
    wish = {"name": "erp", "url": "https://erp.example/hooks", "events": ["decision.*"], "site": OWN}
    made = program.post(ADMIN, "/v1/webhooks", wish, key="once")
    assert made.json()["secret"].startswith("whsec_")
    again = program.post(ADMIN, "/v1/webhooks", wish, key="once")
    assert (again.status_code, again.json()["secret"]) == (201, None)
    with pool.connection() as conn:
        kept = conn.execute("SELECT response::text FROM idempotency_key WHERE key = 'once'").fetchall()
    assert kept
    assert "whsec_" not in str(kept)
    path = f"/v1/webhooks/{made.json()['subscription_id']}"
    assert "secret" not in program.get(ADMIN, path).json()
    rotated = program.post(ADMIN, f"{path}/rotate").json()["secret"]
    assert rotated not in {None, made.json()["secret"]}
    event = program.post(ADMIN, f"{path}/test").json()["event_id"]
    (delivery,) = program.get(ADMIN, f"{path}/deliveries?state=pending").json()["items"]
    assert (delivery["event_id"], delivery["type"]) == (event, "webhook.test")
    assert program.post(ADMIN, f"{path}/deliveries/{event}/again").status_code == 201
    assert program.post(ADMIN, f"{path}/deliveries/{event + 1}/again").status_code == 404
    assert program.post(ADMIN, f"{path}/stop").status_code == 201
    assert program.get(ADMIN, path).json()["stopped_because"].startswith("by key:")
    assert program.post(ADMIN, f"{path}/explode").status_code == 422
    assert program.post(ADMIN, f"{path}/remove").status_code == 201
    assert program.get(ADMIN, path).status_code == 404
    assert program.post(ADMIN, "/v1/webhooks", wish | {"url": "ftp://x"}).status_code == 422


def test_a_yes_to_what_has_changed_is_409_and_asks_again_with_the_next_revision(
    program: Program, pool: ConnectionPool
) -> None:
    counter = actor_of("user:kim", [Grant(Role.OPERATOR, OWN)])
    line = CountLine.model_validate({"identifier": {"scheme": "sku", "value": TEA}, "quantity": "180"})
    seen_at = NOW - timedelta(minutes=30)
    paper = CountPaper(site=OWN, location="A-01-1", scope=CountScope.BIN, lines=(line,), observed_at=seen_at)
    with pool.connection() as conn:
        act_as(conn, ROOT)
        conn.execute("UPDATE gateway SET state = 'retired'")
        report_count(conn, counter, paper, now=NOW)
    assert settle(pool, JOB_COUNTING, NOW)["beyond"] == 1
    (waits,) = program.get(APPROVER, "/v1/decisions?state=submitted").json()["items"]
    assert (waits["author"], waits["value"]) == ("user:kim", None)
    post_all(pool, moved("3", "A-01-1", "@customer", minutes_ago=100))
    path = f"/v1/decisions/{waits['decision_id']}/approve"
    told = [program.post(APPROVER, path, {"revision": 1}, key="yes") for _ in range(2)]
    assert [answer.status_code for answer in told] == [409, 409]
    assert told[1].json()["type"] == "urn:dockledger:problem:decision-changed"
    assert "the book is 185 now and the difference -5; it waits as revision 2" in told[0].json()["detail"]
    done = program.post(APPROVER, path, {"revision": 2})
    assert (done.status_code, done.json()["state"]) == (201, "applied")
    (held,) = program.get(APPROVER, f"/v1/balances?item={TEA}&location=A-01-1").json()["items"]
    assert Decimal(held["quantity"]) == 180
    undo = {"revision": 2, "reason": "approved_in_error"}
    refused = program.post(APPROVER, path.replace("approve", "reverse"), undo)
    assert (refused.status_code, "count the bin again" in refused.json()["detail"]) == (422, True)
