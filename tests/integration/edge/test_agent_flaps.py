"""The shipped agent before a reader that comes and goes: nothing left behind, nothing moved, back in time."""

import json
import math
import random
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from cloud.local.process import free_port
from simulators.llrp_reader.report import Observation
from simulators.llrp_reader.server import LlrpReaderServer
from tests.conftest import Broker
from tests.integration.edge.scripted_ledger import ScriptedLedger
from tests.integration.edge.test_agent import start, status_of
from tests.patience import PATIENCE_S

FLAPS: Final = 300
BACK_S: Final = 15.0
"""What is promised for a reader that is back."""
MOST_GROWTH_KB: Final = 16 * 1024
SITE: Final = "leeds"
GATEWAY: Final = "gw-1"
PARKED: Final = b"\xe2" * 12
PASSING: Final = bytes.fromhex("3034257BF7194E4000000001")
STANDS: Final = ((1, -52.0), (2, -55.0), (3, -71.0))
"""How loud a tag that stands inside is at which antenna."""
LOOK_S: Final = 0.02
GENERIC: Final = Path(__file__).parents[3] / "firmware_configs" / "readers" / "generic_llrp.toml"


@dataclass
class Door:
    """A running agent, the reader before it, and the ledger behind it."""

    agent: "subprocess.Popen[bytes]"
    reader: LlrpReaderServer
    ledger: ScriptedLedger
    page_port: int
    back_s: list[float] = field(default_factory=list)

    def wait_until(self, is_so: Callable[[], bool], what: str) -> None:
        until_s = time.monotonic() + PATIENCE_S
        while not is_so():
            assert self.agent.poll() is None, "the agent ended"
            assert time.monotonic() < until_s, f"not within {PATIENCE_S} s: {what}"
            time.sleep(LOOK_S)

    @property
    def told(self) -> dict[str, Any]:
        """What the agent's own page tells."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.page_port}/status.json", timeout=10) as answer:
            status: dict[str, Any] = json.loads(answer.read())
        return status

    @property
    def reads(self) -> int:
        return sum(int(each["reads"]) for each in self.told["antennas"])

    def is_open(self) -> bool:
        return [each["state"] for each in self.told["health"]["readers"]] == ["open"]

    def hear(self, observations: list[Observation]) -> None:
        """Let tags be seen until the agent has counted one."""
        before = self.reads
        self.reader.report(observations)
        self.wait_until(lambda: self.reads >= before + len(observations), "reads")

    def stands(self) -> list[Observation]:
        now_us = time.time_ns() // 1000
        return [Observation(now_us, antenna, PARKED, 96, rssi_dbm) for antenna, rssi_dbm in STANDS]

    def flap(self, break_it: Callable[["Door"], None]) -> None:
        """Let the reader go in some way, and wait until it is read again."""
        self.hear(self.stands())
        connections = self.reader.connections
        break_it(self)
        began_s = time.monotonic()
        self.wait_until(lambda: self.reader.connections > connections and self.is_open(), "back and reading")
        self.hear(self.stands())
        self.back_s.append(time.monotonic() - began_s)

    def pass_by(self) -> None:
        """Carry a tag from outside to inside, with the shape of loudness that a door knows."""
        began_us, steps = time.time_ns() // 1000, 120
        seen = [
            Observation(
                began_us + step * 25_000,
                antenna,
                PASSING,
                96,
                -45 - 80 * (step / steps - (0.65 if antenna <= 2 else 0.35)) ** 2 - 2 * math.sin(step),
            )
            for step in range(steps)
            for antenna in (1, 2, 3, 4)
        ]
        patience = threading.Event()
        for first in range(0, len(seen), 4):  # as they happen
            patience.wait(max(0, seen[first].at_us - time.time_ns() // 1000) / 1e6)
            self.reader.report(seen[first : first + 4])

    def ways(self) -> list[str]:
        """Give which way tags went, as the ledger has it; what stands or is undecided moved nowhere."""
        return [
            str(record.direction)
            for _, record in self.ledger.books.records()
            if record.kind == "crossing" and record.direction in {"in", "out"}
        ]

    def movements(self) -> int:
        return sum(record.kind == "movement" for _, record in self.ledger.books.records())

    def held(self) -> tuple[int, int]:
        """Count descriptors and threads of the agent."""
        descriptors = sum(1 for _ in Path(f"/proc/{self.agent.pid}/fd").iterdir())
        return descriptors, int(status_of(self.agent.pid)["Threads"])

    def resident_kb(self) -> int:
        return int(status_of(self.agent.pid)["VmRSS"].split()[0])


def says_nothing(door: Door) -> None:
    """Keep the connection and say nothing until the agent's watchdog gives it up."""
    door.reader.faults.silence()
    door.wait_until(lambda: not door.reader.is_connected, "the watchdog closes")
    door.reader.faults.speak()


