"""What later evidence proposes: the two sides of a crossing say what happened in between."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from cloud.crossings.domain import Answer, CrossingRow, Observation, answered_before, claim_of, propose

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
INSIDE, OUTSIDE = "A-01", "@clearing/dock-1"


def crossing(**changed: object) -> CrossingRow:
    fields: dict[str, object] = dict.fromkeys(CrossingRow.__slots__)
    fields |= {
        "gateway": "gw-1", "epoch": 170, "seq": 7, "site": "leeds", "time_zone": "UTC", "occurred_at": AT,
        "direction": "undecided", "posted": "held", "card": "open", "step": 0, "antennas": [], "trace": [],
    }  # fmt: skip
    return CrossingRow(**fields | changed)


def seen(
    minutes: float, *, source: str | None = None, place: str = INSIDE, way: str | None = None
) -> Observation:
    at = AT + timedelta(minutes=minutes)
    kind = "crossing" if way else "unit_position"
    return Observation(minutes > 0, kind, "gw-2", 1, 1, at, source, place, way, "kim")


@pytest.mark.parametrize(
    ("before", "after", "direction", "answer"),
    [
        (None, seen(5), "undecided", Answer.IN),
        (None, seen(5, way="out"), "undecided", Answer.IN),
        (None, seen(5, way="in"), "undecided", Answer.DID_NOT_MOVE),
        (None, seen(5, way="in"), "out", Answer.OUT),
        (None, seen(5, source=OUTSIDE), "in", Answer.DID_NOT_MOVE),
        (seen(-5), seen(5, source=INSIDE), "out", Answer.DID_NOT_MOVE),
        (seen(-5), seen(5, source=OUTSIDE), "in", Answer.OUT),
        (seen(-5, way="out"), seen(5, way="out"), "undecided", Answer.IN),
        (seen(-5, way="out"), seen(5, way="in"), "out", Answer.DID_NOT_MOVE),
    ],
)
def test_the_two_sides_of_a_crossing_say_what_happened(
    before: Observation | None, after: Observation, direction: str, answer: Answer
) -> None:
    observations = [each for each in (before, after) if each]
    proposal = propose(crossing(direction=direction), observations)
    assert proposal is not None
    assert (proposal.answer, proposal.after, proposal.before) == (answer, after, before)


def test_the_nearest_observations_count_in_whatever_order_they_came() -> None:
    observations = [seen(-60), seen(-5, way="out"), seen(5), seen(90, way="in")]
    proposals = {propose(crossing(), order) for order in permutations(observations)}
    assert {proposal.answer for proposal in proposals if proposal} == {Answer.IN}
    assert len(proposals) == 1


@pytest.mark.parametrize(
    "settled", [crossing(card="answered"), crossing(card=None), crossing(stands="in", posted="posted")]
)
def test_nothing_is_proposed_where_nothing_is_asked(settled: CrossingRow) -> None:
    assert propose(settled, [seen(5)]) is None
    assert propose(crossing(), [seen(-5)]) is None


def test_each_step_of_a_crossing_has_its_own_claim() -> None:
    targets = [claim_of(crossing(step=step)).target for step in (0, 1, 2)]
    assert targets == [f"gw-1/00000000000000aa/7{further}" for further in ("", "/2", "/3")]


def test_who_comes_late_is_told_who_said_what() -> None:
    late = crossing(answer="did_not_move", answered_by="user:kim", answered_at=AT, card="answered")
    assert str(answered_before(late)).startswith(
        "crossing gw-1/00000000000000aa/7 was answered 'did not move' by user:kim at 2026-03-02 09:00:00 UTC"
    )
