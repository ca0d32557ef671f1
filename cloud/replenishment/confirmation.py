"""A supplier's confirmation against what was approved: within the tolerance or beyond it; pure."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from cloud.replenishment.quantities import plain

DEFAULT_QUANTITY_PERCENT: Final = Decimal(5)
DEFAULT_PRICE_PERCENT: Final = Decimal(2)
_WHOLE: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a confirmation may be off what was approved."""

    quantity_percent: Decimal = DEFAULT_QUANTITY_PERCENT
    """Of the approved quantity, up or down."""
    price_percent: Decimal = DEFAULT_PRICE_PERCENT
    """Of the approved price, up; a lower price is always within."""
    set_by: str = "default"


@dataclass(frozen=True, slots=True)
class Terms:
    """What of a line is to come, in base units, and for how much each."""

    quantity: Decimal
    price: Decimal | None

    @property
    def value(self) -> Decimal | None:
        """What it is worth; None if no price is known."""
        return None if self.price is None else self.quantity * self.price


def beyond(approved: Terms, confirmed: Terms, tolerance: Tolerance) -> list[str]:
    """Say what of a confirmation somebody has to approve.

    It is compared with what was approved last and not with the confirmation before, so that small steps do
    not add up to a large one unseen. A price where none was known is beyond: nobody has approved it.

    Args:
        approved: As ordered, or as the last change that was approved says.
        confirmed: As the supplier says.
        tolerance: How far it may be off.

    Returns:
        A sentence per fault; none if it is within.

    Examples:
        >>> ordered = Terms(Decimal(100), Decimal("2.50"))
        >>> beyond(ordered, Terms(Decimal(96), Decimal("2.55")), Tolerance())
        []
        >>> for fault in beyond(ordered, Terms(Decimal(94), Decimal("2.56")), Tolerance()):
        ...     print(fault)
        quantity 94 instead of 100: 6 % less, tolerated are 5 %
        price 2.56 instead of 2.5: 2.4 % more, tolerated are 2 %
    """
    faults = []
    change = _percent(confirmed.quantity, approved.quantity)
    if abs(change) > tolerance.quantity_percent:
        faults.append(
            f"quantity {plain(confirmed.quantity)} instead of {plain(approved.quantity)}: "
            f"{_off(change)}, tolerated are {plain(tolerance.quantity_percent)} %"
        )
    if confirmed.price is None or confirmed.price == approved.price:
        return faults
    if approved.price is None:
        return [*faults, f"price {plain(confirmed.price)}: none was known when it was approved"]
    change = _percent(confirmed.price, approved.price)
    if change > tolerance.price_percent:
        faults.append(
            f"price {plain(confirmed.price)} instead of {plain(approved.price)}: "
            f"{_off(change)}, tolerated are {plain(tolerance.price_percent)} %"
        )
    return faults


def _percent(now: Decimal, before: Decimal) -> Decimal:
    """Give the change in percent; of nothing, anything is more than all."""
    if before == 0:
        return Decimal(0) if now == 0 else Decimal("Infinity")
    return (now - before) / before * _WHOLE


def _off(change: Decimal) -> str:
    if not change.is_finite():
        return "from nothing"
    return f"{plain(abs(round(change, 2)))} % {'more' if change > 0 else 'less'}"
