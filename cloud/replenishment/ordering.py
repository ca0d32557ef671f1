"""From an approved order to one that is on its way, and its end: proposals and changes that wait follow."""

from datetime import datetime

from cloud.db import Connection
from cloud.decisions import service as decisions
from cloud.documents import order_steps
from cloud.documents.order_papers import OrderStory
from cloud.documents.orders import BUYERS
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.replenishment import store
from cloud.replenishment.confirming import hold_waiting


def send(conn: Connection, actor: Actor, *, site: str, name: str, now: datetime) -> OrderStory:
    """Say that an approved order went to its supplier; it counts in the position, its proposal is settled.

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
    sent = order_steps.mark_sent(conn, actor, site=site, name=name, now=now)
    if sent.order.decision_id is not None:
        store.change(
            conn, "settle_of_decision", decision_id=sent.order.decision_id, now=now, why=f"sent as {name}"
        )
    return sent


def close(conn: Connection, actor: Actor, *, site: str, name: str, reason: str, now: datetime) -> OrderStory:
    """Close a sent order: what has not come is not expected any more, and no change of it waits.

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
    waiting = hold_waiting(conn, actor, site, name)
    closed = order_steps.close(conn, actor, site=site, name=name, reason=reason, now=now)
    for decision_id in waiting.values():
        decisions.withdraw(conn, decisions.MACHINE, decision_id, note="the order was closed")
    act_as(conn, actor)
    return closed
