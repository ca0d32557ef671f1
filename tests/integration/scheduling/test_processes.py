"""The shipped command: it catches up with a night's planning, step by step, and stops when it is told."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil

from cloud.db import Connection, connect, in_transaction, open_pool
from cloud.master.store import add_site
from cloud.scheduling.store import register
from tests.patience import PATIENCE_S


def test_a_night_is_planned_step_by_step_and_nothing_runs_on_after_sigterm(database: Any) -> None:
    slot = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=5)

    def known_before(conn: Connection) -> None:
        add_site(conn, "leeds", name="Leeds", time_zone="UTC", currency="GBP")
        for job in ("parameters", "forecast", "replenishment"):
            known_since = slot - timedelta(minutes=1)
            register(conn, f"{job}/UTC", trigger="", is_slotted=True, next_at=slot, now=known_since)

    with open_pool(database.app_dsn, "test") as pool:
        in_transaction(pool, known_before)
    environment = {
        **os.environ,
        "DOCKLEDGER_APP_DSN": database.app_dsn,
        "DOCKLEDGER_PLANNING_AT": f"{slot:%H:%M}",
    }
    command = [sys.executable, "-m", "cloud", "scheduler"]
    with (
        subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as scheduler,
        connect(database.owner_dsn, "test-owner", autocommit=True) as owner,
    ):
        owner.execute("SET ROLE dockledger_owner")
        deadline = time.monotonic() + PATIENCE_S
        rows: list[tuple[Any, ...]] = []
        while len(rows) < 3 and time.monotonic() < deadline and scheduler.poll() is None:
            time.sleep(0.1)
            rows = owner.execute(
                "SELECT job, slot, attempts FROM job_run WHERE state = 'done' ORDER BY finished_at"
            ).fetchall()
        loops = owner.execute("SELECT job FROM job WHERE holder IS NOT NULL ORDER BY job").fetchall()
        children = psutil.Process(scheduler.pid).children(recursive=True)
        scheduler.send_signal(signal.SIGTERM)
        told, _ = scheduler.communicate(timeout=PATIENCE_S)
        held = owner.execute("SELECT count(*) FROM job WHERE holder IS NOT NULL").fetchone()
    assert rows == [
        ("parameters/UTC", slot, 1),
        ("forecast/UTC", slot, 1),
        ("replenishment/UTC", slot, 1),
    ], told.decode()
    assert ("counting",) in loops
    assert held == (0,)
    assert scheduler.returncode == 0
    assert not [child for child in children if child.is_running()]
