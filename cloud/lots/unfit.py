"""Goods that may not be used because of their lot: it has expired where they lie, or is recalled."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.lots import store
from cloud.lots.domain import READERS


class Goods(NamedTuple):
    """Goods of a lot at a site, loose or in a unit, which may stand at another."""

    site: str
    item: str
    lot: str | None
    unit: str | None


class Unfit(NamedTuple):
    """Why goods may not be used, if there is a reason."""

    is_expired: bool
    """Its day has begun, by the calendar of the site where they lie."""
    recall: int | None
    """That reaches the lot, and that the site has not given back."""


FIT: Final = Unfit(is_expired=False, recall=None)


def unfit(
    conn: Connection,
    actor: Actor,
    goods: Sequence[Goods],
    *,
    now: datetime,
    as_of: datetime | None = None,
) -> list[Unfit]:
    """Tell of each of some goods whether its lot has expired or is recalled.

    Args:
        conn: In a transaction.
        actor: Anybody who may see stock.
        goods: Which.
        now: The present.
        as_of: An earlier instant; whether a site gave a recall back, and where units stand, is as now.

    Returns:
        In the goods' order.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS)
    act_as(conn, actor.narrowed(*READERS))
    if not any(each.lot for each in goods):
        return [FIT] * len(goods)
    sites, items, lots, units = zip(*goods, strict=True)
    named = {"sites": list(sites), "items": list(items), "lots": list(lots), "units": list(units)}
    found = store.tuples(conn, "unfit", **named, now=now, as_of=as_of)
    known = {nth: Unfit(is_expired, recall) for nth, is_expired, recall in found}
    return [known.get(nth, FIT) for nth in range(1, len(goods) + 1)]
