"""Movements by hand take no goods that wait, and write nothing off: others judge that (DOMAIN D1, D4, D8)."""

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
from contracts.vocabulary import Disposition, VirtualLocation

_MILLION: Final = Decimal(10) ** 6
_WAYS: Final = {
    Disposition.RETURNED: "grade them on Returns (/returns, POST /v1/judgements), or by handheld ($GRADE)",
    Disposition.INSPECTION: "decide on Inspection (/inspection, POST /v1/judgements)",
    Disposition.HOLD: "decide on Inspection (/inspection, POST /v1/judgements)",
}
_COUNT: Final = "count what is there (/counts, POST /v1/counts): somebody approves what it adjusts"
_APPROVED: Final = {
    VirtualLocation.ADJUSTMENT: _COUNT,
    VirtualLocation.UNKNOWN: _COUNT,
    VirtualLocation.OPENING: "what lies there at the cut-over is imported (`opening`), each cell once; "
    f"later {_COUNT}",
    VirtualLocation.SCRAP: "move the goods to disposition hold and scrap them on Inspection (/inspection, "
    "POST /v1/scrappings): somebody approves it; what was scrapped comes back as that decision is reversed",
}
"""Accounts of what is written off or found, and the way that asks whoever may approve it."""


def move_by_hand(conn: Connection, actor: Actor, movement: ManualMovement, *, now: datetime) -> Posted:
    """Post a movement by hand, unless it writes off, finds, or changes how goods of a receipt wait.

    What is scrapped, adjusted or found somebody approves whose limit covers it: the ways that ask for it are
    others. Goods that wait and that no receipt brought (a handheld's return, a hold by hand) may be changed
    by whoever may grade: that movement is their judgement.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A supervisor or inventory controller of the site; in a closed period the latter.
        movement: What moved.
        now: The present.

    Returns:
        The posting; its one row is the movement.

    Raises:
        NotAllowedError: If the actor may not.
        NotPostableError: If it takes goods that wait, enters or leaves an account that needs an approval,
            lies in the future or more than 400 days back, or cannot be stored.
    """
    actor.require(*MAY_MOVE, site=movement.site)
    key = identifier_key(movement.identifier)
    waits_as = movement.source.disposition
    if waits_as not in _WAYS or _is_carried(movement.source, movement.destination):
        _require_no_approval(movement)
        return post_movement(conn, actor, movement, now=now)
    act_as(conn, actor)
    goods = goods_of(conn, [key]).get(key)
    if goods is None:
        _require_no_approval(movement)
        return post_movement(conn, actor, movement, now=now)
    named = {"site": movement.site, "item_id": goods.item_id, "waits_as": waits_as}
    lock_waiting(conn, [cell for (cell,) in store.tuples(conn, "cells_of_item", **named)])
    before = _waiting(conn, movement.site, waits_as, goods.item)
    posted = post_movement(conn, actor, movement, now=now)
    taken = before - _waiting(conn, movement.site, waits_as, goods.item)
    if taken:
        lines = ", ".join(f"{line!r} of receipt {receipt!r}" for receipt, line in sorted(taken))
        raise NotPostableError(
            f"goods of {goods.item!r} of line {lines} wait as {waits_as}: {_WAYS[waits_as]}"
        )
    _require_no_approval(movement)
    return posted


def _require_no_approval(movement: ManualMovement) -> None:
    for side in (movement.destination, movement.source):
        place = side.location or VirtualLocation.UNKNOWN
        for account, way in _APPROVED.items():
            if side.unit is None and place == account:
                raise NotPostableError(f"{account}: no movement by hand enters or leaves it: {way}")


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
