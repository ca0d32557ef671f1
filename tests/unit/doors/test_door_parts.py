"""Assignments on disk, the early look at wrong units, lamps, and the running count."""

from datetime import timedelta
from pathlib import Path

import pytest

from contracts.records import Gap
from contracts.vocabulary import CrossingDirection, GapCause
from edge_agent.clock import Stamp
from edge_agent.coverage import Coverage, Presence
from edge_agent.decode.tag_role import TagRoles, TagRules
from edge_agent.doors.assignments import MOST_KEPT, Assignments
from edge_agent.doors.lamps import Lamps
from edge_agent.doors.lookout import Lookout
from edge_agent.doors.tally import MOST_VISITS, VisitTally
from edge_agent.doors.visits import Known
from edge_agent.readers.raw_read import RawRead
from tests.unit.doors.conftest import (
    CASE_GTIN,
    OTHER_PALLET,
    PALLET,
    START,
    START_US,
    assigned,
    decided,
    item_tag,
    line,
    passage,
    portal,
    sscc,
    unit_tag,
    visit,
)

HOUR_US = 3_600_000_000


def message(revision: int, hours: float, *visits: dict, **other: object) -> bytes:
    issued_at = (START + timedelta(hours=hours)).isoformat()
    assignment = assigned(*visits, revision=revision, issued_at=issued_at, **other)
    return assignment.model_dump_json(by_alias=True).encode()


def kept(directory: Path) -> Assignments:
    return Assignments(directory / "assignments.json", "leeds")


def test_an_assignment_survives_a_restart(tmp_path: Path) -> None:
    assert kept(tmp_path).take(message(4, 0, visit("V-1")))
    again = kept(tmp_path)
    assert again.revision == 4
    assert [each.visit for each in again.in_force(START_US).open_at("dock-1", START_US)] == ["V-1"]


def test_an_assignment_that_the_disk_refuses_is_in_force_and_stored_later(tmp_path: Path) -> None:
    in_the_way = tmp_path / "assignments.json.new"
    in_the_way.mkdir()
    assignments = kept(tmp_path)
    assert assignments.take(message(4, 0, visit("V-1")))
    assert (assignments.revision, assignments.not_stored, kept(tmp_path).revision) == (4, 1, None)
    in_the_way.rmdir()
    assignments.store()
    assert (assignments.not_stored, kept(tmp_path).revision) == (1, 4)


def test_a_lower_revision_is_refused_and_counted_and_a_repeated_one_is_neither(tmp_path: Path) -> None:
    assignments = kept(tmp_path)
    assert assignments.take(message(4, 0, visit("V-4")))
    assert not assignments.take(message(4, 0, visit("V-4")))
    assert assignments.refused == 0
    assert not assignments.take(message(3, 1, visit("V-3")))
    assert (assignments.refused, assignments.revision) == (1, 4)


