"""A two-sided portal, told as radio stories: who passes, who waits, who stands, who turns back."""

import pytest

from contracts.vocabulary import CrossingDirection
from edge_agent.filters.passage import Passage
from edge_agent.filters.portal import PortalFilter
from edge_agent.readers.raw_read import RawRead
from tests.unit.filters.radio_stories import (
    EPC,
    INWARD,
    NOON_US,
    OUTWARD,
    TWO_SIDED,
    decide,
    merged,
    mirrored,
    told,
    two_sided,
)


@pytest.mark.parametrize("rate_per_s", [8.0, 15.0, 50.0, 300.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_walk_in_is_in_and_a_walk_out_is_out(rate_per_s: float, seed: int) -> None:
    assert told(two_sided(INWARD, rate_per_s=rate_per_s, seed=seed)) == ["in"]
    assert told(two_sided(OUTWARD, rate_per_s=rate_per_s, seed=seed)) == ["out"]


def test_a_plain_walk_is_sure_enough_to_post() -> None:
    [passage] = decide(two_sided(INWARD))
    assert passage.confidence >= 0.95
    assert passage.epc == EPC
    assert abs(passage.occurred_us - (NOON_US + 3_500_000)) < 600_000
    assert passage.first_seen_us < passage.occurred_us < passage.last_seen_us


@pytest.mark.parametrize("rate_per_s", [3.0, 4.0])
def test_at_three_reads_a_second_no_walk_is_told_the_wrong_way(rate_per_s: float) -> None:
    directions = [told(two_sided(INWARD, rate_per_s=rate_per_s, seed=seed))[0] for seed in range(40)]
    assert "out" not in directions
    assert directions.count("in") >= 28


@pytest.mark.parametrize("y", [-3.0, -1.2, 1.2, 3.0])
@pytest.mark.parametrize("rate_per_s", [5.0, 30.0])
def test_a_tag_that_only_stands_near_the_door_is_a_stray(y: float, rate_per_s: float) -> None:
    way = [(0.0, y), (12.0, y)]
    assert set(told(two_sided(way, rate_per_s=rate_per_s))) == {"stray"}


def test_a_pallet_that_waits_in_the_doorway_and_goes_on_has_crossed_once() -> None:
    way = [(0.0, -4.0), (3.5, 0.0), (12.0, 0.0), (15.5, 4.0)]
    assert told(two_sided(way)) == ["in"]


def test_a_pallet_that_waits_in_the_doorway_and_reverses_has_not_crossed() -> None:
    way = [(0.0, -4.0), (3.5, 0.0), (9.0, 0.0), (12.5, -4.0)]
    assert told(two_sided(way)) == ["stray"]
    assert told(two_sided(mirrored(way))) == ["stray"]


def test_what_crosses_and_stays_in_the_field_gets_its_crossing_while_it_stands_and_no_second_one() -> None:
    way = [(0.0, -4.0), (7.0, 2.5), (120.0, 2.5)]
    reads = two_sided(way)
    door = PortalFilter((TWO_SIDED,))
    decided = [(passage, read.seen_us) for read in reads for passage in door.take(read)]
    assert [str(passage.direction) for passage, _ in decided] == ["in"]
    assert decided[0][1] < NOON_US + 40_000_000
    assert door.flush() == []


def test_what_stands_outside_for_a_minute_and_then_comes_in_is_told_as_both() -> None:
    way = [(0.0, -2.5), (60.0, -2.5), (66.0, 4.0)]
    assert told(two_sided(way)) == ["stray", "in"]


def test_a_tag_that_stays_all_day_is_told_once_and_costs_a_bounded_memory() -> None:
    door = PortalFilter((TWO_SIDED,))
    told_so_far = []
    for hour in range(3):
        reads = two_sided(
            [(0.0, 2.0), (3600.0, 2.0)], rate_per_s=2.0, start_us=NOON_US + hour * 3_600_000_000
        )
        told_so_far += door.take_many(reads)
    assert {str(passage.direction) for passage in told_so_far} == {"stray"}
    assert len(told_so_far) <= 3  # the reads of the first half minute may have a gap
    assert door.open_since_us is not None
    assert NOON_US + 3 * 3_600_000_000 - door.open_since_us < 12_000_000


def test_the_way_back_is_the_same_way_mirrored() -> None:
    for way in (INWARD, [(0.0, -4.0), (3.0, -0.5), (8.0, -0.5), (12.0, 4.0)]):
        [one], [other] = decide(two_sided(way)), decide(two_sided(mirrored(way)))
        assert {one.direction, other.direction} == {CrossingDirection.IN, CrossingDirection.OUT}


def test_a_label_that_is_hardly_read_goes_where_its_pallet_goes() -> None:
    cases = [two_sided(INWARD, seed=n, epc=f"3034257BF7194E40{n:08X}") for n in range(12)]
    label = two_sided(INWARD, seed=99, rate_per_s=3.0, loss_db=15.0)
    together = [passage for passage in decide(merged(label, *cases)) if passage.epc == EPC]
    assert [str(passage.direction) for passage in together] == ["in"]


def test_one_read_is_no_crossing() -> None:
    assert told([RawRead(NOON_US, "r1", 1, EPC, -40.0)]) == ["stray"]


def test_reads_without_rssi_are_weak_reads() -> None:
    reads = [
        read._replace(rssi_dbm=float("nan") if n % 3 == 0 else read.rssi_dbm)
        for n, read in enumerate(two_sided(INWARD))
        if isinstance(read, RawRead)
    ]
    [passage] = decide(reads)
    assert passage.direction is CrossingDirection.IN
    assert all(point.rssi_dbm == point.rssi_dbm for point in passage.trace)


def test_reads_all_at_one_instant_have_no_order() -> None:
    reads = [RawRead(NOON_US, "r1", antenna, EPC, -40.0) for antenna in (1, 2, 3, 4) for _ in range(10)]
    assert told(reads) == ["stray"]


def test_two_walks_a_minute_apart_are_two_crossings() -> None:
    back = two_sided(OUTWARD, start_us=NOON_US + 60_000_000)
    assert told([*two_sided(INWARD), *back]) == ["in", "out"]


def test_a_clock_that_steps_back_decides_what_is_open_and_goes_on() -> None:
    later, earlier = two_sided(INWARD), two_sided(OUTWARD, start_us=NOON_US - 3_600_000_000)
    door = PortalFilter((TWO_SIDED,))
    decided = [*door.take_many(later), *door.take_many(earlier), *door.flush()]
    assert [str(passage.direction) for passage in decided] == ["in", "out"]


@pytest.mark.parametrize("late_s", [3, 8, 14, 25])
def test_a_report_that_was_held_up_is_no_stepped_clock(late_s: int) -> None:
    story = two_sided(INWARD)
    [as_usual] = decide(story)
    door, decided = PortalFilter((TWO_SIDED,)), list[Passage]()
    cut = NOON_US + 2_500_000  # nothing comes from here on, and all at once afterwards
    decided += door.take_many(read for read in story if read.seen_us < cut)
    decided += door.advance(cut + late_s * 1_000_000)
    decided += door.take_many(read for read in story if read.seen_us >= cut)
    decided += door.flush()
    assert decided[-1].direction is as_usual.direction
    assert {each.direction for each in decided[:-1]} <= {CrossingDirection.STRAY, CrossingDirection.UNDECIDED}


def test_a_late_report_of_one_reader_cuts_no_visit_at_another() -> None:
    portal = TWO_SIDED.model_copy(update={"outside": ("r1:3", "r1:4", "r2:1")})
    late = [
        RawRead(read.seen_us - 12_000_000, "r2", 1, "77" * 12, -70.0)
        for read in two_sided(INWARD)
        if isinstance(read, RawRead) and read.antenna == 1
    ]
    [as_usual] = decide(two_sided(INWARD))
    door, decided = PortalFilter((portal,)), list[Passage]()
    for read in sorted(
        [*two_sided(INWARD), *late], key=lambda read: read.seen_us + 12_000_000 * (read.reader == "r2")
    ):
        decided += door.take(read)
    decided += door.flush()
    assert [each for each in decided if each.epc == as_usual.epc] == [as_usual]


def test_an_antenna_of_no_portal_is_counted_and_decides_nothing() -> None:
    door = PortalFilter((TWO_SIDED,))
    assert door.take(RawRead(NOON_US, "r9", 1, EPC, -40.0)) == []
    assert (door.reads, door.elsewhere, door.tags, door.flush()) == (1, 1, 0, [])
