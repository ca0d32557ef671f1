"""One item at one site: what is known of it in, whether to order, how much and when out; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from cloud.replenishment.curves import LEVELS, Curve, CurveError, Floats, lead_time_demand
from cloud.replenishment.domain import Policy, TargetKind
from cloud.replenishment.lead_times import LeadTime, next_order_day
from cloud.replenishment.position import (
    CustomerOrder,
    OpenLine,
    Position,
    Requirement,
    by_day,
    consume,
    first_below,
    project,
    split_by_due,
)
from cloud.replenishment.quantities import Rounded, round_order
from cloud.replenishment.terms import Terms

OLDEST_FORECAST_DAYS: Final = 7
NO_FORECAST: Final = 0
"""Stands for the run where an item has none, as no customer asks for it here."""
_HORIZONS: Final = (1, 7, 14, 28, 56, 91)
DUST: Final = 1e-6
"""Quantities below it are rounding of floats, not demand."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Expected demand of an item from a day on (DOMAIN D10)."""

    run_id: int
    finished_at: str
    first_day: date
    mean: Floats
    """By site day from ``first_day``, in base units."""
    horizons: tuple[int, ...]
    cum_q: Floats
    """By horizon and level."""
    model: str
    is_sufficient: bool


def nothing_forecast(today: date) -> Forecast:
    """Expect that no customer asks for an item.

    Args:
        today: The site's day.

    Returns:
        A forecast of zero.
    """
    levels = np.zeros((len(_HORIZONS), len(LEVELS)))
    mean = np.zeros(_HORIZONS[-1])
    return Forecast(NO_FORECAST, "", today, mean, _HORIZONS, levels, "none", is_sufficient=True)


@dataclass(frozen=True, slots=True)
class Cell:
    """Everything that is known of an item at a site."""

    site: str
    item: str
    item_id: int
    unit: str
    today: date
    on_hand: Decimal
    lines: Sequence[OpenLine]
    customer_orders: Sequence[CustomerOrder]
    forecast: Forecast
    terms: Terms
    policy: Policy
    expedited: frozenset[tuple[str, str]] = frozenset()
    """Order and line of what a supplier could not bring earlier."""
    requirements: Sequence[Requirement] = ()
    """What sites of ours draw from this one."""
    left_out: Sequence[str] = ()
    """Why plans of sites of ours are no demand here."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What follows for a cell, number by number."""

    order_on: date
    """The next day on which the supplier takes an order."""
    lead_time: LeadTime
    """From today, the wait for that day included."""
    horizon: int
    """Days that an order of now protects as planned: lead time and one review."""
    curve: Curve
    expected: float
    """Mean demand of the protection interval, in base units."""
    lot: float
    """What a cycle orders, for a fill rate."""
    reorder_point: float
    order_up_to: float
    review_demand: float
    position: Position
    projected: Floats
    """Expected stock by day from today."""
    short_on: int | None
    """First day from today on which expected stock is below zero."""
    needed: int
    """Day from today by which more is needed."""
    need: Decimal
    """Order-up-to less position; below zero if covered."""
    rounded: Rounded
    expedite: OpenLine | None
    """An order that comes too late and is to be hurried first."""

    @property
    def is_covered(self) -> bool:
        """Whether the position reaches the reorder point."""
        return self.position.level >= self.reorder_point - DUST

    @property
    def safety_stock(self) -> float:
        """What is kept beyond expected demand; below zero where a fill rate allows it."""
        return self.reorder_point - self.expected

    @property
    def service_now(self) -> float:
        """Probability that the position outlasts the protection interval's demand."""
        return self.curve.probability_below(self.position.level)

    @property
    def fill_now(self) -> float | None:
        """Share of a cycle's demand that the position serves; None without demand."""
        if self.lot <= 0:
            return None
        return max(0.0, 1 - self.curve.expected_shortage(self.position.level) / self.lot)