def test_what_is_in_force_is_what_was_issued_before_it_happened(tmp_path: Path) -> None:
    assignments = kept(tmp_path)
    for revision in (1, 2, 3):
        assignments.take(message(revision, revision))
    at = [assignments.in_force(START_US + hours * HOUR_US // 2).revision for hours in range(8)]
    assert at == [None, None, 1, 1, 2, 2, 3, 3]


def test_only_so_many_revisions_are_kept(tmp_path: Path) -> None:
    assignments = kept(tmp_path)
    for revision in range(1, MOST_KEPT + 5):
        assignments.take(message(revision, revision))
    assert assignments.in_force(START_US).revision == 5
    assert kept(tmp_path).revision == MOST_KEPT + 4


@pytest.mark.parametrize("payload", [b"", b"{}", b"\xff", b'{"revision": "one"}'])
def test_a_message_that_is_no_assignment_changes_nothing(tmp_path: Path, payload: bytes) -> None:
    assignments = kept(tmp_path)
    assignments.take(message(4, 0))
    assert not assignments.take(payload)
    assert (assignments.unreadable, assignments.revision) == (1, 4)


def test_another_sites_assignment_is_refused(tmp_path: Path) -> None:
    assignments = kept(tmp_path)
    assert not assignments.take(message(4, 0, site="york"))
    assert (assignments.refused, assignments.revision) == (1, None)


def test_a_damaged_file_is_put_aside_and_the_next_message_taken(tmp_path: Path) -> None:
    (tmp_path / "assignments.json").write_bytes(b'{"assignments": [{')
    assignments = kept(tmp_path)
    assert assignments.revision is None
    assert (tmp_path / "assignments.json.damaged").exists()
    assert assignments.take(message(1, 0))


DOOR = portal(feedback={"ok_gpo": 1, "wrong_gpo": 2, "near_dbm": -50})
HERE = visit("V-1", line("ASN-1", units=[PALLET]))
THERE = visit("V-2", line("ASN-2", units=[OTHER_PALLET]), door="dock-2")


def lookout(*visits: dict) -> Lookout:
    known = Known.of(assigned(*visits))
    return Lookout((DOOR,), TagRoles(TagRules()), lambda _at_us: known)


def reads(tag: str, *, rssi_dbm: float = -40, count: int = 3, from_s: float = 0) -> list[RawRead]:
    return [
        RawRead(START_US + round((from_s + n / 10) * 1e6), "dock-1-reader", 1 + n % 2, tag, rssi_dbm)
        for n in range(count)
    ]


def told(watch: Lookout, seen: list[RawRead]) -> list[bool]:
    return [watch.take(read) is DOOR for read in seen]


def test_a_unit_of_another_visit_is_told_at_its_second_read_and_once() -> None:
    assert told(lookout(HERE, THERE), reads(unit_tag(OTHER_PALLET), count=5)) == [False, True, *[False] * 3]


@pytest.mark.parametrize("tag", [unit_tag(PALLET), unit_tag(sscc("09506000000000077")), item_tag()])
def test_expected_unknown_and_item_tags_are_never_told(tag: str) -> None:
    assert not any(told(lookout(HERE, THERE), reads(tag)))


def test_a_unit_of_the_stock_that_no_truck_here_takes_is_told_unless_one_unloads() -> None:
    loading = visit("V-3", line("O-1", units=[PALLET]), direction="outbound")
    seen, expected = reads(unit_tag(OTHER_PALLET)), reads(unit_tag(PALLET))

    def watch(*visits: dict) -> Lookout:
        known = Known.of(assigned(*visits))
        return Lookout(
            (DOOR,), TagRoles(TagRules()), lambda _at_us: known, {PALLET, OTHER_PALLET}.__contains__
        )

    assert told(watch(loading), seen) == [False, True, False]
    assert not any(told(watch(loading), expected))
    assert not any(told(watch(loading, HERE), seen)), "a truck is unloaded here too"
    by_item = visit("V-4", line("O-2", gtin=CASE_GTIN, quantity=4), direction="outbound")
    assert not any(told(watch(loading, by_item), seen)), "it may hold what V-4 takes by the piece"
    assert not any(told(watch(), seen)), "no truck is here"
    assert not any(told(lookout(loading), seen)), "nobody knows it: it may be anybody's"


def test_a_unit_that_only_passes_at_a_distance_is_not_told() -> None:
    assert not any(told(lookout(HERE, THERE), reads(unit_tag(OTHER_PALLET), rssi_dbm=-51, count=50)))


def test_a_unit_that_comes_again_after_a_minute_is_told_again() -> None:
    watch = lookout(HERE, THERE)
    seen = [*reads(unit_tag(OTHER_PALLET)), *reads(unit_tag(OTHER_PALLET), from_s=61)]
    assert told(watch, seen) == [False, True, False, False, True, False]


def test_a_wrong_unit_that_was_hardly_heard_is_told_when_it_has_surely_passed_and_once() -> None:
    watch, other = lookout(HERE, THERE), unit_tag(OTHER_PALLET)
    for unsure in ({"confidence": 0.9}, {"direction": CrossingDirection.STRAY}, {"neighbour": "dock-2"}):
        assert watch.take_passage(passage(other, **unsure)) is None, unsure
    assert watch.take_passage(passage(unit_tag(PALLET))) is None, "it belongs here"
    assert watch.take_passage(passage(item_tag())) is None
    assert watch.take_passage(passage(other)) is DOOR
    assert watch.has_told("dock-1", other, START_US)
    assert watch.take_passage(passage(other)) is None
    assert not any(told(watch, reads(other))), "its late reads do not tell it again"


def test_a_unit_told_at_its_second_read_is_not_told_again_when_it_has_passed() -> None:
    watch = lookout(HERE, THERE)
    assert any(told(watch, reads(unit_tag(OTHER_PALLET))))
    assert watch.take_passage(passage(unit_tag(OTHER_PALLET))) is None


def test_nothing_is_wrong_at_a_door_without_a_visit_or_when_the_other_visit_is_over() -> None:
    assert not any(told(lookout(THERE), reads(unit_tag(OTHER_PALLET))))
    over = THERE | {"to_at": (START - timedelta(minutes=1)).isoformat()}
    assert not any(told(lookout(HERE, over), reads(unit_tag(OTHER_PALLET))))


def test_a_lamp_goes_off_by_itself_and_stays_on_while_it_is_asked_for() -> None:
    switched: list[tuple[str, int, bool]] = []
    lamps = Lamps(lambda reader, port, on: switched.append((reader, port, on)))
    lamps.light("r1:2", 1.0, 10.0)
    lamps.light("r1:2", 1.0, 10.5)
    lamps.tick(11.2)
    assert switched == [("r1", 2, True)]
    lamps.tick(11.5)
    lamps.tick(12.0)
    assert switched == [("r1", 2, True), ("r1", 2, False)]


def test_a_visit_counts_each_declared_unit_once_and_a_restart_forgets_nothing() -> None:
    assignment = assigned(visit("V-1", line("ASN-1", units=[PALLET, OTHER_PALLET])))
    visits = Known.of(assignment).open_at("dock-1", START_US)
    tally = VisitTally.load(None)
    assert [each.text for each in tally.progress(visits)] == ["seen 0 of 2"]
    posted = decided(passage(unit_tag()), assignment)
    held = decided(passage(unit_tag(OTHER_PALLET), CrossingDirection.UNDECIDED), assignment)
    extra = decided(passage(unit_tag(sscc("09506000000000077"))), assignment)
    tally = tally.after([posted, posted, held, extra])
    assert [each.text for each in VisitTally.load(tally.dump()).progress(visits)] == ["seen 1 of 2"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"seen": 3}', b'{"seen": {"V": 3}}', b"\xff"])
def test_a_tally_that_cannot_be_read_begins_anew(body: bytes) -> None:
    assert VisitTally.load(body) == VisitTally({})


def test_the_tally_is_bounded() -> None:
    tally = VisitTally.load(None)
    for n in range(MOST_VISITS + 10):
        assignment = assigned(visit(f"V-{n}", line("ASN-1", units=[PALLET])))
        tally = tally.after([decided(passage(unit_tag()), assignment)])
    assert len(tally.seen) == MOST_VISITS
    assert "V-0" not in tally.seen


def gaps_of(coverage: Coverage, seconds: float, presence: Presence) -> list[Gap]:
    at = Stamp(START + timedelta(seconds=seconds), 0, "boot", clock_ok=True)
    found = coverage.observe(at, is_open={}, is_full=False, clock_gaps=(), readers={"r1": presence})
    return [draft.record for draft in found if isinstance(draft.record, Gap)]


@pytest.mark.parametrize(("is_silent", "cause"), [(True, GapCause.SILENT), (False, GapCause.DOWN)])
def test_a_readers_gap_begins_when_it_was_last_heard_and_keeps_its_cause(
    *, is_silent: bool, cause: GapCause
) -> None:
    coverage = Coverage("gw")
    lost = Presence(is_there=False, last_heard_at=START - timedelta(seconds=7), is_silent=is_silent)
    (opened,) = gaps_of(coverage, 0, lost)
    assert (opened.from_at, opened.to_at, opened.cause) == (START - timedelta(seconds=7), None, cause)
    assert gaps_of(coverage, 5, lost) == []
    (closed,) = gaps_of(coverage, 9, Presence(is_there=True))
    assert (closed.from_at, closed.to_at, closed.cause) == (
        opened.from_at,
        START + timedelta(seconds=9),
        cause,
    )


def test_a_reader_that_is_back_before_a_visit_could_end_left_no_gap() -> None:
    coverage = Coverage("gw")
    assert gaps_of(coverage, 0, Presence(is_there=False, last_heard_at=START)) == []
    assert gaps_of(coverage, 1, Presence(is_there=True)) == []
    assert gaps_of(coverage, 60, Presence(is_there=True)) == []
