"""Balances derived again from the movements: what differs, and mending it."""

from decimal import Decimal
from typing import Final, NamedTuple

import orjson

from cloud.db import Connection, statements
from cloud.ledger import store

_SQL: Final = statements("cloud.ledger")


class WrongBalance(NamedTuple):
    """A balance that is not the sum of its movements."""

    cell_id: int
    item: str
    location: str
    found: Decimal | None
    expected: Decimal


def wrong_balances(conn: Connection) -> list[WrongBalance]:
    """Compare every balance with the sum of its movements.

    Args:
        conn: A connection of the owner, inside a transaction.

    Returns:
        Those that differ, by cell.
    """
    conn.execute("SET LOCAL statement_timeout = 0")
    return [WrongBalance(*row) for row in conn.execute(_SQL["wrong_balances"])]


def rebuild_balances(conn: Connection) -> list[WrongBalance]:
    """Make every balance the sum of its movements again; postings wait meanwhile.

    Args:
        conn: A connection of the owner, inside a transaction.

    Returns:
        What was wrong, by cell.
    """
    conn.execute(_SQL["lock_balances"])
    wrong = wrong_balances(conn)
    for balance in wrong:
        conn.execute(_SQL["set_balance"], {"cell_id": balance.cell_id, "quantity": balance.expected})
    if wrong:
        store.record_audit(
            conn,
            actor="system:shell",
            action="balances_rebuilt",
            target=None,
            site=None,
            detail=orjson.dumps({"cells": len(wrong)}).decode(),
        )
    return wrong
