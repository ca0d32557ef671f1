"""A lamp lights for a wrong unit in the doorway, as early as that is sure; for none that is only near."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import pytest

from edge_agent.decode.tag_role import TagRoles, TagRules
from edge_agent.doors.approach import Approach
from edge_agent.doors.lookout import Lookout
from edge_agent.doors.visits import Known
from edge_agent.filters.profile import INSIDE_COLUMN
from edge_agent.filters.site import Portal
from edge_agent.readers.raw_read import GpiChange, RawRead
from tests.unit.doors.conftest import (
    OTHER_PALLET,
    PALLET,
    START,
    START_US,
    assigned,
    line,
    passage,
    portal,
    unit_tag,
    visit,
)

LAMPS = {"wrong_gpo": 2}  # near is -45 dBm
TWO_SIDES = portal(feedback=LAMPS)
BESIDE = portal("dock-2", feedback=LAMPS)
BEAMS = portal(
    kind="one_plane",
    inside=[],
    outside=[],
    antennas=["dock-1-reader:1", "dock-1-reader:2"],
    beams=[1, 2],
    feedback=LAMPS,
)
INSIDE, OUTSIDE = 1, 2
WRONG = unit_tag(OTHER_PALLET)


def lookout(*doors: Portal) -> Lookout:
    """Give doors with a truck each, while another door's truck is to bring ``OTHER_PALLET``."""
    visits = [
        visit(f"V-{each.id}", line("ASN-1", units=[PALLET]), door=each.id, to_at="2026-03-03T08:00:00Z")
        for each in doors
    ]
    there = visit("V-9", line("ASN-9", units=[OTHER_PALLET]), door="dock-9", to_at="2026-03-03T08:00:00Z")
    known = Known.of(assigned(*visits, there))
    return Lookout(doors, TagRoles(TagRules()), lambda _at_us: known)


def read(at_s: float, antenna: int, rssi_dbm: float, door: str = "dock-1", tag: str = WRONG) -> RawRead:
    return RawRead(START_US + round(at_s * 1e6), f"{door}-reader", antenna, tag, rssi_dbm)


def carried(
    *, from_m: float, to_m: float, loudest_dbm: float = -46.0, begin_s: float = 0.0, m_per_s: float = 1.0
) -> list[RawRead]:
    """Carry a unit along the way; metres count inward from the plane, each side hears best at 0.8 m."""
    found, seconds = [], abs(to_m - from_m) / m_per_s
    for n in range(round(seconds * 10)):
        at_m = from_m + (to_m - from_m) * n / (seconds * 10)
        antenna = INSIDE if n % 2 else OUTSIDE
        ahead_m = (at_m if antenna == INSIDE else -at_m) - 0.8
        rssi_dbm = loudest_dbm - 6.0 * abs(ahead_m) - (12.0 if ahead_m < -0.8 else 0.0)
        found.append(read(begin_s + n / 10, antenna, rssi_dbm))
    return found


def lit(watch: Lookout, seen: Iterable[RawRead]) -> list[float]:
    """Tell when lamps are lit, in seconds."""
    return [(each.seen_us - START_US) / 1e6 for each in seen if watch.take(each) is not None]


def test_what_comes_off_a_truck_is_told_before_it_has_passed() -> None:
    (at_s, *_) = lit(lookout(TWO_SIDES), carried(from_m=-6.0, to_m=6.0))
    assert at_s < 6.0, "it passes after 6 s"


def test_what_leaves_the_building_is_told_within_a_second_after_it_has_passed() -> None:
    (at_s, *_) = lit(lookout(TWO_SIDES), carried(from_m=6.0, to_m=-6.0))
    assert 5.0 < at_s < 7.0, "it passes after 6 s, and comes from where others pass or stand"


@pytest.mark.parametrize("loudest_dbm", [-46.0, -41.0])
def test_what_is_brought_near_stands_there_for_minutes_and_is_fetched_is_not_told(
    loudest_dbm: float,
) -> None:
    come = carried(from_m=6.0, to_m=1.2, loudest_dbm=loudest_dbm)
    stood = [
        read(5.0 + n / 10, INSIDE if n % 5 else OUTSIDE, loudest_dbm - (2.4 if n % 5 else 24.0) - n % 3)
        for n in range(1200)
    ]
    gone = carried(from_m=1.2, to_m=6.0, loudest_dbm=loudest_dbm, begin_s=126.0)
    assert lit(lookout(TWO_SIDES), [*come, *stood, *gone]) == []


