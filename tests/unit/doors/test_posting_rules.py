"""The rules of D2 and D3, one sentence each."""

from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.vocabulary import CrossingDirection, CrossingReason
from edge_agent.decode.tag_role import TagRules
from edge_agent.doors.posting import Posting
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
    assigned,
    decided,
    decisions,
    item_tag,
    line,
    passage,
    portal,
    tote_tag,
    truck_tag,
    unit_tag,
    visit,
)

INBOUND = visit("V-1", line("ASN-1", units=[PALLET], gtin=CASE_GTIN, quantity=40))
OUTBOUND = visit("V-2", line("SO-1", units=[OTHER_PALLET]), direction="outbound")


def test_a_sure_crossing_with_one_fitting_visit_is_posted_through_the_visits_account() -> None:
    decision = decided(passage(unit_tag()), assigned(INBOUND))
    assert (decision.posted, decision.because, decision.visit) == ("posted", None, "V-1")
    assert (decision.inside_location, decision.outside_location) == ("STAGE-dock-1", "@clearing/V-1")
    assert [(ref.type, ref.id) for ref in decision.documents] == [("visit", "V-1"), ("asn", "ASN-1")]
    assert (decision.thing.unit, decision.assignment_rev) == (PALLET, 3)


def test_without_a_visit_the_physical_leg_is_posted_through_the_doors_account_and_a_person_is_asked() -> None:
    decision = decided(passage(unit_tag()), assigned(visit("V-9", door="dock-9")))
    assert (decision.posted, decision.because) == ("posted", CrossingReason.NO_VISIT)
    assert (decision.visit, decision.outside_location) == (None, "@clearing/dock-1")


def test_a_site_without_any_assignment_posts_the_physical_leg_of_units_and_goods() -> None:
    for tag in (unit_tag(), item_tag()):
        decision = decided(passage(tag))
        assert (decision.posted, decision.because) == ("posted", CrossingReason.NO_VISIT)
        assert decision.assignment_rev is None


def test_of_several_visits_that_fit_none_is_chosen() -> None:
    decision = decided(passage(unit_tag()), assigned(visit("V-1"), visit("V-3")))
    assert (decision.posted, decision.because) == ("posted", CrossingReason.SEVERAL_VISITS)
    assert decision.outside_location == "@clearing/dock-1"


def test_of_several_visits_the_one_whose_documents_name_the_unit_fits() -> None:
    decision = decided(passage(unit_tag()), assigned(INBOUND, visit("V-3")))
    assert (decision.posted, decision.because, decision.visit) == ("posted", None, "V-1")


def test_the_direction_chooses_between_an_inbound_and_an_outbound_visit() -> None:
    decision = decided(passage(unit_tag(), OUT), assigned(INBOUND, OUTBOUND))
    assert (decision.visit, decision.because, decision.outside_location) == ("V-2", None, "@clearing/V-2")


@pytest.mark.parametrize(("minutes", "because"), [(1, None), (-1, CrossingReason.NO_VISIT)])
def test_a_visit_counts_only_within_its_window(minutes: int, because: CrossingReason | None) -> None:
    ends_at = (START + timedelta(minutes=minutes)).isoformat()
    decision = decided(passage(unit_tag()), assigned(visit("V-1", to_at=ends_at)))
    assert decision.because is because


def test_what_contradicts_the_only_visit_is_held() -> None:
    decision = decided(passage(unit_tag(), OUT), assigned(INBOUND))
    assert (decision.posted, decision.because) == ("held", CrossingReason.CONTRADICTS_VISIT)
    assert decision.outside_location == "@clearing/dock-1"


def test_a_tag_that_crossed_the_neighbour_within_a_minute_is_held() -> None:
    doors = (portal(neighbours=["dock-2"]), portal("dock-2"))
    tag = unit_tag()
    walk = [passage(tag, OUT, portal="dock-2"), passage(tag, at_s=59)]
    first, second = decisions(walk, None, *doors)
    assert (first.posted, second.posted) == ("posted", "held")
    assert second.because is CrossingReason.NEIGHBOUR_PORTAL
    first, second = decisions([passage(tag, OUT, portal="dock-2"), passage(tag, at_s=61)], None, *doors)
    assert (first.posted, second.posted) == ("posted", "posted")


