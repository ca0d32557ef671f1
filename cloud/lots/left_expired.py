"""Expired goods that handhelds picked or shipped: it has happened, so it is told; on paper it is refused."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
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

LEFT: Final = "expired_lot_shipped"
PICKED: Final = "expired_lot_picked"
_POSITIONS: Final = 10_000


class _Left(NamedTuple):
    """What of an expired lot left, or was picked, under one document."""

    is_picked: bool
    site: str
    item_id: int
    item: str
    base_unit: str
    lot: str
    expires_on: date
    document: str
    quantity: Decimal
    place: str
    """Where it was put last."""
    last_at: datetime


def tell_left(source: Source, actor: Actor) -> Mapping[str, Any]:
    """Open a ticket for what handhelds have picked or shipped of expired lots since the last time.

    Args:
        source: Gives connections of `dockledger_app`.
        actor: A job with all sites.

    Returns:
        Lots that ``left`` for customers and lots that were ``picked``, each counted by its documents.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE)
    told: Counter[str] = Counter(left=0, picked=0)
    more = True
    while more:
        found, more = in_transaction(source, partial(_look, actor=actor))
        told.update("picked" if each.is_picked else "left" for each in found)
    return dict(told)


def _look(conn: Connection, actor: Actor) -> tuple[list[_Left], bool]:
    act_as(conn, actor)
    (looked, *_), *rows = store.tuples(conn, "left_expired", most=_POSITIONS)
    found = [_Left(*row[1:]) for row in rows]
    alerts.notice(conn, [_notice(each) for each in found])
    return found, looked >= _POSITIONS


def _notice(left: _Left) -> Notice:
    kind, what = (
        (PICKED, f"was picked into {left.place}") if left.is_picked else (LEFT, "left for a customer")
    )
    summary = (
        f"{left.quantity.normalize():f} {left.base_unit} of {left.item} lot {left.lot}, which expired on "
        f"{left.expires_on}, {what} by handheld ({left.document})"
    )
    detail: dict[str, JsonValue] = {
        "item": left.item,
        "lot": left.lot,
        "document": left.document,
        "last_at": left.last_at.isoformat(),
        "page_url": f"/lots/{quote(left.item, safe='')}/{quote(left.lot, safe='')}",
    }
    key = f"{kind}:{left.site}:{left.item_id}:{left.lot}:{left.document}"
    return Notice(key, kind, Severity.CRITICAL, summary, left.site, detail)
