"""A stated stock list is refused with every fault at once, or bound whole to its instant by two people."""

from decimal import Decimal

import pytest
from closing import NOW, approve
from scenario import CONTROLLER, SITE, Ledger, Outbox, at, move

from cloud.counting.reconciling.domain import ReconciliationError, StatedLine, StatedList
from cloud.counting.reconciling.service import reconcile
from cloud.decisions.domain import Decision, State
from cloud.ledger.domain import NotPostableError
from cloud.ledger.past import as_of
from cloud.ledger.verification.service import verify
from cloud.master.costs import CostPaper, put_costs

ITEM = "gtin:05012345678900"
OTHER = "gtin:05012345678917"


def state(ledger: Ledger, lines: list[StatedLine]) -> Decision:
    paper = StatedList(SITE, at(60), lines, "list.csv")
    return ledger.as_app(lambda conn: reconcile(conn, CONTROLLER, paper, now=NOW))


def test_a_list_is_bound_to_its_instant_whatever_comes_late(ledger: Ledger) -> None:
    gateway = Outbox()
    ledger.post(
        gateway.seal(
            [
                move("10", "@supplier", "A-01"),
                move("5", "@supplier", "B-01", item="05012345678917"),
                move("7", "@supplier", "C-01", item="05012345678917"),
                move("2", "A-01", "@customer", minute=90),
            ]
        )
    )
    wrong = [
        StatedLine("NIL", "A-01", Decimal(1)),
        StatedLine(ITEM, "@customer", Decimal(1)),
        StatedLine(ITEM, "A-01", Decimal(-1)),
        StatedLine(ITEM, "A-01", Decimal(1), disposition="mouldy", place="list.csv:5"),
        StatedLine(ITEM, "A-01", Decimal(2)),
    ]
    with pytest.raises(ReconciliationError) as found:
        state(ledger, wrong)
    assert [str(fault).partition(":")[0] for fault in found.value.faults] == [
        "line 1", "line 2", "line 3", "list.csv", "line 5",
    ]  # fmt: skip
    assert ledger.query("SELECT count(*) FROM reconciliation") == [(0,)]

    lines = [
        StatedLine(ITEM, "A-01", Decimal(8)),  # book 10
        StatedLine(OTHER, "B-01", Decimal(5)),  # as the book
        StatedLine(OTHER, "A-01", Decimal(3)),  # nothing there by the book
    ]
    asked = state(ledger, lines)
    assert (asked.state, asked.effect["lines"], asked.effect["differing"]) == (State.SUBMITTED, 3, 2)
    ledger.post(gateway.seal([move("1", "@supplier", "A-01", minute=30)]))
    again = approve(ledger, asked)
    assert (again.state, again.effect["largest_differences"][0]["difference"]) == (
        State.SUBMITTED,
        "-3.000000",
    )
    done = approve(ledger, again)
    assert (done.state, done.outcome["bound"], done.outcome["differing"]) == (State.APPLIED, 3, 2)
    assert {place: ledger.balances()[place] for place in ("A-01", "B-01", "C-01")} == {
        "A-01": Decimal(9),  # 8 and 3, less the 2 that left later
        "B-01": Decimal(5),
        "C-01": Decimal(7),
    }
    ledger.post(gateway.seal([move("4", "@supplier", "A-01", minute=20)]))
    named = (
        "SELECT i.code || ' ' || l.code, cell_id FROM cell JOIN item i USING (item_id) JOIN location l USING"
    )
    cells = dict(ledger.query(f"{named} (location_id)"))
    wanted = [cells[f"{ITEM} A-01"], cells[f"{OTHER} B-01"], cells[f"{OTHER} A-01"], cells[f"{OTHER} C-01"]]
    then = ledger.as_app(lambda conn: as_of(conn, CONTROLLER, wanted, occurred_at=at(60)))
    assert [then[cell] for cell in wanted] == [8, 5, 3, 7]
    assert ledger.as_owner(verify).is_clean
    with pytest.raises(NotPostableError, match="bound to a count observed at"):
        approve(ledger, state(ledger, lines[:1]))
    cost = CostPaper(OTHER, SITE, Decimal("0.3335"), "KWD", at(-60))
    ledger.as_app(lambda conn: put_costs(conn, CONTROLLER, [cost]))
    dear = state(ledger, [StatedLine(OTHER, "C-01", Decimal(8))])
    assert dear.effect["value_more"] == "0.334", "to the smallest coin of the site's own currency"
    mixed = state(ledger, [StatedLine(OTHER, "C-01", Decimal(9)), StatedLine(ITEM, "A-01", Decimal(99))])
    told = (mixed.value, mixed.effect["value_more"], mixed.effect["value_less"])
    assert told == (None, None, None), "one of them has no cost: nobody knows what all are worth"
