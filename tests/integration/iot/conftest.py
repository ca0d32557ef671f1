"""Real connections between the agent's JSON reader and the simulated ones: HTTP both ways, and a broker."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edge_agent.readers.backoff import Backoff
from edge_agent.readers.iot.inbox import HttpInbox
from edge_agent.readers.iot.reader import IotReader
from edge_agent.readers.iot.settings import IotReaderSettings
from edge_agent.readers.raw_read import RawRead, Seen
from simulators.iot_reader.events import MAKES, encode
from simulators.llrp_reader.report import Observation
from tests.patience import PATIENCE_S

PASSWORD = "a-word-for-dock-1"
FAST = Backoff(first_s=0.01, longest_s=0.05)


@dataclass
class Heard:
    """A listener that remembers, and can be waited for."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    words: list[str] = field(default_factory=list)
    all: list[Seen] = field(default_factory=list)

    def connected(self) -> None:
        self._note("connected")

    def seen(self, batch: list[Seen]) -> None:
        self.all += batch
        self._note("seen")

    def silent(self) -> None:
        self._note("silent")

    def disconnected(self) -> None:
        self._note("disconnected")

    def _note(self, word: str) -> None:
        with self.changed:
            self.words.append(word)
            self.changed.notify_all()

    @property
    def epcs(self) -> list[str]:
        return [read.epc for read in self.all if isinstance(read, RawRead)]

    def wait(self, is_so: Callable[[], Any]) -> None:
        with self.changed:
            assert self.changed.wait_for(is_so, PATIENCE_S), f"heard {self.words[-5:]}, {len(self.all)} seen"


@dataclass
class Floor:
    """Readers of a test, which all end with it."""

    folder: Path
    heard: Heard = field(default_factory=Heard)
    readers: list[IotReader] = field(default_factory=list)

    def listen(self, **settings: Any) -> IotReader:
        given = {"id": "r1", "profile": "impinj_r700_iot"} | settings
        reader = IotReader(
            IotReaderSettings(**given), self.heard, quarantine=self.folder, backoff=FAST, tick_s=0.05
        )
        self.readers.append(reader)
        reader.start()
        return reader

    def inbox(self, **settings: Any) -> tuple[IotReader, str]:
        """Let the agent listen; give the address too."""
        given = {"url": "listen://127.0.0.1:0", "password": PASSWORD} | settings
        reader = self.listen(**given)
        wait_for(lambda: isinstance(reader.link, HttpInbox) and reader.link.address[1])
        assert isinstance(reader.link, HttpInbox)
        return reader, f"http://127.0.0.1:{reader.link.address[1]}/"


def wait_for(is_so: Callable[[], Any]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def tag(serial: int, make: str = "impinj", antenna: int = 1) -> bytes:
    """A payload with one tag, seen now."""
    epc = b"\x30" + serial.to_bytes(11, "big")
    return encode([MAKES[make](Observation(time.time_ns() // 1000, antenna, epc, 96, -60.0))])


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    made = Floor(tmp_path)
    yield made
    for reader in made.readers:
        reader.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reader-")]
