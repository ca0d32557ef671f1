"""Simple exponential smoothing of weeks, yardstick of the combination; statsmodels estimates the weight."""

import warnings
from typing import Final

import numpy as np
from statsmodels.tools.sm_exceptions import ConvergenceWarning
from statsmodels.tsa.holtwinters import SimpleExpSmoothing

from cloud.forecasting.protocol import Floats, Ints

FIRST_WEEKS: Final = 8
"""The first level is the mean of so many known weeks."""
USUAL_ALPHA: Final = 0.15
"""Weight of the newest week that fitted ones are drawn half-way to: nearer on two of three data sets."""
SEARCH: Final = "Powell"
"""Finds the weight that L-BFGS-B finds, to 0.0001, and starts no threads, which cost ten times the search."""


class SimpleSmoothing:
    """l(t) = l(t-1) + alpha * (y(t) - l(t-1)); every following week is expected to be l(t).

    Brown 1956; Hyndman et al., *Forecasting with Exponential Smoothing* (2008), model (A,N,N). A week that is
    not known leaves the level as it is. Demand is never negative, so neither is a mean of it.
    """

    name: Final = "simple_smoothing"
    parameter_names: Final = ("alpha", "fitted_alpha", "first_level")
    min_weeks: Final = FIRST_WEEKS

    def fit(self, weeks: Floats, until: Ints) -> Floats:
        """Estimate the weight by least squares of the one-week errors, and draw it half-way to 0.15.

        Args:
            weeks: Series x weeks, NaN where not known.
            until: Of each series the last week that may be looked at; -1 fits nothing.

        Returns:
            Series x (alpha, fitted alpha, first level); NaN where nothing was fitted. The fitted alpha is NaN
            too where a constant series, or one that the search did not settle on, tells none.
        """
        found = np.full((len(weeks), len(self.parameter_names)), np.nan)
        for row, last in enumerate(until):
            known = weeks[row, : last + 1]
            known = known[np.isfinite(known)]
            if len(known) < self.min_weeks:
                continue
            first = known[:FIRST_WEEKS].mean()
            fitted = _fitted_alpha(known, first)
            alpha = USUAL_ALPHA if np.isnan(fitted) else (fitted + USUAL_ALPHA) / 2
            found[row] = alpha, fitted, first
        return found

    def paths(self, weeks: Floats, parameters: Floats, horizon_weeks: int) -> Floats:
        """Smooth up to each week and hold the level.

        Args:
            weeks: Series x weeks, NaN where not known.
            parameters: As `fit` gives them.
            horizon_weeks: How far, > 0.

        Returns:
            Series x weeks x horizon; NaN before eight weeks are known.
        """
        levels = smoothed(weeks, parameters[:, 0], parameters[:, 2])
        too_early = np.cumsum(np.isfinite(weeks), axis=1) < self.min_weeks
        levels[too_early] = np.nan
        return np.repeat(levels[:, :, None], horizon_weeks, axis=2)


def smoothed(weeks: Floats, alpha: Floats, first_level: Floats) -> Floats:
    """Run the recursion over all series at once.

    Args:
        weeks: Series x weeks, NaN where not known.
        alpha: Of each series, within [0, 1].
        first_level: Of each series, before its first week.

    Returns:
        Series x weeks: the level after each week.

    Examples:
        >>> smoothed(np.array([[4.0, np.nan, 8.0]]), np.array([0.5]), np.array([2.0])).tolist()
        [[3.0, 3.0, 5.5]]
    """
    levels = np.empty_like(weeks)
    level = first_level.copy()
    for week in range(weeks.shape[1]):
        error = weeks[:, week] - level
        level = np.where(np.isnan(error), level, level + alpha * error)
        levels[:, week] = level
    return levels


def _fitted_alpha(known: Floats, first: float) -> float:
    """Estimate the weight, scale-free; NaN if the series tells none."""
    if np.ptp(known) == 0:
        return float("nan")
    scaled = known / known.mean()
    model = SimpleExpSmoothing(scaled, initialization_method="known", initial_level=first / known.mean())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = model.fit(method=SEARCH)
    alpha = float(result.params["smoothing_level"])
    return min(max(alpha, 0.0), 1.0) if result.mle_retvals.success else float("nan")
