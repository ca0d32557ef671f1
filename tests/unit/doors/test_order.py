"""What is recorded is a function of what happened, never of the order in which it became known."""

import random
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from contracts.vocabulary import CrossingDirection
from edge_agent.decode.tag_role import TagRules
from edge_agent.doors.domain import Decision
from edge_agent.doors.posting import Posting
from edge_agent.filters.passage import Passage
from tests.unit.doors.conftest import (
    CASE_GTIN,
    OTHER_GTIN,
    OTHER_PALLET,
    PALLET,
    assigned,
    item_tag,
    line,
    passage,
    portal,
    tote_tag,
    unit_tag,
    visit,
)

DOORS = (portal(neighbours=["dock-2"]), portal("dock-2"))
TAGS = (
    unit_tag(PALLET),
    unit_tag(OTHER_PALLET),
    tote_tag(),
    *(item_tag(CASE_GTIN) for _ in range(4)),
    *(item_tag(OTHER_GTIN) for _ in range(4)),
)
ASSIGNMENT = assigned(
    visit(
        "V-1",
        line("ASN-1", units=[PALLET], gtin=CASE_GTIN, quantity=6),
        line("ASN-1", gtin=CASE_GTIN, quantity=2),
    ),
    visit("V-2", line("SO-2", units=[OTHER_PALLET]), door="dock-2", direction="outbound"),
)

passages = st.builds(
    lambda tag, direction, door, tenths, confidence, company: passage(
        tag,
        direction,
        portal=door,
        at_s=tenths / 10,
        confidence=confidence,
        company=tuple(sorted(company - {tag})),
    ),
    st.sampled_from(TAGS),
    st.sampled_from(list(CrossingDirection)),
    st.sampled_from(["dock-1", "dock-2"]),
    st.integers(0, 1200),
    st.sampled_from([0.3, 0.8, 0.99]),
    st.sets(st.sampled_from(TAGS), max_size=4),
)
stories = st.lists(passages, max_size=30, unique_by=lambda each: (each.epc, each.portal, each.occurred_us))


def recorded(decided: Iterable[tuple[Passage, Decision]]) -> set[Decision]:
    return {decision for _, decision in decided}


@given(stories, st.randoms(use_true_random=False))
def test_any_permutation_of_passages_is_recorded_alike(story: list[Passage], chance: random.Random) -> None:
    shuffled = chance.sample(story, len(story))
    told = recorded(Posting(DOORS, TagRules(), ASSIGNMENT).take(story))
    assert recorded(Posting(DOORS, TagRules(), ASSIGNMENT).take(shuffled)) == told
    assert len(told) == len(story)


@given(stories, st.integers(0, 20))
def test_passages_that_become_known_one_by_one_are_recorded_as_if_all_were_known(
    story: list[Passage], latest_s: int
) -> None:
    """A tag that rests in the field is decided late; what depends on it waits."""
    order = sorted(
        story, key=lambda each: each.last_seen_us + (int(each.epc, 16) % (latest_s + 1)) * 1_000_000
    )
    posting = Posting(DOORS, TagRules(), ASSIGNMENT)
    found: list[tuple[Passage, Decision]] = []
    for n, each in enumerate(order):
        to_come = order[n + 1 :]
        settled_us = min((other.first_seen_us for other in to_come), default=each.last_seen_us)

        def is_open(epc: str, doors: Iterable[str], before_us: int, to_come: list[Passage] = to_come) -> bool:
            among = set(doors)
            return any(
                other.epc == epc and other.portal in among and other.first_seen_us < before_us
                for other in to_come
            )

        found += posting.take([each], settled_us, is_open)
    found += posting.take([])
    assert recorded(found) == recorded(Posting(DOORS, TagRules(), ASSIGNMENT).take(story))
    assert posting.waiting_since_us is None
