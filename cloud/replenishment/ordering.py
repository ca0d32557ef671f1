"""From an approved order to one that is on its way: sending it settles its proposal."""

from datetime import datetime

from cloud.db import Connection
from cloud.documents import order_steps
from cloud.documents.order_papers import OrderStory
from cloud.identity.actor import Actor
from cloud.replenishment import store


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