def test_the_door_that_hears_it_louder_has_it() -> None:
    loud = carried(from_m=-6.0, to_m=6.0)
    faint = [
        each._replace(reader="dock-2-reader", seen_us=each.seen_us + 7, rssi_dbm=each.rssi_dbm - 4.0)
        for each in loud
    ]
    both = sorted([*loud, *faint], key=lambda each: each.seen_us)
    watch = lookout(TWO_SIDES, BESIDE)
    told = {door.id for each in both if (door := watch.take(each)) is not None}
    assert told == {"dock-1"}
    assert lit(lookout(TWO_SIDES, BESIDE), faint), "alone it would be told there"


def test_who_was_told_and_taken_back_is_told_again_when_it_is_brought_again() -> None:
    brought = carried(from_m=-6.0, to_m=-0.5)
    back = carried(from_m=-0.5, to_m=-6.0, begin_s=5.5)
    again = carried(from_m=-6.0, to_m=6.0, begin_s=20.0)
    found = lit(lookout(TWO_SIDES), [*brought, *back, *again])
    assert len(found) == 2
    assert found[0] < 5.5
    assert 25.0 < found[1] < 28.0, "it passes after 26 s"


def test_what_came_while_its_own_truck_was_there_is_told_although_that_left_before_it_had_passed() -> None:
    gone_at = (START + timedelta(seconds=-0.5)).isoformat()
    its_own = visit("V-9", line("ASN-9", units=[OTHER_PALLET]), door="dock-9") | {"to_at": gone_at}
    also_here = visit("V-2", line("ASN-2", units=[OTHER_PALLET]))
    for here, is_told in ((), True), ((also_here,), False):
        known = Known.of(assigned(visit("V-1", line("ASN-1", units=[PALLET])), its_own, *here))
        watch = Lookout((TWO_SIDES,), TagRoles(TagRules()), lambda _at_us, known=known: known)
        assert (watch.take_passage(passage(WRONG)) is not None) is is_told


def changes(*said: tuple[float, int, bool]) -> list[GpiChange]:
    return [
        GpiChange(START_US + round(at_s * 1e6), "dock-1-reader", port, is_broken)
        for at_s, port, is_broken in said
    ]


def lit_with(watch: Lookout, beams: Sequence[GpiChange], seen: Sequence[RawRead]) -> list[float]:
    found = []
    for each in sorted([*beams, *seen], key=lambda each: each.seen_us):
        if isinstance(each, GpiChange):
            watch.change(each)
        elif watch.take(each) is not None:
            found.append((each.seen_us - START_US) / 1e6)
    return found


def test_between_light_beams_it_is_told_while_both_are_broken_and_else_not() -> None:
    seen = [read(n / 10, INSIDE, -50.0) for n in range(40)]
    whole = changes((1.0, 1, True), (1.5, 2, True), (2.5, 1, False), (3.0, 2, False))
    assert lit_with(lookout(BEAMS), whole, seen) == [1.5]
    assert lit_with(lookout(BEAMS), whole[:1], seen) == []
    late = [each._replace(seen_us=each.seen_us + 5_000_000) for each in seen]
    assert lit_with(lookout(BEAMS), whole, late) == [], "somebody else passed, long before"


def test_beams_with_something_leaning_in_them_tell_nothing() -> None:
    leaning = changes((0.0, 1, True), (0.0, 2, True))
    assert lit_with(lookout(BEAMS), leaning, [read(70 + n / 10, INSIDE, -50.0) for n in range(40)]) == []


def test_what_is_read_for_hours_costs_no_more_memory_than_half_a_minute() -> None:
    heard = Approach(2)
    for n in range(100_000):
        heard.add(START_US + n * 100_000, 0, INSIDE_COLUMN, -50.0, 0)
    assert len(heard._cells) == len(heard._strongest) <= 122
