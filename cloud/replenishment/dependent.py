"""What sites draw from sites: planned transfers of one are dependent demand of the other (DOMAIN D10); pure.

A site that supplies others forecasts what its own customers ask for, and plans on what those sites need: on
transfers that have not left yet, and on those that their last runs plan. Transfers are no demand to forecast.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from cloud.replenishment.domain import PlannedTransfer
from cloud.replenishment.planner import DUST, OLDEST_FORECAST_DAYS, Cell, Plan, from_today
from cloud.replenishment.position import Requirement, by_day
from cloud.replenishment.quantities import round_order


class DemandType(StrEnum):
    """Whose demand an item at a site is planned for (DOMAIN D10)."""

    INDEPENDENT = "independent"
    """Customers'."""
    DEPENDENT = "dependent"
    """That of sites that it supplies; it has no forecast of its own."""
    BOTH = "both"
    """Both: customers' by forecast, the sites' by what they need."""


def demand_type(*, has_customers: bool, has_sites: bool) -> DemandType:
    """Say whose demand counts.

    Args:
        has_customers: Whether customers ask for the item here.
        has_sites: Whether a site of ours is supplied with it from here.

    Returns:
        The type; an item that nobody asks for yet is independent.

    Examples:
        >>> str(demand_type(has_customers=False, has_sites=True))
        'dependent'
    """
    if not has_sites:
        return DemandType.INDEPENDENT
    return DemandType.BOTH if has_customers else DemandType.DEPENDENT


class RequirementRow(NamedTuple):
    """What a site draws of an item, as the database tells it."""

    item_id: int
    to_site: str
    transfer: str | None
    """None: it is planned."""
    quantity: Decimal
    due_on: date
    drafted: Decimal | None
    """Of a planned one: what became transfers since the plan was made, of all planned ones of the pair."""
    planned_on: date | None = None
    """Of a planned one: the planning site's day."""
    way: Sequence[str] | None = None
    """Of a planned one that comes round to this site again: who draws from whom, from this site on."""


@dataclass(slots=True)
class Drawn:
    """What other sites draw of an item."""

    requirements: list[Requirement] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """By site why its plan is no demand here."""


def requirements_of(rows: Iterable[RequirementRow], today: date) -> dict[int, Drawn]:
    """Put together what other sites draw, nothing twice.

    What became a transfer after the plan was made comes off the plan's first days. A plan is demand for
    as long as a forecast is, and its days for a day longer than they last (days of sites begin at different
    times); one that comes round in a circle is none.

    Args:
        rows: By item, site and day.
        today: The supplying site's day.

    Returns:
        By item.

    Examples:
        >>> day = date(2026, 3, 4)
        >>> rows = [
        ...     RequirementRow(1, "york", "TR-1", Decimal(12), day, None),
        ...     RequirementRow(1, "york", None, Decimal(12), day, Decimal(12), day),
        ...     RequirementRow(1, "york", None, Decimal(24), day + timedelta(7), Decimal(12), day),
        ... ]
        >>> [(one.quantity, one.due_on.day) for one in requirements_of(rows, day)[1].requirements]
        [(12.0, 4), (24.0, 11)]
        >>> requirements_of(rows, day + timedelta(8))[1].left_out["york"]
        'york planned on 2026-03-04 what it draws, today is 2026-03-12: expected a plan of the last 7 days'
    """
    found: dict[int, Drawn] = defaultdict(Drawn)
    drafted: dict[tuple[int, str], Decimal] = {}
    for row in rows:
        quantity, drawn = row.quantity, found[row.item_id]
        if (why := _why_left_out(row, today)) is not None:
            drawn.left_out[row.to_site] = why
            continue
        if row.drafted is not None:
            left = drafted.setdefault((row.item_id, row.to_site), row.drafted)
            drafted[row.item_id, row.to_site] = max(Decimal(0), left - quantity)
            quantity = max(Decimal(0), quantity - left)
        is_over = row.transfer is None and row.due_on < today - timedelta(1)
        if quantity > 0 and not is_over:
            drawn.requirements.append(Requirement(row.to_site, row.transfer, float(quantity), row.due_on))
    return found


def _why_left_out(row: RequirementRow, today: date) -> str | None:
    if row.way is not None:
        return (
            f"{row.to_site} draws it from here and here from {row.to_site} ({' from '.join(row.way)}): "
            "expected terms that end at another supplier"
        )
    if row.planned_on is not None and (today - row.planned_on).days > OLDEST_FORECAST_DAYS:
        return (
            f"{row.to_site} planned on {row.planned_on} what it draws, today is {today}: "
            f"expected a plan of the last {OLDEST_FORECAST_DAYS} days"
        )
    return None


def planned_transfers(cell: Cell, plan: Plan) -> list[PlannedTransfer]:
    """Go on ordering as the plan does, review after review, as if demand came as expected.

    Args:
        cell: Of an item that a site of ours supplies.
        plan: Its plan.

    Returns:
        What is to leave the supplying site, by day, as far as the forecast reaches.
    """
    if cell.terms.own_site is None:
        return []
    mean = from_today(cell)
    days = len(mean)
    demand = np.concatenate([[0.0], np.cumsum(mean)])
    drawn = np.cumsum(by_day(cell.requirements, cell.today, days))
    position = plan.position
    base = position.level + position.dependent + sum(line.quantity for line in position.too_late)
    wait = (plan.order_on - cell.today).days
    found = []
    for day in range(0, days - wait, cell.policy.review_days):
        level = base - float(demand[day] + drawn[min(day + plan.horizon, days - 1)])
        if level < plan.reorder_point - DUST:
            need = Decimal(repr(round(plan.order_up_to - level, 6)))
            quantity = round_order(need, cell.terms.rule).quantity
            base += float(quantity)
            leaves_on = cell.today + timedelta(day + wait)
            found.append(PlannedTransfer(cell.item_id, cell.terms.own_site, leaves_on, quantity))
    return found


def downstream_first(sites: Sequence[str], supplies: Collection[tuple[str, str]]) -> list[str]:
    """Order sites so that one that supplies others comes after them.

    Args:
        sites: Ids.
        supplies: Pairs of a supplying and a supplied site.

    Returns:
        The same sites; where sites supply each other, with different items, one of them comes before a site
        that it supplies, and plans on what that one planned the time before.

    Examples:
        >>> downstream_first(["a", "b", "c"], {("a", "c"), ("c", "b")})
        ['b', 'c', 'a']
    """
    found: list[str] = []
    seen: set[str] = set()

    def visit(site: str) -> None:
        if site in seen:
            return
        seen.add(site)
        for _, supplied in sorted(pair for pair in supplies if pair[0] == site):
            visit(supplied)
        found.append(site)

    for site in sites:
        visit(site)
    return [site for site in found if site in set(sites)]
