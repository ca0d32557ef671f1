"""Demand as arrays: a site and days in, an item x day matrix and its censored cells out."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, LiteralString, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cloud.db import Connection, statements
from cloud.demand.domain import DemandError
from cloud.demand.masks import MaskedDays, masked_days
from cloud.demand.supersession import Succession, successions

_SQL: Final = statements("cloud.demand")
_AT_ONCE: Final = 20_000
"""Days of items that are rows of the database at a time; arrays hold them in a tenth of the memory."""


class Item(NamedTuple):
    """An item that was asked for."""

    code: str
    item_id: int


class Asked(NamedTuple):
    """Days on which something was asked for."""

    codes: Mapping[int, str]
    """Of each item, by its id."""
    item_ids: NDArray[np.int64]
    days: NDArray[np.int64]
    """Places of the days, from 0."""
    quantity: NDArray[np.float64]
    """In base units."""


class DailyMatrix(NamedTuple):
    """What was asked for by item and site day."""

    items: tuple[Item, ...]
    """By code; those asked for on at least one of the days."""
    days: tuple[date, ...]
    """Site days, each once, without gaps."""
    quantity: NDArray[np.float64]
    """Items x days, in base units; 0 where nothing was asked for."""
    censored: NDArray[np.bool_]
    """Items x days: the site could not sell the item during part of the day's opening hours, so that more
    may have been wanted. False where the ledger does not know."""
    masked: NDArray[np.bool_]
    """Items x days: a person said that the day's demand tells nothing of days to come."""
    masks: tuple[MaskedDays, ...] = ()
    """Why."""

    def without(self, item_ids: Collection[int]) -> "DailyMatrix":
        """Leave items out.

        Args:
            item_ids: Which.

        Returns:
            The others' demand.
        """
        kept = [row for row, item in enumerate(self.items) if item.item_id not in item_ids]
        if len(kept) == len(self.items):
            return self
        return self._replace(
            items=tuple(self.items[row] for row in kept),
            quantity=self.quantity[kept],
            censored=self.censored[kept],
            masked=self.masked[kept],
        )


def daily_matrix(conn: Connection, site: str, from_day: date, until_day: date) -> DailyMatrix:
    """Read a site's demand as a matrix.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        from_day: First site day.
        until_day: Last site day; not before the first.

    Returns:
        The matrix; without items if nothing was asked for.

    Raises:
        ValueError: If the days are in the wrong order.
    """
    if until_day < from_day:
        raise ValueError(f"until_day {until_day} is before from_day {from_day}")
    days = tuple(from_day + timedelta(days=n) for n in range((until_day - from_day).days + 1))
    asked = {"sites": [site], "from_day": from_day, "until_day": until_day}
    found = asked_days(conn, _SQL["demand_days"], asked)
    known = successions(conn, site, from_day, until_day)
    plain = matrix_of(found, known, days)
    rows = {item.item_id: row for row, item in enumerate(plain.items)}
    censored, masked = plain.censored, plain.masked
    for item_id, day in conn.execute(_SQL["censored_days"], asked) if found.codes else ():
        if item_id in rows:
            censored[rows[item_id], day] = True
    masks = tuple(masked_days(conn, site, from_day, until_day))
    for mask in masks:
        if mask.item_id is None:
            masked[:, mask.first : mask.last + 1] = True
        elif mask.item_id in rows:
            masked[rows[mask.item_id], mask.first : mask.last + 1] = True
    return inherited(plain._replace(masks=masks), known)


def asked_days(conn: Connection, statement: LiteralString, asked: Mapping[str, Any]) -> Asked:
    """Read days of items, some at a time.

    Args:
        conn: In a transaction that shows the site.
        statement: Gives code, item id, place of the day and quantity.
        asked: Its parameters.

    Returns:
        All of them.
    """
    codes: dict[int, str] = {}
    parts: list[tuple[NDArray[Any], ...]] = []
    with conn.cursor("days_asked") as cursor:
        cursor.execute(statement, asked)
        while rows := cursor.fetchmany(_AT_ONCE):
            names, *columns = zip(*rows, strict=True)
            codes.update(zip(columns[0], names, strict=True))
            kinds = (np.int64, np.int16, np.float64)
            parts.append(tuple(np.array(one, kind) for one, kind in zip(columns, kinds, strict=True)))
    item_ids, days, quantity = (
        np.concatenate([part[place] for part in parts]) if parts else np.empty(0) for place in range(3)
    )
    return Asked(codes, item_ids.astype(np.int64), days.astype(np.int64), quantity)


def matrix_of(found: Asked, known: Sequence[Succession], days: tuple[date, ...]) -> DailyMatrix:
    """Lay quantities out by item and day.

    Args:
        found: Days on which something was asked for; nothing was on others.
        known: What takes whose place: what takes one has a row.
        days: Without gaps.

    Returns:
        The matrix, by code; nothing of it is censored or masked.
    """
    named = {Item(code, item_id) for item_id, code in found.codes.items()}
    items = tuple(sorted(named | {Item(one.to_code, one.to_id) for one in known}))
    quantity = np.zeros((len(items), len(days)))
    by_id = np.argsort([item.item_id for item in items], kind="stable")
    ids = np.array([items[row].item_id for row in by_id], dtype=np.int64)
    quantity[by_id[np.searchsorted(ids, found.item_ids)], found.days] = found.quantity
    censored, masked = (np.zeros(quantity.shape, dtype=np.bool_) for _ in range(2))
    return DailyMatrix(items, days, quantity, censored, masked)


def inherited(demand: DailyMatrix, known: Sequence[Succession]) -> DailyMatrix:
    """Give what was asked for of items that were superseded to those that took their place.

    Args:
        demand: Items as they were asked for; holds every new one.
        known: What takes whose place.

    Returns:
        The demand without the old ones, nor any new one that nothing was asked for of. Until its first day a
        new item is out of stock where one of the old ones was, for it was not there to be.

    Raises:
        DemandError: If items take each other's place, as they can once two of them were merged.
    """
    if not known:
        return demand
    rows = {item.item_id: row for row, item in enumerate(demand.items)}
    quantity, censored, masked = demand.quantity.copy(), demand.censored.copy(), demand.masked.copy()
    pending = [one for one in known if one.from_id != one.to_id]
    gone = {one.from_id for one in pending}
    begun: set[int] = set()
    while pending:
        ready = [one for one in pending if one.from_id not in {other.to_id for other in pending}]
        if not ready:
            codes = ", ".join(sorted(one.to_code for one in pending))
            raise DemandError(f"items {codes} take each other's place: reverse one of their supersessions")
        for one in ready:
            if one.from_id in rows:
                old, new, first = rows[one.from_id], rows[one.to_id], max(one.first, 0)
                quantity[new] += one.factor * quantity[old]
                if one.to_id not in begun:
                    censored[new, :first] = False
                    begun.add(one.to_id)
                censored[new, :first] |= censored[old, :first]
                masked[new, :first] |= masked[old, :first]
        pending = [one for one in pending if one not in ready]
    heirs = {one.to_id for one in known}
    kept = [
        row
        for row, item in enumerate(demand.items)
        if item.item_id not in gone and (item.item_id not in heirs or quantity[row].any())
    ]
    items = tuple(demand.items[row] for row in kept)
    return DailyMatrix(items, demand.days, quantity[kept], censored[kept], masked[kept], demand.masks)
