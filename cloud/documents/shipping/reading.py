"""What left, as people said it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cloud.db import Connection
from cloud.documents.domain import READERS, UnknownDocumentError
from cloud.documents.shipping import store
from cloud.documents.shipping.papers import ShipmentLineRow, ShipmentRow
from cloud.identity.actor import Actor
from cloud.identity.store import act_as

LATEST: Final = (datetime(9999, 1, 1, tzinfo=UTC), "", "")
"""Before which everything was recorded."""
_ALL: Final = 1 << 31


@dataclass(frozen=True, slots=True)
class ShipmentStory:
    """A shipment with its lines in order."""

    shipment: ShipmentRow
    lines: tuple[ShipmentLineRow, ...]


def shipments(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    destination: str | None = None,
    before: tuple[datetime, str, str] = LATEST,
    limit: int,
) -> list[ShipmentRow]:
    """List shipments, the latest first.

    Args:
        conn: In a transaction.
        actor: Who asks; sees the sites at which it may read stock.
        site: Only of this site.
        destination: Only to a ``customer``, a ``supplier``, or by ``transfer``.
        before: When recorded, site and id of the last one of the page before.
        limit: Most to give.

    Returns:
        The shipments.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    keys = dict(zip(("before_at", "before_site", "before_id"), before, strict=True))
    asked = {"site": site, "id": None, "destination": destination, "limit": limit}
    return store.rows(conn, ShipmentRow, "shipments", **asked, **keys)


def shipment(
    conn: Connection, actor: Actor, *, site: str, name: str, after: int = 0, limit: int = _ALL
) -> ShipmentStory:
    """Give one shipment with its lines.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        name: Its number.
        after: How many lines to leave out at the beginning.
        limit: Most lines to give.

    Returns:
        The shipment.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is none.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    keys = dict(zip(("before_at", "before_site", "before_id"), LATEST, strict=True))
    asked = {"site": site, "id": name, "destination": None, "limit": 1}
    found = store.rows(conn, ShipmentRow, "shipments", **asked, **keys)
    if not found:
        raise UnknownDocumentError(f"there is no shipment {name!r} at site {site!r}")
    lines = store.rows(conn, ShipmentLineRow, "shipment_lines", site=site, id=name, after=after, limit=limit)
    return ShipmentStory(found[0], tuple(lines))
