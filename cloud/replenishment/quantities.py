"""How much to order: a need in, a quantity that the supplier takes and every step to it out; pure."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

QUANTUM: Final = Decimal("0.000001")
LARGEST: Final = Decimal(10) ** 14


@dataclass(frozen=True, slots=True)
class OrderRule:
    """What a supplier takes of an item, in base units."""

    min_order: Decimal | None
    multiple: Decimal | None
    """None: any quantity."""
    is_whole: bool
    """The item is counted in whole base units."""


@dataclass(frozen=True, slots=True)
class Rounded:
    """An order quantity and why it is more than was needed."""

    quantity: Decimal
    steps: tuple[str, ...]
    """One sentence per step that changed it, in order; none if nothing did."""


def plain(quantity: Decimal) -> str:
    """Write a quantity without exponent and trailing zeros.

    Args:
        quantity: Any.

    Returns:
        As ``12.5``.
    """
    return f"{quantity.normalize():f}"


def round_order(need: Decimal, rule: OrderRule) -> Rounded:
    """Round a need up to what the supplier takes; never down, never below its least order.

    Args:
        need: In base units; at or below zero nothing is needed.
        rule: What the supplier takes.

    Returns:
        The quantity; 0 if nothing is needed.

    Examples:
        >>> rounded = round_order(Decimal("30.2"), OrderRule(Decimal(48), Decimal(36), is_whole=True))
        >>> rounded.quantity
        Decimal('72')
        >>> for step in rounded.steps:
        ...     print(step)
        30.2 → 31: the item is ordered whole
        31 → 48: least order
        48 → 72: whole multiples of 36
    """
    if need <= 0:
        return Rounded(Decimal(0), ())
    quantity = need.quantize(QUANTUM, rounding=ROUND_CEILING)
    steps = []
    for wanted, why in (
        (_up_to(quantity, Decimal(1)) if rule.is_whole else None, "the item is ordered whole"),
        (rule.min_order, "least order"),
    ):
        if wanted is not None and wanted > quantity:
            steps.append(f"{plain(quantity)} → {plain(wanted)}: {why}")
            quantity = wanted
    if rule.multiple is not None:
        wanted = _up_to(quantity, rule.multiple)
        if wanted != quantity:
            steps.append(f"{plain(quantity)} → {plain(wanted)}: whole multiples of {plain(rule.multiple)}")
            quantity = wanted
    return Rounded(quantity, tuple(steps))


def fault_of(quantity: Decimal, rule: OrderRule) -> str | None:
    """Say why a supplier would not take a quantity.

    Args:
        quantity: As a person wants to order it, in base units.
        rule: What the supplier takes.

    Returns:
        Value and expectation; None if it would.

    Examples:
        >>> fault_of(Decimal(30), OrderRule(Decimal(48), Decimal(12), is_whole=True))
        'quantity 30: expected at least 48, the least order'
    """
    if not 0 < quantity < LARGEST:
        return f"quantity {quantity}: expected above 0 and below {LARGEST:f}"
    if rule.min_order is not None and quantity < rule.min_order:
        return f"quantity {plain(quantity)}: expected at least {plain(rule.min_order)}, the least order"
    if rule.multiple is not None and _up_to(quantity, rule.multiple) != quantity:
        below = quantity // rule.multiple * rule.multiple
        near = " or ".join(plain(each) for each in (below, below + rule.multiple) if each > 0)
        return f"quantity {plain(quantity)}: expected whole multiples of {plain(rule.multiple)}, as {near}"
    if rule.is_whole and quantity != quantity.to_integral_value():
        return f"quantity {plain(quantity)}: expected a whole number, the item is not divided"
    return None


def _up_to(quantity: Decimal, multiple: Decimal) -> Decimal:
    return (quantity / multiple).to_integral_value(rounding=ROUND_CEILING) * multiple
