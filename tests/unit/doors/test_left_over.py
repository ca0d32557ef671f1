"""A piece that alone of a pallet's seemed to move, where no visit waits for a loose one (DOMAIN D3)."""

from dataclasses import replace
from typing import Any, Final

from contracts.vocabulary import CrossingDirection, CrossingReason
from edge_agent.decode.tag_role import TagRules
from edge_agent.doors.posting import Posting
from edge_agent.filters.passage import Passage
from tests.unit.doors.conftest import (
    CASE_GTIN,
    OTHER_GTIN,
    assigned,
    item_tag,
    line,
    passage,
    portal,
    visit,
)

BUSY: Final = visit("V-1", line("ASN-1", gtin=OTHER_GTIN, quantity=9))
"""Expects other goods than the piece."""
ONE_CASE: Final = visit("V-1", line("ASN-1", gtin=CASE_GTIN, quantity=1))
INSIDE: Final = ("evidence", CrossingReason.CONTAINED)
ODD: Final = ("held", CrossingReason.AMBIGUOUS_CONTENT)
PIECE: Final = passage(item_tag(), confidence=0.97, reads=40)
PLAIN: Final = replace(PIECE, confidence=0.995, reads=60)


def parked(count: int, gtin: str = CASE_GTIN, **other: Any) -> list[Passage]:
    """Give pieces that stayed, heard from long before the piece until long after it."""
    begin_us = PIECE.first_seen_us - 30_000_000
    return [
        replace(
            passage(item_tag(gtin), CrossingDirection.STRAY, at_s=20, **other),
            first_seen_us=begin_us,
        )
        for _ in range(count)
    ]


def told(*met: Passage, piece: Passage = PIECE, known: dict[str, Any] = BUSY) -> tuple[str, Any]:
    """Decide the piece among what it met."""
    posting = Posting([portal()], TagRules(), assigned(known))
    found = {done.epc: decision for done, decision in posting.take([piece, *met])}
    return found[piece.epc].posted, found[piece.epc].because


def test_a_piece_that_moved_alone_while_its_like_stayed_is_inside_their_pallet() -> None:
    assert told(*parked(3)) == INSIDE
    assert told(*parked(2)) != INSIDE, "two of them are no pallet"
    assert told(*parked(9, OTHER_GTIN)) != INSIDE, "that is another item's pallet"
    assert told() != INSIDE


def test_where_a_visit_waits_for_it_it_speaks_for_itself_if_it_is_plain_or_other_goods_moved_with_it() -> (
    None
):
    assert told(*parked(7), known=ONE_CASE) == ("posted", None)
    assert told(*parked(8), known=ONE_CASE) == ODD, "a palletful stayed, and nothing else went"
    assert told(*parked(8), piece=PLAIN, known=ONE_CASE) == ("posted", None)
    on_a_cart = replace(PIECE, company=(item_tag(OTHER_GTIN),))
    assert told(*parked(8), piece=on_a_cart, known=ONE_CASE) == ("posted", None)
    hardly_read = replace(PIECE, reads=9)
    assert told(*parked(3), piece=hardly_read, known=ONE_CASE) == INSIDE
    assert told(*parked(2), piece=hardly_read, known=ONE_CASE) == ("held", CrossingReason.LOW_CONFIDENCE)


def test_one_more_than_a_visit_waits_for_is_inside() -> None:
    first = passage(item_tag(), confidence=0.999, reads=60, at_s=-20)
    assert told(first, *parked(3), known=ONE_CASE) == INSIDE
    assert told(first, known=ONE_CASE) == ("posted", None), "nothing of it stayed: one too many came"


def test_what_the_radio_tells_plainly_is_asked_about() -> None:
    assert told(*parked(9), piece=PLAIN, known=BUSY) == ODD
    assert told(*parked(2), piece=PLAIN, known=BUSY) != ODD
    moved_with_its_pallet = [replace(each, first_seen_us=PLAIN.first_seen_us) for each in parked(12)]
    together = replace(PLAIN, company=tuple(each.epc for each in moved_with_its_pallet))
    assert told(*moved_with_its_pallet, piece=together) == INSIDE


def test_those_that_crossed_together_are_no_rest_of_a_pallet() -> None:
    assert told(passage(item_tag(), at_s=1), *parked(2)) != INSIDE
    assert told(passage(item_tag(), at_s=1), *parked(3)) == INSIDE, "more stayed than went"


def test_what_left_before_it_came_says_nothing_of_it() -> None:
    gone = [replace(each, last_seen_us=PIECE.first_seen_us - 1) for each in parked(9)]
    assert told(*gone) != INSIDE
