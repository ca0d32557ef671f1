"""The checks as the database answers them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import psycopg
from psycopg import sql

from cloud.db import statements
from cloud.ledger.verification.batch_bytes import Facts, StoredBatch
from cloud.ledger.verification.domain import Breach

_SQL: Final = statements("cloud.ledger.verification")
_BATCHES_AT_ONCE: Final = 100


def begin(conn: psycopg.Connection, beside: psycopg.Connection | None = None) -> list[psycopg.Connection]:
    """Let the transactions see one state of the ledger throughout, and write nothing.

    Args:
        conn: In a transaction that has done nothing yet.
        beside: Another such, which will see what the first sees; None: there is none.

    Returns:
        Those that there are.
    """
    conns = [conn] if beside is None else [conn, beside]
    for each in conns:
        each.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if each is beside:
            (snapshot,) = conn.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
            beside.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(snapshot))
        each.execute("SET LOCAL statement_timeout = 0")
        each.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        each.execute("SET LOCAL work_mem = '64MB'")  # of one session, that sorts every change of the past
        each.execute("SET LOCAL DateStyle = 'ISO, YMD'")  # as `told` writes instants
    return conns


def head(conn: psycopg.Connection) -> tuple[str, int, datetime | None]:
    """Tell which ledger this is and where its order ends.

    Raises:
        LookupError: If the ledger has no identity or no head.
    """
    row = conn.execute(_SQL["head"]).fetchone()
    if row is None:
        raise LookupError("the ledger has no identity or no head")
    return row[0], row[1], row[2]


def examined(conn: psycopg.Connection) -> dict[str, int]:
    """Count what there is to look at."""
    return _counted(conn.execute(_SQL["examined"]))


def examined_since(conn: psycopg.Connection, position: int) -> dict[str, int]:
    """Count what was posted after a position."""
    return _counted(conn.execute(_SQL["examined_since"], {"position": position}))


def _counted(cursor: psycopg.Cursor) -> dict[str, int]:
    names = [column.name for column in cursor.description or ()]
    return dict(zip(names, cursor.fetchone() or (), strict=True))


def breaches(conn: psycopg.Connection, check: str, **since: object) -> list[Breach]:
    """Run one check; of what was posted after a checkpoint, with its position and chain."""
    return [Breach(*row) for row in conn.execute(_SQL[check], since or None)]


def unlike_their_names(conn: psycopg.Connection) -> Iterator[tuple[Breach, bytes]]:
    """Read what is held under another name than the hash of its bytes, one at a time."""
    with conn.cursor("held") as cursor:
        for *breach, payload in cursor.execute(_SQL["quarantined_bytes"]):
            yield Breach(*breach), payload


def changed_contents(conn: psycopg.Connection, after: int, until: int) -> list[Breach]:
    """Compare what a range of postings stored with what they hashed."""
    return [Breach(*row) for row in conn.execute(_SQL["contents"], {"after": after, "until": until})]


def batches(conn: psycopg.Connection, after_position: int = 0) -> Iterator[tuple[StoredBatch, str]]:
    """Read every batch posted after a position, by key, with what its rows say, as `told` writes it."""
    after = {"gateway_id": -1, "epoch": 0, "batch_no": 0}
    asked = {"most": _BATCHES_AT_ONCE, "after_position": after_position}
    while page := conn.execute(_SQL["batches"], asked | after).fetchall():
        for *row, rows in page:
            yield StoredBatch(*row), rows
        after = dict(zip(after, (page[-1][0], page[-1][2], page[-1][3]), strict=True))


def rows_of(conn: psycopg.Connection, batch: StoredBatch) -> dict[int, Facts]:
    """Read what the rows of a batch say, by seq."""
    key = {
        "gateway_id": batch.gateway_id,
        "epoch": batch.epoch,
        "first_seq": batch.first_seq,
        "last_seq": batch.last_seq,
    }
    facts: dict[int, Facts] = {}
    for seq, *said in conn.execute(_SQL["movements_of_batch"], key):
        said[7], said[12] = said[7] == "unit", said[12] == "unit"
        facts[seq] = tuple(said)
    for seq, *said in conn.execute(_SQL["other_rows_of_batch"], key):
        facts[seq] = tuple(said)
    return facts
