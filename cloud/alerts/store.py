"""Tickets in the database."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Final

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from cloud.alerts.domain import Notice, Ticket
from cloud.db import statements

SQL: Final = statements("cloud.alerts")


def open_or_add(conn: Connection, notices: Iterable[Notice]) -> None:
    """Open a ticket per key, or add an occurrence to the open one; in key order, so writers never deadlock.

    Args:
        conn: A connection inside a transaction.
        notices: What was noticed.
    """
    by_key = {notice.dedup_key: notice for notice in notices}
    with conn.cursor() as cursor:
        for key in sorted(by_key):
            cursor.execute(SQL["open_or_add"], asdict(by_key[key]) | {"detail": Jsonb(by_key[key].detail)})


def resolve(conn: Connection, dedup_keys: Sequence[str]) -> None:
    """Close the open tickets of some keys.

    Args:
        conn: A connection inside a transaction.
        dedup_keys: Keys; those without an open ticket are passed over.
    """
    conn.execute(SQL["resolve"], {"dedup_keys": list(dedup_keys)})


def open_tickets(
    conn: Connection, *, sites: Sequence[str], all_sites: bool, after: int, limit: int
) -> list[Ticket]:
    """List open tickets by id.

    Args:
        conn: A connection.
        sites: Sites whose tickets to list, beside those of no site.
        all_sites: Whether to list every site's.
        after: Only ids above this one.
        limit: Most to give.

    Returns:
        Tickets, oldest first.
    """
    with conn.cursor(row_factory=class_row(Ticket)) as cursor:
        asked = {"sites": list(sites), "all_sites": all_sites, "after": after, "limit": limit}
        return cursor.execute(SQL["open_tickets"], asked).fetchall()
