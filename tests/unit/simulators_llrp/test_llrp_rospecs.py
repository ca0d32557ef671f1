"""Stories of ROSpecs: what starts and stops them, what their antennas hear, in what order it is told."""

from collections.abc import Iterable

import pytest

from simulators.llrp_reader.element import Element, LlrpError, element
from simulators.llrp_reader.models import GENERIC, IMPINJ
from simulators.llrp_reader.rospecs import ALL, Ended, Found, Happening, PartEnded, RoSpecs, Started
from simulators.llrp_reader.vocabulary import ROSpecState, StatusCode
from tests.unit.simulators_llrp.specs import (
    IMMEDIATELY,
    MS,
    T0,
    after_ms,
    every,
    gpi_trigger,
    inventory,
    inventory_for_ms,
    inventory_of_tags,
    on_gpi,
    rospec,
    tag,
)


def story(happenings: Iterable[Happening]) -> list[str]:
    """Tell happenings in words."""
    words = []
    for each in happenings:
        number = each.spec.number("ROSpecID")
        match each:
            case Started():
                words.append(f"{number} starts")
            case Ended(preempting=0):
                words.append(f"{number} ends")
            case Ended():
                words.append(f"{number} gives way to {each.preempting}")
            case PartEnded():
                words.append(f"{number} part {each.index} ends")
            case Found():
                antennas = "".join(str(seen.antenna) for seen in each.observations)
                words.append(f"{number} part {each.origin.spec_index} hears {antennas}")
    return words


def reader_with(*specs: Element, enabled: bool = True) -> RoSpecs:
    rospecs = RoSpecs(GENERIC)
    for spec in specs:
        rospecs.add(spec)
    if enabled:
        assert story(rospecs.enable(ALL, T0)) == []
    return rospecs


def test_a_rospec_hears_nothing_before_it_runs_and_after() -> None:
    rospecs = reader_with(rospec(), enabled=False)
    assert story(rospecs.observe([tag()], T0)) == []
    assert story(rospecs.enable(1, T0)) == []
    assert story(rospecs.observe([tag()], T0)) == []
    assert story(rospecs.start(1, T0)) == ["1 starts"]
    assert story(rospecs.observe([tag()], T0)) == ["1 part 1 hears 1"]
    assert story(rospecs.stop(1)) == ["1 part 1 ends", "1 ends"]
    assert story(rospecs.observe([tag()], T0)) == []


def test_an_immediate_rospec_starts_when_it_is_enabled() -> None:
    rospecs = RoSpecs(GENERIC)
    rospecs.add(rospec(start=IMMEDIATELY))
    assert story(rospecs.enable(1, T0)) == ["1 starts"]
    assert rospecs.specs[1].element().number("CurrentState") == ROSpecState.Active


def test_only_the_antennas_of_the_inventory_hear() -> None:
    rospecs = reader_with(rospec(inventory(antennas=(2, 4))))
    list(rospecs.start(1, T0))
    heard = rospecs.observe([tag(antenna_id=each) for each in (1, 2, 3, 4)], T0)
    assert story(heard) == ["1 part 1 hears 24"]


def test_an_immediate_rospec_that_comes_to_its_end_begins_anew() -> None:
    rospecs = RoSpecs(GENERIC)
    rospecs.add(rospec(start=IMMEDIATELY, stop=after_ms(500)))
    assert story(rospecs.enable(1, T0)) == ["1 starts"]
    assert rospecs.due_us() == T0 + 500 * MS
    assert story(rospecs.advance(T0 + 499 * MS)) == []
    assert story(rospecs.advance(T0 + 500 * MS)) == ["1 part 1 ends", "1 ends"]
    assert story(rospecs.advance(T0 + 500 * MS)) == ["1 starts"]


def test_a_stop_on_request_lasts_for_an_immediate_rospec_too() -> None:
    rospecs = RoSpecs(GENERIC)
    rospecs.add(rospec(start=IMMEDIATELY))
    list(rospecs.enable(1, T0))
    assert story(rospecs.stop(1)) == ["1 part 1 ends", "1 ends"]
    assert story(rospecs.advance(T0 + 10_000 * MS)) == []


def test_a_periodic_rospec_starts_again_and_again() -> None:
    rospecs = reader_with(rospec(start=every(1000, offset_ms=200), stop=after_ms(300)))
    told = []
    for millisecond in range(0, 2600, 100):
        told += [f"{millisecond}: {each}" for each in story(rospecs.advance(T0 + millisecond * MS))]
    assert [each for each in told if "part" not in each] == [
        *("200: 1 starts", "500: 1 ends", "1200: 1 starts", "1500: 1 ends", "2200: 1 starts", "2500: 1 ends")
    ]


def test_a_periodic_rospec_without_a_period_starts_once() -> None:
    rospecs = reader_with(rospec(start=every(0, offset_ms=100), stop=after_ms(100)))
    told = [each for step in range(50) for each in story(rospecs.advance(T0 + step * 100 * MS))]
    assert told == ["1 starts", "1 part 1 ends", "1 ends"]