def test_of_two_doors_that_saw_a_pallet_at_once_the_one_that_expects_it_posts() -> None:
    doors = (portal(neighbours=["dock-2"]), portal("dock-2"))
    tag = unit_tag()
    both = [passage(tag, portal="dock-2"), passage(tag, at_s=1)]
    other, expecting = decisions(both, assigned(INBOUND), *doors)
    assert (expecting.posted, expecting.visit) == ("posted", "V-1")
    assert (other.posted, other.because) == ("evidence", CrossingReason.NEIGHBOUR_PORTAL)
    unexpected = decisions(both, assigned(visit("V-1")), *doors)
    assert [(each.posted, each.because) for each in unexpected] == [
        ("held", CrossingReason.NEIGHBOUR_PORTAL),
        ("held", CrossingReason.NEIGHBOUR_PORTAL),
    ]


@pytest.mark.parametrize(
    ("confidence", "posted", "because"),
    [
        (0.95, "posted", None),
        (0.949, "held", CrossingReason.LOW_CONFIDENCE),
        (0.50, "held", CrossingReason.LOW_CONFIDENCE),
        (0.499, "evidence", CrossingReason.LOW_CONFIDENCE),
    ],
)
def test_confidence_decides_between_posting_holding_and_keeping(
    confidence: float, posted: str, because: CrossingReason | None
) -> None:
    expecting_nobody = visit("V-1")
    decision = decided(passage(unit_tag(), confidence=confidence), assigned(expecting_nobody))
    assert (decision.posted, decision.because) == (posted, because)


def test_a_unit_that_the_only_visit_expects_needs_less_of_the_radio_and_its_confidence_says_so() -> None:
    expected = decided(passage(unit_tag(), confidence=0.8), assigned(INBOUND))
    assert (expected.posted, round(expected.confidence, 3)) == ("posted", 0.967)
    for confidence, posted, told in ((0.6, "held", 0.94), (0.03, "held", 0.628), (0.01, "evidence", 0.355)):
        asked = decided(passage(unit_tag(), confidence=confidence), assigned(INBOUND))
        assert (asked.posted, round(asked.confidence, 3)) == (posted, told)
    assert decided(passage(unit_tag(), confidence=0.8), assigned(visit("V-1"))).confidence == 0.8


def test_a_unit_that_only_others_are_expected_beside_needs_more_of_the_radio() -> None:
    known = assigned(visit("V-1", line("ASN-1", units=[OTHER_PALLET])))
    for radio, posted, told in ((0.8, "evidence", 0.166), (0.99, "held", 0.831), (0.999, "posted", 0.98)):
        unexpected = decided(passage(unit_tag(), confidence=radio), known)
        assert (unexpected.posted, round(unexpected.confidence, 3)) == (posted, told)


@pytest.mark.parametrize(("confidence", "posted"), [(0.8, "evidence"), (0.99, "held"), (0.9999, "held")])
def test_what_goes_against_the_only_visit_is_asked_about_only_if_the_radio_is_sure(
    confidence: float, posted: str
) -> None:
    assert decided(passage(unit_tag(), OUT, confidence=confidence), assigned(INBOUND)).posted == posted


def test_loose_goods_that_the_only_visit_expects_need_less_of_the_radio_if_they_were_read_often() -> None:
    known = assigned(visit("V-1", line("ASN-1", gtin=CASE_GTIN, quantity=3)))
    often = decided(passage(item_tag(), confidence=0.82, reads=25), known)
    assert (often.posted, round(often.confidence, 3)) == ("posted", 0.996)
    seldom = decided(passage(item_tag(), confidence=0.82, reads=9), known)
    assert (seldom.posted, round(seldom.confidence, 3)) == ("held", 0.82)


CASES = [item_tag() for _ in range(7)]


def told_of(*others: Passage, label: Passage) -> str:
    known = assigned(
        INBOUND, visit("V-2", line("SO-1", units=[OTHER_PALLET], gtin=CASE_GTIN), direction="outbound")
    )
    met = [passage(tag) for tag in CASES]
    posting = Posting([portal()], TagRules(), known)
    found = {done.epc: decision for done, decision in posting.take([*met, *others, label])}
    return f"{found[label.epc].direction} {found[label.epc].posted}"


@pytest.mark.parametrize("direction", [CrossingDirection.STRAY, CrossingDirection.UNDECIDED, IN])
def test_a_units_content_says_what_its_label_does_not(direction: CrossingDirection) -> None:
    assert told_of(label=passage(unit_tag(), direction, confidence=0.6)) == "in posted"


