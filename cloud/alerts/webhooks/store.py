"""Subscriptions and deliveries in the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from pydantic import JsonValue

from cloud.alerts.webhooks.domain import Delivery, Due, Subscription
from cloud.db import statements

_SQL: Final = statements("cloud.alerts.webhooks")


def add(
    conn: Connection, *, name: str, site: str | None, url: str, events: Sequence[str], secret: str, actor: str
) -> int | None:
    """Store a subscription.

    Args:
        conn: In a transaction.
        name: Short name.
        site: Whose events; None: of all.
        url: Where to send.
        events: Which events.
        secret: Signs them.
        actor: Who subscribes.

    Returns:
        Its number, or None if the name is taken.
    """
    asked = {"name": name, "site": site, "url": url, "events": list(events), "secret": secret, "actor": actor}
    row = conn.execute(_SQL["add"], asked).fetchone()
    return None if row is None else int(row[0])


def subscriptions(
    conn: Connection,
    *,
    sites: Sequence[str] | None,
    subscription_id: int | None = None,
    after: int = 0,
    limit: int = 1,
) -> list[Subscription]:
    """List subscriptions by number.

    Args:
        conn: In a transaction.
        sites: Of these sites only; None: of every site and of the network.
        subscription_id: Only this one.
        after: Only numbers above this one.
        limit: Most to give.

    Returns:
        The subscriptions.
    """
    reach = {"all_sites": sites is None, "sites": list(sites or ())}
    asked = reach | {"subscription_id": subscription_id, "after": after, "limit": limit}
    with conn.cursor(row_factory=class_row(Subscription)) as cursor:
        return cursor.execute(_SQL["subscriptions"], asked).fetchall()


def deliveries(
    conn: Connection, subscription_id: int, *, state: str | None, before: int | None, limit: int
) -> list[Delivery]:
    """List a subscription's deliveries, the latest event first.

    Args:
        conn: In a transaction.
        subscription_id: The subscription.
        state: Only in this state.
        before: Only events below this number.
        limit: Most to give.

    Returns:
        The deliveries.
    """
    asked = {"subscription_id": subscription_id, "state": state, "before": before, "limit": limit}
    with conn.cursor(row_factory=class_row(Delivery)) as cursor:
        return cursor.execute(_SQL["deliveries"], asked).fetchall()


def claim(
    conn: Connection, now: datetime, *, limit: int, per_subscription: int, lease: timedelta
) -> list[Due]:
    """Take deliveries that are due; others leave them alone until the lease has run out.

    Args:
        conn: In a transaction that is committed before anything is sent.
        now: The present.
        limit: Most to take.
        per_subscription: Most to take for one receiver.
        lease: For how long.

    Returns:
        The deliveries, this attempt counted.
    """
    asked = {"now": now, "limit": limit, "per_subscription": per_subscription, "lease": lease}
    with conn.cursor(row_factory=class_row(Due)) as cursor:
        return cursor.execute(_SQL["claim"], asked).fetchall()


def change(conn: Connection, statement: str, /, **parameters: Any) -> int:
    """Run a statement that changes rows.

    Args:
        conn: In a transaction.
        statement: Name in `queries.sql`.
        **parameters: The statement's parameters.

    Returns:
        How many rows it changed.
    """
    return conn.execute(_SQL[statement], parameters).rowcount


def test(conn: Connection, subscription_id: int, kind: str, data: Mapping[str, JsonValue]) -> int:
    """Put out an event for one subscription only.

    Args:
        conn: In a transaction.
        subscription_id: The subscription.
        kind: The event's type.
        data: Its content.

    Returns:
        The event's number; 0 if there is no such subscription.
    """
    asked = {"subscription_id": subscription_id, "type": kind, "data": Jsonb(dict(data))}
    row = conn.execute(_SQL["test"], asked).fetchone()
    return 0 if row is None else int(row[0])


def has_dead(conn: Connection, subscription_id: int) -> bool:
    """Tell whether deliveries of a subscription were given up.

    Args:
        conn: In a transaction.
        subscription_id: The subscription.

    Returns:
        True if so.
    """
    row = conn.execute(_SQL["has_dead"], {"subscription_id": subscription_id}).fetchone()
    return bool(row and row[0])


def forget(conn: Connection, before: datetime, *, most: int) -> int:
    """Forget old events that wait for nobody any more.

    Args:
        conn: In a transaction.
        before: Only events from before this instant.
        most: Most to forget.

    Returns:
        How many were forgotten.
    """
    row = conn.execute(_SQL["forget"], {"before": before, "most": most}).fetchone()
    return 0 if row is None else int(row[0])


def record(
    conn: Connection, actor: str, action: str, name: str, *, site: str | None, **detail: JsonValue
) -> None:
    """Say in the audit chain what was done with a subscription.

    Args:
        conn: In a transaction.
        actor: Who did it.
        action: What.
        name: Of the subscription.
        site: Whose events it gets.
        **detail: More; never the secret.
    """
    asked = {"actor": actor, "action": action, "target": f"webhook:{name}", "site": site}
    conn.execute(_SQL["record"], asked | {"detail": Jsonb(detail)})
