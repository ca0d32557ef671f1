"""The registry of gateways in the database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg import Connection
from psycopg.rows import class_row

from cloud.db import statements
from contracts.base import EpochId, epoch_from_int

SQL: Final = statements("cloud.ingest.registry")


@dataclass(frozen=True, slots=True)
class Registered:
    """A gateway as the registry and its last words show it."""

    name: str
    site: str
    state: str
    registered_at: datetime
    presence: str | None
    """None: never heard."""
    heard_at: datetime | None
    complete_until: datetime | None


def add(conn: Connection, name: str, site: str) -> bool:
    """Register a gateway, and its site if that is new.

    Args:
        conn: A connection of ``dockledger_app`` inside a transaction.
        name: Gateway id.
        site: Site id.

    Returns:
        False if a gateway of this name was there already.
    """
    conn.execute(SQL["add_site"], {"site": site})
    return conn.execute(SQL["add_gateway"], {"name": name, "site": site}).fetchone() is not None


def set_state(conn: Connection, name: str, state: str, *, sites: list[str] | None) -> str | None:
    """Change a gateway's state.

    Args:
        conn: A connection of ``dockledger_app`` inside a transaction.
        name: Gateway id.
        state: ``active``, ``paused`` or ``retired``.
        sites: Only if it is of one of these; None for any.

    Returns:
        Its site; None if there is no such gateway.
    """
    row = conn.execute(SQL["set_state"], {"name": name, "state": state, "sites": sites}).fetchone()
    return None if row is None else str(row[0])


def abandon_epochs(conn: Connection, name: str, *, sites: list[str] | None) -> list[EpochId]:
    """Let a gateway's unfinished epochs, all but the one it says it is in, hold completeness back no longer.

    Args:
        conn: A connection of ``dockledger_app`` inside a transaction.
        name: Gateway id.
        sites: Only if it is of one of these; None for any.

    Returns:
        The epochs; empty if there are none, or the gateway was never heard.
    """
    rows = conn.execute(SQL["abandon_epochs"], {"name": name, "sites": sites}).fetchall()
    return sorted(epoch_from_int(epoch) for (epoch,) in rows)


def gateways(conn: Connection, *, sites: list[str] | None) -> list[Registered]:
    """List edge gateways by site and name.

    Args:
        conn: A connection.
        sites: Only of these; None for all.

    Returns:
        At most 100,000 of them.
    """
    with conn.cursor(row_factory=class_row(Registered)) as cursor:
        return cursor.execute(SQL["list_gateways"], {"sites": sites}).fetchall()