def test_content_is_silent_where_it_disagrees_or_may_be_of_another_unit() -> None:
    label = passage(unit_tag(), CrossingDirection.STRAY, confidence=0.6)
    back = [passage(item_tag(), OUT, at_s=1) for _ in range(3)]
    assert told_of(*back, label=label) == "stray evidence"
    assert told_of(passage(unit_tag(OTHER_PALLET)), label=label) == "stray evidence"
    elsewhere = replace(label, neighbour="dock-2")
    assert told_of(label=elsewhere) == "stray evidence"
    for confidence in (0.8, 0.94):
        opposite = passage(unit_tag(), OUT, confidence=confidence)
        assert told_of(label=opposite) == "out held"
    long_ago = passage(unit_tag(), CrossingDirection.STRAY, confidence=0.6, at_s=-60)
    assert told_of(label=long_ago) == "stray evidence"


def test_content_that_another_pallet_may_hold_moves_no_label_that_stayed() -> None:
    """A pallet is parked at the door; another one's label is not read, and its cases cross."""
    stray = passage(unit_tag(), CrossingDirection.STRAY, confidence=0.6)
    both = visit("V-1", line("ASN-1", units=[PALLET, OTHER_PALLET], gtin=CASE_GTIN))
    cases = [passage(tag) for tag in CASES]

    def told(posting: Posting, label: Passage) -> tuple[str, CrossingReason | None]:
        found = {done.epc: decision for done, decision in posting.take([*cases, label])}
        return found[label.epc].posted, found[label.epc].because

    def fresh() -> Posting:
        return Posting([portal()], TagRules(), assigned(both))

    assert told(fresh(), stray) == ("held", CrossingReason.AMBIGUOUS_CONTENT)
    assert told(fresh(), replace(stray, company=tuple(CASES))) == ("posted", None), "they moved with it"
    after = fresh()
    after.take([passage(unit_tag(OTHER_PALLET), at_s=-60)])
    assert told(after, stray) == ("posted", None), "the other one had crossed before"
    sure = replace(stray, confidence=0.98, company=tuple(CASES))
    assert told(fresh(), sure) == ("held", CrossingReason.AMBIGUOUS_CONTENT)


def test_where_the_radio_names_no_direction_a_person_is_asked_if_documents_make_one_likelier_than_not() -> (
    None
):
    doubtful = passage(unit_tag(), CrossingDirection.STRAY, confidence=0.6, chances=(0.35, 0.05))
    asked = decided(doubtful, assigned(INBOUND))
    assert (asked.posted, asked.because) == ("held", CrossingReason.LOW_CONFIDENCE)
    assert (asked.direction, asked.confidence > 0.5) == (IN, True)
    for other in (
        replace(doubtful, chances=(0.05, 0.02)),
        replace(doubtful, chances=(0.01, 0.0)),
        replace(doubtful, neighbour="dock-2"),
    ):
        assert decided(other, assigned(INBOUND)).posted == "evidence"
    assert decided(doubtful, assigned(visit("V-1"))).posted == "evidence"


def test_a_case_on_a_cart_crosses_although_a_pallet_of_its_item_stands_beside() -> None:
    known = assigned(visit("V-1", line("ASN-1", gtin=CASE_GTIN)))
    stayed = [passage(item_tag(), CrossingDirection.STRAY, at_s=0.2) for _ in range(9)]
    mate = item_tag(OTHER_GTIN)
    loose = passage(item_tag(), reads=40, company=(mate,))
    assert [each.posted for each in decisions([loose, *stayed], known)].count("posted") == 1
    one_of_them = passage(item_tag(), reads=40, company=tuple(each.epc for each in stayed), confidence=0.94)
    said = decisions([one_of_them, *stayed], known)
    assert {each.posted for each in said} == {"evidence"}


def test_a_case_that_the_visit_expects_and_that_surely_crossed_alone_of_a_palletful_is_asked_about() -> None:
    known = assigned(visit("V-1", line("ASN-1", gtin=CASE_GTIN, quantity=3)))
    stayed = [passage(item_tag(), CrossingDirection.STRAY, at_s=0.2) for _ in range(9)]
    its_like = tuple(each.epc for each in stayed[:4])
    said = decisions([passage(item_tag(), reads=40, company=its_like), *stayed], known)
    odd = [each for each in said if each.direction is IN]
    assert [(each.posted, each.because) for each in odd] == [("held", CrossingReason.AMBIGUOUS_CONTENT)]
    parked_long_before = [replace(each, first_seen_us=each.first_seen_us - 60_000_000) for each in stayed]
    loose = decisions([passage(item_tag(), reads=50), *parked_long_before], known)
    assert [each.posted for each in loose if each.direction is IN] == ["posted"]


