"""A ledger in, a report of every promise out."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final

from cloud.db import Connection
from cloud.ledger.verification import store
from cloud.ledger.verification.batch_bytes import (
    StoredBatch,
    compare,
    compare_header,
    is_held_as,
    opened,
    told,
)
from cloud.ledger.verification.domain import Breach, Checkpoint, Finding, Report

SHOWN: Final = 20
"""Breaches kept per check; all are counted."""
_ENTRIES_AT_ONCE: Final = 500

Progress = Callable[[str, int, int], None]
"""Told the check's name, how much is done and how much there is."""

PROMISES: Final = {
    "batch_numbers": ("batches", "batch and row numbers of every epoch run without a gap"),
    "batch_chain": ("batches", "every batch names the hash of the one before"),
    "batch_bytes": ("batches", "every row says what the sealed bytes say, and the bytes hash to their name"),
    "seqs_once": ("movements", "every row that was stated is stored or held, once"),
    "completeness": ("batches", "what was acknowledged as contiguous is"),
    "balances": ("balances", "every balance is the sum of its movements"),
    "zero_sum": ("balances", "over all cells an item sums to zero"),
    "references": ("movements", "every row names cells and places that exist, of its own item"),
    "strays": ("entries", "every row belongs to a posting in the order"),
    "order_chain": ("entries", "positions run without a gap, each hashed onto the one before"),
    "signed_heads": ("signed_heads", "every signed head is in the order as it was signed"),
    "contents": ("entries", "every posting holds what it hashed"),
    "audit_chain": (
        "audit_events",
        "the audit trail runs without a gap, each event hashed onto the one before",
    ),
    "folded_past": ("movements", "the folded past holds the movements' changes"),
    "buckets": ("movements", "every block of the past holds the running sums of its changes"),
    "anchors": ("anchors", "as of its instant a bound count is the book"),
    "closes": ("closes", "every close holds what had occurred by its end and was posted by its position"),
    "prior_facts": ("closes", "what came after a close did without it is listed"),
    "quarantined_bytes": ("quarantined", "everything held hashes to its name"),
}
"""Every check: what it looks at and what it promises."""

SINCE: Final = {
    "checkpoint": ("heads", "the entry of the checkpoint is what was signed"),
    "order_since": ("entries", "from there positions run without a gap, each hashed onto the one before"),
    "contents": ("entries", "every posting since holds what it hashed"),
    "batches_since": ("batches", "every batch since follows the one before and names its hash"),
    "batch_bytes": (
        "batches",
        "every row since says what the sealed bytes say, which hash to their name",
    ),
    "references_since": ("movements", "every movement since names cells that exist, of its own item"),
}
"""The checks of what was posted after a checkpoint; sums over everything take a whole verification."""


def verify(
    conn: Connection,
    progress: Progress = lambda _check, _done, _total: None,
    *,
    beside: Connection | None = None,
) -> Report:
    """Check every promise of the ledger against its rows, in one consistent state.

    Args:
        conn: A connection of the owner or an auditor, inside a transaction that has done nothing yet.
        progress: Told how far each check is; by two threads if there are two connections.
        beside: Another such connection: each takes the next check, and both see the same state.

    Returns:
        The report; it changes nothing.
    """
    conns = store.begin(conn, beside)
    return _report(conns, PROMISES, store.examined(conn), Checkpoint(), progress)


def verify_since(
    conn: Connection,
    since: Checkpoint,
    progress: Progress = lambda _check, _done, _total: None,
    *,
    beside: Connection | None = None,
) -> Report:
    """Check what was posted after a checkpoint, and that the checkpoint still stands.

    Args:
        conn: As `verify`.
        since: A position and the hash of everything up to it, as somebody kept them: of a signed head.
        progress: As `verify`.
        beside: As `verify`.

    Returns:
        The report; it changes nothing.
    """
    conns = store.begin(conn, beside)
    return _report(conns, SINCE, store.examined_since(conn, since.position), since, progress)


def _report(
    conns: Sequence[Connection],
    promises: Mapping[str, tuple[str, str]],
    counts: Mapping[str, int],
    since: Checkpoint,
    progress: Progress,
) -> Report:
    """Let each connection take the next check until none is left."""
    ledger_id, position, recorded_at = store.head(conns[0])
    waiting = deque(promises.items())
    findings: dict[str, Finding] = {}

    def work(conn: Connection) -> None:
        while waiting:
            try:
                check, (looked_at, promise) = waiting.popleft()
            except IndexError:  # the other one took the last
                return
            total = counts[looked_at]
            progress(check, 0, total)
            found = list(_breaches(conn, check, (since, position), total, progress))
            progress(check, total, total)
            findings[check] = Finding(check, promise, total, tuple(islice(found, SHOWN)), len(found))

    with ThreadPoolExecutor(max(1, len(conns) - 1), "verify") as helpers:
        helping = [helpers.submit(work, conn) for conn in conns[1:]]
        work(conns[0])
        for help_ in helping:
            help_.result()
    return Report(ledger_id, position, recorded_at, tuple(findings[check] for check in promises))


def _breaches(
    conn: Connection, check: str, span: tuple[Checkpoint, int], total: int, progress: Progress
) -> Iterator[Breach]:
    since, position = span
    if check == "contents":
        for after in range(since.position, position, _ENTRIES_AT_ONCE):
            yield from store.changed_contents(conn, after, after + _ENTRIES_AT_ONCE)
            progress(check, after - since.position, total)
    elif check == "batch_bytes":
        for done, (batch, rows) in enumerate(store.batches(conn, since.position)):
            yield from _compared(conn, batch, rows)
            progress(check, done, total)
    elif check == "quarantined_bytes":
        for breach, payload in store.unlike_their_names(conn):
            if not is_held_as(payload, breach.expected):
                yield breach
    elif check in SINCE:
        yield from store.breaches(conn, check, position=since.position, chain=since.chain)
    else:
        yield from store.breaches(conn, check)


def _compared(conn: Connection, batch: StoredBatch, rows: str) -> Iterator[Breach]:
    unpacked = opened(batch)
    if isinstance(unpacked, Breach):
        yield unpacked
        return
    yield from compare_header(batch, unpacked.fields)
    if told(batch, unpacked.records) != rows:
        yield from compare(batch, unpacked.records, store.rows_of(conn, batch))
