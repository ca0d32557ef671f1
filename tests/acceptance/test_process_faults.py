"""Database and ingest end or stop at the worst moment; nothing is lost (FAULTS F9, F13, F14)."""

import json
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from benchmarks.mayhem import unleash, wait_until
from benchmarks.stage import Stage
from simulators.faults.killer import Cruelty, schedule
from tests.patience import PATIENCE_S


def position(stage: Stage) -> int:
    with psycopg.connect(stage.dsn("dockledger_migrator")) as connection:
        connection.execute("SET ROLE dockledger_owner")
        found = connection.execute("SELECT position FROM ledger_head").fetchone()
        return int(found[0]) if found else 0


def test_a_database_killed_again_and_again_is_caught_up_with_within_five_seconds(
    system: Callable[..., Any],
) -> None:
    running = system()
    streaming = running.stream(rate=400, seconds=10)
    kills = schedule(["postgres"], kills=8, cruelty=Cruelty(0.5, 0.2, freeze_share=0), seed=9)
    unleash(running.stage, kills)
    reached = position(running.stage)
    assert (
        wait_until(lambda: position(running.stage) > reached, within_s=PATIENCE_S, what="a new posting") < 5
    )
    streaming.finish(within_s=PATIENCE_S)
    running.check()


def crash_again_and_again(system: Callable[..., Any], *, point: str, crashes: int) -> None:
    """Run one worker that kills itself at a point of each posting, until it has done so often enough."""
    running = system(ingest_workers=0)
    stage = running.stage
    crashing = stage.ingest_service("crashing", {"DOCKLEDGER_CRASH_AT": point})
    streaming = running.stream(rate=200, seconds=max(2, crashes // 4))
    part = stage.add(crashing)
    for _ in range(crashes):
        wait_until(lambda: not part.is_running, within_s=PATIENCE_S, what=f"the worker kills itself {point}")
        part.start()
    part.kill()
    stage.add(stage.ingest_service("sound"))
    streaming.finish(within_s=PATIENCE_S)
    replay_what_the_guard_set_aside(stage)
    running.check()


def replay_what_the_guard_set_aside(stage: Stage) -> None:
    """Post the batches that were in the hands of three workers when they died: not lost, but a person's."""
    listed = stage.run("quarantine", "list", "--reason", "crashed_worker", "--json", "--limit", "1000")
    assert listed.returncode == 0, listed.stderr
    held = [str(json.loads(line)["quarantine_id"]) for line in listed.stdout.splitlines()]
    if held:
        replayed = stage.run("quarantine", "replay", *held)
        assert replayed.returncode == 0, replayed.stdout + replayed.stderr


@pytest.mark.parametrize("point", ["before_commit", "after_commit"])
def test_a_worker_that_dies_around_its_commit_loses_and_doubles_nothing(
    system: Callable[..., Any], point: str
) -> None:
    crash_again_and_again(system, point=point, crashes=6)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("point", ["before_commit", "after_commit"])
def test_a_worker_that_dies_around_a_hundred_commits_loses_and_doubles_nothing(
    system: Callable[..., Any], point: str
) -> None:
    crash_again_and_again(system, point=point, crashes=100)


def test_a_frozen_workers_sites_flow_again_within_ten_seconds_and_it_harms_nothing_later(
    system: Callable[..., Any],
) -> None:
    running = system()
    streaming = running.stream(rate=300, seconds=14)
    wait_until(lambda: position(running.stage) > 10, within_s=PATIENCE_S, what="both workers post")
    running.stage.parts["ingest-1"].freeze()
    frozen_at = time.monotonic()
    wait_until(
        lambda: len(recent_sites(running.stage)) == 2, within_s=PATIENCE_S, what="both sites flow again"
    )
    assert time.monotonic() - frozen_at < 10
    running.stage.parts["ingest-1"].thaw()
    streaming.finish(within_s=PATIENCE_S)
    running.check()


def recent_sites(stage: Stage) -> set[str]:
    """Give the sites that had a batch stored in the last second."""
    with psycopg.connect(stage.dsn("dockledger_migrator")) as connection:
        connection.execute("SET ROLE dockledger_owner")
        rows = connection.execute(
            "SELECT DISTINCT site_id FROM batch b JOIN ledger_entry e USING (posting_id) "
            "WHERE e.recorded_at > clock_timestamp() - interval '1 second'"
        ).fetchall()
        return {row[0] for row in rows}
