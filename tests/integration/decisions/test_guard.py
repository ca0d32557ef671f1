"""The database itself refuses what the machine does not allow, also to raw SQL of the application's role."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import product
from typing import Any

import psycopg
import pytest
from deciding import ADA, BOB, CAT, EVE, JOB, LEEDS, ROOT, Desk, person, wanted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.alerts.webhooks import service as webhooks
from cloud.db import Connection
from cloud.decisions import service
from cloud.decisions.domain import STEPS, DecisionError, State
from cloud.identity.actor import Actor, NotAllowedError
from cloud.identity.store import act_as

REFUSED = psycopg.errors.RestrictViolation


@contextmanager
def undone(desk: Desk, actor: Actor) -> Iterator[Connection]:
    """Work as somebody in a transaction that leaves nothing behind."""
    with desk.pool.connection() as conn:
        act_as(conn, actor)
        try:
            yield conn
        finally:
            conn.rollback()


def brought_to(conn: Connection, state: State) -> int:
    """Bring a decision of Ada's into a state."""
    act_as(conn, ADA)
    number = service.draft(conn, ADA, wanted()).decision_id
    if state is not State.DRAFT:
        service.submit(conn, ADA, number)
    if state is State.REJECTED:
        service.reject(conn, BOB, number, 1, reason="duplicate")
    if state in {State.APPROVED, State.APPLIED, State.REVERSED}:
        service.approve(conn, BOB, number, 1)
    if state in {State.APPLIED, State.REVERSED}:
        service.mark_applied(conn, BOB, number, {})
    if state is State.REVERSED:
        service.mark_reversed(conn, BOB, number, {}, reason="facts_changed")
    return number


def taken(conn: Connection, number: int, to: State, *, revised: bool) -> bool:
    """Tell whether raw SQL that gives everything a step needs may take it."""
    act_as(conn, EVE)
    more = {
        State.APPROVED: ", approver = 'user:eve', approved_as = 'approver'",
        State.REJECTED: ", approver = 'user:eve', verdict_reason = 'duplicate'",
        State.REVERSED: ", verdict_reason = 'facts_changed'",
        State.APPLIED: ", outcome = '{}'",
    }.get(to, "")
    if revised:
        more += ", revision = revision + 1, contributors = contributors || '{user:eve}'"
    try:
        with conn.transaction():
            conn.execute(f"UPDATE decision SET state = %s{more} WHERE decision_id = %s", (to.value, number))
    except REFUSED:
        return False
    return True


def test_the_database_takes_the_steps_that_the_machine_has_and_no_others(desk: Desk) -> None:
    wrong = []
    for state, to in product(State, State):
        with undone(desk, ADA) as conn:
            number = brought_to(conn, state)
            plain = taken(conn, number, to, revised=False)
            revised = not plain and taken(conn, number, to, revised=True)
        if (plain or revised) != (to in STEPS[state]):
            wrong.append(f"{state} to {to}: {'taken' if plain or revised else 'refused'}")
        if revised and to not in {State.DRAFT, State.SUBMITTED}:
            wrong.append(f"{state} to {to} with another content")
    assert not wrong, wrong


