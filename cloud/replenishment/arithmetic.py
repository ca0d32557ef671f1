"""A proposal's arithmetic: a cell and its plan in, every number with its source and date out; pure."""

import hashlib
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import orjson

from cloud.replenishment.domain import Explained, Proposed, TargetKind
from cloud.replenishment.planner import NO_FORECAST, Cell, Plan, order_by
from cloud.replenishment.position import OpenLine, Requirement
from cloud.replenishment.quantities import QUANTUM, OrderRule, plain, round_order

_LEAST_PICTURE_DAYS: Final = 14
_KINDS: Final = {
    TargetKind.CYCLE_SERVICE: "of cycles without a stock-out",
    TargetKind.FILL_RATE: "of units served from stock",
}


def proposed(cell: Cell, plan: Plan, inputs_at: datetime) -> Proposed:
    """Write a plan that does not cover its interval as a proposal.

    Args:
        cell: What is known.
        plan: Its plan, not covered.
        inputs_at: When stock and open orders were read.

    Returns:
        An order, or the wish to hurry one that comes too late.
    """
    late = plan.expedite
    quantity = plan.rounded.quantity
    if late is not None:
        missing = round_order(plan.need, OrderRule(None, None, is_whole=cell.terms.rule.is_whole))
        quantity = min(Decimal(repr(late.quantity)).quantize(QUANTUM), missing.quantity)
    needed_by = cell.today + timedelta(plan.needed)
    return Proposed(
        proposal_id=identity(cell),
        item_id=cell.item_id,
        item=cell.item,
        kind="order" if late is None else "expedite",
        supplier=cell.terms.supplier if late is None else late.supplier,
        quantity=quantity,
        price=cell.terms.price,
        currency=cell.terms.currency,
        order_by=order_by(cell, plan),
        needed_by=needed_by,
        arrives_on=plan.order_on + timedelta(cell.terms.lead_time.planned) if late is None else needed_by,
        summary=_summary(cell, plan, quantity),
        arithmetic=_as_json(cell, plan, quantity, inputs_at),
        inputs_at=inputs_at,
    )


