"""What a decision looks like as records of one transaction."""

from datetime import timedelta

import pytest

from contracts.records import Crossing, Movement, TracePoint, UnitPosition
from contracts.vocabulary import BizStep, CrossingReason
from edge_agent.clock import Stamp
from edge_agent.decode.tag_role import TagRules
from edge_agent.doors.last_crossings import SHOWN, LastCrossings
from edge_agent.doors.posting import Posting
from edge_agent.doors.records import drafts_of, stamp_of
from edge_agent.filters.passage import Passage
from edge_agent.outbox.draft import Draft
from tests.unit.doors.conftest import (
    CASE_GTIN,
    IN,
    ITEM_GTIN,
    OUT,
    PALLET,
    START,
    START_US,
    assigned,
    item_tag,
    line,
    passage,
    portal,
    unit_tag,
    visit,
)

NOW = Stamp(START + timedelta(seconds=10), 77_000_000_000, "boot", clock_ok=True)
DECLARED = assigned(
    visit("V-1", line("ASN-1", units=[PALLET], gtin=CASE_GTIN, quantity=40)),
    visit("V-2", line("SO-1", gtin=CASE_GTIN, quantity=2), direction="outbound"),
)


def recorded(*passages: Passage) -> list[Draft]:
    posting = Posting((portal(),), TagRules(), DECLARED)
    return [draft for each, decision in posting.take(passages) for draft in drafts_of(each, decision, NOW)]


def test_a_pallet_is_a_crossing_and_a_position_with_one_evidence() -> None:
    crossing, position = (draft.record for draft in recorded(passage(unit_tag())))
    assert isinstance(crossing, Crossing)
    assert isinstance(position, UnitPosition)
    assert (position.unit, position.location, position.from_location) == (
        PALLET,
        "STAGE-dock-1",
        "@clearing/V-1",
    )
    assert position.evidence_id == crossing.evidence_id
    for record in (crossing, position):
        assert (record.read_point, record.biz_step, record.confidence) == ("dock-1", BizStep.ARRIVING, 0.9986)
        assert (record.device, record.assignment_rev) == ("dock-1-reader", 3)
        assert [ref.type for ref in record.documents] == ["visit", "asn"]
    assert (crossing.unit, crossing.reads, crossing.trace) == (
        PALLET,
        20,
        (TracePoint(0, 1, -50.0), TracePoint(900, 0, -40.0)),
    )


def test_a_loose_case_that_goes_out_is_a_movement_of_one_case_into_the_visits_account() -> None:
    tag = item_tag()
    crossing, movement = (draft.record for draft in recorded(passage(tag, OUT)))
    assert isinstance(crossing, Crossing)
    assert isinstance(movement, Movement)
    assert (movement.source.location, movement.destination.location) == ("STAGE-dock-1", "@clearing/V-2")
    assert (movement.quantity_seen, movement.unit_seen) == (1, CASE_GTIN)
    assert movement.epcs == (movement.identifier.value,)
    assert movement.biz_step is BizStep.LOADING
    assert crossing.identifier == movement.identifier


def test_what_is_held_says_all_that_an_answer_needs_and_moves_nothing() -> None:
    (draft,) = recorded(passage(unit_tag(), confidence=0.7))
    crossing = draft.record
    assert isinstance(crossing, Crossing)
    assert (crossing.posted, crossing.because, crossing.visit) == (
        "held",
        CrossingReason.LOW_CONFIDENCE,
        "V-1",
    )
    assert (crossing.inside_location, crossing.outside_location) == ("STAGE-dock-1", "@clearing/V-1")
    assert (crossing.unit, crossing.direction) == (PALLET, IN)


def test_times_are_of_the_event_and_not_of_the_decision() -> None:
    (crossing, _) = (draft.record for draft in recorded(passage(unit_tag(), at_s=4)))
    assert crossing.occurred_at_claimed == START + timedelta(seconds=4)
    assert crossing.mono_ns == NOW.mono_ns - 6_000_000_000
    assert (crossing.boot_id, crossing.clock_ok) == ("boot", True)


@pytest.mark.parametrize("seconds", [-100, 0, 100])
def test_a_stamp_never_has_a_negative_clock(seconds: int) -> None:
    stamp = stamp_of(START_US + seconds * 1_000_000, NOW)
    assert stamp.mono_ns == max(0, NOW.mono_ns + (seconds - 10) * 1_000_000_000)


def test_a_tag_inside_a_unit_keeps_a_small_picture() -> None:
    trace = tuple(TracePoint(n, n % 2, -50.0) for n in range(64))
    (draft,) = recorded(passage(item_tag(ITEM_GTIN), trace=trace))
    crossing = draft.record
    assert isinstance(crossing, Crossing)
    assert (crossing.because, len(crossing.trace)) == (CrossingReason.CONTAINED, 8)
    assert (crossing.trace[0].after_ms, crossing.trace[-1].after_ms) == (0, 63)
    assert crossing.antennas == ("dock-1-reader:1", "dock-1-reader:2")


def test_a_pallet_with_forty_cases_and_480_items_is_one_position_and_no_movement() -> None:
    load = [passage(unit_tag())]
    load += [passage(item_tag(CASE_GTIN), at_s=n / 100) for n in range(40)]
    load += [passage(item_tag(ITEM_GTIN), at_s=n / 300) for n in range(480)]
    kinds = [draft.record.kind for draft in recorded(*load)]
    assert kinds.count("crossing") == 521
    assert kinds.count("unit_position") == 1
    assert kinds.count("movement") == 0


def test_evidence_is_named_alike_whenever_it_is_decided_again() -> None:
    tag = unit_tag()
    first, again, other = (recorded(passage(tag, at_s=at_s))[0].record.evidence_id for at_s in (0, 0, 1))
    assert first == again
    assert first != other


def test_a_pallets_pieces_do_not_push_it_out_of_the_last_crossings() -> None:
    last = LastCrossings()
    pallet, *_ = (draft.record for draft in recorded(passage(unit_tag())))
    assert isinstance(pallet, Crossing)
    last.add(pallet)
    for seconds in range(1, SHOWN + 2):
        at = pallet.occurred_at_claimed + timedelta(seconds=seconds)
        last.add(pallet.model_copy(update={"posted": "evidence", "occurred_at_claimed": at}))
    newest, *_, oldest = last.newest_first()
    assert (newest.posted, oldest, len(last.newest_first())) == ("evidence", pallet, SHOWN + 1)
    assert newest.occurred_at_claimed == pallet.occurred_at_claimed + timedelta(seconds=SHOWN + 1)
