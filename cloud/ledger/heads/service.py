"""Signing the head of the order once an hour, and holding what was signed against the ledger."""

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cloud.db import Connection, NamedStatements, in_transaction
from cloud.db.retry import Source
from cloud.ledger.heads.domain import Head, HeadError, SignedHead, signed
from cloud.ledger.heads.signatures import SEED_LENGTH

KEY_FILE: Final = "ledger-head.key"
"""In the data directory: 64 hexadecimal digits. Whoever has it can sign: not the database's owner."""
_AT_ONCE: Final = 1_000
_SQL: Final = NamedStatements("cloud.ledger.heads")


def sign_head(source: Source, key_file: Path, now: datetime) -> Mapping[str, Any]:
    """Sign the head, unless it or one of this hour is signed already.

    Args:
        source: Connections of the application.
        key_file: Where the private key is; made if it is not there.
        now: The present.

    Returns:
        What was signed, for the job's outcome.
    """

    def work(conn: Connection) -> Mapping[str, Any]:
        head = _SQL.row(conn, Head, "head")
        last = _SQL.tuples(conn, "last_signed")
        if head is None or (last and (last[0][0] >= head.position or _hour(last[0][1]) >= _hour(now))):
            return {"signed": 0}
        done = signed(head, private_key(key_file), now)
        _SQL.change(conn, "add_head", **done.model_dump())
        return {"signed": 1, "position": done.position, "public_key": done.public_key}

    return in_transaction(source, work)


def heads(conn: Connection, *, after: int = 0) -> Iterator[SignedHead]:
    """Read what was signed.

    Args:
        conn: A connection that may read it.
        after: Above this position.

    Yields:
        Heads by position.
    """
    while True:
        page = _SQL.rows(conn, SignedHead, "heads", after=after, limit=_AT_ONCE)
        yield from page
        if len(page) < _AT_ONCE:
            return
        after = page[-1].position


def require_kept(conn: Connection, kept: Sequence[SignedHead]) -> None:
    """Hold heads that somebody kept against the ledger.

    Args:
        conn: A connection of the owner or an auditor.
        kept: Whose signatures are their own.

    Raises:
        HeadError: If the ledger is another, or one of its entries is not what was signed.
    """
    ((ledger_id,),) = _SQL.tuples(conn, "identity")
    found = _SQL.tuples(conn, "chains", positions=[head.position for head in kept])
    for head, (position, chain, recorded_at) in zip(kept, found, strict=True):
        if head.ledger_id != ledger_id:
            raise HeadError(f"position {position} was signed of ledger {head.ledger_id}, this is {ledger_id}")
        if (head.chain, head.recorded_at) != (chain, recorded_at):
            there = "nothing" if chain is None else f"{chain} recorded at {recorded_at}"
            raise HeadError(
                f"position {position} was signed as {head.chain} recorded at {head.recorded_at}, the ledger "
                f"holds {there}: its history up to there was rewritten"
            )


def private_key(file: Path) -> bytes:
    """Read the private key, or make it.

    Args:
        file: Where it is, readable by its owner only.

    Returns:
        32 bytes.

    Raises:
        HeadError: If the file holds no key.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass  # another process was faster
        else:
            with os.fdopen(handle, "w", encoding="ascii") as written:
                written.write(secrets.token_hex(SEED_LENGTH) + "\n")
                written.flush()
                os.fsync(written.fileno())
    try:
        seed = bytes.fromhex(file.read_text("ascii").strip())
    except ValueError as error:
        raise HeadError(f"{file}: expected {2 * SEED_LENGTH} hexadecimal digits") from error
    if len(seed) != SEED_LENGTH:
        raise HeadError(f"{file}: {len(seed)} bytes: expected {2 * SEED_LENGTH} hexadecimal digits")
    return seed


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
