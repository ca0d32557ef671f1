"""Carry out what people asked for through the API or the pages, each request exactly once."""

from functools import partial
from typing import Final

import structlog

from cloud.db import Connection, ContentRefusedError, LastingConnection, in_transaction, statements
from cloud.identity.actor import Actor
from cloud.ingest.quarantine.service import NotReplayableError, replay
from cloud.ledger.domain import LedgerError
from cloud.ledger.replays import SETTLERS

DEADLY: Final = 3
"""A request that was taken up so often and never answered is not tried again."""

SQL: Final = statements("cloud.ingest.quarantine", "requests.sql")

log = structlog.get_logger()


def is_any_due(conn: Connection) -> bool:
    """Tell whether a request waits.

    Args:
        conn: A connection of ``dockledger_ingest``.

    Returns:
        True if one does.
    """
    row = conn.execute(SQL["is_any_due"]).fetchone()
    return row is not None and bool(row[0])


def carry_out_oldest(database: LastingConnection) -> None:
    """Replay what was asked for first; what cannot be posted stays held, and the request says why.

    The request ends in the transaction that posts, so neither a crash nor a second worker repeats it.

    Args:
        database: Connection of ``dockledger_ingest``.

    Raises:
        DatabaseAwayError: If the database is away; the request waits.
    """
    taken = in_transaction(database, lambda conn: conn.execute(SQL["take_up_oldest"]).fetchone())
    if taken is None:
        return
    quarantine_id, attempts = taken
    try:
        in_transaction(database, partial(_replay, quarantine_id=quarantine_id, attempts=attempts))
    except (NotReplayableError, LedgerError, ContentRefusedError) as error:
        refusal = {"quarantine_id": quarantine_id, "refusal": str(error)}
        in_transaction(database, lambda conn: conn.execute(SQL["refuse"], refusal))
        log.info("replay_refused", quarantine_id=quarantine_id, reason=str(error))


def _replay(conn: Connection, *, quarantine_id: int, attempts: int) -> None:
    if attempts > DEADLY:
        raise NotReplayableError(
            f"it was taken up {DEADLY} times, and each time the process or the database ended"
        )
    row = conn.execute(SQL["finish"], {"quarantine_id": quarantine_id}).fetchone()
    if row is None:
        return
    asked_by, site = row
    reach = frozenset({site} - {None})
    replay(conn, Actor(asked_by, frozenset(SETTLERS), reach, all_sites=site is None), quarantine_id)
