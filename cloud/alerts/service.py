"""The one ticket: services notice and resolve, people read."""

from collections.abc import Iterable, Sequence

from cloud.alerts import store
from cloud.alerts.domain import Notice, Ticket
from cloud.db import Connection
from cloud.identity.actor import Actor


def notice(conn: Connection, notices: Iterable[Notice]) -> None:
    """Tell people that something is wrong, in the caller's transaction.

    Args:
        conn: A connection inside a transaction.
        notices: What is wrong.
    """
    store.open_or_add(conn, notices)


def resolve(conn: Connection, dedup_keys: Sequence[str]) -> None:
    """Close the tickets of what is right again, in the caller's transaction.

    Args:
        conn: A connection inside a transaction.
        dedup_keys: Keys of the tickets.
    """
    store.resolve(conn, dedup_keys)


def open_tickets(conn: Connection, actor: Actor, *, after: int = 0, limit: int = 100) -> list[Ticket]:
    """List what is wrong now, at the actor's sites and in the network.

    Args:
        conn: A connection.
        actor: Who asks.
        after: Only tickets with a higher id: the last one of the page before.
        limit: Most to give, 1 to 1,000.

    Returns:
        Tickets, oldest first.
    """
    return store.open_tickets(
        conn, sites=sorted(actor.sites), all_sites=actor.all_sites, after=after, limit=limit
    )