def test_a_loose_case_crosses_although_its_own_tagged_items_are_heard_with_it() -> None:
    known = assigned(visit("V-1", line("ASN-1", gtin=CASE_GTIN, quantity=3)))
    items = [passage(item_tag(ITEM_GTIN), at_s=0.1) for _ in range(24)]
    said = decisions([passage(item_tag()), *items], known)
    assert [each.posted for each in said if each.thing.gtin == CASE_GTIN] == ["posted"]


def test_a_tag_that_crosses_the_same_way_twice_has_crossed_once() -> None:
    twice = decisions([passage(unit_tag()), passage(unit_tag(), at_s=5)], assigned(INBOUND))
    assert [(each.posted, each.because) for each in twice] == [
        ("posted", None),
        ("evidence", CrossingReason.CONFIRMS),
    ]
    ways = [passage(unit_tag()), passage(unit_tag(), OUT, at_s=5), passage(unit_tag(), at_s=9)]
    back_and_in_again = decisions(ways, assigned(INBOUND, visit("V-2", direction="outbound")))
    assert [each.posted for each in back_and_in_again] == ["posted", "posted", "posted"]
    after_an_hour = decisions([passage(unit_tag()), passage(unit_tag(), at_s=3600)], None)
    assert [each.posted for each in after_an_hour] == ["posted", "posted"]


def test_a_sure_crossing_after_a_doubtful_one_the_same_way_is_posted() -> None:
    both = [passage(unit_tag(), confidence=0.6), passage(unit_tag(), at_s=5)]
    assert [each.posted for each in decisions(both, assigned(visit("V-1")))] == ["held", "posted"]


def test_a_portal_has_its_own_thresholds() -> None:
    strict = portal(post_at=0.999, hold_at=0.9)
    known = assigned(visit("V-1"))
    assert decided(passage(unit_tag()), known, strict).posted == "held"
    assert decided(passage(unit_tag(), confidence=0.8), known, strict).posted == "evidence"


@pytest.mark.parametrize("confidence", [0.3, 0.99])
def test_what_is_undecided_is_held(confidence: float) -> None:
    unclear = passage(unit_tag(), CrossingDirection.UNDECIDED, confidence=confidence)
    decision = decided(unclear, assigned(INBOUND))
    assert (decision.posted, decision.because) == ("held", CrossingReason.UNDECIDED)


def test_a_stray_is_evidence_however_sure() -> None:
    decision = decided(passage(unit_tag(), CrossingDirection.STRAY), assigned(INBOUND))
    assert (decision.posted, decision.because) == ("evidence", CrossingReason.STRAY)


def test_where_nothing_tells_the_direction_the_only_visit_lends_it_and_a_person_confirms() -> None:
    blind = passage(unit_tag(), CrossingDirection.UNDECIDED, confidence=0.9, is_assignable=True)
    decision = decided(blind, assigned(INBOUND))
    assert (decision.direction, decision.confidence) == (IN, 0.80)
    assert (decision.posted, decision.because, decision.visit) == (
        "held",
        CrossingReason.LOW_CONFIDENCE,
        "V-1",
    )
    assert decided(blind, assigned(INBOUND), portal(post_at=0.8)).posted == "posted"
    several = decided(blind, assigned(INBOUND, OUTBOUND))
    assert (several.posted, several.because) == ("held", CrossingReason.UNDECIDED)


def test_a_tag_inside_a_declared_unit_is_evidence_at_any_level_and_in_any_direction() -> None:
    for tag in (item_tag(CASE_GTIN), item_tag(ITEM_GTIN)):
        for direction in (IN, OUT, CrossingDirection.UNDECIDED):
            decision = decided(passage(tag, direction), assigned(INBOUND))
            assert (decision.posted, decision.because) == ("evidence", CrossingReason.CONTAINED)


