"""Movements by hand take no goods that wait: those leave their condition by a judgement (DOMAIN D1, D4)."""

from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Final

from cloud.db import Connection
from cloud.documents.judging import store
from cloud.documents.judging.service import WaitingRow, lock_waiting
from cloud.documents.lines import goods_of
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.domain import NotPostableError, Posted
from cloud.ledger.manual import MAY_MOVE, ManualMovement, post_movement
from cloud.master.domain import identifier_key
from contracts.records import Side
from contracts.vocabulary import Disposition

_MILLION: Final = Decimal(10) ** 6
_WAYS: Final = {
    Disposition.RETURNED: "grade them on Returns (/returns, POST /v1/judgements), or by handheld ($GRADE)",
    Disposition.INSPECTION: "decide on Inspection (/inspection, POST /v1/judgements)",
    Disposition.HOLD: "decide on Inspection (/inspection, POST /v1/judgements)",
}


def move_by_hand(conn: Connection, actor: Actor, movement: ManualMovement, *, now: datetime) -> Posted:
    """Post a movement by hand, unless it changes the condition of goods of a receipt that wait.

    Goods in such a condition that no receipt brought (a handheld's return, a hold by hand) may be changed by
    whoever may grade: that movement is their judgement.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A supervisor or inventory controller of the site; in a closed period the latter.
        movement: What moved.
        now: The present.

    Returns:
        The posting; its one row is the movement.

    Raises:
        NotAllowedError: If the actor may not.
        NotPostableError: If it takes goods that wait, lies in the future or more than 400 days back, or
            cannot be stored.
    """
    actor.require(*MAY_MOVE, site=movement.site)
    key = identifier_key(movement.identifier)
    waits_as = movement.source.disposition
    if waits_as not in _WAYS or _is_carried(movement.source, movement.destination):
        return post_movement(conn, actor, movement, now=now)
    act_as(conn, actor)
    goods = goods_of(conn, [key]).get(key)
    if goods is None:
        return post_movement(conn, actor, movement, now=now)
    named = {"site": movement.site, "item_id": goods.item_id, "waits_as": waits_as}
    lock_waiting(conn, movement.site, [cell for (cell,) in store.tuples(conn, "cells_of_item", **named)])
    before = _waiting(conn, movement.site, waits_as, goods.item)
    posted = post_movement(conn, actor, movement, now=now)
    taken = before - _waiting(conn, movement.site, waits_as, goods.item)
    if taken:
        lines = ", ".join(f"{line!r} of receipt {receipt!r}" for receipt, line in sorted(taken))
        raise NotPostableError(
            f"goods of {goods.item!r} of line {lines} wait as {waits_as}: {_WAYS[waits_as]}"
        )
    return posted


def _is_carried(source: Side, destination: Side) -> bool:
    """Tell whether goods wait on, elsewhere."""
    is_place = destination.unit is not None or not (destination.location or "@").startswith("@")
    return is_place and (source.disposition, source.lot) == (destination.disposition, destination.lot)


def _waiting(conn: Connection, site: str, waits_as: str, item: str) -> Counter[tuple[str, str]]:
    """Sum what receipts brought of an item and waits, by receipt and line; in millionths of base units."""
    asked = {"sites": [site], "waits_as": waits_as, "receipt": None, "line": None, "limit": None}
    found = Counter[tuple[str, str]]()
    for row in store.rows(conn, WaitingRow, "waiting", **asked):
        if row.item == item and row.receipt and row.line:
            found[row.receipt, row.line] += int(row.quantity * _MILLION)
    return found
