"""What ingest asks of the database about batches, and what it writes beside the ledger's own posting."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from cloud.db import statements
from cloud.ingest.domain import Branch, Stone
from contracts.base import EpochId, GatewayId, epoch_from_int, epoch_to_int
from contracts.feedback import StoredAs

SQL: Final = statements("cloud.ingest")

MAX_AHEAD: Final = 1_000
"""Batches beyond the contiguous ones that one transaction reads; the next goes on from there."""

FORK: Final = "conflict"
ACKNOWLEDGED_WHOLE: Final = ("bad_batch", "bad_header", "crashed_worker", "refused_by_ledger")
"""Reasons for which a batch goes to quarantine whole and yet is acknowledged, so that it blocks nobody."""
CURED_BY_ARRIVAL: Final = (
    *ACKNOWLEDGED_WHOLE,
    "unregistered",
    "retired",
    "wrong_site",
    "not_admitted",
    "schema_too_new",
    "schema_too_old",
)
"""Reasons that are settled when the same batch is posted after all."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A registered gateway."""

    name: str
    gateway_id: int
    site: str
    state: str


class EpochKey(NamedTuple):
    """An epoch as the database numbers it."""

    gateway_id: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Held:
    """A publish that goes to quarantine whole."""

    received_at: datetime
    topic: str
    site: str | None
    gateway: str | None
    epoch: int | None
    batch_no: int | None
    reason: str
    message: str
    payload: bytes
    sha256: str


class _StoneRow(NamedTuple):
    gateway_id: int
    epoch: int
    batch_no: int
    sha256: str
    status: str
    prev_sha256: str
    first_seq: int
    last_seq: int
    complete_until: datetime
    is_final: bool


def gateways(conn: Connection, names: Iterable[str]) -> dict[str, Gateway]:
    """Look gateways up in the registry.

    Args:
        conn: A connection.
        names: Gateway ids.

    Returns:
        Those registered, by name.
    """
    with conn.cursor(row_factory=class_row(Gateway)) as cursor:
        found = cursor.execute(SQL["gateways"], {"names": list(names)}).fetchall()
    return {gateway.name: gateway for gateway in found}


def ledger_now(conn: Connection) -> tuple[str, int]:
    """Ask which ledger this is and how far it is.

    Args:
        conn: A connection.

    Returns:
        Ledger id and position.
    """
    (row,) = conn.execute(SQL["ledger_now"]).fetchall()
    return str(row[0]), int(row[1])


def lock_branches(
    conn: Connection, gateways: dict[int, str], wanted: dict[EpochKey, list[int]]
) -> dict[EpochKey, Branch]:
    """Lock some epochs in key order and read of each what judging needs.

    Args:
        conn: A connection inside a transaction; the locks last until its end.
        gateways: Name by id of every gateway in ``wanted``.
        wanted: Arriving batch numbers by epoch.

    Returns:
        A branch per epoch.
    """
    keys = sorted(wanted)
    asked = {"gateway_ids": [key.gateway_id for key in keys], "epochs": [key.epoch for key in keys]}
    conn.execute(SQL["open_epochs"], asked)
    branches = {}
    for gateway_id, epoch, number, sha256, is_final in conn.execute(SQL["lock_epochs"], asked).fetchall():
        branches[EpochKey(gateway_id, epoch)] = Branch(
            GatewayId(gateways[gateway_id]), epoch_from_int(epoch), number, sha256, is_final=is_final
        )
    _read_stones(conn, branches, wanted)
    _read_quarantine(conn, branches)
    return branches