def test_levels_that_a_line_names_are_its_content_too() -> None:
    named = visit("V-1", line("ASN-1", units=[PALLET], gtin=CASE_GTIN, levels=[CASE_GTIN, OTHER_GTIN]))
    assert decided(passage(item_tag(OTHER_GTIN)), assigned(named)).because is CrossingReason.CONTAINED


def test_goods_that_are_declared_loose_move() -> None:
    loose = visit("V-1", line("ASN-1", gtin=CASE_GTIN, quantity=3))
    decision = decided(passage(item_tag()), assigned(loose))
    assert (decision.posted, decision.because, decision.visit) == ("posted", None, "V-1")
    assert decision.thing.gtin == CASE_GTIN
    assert decision.thing.identifier is not None
    assert decision.thing.identifier.scheme == "sgtin"


def test_items_of_loose_cases_are_inside_those_cases() -> None:
    loose = visit("V-1", line("ASN-1", gtin=CASE_GTIN, quantity=3))
    assert decided(passage(item_tag(ITEM_GTIN)), assigned(loose)).because is CrossingReason.CONTAINED


BOTH = visit(
    "V-1",
    line("ASN-1", units=[PALLET], gtin=CASE_GTIN, quantity=40),
    line("ASN-1", gtin=CASE_GTIN, quantity=5),
)


def test_what_may_be_loose_or_inside_is_inside_if_its_unit_crosses_with_it() -> None:
    decision = decisions([passage(item_tag(), at_s=2), passage(unit_tag())], assigned(BOTH))[1]
    assert (decision.posted, decision.because) == ("evidence", CrossingReason.CONTAINED)


def test_what_may_be_loose_or_inside_is_loose_if_no_unit_is_near() -> None:
    decision = decisions([passage(item_tag(), at_s=30), passage(unit_tag())], assigned(BOTH))[1]
    assert (decision.posted, decision.because) == ("posted", None)


def test_many_that_may_be_loose_or_inside_are_one_card_and_not_one_each() -> None:
    crowd = [passage(item_tag(), at_s=n / 10) for n in range(25)]
    held, *rest = decisions(crowd, assigned(BOTH))
    assert (held.posted, held.because) == ("held", CrossingReason.AMBIGUOUS_CONTENT)
    assert {(each.posted, each.because) for each in rest} == {("evidence", CrossingReason.AMBIGUOUS_CONTENT)}


def test_an_item_that_no_document_names_is_a_line_of_the_visit_it_came_with() -> None:
    decision = decided(passage(item_tag(OTHER_GTIN), confidence=0.999, reads=600), assigned(INBOUND))
    assert (decision.posted, decision.because, decision.visit) == ("posted", None, "V-1")


def test_an_item_that_nobody_has_heard_of_is_evidence_where_no_visit_is_open() -> None:
    elsewhere = visit("V-9", line("ASN-9", gtin=CASE_GTIN, quantity=1), door="dock-9")
    decision = decided(passage(item_tag(OTHER_GTIN)), assigned(elsewhere))
    assert (decision.posted, decision.because) == ("evidence", CrossingReason.UNKNOWN_TAG)
    known = decided(passage(item_tag(CASE_GTIN)), assigned(elsewhere))
    assert (known.posted, known.because) == ("posted", CrossingReason.NO_VISIT)


def test_a_tote_is_a_unit_only_if_it_is_declared() -> None:
    tote = "urn:epc:id:grai:9506000.12345.7"
    decision = decided(passage(tote_tag(7)), assigned(visit("V-1", line("ASN-1", units=[tote]))))
    assert (decision.posted, decision.thing.unit) == ("posted", tote)
    stray = decided(passage(tote_tag(8)), assigned(INBOUND))
    assert (stray.posted, stray.because, stray.thing.unit) == ("evidence", CrossingReason.NOT_GOODS, None)


def test_vehicles_are_evidence_and_what_cannot_be_read_is_unknown() -> None:
    assert decided(passage(truck_tag()), assigned(INBOUND)).because is CrossingReason.NOT_GOODS
    assert decided(passage("E28011700000020A"), assigned(INBOUND)).because is CrossingReason.UNKNOWN_TAG


def test_tags_of_persons_and_other_companies_leave_no_decision() -> None:
    posting = Posting((portal(),), TagRules(foreign_patterns=("urn:epc:id:sscc:.*",)), None)
    assert posting.take([passage(unit_tag())]) == []
    assert dict(posting.dropped) == {"foreign": 1}