def test_a_beam_starts_a_rospec_and_its_release_stops_it() -> None:
    until_free = element(
        "ROSpecStopTrigger",
        gpi_trigger(2, is_high=False, timeout_ms=5000),
        ROSpecStopTriggerType=2,
        DurationTriggerValue=0,
    )
    rospecs = reader_with(rospec(start=on_gpi(1), stop=until_free))
    assert story(rospecs.gpi(2, is_high=True, now_us=T0)) == []
    assert story(rospecs.gpi(1, is_high=True, now_us=T0)) == ["1 starts"]
    assert story(rospecs.gpi(2, is_high=True, now_us=T0)) == []
    assert story(rospecs.gpi(2, is_high=False, now_us=T0)) == ["1 part 1 ends", "1 ends"]
    assert story(rospecs.gpi(1, is_high=True, now_us=T0)) == ["1 starts"]
    assert story(rospecs.advance(T0 + 5000 * MS)) == ["1 part 1 ends", "1 ends"]


def test_inventories_follow_each_other_and_the_last_ends_the_rospec() -> None:
    rospecs = reader_with(rospec(inventory_for_ms(100, antennas=(1,)), inventory_for_ms(200, antennas=(2,))))
    list(rospecs.start(1, T0))
    both = [tag(antenna_id=1), tag(antenna_id=2)]
    assert story(rospecs.observe(both, T0)) == ["1 part 1 hears 1"]
    assert story(rospecs.advance(T0 + 100 * MS)) == ["1 part 1 ends"]
    assert story(rospecs.observe(both, T0)) == ["1 part 2 hears 2"]
    assert story(rospecs.advance(T0 + 300 * MS)) == ["1 part 2 ends", "1 ends"]


def test_an_inventory_ends_after_the_tags_it_wanted_and_gates_the_carrier() -> None:
    rospecs = reader_with(rospec(inventory_of_tags(3)))
    list(rospecs.start(1, T0))
    told = story(rospecs.observe([tag(number) for number in range(1, 6)], T0))
    assert told == ["1 part 1 hears 111", "1 part 1 ends", "1 ends"]


def test_a_more_urgent_rospec_takes_the_place_of_another() -> None:
    rospecs = reader_with(rospec(number=1, priority=3), rospec(number=2, priority=1))
    list(rospecs.start(1, T0))
    assert story(rospecs.start(2, T0)) == ["1 gives way to 2", "2 starts"]
    with pytest.raises(LlrpError, match="ROSpec 2 runs and goes first"):
        list(rospecs.start(1, T0))


def test_an_immediate_rospec_waits_for_one_as_urgent_and_begins_when_it_has_ended() -> None:
    rospecs = reader_with(rospec(number=1, stop=after_ms(100)))
    list(rospecs.start(1, T0))
    rospecs.add(rospec(number=2, start=IMMEDIATELY))
    assert story(rospecs.enable(2, T0)) == []
    assert rospecs.due_us() == T0 + 100 * MS
    told = [*story(rospecs.advance(T0 + 100 * MS)), *story(rospecs.advance(T0 + 101 * MS))]
    assert told == ["1 part 1 ends", "1 ends", "2 starts"]


def test_an_immediate_rospec_that_gave_way_comes_back() -> None:
    rospecs = RoSpecs(GENERIC)
    rospecs.add(rospec(number=1, priority=3, start=IMMEDIATELY))
    rospecs.add(rospec(number=2, priority=1, start=on_gpi(1), stop=after_ms(100)))
    assert story(rospecs.enable(ALL, T0)) == ["1 starts"]
    assert story(rospecs.gpi(1, is_high=True, now_us=T0)) == ["1 gives way to 2", "2 starts"]
    told = [*story(rospecs.advance(T0 + 100 * MS)), *story(rospecs.advance(T0 + 101 * MS))]
    assert told == ["2 part 1 ends", "2 ends", "1 starts"]


def test_starts_that_were_missed_are_not_made_up_for() -> None:
    rospecs = reader_with(rospec(start=every(100, offset_ms=100), stop=after_ms(10)))
    assert story(rospecs.advance(T0 + 950 * MS)) == ["1 starts"]
    assert story(rospecs.advance(T0 + 960 * MS))[-1:] == ["1 ends"]
    assert rospecs.due_us() == T0 + 1000 * MS


def test_a_rospec_that_runs_is_not_started_twice() -> None:
    rospecs = reader_with(rospec())
    list(rospecs.start(1, T0))
    assert story(rospecs.start(1, T0)) == []


def test_deleting_a_running_rospec_ends_it() -> None:
    rospecs = reader_with(rospec(number=1), rospec(number=2))
    list(rospecs.start(1, T0))
    assert story(rospecs.delete(ALL)) == ["1 part 1 ends", "1 ends"]
    assert rospecs.specs == {}


def test_disabling_a_running_rospec_ends_it_and_it_cannot_be_started() -> None:
    rospecs = reader_with(rospec())
    list(rospecs.start(1, T0))
    assert story(rospecs.disable(1)) == ["1 part 1 ends", "1 ends"]
    for change in (lambda: rospecs.start(1, T0), lambda: rospecs.stop(1)):
        with pytest.raises(LlrpError, match="is disabled") as caught:
            list(change())
        assert caught.value.status is StatusCode.A_Invalid


def test_a_rospec_that_is_not_there_is_named() -> None:
    rospecs = reader_with(rospec(number=5))
    for change in (rospecs.delete, rospecs.disable, rospecs.stop):
        with pytest.raises(LlrpError, match=r"no ROSpec 6: expected one of \[5\]"):
            list(change(6))


def test_no_more_rospecs_than_the_reader_holds() -> None:
    rospecs = RoSpecs(IMPINJ)
    rospecs.add(rospec(number=1))
    with pytest.raises(LlrpError, match="at most 1") as caught:
        rospecs.add(rospec(number=2))
    assert caught.value.status is StatusCode.M_OverflowParameter
