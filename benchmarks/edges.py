"""Edge agents of a stage, each with one scanner on a pseudo-terminal."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from benchmarks.parts import Part, command
from benchmarks.stage import Gateway, Stage
from cloud.local.process import Service
from edge_agent.outbox.inspect import inspect

_AGENT: Final = """\
site = "{site}"
gateway = "{gateway}"
broker_url = "{url}"
outbox = "outbox.db"
clock = "assumed"

[[scanner]]
id = "{gateway}-scanner"
port = "{port}"
profile = "generic_terminal"

"""


@dataclass(frozen=True, slots=True)
class Edge:
    """One agent: its directory holds settings, outbox and the path of its scanner."""

    stage: Stage
    gateway: Gateway
    name: str
    """Of its directory and its part; two agents of one gateway are clones."""

    @property
    def directory(self) -> Path:
        """Where it keeps everything."""
        return self.stage.directory / self.name

    @property
    def scanner(self) -> Path:
        """Where it looks for its scanner, and a simulator plugs one in."""
        return self.directory / "scanner"

    @property
    def waiting_rows(self) -> int:
        """Rows that the ledger has not acknowledged, counted in this process.

        A run of `edge-agent outbox status` for each look would take more than all that is looked at.
        """
        outbox = inspect(self.directory / "outbox.db")
        unanswered = sum(total.rows for total in outbox.totals if total.state == "unacked")
        return outbox.unsealed_rows + unanswered

    def start(self, *, broker_port: int | None = None, more: str = "", code: Path | None = None) -> Part:
        """Write its settings and start it.

        Args:
            broker_port: Of a proxy in between; by default the broker's own.
            more: Further lines of its settings.
            code: A checkout whose agent runs; by default this one's.

        Returns:
            The running part, under its name in the stage.
        """
        self.directory.mkdir(exist_ok=True)
        url = self.stage.gateways_url.replace("{gateway}", self.gateway.name)
        if broker_port is not None:
            url = url.replace(f":{self.stage.broker_port}", f":{broker_port}")
        workflow = files("firmware_configs.sites").joinpath("retail_example.toml").read_text("utf-8")
        own = _AGENT.format(site=self.gateway.site, gateway=self.gateway.name, url=url, port=self.scanner)
        self._settings.write_text(more + own + workflow, "utf-8")
        return self.stage.add(
            Service(
                self.name,
                (command("edge-agent"), "run", "--config", str(self._settings)),
                self.stage.directory / "logs" / f"{self.name}.log",
                is_ready=lambda _pid: True,
                environment=None if code is None else os.environ | {"PYTHONPATH": str(code)},
            )
        )

    @property
    def _settings(self) -> Path:
        return self.directory / "agent.toml"


def scan_pos(edges: Iterable[Edge], truth: Path, *, rate: float, seconds: float) -> tuple[str, ...]:
    """Spell the command that lets people scan real transactions at some edges.

    Args:
        edges: At whose scanners.
        truth: The truth file.
        rate: Scans a second, over all.
        seconds: How long.

    Returns:
        Program and arguments.
    """
    ports = (part for edge in edges for part in ("--port", str(edge.scanner)))
    pace = ("--rate", str(rate), "--seconds", str(seconds))
    return (command("warehouse-sim"), "scan-pos", "--truth", str(truth), *ports, *pace)
