"""A reader that comes and goes: always back in time, nothing left behind, nothing twice, nothing moved."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from contracts.vocabulary import CrossingDirection
from edge_agent.filters.portal import PortalFilter
from edge_agent.filters.site import Portal
from edge_agent.readers.llrp.reader import Timing
from simulators.llrp_reader.report import Observation
from tests.integration.llrp.conftest import LIVELY, Dock

UNHURRIED: Final = Timing(keepalive_s=1.0)
"""Cores that are busy elsewhere for two seconds at a time are not meant: that would be one loss more."""
BACK_S: Final = 15.0
"""What is promised for a reader that is back."""
PARKED: Final = b"\xe2" * 12
PORTAL: Final = Portal(
    id="dock-1",
    kind="two_sided",
    inside=("r1:1", "r1:2"),
    outside=("r1:3", "r1:4"),
    inside_location="STAGE-1",
    outside_location="@clearing/dock-1",
)


def power_goes(dock: Dock) -> None:
    dock.server.stop(is_abrupt=True)
    dock.server.start()


def says_nothing(dock: Dock) -> None:
    words = dock.heard.words.count("disconnected")
    dock.server.faults.silence()
    dock.heard.wait(lambda: dock.heard.words.count("disconnected") > words)
    dock.server.faults.speak()


FLAPS: Final[tuple[Callable[[Dock], None], ...]] = (
    lambda dock: dock.server.faults.reset(),
    lambda dock: dock.server.faults.reset_mid_frame(),
    lambda dock: dock.server.faults.garbage(),
    lambda dock: dock.server.faults.half_close(),
    power_goes,
    says_nothing,
)


def tag_is_parked(dock: Dock, shown: Counter[int]) -> None:
    """Let a tag that stands inside be read by both sides, weaker outside."""
    for antenna, rssi_dbm in ((1, -52.0), (2, -55.0), (3, -71.0)):
        dock.server.report([Observation(time.time_ns() // 1000, antenna, PARKED, 96, rssi_dbm)])
        shown[antenna] += 1


def let_it_flap(dock: Dock, times: int, timing: Timing) -> float:
    """Let a reader come and go; give the longest time until it was read again, in seconds."""
    source = random.Random(times)
    parked, shown = Counter[int](), []
    dock.open(timing)
    shown += dock.show()
    dock.expect(shown)
    descriptors, threads = _descriptors(), _threads()
    longest_s = 0.0
    for flap in range(times):
        tag_is_parked(dock, parked)
        before = dock.show(3)
        dock.expect(before)
        FLAPS[flap % len(FLAPS) if flap < len(FLAPS) else source.randrange(len(FLAPS))](dock)
        began_s = time.monotonic()
        dock.wait_until_read(times=flap + 2)
        longest_s = max(longest_s, time.monotonic() - began_s)
        after = dock.show(3)
        dock.expect(after)
        shown += before + after
    assert dock.reader.counters.lost == times
    assert (_descriptors(), _threads()) == (descriptors, threads)
    dock.reader.stop()  # what follows computes for so long that the simulator's keepalives may starve
    _check(dock, shown, parked)
    return longest_s


def _check(dock: Dock, shown: list[str], parked: Counter[int]) -> None:
    heard = Counter(dock.heard.epcs)
    assert heard.pop(PARKED.hex().upper()) <= parked.total()
    assert heard == Counter(shown)
    words = [word for word in dock.heard.words if word.endswith("connected")]
    assert words[::2] == ["connected"] * len(words[::2])
    assert words[1::2] == ["disconnected"] * len(words[1::2])
    door = PortalFilter((PORTAL,))
    passages = [*door.take_many(sorted(dock.heard.all)), *door.flush()]
    moved = {CrossingDirection.IN, CrossingDirection.OUT}
    assert not [passage for passage in passages if passage.direction in moved]


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _threads() -> list[str]:
    return sorted(
        thread.name for thread in threading.enumerate() if not thread.name.startswith("llrp-reader")
    )


def test_thirty_flaps_leave_nothing_behind_and_lose_nothing_that_was_seen(dock: Dock) -> None:
    assert let_it_flap(dock, 30, LIVELY) <= BACK_S


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_thousand_flaps_do_not_either(dock: Dock) -> None:
    assert let_it_flap(dock, 1000, UNHURRIED) <= BACK_S
