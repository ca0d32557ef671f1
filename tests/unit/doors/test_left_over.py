"""A piece that alone of a pallet's seemed to move, where no visit waits for a loose one (DOMAIN D3)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from contracts.vocabulary import CrossingDirection, CrossingReason
from edge_agent.decode.epc import Epc
from edge_agent.decode.tag_role import TagRole, TagRoles, TagRules
from edge_agent.doors.companions import Companions
from edge_agent.doors.posting import Posting
from edge_agent.doors.visits import Known
from edge_agent.filters.passage import Passage
from tests.unit.doors.conftest import (
    CASE_GTIN,
    OTHER_GTIN,
    PALLET,
    assigned,
    gtin,
    item_tag,
    line,
    passage,
    portal,
    unit_tag,
    visit,
)

BUSY: Final = visit("V-1", line("ASN-1", gtin=OTHER_GTIN, quantity=9))
"""Expects other goods than the piece."""
ONE_CASE: Final = visit("V-1", line("ASN-1", gtin=CASE_GTIN, quantity=1))
TWO_CASES: Final = visit("V-1", line("ASN-1", gtin=CASE_GTIN, quantity=2))
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


def alongside(count: int) -> list[Passage]:
    """Give pieces that stayed, and came when the piece did."""
    return [passage(item_tag(), CrossingDirection.STRAY, at_s=0.2) for _ in range(count)]


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


ROLES: Final = TagRoles(TagRules())
KNOWN: Final = Known.of(assigned(BUSY))


def known_as(epc: str) -> tuple[tuple[Epc, TagRole], Known]:
    return ROLES.of(epc), KNOWN


def seen_before(*mates: Passage, gap_s: int = 75) -> list[Passage]:
    """Give a stay of the piece that ended so long before, during which others of its item were heard."""
    back_us = gap_s * 1_000_000 + (PIECE.last_seen_us - PIECE.first_seen_us)
    stay = passage(PIECE.epc, CrossingDirection.STRAY)
    began_us, ended_us = PIECE.first_seen_us - back_us - 30_000_000, PIECE.first_seen_us - gap_s * 1_000_000
    stayed = [stay, *(replace(each, direction=CrossingDirection.STRAY) for each in mates)]
    return [
        replace(each, first_seen_us=began_us, occurred_us=began_us, last_seen_us=ended_us) for each in stayed
    ]


PALLETFUL: Final = [passage(item_tag()) for _ in range(8)]


def test_what_stood_with_a_palletful_and_comes_later_with_nothing_that_is_expected_is_asked_about() -> None:
    beside = replace(PIECE, company=(item_tag(OTHER_GTIN),))
    another = passage(item_tag(), confidence=0.97, reads=40)
    assert told(*seen_before(*PALLETFUL), another, piece=beside, known=TWO_CASES) == ODD
    assert told(*seen_before(*PALLETFUL[1:]), another, piece=beside, known=TWO_CASES) == ("posted", None)
    assert told(another, piece=beside, known=TWO_CASES) == ("posted", None)
    others = [replace(each, epc=item_tag(OTHER_GTIN)) for each in PALLETFUL]
    assert told(*seen_before(*others), another, piece=beside, known=TWO_CASES) == ("posted", None)
    before_it_came = [*seen_before(), *seen_before(*PALLETFUL, gap_s=130)[1:]]
    assert told(*before_it_came, another, piece=beside, known=TWO_CASES) == ("posted", None)


def test_what_stood_with_a_palletful_and_comes_alone_or_on_its_cart_is_loose() -> None:
    assert told(*seen_before(*PALLETFUL), known=ONE_CASE) == ("posted", None)
    cart = [passage(item_tag(OTHER_GTIN), confidence=0.99, reads=60) for _ in range(2)]
    known = visit("V-1", *(line("ASN-1", gtin=each, quantity=9) for each in (CASE_GTIN, OTHER_GTIN)))
    another = passage(item_tag(), confidence=0.97, reads=40)
    assert told(*seen_before(*PALLETFUL), another, *cart, known=known) == ("posted", None)


def test_what_stood_with_a_palletful_and_is_one_too_many_is_a_pallets() -> None:
    first = passage(item_tag(), confidence=0.999, reads=60, at_s=-20)
    assert told(first, *seen_before(*PALLETFUL), known=ONE_CASE) == INSIDE
    assert told(first, *seen_before(*PALLETFUL), piece=PLAIN, known=ONE_CASE) == ODD
    assert told(first, *seen_before(*PALLETFUL[:2]), known=ONE_CASE) == ("posted", None)


def test_what_is_remembered_of_items_is_bounded() -> None:
    company = Companions()
    for epc in (each.epc for each in parked(9)):
        company.note(passage(epc), *known_as(epc))
    assert company.of(PIECE, *known_as(PIECE.epc), ()).others == 9
    for number in range(8_200):
        epc = item_tag(gtin(f"19506001{number:05d}"))
        company.note(passage(epc), *known_as(epc))
    assert company.of(PIECE, *known_as(PIECE.epc), ()).others == 0, "8,192 other items were heard since"


def test_one_of_a_pallet_that_stayed_is_no_loose_case_but_asked_about_if_it_surely_crossed() -> None:
    loose, stayed = line("ASN-1", gtin=CASE_GTIN, quantity=3), alongside(9)
    held = line("ASN-2", units=[PALLET], gtin=CASE_GTIN, quantity=40)
    piece = replace(PIECE, reads=20)

    def says(*others: Passage, lines: Sequence[dict[str, Any]] = (loose,), sure: float = 0.97) -> object:
        return told(*others, *stayed, piece=replace(piece, confidence=sure), known=visit("V-1", *lines))

    assert says() == ODD
    assert says(sure=0.96) == INSIDE
    assert says(*(passage(item_tag()) for _ in range(3))) == INSIDE, "more of them are a pallet's"
    assert says(lines=(line("ASN-2", gtin=OTHER_GTIN, quantity=3),)) == INSIDE, "no visit waits for one"
    assert says(passage(unit_tag()), lines=(loose, held)) == INSIDE, "a pallet crossed that may hold it"
    assert says(lines=(loose, held)) == INSIDE, "the visit brings pallets of it"
