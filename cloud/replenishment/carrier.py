"""Carries an approved purchase order out: the document is made; undone as long as it was not sent."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from cloud.db import Connection
from cloud.decisions.domain import Applied, Changed, Decision, DecisionError, Json
from cloud.documents import order_steps, orders
from cloud.documents.domain import ConflictingDocumentError
from cloud.documents.order_papers import OrderLinePaper, OrderPaper
from cloud.identity.actor import Actor
from cloud.replenishment import store
from cloud.replenishment.domain import DECISION_KIND
from cloud.replenishment.offers import offer_of
from cloud.replenishment.quantities import plain


@dataclass(frozen=True, slots=True)
class PurchaseOrderCarrier:
    """One purchase order of one line per approved decision."""

    kind: str = DECISION_KIND

    def apply(self, conn: Connection, actor: Actor, decision: Decision) -> Applied | Changed:
        """Make the order, unless its price is another by now.

        Args:
            conn: In a transaction that the caller commits directly after.
            actor: Who approved it.
            decision: Approved.

        Returns:
            The order's id; or the effect at the price of now.
        """
        effect = decision.effect
        site, item, supplier = (str(effect[name]) for name in ("site", "item", "supplier"))
        quantity, due_on = Decimal(str(effect["quantity"])), date.fromisoformat(str(effect["due_on"]))
        offer = offer_of(conn, site, item, supplier)
        price = None if offer.price is None else plain(offer.price)
        if (price, offer.currency) != (effect["price"], effect["currency"]):
            return Changed(
                effect={**effect, "price": price, "currency": offer.currency},
                value=None if offer.price is None else quantity * offer.price,
                currency=offer.currency,
                why=f"{supplier}'s price of {item} was {effect['price'] or 'unknown'} {effect['currency']}, "
                f"is {price or 'unknown'} {offer.currency} now",
            )
        line = OrderLinePaper(line="1", item=item, quantity=quantity, price=offer.price, due_on=due_on)
        paper = OrderPaper.model_validate(
            {
                "site": site,
                "id": order_name(decision.decision_id),
                "supplier": supplier,
                "sent_at": decision.created_at,
                "lines": (line,),
            }
        )
        orders.add_order(conn, actor, paper, decision_id=decision.decision_id)
        return Applied({"purchase_order": paper.id, "order_url": f"/orders/{site}/{paper.id}"})

    def reverse(self, conn: Connection, actor: Actor, decision: Decision, reason: str) -> Json:
        """Cancel the order as long as it was not sent.

        Args:
            conn: In a transaction that the caller commits directly after.
            actor: Who reverses it.
            decision: Applied.
            reason: Reason code.

        Returns:
            The order's id.

        Raises:
            DecisionError: If it was sent.
        """
        name, now = order_name(decision.decision_id), datetime.now(UTC)
        try:
            order_steps.cancel_unsent(conn, actor, site=decision.site, name=name, reason=reason, now=now)
        except ConflictingDocumentError as error:
            raise DecisionError(f"{error}; a sent order is closed with its supplier's consent") from error
        store.change(
            conn, "settle_of_decision", decision_id=decision.decision_id, now=now, why="order cancelled"
        )
        return {"cancelled": name}


def order_name(decision_id: int) -> str:
    """Name the order of a decision.

    Args:
        decision_id: The decision.

    Returns:
        As ``PO-000012``.
    """
    return f"PO-{decision_id:06d}"


PURCHASE_ORDER: Final = PurchaseOrderCarrier()
