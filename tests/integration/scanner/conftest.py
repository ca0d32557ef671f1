"""Scanners on real pseudo-terminals, read by the real adapter into a real outbox file."""

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contracts.batch import BATCH
from contracts.offline import Badge
from contracts.records import Movement, Record, RowRef, WorkflowEvent
from edge_agent.clock import Clock
from edge_agent.outbox.domain import Cursor, Lane
from edge_agent.outbox.draft import Draft
from edge_agent.outbox.outbox import Outbox, OutboxOptions
from edge_agent.readers.profile import load_profile
from edge_agent.readers.serial_port import SerialScanner
from edge_agent.workflows.engine import Engine
from edge_agent.workflows.session import Session
from edge_agent.workflows.site import WorkflowSettings
from simulators.scanner.device import LineStyle, PtyScanner
from tests.patience import PATIENCE_S

SITE = WorkflowSettings(
    item_pattern="[0-9]{5}[A-Za-z]{0,2}|DCGS[0-9A-Z]+|PADS",
    location_pattern="[A-Z]-[0-9]{2}",
    staging="STAGING",
    returns="RETURNS",
    badges=(
        Badge(
            badge_sha256=hashlib.sha256(b"demo-operator").hexdigest(),
            actor="demo-operator",
            roles=("operator",),
        ),
    ),
)


@dataclass(frozen=True)
class OutboxJournal:
    """The least that a session needs of an outbox."""

    outbox: Outbox

    def commit(self, device: str, state: bytes, drafts: tuple[Draft, ...]) -> tuple[RowRef, ...]:
        return self.outbox.append(drafts, (device, state)).refs("gw")

    def recall(self, device: str) -> bytes | None:
        return self.outbox.recall(device)


class Gateway:
    """An outbox and the scanners that write into it: an agent without its publisher."""

    def __init__(self, directory: Path) -> None:
        self.clock = Clock(is_synchronised=lambda: True)
        self.outbox = Outbox(OutboxOptions(directory / "outbox.db", "site", "gw", "test"), self.clock)
        self.scanners: list[SerialScanner] = []
        self.tally: Counter[str] = Counter()

    def attach(self, scanner_id: str, port: str, profile_name: str = "generic_terminal") -> SerialScanner:
        profile = load_profile(profile_name)
        journal = OutboxJournal(self.outbox)
        session = Session(Engine(scanner_id, SITE), profile, journal, self.clock, self.tally)
        scanner = SerialScanner(scanner_id, port, profile, session)
        scanner.start()
        self.scanners.append(scanner)
        return scanner

    def records(self) -> list[Record]:
        """What waits to be sent: what an agent that ended left behind, then what came since."""
        found: list[Record] = []
        for lane in (Lane.BACKLOG, Lane.LIVE):
            cursor = Cursor()
            while (batch := self.outbox.next_batch(lane, cursor)) is not None:
                found.extend(BATCH.validate_json(batch.body).records)
                cursor = batch.cursor
        return found

    def movements(self) -> list[Movement]:
        return [record for record in self.records() if isinstance(record, Movement)]

    def events(self) -> list[tuple[str, str | None]]:
        return [(event.step, event.outcome) for event in self.records() if isinstance(event, WorkflowEvent)]

    def close(self) -> None:
        for scanner in self.scanners:
            scanner.stop()
        self.outbox.close()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that is closed at the end, whatever happened."""
    made = Gateway(tmp_path)
    yield made
    made.close()


@pytest.fixture
def new_gateway(tmp_path: Path) -> Iterator[Callable[[], Gateway]]:
    """Opens what another process left behind."""
    made: list[Gateway] = []

    def make() -> Gateway:
        made.append(Gateway(tmp_path))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def new_device(tmp_path: Path) -> Iterator[Callable[..., PtyScanner]]:
    """Makes devices that are unplugged at the end."""
    made: list[PtyScanner] = []

    def make(profile: str = "generic_terminal", name: str = "scanner") -> PtyScanner:
        device = PtyScanner(tmp_path / name, LineStyle.of_profile(profile))
        made.append(device)
        return device

    yield make
    for device in made:
        device.unplug()


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """Waits, without a fixed sleep, until something is true; fails after 20 seconds."""

    def wait(condition: Callable[[], Any]) -> Any:
        give_up_s = time.monotonic() + PATIENCE_S
        pause = threading.Event()
        while not (found := condition()):
            assert time.monotonic() < give_up_s, f"not within {PATIENCE_S} s"
            pause.wait(0.005)
        return found

    return wait


@pytest.fixture
def open_descriptors() -> Callable[[], int]:
    """Counts this process's descriptors."""
    return lambda: len(list(Path("/proc/self/fd").iterdir()))
