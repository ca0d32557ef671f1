"""Available to promise by date: stock that expires, receipts and orders in, promises out; pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Supply:
    """Goods that can be used from one day on, until another."""

    on: date
    quantity: Decimal
    expires_on: date | None = None
    """The first day on which they are no longer good; None: they keep."""
    claimed: Decimal = _NOTHING
    """What of the quantity is somebody's already: these goods and no others."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Goods that somebody was promised for a day, and of which nobody knows yet which they are."""

    on: date
    quantity: Decimal
    minimum_days: int = 0
    """Days that they must be good for after the one on which they leave."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One day on which something changes; what it says holds until the next."""

    on: date
    receipts: Decimal
    orders: Decimal
    expiring: Decimal
    """What no order uses and is no longer good from this day on."""
    projected: Decimal
    """On hand at the day's end by FEFO, less what is late then: below zero, orders wait."""
    available: Decimal
    """What may be promised for this day without making any order later: cumulative, looking ahead."""


@dataclass(slots=True)
class _Lot:
    on: date
    expires_on: date
    left: Decimal


_Orders = Mapping[date, Mapping[int, Decimal]]
"""By day, and by the days that goods must last after it."""


def available_to_promise(
    supplies: Iterable[Supply], demands: Iterable[Demand], *, from_day: date
) -> list[Promise]:
    """Find what may still be promised for each day (APICS: cumulative ATP with look-ahead).

    What is claimed is gone. Orders are served on their day from what expires first of what lasts as long as
    they need; what cannot be served then waits for the next receipt. ATP of a day is the greatest further
    order for it, of goods that are good on that day, which leaves every other one as it is. Where nothing
    expires that is the least projected balance from that day on, and zero where that is negative.

    Args:
        supplies: On hand (on ``from_day``) and scheduled receipts; one from before counts as of ``from_day``.
        demands: Open orders, less what is claimed for them; those overdue count as of ``from_day``.
        from_day: The first day.

    Returns:
        A row for ``from_day`` and each later one on which something arrives, leaves or expires.

    Examples:
        >>> from datetime import timedelta
        >>> day = date(2026, 3, 2)
        >>> rows = available_to_promise(
        ...     [Supply(day, Decimal(20)), Supply(day + timedelta(4), Decimal(30))],
        ...     [Demand(day + timedelta(2), Decimal(15)), Demand(day + timedelta(6), Decimal(30))],
        ...     from_day=day,
        ... )
        >>> [(row.on.day, int(row.projected), int(row.available)) for row in rows]
        [(2, 20, 5), (4, 5, 5), (6, 35, 5), (8, 5, 5)]
    """
    arrivals: defaultdict[date, Decimal] = defaultdict(Decimal)
    free: defaultdict[tuple[date, date], Decimal] = defaultdict(Decimal)
    orders: defaultdict[date, defaultdict[int, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    claimed = _NOTHING
    for supply in supplies:
        on = max(supply.on, from_day)
        arrivals[on] += supply.quantity
        claimed += supply.claimed
        free[supply.expires_on or date.max, on] += supply.quantity - supply.claimed
    for demand in demands:
        orders[max(demand.on, from_day)][demand.minimum_days] += demand.quantity
    lots = [_Lot(on, expires_on, quantity) for (expires_on, on), quantity in sorted(free.items())]
    ends = {lot.expires_on for lot in lots if from_day < lot.expires_on < date.max}
    days = sorted({from_day} | arrivals.keys() | orders.keys() | ends)
    served, rows = _served(days, lots, orders)
    base = sum((quantity for day in served.values() for quantity in day.values()), _NOTHING)
    promises = []
    for day, (ordered, expiring, projected) in zip(days, rows, strict=True):
        gone = ordered + claimed if day == from_day else ordered
        available = _most(days, lots, served, extra_on=day) - base
        promises.append(Promise(day, arrivals.get(day, _NOTHING), gone, expiring, projected, available))
    return promises


def _served(
    days: Sequence[date], lots: Sequence[_Lot], orders: _Orders
) -> tuple[_Orders, list[tuple[Decimal, Decimal, Decimal]]]:
    """Serve orders by FEFO, late ones when they can be: what is served when, and each day's figures."""
    stock = [_Lot(lot.on, lot.expires_on, lot.left) for lot in lots]
    waiting: dict[int, Decimal] = {}
    served, rows = {}, []
    for day in days:
        asked = orders.get(day, {})
        given = {}
        for lasting in dict.fromkeys((*waiting, *asked)):
            wanted = waiting.get(lasting, _NOTHING) + asked.get(lasting, _NOTHING)
            given[lasting] = _take(stock, day, wanted, lasting)
            waiting[lasting] = wanted - given[lasting]
        served[day] = given
        expiring = sum((lot.left for lot in stock if lot.expires_on == day and lot.on < day), _NOTHING)
        on_hand = sum((lot.left for lot in stock if lot.on <= day < lot.expires_on), _NOTHING)
        late = sum(waiting.values(), _NOTHING)
        rows.append((sum(asked.values(), _NOTHING), expiring, on_hand - late))
    return served, rows


def _most(days: Sequence[date], lots: Sequence[_Lot], served: _Orders, *, extra_on: date) -> Decimal:
    """Serve what is served anyway, and as much as can be on one day: the greatest total there is.

    Day by day each order may use what has come by then and lasts long enough; all that a later one may use
    has come too, so the lot that ends first of those that do is the one to take, and the assignment is a
    greatest one (Glover 1967). The difference to what is served anyway is what may be promised.
    """
    stock = [_Lot(lot.on, lot.expires_on, lot.left) for lot in lots]
    everything = sum((lot.left for lot in lots), _NOTHING)
    total = _NOTHING
    for day in days:
        total += sum(
            (_take(stock, day, wanted, lasting) for lasting, wanted in served[day].items()), _NOTHING
        )
        if day == extra_on:
            total += _take(stock, day, everything, 0)
    return total


def _take(stock: Sequence[_Lot], day: date, quantity: Decimal, lasting: int) -> Decimal:
    """Take goods on a day from what expires first of what lasts some days more; gives how much there was."""
    left = quantity
    until = day + timedelta(days=min(lasting, (date.max - day).days - 1))
    for lot in stock:
        if left == 0:
            break
        if lot.on <= day and until < lot.expires_on and lot.left > 0:
            taken = min(left, lot.left)
            lot.left -= taken
            left -= taken
    return quantity - left
