"""What a pair of light beams tells of who passed, and which way."""

from edge_agent.filters.doorway import INNER, OUTER, Doorway

SECOND = 1_000_000


def passes(*changes: tuple[float, int, bool]) -> list[tuple[float, float, int]]:
    doorway = Doorway()
    for at_s, beam, is_broken in changes:
        doorway.change(round(at_s * SECOND), beam, is_broken=is_broken)
    return [(each.begin_us / SECOND, each.end_us / SECOND, each.toward) for each in doorway.passes()]


def test_a_pallet_that_fills_both_beams_passes_once_each_way() -> None:
    into = ((1.0, OUTER, True), (1.5, INNER, True), (2.0, OUTER, False), (2.5, INNER, False))
    out = ((9.0, INNER, True), (9.5, OUTER, True), (10.0, INNER, False), (10.5, OUTER, False))
    assert passes(*into, *out) == [(1.0, 2.5, 1), (9.0, 10.5, -1)]


def test_a_slow_cart_shorter_than_the_beams_are_apart_passes_once() -> None:
    cart = ((1.0, OUTER, True), (1.6, OUTER, False), (2.4, INNER, True), (3.0, INNER, False))
    assert passes(*cart) == [(1.0, 3.0, 1)]


def test_who_turns_back_between_the_beams_has_not_passed() -> None:
    assert passes((1.0, OUTER, True), (1.6, OUTER, False), (5.0, INNER, True), (5.4, INNER, False)) == [
        (1.0, 1.6, 0),
        (5.0, 5.4, 0),
    ]


def test_two_who_follow_each_other_are_two() -> None:
    first = ((1.0, OUTER, True), (1.4, INNER, True), (1.8, OUTER, False), (2.2, INNER, False))
    second = ((3.0, OUTER, True), (3.4, INNER, True), (3.8, OUTER, False), (4.2, INNER, False))
    assert passes(*first, *second) == [(1.0, 2.2, 1), (3.0, 4.2, 1)]


def test_the_doorway_is_busy_until_two_seconds_after_the_beams_are_free_but_not_for_ever() -> None:
    doorway = Doorway()
    assert not doorway.is_busy(0)
    doorway.change(10 * SECOND, OUTER, is_broken=True)
    assert doorway.is_busy(60 * SECOND)
    assert not doorway.is_busy(71 * SECOND)
    doorway.change(80 * SECOND, OUTER, is_broken=False)
    assert doorway.is_busy(81 * SECOND)
    assert not doorway.is_busy(83 * SECOND)
