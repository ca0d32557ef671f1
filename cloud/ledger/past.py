"""Questions to the past, on both clocks: cells and places in, quantities out (PROTOCOL P7)."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from cloud.db import Connection, statements
from cloud.identity.actor import Actor

_SQL = statements("cloud.ledger")
FOLD_POSITIONS: Final = 500
"""Positions folded per transaction: some ten thousand rows."""
_END_OF_TIME: Final = "infinity"
_LAST_POSITION: Final = 2**63 - 1


class Stock(NamedTuple):
    """What one cell of a place holds; in a unit that stands there if ``unit_id`` is set."""

    place_id: int
    unit_id: int | None
    cell_id: int
    quantity: Decimal


def fold(conn: Connection, most: int = FOLD_POSITIONS) -> int:
    """Fold further positions into the structure that answers for the past; one transaction's worth.

    Args:
        conn: A connection inside a transaction of its own.
        most: Positions at most; 1 up.

    Returns:
        The position reached.
    """
    row = conn.execute(_SQL["fold"], {"most": most}).fetchone()
    return 0 if row is None else int(row[0])


def tend_history(conn: Connection) -> int:
    """Compress the oldest piece of history that lies open, where TimescaleDB keeps it in chunks.

    Args:
        conn: A connection inside a transaction of its own.

    Returns:
        1 if there was a piece to tend; 0 if not, and always on plain PostgreSQL.
    """
    row = conn.execute(_SQL["tend_history"]).fetchone()
    return 0 if row is None else int(row[0])


def as_of(
    conn: Connection,
    actor: Actor,
    cells: Collection[int],
    *,
    occurred_at: datetime | None = None,
    position: int | None = None,
) -> dict[int, Decimal]:
    """Tell what cells held by what had occurred and had been posted.

    Args:
        conn: Any connection that may read the past.
        actor: Who asks; cells of other sites are left out.
        cells: Ids of cells.
        occurred_at: Counts what occurred up to here, inclusive; None counts all.
        position: Counts what was posted up to here, inclusive; None counts all.

    Returns:
        Quantity by cell_id, in the base unit of the cell's own item; zero where nothing had moved.
    """
    rows = conn.execute(_SQL["past_balances"], {"cells": list(cells)} | _moment(actor, occurred_at, position))
    return dict(rows)


def stock_at(
    conn: Connection,
    actor: Actor,
    places: Collection[int],
    *,
    occurred_at: datetime | None = None,
    position: int | None = None,
) -> list[Stock]:
    """Tell what lies in places: directly, and in the units that stood there (DOMAIN D5).

    Args:
        conn: Any connection that may read the past.
        actor: Who asks; places of other sites are left out.
        places: Ids of locations that are not units.
        occurred_at: As in `as_of`.
        position: As in `as_of`.

    Returns:
        Cells that are not empty, by place, unit and cell.
    """
    rows = conn.execute(_SQL["stock_at"], {"places": list(places)} | _moment(actor, occurred_at, position))
    return [Stock(*row) for row in rows]


def _moment(actor: Actor, occurred_at: datetime | None, position: int | None) -> dict[str, object]:
    return {
        "sites": actor.reach,
        "until_at": _END_OF_TIME if occurred_at is None else occurred_at,
        "until_position": _LAST_POSITION if position is None else position,
    }
