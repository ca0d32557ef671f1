"""Counts, variances, tolerances and costs in the database."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import orjson
from psycopg import Connection
from psycopg.rows import class_row

from cloud.db import statements
from cloud.ledger.store import record_audit

Row = TypeVar("Row")

_SQL: Final = statements("cloud.counting")


def rows(conn: Connection, kind: type[Row], statement: str, /, **parameters: Any) -> list[Row]:
    """Run a list's statement.

    Args:
        conn: In a transaction that shows the actor's sites.
        kind: What each row becomes.
        statement: Name in `queries.sql`.
        **parameters: The statement's parameters.

    Returns:
        The rows in order.
    """
    with conn.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(_SQL[statement], parameters).fetchall()


def tuples(conn: Connection, statement: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
    """Run a statement whose rows need no names.

    Args:
        conn: In a transaction.
        statement: Name in `queries.sql`.
        **parameters: The statement's parameters.

    Returns:
        The rows in order.
    """
    return conn.execute(_SQL[statement], parameters).fetchall()


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


def audit(
    conn: Connection, actor: str, action: str, target: str, *, site: str | None, detail: Mapping[str, object]
) -> None:
    """Append to the audit chain.

    Args:
        conn: In a transaction.
        actor: Who did it.
        action: What, as a stable snake_case word.
        target: To what.
        site: Where.
        detail: More, as JSON.
    """
    text = orjson.dumps(dict(detail), default=str).decode()
    record_audit(conn, actor=actor, action=action, target=target, site=site, detail=text)
