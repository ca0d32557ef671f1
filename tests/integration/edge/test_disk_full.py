"""F2: the volume fills up. Rows are refused loudly, nothing stored is lost, and it recovers unattended."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from contracts.records import WorkflowEvent
from edge_agent.clock import Clock
from edge_agent.outbox.draft import Draft, draft
from edge_agent.outbox.errors import OutboxFullError
from edge_agent.outbox.inspect import export
from edge_agent.outbox.outbox import Outbox, OutboxOptions
from tests.patience import PATIENCE_S

CYCLES = 10
SOAK_CYCLES = 200
BALLAST = 512 * 1024


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    mounted = tmp_path / "volume"
    mounted.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(mounted)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"only root may mount a small tmpfs: {done.stderr.decode().strip()}")
    yield mounted
    subprocess.run(["umount", str(mounted)], check=True)


@pytest.mark.parametrize(
    "cycles", [CYCLES, pytest.param(SOAK_CYCLES, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])]
)
def test_a_full_disk_loses_nothing_and_recovers_unattended(volume: Path, cycles: int) -> None:
    path, filler = volume / "outbox.db", volume / "filler"
    clock = Clock(boot_id="boot-a", is_synchronised=lambda: True)
    options = OutboxOptions(path, "leeds", "gw-1", "test", quota_bytes=64 * 1024**2, ballast_bytes=BALLAST)
    outbox = Outbox(options, clock)
    stored = 0

    def append() -> None:
        nonlocal stored
        row = draft(WorkflowEvent, clock.now(), workflow="w", step="s", device=str(stored), note="n" * 300)
        outbox.append([row])
        stored += 1

    try:
        for _ in range(cycles):
            append()
            with suppress(OSError), filler.open("wb") as file:
                while True:
                    file.write(bytes(4096))
                    file.flush()
            with pytest.raises(OutboxFullError, match=r"the disk is full"):
                fill_what_is_left(append)
            began = time.monotonic()
            with pytest.raises(OutboxFullError):
                append()
            assert time.monotonic() - began <= 1
            assert outbox.is_full
            filler.unlink()
            began = time.monotonic()
            while outbox.is_full:
                assert time.monotonic() - began <= PATIENCE_S
                time.sleep(0.05)
        append()
        assert outbox.stats().counters["disk_full"] >= cycles
    finally:
        outbox.close()
    outbox = Outbox(options, clock)
    devices = [orjson.loads(line)["device"] for line in export(path)]
    outbox.close()
    assert devices == [str(number) for number in range(stored)]


def test_a_damaged_file_too_large_to_copy_waits_for_space_while_rows_are_taken(volume: Path) -> None:
    path = volume / "outbox.db"
    clock = Clock(boot_id="boot-a", is_synchronised=lambda: True)
    options = OutboxOptions(path, "leeds", "gw-1", "test", quota_bytes=64 * 1024**2, ballast_bytes=64 * 1024)

    def rows(numbers: range) -> list[Draft]:
        return [
            draft(WorkflowEvent, clock.now(), workflow="w", step="s", device=str(number), note="n" * 400)
            for number in numbers
        ]

    outbox = Outbox(options, clock)
    for first in range(0, 6000, 200):
        outbox.append(rows(range(first, first + 200)))
    outbox.close()
    content = path.read_bytes()
    middle = len(content) // 2 // 4096 * 4096
    path.write_bytes(content[:middle] + bytes(4096) + content[middle + 4096 :])
    outbox = Outbox(options, clock)
    try:
        outbox.append(rows(range(6000, 6010)))
        assert outbox.stats().is_salvaging
        subprocess.run(["mount", "-o", "remount,size=32m", str(volume)], check=True)
        began = time.monotonic()
        while outbox.stats().is_salvaging:
            assert time.monotonic() - began <= PATIENCE_S
            time.sleep(0.05)
    finally:
        outbox.close()
    found = [orjson.loads(line) for line in export(path)]
    devices = [int(each["device"]) for each in found if each["kind"] != "gap"]
    assert len(found) == len(devices) + 1, "the hole is told, once"
    assert len(devices) == len(set(devices))
    assert len(devices) > 5900
    assert set(range(6000, 6010)) <= set(devices)


def fill_what_is_left(append: Callable[[], None]) -> None:
    for _ in range(10_000):
        append()