def identity(cell: Cell) -> str:
    """Name a proposal by everything that it follows from; nothing of when or how often it was computed.

    Args:
        cell: What is known.

    Returns:
        32 hexadecimal digits.
    """
    terms = cell.terms
    known = {
        "site": cell.site,
        "item": cell.item,
        "today": cell.today,
        "on_hand": plain(cell.on_hand),
        "lines": sorted(
            [line.order, line.line, line.quantity, line.due_on, line.sent_at] for line in cell.lines
        ),
        "customer_orders": sorted(
            [order.order, order.quantity, order.due_on] for order in cell.customer_orders
        ),
        "forecast": [
            cell.forecast.first_day,
            cell.forecast.horizons,
            cell.forecast.mean.tolist(),
            cell.forecast.cum_q.tolist(),
        ],
        "terms": [
            terms.supplier,
            terms.currency,
            *(
                None if each is None else plain(each)
                for each in (terms.price, terms.rule.min_order, terms.rule.multiple)
            ),
            terms.rule.is_whole,
            terms.lead_time.days,
            terms.lead_time.probability,
            sorted(terms.order_days),
        ],
        "policy": [cell.policy.review_days, cell.policy.target_kind.value, cell.policy.target],
        "expedited": sorted(cell.expedited),
        **({"requirements": _drawn(cell)} if cell.requirements else {}),
    }
    return hashlib.sha256(orjson.dumps(known, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def _drawn(cell: Cell) -> list[list[object]]:
    return [[one.to_site, one.transfer, one.quantity, one.due_on] for one in cell.requirements]


def number(value: float, digits: int = 2) -> str:
    """Write a number for people.

    Args:
        value: Any finite number.
        digits: Most decimals.

    Returns:
        As ``1234.5``, without trailing zeros.

    Examples:
        >>> number(12.0), number(0.126), number(-0.001)
        ('12', '0.13', '0')
    """
    text = f"{round(value, digits):.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def _summary(cell: Cell, plan: Plan, quantity: Decimal) -> str:
    level, point = number(plan.position.level), number(plan.reorder_point)
    runs_out = None if plan.short_on is None else cell.today + timedelta(plan.short_on)
    short = "" if runs_out is None else f"; expected to run out on {_day(runs_out)}"
    why = f"Position {level} is below the reorder point {point}{short}"
    if plan.expedite is not None:
        late = plan.expedite
        when = _day(late.expected_on)
        return f"{why}. {late.order} brings {number(late.quantity)} on {when}, too late: hurry it"
    return f"{why}: order {plain(quantity)} from {cell.terms.supplier or 'a supplier to be chosen'}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _as_json(cell: Cell, plan: Plan, quantity: Decimal, inputs_at: datetime) -> dict[str, Any]:
    days = min(max(_LEAST_PICTURE_DAYS, plan.horizon + cell.policy.review_days), len(plan.projected))
    stock = plan.projected[:days]
    arrival = (plan.order_on - cell.today).days + cell.terms.lead_time.planned
    ordered = float(quantity)
    if plan.expedite is not None:
        ordered, arrival = plan.expedite.quantity, plan.needed
    return {
        "tree": [
            part.as_json()
            for part in (
                _quantity(cell, plan, quantity),
                _level(cell, plan),
                _position(cell, plan, inputs_at),
            )
        ],
        "numbers": {
            "position": round(plan.position.level, 6),
            "on_hand": float(cell.on_hand),
            "reorder_point": round(plan.reorder_point, 6),
            "order_up_to": round(plan.order_up_to, 6),
            "safety_stock": round(plan.safety_stock, 6),
            "expected_demand": round(plan.expected, 6),
            "protection_days": plan.horizon,
            "review_days": cell.policy.review_days,
            "lead_time_days": cell.terms.lead_time.planned,
            "cover_days": plan.short_on,
            "service_now": round(plan.service_now, 4),
            "fill_now": None if plan.fill_now is None else round(plan.fill_now, 4),
            "target": cell.policy.target,
            "target_kind": cell.policy.target_kind.value,
            "min_order": _text(cell.terms.rule.min_order),
            "multiple": _text(cell.terms.rule.multiple),
            "is_whole": cell.terms.rule.is_whole,
            "unit": cell.unit,
        },
        "picture": {
            "first_day": cell.today.isoformat(),
            "stock": [round(float(each), 3) for each in stock],
            "with_order": [
                round(float(each) + (ordered if day >= arrival else 0), 3) for day, each in enumerate(stock)
            ],
            "reorder_point": round(plan.reorder_point, 3),
            "order_up_to": round(plan.order_up_to, 3),
        },
        "expedite": None
        if plan.expedite is None
        else {
            "order": plan.expedite.order,
            "line": plan.expedite.line,
            "due_on": plan.expedite.expected_on.isoformat(),
        },
        "forecast_run": cell.forecast.run_id,
        "defaults": list(_defaults(cell)),
    }


def _text(quantity: Decimal | None) -> str | None:
    return None if quantity is None else plain(quantity)


def _defaults(cell: Cell) -> list[str]:
    lead = ["lead_time"] if cell.terms.lead_time.source == "default" else []
    return [*cell.policy.defaults, *lead]


def _quantity(cell: Cell, plan: Plan, quantity: Decimal) -> Explained:
    order_up_to = Explained(
        "Order-up-to level",
        number(plan.order_up_to),
        f"reorder point + expected demand of one review ({number(plan.review_demand)})",
    )
    position = Explained("Less position", number(plan.position.level), "see below")
    if plan.expedite is not None:
        return Explained(
            "Quantity to hurry",
            plain(quantity),
            "what is missing, at most what the late order holds",
            parts=(order_up_to, position),
        )
    source = f"terms of {cell.terms.supplier or 'no supplier'}"
    steps = tuple(Explained("Rounding", step, source, cell.terms.stated_at) for step in plan.rounded.steps)
    return Explained(
        "Order quantity",
        plain(quantity),
        "order-up-to level less position, as the supplier takes it",
        parts=(order_up_to, position, Explained("Needed", number(float(plan.need)), "difference"), *steps),
    )


def _level(cell: Cell, plan: Plan) -> Explained:
    policy, forecast = cell.policy, cell.forecast
    said = "default, nobody chose it" if "target" in policy.defaults else f"set by {policy.set_by}"
    review = "default, nobody chose it" if "review_days" in policy.defaults else f"set by {policy.set_by}"
    age = (cell.today - forecast.first_day).days
    note = "" if forecast.is_sufficient else "; its history is short"
    source = f"forecast run {forecast.run_id}, model {forecast.model}{note}"
    if forecast.run_id == NO_FORECAST:
        source = "no customer asks for it here"
    lot = (
        (
            Explained(
                "Lot", number(plan.lot), "what a cycle orders: a review's demand, at least the least order"
            ),
        )
        if policy.target_kind is TargetKind.FILL_RATE
        else ()
    )
    demand = Explained(
        "Expected demand",
        number(plan.expected),
        source,
        forecast.finished_at or None,
        parts=(
            Explained(
                "Forecast from",
                forecast.first_day.isoformat(),
                f"{max(0, age)} days old" if age > 0 else "today",
            ),
            _interval(cell, plan, review),
        ),
    )
    return Explained(
        "Reorder point",
        number(plan.reorder_point),
        "expected demand of lead time and review + safety stock",
        parts=(
            demand,
            Explained(
                "Safety stock",
                number(plan.safety_stock),
                "quantile of the forecast's demand, mixed over the lead time, less its mean",
                parts=(
                    Explained("Target", f"{policy.target:.1%} {_KINDS[policy.target_kind]}", said),
                    *lot,
                    Explained(
                        "Service of the position now", f"{plan.service_now:.1%}", "the same distribution"
                    ),
                ),
            ),
        ),
    )


def _interval(cell: Cell, plan: Plan, review: str) -> Explained:
    lead = cell.terms.lead_time
    shares = ", ".join(f"{day} d {share:.0%}" for day, share in zip(lead.days, lead.probability, strict=True))
    source = {
        "observed": f"{lead.samples} receipts: {shares}",
        "promised": f"promised by {cell.terms.supplier}",
        "default": "default, nobody promised one",
    }[lead.source]
    return Explained(
        "Days protected",
        number(plan.lead_time.mean + cell.policy.review_days),
        "wait for an order day + lead time + review",
        parts=(
            Explained(
                "Next order day", plan.order_on.isoformat(), f"in {(plan.order_on - cell.today).days} days"
            ),
            Explained("Lead time", f"{number(lead.mean)} days", source, cell.terms.stated_at),
            Explained("Review", f"{cell.policy.review_days} days", review),
        ),
    )


def _position(cell: Cell, plan: Plan, inputs_at: datetime) -> Explained:
    position = plan.position
    until = cell.today + timedelta(plan.horizon)
    parts = [
        Explained("Usable on hand", plain(cell.on_hand), "ledger", inputs_at.isoformat(timespec="seconds"))
    ]
    parts += [_line(line, cell.today, f"comes by {until}, counts") for line in position.in_time]
    parts += [
        _line(line, cell.today, f"comes after {until}, covers nothing now") for line in position.too_late
    ]
    if cell.customer_orders:
        total = sum(order.quantity for order in cell.customer_orders)
        parts.append(
            Explained(
                "Customers' orders beyond the forecast",
                number(-position.beyond_forecast),
                f"{len(cell.customer_orders)} open orders of {number(total)}, less the forecast around them",
            )
        )
    if cell.requirements:
        parts.append(
            Explained(
                "Other sites' needs",
                number(-position.dependent),
                f"transfers that have not left, and planned ones, until {until}",
                parts=tuple(_need(one) for one in cell.requirements if one.due_on <= until),
            )
        )
    return Explained(
        "Position",
        number(position.level),
        "on hand + orders in time - customers' orders beyond - other sites' needs",
        parts=tuple(parts),
    )


def _need(one: Requirement) -> Explained:
    what = f"transfer {one.transfer}" if one.transfer else "planned transfer"
    return Explained(f"To {one.to_site}", number(one.quantity), what, one.due_on.isoformat())


def _line(line: OpenLine, today: date, counts: str) -> Explained:
    late = ""
    if line.due_on < today:
        when = f"expected on {line.late_on} as its slower ones came" if line.late_on else "taken as today"
        late = f", overdue by {(today - line.due_on).days} days, {when}"
    return Explained(
        f"{line.order} line {line.line}",
        number(line.quantity),
        f"{line.supplier}: {counts}{late}",
        line.due_on.isoformat(),
    )
