"""What a visit still expects, and what is heard of a piece afterwards."""

from dataclasses import replace
from typing import Final

import pytest

from contracts.vocabulary import CrossingDirection, CrossingReason
from edge_agent.decode.tag_role import TagRules
from edge_agent.doors.due import Due
from edge_agent.doors.posting import Posting
from edge_agent.doors.visits import Known
from edge_agent.filters.passage import Passage
from tests.unit.doors.conftest import (
    CASE_GTIN,
    ITEM_GTIN,
    OTHER_GTIN,
    OTHER_PALLET,
    PALLET,
    START_US,
    assigned,
    decided,
    decisions,
    item_tag,
    line,
    passage,
    portal,
    unit_tag,
    visit,
)

ONE: Final = assigned(visit("V-1", line("ASN-1", gtin=CASE_GTIN, quantity=1)))


def seems() -> Passage:
    return passage(item_tag(), reads=60, confidence=0.6)


def test_a_piece_that_is_due_and_gone_needs_less_of_the_radio_than_one_too_many() -> None:
    due = decided(seems(), ONE)
    assert due.posted == "posted"
    assert due.cart is not None
    assert due.cart.words == "one more of it is due, 0 others of the visit crossed with it, not heard again"
    first, second = decisions([passage(item_tag(), reads=60, at_s=-30), seems()], ONE)
    assert (first.posted, second.posted, second.confidence) == ("posted", "held", 0.6)
    assert second.cart is not None
    assert second.cart.words.startswith("no more of it is due")


def test_what_the_door_hears_again_at_once_has_perhaps_not_gone() -> None:
    piece = seems()
    again = replace(
        piece,
        direction=CrossingDirection.STRAY,
        first_seen_us=piece.last_seen_us + 8_000_000,
        last_seen_us=piece.last_seen_us + 9_000_000,
        confidence=0.999,
    )
    for other, posted in ((again, "held"), (replace(again, portal="dock-2"), "posted")):
        posting = Posting([portal(), portal("dock-2")], TagRules(), ONE)
        assert posting.take([piece], settled_us=START_US + 19_000_000) == [], "it may come again"
        told = dict(posting.take([other], settled_us=START_US + 30_000_000))
        assert [each.posted for done, each in told.items() if done == piece] == [posted]


def test_what_stood_in_the_doorway_for_long_needs_more() -> None:
    stood = replace(seems(), first_seen_us=START_US - 10_000_000)
    assert [decided(each, ONE).posted for each in (replace(stood, confidence=0.5), stood)] == [
        "held",
        "posted",
    ]


def test_what_is_due_and_gone_is_not_held_for_what_others_did() -> None:
    others = [passage(item_tag(OTHER_GTIN), CrossingDirection.STRAY, reads=60) for _ in range(2)]
    company = tuple(each.epc for each in others)
    piece = passage(item_tag(), reads=60, company=company)
    told = {each.thing.gtin: each.posted for each in decisions([piece, *others], ONE)}
    assert told[CASE_GTIN] == "posted"
    before = passage(item_tag(), reads=60, at_s=-30)
    one_too_many = decisions([before, piece, *others], ONE)
    assert [(each.posted, each.because) for each in one_too_many if each.thing.gtin == CASE_GTIN] == [
        ("posted", None),
        ("held", CrossingReason.LOW_CONFIDENCE),
    ]


@pytest.mark.parametrize(("awaited", "posted"), [((PALLET,), "posted"), ((PALLET, OTHER_PALLET), "held")])
def test_a_label_that_surely_stayed_goes_with_its_content_only_if_no_other_unit_may_hold_that(
    awaited: tuple[str, ...], posted: str
) -> None:
    known = assigned(visit("V-1", line("ASN-1", units=list(awaited), gtin=CASE_GTIN)))
    cases = [passage(item_tag()) for _ in range(7)]
    label = passage(
        unit_tag(), CrossingDirection.STRAY, confidence=0.98, company=tuple(each.epc for each in cases)
    )
    told = [each for each in decisions([*cases, label], known) if each.thing.unit == PALLET]
    assert [each.posted for each in told] == [posted]


def test_pieces_are_counted_by_visit_item_and_packaging_level() -> None:
    (expects,) = Known.of(ONE).by_door["dock-1"]
    due = Due()
    assert due.is_due(expects, CASE_GTIN, "A")
    due.note("V-2", CASE_GTIN, "A")
    due.note("V-1", OTHER_GTIN, "A")
    assert due.is_due(expects, CASE_GTIN, "A")
    due.note("V-1", CASE_GTIN, "A")
    assert not due.is_due(expects, CASE_GTIN, "A")
    assert not due.is_due(expects, CASE_GTIN, "B")
    assert due.is_due(expects, ITEM_GTIN, "B"), "the line counts cases"


def test_what_was_counted_for_longest_is_forgotten_first() -> None:
    (expects,) = Known.of(ONE).by_door["dock-1"]
    due = Due()
    due.note("V-1", CASE_GTIN, "A")
    for number in range(5000):
        due.note(f"other-{number}", CASE_GTIN, "A")
    assert due.is_due(expects, CASE_GTIN, "A")
