"""What came, as people said it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cloud.db import Connection
from cloud.documents.domain import READERS, UnknownDocumentError
from cloud.documents.receiving import store
from cloud.documents.receiving.papers import ReceiptLineRow, ReceiptRow
from cloud.identity.actor import Actor
from cloud.identity.store import act_as

LATEST: Final = (datetime(9999, 1, 1, tzinfo=UTC), "", "")
"""Before which everything was recorded."""
_ALL: Final = 1 << 31


@dataclass(frozen=True, slots=True)
class ReceiptStory:
    """A receipt with its lines in order."""

    receipt: ReceiptRow
    lines: tuple[ReceiptLineRow, ...]


def receipts(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    origin: str | None = None,
    of: tuple[str, str] | None = None,
    before: tuple[datetime, str, str] = LATEST,
    limit: int,
) -> list[ReceiptRow]:
    """List receipts, the latest first.

    Args:
        conn: In a transaction.
        actor: Who asks; sees the sites at which it may read stock.
        site: Only of this site.
        origin: Only ``supplier``, ``customer`` or ``transfer``.
        of: Only against the document of this type and id.
        before: When recorded, site and id of the last one of the page before.
        limit: Most to give.

    Returns:
        The receipts.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    of_type, of_id = of or (None, None)
    asked = {"site": site, "id": None, "origin": origin, "of_type": of_type, "of_id": of_id, "limit": limit}
    keys = dict(zip(("before_at", "before_site", "before_id"), before, strict=True))
    return store.rows(conn, ReceiptRow, "receipts", **asked, **keys)


def receipt(
    conn: Connection, actor: Actor, *, site: str, name: str, after: int = 0, limit: int = _ALL
) -> ReceiptStory:
    """Give one receipt with its lines.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        name: Its number.
        after: How many lines to leave out at the beginning.
        limit: Most lines to give.

    Returns:
        The receipt.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is none.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    asked = {"site": site, "id": name, "origin": None, "of_type": None, "of_id": None, "limit": 1}
    keys = dict(zip(("before_at", "before_site", "before_id"), LATEST, strict=True))
    found = store.rows(conn, ReceiptRow, "receipts", **asked, **keys)
    if not found:
        raise UnknownDocumentError(f"there is no receipt {name!r} at site {site!r}")
    lines = store.rows(conn, ReceiptLineRow, "receipt_lines", site=site, id=name, after=after, limit=limit)
    return ReceiptStory(found[0], tuple(lines))
