"""Tickets in the database."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import class_row, kwargs_row
from psycopg.types.json import Jsonb
from pydantic import JsonValue

from cloud.alerts.domain import DUE_AFTER, Notice, Severity, Ticket, TicketState, TicketStep
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
            cursor.execute(SQL["open_or_add"], _noticed(by_key[key]))


def open_keys(conn: Connection, *, site: str, kinds: Sequence[str], document: str) -> list[str]:
    """List keys of open tickets of a document.

    Args:
        conn: A connection.
        site: Site id.
        kinds: Of the tickets.
        document: As their detail names it.

    Returns:
        Keys, in order.
    """
    asked = {"site": site, "kinds": list(kinds), "document": document}
    return [key for (key,) in conn.execute(SQL["open_keys"], asked)]


def open_details(conn: Connection, dedup_keys: Sequence[str]) -> dict[str, dict[str, JsonValue]]:
    """Give what the open tickets of some keys tell, and keep others from closing them meanwhile.

    Args:
        conn: A connection inside a transaction.
        dedup_keys: Keys of tickets.

    Returns:
        Details by key.
    """
    return dict(conn.execute(SQL["open_details"], {"dedup_keys": list(dedup_keys)}))


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
    asked = {"sites": list(sites), "all_sites": all_sites, "after": after, "limit": limit}
    return _tickets(conn, "open_tickets", asked)


def tickets(conn: Connection, *, sites: Sequence[str] | None, limit: int, **asked: Any) -> list[Ticket]:
    """List tickets, the latest first.

    Args:
        conn: A connection.
        sites: Sites whose tickets to list, beside those of no site; None: every site's.
        limit: Most to give.
        **asked: `states`, `site`, `kind`, `severity`, `owner` and `before`, each None or what to keep to.

    Returns:
        The tickets.
    """
    reach = {"sites": list(sites or ()), "all_sites": sites is None, "limit": limit}
    return _tickets(conn, "tickets", asked | reach)


def urgent(
    conn: Connection, *, sites: Sequence[str] | None, site: str | None, owner: str | None, limit: int
) -> list[Ticket]:
    """List tickets that are not over, the most severe first, then by when they are due.

    Args:
        conn: A connection.
        sites: Sites whose tickets to list, beside those of no site; None: every site's.
        site: Only of this site.
        owner: Only of this owner.
        limit: Most to give.

    Returns:
        The tickets.
    """
    reach = {"sites": list(sites or ()), "all_sites": sites is None, "limit": limit}
    return _tickets(conn, "urgent", reach | {"site": site, "owner": owner})


def find(conn: Connection, ticket_id: int, *, sites: Sequence[str] | None) -> Ticket | None:
    """Read a ticket of some sites or of the network.

    Args:
        conn: A connection.
        ticket_id: Its number.
        sites: Sites whose tickets are seen; None: every site's.

    Returns:
        The ticket, or None.
    """
    asked = {"ticket_id": ticket_id, "sites": list(sites or ()), "all_sites": sites is None}
    return next(iter(_tickets(conn, "ticket", asked)), None)


def steps(conn: Connection, ticket_id: int) -> list[TicketStep]:
    """List what was done with a ticket.

    Args:
        conn: A connection.
        ticket_id: Its number.

    Returns:
        The steps, the first first.
    """
    with conn.cursor(row_factory=class_row(TicketStep)) as cursor:
        return cursor.execute(SQL["steps"], {"ticket_id": ticket_id}).fetchall()


def step(conn: Connection, statement: str, ticket_id: int, /, **parameters: Any) -> None:
    """Take a step with a ticket, or hold it.

    Args:
        conn: In a transaction.
        statement: Name in `queries.sql`.
        ticket_id: The ticket.
        **parameters: The statement's parameters.
    """
    conn.execute(SQL[statement], {"ticket_id": ticket_id, **parameters})


def escalate(conn: Connection, now: datetime) -> int:
    """Make tickets worse whose time has passed.

    Args:
        conn: In a transaction.
        now: The present.

    Returns:
        How many.
    """
    return conn.execute(SQL["escalate"], {"now": now}).rowcount


def _tickets(conn: Connection, statement: str, asked: dict[str, Any]) -> list[Ticket]:
    with conn.cursor(row_factory=kwargs_row(_ticket)) as cursor:
        return cursor.execute(SQL[statement], asked).fetchall()


def _ticket(*, severity: str, state: str, **fields: Any) -> Ticket:
    return Ticket(severity=Severity(severity), state=TicketState(state), **fields)


def _noticed(notice: Notice) -> dict[str, Any]:
    due_after = DUE_AFTER[notice.severity] if notice.due_after is None else notice.due_after
    return {
        "dedup_key": notice.dedup_key,
        "kind": notice.kind,
        "severity": notice.severity,
        "site": notice.site,
        "summary": notice.summary,
        "detail": Jsonb(notice.detail),
        "owner": notice.owner,
        "due_after": due_after,
    }
