"""Approval limits over a real database: per role, cumulative by person, item and day, in one currency."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from deciding import ADA, BOB, CAT, DAN, EVE, LEEDS, ROOT, Desk, person, wanted

from cloud.decisions import limits, store
from cloud.decisions.domain import (
    AboveLimitError,
    Decision,
    DecisionError,
    DraftError,
    OwnDecisionError,
    State,
    WrongStateError,
)
from cloud.decisions.limits import LimitPaper, UnknownLimitError
from cloud.identity.actor import NotAllowedError


def allow(desk: Desk, role: str, limit: str | None, **more: object) -> int:
    paper = LimitPaper(
        role, str(more.pop("currency", "GBP")), None if limit is None else Decimal(limit), **more
    )
    return desk.run(lambda conn: limits.put_limit(conn, ROOT, paper)).limit_id


def worth(desk: Desk, subject: str, value: str | None, **more: object) -> Decision:
    return desk.submitted(wanted(subject, value=None if value is None else Decimal(value), **more))


def test_without_limits_an_approver_approves_anything_and_others_nothing(desk: Desk) -> None:
    decision = worth(desk, "v/1", None)
    with pytest.raises(AboveLimitError, match="approves nothing of this kind at leeds"):
        desk.approve(CAT, decision)
    with pytest.raises(AboveLimitError, match="so rejects nothing"):
        desk.reject(CAT, decision)
    assert desk.approve(BOB, decision).state is State.APPROVED


def test_an_unknown_value_is_above_every_limit_but_none_at_all(desk: Desk) -> None:
    allow(desk, "approver", "1000000")
    decision = worth(desk, "v/1", None)
    with pytest.raises(AboveLimitError, match="worth an unknown value; user:bob approves up to 1000000 GBP"):
        desk.approve(BOB, decision)
    allow(desk, "approver", None, site=LEEDS)
    assert desk.approve(BOB, decision).state is State.APPROVED


def test_splitting_does_not_evade_a_limit(desk: Desk) -> None:
    allow(desk, "supervisor", "100")
    for number in (1, 2):
        desk.approve(CAT, worth(desk, f"v/{number}", "-50"))
    with pytest.raises(AboveLimitError, match="worth 1 GBP after 100 for the same item today"):
        desk.approve(CAT, worth(desk, "v/3", "1"))
    assert desk.approve(CAT, worth(desk, "v/4", "-100", item="MUG")).state is State.APPROVED
    assert desk.approve(CAT, worth(desk, "v/5", "-100", kind="purchase_order")).state is State.APPROVED
    assert desk.approve(person("cas", "supervisor@leeds"), worth(desk, "v/6", "-100")).state is State.APPROVED


def test_a_days_approvals_end_with_the_sites_day(desk: Desk) -> None:
    first, second = worth(desk, "v/1", "-50"), worth(desk, "v/2", "-50")
    desk.approve(BOB, first)
    today = datetime.now(UTC)

    def spent(at: datetime) -> Decimal:
        ask = "SELECT approved_that_day('user:bob', %s, %s)"
        return desk.run(lambda conn: conn.execute(ask, (second.decision_id, at)).fetchone()[0])

    assert [spent(today + timedelta(days=days)) for days in (-1, 0, 1)] == [0, 50, 0]


def test_ones_own_is_approved_up_to_a_limit_of_its_own(desk: Desk) -> None:
    allow(desk, "approver", "500", self_limit=Decimal(80))
    assert desk.approve(ADA, worth(desk, "v/1", "-50")).approved_as == "approver"
    with pytest.raises(OwnDecisionError, match=r"after 50 for the same item today: .* up to 80 GBP"):
        desk.approve(ADA, worth(desk, "v/2", "-50"))
    with pytest.raises(OwnDecisionError, match="an unknown value"):
        desk.approve(ADA, worth(desk, "v/3", None, item="MUG"))
    nothing = worth(desk, "v/4", "0", item="LAMP")
    allow(desk, "approver", "500", site=LEEDS)
    with pytest.raises(OwnDecisionError, match="not at all"):
        desk.approve(ADA, nothing)


def test_the_most_particular_limit_counts(desk: Desk) -> None:
    allow(desk, "supervisor", "10")
    allow(desk, "supervisor", "20", kind="count_adjustment")
    allow(desk, "supervisor", "30", site=LEEDS)
    particular = allow(desk, "supervisor", "40", site=LEEDS, kind="count_adjustment")
    decisions = [worth(desk, f"v/{value}", value, item=f"I-{value}") for value in ("40", "30", "20", "10")]
    for decision in decisions:
        with pytest.raises(AboveLimitError):
            desk.approve(
                CAT, worth(desk, f"more/{decision.subject}", str(decision.value + 1), item=decision.item)
            )
        desk.approve(CAT, decision)
        desk.run(lambda conn, limit=particular: limits.remove_limit(conn, ROOT, limit))
        rest = desk.run(lambda conn: limits.limits(conn, ROOT, site=LEEDS))
        particular = rest[-1].limit_id if rest else 0
    assert desk.run(lambda conn: limits.limits(conn, ROOT)) == []
    with pytest.raises(UnknownLimitError):
        desk.run(lambda conn: limits.remove_limit(conn, ROOT, 1))


def test_amounts_of_two_currencies_are_not_compared(desk: Desk) -> None:
    allow(desk, "approver", "100", currency="EUR", self_limit=Decimal(100))
    decision = worth(desk, "v/1", "-1")
    with pytest.raises(AboveLimitError):
        desk.approve(BOB, decision)
    with pytest.raises(OwnDecisionError):
        desk.approve(ADA, decision)
    allow(desk, "approver", "100", currency="GBP")
    assert desk.approve(BOB, decision).state is State.APPROVED


def test_a_person_acts_under_the_role_with_the_most_room(desk: Desk) -> None:
    allow(desk, "supervisor", "10")
    allow(desk, "approver", "100")
    both = person("gil", "supervisor@leeds", "approver@leeds")
    assert desk.approve(both, worth(desk, "v/1", "-50")).approved_as == "approver"


def test_only_an_administrator_of_the_place_sets_limits_and_the_audit_chain_tells(desk: Desk) -> None:
    paper = LimitPaper("approver", "GBP", Decimal(5), site=LEEDS)
    for actor in (BOB, EVE, person("al", "admin@madrid")):
        with pytest.raises(NotAllowedError):
            desk.run(lambda conn, actor=actor: limits.put_limit(conn, actor, paper))
    local = person("lou", "admin@leeds")
    desk.run(lambda conn: limits.put_limit(conn, local, paper))
    with pytest.raises(NotAllowedError, match="at all sites"):
        desk.run(lambda conn: limits.put_limit(conn, local, LimitPaper("approver", "GBP", None)))
    told = desk.ask("SELECT action, detail ->> 'limit' FROM audit_event WHERE actor = 'user:lou'")
    assert told == [("approval_limit_set", "5.000000")]
    assert desk.run(lambda conn: limits.limits(conn, DAN)) == []


@pytest.mark.parametrize(
    ("paper", "message"),
    [
        (LimitPaper("auditor", "GBP", None), "role 'auditor': expected one of approver"),
        (LimitPaper("approver", "£", None), "currency '£'"),
        (LimitPaper("approver", "GBP", Decimal(-1)), "limit -1: expected a number from 0"),
        (LimitPaper("approver", "GBP", Decimal("Infinity")), "limit Infinity"),
        (
            LimitPaper("approver", "GBP", Decimal(5), Decimal(6)),
            "self_limit 6: expected at most the limit, 5",
        ),
        (LimitPaper("approver", "GBP", None, kind="Count!"), "kind 'Count!'"),
        (LimitPaper("approver", "GBP", None, site="nowhere"), "site 'nowhere': there is no such site"),
    ],
)
def test_a_limit_that_is_not_as_it_must_be_is_refused(desk: Desk, paper: LimitPaper, message: str) -> None:
    with pytest.raises(DraftError, match=message):
        desk.run(lambda conn: limits.put_limit(conn, ROOT, paper))


def at_once(*works: Callable[[], Decision]) -> list[str]:
    """Let several people answer in the same moment; gives what each was told."""
    ready = threading.Barrier(len(works))
    told: list[str] = []

    def answer(work: Callable[[], Decision]) -> None:
        ready.wait()
        try:
            told.append(work().state.value)
        except DecisionError as error:
            told.append(type(error).__name__)

    threads = [threading.Thread(target=answer, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(told)


def test_of_two_people_at_once_exactly_one_approves(desk: Desk) -> None:
    for number in range(5):
        decision = worth(desk, f"v/{number}", "-5")
        told = at_once(lambda it=decision: desk.apply(BOB, it), lambda it=decision: desk.apply(EVE, it))
        assert told == [WrongStateError.__name__, "applied"]
        assert desk.shelf.done.count(decision.decision_id) == 1


def test_one_person_at_two_screens_does_not_pass_the_limit(desk: Desk) -> None:
    allow(desk, "supervisor", "100")
    for number in range(5):
        parts: Sequence[Decision] = [
            worth(desk, f"v/{number}/{part}", "-60", item=f"I-{number}") for part in (1, 2)
        ]
        told = at_once(*(lambda it=part: desk.apply(CAT, it) for part in parts))
        assert told == [AboveLimitError.__name__, "applied"]


def test_the_sums_are_the_databases_own(desk: Desk) -> None:
    decision = worth(desk, "v/1", "-50")
    desk.approve(BOB, decision)
    other = worth(desk, "v/2", "-1")
    assert desk.run(lambda conn: store.spent(conn, other.decision_id, "user:bob")) == 50
    assert desk.run(lambda conn: store.spent(conn, decision.decision_id, "user:bob")) == 0
