"""What a column of the outbox's file may hold: names and values in, what is none of it out.

SQLite stores any kind of value in any column, and its integrity check takes a text in place of a number: one
damaged byte is enough. Where such a value were computed with, the outbox would end.
"""

from collections.abc import Sequence
from typing import Final

_FAR_FUTURE_US: Final = 2**53
"""Microseconds since 1970 of the year 2255."""
LARGEST_ID: Final = 2**62

_KINDS: Final[dict[str, type]] = {
    "acked_us": int,
    "ack_position": int,
    "base": int,
    "batch_no": int,
    "body": bytes,
    "body_before": bytes,
    "boot_id": str,
    "complete_until_us": int,
    "claimed_us": int,
    "crc32": int,
    "device": str,
    "ended_id": int,
    "epoch": str,
    "epoch_no": int,
    "file": str,
    "first_id": int,
    "gateway": str,
    "id": int,
    "is_current": int,
    "is_done": int,
    "last_batch_no": int,
    "last_id": int,
    "last_sha256": str,
    "ledger_id": str,
    "oldest_us": int,
    "resend_answered": str,
    "rows_upto": int,
    "sealed_id": int,
    "sealed_rows": int,
    "sha256": str,
    "site": str,
    "state": str,
}
_MAY_BE_NULL: Final = frozenset({"acked_us", "body_before", "ended_id", "id", "oldest_us"})
"""``id`` where it is the greatest of none."""


def misshapen(columns: Sequence[str], row: Sequence[object]) -> str | None:
    """Find a value that no column of its name ever holds.

    Args:
        columns: Names as a query gives them; one that is no column of the file may hold anything.
        row: A value for each.

    Returns:
        What is wrong with the first; None if nothing is.

    Examples:
        >>> misshapen(["id", "oldest_us"], [7, None])
        >>> misshapen(["id", "body"], [7, "text"])
        "body is 'text', expected bytes"
    """
    for name, value in zip(columns, row, strict=True):
        kind = _KINDS.get(name)
        if kind is None or (value is None and name in _MAY_BE_NULL):
            continue
        if type(value) is not kind:
            return f"{name} is {value!r:.40}, expected {kind.__name__}"
        least, most = _limits(name)
        if isinstance(value, int) and not least <= value <= most:
            return f"{name} is {value}, expected {least} to {most}"
    return None


def _limits(name: str) -> tuple[int, int]:
    if name == "batch_no":
        return 1, LARGEST_ID
    return -LARGEST_ID, _FAR_FUTURE_US if name.endswith("_us") or name == "ack_position" else LARGEST_ID
