"""A closed figure is what had occurred and was known; what comes later is listed and changes nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from closing import BOSS, approve, ask, closed, lines, worth
from scenario import CONTROLLER, SITE, Ledger, Outbox, move

from cloud.approvals.service import approve_and_apply
from cloud.decisions.domain import OwnDecisionError, State
from cloud.identity.actor import Role
from cloud.ledger.past import fold
from cloud.periods import reading
from cloud.periods.domain import PeriodError

MARCH_END = datetime(2026, 3, 31, 23, 59, 59, 999999, tzinfo=UTC)
DAY = 24 * 60
ITEM = "gtin:05012345678900"


def priced(ledger: Ledger, cost: str | None = "2.345") -> None:
    ledger.query("UPDATE site SET currency = 'EUR' RETURNING 1")
    if cost:
        add = "INSERT INTO item_cost SELECT item_id, 'leeds', '2026-01-01', %s, 'EUR' FROM item RETURNING 1"
        ledger.query(add, Decimal(cost))


def test_a_period_is_closed_by_two_people_and_stays_as_it_was_closed(ledger: Ledger) -> None:
    gateway = Outbox()
    ledger.post(gateway.seal([move("10", "@supplier", "A-01", minute=5)]))
    priced(ledger)
    with pytest.raises(PeriodError, match="2 gateways have not reported"):
        ask(ledger, "2026-03")
    with pytest.raises(PeriodError, match="expected one that is over"):
        ask(ledger, "2026-09", "figures_due")
    asked = ask(ledger, "2026-03", "figures_due")
    assert (asked.state, asked.value, asked.currency) == (State.SUBMITTED, Decimal("23.45"), "EUR")
    with pytest.raises(OwnDecisionError):
        approve_as_author(ledger, asked)
    ledger.post(gateway.seal([move("1", "@supplier", "A-01", minute=6)]))
    again = approve(ledger, asked)
    assert (again.state, again.value) == (State.SUBMITTED, Decimal("25.80"))
    assert "1 more facts" in again.verdict_note
    ledger.post(gateway.seal([move("3", "@supplier", "A-01", minute=40 * DAY)]))  # of April: changes nothing
    assert approve(ledger, again).state == State.APPLIED
    (first,) = ledger.as_app(lambda conn: reading.closes(conn, CONTROLLER, site=SITE, limit=9))
    assert (first.ends_at, first.revision, first.closed_by) == (MARCH_END, 1, BOSS.id)
    assert [point.kind for point in first.points] == ["incomplete"]
    assert lines(ledger, first) == {(ITEM, "A-01"): (Decimal(11), Decimal("25.80"))}

    ledger.as_app(fold)
    ledger.post(gateway.seal([move("4", "A-01", "@customer", minute=9), move("2", "A-01", "B-01", minute=8)]))
    for _ in range(2):  # before the fold and after it
        late = ledger.as_app(
            lambda conn: reading.prior_facts(conn, CONTROLLER, close_id=first.close_id, limit=9)
        )
        assert [(fact.change, fact.value, fact.author) for fact in late] == [
            (Decimal(-4), Decimal("-9.38"), "gw-1"),
            (Decimal(0), Decimal("0.00"), "gw-1"),
        ]
        ledger.as_app(fold)
    assert worth(ledger, first).value == Decimal("25.80")

    with pytest.raises(PeriodError, match="2026-03 is closed"):
        ask(ledger, "2026-03")
    second = closed(ledger, "2026-03", "late_facts")
    assert (second.revision, second.is_last) == (2, True)
    assert worth(ledger, second).value == Decimal("16.42")  # 5 x 2.345 and 2 x 2.345, each rounded
    assert worth(ledger, first).value == Decimal("25.80")
    april = closed(ledger, "2026-04", "figures_due")
    assert lines(ledger, april)[ITEM, "A-01"][0] == Decimal(8)


def approve_as_author(ledger: Ledger, decision: object) -> None:
    author = replace(CONTROLLER, roles=CONTROLLER.roles | {Role.APPROVER})
    ledger.as_app(lambda conn: approve_and_apply(conn, author, decision.decision_id, decision.revision))
