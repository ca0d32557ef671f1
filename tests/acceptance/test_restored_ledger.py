"""A ledger put back to an older state gets again what came after it (FAULTS F23)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.mayhem import wait_until
from benchmarks.stage import Stage
from tests.patience import PATIENCE_S

WORKERS = ("ingest-1", "ingest-2")


def movements(stage: Stage) -> int:
    with psycopg.connect(stage.dsn("dockledger_migrator")) as conn:
        [(count,)] = conn.execute("SELECT count(*) FROM movement")
    return int(count)


def test_edges_send_again_what_a_restored_ledger_lacks(system: Callable[..., Any], tmp_path: Path) -> None:
    running = system()
    stage, backup = running.stage, str(tmp_path / "ledger.backup")
    running.add_edges()
    scanning = running.scan(rate=60, seconds=4)
    wait_until(lambda: movements(stage) > 60, within_s=PATIENCE_S, what="some of it is in the ledger")
    assert stage.run("backup", backup).returncode == 0
    scanning.finish(within_s=PATIENCE_S)
    kept = movements(stage)
    scanning = running.scan(rate=60, seconds=6)
    wait_until(
        lambda: movements(stage) > kept + 60, within_s=PATIENCE_S, what="more than that is in the ledger"
    )
    for worker in WORKERS:
        stage.parts[worker].stop()
    restored = stage.run("restore", backup, "--replace")
    assert restored.returncode == 0, restored.stdout + restored.stderr
    for worker in WORKERS:
        stage.parts[worker].start()
    scanning.finish(within_s=PATIENCE_S)
    wait_until(
        lambda: running.unlike_scans().lost == 0, within_s=PATIENCE_S, what="the ledger holds all again"
    )
    running.drain(within_s=PATIENCE_S)
    running.check()
