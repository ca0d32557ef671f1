"""What is brought into the doorway, or through it, and taken back at once."""

from dataclasses import replace
from typing import Final

import pytest

from contracts.vocabulary import CrossingDirection, CrossingReason
from edge_agent.decode.tag_role import TagRules
from edge_agent.doors.domain import Decision
from edge_agent.doors.posting import Posting
from edge_agent.filters.passage import Passage
from tests.unit.doors.conftest import (
    CASE_GTIN,
    IN,
    OUT,
    PALLET,
    START_US,
    assigned,
    decisions,
    item_tag,
    line,
    passage,
    portal,
    unit_tag,
    visit,
)

OUTBOUND: Final = visit(
    "V-1",
    line("ORD-1", units=[PALLET], gtin=CASE_GTIN, quantity=40),
    line("ORD-2", gtin=CASE_GTIN, quantity=40),
    direction="outbound",
)
UNDECIDED: Final = CrossingDirection.UNDECIDED
STRAY: Final = CrossingDirection.STRAY


def stopping(tag: str, at_s: float = 0) -> Passage:
    """Give a sure crossing outwards of what was in the field long enough to stop and turn."""
    crossed = passage(tag, OUT, at_s=at_s)
    return replace(crossed, first_seen_us=crossed.occurred_us - 10_000_000)


def told(found: list[Decision]) -> list[tuple[str, CrossingReason | None]]:
    return [(each.posted, each.because) for each in found]


@pytest.mark.parametrize(
    ("way", "chances"), [(IN, (0.99, 0.0)), (UNDECIDED, (0.4, 0.3)), (STRAY, (0.31, 0.05))]
)
def test_a_pallet_that_is_taken_back_at_once_is_asked_about(
    way: CrossingDirection, chances: tuple[float, float]
) -> None:
    back = passage(unit_tag(), way, at_s=20, chances=chances)
    assert told(decisions([stopping(unit_tag()), back], assigned(OUTBOUND)))[0] == (
        "held",
        CrossingReason.LOW_CONFIDENCE,
    )


def test_there_and_back_is_one_question_and_over_when_it_is_brought_again() -> None:
    out, back = stopping(unit_tag()), passage(unit_tag(), IN, at_s=12)
    again = stopping(unit_tag(), at_s=40)
    one_question = [("held", CrossingReason.LOW_CONFIDENCE), ("evidence", CrossingReason.CONFIRMS)]
    assert told(decisions([out, back], assigned(OUTBOUND))) == one_question
    assert told(decisions([out, back, again], assigned(OUTBOUND))) == [*one_question, ("posted", None)]
    alone = passage(unit_tag(), IN, at_s=12)
    assert told(decisions([alone], assigned(OUTBOUND))) == [("held", CrossingReason.CONTRADICTS_VISIT)]
    later = passage(unit_tag(), IN, at_s=35)
    assert told(decisions([out, later], assigned(OUTBOUND))) == [
        ("posted", None),
        ("held", CrossingReason.CONTRADICTS_VISIT),
    ]


@pytest.mark.parametrize(
    "after",
    [
        passage(unit_tag(), IN, at_s=40, chances=(0.99, 0.0)),
        passage(unit_tag(), STRAY, at_s=5, chances=(0.2, 0.2)),
        passage(unit_tag(), IN, at_s=5, portal="dock-2"),
        passage(unit_tag(), IN, at_s=5, neighbour="dock-2"),
    ],
)
def test_what_is_heard_later_or_hardly_or_elsewhere_takes_nothing_back(after: Passage) -> None:
    found = decisions([passage(unit_tag(), OUT), after], assigned(OUTBOUND), portal(), portal("dock-2"))
    assert found[0].posted == "posted"


