"""A pallet whose label nobody heard, told by what it holds (DOMAIN D2, D3)."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from contracts.vocabulary import CrossingDirection, CrossingReason
from edge_agent.clock import Stamp
from edge_agent.decode.tag_role import TagRules
from edge_agent.doors.domain import Decision
from edge_agent.doors.posting import Posting
from edge_agent.doors.records import drafts_of
from edge_agent.filters.passage import Passage
from tests.unit.doors.conftest import (
    CASE_GTIN,
    IN,
    ITEM_GTIN,
    OTHER_GTIN,
    OTHER_PALLET,
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

STRAY: Final = CrossingDirection.STRAY
EXPECTED: Final = visit("V-1", line("ASN-1", units=[PALLET], gtin=CASE_GTIN, quantity=40))
NEXT_DOOR: Final = (portal(neighbours=["dock-2"]), portal("dock-2"))


def cases(count: int, way: CrossingDirection = IN, of: str = CASE_GTIN, **other: Any) -> list[Passage]:
    """Give pieces that passed within two seconds, each read by itself."""
    at_s = other.pop("at_s", 0)
    return [
        passage(item_tag(of), way, at_s=at_s + 2 * n / count, confidence=0.9, **other) for n in range(count)
    ]


def all_of(met: Sequence[Passage], *visits: dict[str, Any]) -> list[Decision]:
    posting = Posting(NEXT_DOOR, TagRules(), assigned(*(visits or (EXPECTED,))))
    return [decision for _, decision in posting.take(met)]


def asked(met: Sequence[Passage], *visits: dict[str, Any]) -> list[tuple[str | None, str]]:
    """Decide, and give what a person is asked: unit and direction."""
    found = [each for each in all_of(met, *visits) if each.posted == "held"]
    assert all(each.because is CrossingReason.AMBIGUOUS_CONTENT for each in found)
    return [(each.thing.unit, each.direction) for each in found]


def test_a_pallet_whose_label_is_silent_is_asked_about_once_when_its_content_went() -> None:
    assert asked(cases(40)) == [(PALLET, IN)]
    assert asked([*cases(20), *cases(20, of=ITEM_GTIN)]) == [(PALLET, IN)], "cases and what is in them"
    assert asked([*cases(8), *cases(8, at_s=12)]) == [(PALLET, IN)], "its pieces seem to turn slowly"
    assert all(each.posted == "evidence" for each in all_of(cases(7))), "a few are no pallet"


def test_no_order_of_telling_changes_what_is_asked() -> None:
    met = cases(40)
    first = {each.evidence_id for each in all_of(met) if each.posted == "held"}
    random.Random(7).shuffle(met)
    assert {each.evidence_id for each in all_of(met) if each.posted == "held"} == first != set()


def test_a_label_that_is_heard_speaks_for_itself() -> None:
    label = passage(unit_tag(), at_s=1)
    assert [each.posted for each in all_of([*cases(40), label]) if each.thing.unit] == ["posted"]
    assert asked([*cases(40), passage(unit_tag(), STRAY, at_s=10)]) == [], "it is heard a little later"
    assert asked([*cases(40), replace(label, direction=STRAY)]) == [], "it stayed, and says so itself"
    for before_s in (30, 8):
        waited = passage(unit_tag(), STRAY, at_s=-before_s)
        assert asked([*cases(40), waited]) == [(PALLET, IN)], "it waited there, and was silent from then on"
    assert asked([*cases(40), replace(label, portal="dock-2", direction=STRAY)]) == [(PALLET, IN)]
    assert asked([*cases(40), replace(label, portal="dock-2", confidence=0.99)]) == [], "it crossed next door"
    gone = passage(unit_tag(), at_s=-60)
    assert asked([*cases(40), gone]) == [], "it went a minute ago: nothing more of it is due"


def test_pieces_of_another_pallet_speak_for_nobody() -> None:
    two = visit("V-1", line("ASN-1", units=[PALLET, OTHER_PALLET], gtin=CASE_GTIN, quantity=80))
    assert asked(cases(40), two) == [], "it may be either"
    other_went = passage(unit_tag(OTHER_PALLET), at_s=1)
    assert asked([*cases(40), other_went], two) == [], "they are the other's, whose label was heard"
    nearby = passage(unit_tag(OTHER_PALLET), STRAY, at_s=-5)
    went = passage(unit_tag(OTHER_PALLET), at_s=-60)
    assert asked([*cases(40), went, nearby], two) == [], "they may be the other's, which is still heard"
    later = cases(40, at_s=60)
    assert asked([*cases(40), other_went, *later], two) == [(PALLET, IN)], "these are not"
    foreign = passage(unit_tag(OTHER_PALLET), at_s=1)
    assert (PALLET, IN) not in asked_of_units([*cases(40), foreign]), "nobody knows what that one holds"


def asked_of_units(met: Sequence[Passage]) -> list[tuple[str | None, str]]:
    return [(each.thing.unit, each.direction) for each in all_of(met) if each.posted == "held"]


def test_what_stayed_or_went_the_other_way_speaks_against_it() -> None:
    all_the_time: dict[str, Any] = {
        "first_seen_us": START_US - 5_000_000,
        "last_seen_us": START_US + 5_000_000,
    }
    assert asked([*cases(20), *cases(21, STRAY, **all_the_time)]) == [], "most of them stayed"
    assert asked([*cases(20), *cases(19, STRAY, **all_the_time)]) == [(PALLET, IN)]
    assert asked([*cases(20), *cases(5, OUT)]) == []
    assert asked(cases(40, OUT)) == [], "no visit takes them out"
    assert asked(cases(40, of=OTHER_GTIN)) == [], "no unit is declared to hold them"


def test_what_a_visit_expects_loose_too_is_no_pallets_sign() -> None:
    either = visit(
        "V-1",
        line("ASN-1", units=[PALLET], gtin=CASE_GTIN, quantity=40),
        line("ASN-2", gtin=CASE_GTIN, quantity=3),
    )
    assert (PALLET, IN) not in asked(cases(40), either)


def test_the_question_names_the_unit_and_keeps_the_picture_of_the_piece_that_spoke() -> None:
    met = cases(40)
    posting = Posting(NEXT_DOOR, TagRules(), assigned(EXPECTED))
    ((piece, decision),) = [each for each in posting.take(met) if each[1].posted == "held"]
    (only,) = drafts_of(
        piece, decision, Stamp(START + timedelta(seconds=20), 77_000_000_000, "boot", clock_ok=True)
    )
    crossing = only.record
    assert (crossing.unit, crossing.identifier, crossing.visit) == (PALLET, None, "V-1")
    assert crossing.epc == piece.epc
    assert crossing.trace
    assert [document.id for document in crossing.documents] == ["V-1", "ASN-1"]


def test_while_its_label_may_still_be_heard_a_piece_waits() -> None:
    met = cases(40)
    posting = Posting(NEXT_DOOR, TagRules(), assigned(EXPECTED))
    last_us = max(each.last_seen_us for each in met)
    assert posting.take(met, settled_us=last_us) == []
    found = posting.take([passage(unit_tag(), at_s=1)], settled_us=None)
    assert [each.posted for _, each in found if each.thing.unit] == ["posted"]
