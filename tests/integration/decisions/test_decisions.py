"""The approval machine over a real database: who may say yes, to what, and what becomes of it."""

import threading
from dataclasses import replace
from decimal import Decimal

import pytest
from deciding import ADA, BOB, CAT, DAN, EVE, JOB, LEEDS, MADRID, Desk, wanted

from cloud.decisions import reading, service
from cloud.decisions.domain import (
    AboveLimitError,
    Changed,
    Decision,
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
    reversed_one = desk.reverse(BOB, applied)
    assert reversed_one.outcome == {"position": 99, "reversal": {"position": 100}}
    assert desk.path(decision.decision_id) == [
        ("user:ada", "draft"),
        ("user:ada", "submitted"),
        ("user:bob", "approved"),
        ("user:bob", "applied"),
        ("user:bob", "reversed"),
    ]
    assert desk.shelf.done == desk.shelf.undone == [decision.decision_id]
