"""Who posts what a door and a person both see: one of them, and the other confirms."""

import pytest

from contracts.vocabulary import CrossingDirection, CrossingReason
from edge_agent.decode.tag_role import TagRules
from edge_agent.doors.posting import Posting
from tests.unit.doors.conftest import (
    CASE_GTIN,
    IN,
    OTHER_GTIN,
    OUT,
    PALLET,
    assigned,
    decided,
    item_tag,
    line,
    passage,
    portal,
    unit_tag,
    visit,
)

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
