"""A tag that two doors hear was at the one that hears it plainly louder."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from contracts.records import TracePoint
from contracts.vocabulary import CrossingDirection, CrossingReason
from edge_agent.decode.tag_role import TagRules
from edge_agent.doors.posting import Posting
from edge_agent.filters.passage import Passage
from tests.unit.doors.conftest import (
    CASE_GTIN,
    START_US,
    assigned,
    decided,
    decisions,
    item_tag,
    line,
    passage,
    portal,
    visit,
)

KNOWN = assigned(visit("V-1", line("ASN-1", gtin=CASE_GTIN)))
DOORS = (portal("dock-1", neighbours=["dock-2"]), portal("dock-2", neighbours=["dock-1"]), portal("dock-3"))


def heard(tag: str, dbm: float, **other: Any) -> Passage:
    chance = other.pop("chance", 0.0)
    return passage(
        tag,
        trace=(TracePoint(0, 0, dbm - 9.0), TracePoint(400, 0, dbm)),
        confidence=chance or 0.99,
        chances=(chance, 0.0),
        reads=90,
        **other,
    )


def stray(tag: str, dbm: float, door: str = "dock-2", **other: Any) -> Passage:
    return heard(tag, dbm, portal=door, direction=CrossingDirection.STRAY, **other)


def test_what_is_as_loud_at_the_next_door_passes_by() -> None:
    tag = item_tag()
    seems = heard(tag, -53.0, chance=0.98)
    assert decided(seems, KNOWN).posted == "posted"
    for door in ("dock-2", "dock-3"):
        said = decisions([seems, stray(tag, -51.0, door, at_s=3)], KNOWN, *DOORS)
        assert (said[0].posted, said[0].because) == ("held", CrossingReason.LOW_CONFIDENCE)
    long_after = decisions([seems, stray(tag, -51.0, at_s=30)], KNOWN, *DOORS)
    assert long_after[0].posted == "posted"


def test_what_is_plainly_louder_here_needs_nobody_to_look_at_it() -> None:
    tag = item_tag()
    seems = heard(tag, -42.0, chance=0.15)
    alone = decided(seems, KNOWN)
    assert alone.posted == "held"
    said = decisions([seems, stray(tag, -64.0)], KNOWN, *DOORS)
    assert (said[0].posted, said[0].confidence > 0.95) == ("posted", True)
    assert decisions([seems], KNOWN, *DOORS)[0].posted == "posted"  # its neighbour heard nothing of it
    assert decisions([seems], KNOWN, portal("dock-1"), portal("dock-3"))[0].posted == "held"


def test_what_was_likelier_no_crossing_is_asked_about_if_it_was_louder_here_and_is_expected() -> None:
    tag = item_tag()
    doubtful = stray(tag, -42.0, "dock-1", chance=0.03)
    assert decisions([doubtful, stray(tag, -64.0)], KNOWN, *DOORS)[0].posted == "held"
    assert decisions([doubtful, stray(tag, -50.0)], KNOWN, *DOORS)[0].posted == "evidence"


def test_of_two_doors_that_claim_a_tag_at_once_the_louder_has_it() -> None:
    tag = item_tag()
    here = heard(tag, -40.0, chance=0.99)
    there = heard(tag, -58.0, chance=0.999, portal="dock-2", at_s=4)
    for told in ([here, there], [there, here]):
        said = {each.outside_location: each for each in decisions(told, KNOWN, *DOORS)}
        assert said["@clearing/V-1"].posted == "posted"
        assert said["@clearing/dock-2"].because is CrossingReason.NEIGHBOUR_PORTAL


def test_a_decision_waits_for_what_other_doors_still_hear() -> None:
    tag, posting = item_tag(), Posting(DOORS, TagRules(), KNOWN)
    seems = heard(tag, -53.0, chance=0.98)

    def is_open(epc: str, portals: Iterable[str], before_us: int) -> bool:
        return epc == tag and "dock-3" in portals and before_us > START_US

    assert not posting.take([seems], START_US, is_open)
    said = posting.take([stray(tag, -51.0, "dock-3", at_s=3)], None)
    assert {each.portal: decision.posted == "posted" for each, decision in said} == {
        "dock-1": False,
        "dock-3": False,
    }


def test_a_loose_piece_that_went_along_the_dock_is_asked_about_unless_the_radio_is_quite_sure() -> None:
    tag = item_tag()

    def posted(seems: Passage, other: Passage) -> str:
        found = decisions([other, seems], KNOWN, *DOORS)
        (decision,) = (each for each in found if each.direction is CrossingDirection.IN)
        return decision.posted

    seems, door_before = heard(tag, -42.0, chance=0.97), stray(tag, -45.0, "dock-3", at_s=-6)
    assert posted(seems, door_before) == "held"
    assert posted(seems, stray(tag, -45.0, "dock-3", at_s=6)) == "held"
    assert posted(heard(tag, -42.0, chance=0.985), door_before) == "posted"
    for other in (
        stray(tag, -45.0, "dock-3", at_s=-15),
        replace(door_before, reads=9),
        replace(door_before, neighbour="dock-2"),
        replace(door_before, first_seen_us=door_before.last_seen_us - 31_000_000),
    ):
        assert posted(seems, other) == "posted"
