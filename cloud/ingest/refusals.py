"""What keeps one batch from stopping others: named unread, set aside if it ends processes or is refused."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from cloud.db import ContentRefusedError
from cloud.ingest.arrival import Arrival, Delivery, Unpostable, claim_of
from cloud.ingest.service import Reading, Written
from cloud.ledger.domain import LedgerError

DEADLY: Final = 3
"""A batch that was in the hands of so many dying processes is not tried again."""
_HASH: Final = re.compile(rb'"sha256":\s*"([0-9a-f]{64})"')
_HASH_WITHIN: Final = 2048


def identify(payload: bytes) -> str:
    """Name a publish without reading it: the hash it claims, else its own.

    Args:
        payload: Bytes as they came.

    Returns:
        64 hexadecimal digits, the same each time the same batch is sent.
    """
    found = _HASH.search(payload, 0, _HASH_WITHIN)
    return found[1].decode() if found else hashlib.sha256(payload).hexdigest()


def deadly(delivery: Delivery) -> Unpostable:
    """Set aside a batch that has ended too many processes, reading no more of it than its header line.

    Args:
        delivery: As it came.

    Returns:
        What goes to quarantine.
    """
    message = f"it was in the hands of {DEADLY} workers when they died"
    claim, site = claim_of(delivery)
    return Unpostable(delivery, "crashed_worker", message, claim, site, is_acknowledged=claim is not None)


def write_or_set_aside(
    write: Callable[[Sequence[Reading]], Written], readings: Sequence[Reading]
) -> Iterator[Written]:
    """Write a group; if the ledger refuses it, each by itself, and what it refuses then to quarantine.

    Args:
        write: Writes a group in a transaction of its own.
        readings: The group.

    Yields:
        What each transaction did, once it is committed.
    """
    try:
        written = write(readings)
    except (ContentRefusedError, LedgerError) as error:
        if len(readings) > 1:
            for reading in readings:
                yield from write_or_set_aside(write, [reading])
        elif isinstance(reading := readings[0], Arrival):
            yield from write_or_set_aside(write, [_refused(reading, error)])
        else:
            raise
    else:
        yield written


def _refused(reading: Arrival, error: Exception) -> Unpostable:
    """Set aside a batch that the ledger refuses; what only the registry refuses is not acknowledged."""
    is_content = isinstance(error, ContentRefusedError)
    reason = "refused_by_ledger" if is_content else "not_admitted"
    return Unpostable(
        reading.delivery, reason, str(error), reading.claim, reading.site, is_acknowledged=is_content
    )
