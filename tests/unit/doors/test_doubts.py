"""What is asked about although the radio is sure: what else was seen speaks against it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import pytest

from contracts.offline import Assignment
from contracts.vocabulary import CrossingDirection, CrossingReason
from edge_agent.decode.tag_role import TagRules
from edge_agent.doors.posting import Posting
from edge_agent.filters.passage import Passage
from tests.unit.doors.conftest import (
    CASE_GTIN,
    IN,
    OTHER_GTIN,
    OTHER_PALLET,
    OUT,
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

CASES: Final = [item_tag() for _ in range(7)]
INBOUND: Final = visit("V-1", line("ASN-1", units=[PALLET], gtin=CASE_GTIN, quantity=40))
OUTBOUND: Final = visit("V-2", line("SO-1", units=[OTHER_PALLET]), direction="outbound")


def test_a_label_that_is_sure_is_asked_about_if_its_content_surely_went_the_other_way() -> None:
    back = [passage(tag, OUT) for tag in CASES]
    met = visit("V-1", line("ASN-1", units=[PALLET], gtin=CASE_GTIN))

    def told(*others: Passage, known: Assignment | None = None) -> tuple[str, CrossingReason | None]:
        posting = Posting([portal()], TagRules(), known or assigned(met))
        label = passage(unit_tag(), confidence=0.999)
        found = {done.epc: decision for done, decision in posting.take([*others, label])}
        return found[label.epc].posted, found[label.epc].because

    assert told(*back) == ("held", CrossingReason.AMBIGUOUS_CONTENT)
    assert told(*back[:4]) == ("posted", None), "a few say little"
    assert told(*(passage(tag) for tag in CASES)) == ("posted", None)
    both = assigned(
        met, visit("V-2", line("SO-1", units=[OTHER_PALLET], gtin=CASE_GTIN), direction="outbound")
    )
    assert told(*back, known=both) == ("posted", None), "another unit that is due may hold them"


@pytest.mark.parametrize("tag", [unit_tag(), item_tag()])
def test_what_those_that_moved_with_it_dispute_is_asked_about_however_sure(tag: str) -> None:
    known = assigned(
        visit(
            "V-1", line("ASN-1", units=[PALLET], gtin=OTHER_GTIN), line("ASN-2", gtin=CASE_GTIN, quantity=9)
        )
    )
    mates = tuple(item_tag() for _ in range(3))
    sure = passage(tag, confidence=0.999, reads=60, company=mates)

    def told(*said: CrossingDirection, **other: Any) -> tuple[str, CrossingReason | None]:
        met = [passage(mate, way, **other) for mate, way in zip(mates, said, strict=False)]
        found = {
            done.epc: decision for done, decision in Posting([portal()], TagRules(), known).take([*met, sure])
        }
        return found[tag].posted, found[tag].because

    stray = CrossingDirection.STRAY
    assert told(stray, stray, stray) == ("held", CrossingReason.LOW_CONFIDENCE)
    assert told(stray, OUT) == ("held", CrossingReason.LOW_CONFIDENCE)
    assert told(stray, stray, IN) == ("posted", None), "a third of them agrees"
    assert told(stray, stray, stray, chances=(0.6, 0.0)) == ("posted", None), "they are rather for it"
    assert told(stray) == ("posted", None), "one may itself be wrong"
    assert told(stray, stray, reads=4) == ("posted", None), "so few reads say nothing"
    assert told(stray, stray, at_s=-5) == ("posted", None), "that was before"
    assert told(stray, stray, neighbour="dock-2") == ("posted", None), "they are at another door"
    assert told(
        stray, stray, first_seen_us=sure.first_seen_us - 9_000_000, last_seen_us=sure.first_seen_us + 500_000
    ) == ("posted", None), "they were gone"


def test_a_pallets_pieces_dispute_nothing_that_a_cart_did() -> None:
    known = assigned(visit("V-1", line("ASN-2", gtin=CASE_GTIN, quantity=9)))
    parked = [passage(item_tag(OTHER_GTIN), CrossingDirection.STRAY) for _ in range(3)]
    company = tuple(each.epc for each in parked)

    def told(met: Sequence[Passage]) -> list[str]:
        said = decisions([*met, passage(item_tag(), reads=60, company=company)], known)
        return [each.posted for each in said if each.direction is IN]

    assert told(parked) == ["posted"]
    mixed = [parked[0], *(passage(item_tag(), CrossingDirection.STRAY) for _ in "ab")]
    company = tuple(each.epc for each in mixed)
    assert told(mixed) == ["held"]


def test_what_comes_back_from_where_no_visit_sends_it_is_asked_about() -> None:
    def told(*visits: dict[str, Any], back_s: float = 20, confidence: float = 0.99) -> list[str]:
        ways = [
            passage(unit_tag(), OUT, confidence=confidence, chances=(0.0, confidence)),
            passage(unit_tag(), at_s=back_s),
        ]
        return [each.posted for each in decisions(ways, assigned(INBOUND, *visits))]

    assert told() == ["held", "held"]
    assert told(OUTBOUND)[1] == "posted", "a visit may have sent it"
    assert told(back_s=70) == ["held", "posted"]
    assert told(confidence=0.8)[1] == "posted", "it was not sure that it went"


def test_a_case_read_seldom_amid_a_palletful_of_another_item_is_asked_about() -> None:
    known = assigned(visit("V-1", line("ASN-1", gtin=CASE_GTIN, quantity=3)))

    def told(reads: int, of: str = OTHER_GTIN, count: int = 8) -> tuple[str, CrossingReason | None]:
        company = tuple(item_tag(of) for _ in range(count))
        decision = decided(passage(item_tag(), reads=reads, company=company, confidence=0.97), known)
        return decision.posted, decision.because

    assert told(24) == ("held", CrossingReason.LOW_CONFIDENCE)
    assert told(25) == ("posted", None)
    assert told(24, count=7) == ("posted", None)


def test_what_may_be_in_a_unit_that_crossed_during_its_visit_is_asked_about() -> None:
    known = assigned(
        visit("V-1", line("ASN-1", units=[PALLET], gtin=CASE_GTIN), line("ASN-2", gtin=CASE_GTIN, quantity=3))
    )

    def told(last_s: float) -> tuple[str, CrossingReason | None]:
        long = replace(passage(item_tag()), last_seen_us=START_US + round(last_s * 1e6))
        (case,) = (
            each
            for each in decisions([long, passage(unit_tag(), at_s=20)], known)
            if each.thing.gtin is not None
        )
        return case.posted, case.because

    assert told(20) == ("held", CrossingReason.AMBIGUOUS_CONTENT)
    assert told(16) == ("posted", None)


def test_a_piece_that_went_alone_is_asked_about_if_a_pallet_that_may_hold_it_crossed_while_it_was_there() -> (
    None
):
    known = assigned(
        visit(
            "V-1",
            line("ASN-1", units=[PALLET], gtin=CASE_GTIN, quantity=40),
            line("ASN-2", gtin=CASE_GTIN, quantity=3),
            line("ASN-3", gtin=OTHER_GTIN, quantity=3),
        )
    )
    pallet, later = passage(unit_tag()), passage(item_tag(), at_s=14, reads=80)
    lingering = replace(later, first_seen_us=START_US - 1_000_000)
    mates = [passage(item_tag(OTHER_GTIN), at_s=14, reads=80) for _ in range(2)]

    def told(piece: Passage, *others: Passage) -> tuple[str, CrossingReason | None]:
        found = decisions([pallet, piece, *others], known)
        return next((each.posted, each.because) for each in found if each.thing.gtin == CASE_GTIN)

    assert told(lingering) == ("held", CrossingReason.AMBIGUOUS_CONTENT)
    assert told(later) == ("posted", None), "it came when the pallet was gone"
    assert told(replace(lingering, company=(mates[0].epc,)), *mates) == ("posted", None), (
        "it was on their cart"
    )
