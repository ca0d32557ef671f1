"""Lots that expire: what of each lies where, with how long it lasts and what it is worth; people are told."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final, NamedTuple

from pydantic import JsonValue

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.allocation.store import SHIPPABLE_WORDS
from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.ledger.store import audit
from cloud.lots import store
from cloud.lots.domain import KEEPERS, READERS, LotError

EXPIRY: Final = "lot_expiry"
DAYS: Final = 30
"""How long before a lot expires people are told, unless a site says otherwise."""
MOST_DAYS: Final = 3_650
WATCH: Final = Actor("job:expiry", frozenset({Role.DEVICE}), all_sites=True)
FIRST: Final = (date.min, "", "", "")
_ALL: Final = 1_000_000
_OWNER: Final = re.compile(r"(user|key):[^\x00-\x1f\x7f-\x9f]{1,120}")


class ExpiringRow(NamedTuple):
    """A lot at a site that expires soon, or has."""

    site: str
    item_id: int
    item: str
    item_name: str | None
    base_unit: str
    lot: str
    expires_on: date
    """The first day on which it is no longer good, by the site's calendar."""
    days_left: int
    """From the site's today; zero or less: it has expired."""
    on_hand: Decimal
    shippable_quantity: Decimal
    """In a condition in which it could leave, but for its date."""
    value: Decimal | None
    """Of the site's own goods; None: a cost is not known."""
    currency: str | None
    stated_by: str | None

    @property
    def is_expired(self) -> bool:
        """Whether its day has begun at the site."""
        return self.days_left <= 0

    @property
    def place(self) -> tuple[date, str, str, str]:
        """Where it stands in the list."""
        return self.expires_on, self.site, self.item, self.lot


class WatchRow(NamedTuple):
    """How a site is told of lots that expire."""

    site: str
    days: int
    owner: str | None
    set_by: str | None
    """None: as it is unless somebody says otherwise."""


def expiring(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    item: str | None = None,
    days: int = DAYS,
    now: datetime,
    after: tuple[date, str, str, str] = FIRST,
    limit: int,
) -> list[ExpiringRow]:
    """List lots on hand that have expired or will within some days, what expires first comes first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        item: Only of this item.
        days: From each site's today; 0 gives what has expired.
        now: The present.
        after: `place` of the last row of the page before.
        limit: Most to give.

    Returns:
        The lots by site.

    Raises:
        NotAllowedError: If the actor may not.
        LotError: If the days are out of range.
    """
    actor.require(*READERS, site=site)
    if not 0 <= days <= MOST_DAYS:
        raise LotError(f"days {days}: expected 0 to {MOST_DAYS}")
    within = actor.narrowed(*READERS)
    act_as(conn, within)
    sites = [site] if site else within.reach
    day, after_site, after_item, after_lot = after
    place = {"after_day": day, "after_site": after_site, "after_item": after_item, "after_lot": after_lot}
    asked = {"sites": sites, "item": item, "days": days, "now": now, "shippable": SHIPPABLE_WORDS}
    return store.rows(conn, ExpiringRow, "expiring", **asked, **place, limit=limit)


def watches(conn: Connection, actor: Actor) -> list[WatchRow]:
    """Tell how each of the actor's sites is told of lots that expire.

    Args:
        conn: In a transaction.
        actor: Who asks.

    Returns:
        By site.

    Raises:
        NotAllowedError: If the actor may not.
    """
    act_as(conn, actor.narrowed(*READERS))
    return store.rows(conn, WatchRow, "watches", days=DAYS)


def put_watch(conn: Connection, actor: Actor, *, site: str, days: int, owner: str | None) -> bool:
    """Say how long before a lot expires people of a site are told, and whose the tickets are.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        site: Site id.
        days: 0 to 3,650.
        owner: As `user:ada`; None: of whoever stated the lot's date.

    Returns:
        Whether that was new.

    Raises:
        NotAllowedError: If the actor may not.
        LotError: If the days are out of range, or the owner is no person.
    """
    actor.require(*KEEPERS, site=site)
    if not 0 <= days <= MOST_DAYS:
        raise LotError(f"days {days}: expected 0 to {MOST_DAYS}")
    if owner is not None and not _OWNER.fullmatch(owner):
        raise LotError(f"owner {owner!r:.80}: expected a person as user:ada")
    act_as(conn, actor)
    is_new = bool(store.change(conn, "put_watch", site=site, days=days, owner=owner, actor=actor.id))
    if is_new:
        detail = {"days": days, "owner": owner}
        audit(conn, actor.id, "expiry_watch_set", f"site:{site}", site=site, detail=detail)
    return is_new


