"""The doors' own thread: what the outbox refuses is kept, what nobody can keep is counted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from contracts.records import Crossing, RowRef
from edge_agent.clock import Clock
from edge_agent.decode.tag_role import TagRoles, TagRules
from edge_agent.doors import door
from edge_agent.doors.assignments import Assignments
from edge_agent.doors.door import Doors
from edge_agent.filters.site import Portal
from edge_agent.outbox.draft import Draft
from edge_agent.outbox.errors import OutboxFullError
from edge_agent.readers.raw_read import RawRead, Seen
from simulators.warehouse.dock import epc
from tests.integration.doors.conftest import until, walk

PORTAL = Portal.model_validate(
    {
        "id": "dock-1",
        "kind": "two_sided",
        "inside": ["r1:1", "r1:2"],
        "outside": ["r1:3", "r1:4"],
        "inside_location": "STAGE-1",
        "outside_location": "@clearing/dock-1",
    }
)


BEGIN_US = 1_772_438_400_000_000


@dataclass
class Watch:
    """A wall clock that goes when it is told to."""

    at_us: int = BEGIN_US

    def clock(self) -> Clock:
        return Clock(wall_ns=lambda: self.at_us * 1000, is_synchronised=lambda: True)


class Shelf:
    """A journal that may be full."""

    def __init__(self) -> None:
        self.is_full = False
        self.refused = 0
        self.kept: list[Draft] = []
        self.state: bytes | None = None

    def commit(self, device: str, state: bytes, drafts: Sequence[Draft]) -> Sequence[RowRef]:
        if self.is_full:
            self.refused += 1
            raise OutboxFullError(f"no room for {len(drafts)} records of {device}")
        self.kept += drafts
        self.state = state
        return ()

    def recall(self, _device: str) -> bytes | None:
        return self.state

    def crossings(self) -> list[Crossing]:
        return [draft.record for draft in self.kept if isinstance(draft.record, Crossing)]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def doors(shelf: Shelf, watch: Watch, tmp_path: Path) -> Iterator[Doors]:
    made = closed_doors(shelf, watch, tmp_path)
    made.start()
    yield made
    made.stop()


def closed_doors(shelf: Shelf, watch: Watch, directory: Path) -> Doors:
    return Doors(
        (PORTAL,),
        TagRoles(TagRules()),
        Assignments(directory / "assignments.json", "leeds"),
        shelf,
        watch.clock(),
        set_gpo=lambda _reader, _port, _on: None,
    )


def pallets(count: int) -> list[Seen]:
    tags = [
        epc.sscc96(body + epc.check_digit(body), 7).hex()
        for body in map("0095060{:010}".format, range(count))
    ]
    return [
        RawRead(seen.at_us, "r1", seen.antenna, seen.epc.hex().upper(), seen.rssi_dbm)
        for seen in walk(tags, begin_us=BEGIN_US)
    ]


def test_what_a_full_outbox_refuses_is_kept_counted_and_stored_later_once(
    doors: Doors, shelf: Shelf, watch: Watch
) -> None:
    shelf.is_full = True
    doors.take(pallets(3))
    watch.at_us += 60_000_000
    until(lambda: shelf.refused > 1, "the outbox refused, and was asked again")
    assert doors.counters.events["crossings_refused"] >= 3
    assert since_us(doors) <= BEGIN_US + 1_000_000
    shelf.is_full = False
    until(lambda: len(shelf.crossings()) == 3, "all crossings are stored")
    until(lambda: since_us(doors) > BEGIN_US + 30_000_000, "nothing is open any more")
    assert doors.counters.events["crossings_posted"] == 3
    assert len({crossing.epc for crossing in shelf.crossings()}) == 3


def test_what_is_kept_for_a_full_outbox_is_bounded_and_the_loss_is_counted(
    doors: Doors, shelf: Shelf, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "MOST_UNSTORED", 4)
    shelf.is_full = True
    doors.take(pallets(5))
    watch.at_us += 60_000_000
    until(lambda: doors.counters.events["crossings_lost"] == 3, "the oldest are given up")
    shelf.is_full = False
    until(lambda: len(shelf.crossings()) == 2, "the others are stored")
    assert doors.counters.events["crossings_posted"] == 2


def test_reads_that_come_faster_than_they_are_taken_are_dropped_and_counted(
    shelf: Shelf, watch: Watch, tmp_path: Path
) -> None:
    idle = closed_doors(shelf, watch, tmp_path)
    batch = pallets(1)[:5]
    for _ in range(door.WAITING_BATCHES + 2):
        idle.take(batch)
    assert idle.counted()["reads_dropped"] == 10


def test_a_clock_that_is_set_by_an_hour_neither_stops_the_doors_nor_moves_what_was_seen(
    doors: Doors, shelf: Shelf, watch: Watch
) -> None:
    doors.take(pallets(1))
    watch.at_us -= 3_600_000_000
    doors.take([read._replace(seen_us=read.seen_us - 3_600_000_000) for read in pallets(2)])
    watch.at_us += 60_000_000
    until(lambda: len(shelf.crossings()) >= 3, "passages before and after are stored")
    assert all(not crossing.clock_ok for crossing in shelf.crossings())


def since_us(doors: Doors) -> float:
    return doors.undecided_since().timestamp() * 1e6
