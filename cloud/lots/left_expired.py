"""Expired goods that handhelds shipped: it has happened, so it is told; on paper it is refused before."""

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
_POSITIONS: Final = 10_000


class _Left(NamedTuple):
    """What of an expired lot left under one document."""

    site: str
    item_id: int
    item: str
    base_unit: str
    lot: str
    expires_on: date
    document: str
    quantity: Decimal
    last_at: datetime


def tell_left(source: Source, actor: Actor) -> Mapping[str, Any]:
    """Open a ticket for what handhelds have shipped of expired lots since the last time.

    Args:
        source: Gives connections of `dockledger_app`.
        actor: A job with all sites.

    Returns:
        Documents ``left`` under.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE)
    told: Counter[str] = Counter(left=0)
    more = True
    while more:
        found, more = in_transaction(source, partial(_look, actor=actor))
        told["left"] += found
    return dict(told)


def _look(conn: Connection, actor: Actor) -> tuple[int, bool]:
    act_as(conn, actor)
    (looked, *_), *rows = store.tuples(conn, "left_expired", most=_POSITIONS)
    alerts.notice(conn, [_notice(_Left(*row[1:])) for row in rows])
    return len(rows), looked >= _POSITIONS


def _notice(left: _Left) -> Notice:
    summary = (
        f"{left.quantity.normalize():f} {left.base_unit} of {left.item} lot {left.lot}, which expired on "
        f"{left.expires_on}, left for a customer by handheld ({left.document})"
    )
    detail: dict[str, JsonValue] = {
        "item": left.item,
        "lot": left.lot,
        "document": left.document,
        "last_at": left.last_at.isoformat(),
        "page_url": f"/lots/{quote(left.item, safe='')}/{quote(left.lot, safe='')}",
    }
    key = f"{LEFT}:{left.site}:{left.item_id}:{left.lot}:{left.document}"
    return Notice(key, LEFT, Severity.CRITICAL, summary, left.site, detail)
