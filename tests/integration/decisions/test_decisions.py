"""The approval machine over a real database: who may say yes, to what, and what becomes of it."""

from decimal import Decimal

import pytest
from deciding import ADA, BOB, CAT, DAN, EVE, JOB, LEEDS, Desk, wanted

from cloud.approvals.carriers import NoCarrierError
from cloud.decisions import reading, service
from cloud.decisions.domain import (
    AboveLimitError,
    Changed,
    DecisionError,
    DifferentDraftError,
    DraftError,
    OwnDecisionError,
    StaleDecisionError,
    State,
    UnknownDecisionError,
    WrongStateError,
)
from cloud.identity.actor import NotAllowedError


def test_a_decision_goes_from_a_draft_to_what_was_done_and_back_and_every_step_stays(desk: Desk) -> None:
    decision = desk.submitted()
    applied = desk.apply(BOB, decision)
    assert (applied.state, applied.approver, applied.approved_as) == (State.APPLIED, "user:bob", "approver")
    assert applied.outcome == {"position": 99}
    undone = desk.reverse(BOB, applied)
    assert undone.outcome == {"position": 99, "reversal": {"position": 100}}
    assert desk.path(decision.decision_id) == [
        ("user:ada", "draft"),
        ("user:ada", "submitted"),
        ("user:bob", "approved"),
        ("user:bob", "applied"),
        ("user:bob", "reversed"),
    ]
    assert desk.shelf.done == desk.shelf.undone == [decision.decision_id]
    assert desk.audited(decision.decision_id) == [
        ("user:ada", "decision_drafted"),
        ("user:ada", "decision_submitted"),
        ("user:bob", "decision_approved"),
        ("user:bob", "decision_applied"),
        ("user:bob", "decision_reversed"),
    ]


def test_the_same_draft_again_is_the_one_that_stands_and_another_on_the_subject_is_refused(
    desk: Desk,
) -> None:
    decision = desk.submitted()
    assert desk.submitted() == decision
    for other in (wanted(effect={"cell_id": 7, "counted": "80"}), wanted(value=None), wanted(item="MUG")):
        with pytest.raises(DifferentDraftError, match=f"decision {decision.decision_id} .* stands"):
            desk.submitted(other)
    desk.run(lambda conn: service.withdraw(conn, ADA, decision.decision_id))
    assert desk.submitted().decision_id > decision.decision_id


def test_a_stale_answer_is_refused_and_says_what_to_do(desk: Desk) -> None:
    seen = desk.submitted()
    desk.run(
        lambda conn: service.revise(
            conn,
            JOB,
            seen.decision_id,
            effect={"counted": "88"},
            value=Decimal(-60),
            why="a late receipt of 2",
        )
    )
    for answer in (desk.approve, desk.apply, desk.reject):
        with pytest.raises(
            StaleDecisionError, match="revision 1, it is at revision 2 now: a late receipt of 2"
        ):
            answer(BOB, seen)
    assert desk.shelf.done == []
    now = desk.find(seen.decision_id)
    assert (now.state, now.revision, now.value) == (State.SUBMITTED, 2, Decimal(-60))
    assert desk.apply(BOB, now).state is State.APPLIED


def test_what_changed_between_the_question_and_the_yes_is_not_done_but_asked_again(desk: Desk) -> None:
    decision = desk.submitted()
    desk.shelf.now = Changed({"cell_id": 7, "counted": "95"}, Decimal(-25), "5 arrived late")
    returned = desk.apply(BOB, decision)
    assert (returned.state, returned.revision, returned.approver) == (State.SUBMITTED, 2, None)
    assert (returned.value, returned.verdict_note) == (Decimal(-25), "5 arrived late")
    assert desk.path(decision.decision_id)[2:] == [("job:decisions", "submitted")]
    assert desk.apply(BOB, returned).state is State.APPLIED
    assert desk.shelf.done == [decision.decision_id]


def test_nobody_approves_what_they_asked_for_contributed_to_or_reworded(desk: Desk) -> None:
    decision = desk.submitted(wanted(contributors=["user:bob"]))
    for person in (ADA, BOB):
        with pytest.raises(OwnDecisionError, match="another person has to"):
            desk.apply(person, decision)
    named = desk.submitted(wanted("variance/2", author="user:cat"), ADA)
    assert (named.author, named.contributors) == ("user:cat", ["user:ada"])
    with pytest.raises(OwnDecisionError):
        desk.apply(ADA, named)
    reworded = desk.run(
        lambda conn: service.revise(conn, BOB, named.decision_id, effect={"counted": "1"}, value=Decimal(-1))
    )
    with pytest.raises(OwnDecisionError):
        desk.apply(BOB, reworded)
    assert desk.apply(EVE, reworded).state is State.APPLIED