def goes_away(door: Door) -> None:
    door.reader.stop()
    door.reader.start()


WAYS_TO_GO: Final[tuple[Callable[[Door], None], ...]] = (
    goes_away,
    lambda door: door.reader.faults.reset(),
    lambda door: door.reader.faults.reset_mid_frame(),
    lambda door: door.reader.faults.garbage(),
    lambda door: door.reader.faults.half_close(),
    says_nothing,
)


@pytest.fixture
def door(tmp_path: Path, broker: Broker) -> Iterator[Door]:
    url = broker.admit(SITE, GATEWAY)
    profile, page_port = tmp_path / "lively.toml", free_port()
    with LlrpReaderServer() as reader, closing(ScriptedLedger(broker.url, SITE)) as ledger:
        profile.write_text(f"keepalive_s = 1.0\n{GENERIC.read_text('utf-8')}", "utf-8")
        config = tmp_path / "agent.toml"
        config.write_text(
            f"""\
site = "{SITE}"
gateway = "{GATEWAY}"
broker_url = "{url}"
clock = "assumed"
page_port = {page_port}

[[reader]]
id = "r1"
host = "127.0.0.1"
port = {reader.address[1]}
profile = "{profile}"

[[portal]]
id = "dock-1"
kind = "two_sided"
inside = ["r1:1", "r1:2"]
outside = ["r1:3", "r1:4"]
inside_location = "STAGE-1"
outside_location = "@clearing/dock-1"
"""
        )
        agent = start(config)
        try:
            yield Door(agent, reader, ledger, page_port)
        finally:
            agent.kill()
            agent.wait()


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_three_hundred_flaps_leave_an_agent_as_it_was_and_move_nothing(door: Door) -> None:
    assert door.reader.wait_for(lambda: door.reader.is_reporting, PATIENCE_S)
    door.wait_until(door.is_open, "the first connection")
    source = random.Random(FLAPS)
    ways = [WAYS_TO_GO[flap % len(WAYS_TO_GO)] for flap in range(FLAPS)]
    source.shuffle(ways)
    held, resident_kb = (0, 0), 0
    for flap, way in enumerate(ways):
        door.flap(way)
        if flap == FLAPS // 3:  # imports, caches and the first of each fault are behind it
            held, resident_kb = door.held(), door.resident_kb()
    print(  # noqa: T201  a campaign's figures
        f"{FLAPS} flaps: back within {max(door.back_s):.2f} s; descriptors and threads {held} at a third, "
        f"{door.held()} at the end; {resident_kb} kB, {door.resident_kb()} kB"
    )
    door.wait_until(lambda: door.held() <= held, f"no more than {held} descriptors and threads")
    assert door.resident_kb() - resident_kb < MOST_GROWTH_KB
    assert max(door.back_s) <= BACK_S
    assert (door.ways(), door.movements()) == ([], 0), "nothing moved"
    door.pass_by()
    door.wait_until(lambda: door.ways() == ["in"], "what does move is seen")
    door.agent.send_signal(signal.SIGTERM)
    assert door.agent.wait(20) == 0
