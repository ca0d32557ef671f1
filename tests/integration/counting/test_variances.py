"""What a count found against the book: at once and provisional, then once and for all."""

from decimal import Decimal

import pytest

from cloud.decisions.domain import OwnDecisionError, State
from tests.integration.counting.floor import APPROVER, COUNTER, Floor, line


def test_a_shortage_is_shown_settled_told_and_adjusted_by_another_person(floor: Floor) -> None:
    floor.receives("10")
    floor.costs("2.50")
    floor.counts(line("7"), minute=10)
    row = floor.variance()
    assert (row.stage, row.state, row.book, row.counted, row.difference) == (
        "provisional",
        "beyond",
        10,
        7,
        -3,
    )
    assert row.value == Decimal("-7.5")
    assert floor.settles()["settled"] == 0
    floor.watermark(11)
    assert floor.settles() == {
        "settled": 1, "beyond": 1, "unreported": 0, "superseded": 0, "changed": 0, "returned": 0,
    }  # fmt: skip
    row = floor.variance()
    assert (row.stage, row.state, row.difference) == ("final", "beyond", -3)
    assert floor.tickets() == [
        ("variance", "A-01: TEA 3 each short (counted 7, book 10; 7.5 EUR)"),
    ]
    decision = floor.decision(row)
    assert (decision.state, decision.author, decision.value) == (State.SUBMITTED, "user:ann", Decimal("-7.5"))
    with pytest.raises(OwnDecisionError):
        floor.approves(decision, COUNTER)
    assert floor.book() == 10
    assert floor.approves(decision, APPROVER).state is State.APPLIED
    assert floor.book() == 7
    assert floor.variance().state == "adjusted"
    assert floor.tickets() == []
    assert floor.settles()["settled"] == 0
