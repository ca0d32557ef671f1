"""Proposals from forecast and ledger to an order on its way, over a real database."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from buying import (
    APPROVER,
    BUYER,
    KEEPER,
    NOW,
    PLANNER,
    TODAY,
    Buying,
    teas,
)

from cloud.approvals import service as approvals
from cloud.decisions import service as decisions
from cloud.decisions.domain import AboveLimitError, DecisionError, OwnDecisionError
from cloud.decisions.limits import LimitPaper, put_limit
from cloud.documents import order_receipts, order_steps, orders
from cloud.documents.order_papers import OrderPaper, ReceiptPaper
from cloud.identity.actor import Actor, Role
from cloud.ledger.corrections import post_reversal
from cloud.ledger.domain import AlreadyClaimedError
from cloud.replenishment import answers, ordering
from cloud.replenishment.answers import AcceptPaper, ChangePaper, RejectPaper
from cloud.replenishment.domain import AnsweredProposalError, ReplenishmentError
from cloud.replenishment.store import ProposalRow
from contracts.records import RowRef

ROOT = Actor("system:test", frozenset({Role.ADMIN}), all_sites=True)


def test_a_proposal_becomes_an_order_and_its_goods_stock_once(buying: Buying) -> None:
    buying.stock("TEA", "100")
    buying.supplier("ACME")
    buying.sells("ACME", "TEA", min_order="48", pack="12")
    buying.forecast({"TEA": (20.0, 6.0)})
    told = buying.propose()
    assert (told["proposals"], told["new"]) == (1, 1)
    found = buying.one()
    # Lead time 7 and review 7: 14 days need 280 and 1.645 x 6 x sqrt(14) = 36.9 more; a review's 140 on top.
    numbers = found.arithmetic["numbers"]
    assert numbers["reorder_point"] == pytest.approx(280 + 1.644854 * 6 * 14**0.5, abs=0.01)
    assert numbers["order_up_to"] == pytest.approx(numbers["reorder_point"] + 140, abs=0.01)
    assert (found.quantity, found.value) == (Decimal(360), Decimal("900.00"))
    accepted = buying.run(lambda conn: answers.accept(conn, BUYER, found.proposal_id, AcceptPaper(), now=NOW))
    assert (accepted.state, accepted.decision_state) == ("accepted", "submitted")
    decision = buying.approve(accepted.decision_id)
    name = decision.outcome["purchase_order"]
    buying.run(lambda conn: ordering.send(conn, BUYER, site=buying.site, name=name, now=NOW))
    later = NOW + timedelta(days=5)
    paper = ReceiptPaper.model_validate(
        {"receipt": "DN-1", "location": "STAGING", "lines": [{"line": "1", "received": 300, "damaged": 12}]}
    )
    buying.run(
        lambda conn: order_receipts.receive(conn, KEEPER, paper, site=buying.site, name=name, now=later)
    )
    with pytest.raises(AlreadyClaimedError):
        buying.run(
            lambda conn: order_receipts.receive(conn, KEEPER, paper, site=buying.site, name=name, now=later)
        )
    story = buying.run(lambda conn: orders.order(conn, APPROVER, site=buying.site, name=name))
    (line,) = story.lines
    assert (line.received, line.damaged, line.open_quantity) == (312, 12, 48)
    assert buying.on_hand("TEA") == {("A-01", None): 100, ("STAGING", None): 300, ("STAGING", "damaged"): 12}
    assert buying.query("SELECT quantity FROM pub_usable_stock(ARRAY[%s])", buying.site) == [(400,)]
    assert found.needed_by >= TODAY
    ((seq,),) = buying.query(
        "SELECT m.seq FROM read_movements(NULL, NULL, %s, 'TEA', 'STAGING', 999999, 0, "
        "NULL, NULL, NULL, NULL, '~', NULL, 9) m WHERE m.quantity = 300",
        buying.site,
    )
    ref = RowRef(gateway="_cloud", epoch="0" * 16, seq=seq)
    buying.run(lambda conn: post_reversal(conn, KEEPER, ref, reason="wrong_order"))
    story = buying.run(lambda conn: orders.order(conn, APPROVER, site=buying.site, name=name))
    assert (story.lines[0].received, story.lines[0].open_quantity) == (12, 348)  # open again


def accepted(buying: Buying, by: Actor = BUYER) -> ProposalRow:
    found = buying.one()
    return buying.run(lambda conn: answers.accept(conn, by, found.proposal_id, AcceptPaper(), now=NOW))


def test_the_same_run_twice_proposes_once_and_the_next_day_replaces_it(buying: Buying) -> None:
    teas(buying)
    slot = NOW.replace(minute=0)
    first = buying.propose(slot=slot)
    name = buying.one().proposal_id
    assert "has its run of slot" in buying.propose(slot=slot)["skipped"]
    again = buying.propose()
    assert (first["new"], again["new"], again["proposals"], again["expired"]) == (1, 0, 1, 0)
    assert buying.one().proposal_id == name
    tomorrow = buying.propose(NOW + timedelta(days=1))
    assert (tomorrow["new"], tomorrow["expired"]) == (1, 1)
    assert [row.state for row in buying.proposals(only_unsent=False)] == ["expired", "proposed"]
    with pytest.raises(AnsweredProposalError, match="is expired"):
        buying.run(lambda conn: answers.accept(conn, BUYER, name, AcceptPaper(), now=NOW))
    assert buying.propose()["new"] == 1  # the first day's inputs again: its proposal stands again
    assert buying.one().proposal_id == name


def test_an_accepted_proposal_keeps_its_cell_until_it_is_sent_or_refused(buying: Buying) -> None:
    teas(buying)
    buying.propose()
    first = accepted(buying)
    told = buying.propose(NOW + timedelta(days=1))
    assert (told["proposals"], told["new"], told["waiting"]) == (1, 0, 1)
    buying.run(
        lambda conn: decisions.reject(conn, APPROVER, first.decision_id, 1, reason="too_expensive", note="")
    )
    assert buying.propose(NOW + timedelta(days=1))["new"] == 1
    second = buying.run(
        lambda conn: answers.accept(conn, BUYER, buying.one().proposal_id, AcceptPaper(), now=NOW)
    )
    name = buying.approve(second.decision_id).outcome["purchase_order"]
    buying.run(lambda conn: ordering.send(conn, BUYER, site=buying.site, name=name, now=NOW))
    later = buying.propose(NOW + timedelta(days=1))
    assert (later["proposals"], later["covered"]) == (0, 1)  # the sent order counts


def test_an_unknown_price_is_an_unknown_value_that_no_limit_covers(buying: Buying) -> None:
    teas(buying, price=None)
    buying.run(
        lambda conn: put_limit(conn, ROOT, LimitPaper(role="approver", currency="EUR", limit=Decimal(10**9)))
    )
    buying.propose()
    found = accepted(buying)
    assert found.value is None
    with pytest.raises(AboveLimitError, match="an unknown value"):
        buying.approve(found.decision_id)


def test_a_buyer_does_not_approve_the_own_order(buying: Buying) -> None:
    teas(buying)
    buying.propose()
    both = Actor("user:bea", frozenset({Role.BUYER, Role.APPROVER}), all_sites=True)
    found = accepted(buying, both)
    with pytest.raises(OwnDecisionError):
        buying.approve(found.decision_id, both)


def test_a_price_that_changed_sends_the_order_back_to_its_approver(buying: Buying) -> None:
    teas(buying)
    buying.propose()
    found = accepted(buying)
    buying.sells("ACME", "TEA", min_order="48", pack="12", price="3.00")
    back = buying.approve(found.decision_id)
    assert (back.state, back.revision, back.value) == ("submitted", 2, Decimal(1080))
    assert "was 2.5 EUR, is 3 EUR now" in back.verdict_note
    assert buying.query("SELECT count(*) FROM purchase_order WHERE site_id = %s", buying.site) == [(0,)]
    assert buying.approve(found.decision_id).state == "applied"


def test_an_unsent_order_is_undone_and_a_sent_one_is_not(buying: Buying) -> None:
    teas(buying)
    buying.propose()
    done = buying.approve(accepted(buying).decision_id)
    undone = buying.run(
        lambda conn: approvals.reverse(
            conn, APPROVER, done.decision_id, done.revision, reason="approved_in_error"
        )
    )
    assert undone.state == "reversed"
    (row,) = buying.run(lambda conn: orders.orders(conn, BUYER, site=buying.site, limit=9))
    assert (row.state, row.end_reason) == ("cancelled", "approved_in_error")
    assert buying.propose(NOW + timedelta(days=1))["new"] == 1
    found = buying.one()
    second = buying.run(lambda conn: answers.accept(conn, BUYER, found.proposal_id, AcceptPaper(), now=NOW))
    applied = buying.approve(second.decision_id)
    name = applied.outcome["purchase_order"]
    buying.run(lambda conn: ordering.send(conn, BUYER, site=buying.site, name=name, now=NOW))
    with pytest.raises(DecisionError, match="is sent"):
        buying.run(
            lambda conn: approvals.reverse(
                conn, APPROVER, applied.decision_id, applied.revision, reason="facts_changed"
            )
        )
    closed = buying.run(
        lambda conn: order_steps.close(
            conn, BUYER, site=buying.site, name=name, reason="supplier_cannot", now=NOW
        )
    )
    assert closed.order.state == "closed"
    assert buying.propose(NOW + timedelta(days=2))["new"] == 1  # nothing comes any more


def test_a_change_is_held_to_what_the_supplier_takes(buying: Buying) -> None:
    teas(buying)
    buying.supplier("ZETA", currency="GBP")
    buying.propose()
    name = buying.one().proposal_id

    def change(**fields: Any) -> ProposalRow:
        paper = ChangePaper.model_validate({"reason": "budget"} | fields)
        return buying.run(lambda conn: answers.change(conn, PLANNER, name, paper, now=NOW))

    with pytest.raises(ReplenishmentError, match="quantity 24: expected at least 48, the least order"):
        change(quantity="24")
    with pytest.raises(ReplenishmentError, match="expected whole multiples of 12, as 48 or 60"):
        change(quantity="50")
    with pytest.raises(ReplenishmentError, match="there is no supplier 'NOBODY'"):
        change(supplier="NOBODY")
    with pytest.raises(ReplenishmentError, match="expected from today to 730 days ahead"):
        change(due_on="2199-01-01")
    with pytest.raises(ReplenishmentError, match="reason 'because': expected one of"):
        change(quantity="60", reason="because")
    with pytest.raises(ReplenishmentError, match="expected another quantity, supplier or date"):
        change()
    changed = change(quantity="60", supplier="ZETA", due_on=TODAY + timedelta(3))
    assert (changed.state, changed.chosen["quantity"], changed.reason) == ("changed", "60", "budget")
    ((value, currency),) = buying.query(
        "SELECT value, currency FROM decision WHERE site_id = %s", buying.site
    )
    assert (value, currency) == (None, "GBP")  # no terms of theirs are known


def test_a_late_order_is_hurried_first_and_a_new_one_raised_where_it_cannot_be(buying: Buying) -> None:
    teas(buying)
    line = {"line": "1", "item": "TEA", "quantity": "500", "price": "2.5", "due_on": TODAY + timedelta(60)}
    stated = {
        "site": buying.site,
        "id": "PO-FAR",
        "supplier": "ACME",
        "sent_at": NOW - timedelta(2),
        "lines": [line],
    }
    paper = OrderPaper.model_validate(stated)
    assert buying.run(lambda conn: orders.register_order(conn, BUYER, paper, now=NOW))
    assert not buying.run(lambda conn: orders.register_order(conn, BUYER, paper, now=NOW))
    buying.propose()
    found = buying.one()
    assert (found.kind, found.value) == ("expedite", None)
    with pytest.raises(ReplenishmentError, match="expected due_on, the date that the supplier agreed to"):
        accepted(buying)
    late = AcceptPaper(due_on=TODAY + timedelta(60))
    with pytest.raises(ReplenishmentError, match="expected a day before 2026-05-03"):
        buying.run(lambda conn: answers.accept(conn, BUYER, found.proposal_id, late, now=NOW))
    no = RejectPaper(reason="supplier_cannot")
    buying.run(lambda conn: answers.reject(conn, BUYER, found.proposal_id, no, now=NOW))
    buying.propose()
    new = buying.one()
    assert (new.kind, new.quantity) == ("order", Decimal(360))


def test_a_hurried_order_covers_from_its_new_date(buying: Buying) -> None:
    teas(buying)
    line = {"line": "1", "item": "TEA", "quantity": "500", "due_on": TODAY + timedelta(60)}
    stated = {
        "site": buying.site,
        "id": "PO-FAR",
        "supplier": "ACME",
        "sent_at": NOW - timedelta(2),
        "lines": [line],
    }
    paper = OrderPaper.model_validate(stated)
    buying.run(lambda conn: orders.register_order(conn, BUYER, paper, now=NOW))
    buying.propose()
    yes = AcceptPaper(due_on=TODAY + timedelta(4))
    done = buying.run(lambda conn: answers.accept(conn, BUYER, buying.one().proposal_id, yes, now=NOW))
    assert (done.state, done.settled_why, done.decision_id) == ("accepted", "expedited", None)
    assert buying.propose()["covered"] == 1
    story = buying.run(lambda conn: orders.order(conn, BUYER, site=buying.site, name="PO-FAR"))
    assert (story.lines[0].due_on, story.lines[0].ordered_for) == (
        TODAY + timedelta(4),
        TODAY + timedelta(60),
    )
