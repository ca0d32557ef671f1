"""Late facts before, at and after an adjustment: the law as_of(observed_at) = count, or somebody is asked."""

from decimal import Decimal

import pytest

from cloud.approvals.service import reverse
from cloud.decisions.domain import AboveLimitError, DecisionError, State
from cloud.decisions.limits import LimitPaper, put_limit
from cloud.identity.actor import Actor, Role
from cloud.master.costs import CostPaper, CostsError, put_costs
from tests.integration.counting.floor import APPROVER, CONTROLLER, RUM, Floor, line
from tests.integration.ledger.scenario import SITE, at, move

ADMIN = Actor("user:adm", frozenset({Role.ADMIN, Role.APPROVER}), all_sites=True)


def final_shortage(floor: Floor, cost: str | None = "2") -> None:
    """Leave a submitted adjustment of ten in the book to seven counted at minute 10."""
    floor.receives("10")
    if cost is not None:
        floor.costs(cost)
    floor.counts(line("7"), minute=10)
    floor.watermark(11)
    floor.settles()


def limited(floor: Floor, amount: str) -> None:
    """Let approvers approve up to an amount."""
    paper = LimitPaper("approver", "EUR", Decimal(amount), site=SITE)
    floor.acts(lambda conn: put_limit(conn, ADMIN, paper))


def test_a_late_fact_before_the_approval_returns_the_decision_and_is_approved_anew(floor: Floor) -> None:
    final_shortage(floor)
    decision = floor.decision()
    floor.happens(move("2", "A-01", "@customer", minute=5))
    returned = floor.approves(decision)
    assert (returned.state, returned.revision) == (State.SUBMITTED, 2)
    assert returned.effect["difference"] == "-1"
    assert returned.value == -2
    assert floor.book() == 8
    assert floor.approves(returned).state is State.APPLIED
    assert (floor.book(), floor.as_of(10)) == (7, 7)


def test_settling_looks_again_at_what_late_facts_changed_or_explained(floor: Floor) -> None:
    final_shortage(floor)
    floor.happens(move("2", "A-01", "@customer", minute=5))
    assert floor.settles()["changed"] == 1
    assert (floor.variance().difference, floor.decision().revision) == (-1, 2)
    assert floor.decision().verdict_note == "later facts: the book is 8 now"
    assert floor.tickets() == [("variance", "A-01: TEA 1 short (counted 7, book 8; 2 EUR)")]
    floor.happens(move("1", "A-01", "@customer", minute=6))
    assert floor.settles()["changed"] == 1
    row = floor.variance()
    assert (row.state, row.decision_state, row.decision_reason) == ("within", "rejected", "withdrawn")
    assert floor.tickets() == []
    floor.happens(move("1", "A-01", "@customer", minute=12))
    assert floor.settles()["changed"] == 0


def test_a_late_fact_after_the_adjustment_is_followed_within_the_limit_and_returned_above_it(
    floor: Floor,
) -> None:
    limited(floor, "8")
    final_shortage(floor)
    floor.approves(floor.decision())
    floor.happens(move("1", "@supplier", "A-01", minute=4))
    assert floor.as_of(10) == 7
    assert floor.settles()["returned"] == 0
    floor.happens(move("1", "@supplier", "A-01", minute=5))
    assert floor.as_of(10) == 8
    assert floor.settles()["returned"] == 1
    assert floor.settles()["returned"] == 0
    row = floor.variance()
    assert (row.state, row.anchor_state, row.decision_state) == ("adjusted", "pending", "submitted")
    assert floor.tickets() == [("variance", "A-01: TEA: facts that arrived late wait for an approver again")]
    returned = floor.decision()
    assert returned.value == -2
    floor.happens(move("2", "A-01", "@customer", minute=6))
    changed = floor.approves(returned)
    assert (changed.state, changed.verdict_note) == (State.SUBMITTED, "more facts have arrived")
    assert floor.approves(changed).state is State.APPLIED
    assert floor.as_of(10) == 7
    assert floor.tickets() == []
    assert floor.variance().anchor_state is None


def test_what_is_worth_more_than_the_limit_or_nobody_knows_needs_somebody_with_more(floor: Floor) -> None:
    limited(floor, "5")
    final_shortage(floor)
    with pytest.raises(AboveLimitError):
        floor.approves(floor.decision())
    floor.receives("4", RUM, minute=12)
    floor.counts(line("3", RUM), minute=13, scope="items")
    floor.watermark(14)
    floor.settles()
    unknown = floor.decision(floor.variance("RUM"))
    assert unknown.value is None
    with pytest.raises(AboveLimitError):
        floor.approves(unknown)


