"""`warehouse-sim dock` plays a plan over real sockets and ends when it is told to."""

import json
import os
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import pytest

from simulators.llrp_reader.messages import name_of
from simulators.warehouse.dock.play import LivePlan
from tests.patience import PATIENCE_S

COMMAND = [sys.executable, "-m", "simulators.cli", "dock"]


@pytest.fixture
def planned(tmp_path: Path) -> LivePlan:
    """Plan what begins in an hour: however long the process takes to start, it is not late."""
    start_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    told = ("--seed", "2", "--start-at", start_at, "--only-plan")
    subprocess.run([*COMMAND, "--directory", tmp_path, *told], check=True, timeout=PATIENCE_S)
    return LivePlan.read(tmp_path)


def heard_first(stream: IO[str]) -> str:
    return stream.readline()


def test_readers_listen_where_the_plan_says_and_stop_on_sigterm(planned: LivePlan, tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "--directory", tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stderr is not None
        assert "2 readers listen" in heard_first(process.stderr)
        for reader in planned.readers.values():
            with socket.create_connection((reader.host, reader.port), timeout=PATIENCE_S) as client:
                client.settimeout(10)
                assert name_of(client.recv(4096)) == "READER_EVENT_NOTIFICATION"
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert json.loads(out)["is_whole"] is False
    for reader in planned.readers.values():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((reader.host, reader.port), timeout=PATIENCE_S)
