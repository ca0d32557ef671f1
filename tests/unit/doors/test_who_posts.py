"""Who posts what a door and a person both see: one of them, and the other confirms."""

from datetime import timedelta

import pytest

from contracts.records import UnitPosition
from contracts.vocabulary import CrossingDirection, CrossingReason
from edge_agent.clock import Stamp
from edge_agent.decode.tag_role import TagRules
from edge_agent.doors.posting import Posting
from edge_agent.doors.records import drafts_of
from edge_agent.outbox.draft import draft
from edge_agent.workflows.positions import UnitPositions
from tests.unit.doors.conftest import (
    CASE_GTIN,
    IN,
    OTHER_GTIN,
    OUT,
    PALLET,
    START,
    assigned,
    decided,
    item_tag,
    line,
    passage,
    portal,
    unit_tag,
    visit,
)

NOW = Stamp(START + timedelta(days=9), 900_000_000_000_000, "boot", clock_ok=True)
INBOUND = visit("V-1", line("ASN-1", units=[PALLET], gtin=CASE_GTIN, quantity=40))


def test_where_the_handheld_posts_the_portal_only_confirms() -> None:
    door = portal(posting_source="handheld")
    for tag in (unit_tag(), item_tag(OTHER_GTIN)):
        decision = decided(passage(tag), assigned(INBOUND), door)
        assert (decision.posted, decision.because) == ("evidence", CrossingReason.CONFIRMS)
    undecided = decided(passage(unit_tag(), CrossingDirection.UNDECIDED), assigned(INBOUND), door)
    assert undecided.posted == "evidence"


def test_a_shadow_door_posts_nothing_and_asks_nobody() -> None:
    door = portal(mode="shadow")
    for direction in (IN, OUT, CrossingDirection.UNDECIDED):
        decision = decided(passage(unit_tag(), direction), assigned(INBOUND), door)
        assert (decision.posted, decision.because) == ("evidence", CrossingReason.SHADOW)


@pytest.mark.parametrize("source", ["portal", "either_first"])
@pytest.mark.parametrize(
    ("stands_at", "posted"), [(None, "posted"), ("BIN-1", "posted"), ("STAGE-dock-1", "evidence")]
)
def test_a_pallet_that_a_scan_has_placed_already_is_only_confirmed(
    source: str, stands_at: str | None, posted: str
) -> None:
    door = portal(posting_source=source)
    posting = Posting((door,), TagRules(), assigned(INBOUND), lambda _unit: stands_at)
    ((_, decision),) = posting.take([passage(unit_tag())])
    assert decision.posted == posted
    assert decision.because is (CrossingReason.CONFIRMS if posted == "evidence" else None)


def test_a_door_never_confirms_itself_and_a_pallet_that_it_may_have_moved_stands_nowhere() -> None:
    standing, by_hand = UnitPositions(), UnitPositions(only_by_hand=True)
    posting = Posting((portal(),), TagRules(), None, by_hand.location_of)
    days = 0

    def crosses(direction: CrossingDirection, confidence: float = 0.99) -> str:
        nonlocal days
        days += 1
        one = passage(unit_tag(), direction, confidence=confidence, at_s=days * 86_400)
        ((_, decision),) = posting.take([one])
        recorded = drafts_of(one, decision, NOW)
        standing.note(recorded)
        by_hand.note(recorded)
        return decision.posted

    assert crosses(IN) == "posted"
    assert standing.location_of(PALLET) == "STAGE-dock-1"
    assert crosses(OUT, 0.7) == "held"
    assert standing.location_of(PALLET) is None, "a person decides where it stands"
    assert crosses(IN) == "posted", "it came back"
    by_hand.note([draft(UnitPosition, NOW, unit=PALLET, location="STAGE-dock-1")])
    assert crosses(IN) == "evidence", "a scan has posted it"
    assert crosses(OUT, 0.7) == "held"
    assert crosses(IN) == "posted"
    assert crosses(IN) == "posted", "its way out was not seen, and a door is no second look at itself"
