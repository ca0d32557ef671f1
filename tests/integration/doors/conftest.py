"""A whole agent with a simulated reader on a real TCP port; its records are read from its outbox file."""

import contextlib
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from cloud.local.process import free_port
from contracts.gateway import DesiredConfig
from contracts.offline import Assignment
from contracts.records import RECORD, Record
from contracts.topics import Channel
from edge_agent.agent import Agent
from edge_agent.config.settings import load
from edge_agent.outbox.inspect import export
from simulators.llrp_reader.report import Observation
from simulators.llrp_reader.server import LlrpReaderServer
from tests.patience import PATIENCE_S

SITE, GATEWAY = "leeds", "dock-gw"


@dataclass
class Dock:
    """A door's reader and the agent's settings file."""

    directory: Path
    reader: LlrpReaderServer
    page_port: int
    running: list["Running"] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.directory / "agent.toml"

    @property
    def outbox(self) -> Path:
        return self.directory / "outbox.db"

    def write(self, more: str = "") -> None:
        host, port = self.reader.address
        self.config.write_text(
            f"""
site = "{SITE}"
gateway = "{GATEWAY}"
broker_url = "mqtt://nobody:none@127.0.0.1:1"
clock = "assumed"
page_port = {self.page_port}

[[reader]]
id = "r1"
host = "{host}"
port = {port}

[[portal]]
id = "dock-1"
kind = "two_sided"
inside = ["r1:1", "r1:2"]
outside = ["r1:3", "r1:4"]
inside_location = "STAGE-1"
outside_location = "@clearing/dock-1"
feedback = {{ ok_gpo = 1, wrong_gpo = 2, seconds = 0.5 }}

[tags]
foreign_patterns = ['urn:epc:id:sscc:0999999\\..*']
{more}"""
        )

    def start(self) -> "Running":
        started = Running(self)
        self.running.append(started)
        return started

    def page(self) -> dict[str, Any]:
        """Look at the agent's page, as a program."""
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.page_port}/status.json", timeout=PATIENCE_S
        ) as answer:
            said: dict[str, Any] = json.load(answer)
        return said

    def counters(self) -> dict[str, int]:
        found: dict[str, int] = self.page()["health"]["counters"]
        return found

    def play(self, observations: Sequence[Observation]) -> None:
        """Let the reader see things as they happen: a report tells of the last tenth of a second."""
        patience = threading.Event()
        for _, group in groupby(
            sorted(observations, key=lambda seen: seen.at_us), key=lambda seen: seen.at_us // 100_000
        ):
            seen = list(group)
            patience.wait(max(0, seen[-1].at_us - now_us()) / 1e6)
            self.reader.report(seen)

    def records(self) -> list[Record]:
        return [RECORD.validate_json(line) for line in export(self.outbox)] if self.outbox.exists() else []


class Running:
    """An agent that runs in a thread of this process, until it is stopped."""

    def __init__(self, dock: Dock) -> None:
        self.agent = Agent(load(dock.config))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.agent.run, args=(self._stop,), name="agent")
        self._thread.start()

    def assign(self, assignment: Assignment) -> None:
        self.agent._take_message(Channel.ASSIGNMENT, assignment.model_dump_json(by_alias=True).encode())

    def wish(self, settings: dict[str, Any]) -> None:
        wish = DesiredConfig(revision=1, issued_at=datetime.now(UTC), settings=settings)
        self.agent._take_message(Channel.CONFIG_DESIRED, wish.model_dump_json(by_alias=True).encode())

    def complete_until_us(self) -> int:
        complete_until = self.agent._outbox.stats().complete_until
        return int(complete_until.timestamp() * 1_000_000)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def dock(tmp_path: Path) -> Iterator[Dock]:
    with LlrpReaderServer() as reader, contextlib.ExitStack() as stack:
        made = Dock(tmp_path, reader, free_port())
        made.write()
        stack.callback(lambda: [each.stop() for each in made.running])
        yield made


def until(holds: Callable[[], bool], what: str) -> None:
    patience, deadline = threading.Event(), time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_S} s"
        patience.wait(0.05)


def now_us() -> int:
    return time.time_ns() // 1000


def walk(epcs: Sequence[str], *, every: int = 1, begin_us: int | None = None) -> list[Observation]:
    """Walk into the door within 3 s from now: heard coming outside, loud in the doorway, going inside."""
    found = []
    begin_us = now_us() if begin_us is None else begin_us
    for n in range(0, 60, every):
        at_us = begin_us + n * 50_000
        metres = (n - 29.5) / 12
        for epc in epcs:
            found.append(_seen(at_us, 1 + n // every % 2, epc, _heard_dbm(metres)))
            found.append(_seen(at_us + 7, 3 + n // every % 2, epc, _heard_dbm(-metres)))
    return found


def _heard_dbm(ahead_m: float) -> float:
    """Hear a tag so far ahead of an antenna's door: best at 0.8 m, worse behind it."""
    return -38.0 - 9.0 * abs(ahead_m - 0.8) - (6.0 if ahead_m < 0 else 0.0)


def _seen(at_us: int, antenna: int, epc: str, rssi_dbm: float) -> Observation:
    return Observation(at_us, antenna, bytes.fromhex(epc), len(epc) * 4, rssi_dbm)


def assignment(revision: int, visits: Sequence[dict[str, object]]) -> Assignment:
    issued_at = datetime.now(UTC) - timedelta(hours=1)
    return Assignment.model_validate(
        {
            "schema": 1,
            "site": SITE,
            "revision": revision,
            "issued_at": issued_at.isoformat(),
            "door": GATEWAY,
            "visits": visits,
        }
    )


def visit(name: str, door: str, direction: str, units: Sequence[str]) -> dict[str, object]:
    return {
        "visit": name,
        "door": door,
        "direction": direction,
        "from_at": (datetime.now(UTC) - timedelta(hours=1)).isoformat(),
        "clearing_account": f"@clearing/{name}",
        "lines": [{"document": {"type": "asn", "id": f"ASN-{name}", "line": "1"}, "units": list(units)}],
    }
