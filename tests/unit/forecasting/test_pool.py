"""Processes that work on pieces: in order, and gone with the one that started them."""

import subprocess
import sys
from pathlib import Path

import psutil

from cloud.forecasting.pool import in_processes
from tests.patience import PATIENCE_S

SCRIPT = """
import os, signal
from cloud.forecasting.pool import in_processes

def work(number):
    if number > 1:
        signal.pause()
    return os.getpid()

if __name__ == "__main__":
    for worker in in_processes(work, range(9), 2):
        print(worker, flush=True)
"""


def test_one_process_is_this_one() -> None:
    assert list(in_processes(str, [3, 1, 2], 1)) == ["3", "1", "2"]


def test_results_come_in_the_order_of_the_pieces() -> None:
    assert list(in_processes(abs, [-3, 1, -2, 0], 2)) == [3, 1, 2, 0]


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "work.py"
    script.write_text(SCRIPT, "utf-8")
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, env={"PYTHONPATH": str(root)}
    ) as started:
        assert started.stdout is not None
        assert started.stdout.readline().strip().isdigit()
        children = psutil.Process(started.pid).children(recursive=True)
        assert len(children) >= 2
        started.kill()
    _, alive = psutil.wait_procs(children, timeout=PATIENCE_S)
    assert not alive
