"""Laws of the filter: a replay repeats, order in a report and the hour say nothing, ten thousand tags fit."""

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.filters.passage import Passage
from edge_agent.filters.portal import PortalFilter
from edge_agent.filters.track import MOST_READS
from edge_agent.readers.raw_read import RawRead, Seen
from tests.unit.filters.radio_stories import (
    INWARD,
    NOON_US,
    OUTWARD,
    TWO_SIDED,
    decide,
    merged,
    two_sided,
)

CAPTURE = merged(
    two_sided(INWARD, seed=1, epc="A1"),
    two_sided(OUTWARD, seed=2, epc="B2", start_us=NOON_US + 2_000_000),
    two_sided([(0.0, 2.0), (30.0, 2.0)], seed=3, epc="C3"),
    two_sided([(0.0, -4.0), (3.5, 0.0), (9.0, 0.0), (12.5, -4.0)], seed=4, epc="D4"),
)


def in_order(passages: list[Passage]) -> list[Passage]:
    return sorted(passages, key=lambda passage: (passage.epc, passage.first_seen_us))


def test_a_capture_replayed_twice_gives_the_same() -> None:
    assert decide(CAPTURE) == decide(CAPTURE)


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 60))
def test_reads_of_one_report_may_stand_in_any_order(rng: random.Random, size: int) -> None:
    door = PortalFilter((TWO_SIDED,))
    decided: list[Passage] = []
    for begin in range(0, len(CAPTURE), size):
        report = CAPTURE[begin : begin + size]
        rng.shuffle(report)
        decided += door.take_many(report)
    assert in_order([*decided, *door.flush()]) == in_order(decide(CAPTURE))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, len(CAPTURE)), max_size=6))
def test_splitting_a_capture_changes_nothing(cuts: list[int]) -> None:
    door = PortalFilter((TWO_SIDED,))
    decided: list[Passage] = []
    begin = 0
    for end in [*sorted(cuts), len(CAPTURE)]:
        decided += door.take_many(CAPTURE[begin:end])
        begin = end
    assert [*decided, *door.flush()] == decide(CAPTURE)


def test_one_at_a_time_gives_what_all_at_once_gives() -> None:
    door = PortalFilter((TWO_SIDED,))
    decided = [passage for seen in CAPTURE for passage in door.take(seen)]
    assert [*decided, *door.flush()] == decide(CAPTURE)


@settings(max_examples=15, deadline=None)
@given(st.integers(-(10**14), 10**14))
def test_another_hour_changes_times_and_nothing_else(shift_us: int) -> None:
    moved: list[Seen] = [seen._replace(seen_us=seen.seen_us + shift_us) for seen in CAPTURE]
    back = [
        replace(
            passage,
            first_seen_us=passage.first_seen_us - shift_us,
            occurred_us=passage.occurred_us - shift_us,
            last_seen_us=passage.last_seen_us - shift_us,
        )
        for passage in decide(moved)
    ]
    assert back == decide(CAPTURE)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.builds(
            RawRead,
            st.integers(NOON_US, NOON_US + 400_000_000),
            st.sampled_from(["r1", "r2"]),
            st.integers(1, 6),
            st.sampled_from(["A1", "B2", "C3"]),
            st.floats(),
        ),
        max_size=120,
    )
)
def test_whatever_readers_say_is_decided_and_stays_within_bounds(reads: list[RawRead]) -> None:
    door = PortalFilter((TWO_SIDED,))
    decided = [passage for read in reads for passage in door.take(read)]
    decided += [*door.advance(NOON_US + 10**9), *door.flush()]
    assert door.tags == 0
    assert door.open_since_us is None
    assert sum(passage.reads for passage in decided) <= len(reads)
    for passage in decided:
        assert 0.0 <= passage.confidence < 1.0
        assert passage.first_seen_us <= passage.occurred_us <= passage.last_seen_us
        assert 1 <= len(passage.trace) <= 64
        assert all(point.after_ms >= 0 and abs(point.rssi_dbm) <= 120 for point in passage.trace)


def test_ten_thousand_tags_at_once_are_held_and_let_go() -> None:
    door = PortalFilter((TWO_SIDED,))
    reads = [
        RawRead(NOON_US + n * 50 + turn * 500_000, "r1", 1 + (n + turn) % 4, f"{n:024X}", -55.0)
        for turn in range(3)
        for n in range(10_000)
    ]
    assert door.take_many(reads) == []
    assert door.tags == 10_000
    assert len(door.advance(NOON_US + 60_000_000)) == 10_000
    assert door.tags == 0


def test_a_tag_read_three_hundred_times_a_second_keeps_a_bounded_number_of_reads() -> None:
    door = PortalFilter((TWO_SIDED,))
    for n in range(30_000):
        door.take(RawRead(NOON_US + n * 3_333, "r1", 1 + n % 4, "A1", -50.0 - n % 7))
    kept = [len(track.reads) for field in door._fields.values() for track in field.open_tracks.values()]
    assert kept
    assert max(kept) <= MOST_READS
