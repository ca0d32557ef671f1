"""Which supplier an item comes from, on which terms, and how long it takes; pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from cloud.replenishment.lead_times import LeadTime, elapsed, next_order_day, observed, promised
from cloud.replenishment.quantities import OrderRule

EVERY_DAY: Final = frozenset(range(1, 8))


class TermsRow(NamedTuple):
    """What a supplier said of an item, at one site or at all."""

    item_id: int
    supplier: str
    name: str
    currency: str
    working_days: Sequence[int]
    order_days: Sequence[int] | None
    site_id: str | None
    code: str | None
    pack: Decimal
    min_order: Decimal | None
    multiple: Decimal | None
    price: Decimal | None
    lead_time_days: int | None
    lead_time_basis: str
    is_preferred: bool
    updated_at: datetime
    own_site: str | None = None
    """The site of ours that the supplier is."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms the chosen supplier sells the item at the site."""

    supplier: str | None
    """None: nobody is known to sell it."""
    code: str | None
    currency: str | None
    price: Decimal | None
    rule: OrderRule
    lead_time: LeadTime
    """From sent to received."""
    order_days: Collection[int]
    """ISO weekdays on which orders go out."""
    stated_at: str | None
    own_site: str | None = None
    """The site of ours that the supplier is: what it brings is a transfer."""


def choose(rows: Sequence[TermsRow]) -> TermsRow | None:
    """Choose a supplier: the preferred one, else the one with the lowest known price.

    Args:
        rows: Of one item at one site; terms for the site go before the same supplier's for all sites.

    Returns:
        Its terms; None if nobody is known to sell the item.
    """
    by_supplier: dict[str, TermsRow] = {}
    for row in sorted(rows, key=lambda row: row.site_id is None):
        by_supplier.setdefault(row.supplier, row)
    return min(
        by_supplier.values(),
        key=lambda row: (
            not row.is_preferred,
            row.site_id is None,
            row.price is None,
            row.price or Decimal(0),
            row.supplier,
        ),
        default=None,
    )


def rule_of(row: TermsRow | None, *, is_whole: bool) -> OrderRule:
    """Say what a supplier takes of an item.

    Args:
        row: Its terms; None without a supplier.
        is_whole: Whether the item is counted in whole units.

    Returns:
        The rule.
    """
    if row is None:
        return OrderRule(None, None, is_whole=is_whole)
    return OrderRule(row.min_order, row.multiple or row.pack, is_whole=is_whole)


def terms_of(
    row: TermsRow | None, receipts: Mapping[str, Sequence[int]], today: date, *, is_whole: bool
) -> Terms:
    """Bring together what a supplier promised and what it did.

    Args:
        row: Its terms; None without a supplier.
        receipts: Elapsed days of past receipts by supplier, the latest last.
        today: The site's day.
        is_whole: Whether the item is counted in whole units.

    Returns:
        The terms as planning takes them.
    """
    rule = rule_of(row, is_whole=is_whole)
    if row is None:
        return Terms(None, None, None, None, rule, promised(None), EVERY_DAY, None)
    order_days = frozenset(row.order_days or row.working_days)
    return Terms(
        row.supplier,
        row.code,
        row.currency,
        row.price,
        rule,
        lead_time_of(row, receipts.get(row.supplier, ()), next_order_day(today, order_days)),
        order_days,
        row.updated_at.isoformat(timespec="seconds"),
        row.own_site,
    )


def lead_time_of(row: TermsRow, receipts: Sequence[int], order_on: date) -> LeadTime:
    """Take what the supplier did, else what it promised, else the default.

    Args:
        row: Its terms.
        receipts: Elapsed days of its past receipts.
        order_on: The day on which an order would go out.

    Returns:
        Elapsed days from sent to received.
    """
    done = observed(receipts)
    if done is not None:
        return done
    days = row.lead_time_days
    if days is not None and row.lead_time_basis == "working":
        days = elapsed(order_on, days, working_days=frozenset(row.working_days))
    return promised(days)


def longest_wait(order_days: frozenset[int]) -> int:
    """Say how long an order waits at most for a day on which it is taken.

    Args:
        order_days: ISO weekdays, at least one.

    Returns:
        Days.

    Examples:
        >>> longest_wait(frozenset({1, 2, 3, 4, 5})), longest_wait(frozenset({3})), longest_wait(EVERY_DAY)
        (2, 6, 0)
    """
    return max(min((day - asked) % 7 for day in order_days) for asked in EVERY_DAY)
