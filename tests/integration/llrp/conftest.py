"""Real connections between the adapter and the LLRP simulator, which has a codec of its own."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from edge_agent.readers.backoff import Backoff
from edge_agent.readers.llrp.listener import ReaderState
from edge_agent.readers.llrp.reader import LlrpReader, Timing
from edge_agent.readers.llrp.settings import ReaderSettings
from edge_agent.readers.raw_read import GpiChange, RawRead, Seen
from simulators.llrp_reader.models import GENERIC, ReaderModel
from simulators.llrp_reader.report import Observation
from simulators.llrp_reader.server import LlrpReaderServer
from tests.patience import PATIENCE_S

SOON = Backoff(first_s=0.01, longest_s=0.1)
FAST = Timing(SOON, answer_s=2.0)
LIVELY = Timing(SOON, answer_s=2.0, keepalive_s=0.25)


@dataclass
class Heard:
    """A listener that remembers, and can be waited for."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    words: list[str] = field(default_factory=list)
    batches: list[list[Seen]] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    may_go_on: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.may_go_on.set()

    def connected(self) -> None:
        self._note("connected")

    def seen(self, batch: list[Seen]) -> None:
        with self.changed:
            self.batches.append(batch)
        self._note("seen")
        self.may_go_on.wait()

    def silent(self) -> None:
        self._note("silent")

    def disconnected(self) -> None:
        self._note("disconnected")

    def _note(self, word: str) -> None:
        with self.changed:
            self.threads.add(threading.current_thread().name)
            self.words.append(word)
            self.changed.notify_all()

    @property
    def all(self) -> list[Seen]:
        return [seen for batch in list(self.batches) for seen in batch]

    @property
    def reads(self) -> list[RawRead]:
        return [seen for seen in self.all if isinstance(seen, RawRead)]

    @property
    def epcs(self) -> list[str]:
        return [read.epc for read in self.reads]

    @property
    def levels(self) -> list[tuple[int, bool]]:
        return [(seen.port, seen.is_high) for seen in self.all if isinstance(seen, GpiChange)]

    def wait(self, is_so: Callable[[], Any], patience_s: float = PATIENCE_S) -> None:
        with self.changed:
            assert self.changed.wait_for(is_so, patience_s), f"heard {self.words[-5:]}, {len(self.all)} seen"


class Dock:
    """A simulated reader and the adapter that reads it."""

    def __init__(self, model: ReaderModel) -> None:
        self.server = LlrpReaderServer(model=model)
        self.heard = Heard()
        self._serials = count(1)
        self._reader: LlrpReader | None = None

    @property
    def reader(self) -> LlrpReader:
        assert self._reader is not None
        return self._reader

    def read(
        self, timing: Timing = FAST, address: tuple[str, int] | None = None, **settings: Any
    ) -> LlrpReader:
        """Start the adapter, without waiting."""
        host, port = address or self.server.address
        chosen = ReaderSettings(id="r1", host=host, port=port, **settings)
        self._reader = LlrpReader(chosen, self.heard, timing=timing)
        self._reader.start()
        return self._reader

    def open(self, timing: Timing = FAST, **settings: Any) -> LlrpReader:
        """Start the adapter and wait until it reads."""
        reader = self.read(timing, **settings)
        self.wait_until_read()
        return reader

    def wait_until_read(self, times: int = 1) -> None:
        """Wait until the adapter has opened so many sessions and the reader works for the last one."""
        self.heard.wait(lambda: self.heard.words.count("connected") >= times)
        assert self.server.wait_for(lambda: self.server.is_reporting, PATIENCE_S)

    def show(self, tags: int = 1, antenna: int = 1, later_us: int = 0) -> list[str]:
        """Let tags that were never there before be seen; give their EPCs."""
        now_us = time.time_ns() // 1000 + later_us
        epcs = [b"\x30" + next(self._serials).to_bytes(11, "big") for _ in range(tags)]
        self.server.report([Observation(now_us, antenna, epc, 96, -60.0) for epc in epcs])
        return [epc.hex().upper() for epc in epcs]

    def expect(self, epcs: list[str], patience_s: float = PATIENCE_S) -> None:
        """Wait until all these tags were heard."""
        self.heard.wait(lambda: set(epcs) <= set(self.heard.epcs), patience_s)

    def wait_for_state(self, state: ReaderState, patience_s: float = PATIENCE_S) -> None:
        until_s = time.monotonic() + patience_s
        while self.reader.counters.state is not state:
            assert time.monotonic() < until_s, f"{self.reader.counters}"
            time.sleep(0.01)

    def close(self) -> None:
        self.heard.may_go_on.set()
        if self._reader is not None:
            self._reader.stop()
        self.server.stop()


@pytest.fixture
def docks() -> Iterator[Callable[[ReaderModel], Dock]]:
    """Make docks with readers of a make, which are all closed at the end."""
    made: list[Dock] = []

    def make(model: ReaderModel = GENERIC) -> Dock:
        made.append(Dock(model))
        made[-1].server.start()
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def dock(docks: Callable[[ReaderModel], Dock]) -> Dock:
    """A dock with a generic reader."""
    return docks(GENERIC)
