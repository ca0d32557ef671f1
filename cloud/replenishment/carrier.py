"""Carries an approved order out: the document is made; undone as long as it was not sent.

What comes from a site of ours is a transfer, drafted at both sites; what anybody else sells a purchase order.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from cloud.db import Connection
from cloud.decisions.domain import Applied, Changed, Decision, DecisionError, Json
from cloud.documents import order_steps, orders
from cloud.documents.domain import ConflictingDocumentError
from cloud.documents.lines import base_identifier
from cloud.documents.order_papers import OrderLinePaper, OrderPaper
from cloud.documents.papers import LinePaper
from cloud.documents.transfers import service as transfers
from cloud.documents.transfers.papers import TransferPaper
from cloud.identity.actor import Actor
from cloud.replenishment import store
from cloud.replenishment.domain import DECISION_KIND
from cloud.replenishment.offers import offer_of
from cloud.replenishment.quantities import plain


@dataclass(frozen=True, slots=True)
class PurchaseOrderCarrier:
    """One order of one line per approved decision."""

    kind: str = DECISION_KIND

    def apply(self, conn: Connection, actor: Actor, decision: Decision) -> Applied | Changed:
        """Make the order, unless its price is another by now.

        Args:
            conn: In a transaction that the caller commits directly after.
            actor: Who approved it.
            decision: Approved.

        Returns:
            The order's or transfer's id; or the effect at the price of now.
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
        if (sending := own_site(conn, supplier)) is not None:
            return _transferred(conn, actor, decision, sending)
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
            The order's or transfer's id.

        Raises:
            DecisionError: If it was sent.
        """
        now = datetime.now(UTC)
        name = transfer_name(decision.decision_id)
        if "transfer" in (decision.outcome or {}):
            try:
                transfers.call_off(conn, actor, at=decision.site, name=name, now=now)
            except ConflictingDocumentError as error:
                raise DecisionError(str(error)) from error
            return {"cancelled": name}
        name = order_name(decision.decision_id)
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


def transfer_name(decision_id: int) -> str:
    """Name the transfer of a decision.

    Args:
        decision_id: The decision.

    Returns:
        As ``TR-000012``.
    """
    return f"TR-{decision_id:06d}"


def own_site(conn: Connection, supplier: str) -> str | None:
    """Tell which site of ours a supplier is.

    Args:
        conn: In a transaction.
        supplier: Its id.

    Returns:
        The site; None: somebody else.
    """
    ((site,),) = store.tuples(conn, "own_site", supplier=supplier)
    return None if site is None else str(site)


def _transferred(conn: Connection, actor: Actor, decision: Decision, sending: str) -> Applied:
    """Draft the transfer; it counts as coming from now on, so that its proposal is settled."""
    effect = decision.effect
    item, name = str(effect["item"]), transfer_name(decision.decision_id)
    paper = TransferPaper.model_validate(
        {
            "from_site": sending,
            "to_site": decision.site,
            "id": name,
            "due_on": date.fromisoformat(str(effect["due_on"])),
            "lines": (
                LinePaper(
                    line="1",
                    identifier=base_identifier(conn, ("sku", item), item),
                    quantity=Decimal(str(effect["quantity"])),
                ),
            ),
        }
    )
    transfers.add_transfer(conn, actor, paper)
    now = datetime.now(UTC)
    store.change(
        conn, "settle_of_decision", decision_id=decision.decision_id, now=now, why=f"transfer {name}"
    )
    return Applied({"transfer": name, "transfer_url": f"/transfers/{decision.site}/{name}"})


PURCHASE_ORDER: Final = PurchaseOrderCarrier()
