"""Available to promise by date: stock that expires, receipts and orders in, promises out; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
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


@dataclass(frozen=True, slots=True)
class Demand:
    """Goods that somebody was promised for a day."""

    on: date
    quantity: Decimal


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


def available_to_promise(
    supplies: Iterable[Supply], demands: Iterable[Demand], *, from_day: date
) -> list[Promise]:
    """Find what may still be promised for each day (APICS: cumulative ATP with look-ahead).

    Orders are served on their day from what expires first; what cannot be served then waits for the next
    receipt. ATP of a day is the greatest further order for it which leaves every other one as it is. Where
    nothing expires that is the least projected balance from that day on, and zero where that is negative.

    Args:
        supplies: On hand (on ``from_day``) and scheduled receipts; one from before counts as of ``from_day``.
        demands: Open orders and what is allocated; those overdue count as of ``from_day``.
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
    lots = sorted(
        (_Lot(max(each.on, from_day), each.expires_on or date.max, each.quantity) for each in supplies),
        key=lambda lot: lot.expires_on,
    )
    orders = sorted(((max(each.on, from_day), each.quantity) for each in demands), key=lambda order: order[0])
    days = sorted(
        {from_day}
        | {lot.on for lot in lots}
        | {day for day, _ in orders}
        | {lot.expires_on for lot in lots if from_day < lot.expires_on < date.max}
    )
    served, rows = _served(days, lots, orders)
    base = sum((quantity for _, quantity in served), _NOTHING)
    totals = [_most(days, lots, served, extra_on=day) - base for day in days]
    return [Promise(day, *row, available) for day, row, available in zip(days, rows, totals, strict=True)]


def _served(
    days: Sequence[date], lots: Sequence[_Lot], orders: Sequence[tuple[date, Decimal]]
) -> tuple[list[tuple[date, Decimal]], list[tuple[Decimal, Decimal, Decimal, Decimal]]]:
    """Serve orders by FEFO, late ones when they can be: what is served when, and each day's figures."""
    stock = [_Lot(lot.on, lot.expires_on, lot.left) for lot in lots]
    waiting, served = _NOTHING, []
    rows = []
    for day in days:
        ordered = sum((quantity for on, quantity in orders if on == day), _NOTHING)
        given = _take(stock, day, waiting + ordered)
        waiting += ordered - given
        if given > 0:
            served.append((day, given))
        expiring = sum((lot.left for lot in stock if lot.expires_on == day and lot.on < day), _NOTHING)
        on_hand = sum((lot.left for lot in stock if lot.on <= day < lot.expires_on), _NOTHING)
        arrived = sum((lot.left for lot in lots if lot.on == day), _NOTHING)
        rows.append((arrived, ordered, expiring, on_hand - waiting))
    return served, rows


def _most(
    days: Sequence[date], lots: Sequence[_Lot], served: Sequence[tuple[date, Decimal]], *, extra_on: date
) -> Decimal:
    """Serve what is served anyway, and as much as can be on one day: the greatest total there is.

    Days are points and lots are intervals of them; taking the lot that ends first is a greatest assignment
    (Glover 1967), so the difference to what is served anyway is what may be promised.
    """
    stock = [_Lot(lot.on, lot.expires_on, lot.left) for lot in lots]
    everything = sum((lot.left for lot in lots), _NOTHING)
    wanted = dict(served)
    return sum(
        (_take(stock, day, everything if day == extra_on else wanted.get(day, _NOTHING)) for day in days),
        _NOTHING,
    )


def _take(stock: Sequence[_Lot], day: date, quantity: Decimal) -> Decimal:
    """Take goods on a day from what expires first; gives how much there was."""
    left = quantity
    for lot in stock:
        if left == 0:
            break
        if lot.on <= day < lot.expires_on and lot.left > 0:
            taken = min(left, lot.left)
            lot.left -= taken
            left -= taken
    return quantity - left
