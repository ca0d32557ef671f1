"""Review runs, what they flagged, and how a site wants them, as values. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from cloud.forecasting.domain import ForecastError
from cloud.identity.actor import Role

TICKET_KIND: Final = "policy_review"
"""Kind of the tickets of items; the parameters and the policy that rest on its forecast are looked at."""
DRIFT_KIND: Final = "forecast_drift"
"""Kind of the ticket of a site whose number of odd forecasts chance does not explain."""
EVERY: Final = timedelta(days=7)
"""A site is judged once in so many days: otherwise one odd week would be seven reviews."""
MAY_SET: Final = (Role.PLANNER, Role.INVENTORY_CONTROLLER)
USUAL_NOMINAL: Final = Decimal("0.05")
USUAL_DUE_DAYS: Final = 7
LEAST_DRIFT: Final = 2.0
"""A share of odd forecasts below so many times the nominal one is no drift."""
SIGMAS: Final = 3.0

TRIGGER_WORDS: Final[Mapping[str, str]] = {
    "band": "last error outside its band",
    "tracking_signal": "errors to one side (tracking signal)",
    "cusum": "level has shifted (CUSUM)",
    "bias": "biased over the last weeks",
}


class ReviewError(ForecastError, ValueError):
    """A wrong wish about reviews; the message names value and expectation."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How a site wants to be told of odd forecasts."""

    site: str
    nominal: Decimal = USUAL_NOMINAL
    """Share of items flagged in a week though nothing has changed."""
    most_per_week: int | None = None
    """False reviews to be expected a week at most; lowers the share."""
    owner: str | None = None
    """Who looks after the tickets; None: nobody yet."""
    due_days: int = USUAL_DUE_DAYS
    set_by: str | None = None
    """None: nobody chose, the defaults hold."""
    set_at: datetime | None = None

    def nominal_of(self, items: int) -> float:
        """Give the share for so many items.

        Args:
            items: That are judged.

        Returns:
            The nominal share, lowered where it would raise more reviews than are wanted.

        Examples:
            >>> Setting("leeds", most_per_week=20).nominal_of(10_000)
            0.002
        """
        wanted = float(self.nominal)
        if self.most_per_week is None or not items:
            return wanted
        return min(wanted, self.most_per_week / items)


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One week's review of a site."""

    review_id: int
    site: str
    time_zone: str
    run_id: int
    last_day: date
    horizon_days: int
    items: int
    judged: int
    nominal: float
    level: float
    expected: float
    flagged: int
    opened: int
    past_shares: Sequence[float]
    is_drifting: bool
    reviewed_at: datetime
    still_open: int
    """Tickets of the site's items that are not over."""

    @property
    def share(self) -> float | None:
        """Share of the judged items that was flagged."""
        return self.flagged / self.judged if self.judged else None


@dataclass(frozen=True, slots=True)
class FlaggedRow:
    """An item whose forecast was found odd."""

    review_id: int
    site: str
    last_day: date
    item: str
    item_name: str | None
    item_id: int
    trigger: str
    statistic: float
    limit_at: float | None
    """None: nothing had been as far out before."""
    chance: float
    error: float
    ticket_id: int | None
    state: str | None
    owner: str | None
    due_at: datetime | None
    time_zone: str

    @property
    def in_words(self) -> str:
        """Say what spoke."""
        return TRIGGER_WORDS[self.trigger]


def is_drift(*, share: float, nominal: float, judged: int, past: Sequence[float]) -> bool:
    """Tell whether more forecasts are odd than chance and the usual ups and downs of weeks explain.

    Args:
        share: Of the judged that was flagged.
        nominal: Share that was to be expected.
        judged: How many were.
        past: Shares of the weeks before.

    Returns:
        True if it is at least twice the nominal share, and three standard deviations above, of chance and of
        the weeks before.

    Examples:
        >>> is_drift(share=0.2, nominal=0.05, judged=1000, past=[0.04, 0.06, 0.05])
        True
        >>> is_drift(share=0.2, nominal=0.05, judged=10, past=[0.04, 0.06, 0.05])
        False
    """
    if not judged or share < LEAST_DRIFT * nominal:
        return False
    by_chance = nominal + SIGMAS * math.sqrt(nominal * (1 - nominal) / judged)
    if len(past) < 2:  # noqa: PLR2004  no spread
        return share > by_chance
    mean = sum(past) / len(past)
    spread = math.sqrt(sum((each - mean) ** 2 for each in past) / (len(past) - 1))
    return share > max(by_chance, mean + SIGMAS * spread)