def watch_expiry(source: Source, actor: Actor, now: datetime) -> Mapping[str, Any]:
    """Tell people of every lot that has come to expire soon, or has expired, since the last time.

    Args:
        source: Gives connections of `dockledger_app`.
        actor: A job with all sites.
        now: The present.

    Returns:
        Tickets ``told`` and ``resolved``.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE)
    told: Counter[str] = Counter(told=0, resolved=0)
    for watch in in_transaction(source, partial(_watches, actor=actor)):
        told.update(in_transaction(source, partial(_watch_site, actor=actor, watch=watch, now=now)))
    return dict(told)


def _watch_site(conn: Connection, actor: Actor, *, watch: WatchRow, now: datetime) -> dict[str, int]:
    """Tell people of one site.

    Args:
        conn: In a transaction that the caller commits.
        actor: A job.
        watch: How the site is told.
        now: The present.

    Returns:
        As `watch_expiry`.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE, site=watch.site)
    act_as(conn, actor)
    place = dict(zip(("after_day", "after_site", "after_item", "after_lot"), FIRST, strict=True))
    asked = {
        "sites": [watch.site],
        "item": None,
        "days": watch.days,
        "now": now,
        "shippable": SHIPPABLE_WORDS,
    }
    rows = store.rows(conn, ExpiringRow, "expiring", **asked, **place, limit=_ALL)
    known = {
        (item, lot): as_what for item, lot, as_what in store.tuples(conn, "expiry_told", site=watch.site)
    }
    there = {(row.item_id, row.lot): row for row in rows}
    new = [row for key, row in there.items() if known.get(key) != _told_as(row)]
    gone = sorted(known.keys() - there.keys())
    alerts.notice(conn, [_notice(row, watch) for row in new])
    alerts.resolve(conn, [_key(watch.site, *key) for key in gone])
    _keep(conn, watch.site, new, gone)
    return {"told": len(new), "resolved": len(gone)}


def _watches(conn: Connection, actor: Actor) -> list[WatchRow]:
    act_as(conn, actor)
    return store.rows(conn, WatchRow, "watches", days=DAYS)


def _keep(conn: Connection, site: str, new: Sequence[ExpiringRow], gone: Sequence[tuple[int, str]]) -> None:
    if new:
        store.change(
            conn,
            "tell_expiry",
            site=site,
            items=[row.item_id for row in new],
            lots=[row.lot for row in new],
            told=[_told_as(row) for row in new],
        )
    if gone:
        store.change(
            conn, "forget_expiry", site=site, items=[key[0] for key in gone], lots=[key[1] for key in gone]
        )


def _told_as(row: ExpiringRow) -> str:
    return "expired" if row.is_expired else "soon"


def _key(site: str, item_id: int, lot: str) -> str:
    return f"{EXPIRY}:{site}:{item_id}:{lot}"


def _notice(row: ExpiringRow, watch: WatchRow) -> Notice:
    severity = Severity.CRITICAL if row.is_expired else Severity.WARNING
    when = f"expired on {row.expires_on}" if row.is_expired else f"expires on {row.expires_on}"
    worth = "value unknown" if row.value is None else f"{row.value:,f} {row.currency}"
    held = f"{row.on_hand.normalize():f} {row.base_unit} on hand at {row.site}"
    summary = f"{row.item} lot {row.lot} {when}: {held}, {worth}"
    stated_by = row.stated_by if row.stated_by and row.stated_by.startswith("user:") else None
    detail: dict[str, JsonValue] = {
        "item": row.item,
        "lot": row.lot,
        "expires_on": row.expires_on.isoformat(),
        "on_hand": f"{row.on_hand.normalize():f}",
        "value": None if row.value is None else str(row.value),
        "currency": row.currency,
        "page_url": "/expiring",
    }
    key = _key(row.site, row.item_id, row.lot)
    return Notice(key, EXPIRY, severity, summary, row.site, detail, owner=watch.owner or stated_by)
