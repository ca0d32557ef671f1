"""A ledger in, a report of every promise out."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from cloud.db import Connection
from cloud.ledger.verification import store
from cloud.ledger.verification.batch_bytes import compare, is_held_as
from cloud.ledger.verification.domain import Breach, Finding, Report

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


def verify(conn: Connection, progress: Progress = lambda _check, _done, _total: None) -> Report:
    """Check every promise of the ledger against its rows, in one consistent state.

    Args:
        conn: A connection of the owner or an auditor, inside a transaction that has done nothing yet.
        progress: Told how far each check is.

    Returns:
        The report; it changes nothing.
    """
    store.begin(conn)
    ledger_id, position, recorded_at = store.head(conn)
    counts = store.examined(conn)
    findings = []
    for check, (looked_at, promise) in PROMISES.items():
        progress(check, 0, counts[looked_at])
        found = list(_breaches(conn, check, position, counts[looked_at], progress))
        progress(check, counts[looked_at], counts[looked_at])
        findings.append(Finding(check, promise, counts[looked_at], tuple(islice(found, SHOWN)), len(found)))
    return Report(ledger_id, position, recorded_at, tuple(findings))


def _breaches(
    conn: Connection, check: str, position: int, total: int, progress: Progress
) -> Iterator[Breach]:
    if check == "contents":
        for after in range(0, position, _ENTRIES_AT_ONCE):
            yield from store.changed_contents(conn, after, after + _ENTRIES_AT_ONCE)
            progress(check, after, total)
    elif check == "batch_bytes":
        for done, batch in enumerate(store.batches(conn)):
            yield from compare(batch, store.rows_of(conn, batch))
            progress(check, done, total)
    elif check == "quarantined_bytes":
        for breach, payload in store.unlike_their_names(conn):
            if not is_held_as(payload, breach.expected):
                yield breach
    else:
        yield from store.breaches(conn, check)
