"""F1: the power fails at any byte. Nothing that was promised is lost, no number is given twice."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson
import pytest

from contracts.records import WorkflowEvent
from edge_agent.clock import Clock
from edge_agent.outbox.draft import draft
from edge_agent.outbox.inspect import export
from edge_agent.outbox.outbox import Outbox, OutboxOptions
from tests.integration.edge.power_cut import Step, cut_after, read_recording

PROGRAM = Path(__file__).with_name("writer_process.py")
CRASH_STATES = 500
SOAK_SEEDS = range(2, 22)
"""Of so many crash states each: 10,000."""
ROUNDS = 260
KILLS = 10


def promised(lines: Iterable[bytes]) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    facts = [json.loads(line) for line in lines]
    return [f for f in facts if f["kind"] == "stored"], [f for f in facts if f["kind"] == "sent"]


def expect_promises_kept(path: Path, lines: Iterable[bytes], boot_id: str) -> None:
    stored, sent = promised(lines)
    clock = Clock(boot_id=boot_id, is_synchronised=lambda: True)
    outbox = Outbox(OutboxOptions(path, "leeds", "gw-1", "test", ballast_bytes=65536), clock)
    try:
        assert outbox.stats().counters.get("files_quarantined", 0) == 0
        found = [orjson.loads(line) for line in export(path)]
        by_seq = {(each["epoch"], each["seq"]): each["device"] for each in found}
        assert len(by_seq) == len(found), "a number was given twice"
        for fact in stored:
            for offset in range(int(str(fact["count"]))):
                key = (fact["epoch"], int(str(fact["seq"])) + offset)
                assert by_seq.get(key) == str(int(str(fact["number"])) + offset)
        sealed = {(each["epoch"], each["batch_no"]) for each in found if each["batch_no"] is not None}
        assert {(fact["epoch"], fact["batch_no"]) for fact in sent} <= sealed
        hashes = {
            (epoch, batch_no): sha256
            for epoch, batch_no, sha256 in outbox._writer.call(
                lambda: outbox._keeper.book.store._connection.execute(
                    "SELECT epoch, batch_no, sha256 FROM batch JOIN epoch USING (epoch_no)"
                ).fetchall()
            )
        }
        assert all(hashes[(fact["epoch"], fact["batch_no"])] == fact["sha256"] for fact in sent)
        row = draft(WorkflowEvent, clock.now(), workflow="w", step="s", device="after")
        fresh = outbox.append([row])
        assert (fresh.epoch, fresh.first_seq) not in by_seq
        assert fresh.first_seq > max((seq for epoch, seq in by_seq if epoch == fresh.epoch), default=0)
    finally:
        outbox.close()


@pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace, which records the writes, is not installed"
)
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in SOAK_SEEDS)])
def test_power_cuts_lose_nothing_and_corrupt_nothing(tmp_path: Path, seed: int) -> None:
    directory, recording = tmp_path / "live", tmp_path / "recording"
    directory.mkdir()
    promises = tmp_path / "promises"
    arguments = [
        sys.executable,
        str(PROGRAM),
        str(directory / "outbox.db"),
        str(promises),
        str(ROUNDS),
        str(ROUNDS),
    ]
    calls = "trace=pwrite64,write,fsync,fdatasync,ftruncate"
    traced = subprocess.run(
        ["strace", "-f", "-y", "-xx", "-s", "1000000", "-e", calls, "-o", str(recording), *arguments],
        cwd=Path.cwd(),
        capture_output=True,
        check=False,
    )
    if traced.returncode and b"ptrace" in traced.stderr.lower():
        pytest.skip("this machine does not allow tracing")
    assert traced.returncode == 0, traced.stderr
    steps = read_recording(recording)
    assert sum(step.path == str(promises) for step in steps) > ROUNDS
    expect_no_breach(tmp_path, steps, promises, seed)
    unsynced = [step for step in steps if step.call != "sync"]
    with pytest.raises(AssertionError):  # the same cuts on a disk that never syncs: the test can fail
        expect_no_breach(tmp_path, unsynced, promises, seed)


def expect_no_breach(tmp_path: Path, steps: Sequence[Step], promises: Path, seed: int) -> None:
    database = str(tmp_path / "live" / "outbox.db")
    opened = next(number for number, step in enumerate(steps) if step.data.startswith(b'{"kind": "opened"'))
    chance = random.Random(seed)
    for number in range(CRASH_STATES):
        count = chance.randint(opened, len(steps))
        crashed = tmp_path / "crashed"
        shutil.rmtree(crashed, ignore_errors=True)
        crashed.mkdir()
        for path, content in cut_after(steps, count, database, chance).items():
            (crashed / Path(path).name).write_bytes(content)
        lines = [step.data for step in steps[:count] if step.path == str(promises)]
        try:
            expect_promises_kept(crashed / "outbox.db", lines, "boot-after-the-cut")
        except AssertionError as error:
            error.add_note(f"crash state {number}: cut after {count} of {len(steps)} calls")
            raise


def test_killed_at_any_moment_the_outbox_keeps_its_promises(tmp_path: Path) -> None:
    chance = random.Random(2)
    path, promises = tmp_path / "outbox.db", tmp_path / "promises"
    for _ in range(KILLS):
        arguments = [sys.executable, str(PROGRAM), str(path), str(promises), "100000", "100000"]
        process = subprocess.Popen(arguments, cwd=Path.cwd())
        before = promises.stat().st_size if promises.exists() else 0
        wanted = before + chance.randint(2_000, 20_000)
        while process.poll() is None and (not promises.exists() or promises.stat().st_size < wanted):
            os.sched_yield()
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        lines = promises.read_bytes().splitlines()
        expect_promises_kept(path, lines, "boot-before-the-cut")
        path.unlink()
        promises.unlink()
