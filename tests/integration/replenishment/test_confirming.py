"""What suppliers confirm of sent orders, over a real database: taken, or approved by another person first."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from buying import APPROVER, BUYER, KEEPER, NOW, PLANNER, TODAY, Buying, teas

from cloud.approvals import service as approvals
from cloud.decisions import service as decisions
from cloud.decisions.domain import DecisionError, OwnDecisionError, State
from cloud.documents import order_receipts, orders
from cloud.documents.domain import ConflictingDocumentError, DocumentError
from cloud.documents.order_papers import OrderPaper, OrderStory, ReceiptPaper
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.replenishment import confirming, ordering
from cloud.replenishment.confirming import ConfirmationPaper, ConfirmationTolerance

ROOT = Actor("system:test", frozenset({Role.ADMIN}), all_sites=True)
LINE = {"line": "1", "item": "TEA", "quantity": "100", "price": "2.50", "due_on": TODAY + timedelta(7)}


def sent(buying: Buying, **line: Any) -> None:
    """Register an order of a hundred at 2.50 that was sent yesterday."""
    buying.supplier("ACME")
    stated = {"site": buying.site, "id": "P-1", "supplier": "ACME", "sent_at": NOW - timedelta(1)}
    paper = OrderPaper.model_validate(stated | {"lines": [LINE | line]})
    buying.run(lambda conn: orders.register_order(conn, BUYER, paper, now=NOW))


def confirm(buying: Buying, by: Actor = BUYER, **line: Any) -> OrderStory:
    paper = ConfirmationPaper.model_validate({"reference": "AB-7", "lines": [{"line": "1"} | line]})
    return buying.run(lambda conn: confirming.confirm(conn, by, paper, site=buying.site, name="P-1"))


def receive(buying: Buying, quantity: str) -> None:
    lines = [{"line": "1", "received": quantity}]
    paper = ReceiptPaper.model_validate({"receipt": "DN-1", "location": "STAGING", "lines": lines})
    buying.run(
        lambda conn: order_receipts.receive(conn, KEEPER, paper, site=buying.site, name="P-1", now=NOW)
    )


def coming(buying: Buying) -> list[tuple[Any, ...]]:
    """What planning expects, and when."""
    return buying.query("SELECT quantity, due_on FROM pub_open_order_lines(ARRAY[%s])", buying.site)


def held(story: OrderStory) -> tuple[Decimal, Decimal | None, Decimal]:
    (line,) = story.lines
    return line.quantity, line.price, line.open_quantity


def test_within_the_tolerance_it_holds_at_once(buying: Buying) -> None:
    sent(buying)
    later = TODAY + timedelta(9)
    story = confirm(buying, quantity="96", price="2.55", due_on=later)
    assert held(story) == (96, Decimal("2.55"), 96)
    assert (story.lines[0].ordered, story.lines[0].ordered_price) == (100, Decimal("2.50"))
    assert story.order.value == Decimal("244.80")
    assert coming(buying) == [(96, later)]
    (told,) = story.confirmations
    assert (told.beyond, told.is_taken, told.reference, told.stated_by) == ([], True, "AB-7", "user:bea")
    again = confirm(buying, quantity="96", price="2.55", due_on=later)
    assert again.confirmations == story.confirmations
    # A registration of the order as it was placed is still the same order.
    sent(buying)
    # Small steps do not add up unseen: 92 is 4 % below the last, but 8 % below what was approved.
    further = confirm(buying, quantity="92")
    assert further.confirmations[-1].beyond == ["quantity 92 instead of 100: 8 % less, tolerated are 5 %"]
    assert held(further) == (96, Decimal("2.55"), 96)


def test_beyond_it_another_person_approves_and_it_can_be_taken_back(buying: Buying) -> None:
    sent(buying)
    confirm(buying, quantity="98")
    waiting = confirm(buying, quantity="60", price="3")
    number = waiting.confirmations[-1].decision_id
    assert (held(waiting)[0], waiting.confirmations[-1].is_taken) == (98, False)
    both = Actor(BUYER.id, frozenset({Role.BUYER, Role.APPROVER}), all_sites=True)
    with pytest.raises(OwnDecisionError, match="worth 180 EUR"):
        buying.approve(number, by=both)
    done = buying.approve(number)
    assert (done.state, done.kind, done.item) == (State.APPLIED, "order_change", "TEA")
    story = buying.run(lambda conn: orders.order(conn, APPROVER, site=buying.site, name="P-1"))
    assert (held(story), story.confirmations[-1].is_taken) == ((60, Decimal(3), 60), True)
    assert coming(buying)[0][0] == 60
    # What was approved is what the next one is compared with.
    assert confirm(buying, quantity="58").confirmations[-1].beyond == []
    with pytest.raises(DecisionError, match="another confirmation was taken since"):
        reverse(buying, number)
    number = confirm(buying, quantity="30").confirmations[-1].decision_id
    buying.approve(number)
    reverse(buying, number)
    story = buying.run(lambda conn: orders.order(conn, APPROVER, site=buying.site, name="P-1"))
    assert held(story) == (58, Decimal(3), 58)
    assert story.confirmations[-1].is_taken is False


def reverse(buying: Buying, number: int) -> None:
    def work(conn: Any) -> None:
        approvals.reverse(conn, APPROVER, number, 1, reason="facts_changed")

    buying.run(work)


def test_what_is_rejected_does_not_hold_and_can_be_asked_again(buying: Buying) -> None:
    sent(buying, price=None)
    story = confirm(buying, price="2")
    assert story.confirmations[-1].beyond == ["price 2: none was known when it was approved"]
    first = story.confirmations[-1].decision_id
    buying.run(lambda conn: decisions.reject(conn, APPROVER, first, 1, reason="too_expensive"))
    story = confirm(buying, price="2")
    second = story.confirmations[-1].decision_id
    assert second not in {None, first}
    assert held(story) == (100, None, 100)
    assert buying.approve(second).state is State.APPLIED


def test_a_later_word_and_the_orders_end_withdraw_what_waits(buying: Buying) -> None:
    def states() -> list[tuple[Any, ...]]:
        return buying.query(
            "SELECT state, verdict_note FROM decision WHERE site_id = %s ORDER BY decision_id", buying.site
        )

    sent(buying)
    confirm(buying, quantity="50")
    confirm(buying, quantity="40")
    assert states() == [
        ("rejected", "the supplier has confirmed something else since"),
        ("submitted", ""),
    ]
    closing = {"site": buying.site, "name": "P-1", "reason": "supplier_cannot", "now": NOW}
    closed = buying.run(lambda conn: ordering.close(conn, BUYER, **closing))
    assert (closed.order.state, states()[-1]) == ("closed", ("rejected", "the order was closed"))
    with pytest.raises(ConflictingDocumentError, match="expected one that is sent"):
        confirm(buying, quantity="100")


def test_less_than_what_came_is_no_confirmation(buying: Buying) -> None:
    sent(buying)
    number = confirm(buying, quantity="50").confirmations[-1].decision_id
    receive(buying, "60")
    with pytest.raises(DecisionError, match="60 have come, more than the 50"):
        buying.approve(number)
    with pytest.raises(DocumentError, match="expected at least 60, which has come"):
        confirm(buying, quantity="59")
    with pytest.raises(DocumentError, match="expected a whole number"):
        confirm(buying, quantity="60.5")
    with pytest.raises(DocumentError, match="has no line '2'"):
        confirm(buying, line="2", quantity="60")
    with pytest.raises(NotAllowedError):
        confirm(buying, by=PLANNER, quantity="60")
    enough = confirm(buying, quantity="60")
    buying.approve(enough.confirmations[-1].decision_id)
    assert coming(buying) == []


def test_the_tolerance_of_a_site_goes_before_the_networks(buying: Buying) -> None:
    def tolerate(site: str | None, quantity: str, price: str, by: Actor = ROOT) -> None:
        paper = ConfirmationTolerance.model_validate(
            {"site": site, "quantity_percent": quantity, "price_percent": price}
        )
        buying.run(lambda conn: confirming.set_tolerance(conn, by, paper))

    def told() -> tuple[Any, ...]:
        found = buying.run(lambda conn: confirming.tolerance(conn, BUYER, site=buying.site))
        return found.quantity_percent, found.price_percent, found.set_by

    assert told()[2] == "default"
    sent(buying)
    tolerate(buying.site, "50", "0")
    assert told() == (50, 0, "system:test")
    assert confirm(buying, quantity="50").confirmations[-1].is_taken
    assert confirm(buying, price="2.51").confirmations[-1].beyond == [
        "price 2.51 instead of 2.5: 0.4 % more, tolerated are 0 %"
    ]
    assert confirm(buying, price="2.40").confirmations[-1].is_taken
    with pytest.raises(NotAllowedError):
        tolerate(buying.site, "100", "100", by=BUYER)


def test_an_order_confirmed_smaller_is_proposed_for_again(buying: Buying) -> None:
    teas(buying)
    sent(buying, quantity="500")
    assert buying.propose()["covered"] == 1
    number = confirm(buying, quantity="100").confirmations[-1].decision_id
    assert buying.propose()["covered"] == 1
    buying.approve(number)
    assert buying.propose()["new"] == 1
    assert buying.one().arithmetic["numbers"]["position"] == 200
