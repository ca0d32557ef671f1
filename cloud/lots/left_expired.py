"""Goods that left, or were picked, too late in their life or too early: it has happened, so it is told."""

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
SHORT: Final = "short_life_shipped"
LATER: Final = "later_lot_picked"
_POSITIONS: Final = 10_000


class _Left(NamedTuple):
    """What of a lot left, or was picked, under one document."""

    kind: str
    """``shipped`` or ``picked`` when it had expired; ``short``: it left for who asks for more life.

    ``later``: it was picked though another expires earlier, as the handheld had said."""
    site: str
    item_id: int
    item: str
    base_unit: str
    lot: str
    expires_on: date | None
    """None of what is ``later``: nobody says that it expires."""
    document: str
    quantity: Decimal
    place: str
    """Where it was put last."""
    partner: str | None
    """Of what is short: who asks for more."""
    minimum_days: int | None
    earlier: str | None
    """Of what is ``later``: the lot that expires before it."""
    last_at: datetime
    is_inferred: bool
    """Whether nobody stated the lot; then what is withdrawn counts below zero."""
    rule: str | None
    """By which it was inferred; None: it was stated, or all is withdrawn."""


def tell_left(source: Source, actor: Actor) -> Mapping[str, Any]:
    """Open tickets for what handhelds took of expired or later lots, and what left with little life.

    Args:
        source: Gives connections of `dockledger_app`.
        actor: A job with all sites.

    Returns:
        Lots ``shipped`` or ``picked`` though expired, too ``short`` of life for who got them, and picked
        though ``later`` than another, since the last time; each counted by its documents. A ticket that is
        open goes on, and says what left in all.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE)
    told: Counter[str] = Counter(shipped=0, picked=0, short=0, later=0)
    more = True
    while more:
        found, more = in_transaction(source, partial(_look, actor=actor))
        told.update(each.kind for each in found)
    return dict(told)


def _look(conn: Connection, actor: Actor) -> tuple[list[_Left], bool]:
    act_as(conn, actor)
    (looked, *_), *rows = store.tuples(conn, "left_expired", most=_POSITIONS)
    found = [_Left(*row[1:]) for row in rows]
    keys = [_key(each) for each in found]
    told = alerts.open_details(conn, keys)
    so_far = [Decimal(str(told.get(key, {}).get("quantity", 0))) for key in keys]
    summed = [
        each._replace(quantity=each.quantity + before, rule=each.rule or _rule(told.get(key, {})))
        for key, each, before in zip(keys, found, so_far, strict=True)
    ]
    alerts.resolve(conn, [_key(each) for each in summed if each.quantity <= 0])
    alerts.notice(conn, [_notice(each) for each in summed if each.quantity > 0])
    return [each for each in found if each.quantity > 0], looked >= _POSITIONS


def _rule(told: Mapping[str, JsonValue]) -> str | None:
    return None if (rule := told.get("rule")) is None else f"{rule}"


def _key(left: _Left) -> str:
    kind = {"picked": PICKED, "shipped": LEFT, "short": SHORT, "later": LATER}[left.kind]
    return f"{kind}:{left.site}:{left.item_id}:{left.lot}:{left.document}{':inferred' * left.is_inferred}"


def _notice(left: _Left) -> Notice:
    kind, severity, when, what = {
        "picked": (PICKED, Severity.CRITICAL, "expired", f"was picked into {left.place} by handheld"),
        "shipped": (LEFT, Severity.CRITICAL, "expired", "left for a customer by handheld"),
        "short": (
            SHORT,
            Severity.WARNING,
            "expires",
            f"left for {left.partner}, who asks for {left.minimum_days} days",
        ),
        "later": (
            LATER,
            Severity.WARNING,
            "expires",
            f"was picked into {left.place} by handheld though lot {left.earlier} expires earlier",
        ),
    }[left.kind]
    dated = f", which {when} on {left.expires_on}," if left.expires_on else ""
    summary = (
        f"{left.quantity.normalize():f} {left.base_unit} of {left.item} lot {left.lot}{dated} {what} "
        f"({left.document})"
        + (f"; nobody stated the lot, it is inferred by {left.rule}" if left.is_inferred else "")
    )
    detail: dict[str, JsonValue] = {
        "item": left.item,
        "lot": left.lot,
        "document": left.document,
        "quantity": f"{left.quantity:f}",
        "last_at": left.last_at.isoformat(),
        "rule": left.rule,
        "page_url": f"/lots/{quote(left.item, safe='')}/{quote(left.lot, safe='')}",
    }
    return Notice(_key(left), kind, severity, summary, left.site, detail)
