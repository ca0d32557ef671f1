"""What a posting writes: rows by COPY, and one by one only when one of them is refused."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import psycopg
from psycopg import sql
from psycopg.errors import (
    DataError,
    IntegrityError,
    NoDataFound,
    RaiseException,
    SerializationFailure,
    UniqueViolation,
)

from cloud.db import statements
from cloud.ledger.domain import AcceptedBatch, Claim, NotPostableError, RefusedRow, UnknownRowError
from cloud.ledger.rows import BATCH, Row, Table, batch_row
from contracts.base import epoch_to_int
from contracts.feedback import StoredAs
from contracts.topics import Channel, topic

_SQL = statements("cloud.ledger")


@dataclass(frozen=True, slots=True)
class Begun:
    """A posting that has a number and nothing else yet."""

    posting_id: int
    revision: tuple[str, int]
    """Which ledger this is and the state of its master data."""


@dataclass(frozen=True, slots=True)
class RefusedWrite:
    """A row that the database would not take."""

    index: int
    reason: str
    message: str


def begin_posting(conn: psycopg.Connection) -> Begun:
    """Take the posting's number; a transaction can do so once.

    Args:
        conn: A connection inside a transaction.

    Returns:
        The number and the revision of what names mean.

    Raises:
        LookupError: If the database gives none.
    """
    row = conn.execute(_SQL["begin_posting"]).fetchone()
    if row is None:
        raise LookupError("begin_posting() returned no row")
    return Begun(row[0], (str(row[1]), row[2]))


def close_posting(conn: psycopg.Connection, posting_id: int, kind: str, actor: str) -> tuple[int, datetime]:
    """Apply balances and anchors and take the next position; the last statement before COMMIT (P4).

    Args:
        conn: The connection that began the posting.
        posting_id: Its number.
        kind: Why it was made.
        actor: Who made it.

    Returns:
        The position and when it was recorded.

    Raises:
        LookupError: If the database gives none.
    """
    row = conn.execute(
        _SQL["close_posting"], {"posting_id": posting_id, "kind": kind, "actor": actor}
    ).fetchone()
    if row is None:
        raise LookupError("close_posting() returned no row")
    return row[0], row[1]


def record_audit(
    conn: psycopg.Connection,
    *,
    actor: str,
    action: str,
    target: str | None,
    site: str | None,
    detail: str = "{}",
) -> None:
    """Append to the audit chain.

    Args:
        conn: A connection inside a transaction.
        actor: Who did it.
        action: What, as a stable snake_case word.
        target: To what.
        site: Where, if it has a place.
        detail: A JSON object.
    """
    conn.execute(
        _SQL["record_audit"],
        {
            "actor": actor,
            "action": action,
            "target": target,
            "site": site,
            "position": None,
            "detail": detail,
        },
    )


def audit(
    conn: psycopg.Connection,
    actor: str,
    action: str,
    target: str,
    *,
    site: str | None,
    detail: Mapping[str, object],
) -> None:
    """Say in the audit chain what was done beside a posting, with whatever of it JSON can tell.

    Args:
        conn: A connection inside a transaction.
        actor: Who did it.
        action: What, as a stable snake_case word.
        target: To what.
        site: Where; None: everywhere.
        detail: More; what JSON has no form for goes in as text.
    """
    text = orjson.dumps(dict(detail), default=str).decode()
    record_audit(conn, actor=actor, action=action, target=target, site=site, detail=text)


def command(conn: psycopg.Connection, statement: str, arguments: Mapping[str, object]) -> tuple[Any, ...]:
    """Run one of the database's own commands on the ledger.

    Args:
        conn: A connection inside a posting.
        statement: Name of the statement that calls it.
        arguments: Of the statement.

    Returns:
        The row that it gave.

    Raises:
        UnknownRowError: If it names what the actor's sites do not hold.
        NotPostableError: If it may not be done; the message says why.
        LookupError: If it gave no row.
    """
    try:
        row = conn.execute(_SQL[statement], arguments).fetchone()
    except NoDataFound as error:
        raise UnknownRowError(error.diag.message_primary) from error
    except RaiseException as error:
        raise NotPostableError(error.diag.message_primary) from error
    if row is None:
        raise LookupError(f"{statement} gave no row")
    return tuple(row)


def next_cloud_seqs(conn: psycopg.Connection, count: int) -> Iterator[int]:
    """Draw numbers for rows made in the cloud.

    Args:
        conn: A connection inside a transaction.
        count: How many; zero draws none.

    Returns:
        The numbers, ascending.
    """
    rows = conn.execute(_SQL["next_cloud_seqs"], {"count": count}).fetchall() if count else []
    return iter(sorted(row[0] for row in rows))


def add_claims(conn: psycopg.Connection, posting_id: int, claims: Sequence[Claim]) -> set[Claim]:
    """Claim what may happen once.

    Args:
        conn: A connection inside the posting.
        posting_id: The posting.
        claims: What it claims; one named twice is made once.

    Returns:
        Those that nobody held before.
    """
    if not claims:
        return set()
    wanted = list(dict.fromkeys(claims))
    arguments = {
        "kinds": [claim.kind for claim in wanted],
        "targets": [claim.target for claim in wanted],
        "posting_id": posting_id,
    }
    return {Claim(kind, target) for kind, target in conn.execute(_SQL["add_claims"], arguments)}


def copy_rows(conn: psycopg.Connection, table: Table, rows: Sequence[Row]) -> list[RefusedWrite]:
    """Store rows by COPY; if the database refuses one, store them one by one.

    Args:
        conn: A connection inside the posting.
        table: Where they go.
        rows: Lines of the table.

    Returns:
        The rows it would not take: held already, or not storable.
    """
    if not rows:
        return []
    try:
        with conn.transaction():
            _copy(conn, table, rows)
    except (IntegrityError, DataError):
        return list(_copy_one_by_one(conn, table, rows))
    return []


def _copy(conn: psycopg.Connection, table: Table, rows: Iterable[Row]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN (NULL '')").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, table.columns))
    )
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write("".join(rows).replace("\\", "\\\\"))


def _copy_one_by_one(conn: psycopg.Connection, table: Table, rows: Sequence[Row]) -> Iterator[RefusedWrite]:
    for index, row in enumerate(rows):
        try:
            with conn.transaction():
                _copy(conn, table, [row])
        except UniqueViolation:
            yield RefusedWrite(
                index, "duplicate_row", "a row with this gateway, epoch and seq is in the ledger"
            )
        except (IntegrityError, DataError) as error:
            yield RefusedWrite(index, "unstorable_row", str(error).partition("\n")[0])


def add_batches(
    conn: psycopg.Connection, posting_id: int, batches: Iterable[tuple[int, AcceptedBatch, StoredAs]]
) -> None:
    """Store the batches' sealed bytes and headers.

    Args:
        conn: A connection inside the posting.
        posting_id: The posting.
        batches: Each with the id of its gateway and whether all its rows were posted.

    Raises:
        SerializationFailure: If another transaction stored one of them meanwhile; run this one again.
    """
    rows = [batch_row(posting_id, gateway_id, batch, status) for gateway_id, batch, status in batches]
    if not rows:
        return
    try:
        _copy(conn, BATCH, rows)
    except UniqueViolation as error:
        raise SerializationFailure("one of the batches was stored by another transaction") from error


def add_quarantined_rows(
    conn: psycopg.Connection, posting_id: int, batch: AcceptedBatch, refused: Sequence[RefusedRow]
) -> None:
    """Hold what of a batch could not be posted, with its bytes and the reason.

    Args:
        conn: A connection inside the posting.
        posting_id: The posting.
        batch: The batch they came in.
        refused: Its refused rows.
    """
    header = batch.header
    with conn.cursor() as cursor:
        cursor.executemany(
            _SQL["add_quarantined_row"],
            [
                {
                    "received_at": batch.received_at,
                    "topic": topic(header.site, header.gateway, Channel.RECORDS),
                    "site": header.site,
                    "gateway": header.gateway,
                    "epoch": epoch_to_int(header.epoch),
                    "batch_no": header.batch_no,
                    "seq": row.seq,
                    "reason": row.reason,
                    "message": row.message,
                    "payload": row.payload,
                    "sha256": hashlib.sha256(row.payload).hexdigest(),
                    "posting_id": posting_id,
                }
                for row in refused
            ],
        )
