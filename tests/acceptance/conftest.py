"""Whole systems of shipped processes, and the question whether the ledger equals the simulators' truth."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.audit import compare, compare_scans
from benchmarks.edges import edge_service, scanner, waiting_rows
from benchmarks.mayhem import wait_until
from benchmarks.parts import Part, command
from benchmarks.stage import Gateway, Stage
from cloud.local.home import erase
from simulators.warehouse.truth import Truth

SITES = 2
SIMULATED = tuple(Gateway(f"sim-{n % SITES + 1}", f"sim-gw-{n + 1}") for n in range(4))
EDGES = (Gateway("shop-1", "edge-1"), Gateway("shop-2", "edge-2"))
FAST_DATABASE = {"fsync": "off", "shared_buffers": "64MB"}
"""The page cache outlives a SIGKILL, so this loses nothing here; power cuts are other tests' matter."""


@dataclass
class Simulation:
    """A running `warehouse-sim` command that writes a truth file."""

    process: subprocess.Popen[str]
    truth_path: Path

    def finish(self, within_s: float) -> dict[str, Any]:
        """Wait for its end, and give the figures it printed."""
        output, errors = self.process.communicate(timeout=within_s)
        assert self.process.returncode == 0, output + errors
        figures: dict[str, Any] = json.loads(output.splitlines()[-1])
        return figures


@dataclass
class System:
    """A stage, and what was sent into it."""

    stage: Stage
    directory: Path
    _owned: ExitStack
    streams: list[Simulation]
    scans: list[Simulation]

    def stream(self, *, rate: float, seconds: float, seed: int = 1, broker_url: str = "") -> Simulation:
        """Start simulated gateways: they end when the ledger has acknowledged everything."""
        length = ("--rate", str(rate), "--seconds", str(seconds), "--seed", str(seed))
        crew = ("--gateways", str(len(SIMULATED)), "--sites", str(SITES))
        url = broker_url or self.stage.gateways_url
        running = self._simulate("movements", f"truth-{seed}.jsonl", "--broker", url, *length, *crew)
        self.streams.append(running)
        return running

    def scan(self, *, rate: float, seconds: float) -> Simulation:
        """Start people at the edges' scanners: they end when every scan is answered."""
        ports = [part for edge in EDGES for part in ("--port", str(scanner(self.stage, edge)))]
        pace = ("--rate", str(rate), "--seconds", str(seconds))
        running = self._simulate("scan-pos", "scans.jsonl", *ports, *pace)
        self.scans.append(running)
        return running

    def add_edges(self, *, broker_port: int | None = None) -> list[Part]:
        """Start the edge agents."""
        return [self.stage.add(edge_service(self.stage, edge, broker_port=broker_port)) for edge in EDGES]

    def drain(self, *, within_s: float) -> float:
        """Wait until the edges' outboxes wait for nothing; give the seconds it took."""
        return wait_until(
            lambda: all(waiting_rows(self.stage, edge) == 0 for edge in EDGES),
            within_s=within_s,
            what="the ledger acknowledges everything in the outboxes",
        )

    def check(self) -> None:
        """Demand that nothing is lost, doubled or wrong, by the truth and by `dockledger verify`."""
        dsn = self.stage.dsn("dockledger_migrator")
        for running in self.streams:
            found = compare(dsn, Truth.read(running.truth_path))
            assert found.is_clean, found
        for running in self.scans:
            found = compare_scans(dsn, running.truth_path, [edge.name for edge in EDGES])
            assert found.is_clean, found
        done = self.stage.run("verify", "--json")
        breached = [check for check in json.loads(done.stdout)["checks"] if check["breaches"]]
        assert (done.returncode, breached) == (0, []), done.stderr

    def _simulate(self, name: str, truth: str, *arguments: str) -> Simulation:
        truth_path = self.directory / truth
        process = subprocess.Popen(
            (command("warehouse-sim"), name, "--truth", str(truth_path), *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._owned.callback(process.communicate)
        self._owned.callback(process.kill)
        return Simulation(process, truth_path)


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Callable[..., System]]:
    """Give a function that starts a system; it ends with the test."""
    with ExitStack() as owned:

        def start(**options: Any) -> System:
            directory = tmp_path / "stage"
            owned.callback(erase, directory)
            stage = Stage(directory, SIMULATED + EDGES, postgres_options=FAST_DATABASE, **options)
            owned.enter_context(stage)
            return System(stage, tmp_path, owned, [], [])

        yield start
