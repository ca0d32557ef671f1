"""The shipped commands, as processes, on a real database."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from scenario import Ledger, Outbox, move

from tests.patience import PATIENCE_S


def dockledger(ledger: Ledger, tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "cloud", "--data-dir", str(tmp_path), *arguments],
        env=environment(ledger),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def environment(ledger: Ledger) -> dict[str, str]:
    return {"DOCKLEDGER_OWNER_DSN": ledger.owner_dsn, "DOCKLEDGER_APP_DSN": ledger.app_dsn}


def test_the_commands_say_what_they_did_and_exit_by_what_they_found(ledger: Ledger, tmp_path: Path) -> None:
    ledger.post(Outbox().seal([move("4", "@supplier", "A-01")]))
    assert "the schema is up to date" in dockledger(ledger, tmp_path, "migrate").stdout
    checked = dockledger(ledger, tmp_path, "verify", "--json")
    assert (checked.returncode, json.loads(checked.stdout)["is_clean"]) == (0, True)

    ledger.as_owner(lambda conn: conn.execute("UPDATE balance SET quantity = 3 WHERE quantity = 4"))
    breached = dockledger(ledger, tmp_path, "verify")
    assert breached.returncode == 1
    assert "BREACH balances" in breached.stdout
    assert "expected 4.000000, found 3.000000" in breached.stdout
    assert dockledger(ledger, tmp_path, "rebuild", "balances", "--check").returncode == 1
    assert dockledger(ledger, tmp_path, "rebuild", "balances").returncode == 0
    assert "every promise holds" in dockledger(ledger, tmp_path, "verify").stdout

    file = str(tmp_path / "kept.backup")
    assert "up to position 1" in dockledger(ledger, tmp_path, "backup", file).stdout
    refused = dockledger(ledger, tmp_path, "restore", file)
    assert (refused.returncode, refused.stderr.strip()) == (
        1,
        "dockledger: the ledger holds 1 positions; expected an empty one, or --replace",
    )
    assert "restored up to position 1" in dockledger(ledger, tmp_path, "restore", file, "--replace").stdout


def test_the_fold_job_follows_the_order_forgets_old_answers_and_stops_when_told(
    ledger: Ledger, tmp_path: Path
) -> None:
    ledger.post(Outbox().seal([move("4", "@supplier", "A-01")]))
    ledger.query(
        "INSERT INTO idempotency_key (actor, key, request_sha256, created_at)"
        " VALUES ('key:erp', 'k', '', '2026-01-01') RETURNING key"
    )
    due = "SELECT position <> 1 OR EXISTS (SELECT FROM idempotency_key) FROM fold_head"
    job = subprocess.Popen(
        [sys.executable, "-m", "cloud", "--data-dir", str(tmp_path), "fold"], env=environment(ledger)
    )
    try:
        deadline = time.monotonic() + PATIENCE_S
        while ledger.query(due) != [(False,)] and time.monotonic() < deadline:
            assert job.poll() is None
        assert ledger.query(due) == [(False,)]
        assert ledger.query("SELECT count(*) FROM cell_delta") == [(2,)]
    finally:
        job.send_signal(signal.SIGTERM)
        assert job.wait(timeout=PATIENCE_S) == 0