def test_stock_that_was_found_on_an_empty_book_is_bound_too(floor: Floor) -> None:
    floor.counts(line("5"), minute=10)
    floor.watermark(11)
    floor.settles()
    assert (floor.variance().book, floor.variance().state) == (0, "beyond")
    floor.approves(floor.decision())
    assert floor.book() == 5
    floor.receives("5", minute=2)
    assert (floor.as_of(10), floor.book()) == (5, 5)


def test_found_stock_goes_back_to_its_approver_too(floor: Floor) -> None:
    limited(floor, "12")
    floor.receives("1", RUM)
    floor.costs("2")
    floor.counts(line("5"), minute=10, scope="items")
    floor.watermark(11)
    floor.settles()
    floor.approves(floor.decision())
    floor.receives("12", minute=2)
    assert (floor.as_of(10), floor.settles()["returned"]) == (17, 1)
    returned = floor.decision()
    assert (returned.state, returned.value) == (State.SUBMITTED, -24)
    with pytest.raises(AboveLimitError):
        floor.approves(returned)
    limited(floor, "100")
    assert floor.approves(returned).state is State.APPLIED
    assert floor.as_of(10) == 5


def test_late_facts_of_stock_found_on_an_empty_book_return_above_the_limit(floor: Floor) -> None:
    limited(floor, "12")
    floor.receives("1", minute=20)
    floor.happens(move("1", "A-01", "@customer", minute=21))
    floor.costs("2")
    floor.counts(line("5"), minute=10)
    floor.watermark(22)
    floor.settles()
    floor.approves(floor.decision())
    assert floor.as_of(10) == 5
    floor.happens(move("3", "A-01", "@customer", minute=5))
    assert floor.as_of(10) == 2
    assert floor.settles()["returned"] == 1
    assert floor.variance().anchor_state == "pending"
    assert floor.approves(floor.decision()).state is State.APPLIED
    assert floor.as_of(10) == 5


def test_an_applied_adjustment_is_not_reversed_but_replaced_by_a_later_count(floor: Floor) -> None:
    final_shortage(floor)
    applied = floor.approves(floor.decision())
    with pytest.raises(DecisionError, match="count the bin again, the later count replaces it"):
        floor.acts(
            lambda conn: reverse(
                conn, APPROVER, applied.decision_id, applied.revision, reason="approved_in_error"
            )
        )
    floor.counts(line("10"), minute=20)
    floor.watermark(21)
    floor.settles()
    floor.approves(floor.decision(floor.variances(item="TEA")[0]))
    assert (floor.as_of(10), floor.as_of(20), floor.book()) == (7, 10, 10)


def test_author_and_approver_stand_apart_in_the_ledger(floor: Floor) -> None:
    final_shortage(floor)
    floor.approves(floor.decision())
    assert floor.ledger.query("SELECT author, approver, state, reason FROM adjustment") == [
        ("user:ann", "user:bob", "applied", "count_variance")
    ]
    (audited,) = floor.ledger.query("SELECT actor FROM audit_event WHERE action = 'adjusted_to_count'")
    assert audited == ("user:bob",)


def test_costs_are_kept_from_an_instant_on_and_faults_are_told_together(floor: Floor) -> None:
    def put(*papers: CostPaper) -> int:
        return floor.acts(lambda conn: put_costs(conn, CONTROLLER, papers))

    first = CostPaper("TEA", SITE, Decimal(2), "EUR", at(0))
    assert (put(first), put(first)) == (1, 0)
    assert put(CostPaper("TEA", SITE, Decimal(3), "EUR", at(15))) == 1
    wrong = [
        CostPaper("TEA", SITE, Decimal(4), "EUR", at(0), place="f:2: "),
        CostPaper("TEA", SITE, Decimal("NaN"), "EUR", at(1), place="f:3: "),
        CostPaper("NIL", SITE, Decimal(1), "EUR", at(1), place="f:4: "),
        CostPaper("TEA", SITE, Decimal(-1), "EUR", at(1), place="f:5: "),
        CostPaper("TEA", SITE, Decimal(1), "eur", at(1), place="f:6: "),
    ]
    with pytest.raises(CostsError) as told:
        put(*wrong)
    assert [text.split(" ")[0] for text in str(told.value).splitlines()] == ["f:3:", "f:4:", "f:5:", "f:6:"]
    with pytest.raises(CostsError, match="f:2: TEA at leeds: 2 EUR is valid from"):
        put(wrong[0])
    floor.receives("10")
    floor.counts(line("9"), minute=10)
    floor.counts(line("9"), minute=20)
    assert [row.value for row in floor.variances(item="TEA")] == [-3, -2]
