"""Loose goods on one cart: what those that surely crossed say of one that the radio hardly heard."""

from dataclasses import replace
from typing import Any, Final

from contracts.vocabulary import CrossingDirection, CrossingReason
from edge_agent.decode.tag_role import TagRules
from edge_agent.doors.domain import Decision
from edge_agent.doors.posting import Posting
from edge_agent.filters.passage import Passage
from tests.unit.doors.conftest import (
    CASE_GTIN,
    IN,
    OTHER_GTIN,
    OUT,
    PALLET,
    START_US,
    assigned,
    item_tag,
    line,
    passage,
    portal,
    unit_tag,
    visit,
)

LOOSE: Final = visit(
    "V-1",
    line("ASN-1", gtin=CASE_GTIN, quantity=9),
    line("ASN-2", gtin=OTHER_GTIN, quantity=9),
)
OTHERS: Final = [item_tag(OTHER_GTIN) for _ in range(5)]
HARDLY_HEARD: Final = passage(
    item_tag(), CrossingDirection.STRAY, confidence=0.96, chances=(0.04, 0.001), reads=24
)


def told(piece: Passage, *others: Passage, known: dict[str, Any] = LOOSE) -> Decision:
    posting = Posting([portal()], TagRules(), assigned(known))
    return {done.epc: decision for done, decision in posting.take([piece, *others])}[piece.epc]


def test_a_piece_that_was_hardly_heard_is_asked_about_if_another_of_its_cart_surely_crossed() -> None:
    crossed = [passage(tag) for tag in OTHERS]
    asked = told(HARDLY_HEARD, *crossed[:2])
    assert (asked.posted, asked.because, asked.direction) == ("held", CrossingReason.LOW_CONFIDENCE, IN)
    assert told(HARDLY_HEARD, crossed[0]).posted == "held"
    assert told(HARDLY_HEARD).posted == "evidence"
    assert told(replace(HARDLY_HEARD, reads=9), *crossed[:2]).posted == "evidence", "too few reads"
    assert told(HARDLY_HEARD, *crossed[:4]).posted == "evidence", "five are a pallet's"
    for other in (
        {"direction": OUT},
        {"confidence": 0.89},
        {"at_s": 3.1},
    ):
        assert told(HARDLY_HEARD, *(passage(tag, **other) for tag in OTHERS[:2])).posted == "evidence"
    stayed = replace(HARDLY_HEARD, epc=item_tag(), chances=(0.0, 0.0))
    assert told(HARDLY_HEARD, *crossed[:2], stayed).posted == "evidence", "a pallet stands there"
    moved_along = replace(HARDLY_HEARD, company=tuple(OTHERS[:1]))
    assert told(moved_along, *crossed[:2], stayed).posted == "held", "but it moved with the cart"
    alike = replace(HARDLY_HEARD, company=(OTHERS[0], stayed.epc))
    assert told(alike, *crossed[:2], stayed).posted == "evidence", "or with the pallet"


def test_what_crossed_with_others_needs_less_of_the_radio() -> None:
    piece, crossed = replace(HARDLY_HEARD, chances=(0.2, 0.001)), [passage(tag) for tag in OTHERS[:2]]
    assert told(piece).posted == "held"
    together = told(piece, *crossed)
    assert (together.posted, round(together.confidence, 3)) == ("posted", 0.974)
    beside = visit("V-1", *LOOSE["lines"], line("ASN-3", units=[PALLET], gtin=CASE_GTIN, quantity=40))
    assert told(piece, passage(unit_tag()), known=beside).because is CrossingReason.CONTAINED
    assert told(piece, passage(unit_tag()), *crossed, known=beside).because is not CrossingReason.CONTAINED


def test_it_waits_for_the_others_of_its_cart() -> None:
    posting = Posting([portal()], TagRules(), assigned(LOOSE))
    crossed = [passage(tag, at_s=2) for tag in OTHERS[:2]]
    assert posting.take([HARDLY_HEARD], settled_us=START_US + 2_000_000) == []
    others = posting.take(crossed, settled_us=START_US + 13_000_000)
    assert {done.epc for done, _ in others} == set(OTHERS[:2]), "it may be heard again"
    found = posting.take([], settled_us=START_US + 21_000_000)
    assert {done.epc: decision.posted for done, decision in found} == {HARDLY_HEARD.epc: "held"}


def test_the_rest_of_a_visit_posts_nothing_again_though_only_documents_made_its_begin_sure() -> None:
    tag = item_tag()
    begin = passage(tag, confidence=0.83, reads=90)
    rest = passage(tag, confidence=0.997, reads=90, at_s=20)
    posting = Posting([portal()], TagRules(), assigned(LOOSE))
    found = posting.take([begin]) + posting.take([rest])
    assert [(decision.posted, decision.because) for _, decision in found] == [
        ("posted", None),
        ("evidence", CrossingReason.CONFIRMS),
    ]


def test_few_reads_are_enough_for_what_went_with_others_of_its_cart() -> None:
    crossed = [passage(tag) for tag in OTHERS[:2]]
    few = passage(item_tag(), reads=6, confidence=0.95, chances=(0.95, 0.0))
    together = told(few, *crossed)
    assert (together.posted, round(together.confidence, 3)) == ("posted", 0.999)
    assert told(few).posted == "held", "nobody went with it"
    unlikely = replace(few, direction=CrossingDirection.STRAY, confidence=0.93, chances=(0.06, 0.01))
    assert told(unlikely, *crossed).posted == "held", "documents and its cart tell that it may have gone"
    assert told(unlikely).posted == "evidence"
    assert told(replace(few, confidence=0.89, chances=(0.89, 0.0)), *crossed).posted == "held"
    heard_again = passage(few.epc, CrossingDirection.STRAY, at_s=12)
    found = Posting([portal()], TagRules(), assigned(LOOSE)).take([few, *crossed, heard_again])
    assert [each.posted for done, each in found if done.epc == few.epc and done.direction is IN] == [
        "held"
    ], "it may have been carried back"
    stayed = passage(item_tag(), CrossingDirection.STRAY)
    assert told(few, *crossed, stayed).posted == "held", "another of its item stayed"