def _read_stones(
    conn: Connection, branches: dict[EpochKey, Branch], wanted: dict[EpochKey, list[int]]
) -> None:
    single = [(*key, number) for key, numbers in wanted.items() for number in numbers]
    near = dict(
        zip(("gateway_ids", "epochs", "batch_nos"), map(list, zip(*single, strict=True)), strict=True)
    )
    ahead = {
        "gateway_ids": [key.gateway_id for key in branches],
        "epochs": [key.epoch for key in branches],
        "contiguous_nos": [branch.contiguous_no for branch in branches.values()],
        "limit": MAX_AHEAD,
    }
    for statement, asked in (("stones_near", near), ("stones_ahead", ahead)):
        for values in conn.execute(SQL[statement], asked).fetchall():
            row = _StoneRow(*values)
            branches[EpochKey(row.gateway_id, row.epoch)].stones[row.batch_no] = Stone(
                row.batch_no,
                row.sha256,
                StoredAs(row.status),
                row.prev_sha256,
                row.first_seq,
                row.last_seq,
                row.complete_until,
                row.is_final,
            )


def _read_quarantine(conn: Connection, branches: dict[EpochKey, Branch]) -> None:
    by_name = {(branch.gateway, key.epoch): branch for key, branch in branches.items()}
    asked = {
        "gateways": [name for name, _ in by_name],
        "epochs": [epoch for _, epoch in by_name],
        "counted": list(ACKNOWLEDGED_WHOLE),
        "fork": FORK,
    }
    for gateway, epoch, batch_no, sha256, reason, state in conn.execute(SQL["held_whole"], asked).fetchall():
        branch = by_name[gateway, epoch]
        if reason == FORK:
            (branch.conflicts if state == "held" else branch.settled).add(sha256)
        else:
            branch.stones.setdefault(batch_no, Stone(batch_no, sha256, StoredAs.PARTLY_QUARANTINED))


def move_on(conn: Connection, branches: dict[EpochKey, Branch]) -> None:
    """Write how far epochs are contiguous and complete now.

    Args:
        conn: A connection inside the transaction that locked them.
        branches: Branches that may have moved on.
    """
    with conn.cursor() as cursor:
        cursor.executemany(
            SQL["move_on"],
            [
                {
                    "gateway_id": key.gateway_id,
                    "epoch": key.epoch,
                    "contiguous_no": branch.contiguous_no,
                    "contiguous_sha256": branch.contiguous_sha256,
                    "is_final": branch.is_final,
                    "complete_until": branch.complete_until,
                }
                for key, branch in branches.items()
            ],
        )


def quarantine(conn: Connection, held: Held) -> bool:
    """Put a publish to quarantine whole, once.

    Args:
        conn: A connection inside a transaction.
        held: What to keep, with its original bytes.

    Returns:
        True if it was not there yet.
    """
    values = {name: getattr(held, name) for name in Held.__slots__}
    return conn.execute(SQL["quarantine"], values).fetchone() is not None


def awaited(conn: Connection, sha256s: Sequence[str]) -> list[int]:
    """Find what lies in quarantine only until the same batch is posted after all.

    Args:
        conn: A connection inside a transaction.
        sha256s: Hashes of batches about to be posted.

    Returns:
        Quarantine ids.
    """
    asked = {"sha256s": list(sha256s), "reasons": list(CURED_BY_ARRIVAL)}
    return [int(row[0]) for row in conn.execute(SQL["awaited"], asked).fetchall()]


def settle(conn: Connection, quarantine_ids: Sequence[int], *, actor: str, posting_id: int) -> None:
    """Mark what lay in quarantine as posted.

    Args:
        conn: A connection inside a transaction.
        quarantine_ids: What to settle; what is settled already stays as it is.
        actor: Who posted.
        posting_id: The posting.
    """
    asked = {"quarantine_ids": list(quarantine_ids), "actor": actor, "posting_id": posting_id}
    conn.execute(SQL["settle"], asked)


def epoch_key(gateway: Gateway, epoch: EpochId | str) -> EpochKey:
    """Number an epoch as the database does.

    Args:
        gateway: Its gateway.
        epoch: 16 hexadecimal digits.

    Returns:
        The key.
    """
    return EpochKey(gateway.gateway_id, epoch_to_int(epoch))
