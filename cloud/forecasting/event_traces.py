"""What events leave on days that are not their own: before, after, and once they have lasted long. Pure.

Customers who stocked up in a promotion buy less after it; before a holiday they fetch what they cannot buy on
it; a promotion that goes on for weeks is news no more. Each is a covariate of its own, whose effect is used
only where the past shows it beyond doubt.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from cloud.forecasting.protocol import Bools, Floats
from cloud.forecasting.uplift import Fit
from cloud.forecasting.uplift_told import BEYOND_DOUBT
from cloud.forecasting.weekdays import DAYS

BEFORE: Final = 3
"""Days before a holiday on which people prepare for it."""
AFTER: Final = 7
"""Days after a promotion."""
AFTER_HOLIDAY: Final = 2
NEW_FOR: Final = 14
"""Days for which a promotion is new."""
MARGIN: Final = NEW_FOR
"""Days to each side that must be seen to tell the traces of a day."""
AFTER_PROMOTION: Final = "after a promotion"
WORN: Final = "promotion, from its third week on"
BEFORE_HOLIDAY: Final = "before a holiday"
AFTER_A_HOLIDAY: Final = "after a holiday"
KINDS: Final = {
    AFTER_PROMOTION: "promotion",
    WORN: "promotion",
    BEFORE_HOLIDAY: "holiday",
    AFTER_A_HOLIDAY: "holiday",
}
"""Of each trace the kind of its events."""
_PROMOTION: Final = "promotion"
_HOLIDAY: Final = "holiday: "
_OWN: Final = {AFTER_PROMOTION: _PROMOTION, BEFORE_HOLIDAY: _HOLIDAY, AFTER_A_HOLIDAY: _HOLIDAY}
"""Of each trace how the names of its events begin."""


@dataclass(frozen=True, slots=True)
class Traces:
    """Which traces the covariates of a site have."""

    names: tuple[str, ...]
    """Of the covariates of events."""

    @property
    def added(self) -> tuple[str, ...]:
        """Names of the traces."""
        found: tuple[str, ...] = ()
        if _PROMOTION in self.names:
            found += (AFTER_PROMOTION, WORN)
        if any(name.startswith(_HOLIDAY) for name in self.names):
            found += (BEFORE_HOLIDAY, AFTER_A_HOLIDAY)
        return found

    @property
    def every(self) -> tuple[str, ...]:
        """Names of the events' covariates, then those of the traces."""
        return (*self.names, *self.added)

    def of(self, values: Floats) -> Floats:
        """Add the traces.

        Args:
            values: Series x days x covariates, with `MARGIN` days more at each end.

        Returns:
            Series x days x covariates and traces, without these days.
        """
        found = [values[:, MARGIN:-MARGIN]]
        if _PROMOTION in self.names:
            is_on = values[:, :, self.names.index(_PROMOTION)] != 0
            found += [_after(is_on, AFTER), _worn(is_on)]
        holidays = [place for place, name in enumerate(self.names) if name.startswith(_HOLIDAY)]
        if holidays:
            is_one = np.logical_or.reduce([values[:, :, place] != 0 for place in holidays])
            found += [_after(is_one[:, ::-1], BEFORE)[:, ::-1], _after(is_one, AFTER_HOLIDAY)]
        result: Floats = np.concatenate(found, axis=2)
        return result

    def beside(self, weekly: Floats, daily: Floats) -> Floats:
        """Keep traces out of the weeks of their own events, whose effect would be confounded with theirs.

        Args:
            weekly: Series x weeks x covariates and traces.
            daily: Series x days x covariates and traces; of these weeks.

        Returns:
            Those by week.
        """
        series, weeks, width = weekly.shape
        days = daily.reshape(series, weeks, DAYS, width)
        found = weekly.copy()
        has_own: dict[str, Bools] = {}
        for name in self.added:
            if name != WORN:
                begins = _OWN[name]
                if begins not in has_own:
                    own = [place for place, one in enumerate(self.names) if one.startswith(begins)]
                    has_own[begins] = np.logical_or.reduce([(days[..., one] != 0).any(axis=2) for one in own])
                found[:, :, self.every.index(name)] *= ~has_own[begins]
        return found

    def settled(self, fit: Fit) -> Fit:
        """Take traces for none whose effect the past does not show beyond doubt.

        Args:
            fit: As learned, with the traces last.

        Returns:
            The fit that forecasts use.
        """
        effects = fit.effects
        first = len(self.names)
        deviations = np.sqrt(np.diagonal(effects.pooled_covariances, axis1=1, axis2=2))
        is_shown = np.asarray((abs(effects.pooled) >= BEYOND_DOUBT * deviations).any(axis=0))
        kept = np.where((np.arange(len(is_shown)) < first) | is_shown, 1.0, 0.0)
        return replace(
            fit,
            effects=replace(effects, coefficients=effects.coefficients * kept, pooled=effects.pooled * kept),
        )


def _after(is_on: Bools, days: int) -> Floats:
    """Mark the days after an event that are not its own: series x days x 1, without the margins."""
    count = is_on.shape[1]
    recent = np.zeros_like(is_on)
    for back in range(1, days + 1):
        recent[:, back:] |= is_on[:, : count - back]
    result: Floats = (recent & ~is_on).astype(np.float64)[:, MARGIN:-MARGIN, None]
    return result


def _worn(is_on: Bools) -> Floats:
    """Mark days of an event that has been on for longer than it is new."""
    whole = np.cumsum(np.pad(is_on, ((0, 0), (1, 0))), axis=1)
    run = np.zeros_like(is_on)
    run[:, NEW_FOR:] = is_on[:, NEW_FOR:] & ((whole[:, NEW_FOR:-1] - whole[:, : -NEW_FOR - 1]) == NEW_FOR)
    result: Floats = run.astype(np.float64)[:, MARGIN:-MARGIN, None]
    return result
