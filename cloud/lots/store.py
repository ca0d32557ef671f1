"""Lots in the database."""

from collections.abc import Sequence
from typing import Final

from cloud.db import Connection, NamedStatements
from cloud.lots.domain import Link, LotKey

_SQL: Final = NamedStatements("cloud.lots")
rows, row, tuples, change = _SQL.rows, _SQL.row, _SQL.tuples, _SQL.change


def links(conn: Connection, lots: Sequence[LotKey], *, are_consumed: bool) -> list[Link]:
    """Find the transformations that consumed lots, or made them, with all that each consumed and made.

    Args:
        conn: In a transaction that shows the actor's sites.
        lots: The lots.
        are_consumed: True for what consumed them, False for what made them.

    Returns:
        Their links.
    """
    return rows(conn, Link, "links", **named(lots), consumed=[are_consumed] * len(lots))


def serial_links(conn: Connection, keys: Sequence[LotKey], *, are_consumed: bool) -> list[Link]:
    """Find the transformations that consumed serials or lots, or made them, serials one by one.

    Args:
        conn: In a transaction that shows the actor's sites.
        keys: The serials and lots.
        are_consumed: True for what consumed them, False for what made them.

    Returns:
        Their links.
    """
    serials = [key.serial for key in keys if key.serial]
    lots = [key for key in keys if not key.serial]
    return rows(conn, Link, "serial_links", serials=serials, **named(lots), consumed=are_consumed)


def named(lots: Sequence[LotKey]) -> dict[str, list[int] | list[str | None]]:
    """Write lots as parameters of a statement.

    Args:
        lots: In order.

    Returns:
        ``items`` and ``lots``.
    """
    return {"items": [each.item_id for each in lots], "lots": [each.lot for each in lots]}
