"""A policy played over past demand: what stock and shortage would have cost under each forecast. Pure.

Periodic review with an order-up-to level (R, S), day by day, for all series at once: at the end of every
review week the position (on hand and on order, less what waits) is raised to the level that the forecast of
that moment gives at the item's target, never lowered, as stock is not sent back; what is ordered is there
after the lead time; what cannot be served waits. A unit held over a day costs its holding; one that has to
wait costs its penalty once: that which makes the target the cheapest service (newsvendor, Snyder & Shen 2019,
section 4.3). Whoever compares forecasts by their stock does it here.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.policies import Policies
from cloud.forecasting.protocol import Bools, Floats, Ints
from cloud.forecasting.weeks import DAYS

HOLDING_A_YEAR: Final = 0.25
"""Of a unit's cost."""
_YEAR: Final = 365.0


@dataclass(frozen=True, slots=True)
class Terms:
    """A policy in the terms that it is played in; of each series one number."""

    review_weeks: Ints
    """The weekly origin is when somebody looks; a review of a few days counts as one of a week."""
    lead_days: Ints
    holding: Floats
    """Of a unit and day."""
    shortage: Floats
    """Of a unit that has to wait."""

    @property
    def protection_days(self) -> Ints:
        """What a level must cover."""
        return self.review_weeks * DAYS + self.lead_days

    @property
    def lasting_weeks(self) -> Ints:
        """For how many weeks an order is felt: costs of so many weeks are not independent."""
        return -(-self.protection_days // DAYS)

    def of(self, rows: Ints) -> "Terms":
        """Give those of some series."""
        return Terms(self.review_weeks[rows], self.lead_days[rows], self.holding[rows], self.shortage[rows])


def protection_of(policies: Policies) -> Ints:
    """Say what an order must cover as policies are played: whole weeks of review, and the lead time.

    Args:
        policies: As replenishment states them.

    Returns:
        Days, of each series.
    """
    lead = np.maximum(policies.protection_days - policies.review_days, 0)
    result: Ints = _review_weeks(policies) * DAYS + lead
    return result


def terms_of(policies: Policies, unit_cost: Floats) -> Terms:
    """Say how items' orders are played.

    Args:
        policies: As replenishment states them.
        unit_cost: Of each series; NaN: not known, counted as the typical one.

    Returns:
        The terms.
    """
    is_known = np.isfinite(unit_cost)
    typical = float(np.median(unit_cost[is_known])) if is_known.any() else 1.0
    review = _review_weeks(policies)
    holding = np.where(is_known, unit_cost, typical) * HOLDING_A_YEAR / _YEAR
    odds = policies.service / (1 - policies.service)
    return Terms(
        review_weeks=review,
        lead_days=protection_of(policies) - review * DAYS,
        holding=holding,
        shortage=holding * review * DAYS * odds,
    )


def _review_weeks(policies: Policies) -> Ints:
    result: Ints = np.maximum((policies.review_days + DAYS // 2) // DAYS, 1)
    return result


def play(levels: Floats, demand: Floats, terms: Terms) -> Floats:
    """Play the policy under several forecasts at once.

    Args:
        levels: Forecasts x series x weeks: to what the position is raised at the end of the week before each;
            NaN: nothing is ordered.
        demand: Series x weeks x 7; NaN where not known: as the known days of its week.
        terms: Of the series.

    Returns:
        Forecasts x series x weeks: cost; NaN for a series whose first level is not known, which begins with
        that much on hand, and in weeks of which no day's demand is known.

    Examples:
        One a day, looked at weekly, no lead time: 10 last a week, and 3 + 4 + ... + 9 are held over.
        >>> terms = Terms(np.array([1]), np.array([0]), np.array([1.0]), np.array([100.0]))
        >>> play(np.array([[[10.0]], [[5.0]]]), np.ones((1, 1, 7)), terms).ravel().tolist()
        [42.0, 210.0]
    """
    forecasts, series, weeks = levels.shape
    asked, is_known = _filled(demand)
    slots = int(terms.lead_days.max(initial=0)) + 1
    coming = np.zeros((forecasts, series, slots))
    on_hand = np.nan_to_num(levels[:, :, 0])
    cost = np.zeros(levels.shape)
    rows = np.arange(series)
    for week in range(weeks):
        looks = week % terms.review_weeks == 0
        position = on_hand + coming.sum(axis=2)
        wanted = np.where(looks & np.isfinite(levels[:, :, week]), levels[:, :, week], -np.inf)
        slot = (week * DAYS + terms.lead_days) % slots
        coming[:, rows, slot] += np.maximum(wanted - position, 0)
        for day in range(DAYS):
            now = (week * DAYS + day) % slots
            on_hand += coming[:, :, now]
            coming[:, :, now] = 0
            before = np.maximum(-on_hand, 0)
            on_hand -= asked[:, week, day]
            short = np.maximum(-on_hand, 0) - before
            cost[:, :, week] += np.maximum(on_hand, 0) * terms.holding + short * terms.shortage
    return np.where(np.isfinite(levels[:, :, :1]) & is_known, cost, np.nan)


def _filled(demand: Floats) -> tuple[Floats, Bools]:
    """Give every day a demand, and tell of which weeks any day's is known."""
    known = np.isfinite(demand)
    count = known.sum(axis=2, keepdims=True)
    mean = np.divide(
        np.where(known, demand, 0).sum(axis=2, keepdims=True),
        count,
        out=np.zeros(count.shape),
        where=count > 0,
    )
    return np.where(known, demand, mean), count[:, :, 0] > 0