def test_a_job_drafts_for_whoever_counted_and_approves_nothing(desk: Desk) -> None:
    decision = desk.submitted(wanted(author="user:ada"), JOB)
    assert (decision.author, decision.contributors) == ("user:ada", [])
    with pytest.raises(OwnDecisionError):
        desk.apply(ADA, decision)
    with pytest.raises(NotAllowedError):
        desk.apply(JOB, decision)
    assert desk.apply(BOB, decision).state is State.APPLIED


def test_a_no_needs_a_reason_and_ends_it(desk: Desk) -> None:
    decision = desk.submitted()
    for reason, note, message in (("because", "", "expected one of"), ("other", " ", "expected a note")):
        with pytest.raises(DraftError, match=message):
            desk.reject(BOB, decision, reason, note)
    rejected = desk.reject(BOB, decision, "count_again", "the pallet was moved meanwhile")
    assert (rejected.state, rejected.approver, rejected.verdict_reason) == (
        State.REJECTED,
        "user:bob",
        "count_again",
    )
    with pytest.raises(WrongStateError, match="is rejected by user:bob and cannot become approved"):
        desk.apply(BOB, decision)


def test_only_whoever_asked_takes_a_question_back(desk: Desk) -> None:
    decision = desk.submitted()
    with pytest.raises(NotAllowedError, match="user:bob did not ask"):
        desk.run(lambda conn: service.withdraw(conn, BOB, decision.decision_id))
    taken_back = desk.run(lambda conn: service.withdraw(conn, ADA, decision.decision_id, note="my mistake"))
    assert (taken_back.state, taken_back.verdict_reason) == (State.REJECTED, "withdrawn")


def test_other_sites_do_not_learn_of_a_decision(desk: Desk) -> None:
    decision = desk.submitted()
    for ask in (desk.apply, desk.reject):
        with pytest.raises(UnknownDecisionError, match="at your sites"):
            ask(DAN, decision)
    assert desk.run(lambda conn: reading.find(conn, DAN, decision.decision_id)) is None
    assert desk.run(lambda conn: reading.steps(conn, DAN, decision.decision_id)) == []
    assert desk.run(lambda conn: reading.waiting(conn, DAN)) == []
    with pytest.raises(NotAllowedError):
        desk.run(lambda conn: reading.listed(conn, DAN, site=LEEDS))
    assert [row.decision_id for row in desk.run(lambda conn: reading.waiting(conn, EVE))] == [
        decision.decision_id
    ]


def test_what_cannot_be_undone_stays_done(desk: Desk) -> None:
    applied = desk.apply(BOB, desk.submitted())
    desk.shelf.may_undo = False
    with pytest.raises(DecisionError, match="count again instead"):
        desk.reverse(BOB, applied)
    with pytest.raises(OwnDecisionError):
        desk.reverse(ADA, applied)
    with pytest.raises(AboveLimitError):
        desk.reverse(CAT, applied)
    assert desk.find(applied.decision_id).state is State.APPLIED


def test_what_nothing_carries_out_is_not_approved(desk: Desk) -> None:
    decision = desk.submitted(wanted(kind="price_change"))
    with pytest.raises(NoCarrierError, match="'price_change', which nothing here carries out"):
        desk.apply(BOB, decision)
    assert desk.find(decision.decision_id).state is State.SUBMITTED


def test_an_applied_decision_returns_when_facts_change_and_keeps_what_was_done(desk: Desk) -> None:
    applied = desk.apply(BOB, desk.submitted())
    returned = desk.run(
        lambda conn: service.revise(
            conn, JOB, applied.decision_id, effect={"counted": "70"}, value=Decimal(-90), why="late"
        )
    )
    assert (returned.state, returned.outcome, returned.applied_at) == (
        State.SUBMITTED,
        {"position": 99},
        None,
    )
    assert desk.apply(EVE, returned).approver == "user:eve"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "Count"}, "kind 'Count': expected"),
        ({"reason": "not plausible"}, "reason 'not plausible': expected"),
        ({"subject": ""}, "subject ''"),
        ({"effect": {}}, "has no effect"),
        ({"currency": None}, "has no currency"),
        ({"value": Decimal("NaN")}, "value NaN"),
        ({"value": Decimal("1e20")}, "expected a number below"),
        ({"note": "x" * 2_001}, "note of 2001 characters"),
    ],
)
def test_a_draft_that_is_not_as_it_must_be_is_refused(
    desk: Desk, change: dict[str, object], message: str
) -> None:
    with pytest.raises(DraftError, match=message):
        desk.submitted(wanted(**change))
