"""What becomes of a purchase order between approval and last delivery, each step in the audit trail."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

from cloud.db import Connection
from cloud.documents import store
from cloud.documents.domain import DocumentError, UnknownDocumentError
from cloud.documents.order_papers import OrderStory
from cloud.documents.orders import BUYERS, locked, order
from cloud.identity.actor import Actor
from cloud.ledger.store import audit

END_REASONS: Final[Mapping[str, str]] = {
    "supplier_cannot": "Supplier cannot deliver",
    "not_needed": "Not needed any more",
    "ordered_elsewhere": "Ordered elsewhere",
    "approved_in_error": "Approved in error",
    "facts_changed": "The facts have changed",
    "wrong_quantity": "Quantity was wrong",
    "wrong_item": "Item or place was wrong",
    "other": "Another reason",
}


def mark_sent(conn: Connection, actor: Actor, *, site: str, name: str, now: datetime) -> OrderStory:
    """Say that an approved order went to its supplier; from now on it counts as coming.

    Args:
        conn: In a transaction that the caller commits.
        actor: A buyer of the site.
        site: Site id.
        name: The order's id.
        now: The present.

    Returns:
        The order.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is none.
        ConflictingDocumentError: If it is not approved, or sent already.
    """
    actor.require(*BUYERS, site=site)
    found = locked(conn, actor, site, name, only="approved")
    store.change(conn, "mark_sent", site=site, id=name, at=now, actor=actor.id)
    _audit(conn, found, actor, "purchase_order_sent", {})
    return order(conn, actor, site=site, name=name)


def cancel_unsent(
    conn: Connection, actor: Actor, *, site: str, name: str, reason: str, now: datetime
) -> OrderStory:
    """Cancel an order before it was sent; the caller has checked that the actor may.

    Args:
        conn: In a transaction that the caller commits.
        actor: Who cancels.
        site: Site id.
        name: The order's id.
        reason: One of `END_REASONS`.
        now: The present.

    Returns:
        The order.

    Raises:
        UnknownDocumentError: If there is none.
        DocumentError: If there is no such reason.
        ConflictingDocumentError: If it was sent: close it when the supplier agrees.
    """
    found = locked(conn, actor, site, name, only="approved")
    _check_reason(reason)
    store.change(
        conn, "end_order", site=site, id=name, state="cancelled", at=now, actor=actor.id, reason=reason,
        only_from=["approved"],
    )  # fmt: skip
    _audit(conn, found, actor, "purchase_order_cancelled", {"reason": reason})
    return order(conn, actor, site=site, name=name)


def close(conn: Connection, actor: Actor, *, site: str, name: str, reason: str, now: datetime) -> OrderStory:
    """Close a sent order: what has not come is not expected any more.

    Args:
        conn: In a transaction that the caller commits.
        actor: A buyer of the site.
        site: Site id.
        name: The order's id.
        reason: One of `END_REASONS`.
        now: The present.

    Returns:
        The order.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is none.
        DocumentError: If there is no such reason.
        ConflictingDocumentError: If it is not sent.
    """
    actor.require(*BUYERS, site=site)
    found = locked(conn, actor, site, name, only="sent")
    _check_reason(reason)
    store.change(
        conn, "end_order", site=site, id=name, state="closed", at=now, actor=actor.id, reason=reason,
        only_from=["sent"],
    )  # fmt: skip
    left = {line.line: f"{line.open_quantity:f}" for line in found.lines if line.open_quantity}
    _audit(conn, found, actor, "purchase_order_closed", {"reason": reason, "short": left})
    return order(conn, actor, site=site, name=name)


def state_date(
    conn: Connection, actor: Actor, *, site: str, name: str, line: str, due_on: date, reason: str
) -> OrderStory:
    """Say when a line is due now, as the supplier confirmed it or as somebody expects it.

    Args:
        conn: In a transaction that the caller commits.
        actor: A buyer of the site.
        site: Site id.
        name: The order's id.
        line: Its line.
        due_on: The new date.
        reason: ``confirmed``, ``expedited`` or ``delayed``.

    Returns:
        The order.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is no such order or line.
        DocumentError: If nothing of the line is open.
        ConflictingDocumentError: If it is not sent.
    """
    actor.require(*BUYERS, site=site)
    found = locked(conn, actor, site, name, only="sent")
    row = next((each for each in found.lines if each.line == line), None)
    if row is None:
        raise UnknownDocumentError(f"purchase order {name!r} has no line {line!r}")
    if row.open_quantity == 0:
        raise DocumentError(f"purchase order {name!r}, line {line!r}: nothing of it is open")
    store.change(
        conn, "add_order_date", site=site, id=name, line=line, due_on=due_on, reason=reason, actor=actor.id
    )
    detail = {"line": line, "due_on": due_on.isoformat(), "was": row.due_on.isoformat(), "reason": reason}
    _audit(conn, found, actor, "purchase_order_date_stated", detail)
    return order(conn, actor, site=site, name=name)


def _check_reason(reason: str) -> None:
    if reason not in END_REASONS:
        raise DocumentError(f"reason {reason!r:.80}: expected one of {', '.join(END_REASONS)}")


def _audit(
    conn: Connection, found: OrderStory, actor: Actor, action: str, detail: Mapping[str, object]
) -> None:
    subject = f"purchase_order:{found.order.id}"
    audit(conn, actor.id, action, subject, site=found.order.site, detail=detail)
