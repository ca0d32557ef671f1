"""An adjustment of the system's forecast as a value: scope, days, size, author and where it stands. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from cloud.forecasting.domain import ForecastError
from cloud.identity.actor import Role

DECISION_KIND: Final = "forecast_override"
"""Of the decisions that carry adjustments; limits by role and size are set for it."""
AUTHORS: Final = (Role.PLANNER, Role.BUYER, Role.INVENTORY_CONTROLLER)
"""Who may ask for one, and end it."""
MOST_DAYS: Final = 366
"""Longest adjustment."""
LEAST_SHARE: Final = 0.1
"""Smaller changes, if also within the band's half-width, made forecasts worse more often than better in four
companies (Fildes & Goodwin 2007, *Interfaces* 37(6)): they must be confirmed."""
TOLERANCE: Final = Decimal("1.1")
"""An approved adjustment whose worth has grown by more since goes back to its approver."""

REASONS: Final[Mapping[str, str]] = {
    "promotion": "Promotion that the system does not know",
    "customer_order": "Large order is expected",
    "customer_gained": "A customer was gained",
    "customer_lost": "A customer was lost",
    "price_change": "Price changes",
    "competitor": "A competitor acts",
    "weather": "Weather",
    "disruption": "Supply or sales are disrupted",
    "assortment": "Assortment or display changes",
    "history_misleads": "The history misleads",
    "other": "Another reason (say which)",
}


class OverrideError(ForecastError, ValueError):
    """A wrong wish about an adjustment; the message names value, expectation and place."""


class UnknownOverrideError(OverrideError):
    """The actor's sites hold no such adjustment."""


class OverlappingOverrideError(OverrideError):
    """Another adjustment of the same stands on some of the days."""


class SmallOverrideError(OverrideError):
    """It is smaller than what pays, and nobody confirmed it."""


class EndedOverrideError(OverrideError):
    """It has ended, or its days are over."""


class Mode(StrEnum):
    """How an adjustment is meant."""

    PERCENT = "percent"
    """So many percent more than the system says; negative: less."""
    ADD = "add"
    """So many units a day or week more than the system says; negative: less."""
    REPLACE = "replace"
    """So many units a day or week, whatever the system says."""


class Standing(StrEnum):
    """Where an adjustment stands on a day."""

    WAITING = "waiting"
    """For its approval."""
    PLANNED = "planned"
    """Approved; its days begin later."""
    ACTIVE = "active"
    EXPIRED = "expired"
    """Its last day is over."""
    LAPSED = "lapsed"
    """Its last day was over before anybody approved it."""
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    """Taken back before it was approved."""
    ENDED = "ended"
    """Undone after it was approved."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What changes the forecast of some days."""

    override_id: int
    is_of_item: bool
    """Of one item, which counts before one of its category."""
    from_day: date
    until_day: date
    """Last day that it changes."""
    mode: Mode
    amount: float
    per_days: int | None
    """Days that the amount is for: 1 or 7; None for percent."""


@dataclass(frozen=True, slots=True)
class OverrideRow:
    """An adjustment as it is shown."""

    override_id: int
    site: str
    time_zone: str
    item: str | None
    item_name: str | None
    item_id: int | None
    base_unit: str | None
    category: str | None
    from_day: date
    to_day: date
    expires_on: date
    mode: str
    amount: Decimal
    per_days: int | None
    reason: str
    evidence: str
    note: str
    is_small: bool
    basis: Mapping[str, Any]
    author: str
    created_at: datetime
    decision_id: int | None
    revision: int | None
    value: Decimal | None
    currency: str | None
    approver: str | None
    decided_at: datetime | None
    verdict_note: str | None
    applied_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None
    standing: str
    run_id: int | None
    """The last run whose forecasts hold it."""

    @property
    def scope(self) -> str:
        """What it is about: the item's code, or the category."""
        return self.item if self.item is not None else f"category {self.category}"

    @property
    def in_words(self) -> str:
        """Say how much it changes."""
        return in_words(Mode(self.mode), self.amount, self.per_days, self.base_unit or "units")

    @property
    def adjustment(self) -> Adjustment:
        """What it does."""
        return Adjustment(
            self.override_id,
            is_of_item=self.item is not None,
            from_day=self.from_day,
            until_day=self.expires_on,
            mode=Mode(self.mode),
            amount=float(self.amount),
            per_days=self.per_days,
        )


def in_words(mode: Mode, amount: Decimal, per_days: int | None, unit: str) -> str:
    """Say how much an adjustment changes.

    Args:
        mode: How it is meant.
        amount: Percent or units.
        per_days: Days that units are for.
        unit: Base unit.

    Returns:
        Text for people.

    Examples:
        >>> in_words(Mode.PERCENT, Decimal("-20.00"), None, "each")
        '20 % less'
        >>> in_words(Mode.ADD, Decimal(5), 7, "each"), in_words(Mode.REPLACE, Decimal("2.5"), 1, "kg")
        ('5 each a week more', '2.5 kg a day')
    """
    size = f"{abs(amount).normalize():f}"
    way = "less" if amount < 0 else "more"
    if mode is Mode.PERCENT:
        return f"{size} % {way}"
    each = f"{size} {unit} a {'week' if per_days == 7 else 'day'}"  # noqa: PLR2004  days of a week
    return each if mode is Mode.REPLACE else f"{each} {way}"


def is_small(*, system: float, overridden: float, half_width: float) -> bool:
    """Tell whether a change is too small to pay: a small share, and within what is not known anyway.

    Args:
        system: Sum that the system expects over the days.
        overridden: The same, adjusted.
        half_width: Of the system's 80 % band of that sum.

    Returns:
        True if so.

    Examples:
        >>> [is_small(system=100, overridden=105, half_width=width) for width in (20, 2)]
        [True, False]
    """
    change = abs(overridden - system)
    return change < LEAST_SHARE * system and change < half_width
