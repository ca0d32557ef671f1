"""Events as values: what they are, who may state them, what of one cannot be. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from cloud.identity.actor import Role

AUTHORS: Final = (Role.PLANNER, Role.BUYER, Role.INVENTORY_CONTROLLER)
"""Who may state, correct and withdraw events."""
READERS: Final = (
    Role.OPERATOR,
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.PLANNER,
    Role.BUYER,
    Role.APPROVER,
    Role.AUDITOR,
)
LONGEST_DAYS: Final = 731
MOST_ATTRIBUTES: Final = 20
GREATEST: Final = 1e12
DEEPEST: Final = 0.95
"""Depth of a promotion at most: what is given away is no sale."""


class Kind(StrEnum):
    """What an event is."""

    PROMOTION = "promotion"
    HOLIDAY = "holiday"
    DISRUPTION = "disruption"
    WEATHER = "weather"
    PRICE = "price"
    OTHER = "other"


class EventError(Exception):
    """A wrong wish about events; the message names value, expectation and place."""


class UnknownEventError(EventError):
    """The actor's sites hold no such event, site, item or category."""


class StaleEventError(EventError):
    """Somebody corrected the event in the meantime."""


class Subject(NamedTuple):
    """An item whose demand is moved."""

    item_id: int
    category: str | None


@dataclass(frozen=True, slots=True)
class EventRow:
    """A revision of an event."""

    event_id: int
    revision: int
    site: str | None
    """None: every site."""
    item: str | None
    item_id: int | None
    category: str | None
    """None, and no item: every item."""
    from_day: date
    to_day: date
    """Itself included."""
    kind: str
    name: str
    attributes: Mapping[str, Any]
    effect_prior: float | None
    known_at: datetime
    source: str
    reference: str
    is_withdrawn: bool
    reason: str
    author: str
    recorded_at: datetime

    @property
    def scope(self) -> str:
        """What it concerns, in words."""
        what = (
            f"item {self.item}"
            if self.item
            else f"category {self.category}"
            if self.category
            else "all items"
        )
        return f"{what} at {self.site or 'every site'}"


def faults_of(kind: Kind, attributes: Mapping[str, Any]) -> list[str]:
    """Find what of an event's attributes cannot be.

    Args:
        kind: Of the event.
        attributes: As stated.

    Returns:
        Value and expectation of each fault.
    """
    faults = []
    if len(attributes) > MOST_ATTRIBUTES:
        faults.append(f"attributes: {len(attributes)}, expected at most {MOST_ATTRIBUTES}")
    for name, value in attributes.items():
        if not isinstance(value, bool | int | float | str):
            faults.append(f"attribute {name!r:.80}: expected a number, a text, true or false")
    if "depth" in attributes and not _within(attributes["depth"], 0, DEEPEST):
        faults.append(
            f"attribute 'depth' {attributes['depth']!r:.80}: expected 0 to {DEEPEST}, as 0.2 for -20 %"
        )
    if kind is Kind.PRICE and not _within(attributes.get("change"), -DEEPEST, 10):
        faults.append(
            f"attribute 'change' {attributes.get('change')!r:.80}: expected the change of the price from "
            f"the usual one, -{DEEPEST} to 10, as -0.1 for -10 %"
        )
    if kind is Kind.WEATHER and not any(_is_number(value) for value in attributes.values()):
        faults.append("attributes of weather: expected at least one number, as temperature or rain_mm")
    return faults


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < GREATEST


def _within(value: object, least: float, most: float) -> bool:
    return _is_number(value) and least <= float(str(value)) <= most
