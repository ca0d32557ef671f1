"""Whole systems of shipped processes, and the question whether the ledger equals the simulators' truth."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks.audit import Discrepancies, compare, compare_scans
from benchmarks.edges import Edge, scan_pos
from benchmarks.mayhem import wait_until
from benchmarks.parts import command
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
    edges: list[Edge] = field(default_factory=list)
    streams: list[Simulation] = field(default_factory=list)
    scans: list[Simulation] = field(default_factory=list)

    def stream(self, *, rate: float, seconds: float, broker_url: str = "") -> Simulation:
        """Start simulated gateways: they end when the ledger has acknowledged everything."""
        truth = self.directory / "stream.jsonl"
        length = ("--rate", str(rate), "--seconds", str(seconds), "--truth", str(truth))
        crew = ("--gateways", str(len(SIMULATED)), "--sites", str(SITES))
        url = broker_url or self.stage.gateways_url
        running = self._simulate(
            (command("warehouse-sim"), "movements", "--broker", url, *length, *crew), truth
        )
        self.streams.append(running)
        return running

    def scan(self, *, rate: float, seconds: float) -> Simulation:
        """Start people at the edges' scanners: they end when every scan is answered."""
        truth = self.directory / f"scans-{len(self.scans)}.jsonl"
        running = self._simulate(scan_pos(self.edges, truth, rate=rate, seconds=seconds), truth)
        self.scans.append(running)
        return running

    def add_edges(self, *, broker_port: int | None = None) -> None:
        """Start the edge agents."""
        self.edges += [Edge(self.stage, gateway, gateway.name) for gateway in EDGES]
        for edge in self.edges:
            edge.start(broker_port=broker_port)

    def drain(self, *, within_s: float) -> float:
        """Wait until the edges' outboxes wait for nothing; give the seconds it took."""
        return wait_until(
            lambda: not any(edge.waiting_rows for edge in self.edges),
            within_s=within_s,
            what="the ledger acknowledges everything in the outboxes",
        )

    def unlike_scans(self, *more_gateways: str) -> Discrepancies:
        """Compare what was scanned with what the edges' gateways, and others named, have in the ledger."""
        names = {edge.gateway.name for edge in self.edges} | set(more_gateways)
        dsn = self.stage.dsn("dockledger_migrator")
        return compare_scans(dsn, [running.truth_path for running in self.scans], names)

    def check(self) -> None:
        """Demand that nothing is lost, doubled or wrong, by the truth and by `dockledger verify`."""
        for running in self.streams:
            truth = Truth.read(running.truth_path)
            found = compare(self.stage.dsn("dockledger_migrator"), truth)
            assert found.is_clean, found
        assert (found := self.unlike_scans()).is_clean, found
        self.verify()

    def verify(self) -> None:
        """Demand that `dockledger verify` finds no breach."""
        done = self.stage.run("verify", "--json")
        breached = [check for check in json.loads(done.stdout)["checks"] if check["breaches"]]
        assert not breached, json.dumps(breached)
        assert done.returncode == 0, done.stderr

    def _simulate(self, asked: tuple[str, ...], truth_path: Path) -> Simulation:
        process = subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
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
            return System(stage, tmp_path, owned)

        yield start
