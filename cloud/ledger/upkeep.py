"""What has served its time is forgotten, a bounded piece at a time."""

from datetime import timedelta
from typing import Final

from cloud.db import Connection, statements

ANSWERS_KEPT: Final = timedelta(days=7)
"""A request sent again under its idempotency key within this time is answered as it was."""
AT_ONCE: Final = 1000

_SQL = statements("cloud.ledger", "upkeep.sql")


def forget_answers(conn: Connection) -> int:
    """Delete the oldest answers that are kept under idempotency keys for longer than `ANSWERS_KEPT`.

    Args:
        conn: A connection of ``dockledger_app`` inside a transaction of its own.

    Returns:
        How many were deleted; `AT_ONCE` if there may be more.
    """
    return conn.execute(_SQL["forget_answers"], {"kept": ANSWERS_KEPT, "most": AT_ONCE}).rowcount
