"""Proposals from forecast and ledger to an order on its way, over a real database."""

from datetime import timedelta
from decimal import Decimal

import pytest
from buying import APPROVER, BUYER, KEEPER, NOW, SITE, TODAY, Buying

from cloud.documents import orders, receipts
from cloud.documents.order_papers import ReceiptPaper
from cloud.ledger.domain import AlreadyClaimedError
from cloud.replenishment import answers, ordering
from cloud.replenishment.answers import AcceptPaper


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
    buying.run(lambda conn: ordering.send(conn, BUYER, site=SITE, name=name, now=NOW))
    later = NOW + timedelta(days=5)
    paper = ReceiptPaper.model_validate(
        {"receipt": "DN-1", "location": "STAGING", "lines": [{"line": "1", "received": 300, "damaged": 12}]}
    )
    buying.run(lambda conn: receipts.receive(conn, KEEPER, paper, site=SITE, name=name, now=later))
    with pytest.raises(AlreadyClaimedError):
        buying.run(lambda conn: receipts.receive(conn, KEEPER, paper, site=SITE, name=name, now=later))
    story = buying.run(lambda conn: orders.order(conn, APPROVER, site=SITE, name=name))
    (line,) = story.lines
    assert (line.received, line.damaged, line.open_quantity) == (312, 12, 48)
    assert buying.on_hand("TEA") == {("A-01", None): 100, ("STAGING", None): 300, ("STAGING", "damaged"): 12}
    assert buying.query("SELECT quantity FROM pub_usable_stock(NULL)") == [(400,)]
    assert found.needed_by >= TODAY
