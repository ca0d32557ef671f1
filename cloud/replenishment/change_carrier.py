"""Carries an approved change of a sent order out: the confirmed quantity and price hold from then on."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from cloud.db import Connection
from cloud.decisions.domain import Applied, Changed, Decision, DecisionError, Json
from cloud.documents.domain import DocumentError
from cloud.documents.order_papers import OrderLineRow
from cloud.documents.orders import locked
from cloud.identity.actor import Actor
from cloud.ledger.store import audit
from cloud.replenishment import store
from cloud.replenishment.confirming import CHANGE_KIND
from cloud.replenishment.quantities import plain


@dataclass(frozen=True, slots=True)
class OrderChangeCarrier:
    """One line of a sent order per approved decision."""

    kind: str = CHANGE_KIND

    def apply(self, conn: Connection, actor: Actor, decision: Decision) -> Applied | Changed:
        """Let what the supplier confirmed hold.

        Args:
            conn: In a transaction that the caller commits directly after.
            actor: Who approved it.
            decision: Approved.

        Returns:
            What held before and holds now.

        Raises:
            DecisionError: If the order has ended, or more has come than was confirmed.
        """
        effect = decision.effect
        row = _line(conn, actor, decision)
        quantity = Decimal(str(effect["quantity"]))
        price = None if effect["price"] is None else Decimal(str(effect["price"]))
        if quantity < row.received:
            raise DecisionError(
                f"{effect['order']}, line {row.line}: {plain(row.received)} have come, more than the "
                f"{plain(quantity)} that were confirmed: reject it, and confirm what holds"
            )
        _set(conn, actor, decision, quantity=quantity, price=price, decision_id=decision.decision_id)
        return Applied(
            {
                "purchase_order": effect["order"],
                "line": row.line,
                "quantity": plain(quantity),
                "was_quantity": plain(row.quantity),
                "was_price": None if row.price is None else plain(row.price),
                "order_url": effect["order_url"],
            }
        )

    def reverse(self, conn: Connection, actor: Actor, decision: Decision, reason: str) -> Json:
        """Let hold again what held before, as long as nothing was taken since.

        Args:
            conn: In a transaction that the caller commits directly after.
            actor: Who reverses it.
            decision: Applied.
            reason: Reason code.

        Returns:
            What holds again.

        Raises:
            DecisionError: If the order has ended, or something else was taken since.
        """
        del reason  # the decision's step keeps it
        row = _line(conn, actor, decision)
        last, *before = store.tuples(conn, "order_terms", **_where(decision))
        if last[3] != decision.decision_id:
            raise DecisionError(
                f"{decision.effect['order']}, line {row.line}: another confirmation was taken since; "
                "record what the supplier says now instead"
            )
        quantity, price = before[0][1:3] if before else (row.ordered, row.ordered_price)
        _set(conn, actor, decision, quantity=quantity, price=price, decision_id=None)
        return {"quantity": plain(quantity), "price": None if price is None else plain(price)}


def _where(decision: Decision) -> dict[str, str]:
    return {"site": decision.site, "id": str(decision.effect["order"]), "line": str(decision.effect["line"])}


def _line(conn: Connection, actor: Actor, decision: Decision) -> OrderLineRow:
    where = _where(decision)
    try:
        found = locked(conn, actor, where["site"], where["id"], only="sent")
    except DocumentError as error:
        raise DecisionError(f"{error}: its terms do not matter any more") from error
    return next(row for row in found.lines if row.line == where["line"])


def _set(conn: Connection, actor: Actor, decision: Decision, **terms: Any) -> None:
    where = _where(decision)
    store.change(conn, "add_order_terms", **where, **terms, actor=actor.id)
    told = {name: plain(value) for name, value in terms.items() if isinstance(value, Decimal)}
    detail = {"line": where["line"], "decision_id": decision.decision_id, **told}
    subject = f"purchase_order:{where['id']}"
    audit(conn, actor.id, "purchase_order_terms_set", subject, site=where["site"], detail=detail)


ORDER_CHANGE: Final = OrderChangeCarrier()
"""Changes of sent orders that suppliers confirmed beyond the tolerance."""