@pytest.mark.parametrize("tag", [unit_tag(), item_tag()])
def test_what_is_heard_coming_back_before_its_way_out_has_faded_is_asked_about_too(tag: str) -> None:
    out = replace(stopping(tag), last_seen_us=START_US + 8_000_000)
    back = replace(passage(tag, IN, at_s=9), first_seen_us=START_US + 6_000_000)
    assert told(decisions([out, back], assigned(OUTBOUND)))[0] == ("held", CrossingReason.LOW_CONFIDENCE)


def test_a_visit_that_sends_goods_the_other_way_makes_two_movements_of_it() -> None:
    there_and_back = [stopping(unit_tag()), passage(unit_tag(), IN, at_s=5)]
    both = assigned(OUTBOUND, visit("V-2"))
    assert [each.posted for each in decisions(there_and_back, both)] == ["posted", "posted"]


def test_a_piece_is_asked_about_when_half_of_its_cart_came_back() -> None:
    first, second, third = (item_tag() for _ in range(3))
    back = passage(second, IN, at_s=12)
    cart = [stopping(first), stopping(second, 0.4), back]
    assert [each.posted for each in decisions(cart, assigned(OUTBOUND)) if each.direction is OUT] == [
        "held",
        "held",
    ]
    larger = [*cart, stopping(third, 0.2), stopping(item_tag(), 0.2)]
    found = [each for each in decisions(larger, assigned(OUTBOUND)) if each.direction is OUT]
    assert sorted(each.posted for each in found) == ["held", "posted", "posted", "posted"]


def test_a_stamp_far_ahead_makes_no_cart_forgotten() -> None:
    first, second = item_tag(), item_tag()
    cart = [stopping(first), stopping(second, 0.4), passage(second, IN, at_s=12)]
    posting = Posting([portal()], TagRules(), assigned(OUTBOUND))
    posting.take([passage(item_tag(), OUT, at_s=3_600)])
    found = {each.epc: decision.posted for each, decision in posting.take(cart)}
    assert found[first] == "held"


def test_the_pieces_of_a_pallet_do_not_take_each_other_back() -> None:
    unit = stopping(unit_tag())
    pieces = [stopping(item_tag(), 0.1) for _ in range(12)]
    backs = [passage(each.epc, IN, at_s=10) for each in pieces]
    assert decisions([unit, *pieces, *backs], assigned(OUTBOUND))[0].posted == "posted"


def test_nothing_is_posted_before_it_could_have_come_back() -> None:
    crossed = stopping(unit_tag())
    open_tags: set[str] = {crossed.epc}
    posting = Posting([portal()], TagRules(), assigned(OUTBOUND))

    def at(seconds: float, *passages: Passage) -> list[str]:
        found = posting.take(
            passages,
            START_US + round(seconds * 1_000_000),
            lambda epc, portals, _before_us: epc in open_tags and "dock-1" in portals,
        )
        return [decision.posted for _, decision in found]

    assert at(5, crossed) == []
    assert at(30) == [], "it is heard again, and nobody knows yet what that is"
    open_tags.clear()
    assert at(31, replace(crossed, direction=IN, first_seen_us=START_US + 12_000_000)) == [
        "held",
        "evidence",
    ]


def test_what_is_plainly_through_posts_at_once_and_what_lingers_waits() -> None:
    crossed, piece = passage(unit_tag(), OUT), passage(item_tag(), OUT, at_s=0.1)
    back = passage(crossed.epc, IN, at_s=15)
    through = Posting([portal()], TagRules(), assigned(OUTBOUND))
    assert [each.posted for _, each in through.take([crossed], START_US + 1_000_000)] == ["posted"]

    crossed = replace(crossed, company=(piece.epc,))
    lingers = replace(piece, last_seen_us=piece.last_seen_us + 4_000_000)
    for content, posted in ((piece, "posted"), (lingers, "held")):
        first, *_ = decisions([crossed, content, back], assigned(OUTBOUND))
        assert first.posted == posted
    waits = Posting([portal()], TagRules(), assigned(OUTBOUND))
    assert waits.take([crossed], START_US + 9_000_000, lambda epc, *_: epc == piece.epc) == []