APPROVED = "state = 'approved', approver = 'user:ada', approved_as = 'approver'"
INSERTED = (
    "INSERT INTO decision (kind, site_id, subject, author, reason, evidence, inputs, parameters, effect"
)
CONTENT = "VALUES ('k', 'leeds', 's', 'user:x', 'r', '{}', '{}', '{}', '{}'"
FORGED = {
    "an author approves": f"UPDATE decision SET {APPROVED}",
    "as an auditor, whatever role is named": (
        "UPDATE decision SET state = 'approved', approver = 'user:ada', approved_as = 'auditor'"
    ),
    "in another's name": (
        "UPDATE decision SET state = 'approved', approver = 'user:bob', approved_as = 'approver'"
    ),
    "in nobody's name": "UPDATE decision SET state = 'approved'",
    "with another author": f"UPDATE decision SET author = 'user:x', {APPROVED}",
    "with another value": f"UPDATE decision SET value = 0, {APPROVED}",
    "a change without a revision": "UPDATE decision SET state = 'submitted', value = 0",
    "a revision that skips one": "UPDATE decision SET state = 'submitted', revision = revision + 2",
    "a rejection without a reason": "UPDATE decision SET state = 'rejected', approver = 'user:ada'",
    "a rejection by nobody": "UPDATE decision SET state = 'rejected', verdict_reason = 'duplicate'",
    "nothing but a date": "UPDATE decision SET submitted_at = now() - INTERVAL '1 year'",
    "nothing but an outcome": "UPDATE decision SET outcome = '{}'",
    "an outcome before it is due": "UPDATE decision SET state = 'applied', outcome = '{}'",
    "a decision that begins approved": f"{INSERTED}, state, approver) {CONTENT}, 'approved', 'user:ada')",
    "a draft in another's name": f"{INSERTED}) {CONTENT})",
}


@pytest.mark.parametrize("what", FORGED)
def test_raw_sql_cannot_forge(desk: Desk, what: str) -> None:
    with undone(desk, ADA) as conn:
        brought_to(conn, State.SUBMITTED)
        act_as(conn, ADA)
        with pytest.raises(REFUSED):
            conn.execute(FORGED[what])


def test_whoever_reworded_it_stays_named(desk: Desk) -> None:
    with undone(desk, ADA) as conn:
        number = brought_to(conn, State.SUBMITTED)
        reworded = service.revise(conn, BOB, number, effect={"counted": "1"}, value=Decimal(-1))
        assert reworded.contributors == ["user:bob"]
        with pytest.raises(REFUSED, match="stays named"):
            conn.execute("UPDATE decision SET state = 'submitted', revision = 3, contributors = '{}'")
    with undone(desk, ADA) as conn:
        brought_to(conn, State.SUBMITTED)
        act_as(conn, BOB)
        with pytest.raises(REFUSED, match="user:bob writes it, expected its author"):
            conn.execute("UPDATE decision SET state = 'submitted', revision = 2, value = 0")


def test_nobody_who_is_not_named_acts(desk: Desk) -> None:
    with undone(desk, ADA) as conn:
        conn.execute("SELECT set_config('dockledger.actor', '', true)")
        with pytest.raises(REFUSED, match="nobody writes it"):
            conn.execute(FORGED["a draft in another's name"])


def test_a_limit_holds_against_raw_sql(desk: Desk) -> None:
    with undone(desk, ADA) as conn:
        brought_to(conn, State.SUBMITTED)
        conn.execute(
            "INSERT INTO approval_limit (role, currency, limit_amount, set_by)"
            " VALUES ('approver', 'GBP', 49, 'x')"
        )
        act_as(conn, BOB)
        with pytest.raises(REFUSED, match=r"may not approve it as approver \(worth -50.* limit 49"):
            conn.execute(
                "UPDATE decision SET state = 'approved', approver = 'user:bob', approved_as = 'approver'"
            )


def test_contributors_and_the_days_sum_hold_against_raw_sql(desk: Desk) -> None:
    approved = "state = 'approved', approver = %s, approved_as = 'approver'"
    yes = f"UPDATE decision SET {approved} WHERE decision_id = %s"
    with undone(desk, JOB) as conn:
        numbers = []
        for subject in ("variance/1", "variance/2"):
            paper = wanted(subject, author="user:ada", contributors=["user:cat"])
            numbers.append(service.draft(conn, JOB, paper).decision_id)
            service.submit(conn, JOB, numbers[-1])
        act_as(conn, CAT)
        with pytest.raises(REFUSED, match="may not approve their own"), conn.transaction():
            conn.execute(yes, ("user:cat", numbers[0]))
        conn.execute(
            "INSERT INTO approval_limit (role, currency, limit_amount, set_by)"
            " VALUES ('approver', 'GBP', 99, 'x')"
        )
        act_as(conn, BOB)
        conn.execute(yes, ("user:bob", numbers[0]))
        with pytest.raises(REFUSED, match="for the same item that day 50"):
            conn.execute(yes, ("user:bob", numbers[1]))


