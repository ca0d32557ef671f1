"""Goods pass a simulated reader; what the agent stores, lights and says is looked at from outside."""

import tomllib

from contracts.records import Crossing, Gap, UnitPosition
from contracts.vocabulary import CrossingDirection, GapCause
from edge_agent.decode.epc import decode_epc
from simulators.warehouse.dock import epc
from tests.integration.doors.conftest import Dock, assignment, now_us, until, visit, walk
from tests.patience import PATIENCE_S

PALLET, ELSEWHERE = "3174257BF40000000A000000", "3174257BF40000000B000000"
FOREIGN = epc.sscc96("009999990000000019", 7).hex().upper()
SSCC, OTHER_SSCC = (decode_epc(tag).sscc or "" for tag in (PALLET, ELSEWHERE))
VISITS = [
    visit("V-1", "dock-1", "inbound", [SSCC]),
    visit("V-2", "dock-2", "inbound", [OTHER_SSCC]),
]


def positions(dock: Dock) -> list[UnitPosition]:
    return [record for record in dock.records() if isinstance(record, UnitPosition)]


def crossings(dock: Dock) -> list[Crossing]:
    return [record for record in dock.records() if isinstance(record, Crossing)]


def gaps(dock: Dock) -> list[Gap]:
    return [record for record in dock.records() if isinstance(record, Gap)]


def test_a_pallet_that_comes_in_is_one_crossing_and_one_position(dock: Dock) -> None:
    dock.write('[[zone]]\nid = "doorway"\nlocation = "STAGE-1"\nantennas = ["r1:1", "r1:3"]')
    agent = dock.start()
    agent.assign(assignment(1, VISITS))
    until(lambda: dock.reader.is_reporting, "the reader reports")
    dock.play(walk([PALLET, FOREIGN]))
    until(lambda: bool(positions(dock)), "a unit position is stored")
    (position,) = positions(dock)
    (crossing,) = crossings(dock)
    assert (position.unit, position.location, position.from_location) == (SSCC, "STAGE-1", "@clearing/V-1")
    assert position.evidence_id == crossing.evidence_id
    assert (crossing.posted, crossing.because, crossing.visit, crossing.reads) == ("posted", None, "V-1", 120)
    until(lambda: dock.reader.gpo_states[1], "the lamp for a good crossing is on")
    until(lambda: not dock.reader.gpo_states[1], "and off again")
    said = dock.page()
    counters = said["health"]["counters"]
    assert (counters["raw_reads"], counters["dropped_foreign"]) == (240, 120)
    assert counters["crossings_posted"] == 1
    assert [each["reads"] for each in said["antennas"]] == [60, 60, 60, 60]
    assert [each["unit"] for each in said["crossings"]] == [SSCC]
    assert said["zones"] == [{"id": "doorway", "location": "STAGE-1", "tags": 1, "came": 1, "went": 0}]
    assert counters["zone_came_doorway"] == 1, "and the foreign tag is not followed"
    assert said["visits"] == {"dock-1": "V-1: seen 1 of 1"}
    agent.stop()
    for file in dock.directory.iterdir():
        assert FOREIGN.encode() not in file.read_bytes(), f"a foreign tag is kept in {file.name}"


def test_a_wrong_unit_is_told_within_a_second_and_a_tag_that_passes_is_not(dock: Dock) -> None:
    dock.start().assign(assignment(1, VISITS))
    until(lambda: dock.reader.is_reporting, "the reader reports")
    dock.play([read._replace(rssi_dbm=-60) for read in walk([ELSEWHERE])])
    until(lambda: dock.counters()["raw_reads"] == 120, "the tag that passed is read")
    assert not dock.reader.gpo_states[2]
    reads = [read for read in walk([ELSEWHERE]) if read.rssi_dbm > -45][:2]
    began_us = now_us()
    dock.reader.report(reads)
    assert dock.reader.wait_for(lambda: dock.reader.gpo_states[2], PATIENCE_S)
    assert now_us() - began_us < 1_000_000


def test_a_wrong_unit_that_was_never_loud_is_told_when_it_has_crossed(dock: Dock) -> None:
    dock.start().assign(assignment(1, VISITS))
    until(lambda: dock.reader.is_reporting, "the reader reports")
    dock.play([read._replace(rssi_dbm=read.rssi_dbm - 20) for read in walk([ELSEWHERE])])
    assert dock.reader.wait_for(lambda: dock.reader.gpo_states[2], PATIENCE_S)
    until(lambda: bool(crossings(dock)), "its crossing is decided")
    assert [(crossing.epc, crossing.direction) for crossing in crossings(dock)] == [
        (ELSEWHERE, CrossingDirection.IN)
    ]
    assert not dock.reader.gpo_states[1]


def test_a_reader_that_is_unplugged_leaves_a_gap_with_an_end_and_no_phantom(dock: Dock) -> None:
    dock.start()
    until(lambda: dock.reader.is_reporting, "the reader reports")
    dock.play(walk([PALLET])[:60])
    until(lambda: dock.counters()["raw_reads"] == 60, "half of the passage is read")
    dock.reader.stop(is_abrupt=True)
    until(lambda: [gap.to_at for gap in gaps(dock)] == [None], "the gap is noted")
    dock.reader.start()
    until(lambda: len(gaps(dock)) == 2, "the gap has its end")
    opened, closed = gaps(dock)
    assert (opened.gap_device, opened.cause) == ("r1", GapCause.DOWN)
    assert closed.from_at == opened.from_at
    assert closed.to_at is not None
    assert closed.to_at > closed.from_at
    until(lambda: bool(crossings(dock)), "what was seen of the pallet is decided")
    assert {crossing.posted for crossing in crossings(dock)} <= {"evidence", "held"}
    assert not positions(dock)


def test_a_restart_in_the_middle_loses_the_open_visit_says_so_and_keeps_the_assignment(dock: Dock) -> None:
    agent = dock.start()
    agent.assign(assignment(7, VISITS))
    until(lambda: dock.reader.is_reporting, "the reader reports")
    began_us = now_us()
    dock.play(walk([PALLET])[:40])
    until(lambda: dock.counters()["raw_reads"] == 40, "half of the passage is read")
    until(lambda: agent.complete_until_us() < began_us + 1_000_000, "nothing is said to be complete")
    assert agent.complete_until_us() <= began_us + 200_000
    agent.stop()
    assert not crossings(dock)
    dock.start()
    until(lambda: bool(gaps(dock)), "the gap is noted")
    (gap,) = gaps(dock)
    assert (gap.gap_device, gap.cause) == ("dock-gw", GapCause.DOWN)
    assert gap.from_at.timestamp() * 1e6 <= began_us + 200_000
    until(lambda: dock.reader.is_reporting, "the reader reports again")
    dock.play(walk([PALLET]))
    until(lambda: bool(positions(dock)), "the next passage is posted")
    (crossing,) = crossings(dock)
    assert (crossing.visit, crossing.assignment_rev) == ("V-1", 7)


def test_a_wish_from_the_cloud_moves_a_door_without_a_restart(dock: Dock) -> None:
    agent = dock.start()
    until(lambda: dock.reader.is_reporting, "the reader reports")
    portal = tomllib.loads(dock.config.read_text())["portal"][0] | {"inside_location": "STAGE-9"}
    agent.wish({"portal": [portal]})
    until(lambda: bool(gaps(dock)), "the door is opened anew")
    dock.play(walk([PALLET]))
    until(lambda: bool(positions(dock)), "a unit position is stored")
    assert [position.location for position in positions(dock)] == ["STAGE-9"]
    assert [gap.gap_device for gap in gaps(dock)] == ["dock-gw"]
