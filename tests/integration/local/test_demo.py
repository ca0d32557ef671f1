"""`dockledger demo` as the README says it: the report is complete and the ledger is the truth."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from cloud.local.home import erase
from tests.patience import PATIENCE_S

KEYS = {
    "raw_reads",
    "crossings",
    "movements_published",
    "movements_in_ledger",
    "truth_movements",
    "missed",
    "wrong",
    "false_movements",
    "held",
    "undecided",
    "duplicated",
    "lost",
    "balance_mismatches",
    "quarantined",
    "seconds_to_ready",
    "scan_to_ledger_ms_p50",
    "scan_to_ledger_ms_p99",
    "seed",
    "versions",
    "counts",
    "variances",
    "alerts",
    "forecasts",
    "proposals",
}


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """Give a data directory whose path has a space."""
    yield tmp_path / "my data"
    erase(tmp_path / "my data")


def demo(data_dir: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "cloud", "--data-dir", str(data_dir), "demo", "--headless", *arguments]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )


def children_of_us() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def judged(run: subprocess.Popen[str], report_file: Path) -> dict[str, Any]:
    told, _ = run.communicate(timeout=5 * PATIENCE_S)
    assert run.returncode == 0, told
    report = json.loads(report_file.read_text("utf-8"))
    assert set(report) == KEYS
    assert report["movements_in_ledger"] == report["movements_published"] > 0
    for name in ("lost", "duplicated", "balance_mismatches", "quarantined"):
        assert report[name] == 0, name
    assert 0 < report["scan_to_ledger_ms_p50"] <= report["scan_to_ledger_ms_p99"]
    return report


def test_two_runs_end_with_the_truth_in_the_ledger_and_leave_nothing_running(data_dir: Path) -> None:
    before = children_of_us()
    report_file = data_dir.with_name("report.json")
    by_time = demo(data_dir, "--seconds", "50", "--report", str(report_file))
    report = judged(by_time, report_file)
    assert report["seed"] == 1
    assert report["crossings"] >= 12
    assert report["raw_reads"] > 1_000
    assert report["held"] is not None
    assert (report["counts"], report["forecasts"]) == (6, 120)
    assert report["alerts"] >= report["variances"] == 4
    assert report["proposals"] > 50
    scanned_and_crossed = report["movements_in_ledger"] + report["missed"] + report["held"]
    assert scanned_and_crossed >= report["truth_movements"] > 100
    interrupted = demo(data_dir, "--seed", "2", "--report", str(report_file))
    assert interrupted.stdout is not None
    next(line for line in interrupted.stdout if "in ledger" in line and "in ledger 0 " not in line)
    interrupted.send_signal(signal.SIGINT)
    assert judged(interrupted, report_file)["seed"] == 2
    assert children_of_us() == before