def plan(cell: Cell) -> Plan:
    """Plan a cell by periodic review with a reorder point, (R, s, S).

    s covers the demand of lead time and review with the target (Silver, Pyke & Thomas: the (s, Q) rule with
    R + L for L); S lies one review's expected demand above it. An order that is due after the protection
    interval covers nothing of it.

    Args:
        cell: What is known.

    Returns:
        The plan.

    Raises:
        CurveError: If the forecast is too old or does not reach so far.
    """
    mean = from_today(cell)
    order_on = next_order_day(cell.today, cell.terms.order_days)
    lead_time = cell.terms.lead_time.waiting((order_on - cell.today).days)
    review = cell.policy.review_days
    protects = [day + review for day in lead_time.days]
    if max(protects) > len(mean):
        raise CurveError(f"the forecast reaches {len(mean)} days, {max(protects)} are to be protected")
    curve = lead_time_demand(cell.forecast.horizons, cell.forecast.cum_q, protects, lead_time.probability)
    sums = np.concatenate([[0.0], np.cumsum(mean)])
    expected = float(np.dot(lead_time.probability, sums[protects]))
    review_demand = float(sums[review])
    lot = max(review_demand, float(cell.terms.rule.min_order or 0), float(cell.terms.rule.multiple or 0))
    reorder_point = _level(curve, cell.policy, lot if expected > DUST else 0.0)
    horizon = lead_time.planned + review
    position, beyond = _position(cell, mean, horizon)
    arrivals = [((line.expected_on - cell.today).days, line.quantity) for line in cell.lines]
    projected = project(float(cell.on_hand), arrivals, mean, beyond)
    order_up_to = reorder_point + review_demand
    need = Decimal(repr(round(order_up_to - position.level, 6)))
    low = first_below(projected, max(0.0, reorder_point - expected))
    short_on = first_below(projected, -DUST)
    is_covered = position.level >= reorder_point - DUST
    return Plan(
        order_on=order_on,
        lead_time=lead_time,
        horizon=horizon,
        curve=curve,
        expected=expected,
        lot=lot,
        reorder_point=reorder_point,
        order_up_to=order_up_to,
        review_demand=review_demand,
        position=position,
        projected=projected,
        short_on=short_on,
        needed=min(horizon, horizon if low is None else low),
        need=need,
        rounded=round_order(Decimal(0) if is_covered else need, cell.terms.rule),
        expedite=None if is_covered else _to_hurry(cell, position),
    )


def order_by(cell: Cell, planned: Plan) -> date:
    """Name the last day on which an order still comes when it is needed.

    Args:
        cell: What is known.
        planned: Its plan.

    Returns:
        The next order day, or a later one if that is soon enough.
    """
    latest = cell.today + timedelta(planned.needed - cell.terms.lead_time.planned)
    while latest > planned.order_on and latest.isoweekday() not in cell.terms.order_days:
        latest -= timedelta(1)
    return max(planned.order_on, latest)


def from_today(cell: Cell) -> Floats:
    """Drop the days of the forecast that are over.

    Args:
        cell: What is known.

    Returns:
        Expected demand by day from today.

    Raises:
        CurveError: If the forecast is too old.
    """
    age = (cell.today - cell.forecast.first_day).days
    if not -1 <= age <= OLDEST_FORECAST_DAYS:
        raise CurveError(
            f"the forecast begins on {cell.forecast.first_day}, today is {cell.today}: "
            f"expected one of the last {OLDEST_FORECAST_DAYS} days"
        )
    return np.asarray(cell.forecast.mean[max(0, age) :], dtype=np.float64)


def _level(curve: Curve, policy: Policy, lot: float) -> float:
    if policy.target_kind is TargetKind.CYCLE_SERVICE:
        return curve.level_at(policy.target)
    return curve.level_for_fill(policy.target, lot) if lot > 0 else 0.0


def _position(cell: Cell, mean: Floats, horizon: int) -> tuple[Position, Floats]:
    orders = [((order.due_on - cell.today).days, order.quantity) for order in cell.customer_orders]
    beyond = consume(mean, orders)
    until = cell.today + timedelta(horizon)
    in_time, too_late = split_by_due(cell.lines, until=until)
    of_window = float(beyond[: horizon + 1].sum())
    drawn = by_day(cell.requirements, cell.today, len(mean))
    position = Position(float(cell.on_hand), in_time, too_late, of_window, float(drawn[: horizon + 1].sum()))
    return position, beyond + drawn


def _to_hurry(cell: Cell, position: Position) -> OpenLine | None:
    """Choose the first order that comes too late and that nobody has refused to hurry yet; no transfer."""
    open_ones = (
        line
        for line in position.too_late
        if not line.is_transfer and (line.order, line.line) not in cell.expedited
    )
    return next(open_ones, None)
