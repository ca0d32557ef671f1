"""A portal with antennas in one plane: beams tell the way; without them only the door's visit could."""

import pytest

from edge_agent.filters.doorway import INNER, OUTER, Doorway
from tests.unit.filters.radio_stories import (
    INWARD,
    NOON_US,
    ONE_PLANE,
    OUTWARD,
    beams,
    decide,
    merged,
    mirrored,
    one_plane,
    told,
)

BLIND = ONE_PLANE.model_copy(update={"beams": ()})


@pytest.mark.parametrize("seed", range(3))
def test_beams_tell_which_way_a_tag_went(seed: int) -> None:
    assert told(merged(one_plane(INWARD, seed=seed), beams(INWARD)), ONE_PLANE) == ["in"]
    assert told(merged(one_plane(OUTWARD, seed=seed), beams(OUTWARD)), ONE_PLANE) == ["out"]


def test_goods_that_come_into_the_beams_and_go_back_have_not_crossed() -> None:
    way = [(0.0, -4.0), (3.5, -0.2), (6.0, -0.2), (9.5, -4.0)]
    assert told(merged(one_plane(way), beams(way)), ONE_PLANE) == ["stray"]
    assert told(merged(one_plane(mirrored(way)), beams(mirrored(way))), ONE_PLANE) == ["stray"]


def test_a_tag_that_stands_aside_while_others_pass_is_a_stray() -> None:
    standing = one_plane([(0.0, 3.0), (20.0, 3.0)])
    assert told(merged(standing, beams(INWARD)), ONE_PLANE) == ["stray"]


@pytest.mark.parametrize("seed", [1, 2])
def test_what_stood_beside_the_beams_and_is_fetched_while_others_pass_did_not_pass(seed: int) -> None:
    passing = beams([(0.0, -4.0), (38.0, -4.0), (43.0, 4.0)])
    fetched = one_plane([(0.0, 0.9), (40.0, 0.9), (43.0, 6.0)], seed=seed)
    assert told(merged(fetched, passing), ONE_PLANE) == ["stray"]


def test_what_was_as_loud_while_it_stood_beside_the_beams_as_when_it_passed_is_not_sure() -> None:
    passing = beams([(0.0, -4.0), (38.0, -4.0), (43.0, 4.0)])
    taken_along = one_plane([(0.0, -0.9), (39.5, -0.9), (40.5, 0.0), (43.0, 5.0)])
    stood, passed = decide(merged(taken_along, passing), ONE_PLANE)
    assert (str(stood.direction), str(passed.direction)) == ("stray", "in")
    assert passed.chances[0] >= 0.95
    assert passed.confidence <= 0.5


def test_what_stood_before_the_beams_and_passes_them_is_told_with_all_that_was_heard_of_it() -> None:
    way = [(0.0, -3.0), (40.0, -3.0), (45.0, 5.0)]
    stood, passed = decide(merged(one_plane(way), beams(way)), ONE_PLANE)
    assert (str(stood.direction), str(passed.direction)) == ("stray", "in")
    assert passed.confidence >= 0.95
    assert passed.first_seen_us < NOON_US + 39_000_000, "nothing of its way is forgotten while it is astir"


def test_a_tag_that_broke_no_beam_is_a_stray() -> None:
    assert told(one_plane(INWARD), ONE_PLANE) == ["stray"]


def test_without_beams_the_direction_is_left_to_the_visit_and_never_sure() -> None:
    [passage] = decide(one_plane(INWARD), BLIND)
    assert str(passage.direction) == "undecided"
    assert passage.is_assignable
    assert 0.5 <= passage.confidence <= 0.80


def test_a_portal_that_may_not_follow_visits_does_not_offer_it() -> None:
    strict = ONE_PLANE.model_copy(update={"direction_from": ("phase", "beams"), "beams": ()})
    [passage] = decide(one_plane(INWARD), strict)
    assert not passage.is_assignable


def test_a_weak_tag_did_not_pass_a_plane() -> None:
    far = [read._replace(rssi_dbm=read.rssi_dbm - 25.0) for read in one_plane(INWARD)]  # type: ignore[union-attr]  # reads only
    assert told(far, BLIND) == ["stray"]


@pytest.mark.parametrize(
    ("order", "toward"),
    [
        ([(OUTER, True), (INNER, True), (OUTER, False), (INNER, False)], 1),
        ([(INNER, True), (OUTER, True), (INNER, False), (OUTER, False)], -1),
        ([(OUTER, True), (INNER, True), (INNER, False), (OUTER, False)], 0),
        ([(OUTER, True), (OUTER, False)], 0),
        ([(OUTER, True), (INNER, True)], 0),
    ],
)
def test_the_first_beam_broken_and_the_last_one_freed_tell_the_way(
    order: list[tuple[int, bool]], toward: int
) -> None:
    doorway = Doorway()
    for n, (beam, is_broken) in enumerate(order):
        doorway.change(n * 400_000, beam, is_broken=is_broken)
    assert [each.toward for each in doorway.passes()] == [toward]


def test_a_gap_in_a_pallet_is_not_the_end_of_it() -> None:
    doorway = Doorway()
    for at_us, beam, is_broken in [
        (0, OUTER, True),
        (300_000, OUTER, False),
        (400_000, OUTER, True),
        (700_000, INNER, True),
        (900_000, OUTER, False),
        (1_500_000, INNER, False),
    ]:
        doorway.change(at_us, beam, is_broken=is_broken)
    assert [each.toward for each in doorway.passes()] == [1]


def test_beams_that_flicker_for_hours_cost_a_bounded_memory() -> None:
    doorway = Doorway()
    for n in range(20_000):
        doorway.change(n * 10_000, OUTER, is_broken=n % 2 == 0)
    assert len(doorway.passes()) <= 512
