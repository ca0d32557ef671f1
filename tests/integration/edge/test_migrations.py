"""F22: an upgrade of the outbox is cut short at any moment; the old and the new release both start."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from edge_agent.outbox.draft import Draft
from edge_agent.outbox.inspect import export
from edge_agent.outbox.outbox import Outbox, OutboxOptions
from edge_agent.outbox.store import Migration, Store, packaged_migrations
from tests.integration.edge.conftest import HandClock

SOAK_KILLS = 500
KILLS = 10
NEXT = Migration(
    9001,
    "9001_next_release.sql",
    "ALTER TABLE record ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey';\n"
    "CREATE TABLE shade (id INTEGER PRIMARY KEY, body BLOB NOT NULL);\n"
    "INSERT INTO shade (id, body) SELECT id, body FROM record;\n"
    "CREATE INDEX shade_body ON shade (body);\n",
)
UPGRADE = """
import sys
from pathlib import Path
from edge_agent.outbox.store import Store, packaged_migrations
from tests.integration.edge.test_migrations import NEXT
print("begun", flush=True)
Store.create_or_open(Path(sys.argv[1]), [*packaged_migrations(), NEXT]).close()
"""


def options(path: Path) -> OutboxOptions:
    return OutboxOptions(path, "leeds", "gw-1", "test", ballast_bytes=65536)


def devices(path: Path) -> list[str]:
    return [orjson.loads(line)["device"] for line in export(path)]


def test_migrations_are_numbered_without_gaps_and_run_once(tmp_path: Path) -> None:
    numbers = [each.number for each in packaged_migrations()]
    assert numbers == list(range(1, len(numbers) + 1))
    for _ in range(2):
        store = Store.create_or_open(tmp_path / "outbox.db")
        assert store.schema_version() == numbers[-1]
        store.close()


def test_every_release_can_upgrade_the_one_before(tmp_path: Path, hands: HandClock) -> None:
    for migration in packaged_migrations():
        path = tmp_path / f"{migration.number}.db"
        Store.create_or_open(path, packaged_migrations()[: migration.number]).close()
        Outbox(options(path), hands.make()).close()


def test_the_release_before_runs_on_a_newer_file(
    tmp_path: Path, hands: HandClock, event: Callable[..., Draft]
) -> None:
    path = tmp_path / "outbox.db"
    newer = Outbox(options(path), hands.make(), migrations=[*packaged_migrations(), NEXT])
    newer.append([event(1)])
    newer.close()
    older = Outbox(options(path), hands.make())
    older.append([event(2)])
    older.close()
    assert devices(path) == ["1", "2"]


@pytest.mark.parametrize(
    "kills", [KILLS, pytest.param(SOAK_KILLS, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])]
)
def test_an_upgrade_killed_at_any_moment_loses_nothing(
    tmp_path: Path, hands: HandClock, event: Callable[..., Draft], kills: int
) -> None:
    path = tmp_path / "outbox.db"
    outbox = Outbox(options(path), hands.make())
    outbox.append([event(number, note="n" * 400) for number in range(3000)])
    outbox.close()
    pristine = path.read_bytes()
    chance = random.Random(4)
    reached = set()
    for _ in range(kills):
        path.write_bytes(pristine)
        process = subprocess.Popen(
            [sys.executable, "-c", UPGRADE, str(path)], cwd=Path.cwd(), stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(chance.randint(0, 60)):
            os.sched_yield()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        for migrations in (None, [*packaged_migrations(), NEXT]):
            outbox = Outbox(options(path), replace(hands).make(), migrations=migrations)
            reached.add(outbox._writer.call(outbox._keeper.book.store.schema_version))
            assert outbox.stats().unacked_rows == 3000
            outbox.close()
        assert devices(path) == [str(number) for number in range(3000)]
    assert 9001 in reached
