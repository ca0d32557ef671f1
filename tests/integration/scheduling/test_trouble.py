"""What a scheduler does about jobs that fail, come late, hang on each other, or lose their claim."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as wall_time
from typing import Any

import pytest
from structlog.testing import capture_logs

from cloud.cli import main
from cloud.db import Connection, ConnectionPool, connect, in_transaction, open_pool
from cloud.scheduling.domain import Daily, Every, Patience
from cloud.scheduling.job import Job, Occasion
from cloud.scheduling.service import Scheduler
from tests.patience import PATIENCE_S

MONDAY = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAILY = Daily(wall_time(2, 30), "UTC")
PATIENCE = Patience(lease=timedelta(minutes=1), retries=(timedelta(), timedelta()))
DAY = timedelta(days=1)


@dataclass
class Trial:
    """A scheduler, a clock that the test moves, and a look at what is kept."""

    pool: ConnectionPool
    owner: Connection
    now: datetime = MONDAY
    runs: list[datetime | None] = field(default_factory=list)
    error: Exception | None = None

    def scheduler(self, *jobs: Job, name: str = "one", patience: Patience = PATIENCE) -> Scheduler:
        scheduler = Scheduler(
            self.pool, lambda _conn: list(jobs), name=name, clock=lambda: self.now, patience=patience
        )
        scheduler.refresh()
        return scheduler

    def job(self, name: str = "nightly", trigger: Daily | Every = DAILY, after: str | None = None) -> Job:
        return Job(name, trigger, self.run, after=after)

    def run(self, occasion: Occasion) -> Mapping[str, Any]:
        if self.error is not None:
            raise self.error
        self.runs.append(occasion.slot)
        return {"runs": len(self.runs)}

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        return self.owner.execute(statement).fetchall()

    def slots(self) -> list[tuple[Any, ...]]:
        return self.query("SELECT slot::date::text, state, attempts, error FROM job_run ORDER BY slot, job")

    def tickets(self) -> list[tuple[Any, ...]]:
        return self.query("SELECT dedup_key, summary FROM ticket WHERE resolved_at IS NULL ORDER BY 1")


@pytest.fixture
def trial(database: Any) -> Iterator[Trial]:
    with (
        open_pool(database.app_dsn, "test-scheduler", max_size=3) as pool,
        connect(database.owner_dsn, "test-owner", autocommit=True) as owner,
    ):
        owner.execute("SET ROLE dockledger_owner")
        yield Trial(pool, owner)


def test_a_slot_that_fails_is_tried_again_then_given_up_with_a_ticket_that_success_closes(
    trial: Trial,
) -> None:
    job = trial.job()
    scheduler = trial.scheduler(job)
    assert scheduler.turn(job).claim is None, "what lies before the first start is nobody's"
    trial.now += DAY
    trial.error = ValueError("no history\0")
    for attempt in (1, 2):
        assert scheduler.turn(job).error == "ValueError: no history\\0"
        assert trial.slots() == [("2026-03-03", "retrying", attempt, "ValueError: no history\\0")]
    assert trial.tickets() == []
    scheduler.turn(job)
    assert trial.slots() == [("2026-03-03", "failed", 3, "ValueError: no history\\0")]
    assert trial.tickets() == [
        ("job_failed:nightly", "nightly of 2026-03-03 02:30 UTC was given up: ValueError: no history\\0")
    ]
    trial.error = None
    assert scheduler.turn(job).claim is None
    trial.now += DAY
    scheduler.turn(job)
    assert [row[1] for row in trial.slots()] == ["failed", "done"]
    assert trial.tickets() == []


def test_slots_that_nobody_ran_are_told_and_the_latest_makes_up_for_them(trial: Trial) -> None:
    job = trial.job()
    trial.scheduler(job)
    trial.now += 4 * DAY
    with capture_logs() as logs:
        trial.scheduler(job, name="later").turn(job)
    assert [(row[0][-2:], row[1]) for row in trial.slots()] == [
        ("03", "missed"),
        ("04", "missed"),
        ("05", "missed"),
        ("06", "done"),
    ]
    assert trial.runs == [datetime(2026, 3, 6, 2, 30, tzinfo=UTC)]
    told = {line["event"]: line for line in logs}
    assert told["slots_missed"]["slots"] == 3
    assert told["slot_late"]["late_s"] == 9.5 * 3600


def test_an_hour_that_is_set_back_makes_no_second_run_of_the_day(trial: Trial) -> None:
    job = trial.job()
    scheduler = trial.scheduler(job)
    trial.now += DAY
    scheduler.turn(job)
    earlier = trial.job(trigger=Daily(wall_time(1, 0), "UTC"))
    restarted = trial.scheduler(earlier, name="two")
    assert restarted.turn(earlier).claim is None
    trial.now += DAY
    assert restarted.turn(earlier).outcome == {"runs": 2}
    assert [row[:2] for row in trial.slots()] == [("2026-03-03", "done"), ("2026-03-04", "done")]


def test_a_job_waits_until_the_one_before_it_is_over_whatever_came_of_that(trial: Trial) -> None:
    first, second = trial.job("first"), trial.job("second", after="first")
    scheduler = trial.scheduler(first, second)
    trial.now += DAY
    assert scheduler.turn(second).claim is None
    trial.error = ValueError("broken")
    for _ in range(PATIENCE.attempts):
        assert scheduler.turn(second).claim is None
        scheduler.turn(first)
    trial.error = None
    assert scheduler.turn(second).outcome == {"runs": 1}


def test_a_loop_is_one_schedulers_until_it_lets_go_and_failures_become_a_ticket(trial: Trial) -> None:
    loop = trial.job("loop", Every(timedelta(milliseconds=1)))
    one, two = trial.scheduler(loop), trial.scheduler(loop, name="two")
    assert one.turn(loop).outcome == {"runs": 1}
    assert two.turn(loop).outcome is None
    trial.error = ValueError("broken")
    failures = 0
    deadline = time.monotonic() + PATIENCE_S
    while failures < 5:
        failures += one.turn(loop).error is not None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert trial.tickets() == [("job_failed:loop", "loop has failed 5 times in a row: ValueError: broken")]
    assert trial.query("SELECT failures, last_error, failing_since FROM job") == [
        (5, "ValueError: broken", MONDAY)
    ]
    trial.error = None
    while one.turn(loop).outcome is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert trial.tickets() == []
    assert trial.query("SELECT failing_since, last_error FROM job") == [(None, None)]
    assert two.turn(loop).outcome is None
    one.release()
    assert two.turn(loop).outcome == {"runs": 3}


def test_a_database_that_takes_too_long_is_the_loops_failure_and_one_that_is_away_is_not(
    trial: Trial, database: Any
) -> None:
    def ask(statement: str) -> Callable[[Occasion], Mapping[str, Any]]:
        def run(occasion: Occasion) -> Mapping[str, Any]:
            in_transaction(occasion.source, lambda conn: conn.execute(statement))
            return {}

        return run

    every = Every(timedelta(milliseconds=1))
    slow = Job("slow", every, ask("SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)"))
    gone = Job("gone", every, ask("SELECT pg_terminate_backend(pg_backend_pid())"))
    scheduler = trial.scheduler(slow, gone)
    assert "QueryCanceled" in (scheduler.turn(slow).error or "")
    with capture_logs() as logs:
        assert "AdminShutdown" in (scheduler.turn(gone).error or "")
    assert [line["event"] for line in logs] == ["database_away"]
    assert trial.query("SELECT job, failures FROM job ORDER BY job") == [("gone", 0), ("slow", 1)]


def test_who_was_taken_for_dead_cannot_finish_and_its_effect_is_undone(trial: Trial) -> None:
    trial.owner.execute("CREATE TABLE effect (who text)")
    trial.owner.execute("GRANT SELECT, INSERT ON effect TO dockledger_app")

    def leaving(who: str, meanwhile: Callable[[], None]) -> Callable[[Occasion], Mapping[str, Any]]:
        def run(occasion: Occasion) -> Mapping[str, Any]:
            def work(conn: Connection) -> None:
                conn.execute("INSERT INTO effect VALUES (%s)", (who,))
                meanwhile()
                assert occasion.finish is not None
                occasion.finish(conn, {})

            in_transaction(occasion.source, work)
            return {}

        return run

    def take_over() -> None:
        trial.owner.execute("UPDATE job_run SET lease_until = clock_timestamp() - INTERVAL '1 second'")
        other = Job("nightly", DAILY, leaving("two", lambda: None))
        assert trial.scheduler(other, name="two").turn(other).outcome == {}

    slow = Job("nightly", DAILY, leaving("one", take_over))
    scheduler = trial.scheduler(slow)
    trial.now += DAY
    with capture_logs() as logs:
        assert scheduler.turn(slow).outcome is None
    assert "slot_taken_over" in [line["event"] for line in logs]
    assert trial.query("SELECT who FROM effect") == [("two",)]
    assert trial.query("SELECT state, attempts, scheduler FROM job_run") == [("done", 2, "two")]


def test_a_slot_that_kills_every_scheduler_is_given_up(trial: Trial) -> None:
    job = trial.job()
    scheduler = trial.scheduler(job)
    trial.now += DAY
    trial.owner.execute(
        "INSERT INTO job_run (job, slot, state, claim, attempts, lease_until) VALUES "
        "('nightly', '2026-03-03 02:30Z', 'running', gen_random_uuid(), 3, '2026-03-03 02:31Z')"
    )
    scheduler.turn(job)
    assert trial.slots() == [("2026-03-03", "failed", 3, "its scheduler was gone each time")]
    assert [key for key, _ in trial.tickets()] == ["job_failed:nightly"]
    assert trial.runs == []


def test_a_run_that_is_interrupted_leaves_its_slot_to_the_next_at_once(trial: Trial) -> None:
    def interrupted(_occasion: Occasion) -> Mapping[str, Any]:
        raise KeyboardInterrupt

    job = Job("nightly", DAILY, interrupted)
    scheduler = trial.scheduler(job)
    slot = datetime(2026, 3, 3, 2, 30, tzinfo=UTC)
    with pytest.raises(KeyboardInterrupt):
        scheduler.once(job, slot, asked_by=None)
    assert [row[1:3] for row in trial.slots()] == [("retrying", 0)]
    trial.now += DAY
    willing = trial.job()
    assert trial.scheduler(willing, name="two").turn(willing).outcome == {"runs": 1}


def test_what_somebody_asked_for_and_was_killed_does_not_stay_open(trial: Trial) -> None:
    job = trial.job()
    trial.owner.execute(
        "INSERT INTO job_run (job, slot, state, claim, attempts, lease_until, asked_by) VALUES ('nightly', "
        "'2026-03-02 11:00Z', 'running', gen_random_uuid(), 1, '2026-03-02 11:01Z', 'system:shell')"
    )
    scheduler = trial.scheduler(job)
    assert trial.slots() == [("2026-03-02", "failed", 1, "its process was gone")]
    trial.error = ValueError("broken")
    assert scheduler.once(job, MONDAY, asked_by="system:shell").error == "ValueError: broken"
    assert [row[1] for row in trial.slots()] == ["failed", "failed"]


def test_a_planning_run_that_was_left_behind_does_not_run_for_ever(trial: Trial) -> None:
    for days in (0, 2):
        trial.owner.execute(
            "INSERT INTO planning_run (kind, started_by, inputs_sha256, inputs, parameters, code_version, "
            "as_of_position, completeness, started_at) VALUES "
            "('forecast', 'user:ada', repeat('0', 64), '{}', '{}', '1', 0, '{}', clock_timestamp() - %s)",
            (timedelta(days=days),),
        )
    trial.scheduler(trial.job())
    assert trial.query("SELECT state, error FROM planning_run ORDER BY run_id") == [
        ("running", None),
        ("failed", "abandoned: not finished within a day"),
    ]


def test_a_job_by_command_line_is_run_once_and_listed(
    trial: Trial, database: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", database.app_dsn)
    assert main(["jobs"]) == 0
    assert "no scheduler has run on this database yet" in capsys.readouterr().out
    assert main(["scheduler", "--once", "escalation"]) == 0
    assert capsys.readouterr().out.startswith("escalation done in ")
    assert main(["jobs"]) == 0
    assert "counting" in capsys.readouterr().out
    assert main(["scheduler", "--once", "nothing"]) == 2
    assert "job 'nothing': expected one of counting, negatives, webhooks" in capsys.readouterr().err
    assert main(["scheduler", "--slot", "2026-03-02T02:30:00Z"]) == 2
    assert main(["scheduler", "--once", "escalation", "--slot", "2026-03-02T02:30:00Z"]) == 2
    assert "expected a slot of escalation, every 60 s" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["scheduler", "--once", "escalation", "--slot", "2026-03-02T02:30:00"])
    assert "expected an offset" in capsys.readouterr().err