@pytest.mark.parametrize("table", ["decision", "decision_step"])
def test_nothing_of_it_is_rewritten_or_removed_by_anybody(desk: Desk, shared: Any, table: str) -> None:
    desk.submitted()
    with psycopg.connect(shared.owner_dsn, autocommit=True) as owner:
        owner.execute("SET ROLE dockledger_owner")
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(REFUSED):
                owner.execute(statement)
        if table == "decision_step":
            with pytest.raises(REFUSED):
                owner.execute("UPDATE decision_step SET actor = 'user:x'")
    with undone(desk, ADA) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(f"DELETE FROM {table}")


def test_other_sites_rows_are_not_there(desk: Desk) -> None:
    desk.submitted()
    with desk.pool.connection() as conn:
        conn.execute("SELECT set_config('dockledger.sites', '{madrid}', true)")
        counts = conn.execute(
            "SELECT (SELECT count(*) FROM decision), (SELECT count(*) FROM decision_step)"
        ).fetchone()
    assert counts == (0, 0)
    assert len(desk.ask("SELECT 1 FROM decision WHERE site_id = %s", LEEDS)) == 1


def test_secrets_and_messages_of_other_sites_and_the_network_are_not_there(desk: Desk) -> None:
    for name, site in (("here", LEEDS), ("there", "madrid"), ("network", None)):
        desk.run(
            lambda conn, name=name, site=site: webhooks.subscribe(
                conn, ROOT, name=name, url="https://erp.example/x", events=["*"], site=site
            )
        )
    desk.submitted()
    seen = "SELECT array_agg(DISTINCT s.name ORDER BY s.name) FROM webhook_subscription s"
    sent = " JOIN webhook_delivery d USING (subscription_id) JOIN webhook_event e USING (event_id)"
    for actor, names, told in (
        (ADA, ["here"], ["here"]),
        (person("mia", "admin@madrid"), ["there"], None),
        (EVE, ["here", "network", "there"], ["here", "network"]),
    ):
        with undone(desk, actor) as conn:
            rows = [conn.execute(question).fetchone() for question in (seen, seen + sent)]
        assert rows == [(names,), (told,)]


CALLS = ("draft", "submit", "revise", "approve", "reject", "withdraw", "apply", *FORGED)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(st.sampled_from(CALLS), min_size=1, max_size=6))
def test_no_six_calls_of_one_person_make_an_approved_decision(desk: Desk, calls: list[str]) -> None:
    with undone(desk, ADA) as conn:
        for call in calls:
            try:
                with conn.transaction():
                    call_once(conn, call)
            except (DecisionError, NotAllowedError, REFUSED):
                continue
        approved = conn.execute(
            "SELECT state FROM decision WHERE state IN ('approved', 'applied')"
        ).fetchall()
        assert approved == []


def call_once(conn: Connection, call: str) -> None:
    act_as(conn, ADA)
    if call in FORGED:
        conn.execute(FORGED[call])
        return
    row = conn.execute(
        "SELECT coalesce(max(decision_id), 0), coalesce(max(revision), 1) FROM decision"
    ).fetchone()
    assert row is not None
    number, revision = row
    match call:
        case "draft":
            service.draft(conn, ADA, wanted(contributors=["user:cat"]))
        case "submit":
            service.submit(conn, ADA, number)
        case "revise":
            service.revise(conn, ADA, number, effect={"counted": "1"}, value=Decimal(0), currency="GBP")
        case "approve":
            service.approve(conn, ADA, number, revision)
        case "reject":
            service.reject(conn, ADA, number, revision, reason="duplicate")
        case "withdraw":
            service.withdraw(conn, ADA, number)
        case "apply":
            service.mark_applied(conn, ADA, number, {})
