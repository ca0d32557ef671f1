"""Runs keep what they rest on, have one effective run per slot, and stay as they are once over."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest

from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.identity.store import act_as
from cloud.runs import service as runs
from cloud.runs.domain import RunOverError, RunState, SlotDoneError, UnknownRunError, sha256_of
from tests.integration.ledger.scenario import Ledger, move, open_ledger, stated

SLOT = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
JOB = Actor("job:forecast", frozenset({Role.PLANNER}), all_sites=True)
ELSEWHERE = Actor("user:eve", frozenset({Role.PLANNER}), frozenset({"york"}))
INPUTS = {"lines": 12, "until": SLOT, "stock": Decimal("3.50")}

ANOTHER_DONE = """
    INSERT INTO planning_run (kind, site_id, slot, started_by, inputs_sha256, inputs, parameters,
        code_version, as_of_position, completeness, state, started_at, finished_at)
    SELECT kind, site_id, slot, started_by, inputs_sha256, inputs, parameters, code_version,
        as_of_position, completeness, state, started_at, finished_at
    FROM planning_run WHERE run_id = %s"""


@pytest.fixture
def ledger(database: object) -> Iterator[Ledger]:
    with open_ledger(database, sites=("leeds", "york")) as opened:
        yield opened


def begin(
    ledger: Ledger, slot: datetime | None = None, site: str | None = "leeds", actor: Actor = JOB
) -> int:
    return ledger.as_app(
        lambda conn: runs.begin(
            conn, actor, kind="forecast", site=site, slot=slot, inputs=INPUTS, parameters={"level": 0.95}
        )
    )


def finish(ledger: Ledger, run_id: int) -> None:
    def work(conn: psycopg.Connection) -> None:
        act_as(conn, JOB)
        runs.finish(conn, run_id, {"forecasts": 3})

    ledger.as_app(work)


def test_a_run_keeps_what_it_rests_on_and_what_came_of_it(ledger: Ledger) -> None:
    ledger.state(stated(move("5", "@supplier", "A-1")))
    run_id = begin(ledger)
    (running,) = ledger.as_app(lambda conn: runs.runs(conn, JOB, limit=10))
    assert (running.state, running.duration, running.started_by) == (RunState.RUNNING, None, "job:forecast")
    finish(ledger, run_id)
    done = ledger.as_app(lambda conn: runs.run(conn, JOB, run_id))
    assert (done.state, done.outcome, done.as_of_position) == (RunState.DONE, {"forecasts": 3}, 1)
    assert done.inputs == {"lines": 12, "until": "2026-03-02T01:30:00Z", "stock": "3.5"}
    assert done.inputs_sha256 == sha256_of(INPUTS)
    assert done.completeness == {
        "leeds": {"active_gateways": 2, "complete_until": None, "offline_gateways": ["gw-1", "gw-2"]}
    }
    assert done.duration is not None
    with pytest.raises(RunOverError, match="is done already"):
        finish(ledger, run_id)
    with pytest.raises(psycopg.errors.RestrictViolation, match="stays as it is"):
        ledger.as_owner(
            lambda conn: conn.execute("UPDATE planning_run SET outcome = '{}' WHERE run_id = %s", (run_id,))
        )


def test_a_slot_has_one_effective_run_even_when_two_compute_at_once(ledger: Ledger) -> None:
    first = begin(ledger, SLOT)
    second = begin(ledger, SLOT)  # a scheduler that took the first for dead
    with pytest.raises(RunOverError, match="is failed already"):
        finish(ledger, first)
    finish(ledger, second)
    with pytest.raises(SlotDoneError, match="has its run of slot 2026-03-02 01:30:00 UTC already"):
        begin(ledger, SLOT)
    begin(ledger, SLOT, site="york")
    states = dict(ledger.query("SELECT run_id, state FROM planning_run"))
    assert (states[first], states[second]) == ("failed", "done")
    with pytest.raises(psycopg.errors.UniqueViolation, match="planning_run_slot"):
        ledger.as_owner(lambda conn: conn.execute(ANOTHER_DONE, (second,)))


def test_runs_of_other_sites_are_out_of_reach_and_failures_say_why(ledger: Ledger) -> None:
    run_id = begin(ledger)
    with pytest.raises(NotAllowedError, match="no right at site 'leeds'"):
        begin(ledger, actor=ELSEWHERE)
    with pytest.raises(NotAllowedError, match="at all sites"):
        begin(ledger, site=None, actor=ELSEWHERE)
    with pytest.raises(UnknownRunError):
        ledger.as_app(lambda conn: runs.run(conn, ELSEWHERE, run_id))

    def fail(conn: psycopg.Connection) -> None:
        act_as(conn, JOB)
        runs.fail(conn, run_id, ValueError("no history\0"))

    ledger.as_app(fail)
    failed = ledger.as_app(lambda conn: runs.run(conn, JOB, run_id))
    assert (failed.state, failed.error) == (RunState.FAILED, "ValueError: no history\\0")
    assert ledger.as_app(lambda conn: runs.latest(conn, "forecast", "leeds")) is None
