"""Quarantine in the database: read it, lock one entry, settle it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from cloud.db import statements
from cloud.ingest.domain import MAX_EXTRA
from cloud.ingest.store import FORK
from contracts.base import epoch_from_int, epoch_to_int
from contracts.feedback import BatchAck, StoredAs

SQL: Final = statements("cloud.ingest.quarantine")

SETTLED_CHANNEL: Final = "settled"
"""A message on this channel of `gateway_message` has an epoch's settled forks acknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the list: why something is in quarantine and where it came from."""

    quarantine_id: int
    received_at: datetime
    state: str
    reason: str
    topic: str
    site: str | None
    gateway: str | None
    epoch: int | None
    batch_no: int | None
    seq: int | None
    message: str
    payload_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeEntry(Entry):
    """An entry with its original bytes."""

    payload: bytes
    sha256: str
    posting_id: int | None
    """Of the batch whose row this is; None for a publish held whole."""
    settled_at: datetime | None
    settled_by: str | None
    settled_posting: int | None


def entries(
    conn: Connection,
    *,
    sites: list[str] | None,
    state: str | None,
    reason: str | None,
    gateway: str | None,
    after: int,
    limit: int,
) -> list[Entry]:
    """List entries by id.

    Args:
        conn: A connection.
        sites: Only of these sites; None for all, and for what names no site.
        state: Only of this state, if given.
        reason: Only of this reason, if given.
        gateway: Only of this gateway, if given.
        after: Only ids above this one.
        limit: Most to give.

    Returns:
        Entries, oldest first.
    """
    asked = {
        "sites": sites,
        "state": state,
        "reason": reason,
        "gateway": gateway,
        "after": after,
        "limit": limit,
    }
    with conn.cursor(row_factory=class_row(Entry)) as cursor:
        return cursor.execute(SQL["list_held"], asked).fetchall()


def lock(conn: Connection, quarantine_id: int, *, sites: list[str] | None) -> WholeEntry | None:
    """Read one entry and keep others from settling it meanwhile.

    Args:
        conn: A connection inside a transaction.
        quarantine_id: Which.
        sites: Only of these sites; None for all, and for what names no site.

    Returns:
        The entry, if there is one.
    """
    with conn.cursor(row_factory=class_row(WholeEntry)) as cursor:
        return cursor.execute(SQL["lock_one"], {"quarantine_id": quarantine_id, "sites": sites}).fetchone()


def settle(
    conn: Connection, quarantine_id: int, *, state: str, actor: str, posting_id: int | None = None
) -> None:
    """Mark an entry as done; one that is done already stays as it is.

    Args:
        conn: A connection inside a transaction.
        quarantine_id: Which.
        state: ``replayed`` or ``discarded``.
        actor: Who decided.
        posting_id: The posting that holds it now, if any.
    """
    asked = {"quarantine_id": quarantine_id, "state": state, "actor": actor, "posting_id": posting_id}
    conn.execute(SQL["settle_one"], asked)


def tell_settled(conn: Connection, entry: WholeEntry, *, actor: str) -> None:
    """Have the gateway of a fork told that somebody decided, so that it need not keep the batch.

    Args:
        conn: A connection inside the transaction that settles it.
        entry: The fork.
        actor: Who decided.
    """
    if entry.epoch is None:
        return
    payload = Jsonb({"epoch": epoch_from_int(entry.epoch)})
    asked = {"gateway": entry.gateway, "channel": SETTLED_CHANNEL, "payload": payload, "actor": actor}
    conn.execute(SQL["tell_gateway"], asked)


def settled_forks(conn: Connection, gateway: str, epoch: str) -> tuple[BatchAck, ...]:
    """Name an epoch's forks that somebody decided about: all of them, for the broker keeps one ack only.

    Args:
        conn: A connection.
        gateway: Whose epoch.
        epoch: 16 hexadecimal digits.

    Returns:
        At most `MAX_EXTRA`, the last decided first.
    """
    asked = {"gateway": gateway, "epoch": epoch_to_int(epoch), "fork": FORK, "limit": MAX_EXTRA}
    return tuple(
        BatchAck(batch_no=batch_no, sha256=sha256, status=StoredAs.PARTLY_QUARANTINED)
        for batch_no, sha256 in conn.execute(SQL["settled_forks"], asked).fetchall()
    )


def posting_of_batch(conn: Connection, entry: WholeEntry) -> int | None:
    """Find the posting that holds the very batch of an entry.

    Args:
        conn: A connection.
        entry: A publish held whole.

    Returns:
        The posting, if the batch is in the ledger.
    """
    asked = {name: getattr(entry, name) for name in ("gateway", "epoch", "batch_no", "sha256")}
    row = conn.execute(SQL["posting_of_batch"], asked).fetchone()
    return int(row[0]) if row else None
