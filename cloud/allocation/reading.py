"""What people ask of claims and availability."""

from dataclasses import dataclass
from datetime import date, datetime

from cloud.allocation import store
from cloud.allocation.arrivals import net_of_notices
from cloud.allocation.domain import READERS, ClaimRow, UnknownClaimError
from cloud.allocation.promise import Promise
from cloud.allocation.promising import HeldCell, promised_by_date
from cloud.allocation.store import AvailableRow, LineRow, ReceiptRow
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as


@dataclass(frozen=True, slots=True)
class PromiseStory:
    """What an item's stock, receipts and orders leave to be promised, day by day."""

    site: str
    item: str
    day: date
    """Today, at the site."""
    rows: tuple[Promise, ...]
    receipts: tuple[ReceiptRow, ...]
    """Those overdue and those without a date are shown, and promised to nobody."""
    orders: tuple[LineRow, ...]


def claims(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    document: str | None = None,
    item: str | None = None,
    with_ended: bool = False,
    after: int = 0,
    limit: int,
) -> list[ClaimRow]:
    """List claims by number.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        document: Only of this document, ``type/id``.
        item: Only of this item.
        with_ended: Whether ended ones are shown too.
        after: The last one of the page before.
        limit: Most to give.

    Returns:
        The claims.

    Raises:
        NotAllowedError: If the actor may not.
    """
    _see(conn, actor, site)
    asked = {"site": site, "document": document, "item": item}
    return store.claims(conn, **asked, with_ended=with_ended, after=after, limit=limit)


def availability(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    item: str | None = None,
    now: datetime,
    after: tuple[str, str] = ("", ""),
    limit: int,
) -> list[AvailableRow]:
    """Tell by site and item what lies there, is claimed, and is free.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        item: Only of this item.
        now: The present: what has expired by then, at the site's midnight, is not usable.
        after: The last one of the page before.
        limit: Most to give.

    Returns:
        Rows by site and item.

    Raises:
        NotAllowedError: If the actor may not.
    """
    _see(conn, actor, site)
    return store.rows(
        conn,
        AvailableRow,
        "available",
        sites=None if site is None else [site],
        item=item,
        shippable=store.SHIPPABLE_WORDS,
        now=now,
        after_site=after[0],
        after_item=after[1],
        limit=limit,
    )


def promise(conn: Connection, actor: Actor, *, site: str, item: str, now: datetime) -> PromiseStory:
    """Tell what may be promised of an item, by date.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        item: Its code.
        now: The present.

    Returns:
        ATP by date with the receipts and orders it follows from.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownClaimError: If there is no such site or item.
    """
    _see(conn, actor, site)
    days = store.tuples(conn, "site_day", site=site, now=now)
    found = store.tuples(conn, "item_by_code", item=item)
    if not days or not found:
        raise UnknownClaimError(f"there is no item {item!r} or no site {site!r}")
    today, item_id = days[0][0], found[0][0]
    here = {"site": site, "item_id": item_id}
    cells = store.rows(conn, HeldCell, "stock_of_item", **here, shippable=store.SHIPPABLE_WORDS)
    receipts = net_of_notices(store.rows(conn, ReceiptRow, "receipts_of_item", **here))
    asked = {"documents": None, "visit": None, "due_until": None, "now": now, "items": [item_id]}
    orders = store.rows(conn, LineRow, "lines", site=site, **asked)
    rows = promised_by_date(cells, receipts, orders, today=today)
    return PromiseStory(site, item, today, tuple(rows), tuple(receipts), tuple(orders))


def _see(conn: Connection, actor: Actor, site: str | None) -> None:
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
