"""The named statements of `queries.sql` as typed rows."""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

from psycopg import Connection
from psycopg.rows import class_row

from cloud.db import statements
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as

Row = TypeVar("Row")

_SQL: Final = statements("cloud.inquiry", "queries.sql")


def see(conn: Connection, actor: Actor, roles: Sequence[Role], *, site: str | None = None) -> Actor:
    """Check that an actor may ask, and show the sites at which it holds one of the roles.

    Args:
        conn: In a transaction.
        actor: Who asks.
        roles: Any one of them suffices.
        site: The site asked for, if one.

    Returns:
        The actor with no more reach than that.

    Raises:
        NotAllowedError: If the actor holds none of the roles, or not at the site.
    """
    actor.require(*roles, site=site)
    narrowed = actor.narrowed(*roles)
    act_as(conn, narrowed)
    return narrowed


def rows(conn: Connection, kind: type[Row], statement: str, /, **parameters: Any) -> list[Row]:
    """Run a list's statement.

    Args:
        conn: In a transaction in which `see` was called.
        kind: What each row becomes.
        statement: Name in `queries.sql`.
        **parameters: The statement's parameters.

    Returns:
        The rows in order.
    """
    with conn.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(_SQL[statement], parameters).fetchall()


def row(conn: Connection, kind: type[Row], statement: str, /, **parameters: Any) -> Row | None:
    """Run a statement that gives one row or none.

    Args:
        conn: In a transaction in which `see` was called.
        kind: What the row becomes.
        statement: Name in `queries.sql`.
        **parameters: The statement's parameters.

    Returns:
        The row.
    """
    with conn.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(_SQL[statement], parameters).fetchone()


def number(conn: Connection, statement: str, /, **parameters: Any) -> int:
    """Run a statement that gives one number.

    Args:
        conn: In a transaction in which `see` was called.
        statement: Name in `queries.sql`.
        **parameters: The statement's parameters.

    Returns:
        The number, 0 if there is none.
    """
    found = conn.execute(_SQL[statement], parameters).fetchone()
    return int(found[0]) if found else 0
