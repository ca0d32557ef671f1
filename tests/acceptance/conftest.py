"""Whole systems of shipped processes, and the question whether the ledger equals the simulator's truth."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.audit import compare
from benchmarks.stage import Gateway, Stage
from cloud.local.home import erase
from simulators.warehouse.truth import Truth

SITES = 2
GATEWAYS = tuple(Gateway(f"sim-{n % SITES + 1}", f"sim-gw-{n + 1}") for n in range(4))
FAST_DATABASE = {"fsync": "off", "shared_buffers": "64MB"}
"""The page cache outlives a SIGKILL, so this loses nothing here; pulling the plug is another test's matter."""


@dataclass
class Stream:
    """A running `warehouse-sim movements`."""

    process: subprocess.Popen[str]
    truth_path: Path

    def finish(self, within_s: float) -> dict[str, Any]:
        """Wait until the ledger has acknowledged everything, and give its report."""
        output, errors = self.process.communicate(timeout=within_s)
        assert self.process.returncode == 0, errors
        report: dict[str, Any] = json.loads(output)
        return report

    @property
    def truth(self) -> Truth:
        return Truth.read(self.truth_path)


@pytest.fixture
def make_stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Give a function that starts a stage; it ends with the test."""
    with ExitStack() as owned:

        def make(**options: Any) -> Stage:
            directory = tmp_path / "stage"
            owned.callback(erase, directory)
            stage = Stage(directory, GATEWAYS, postgres_options=FAST_DATABASE, **options)
            return owned.enter_context(stage)

        yield make


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Callable[..., Stream]]:
    """Give a function that starts simulated gateways against a stage; they end with the test."""
    with ExitStack() as owned:

        def start(broker_url: str, *, rate: float, seconds: float, seed: int = 1) -> Stream:
            truth = tmp_path / f"truth-{seed}.jsonl"
            command = (
                *(str(Path(sys.executable).with_name("warehouse-sim")), "movements"),
                *("--broker", broker_url, "--rate", str(rate), "--seconds", str(seconds)),
                *("--gateways", str(len(GATEWAYS)), "--sites", str(SITES)),
                *("--seed", str(seed), "--truth", str(truth)),
            )
            process = owned.enter_context(
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            )
            owned.callback(process.kill)
            return Stream(process, truth)

        yield start


@pytest.fixture
def check() -> Callable[[Stage, Truth], None]:
    """Give a function that demands: nothing lost, doubled or wrong, by the truth and by `dockledger verify`."""

    def demand(stage: Stage, truth: Truth) -> None:
        found = compare(stage.dsn("dockledger_migrator"), truth)
        assert found.is_clean, found
        done = stage.run("verify", "--json")
        assert done.returncode == 0, done.stdout + done.stderr

    return demand
