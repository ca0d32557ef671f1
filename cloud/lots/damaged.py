"""Good stock that handhelds marked damaged where it lies: it has happened, so it is told."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from pydantic import JsonValue

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.lots import store

DAMAGED: Final = "goods_damaged"
_POSITIONS: Final = 10_000


class _Marked(NamedTuple):
    """What of an item and lot was marked at a place."""

    site: str
    item_id: int
    item: str
    base_unit: str
    lot: str | None
    place: str
    quantity: Decimal
    reason: str | None
    """Of the last."""
    last_at: datetime

    @property
    def key(self) -> str:
        """Of its ticket."""
        return f"{DAMAGED}:{self.site}:{self.item_id}:{self.lot or ''}:{self.place}"


def tell_damaged(source: Source, actor: Actor) -> Mapping[str, Any]:
    """Open a ticket for what handhelds marked damaged, by item, lot and place.

    Args:
        source: Gives connections of `dockledger_app`.
        actor: A job with all sites.

    Returns:
        How many were ``damaged`` since the last time. An open ticket goes on, and says how much in all.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE)
    told, more = 0, True
    while more:
        found, more = in_transaction(source, partial(_look, actor=actor))
        told += found
    return {"damaged": told}


def _look(conn: Connection, actor: Actor) -> tuple[int, bool]:
    act_as(conn, actor)
    (looked, *_), *rows = store.tuples(conn, "marked_damaged", most=_POSITIONS)
    found = [_Marked(*row[1:]) for row in rows]
    told = alerts.open_details(conn, [each.key for each in found])
    before = [Decimal(str(told.get(each.key, {}).get("quantity", 0))) for each in found]
    alerts.notice(
        conn,
        [
            _notice(each._replace(quantity=each.quantity + so_far))
            for each, so_far in zip(found, before, strict=True)
        ],
    )
    return len(found), looked >= _POSITIONS


def _notice(marked: _Marked) -> Notice:
    lot = f" lot {marked.lot}" if marked.lot else ""
    why = f" ({marked.reason})" if marked.reason else ""
    summary = (
        f"{marked.quantity.normalize():f} {marked.base_unit} of {marked.item}{lot} at {marked.place} "
        f"{'is' if marked.quantity == 1 else 'are'} marked damaged{why}"
    )
    where = f"/lots/{quote(marked.item, safe='')}/{quote(marked.lot, safe='')}" if marked.lot else None
    detail: dict[str, JsonValue] = {
        "item": marked.item,
        "lot": marked.lot,
        "place": marked.place,
        "quantity": f"{marked.quantity:f}",
        "reason": marked.reason,
        "last_at": marked.last_at.isoformat(),
        "page_url": where or f"/items/{quote(marked.item, safe='')}",
    }
    return Notice(marked.key, DAMAGED, Severity.WARNING, summary, marked.site, detail)
