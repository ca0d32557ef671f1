"""Later evidence proposes an answer; nothing posts by itself."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.integration.crossings.doors import INSIDE, Doors, carried, passage, stood


@pytest.mark.parametrize(
    ("others", "proposed"),
    [
        ([stood("A-01", minute=20, source=INSIDE)], "in"),
        ([passage("posted", minute=30, direction="out")], "in"),
        ([stood("A-01", minute=-20), passage("posted", minute=30, direction="in")], "out"),
        ([passage("evidence", minute=30, direction="out")], None),
    ],
)
def test_a_units_later_place_proposes_what_it_did(
    doors: Doors, others: Sequence[Any], proposed: str | None
) -> None:
    (ref,) = doors.send(passage())
    doors.send(*others)
    proposal = doors.story(ref).proposal
    assert (proposal.answer.value if proposal else None) == proposed
    assert len([card for card in doors.cards() if card.crossing.seq == ref.seq]) == 1


def test_a_loose_case_that_is_put_away_later_came_in(doors: Doors) -> None:
    (ref,) = doors.send(passage(loose=True))
    doors.send(carried(INSIDE, "A-01", minute=15, actor="kim"))
    proposal = doors.story(ref).proposal
    assert proposal is not None
    assert (proposal.answer, proposal.after.kind, proposal.after.actor) == ("in", "movement", "kim")


def test_what_an_answer_posted_is_no_evidence_for_itself(doors: Doors) -> None:
    (ref,) = doors.send(passage())
    doors.answer(ref, "in")
    doors.take_back(ref)
    assert doors.story(ref).observations == []
