"""A ledger put back to an older state gets again what came after it (FAULTS F23)."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.mayhem import wait_until

WORKERS = ("ingest-1", "ingest-2")


@pytest.mark.timeout(120)
def test_edges_send_again_what_a_restored_ledger_lacks(system: Callable[..., Any], tmp_path: Path) -> None:
    running = system()
    stage, backup = running.stage, str(tmp_path / "ledger.backup")
    running.add_edges()
    scanning = running.scan(rate=60, seconds=12)
    time.sleep(3)
    assert stage.run("backup", backup).returncode == 0
    time.sleep(4)
    for worker in WORKERS:
        stage.parts[worker].stop()
    restored = stage.run("restore", backup, "--replace")
    assert restored.returncode == 0, restored.stdout + restored.stderr
    for worker in WORKERS:
        stage.parts[worker].start()
    scanning.finish(within_s=30)
    wait_until(lambda: running.unlike_scans().lost == 0, within_s=60, what="the ledger holds all again")
    running.drain(within_s=30)
    running.check()
