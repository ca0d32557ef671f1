"""How often nothing is asked for: of each series since it began, drawn towards those like it. Pure.

A series begins with its first demand, and what comes after it tells how often it idles; the first demand
does not, as it is where the counting begins. Zeros before it are either of the same rhythm, or of a time when
there was no such item. They count by the chance of the former: by Bayes' rule, if half of all series were
there from the beginning and the other half came at any time alike. Otherwise an item that is new would be
taken for one that is hardly ever asked for, and its band would end at zero.

The share is drawn towards series of like volume the more, the less such series differ beyond chance
(empirical Bayes for shares: Efron & Morris 1975; Morris 1983): of series whose demand is rare some have had
none for long by luck, and a band that believes them ends at zero too often. Those of which little is known
have each other.
"""

from typing import Final

import numpy as np

from cloud.forecasting.protocol import Bools, Floats, Ints

HALF_LIFE: Final = 26
"""Periods after which what was known weighs half."""
FADING: Final = 0.5 ** (1 / HALF_LIFE)
YOUNG: Final = 5.0
"""Periods below which little is known of a series."""
LEAST_PRIOR: Final = 1.0
"""Periods that the share of its like weighs at least in a series' own: none is known for certain."""
_PRIOR_COUNT: Final = 0.5
"""Of idle periods, and of others, before any is known, where zeros before the first demand are judged."""
_GRID: Final = 1 << 20
"""Shares are summed as whole multiples of 1 / 2^20, so that no order of series changes a sum."""


class Idle:
    """Counts idle periods of many series, the newest weighing most."""

    def __init__(self, series: int) -> None:
        """Begin before the first period.

        Args:
            series: How many.
        """
        self._has_begun = np.zeros(series, dtype=np.bool_)
        self._nothing, self._known, self._before, self._waited, self._seen = np.zeros((5, series))

    def step(self, now: Floats) -> None:
        """Take in one period.

        Args:
            now: Demand of each series; NaN where not known.
        """
        has_come, is_nothing = np.isfinite(now), now == 0
        is_before = is_nothing & ~self._has_begun
        fading = np.where(has_come, FADING, 1.0)
        self._nothing *= fading
        self._nothing += is_nothing & self._has_begun
        self._known *= fading
        self._known += has_come & self._has_begun
        self._before *= fading
        self._before += is_before
        self._waited += is_before
        self._seen += has_come
        self._has_begun |= now > 0

    def told(self) -> tuple[Floats, Floats]:
        """Tell what is known after the periods taken in.

        Returns:
            Of each series the share of idle periods, and how many it rests on; less than one tells nothing.
        """
        share = (self._nothing + _PRIOR_COUNT) / (self._known + 2 * _PRIOR_COUNT)
        odds = share**self._waited * (1 - share) * self._seen
        counted = np.where(self._has_begun, odds / (1 + odds), 1) * self._before
        periods = self._known + counted
        return (self._nothing + counted) / np.maximum(periods, 1), periods


def drawn(own: Floats, periods: Floats, placed: Ints, count: int) -> Floats:
    """Draw each series' share towards that of its like.

    Its own weighs its periods, that of its like `m (1 - m) / v - 1` periods, where `m` is the mean of the
    shares and `v` their variance, less what as many periods let them vary by chance. Periods count as many as
    alike ones would that tell as much as those that fade: (sum of weights)^2 / (sum of their squares).

    Args:
        own: Series x origins.
        periods: The same: what each rests on.
        placed: The same: strata; -1 without a forecast.
        count: Of strata.

    Returns:
        The same.
    """
    worth = periods * (1 + FADING) / (2 - periods * (1 - FADING))
    cells = count + 2  # of strata, of the young, and of what tells nothing
    of = np.where(is_young(periods), count, placed)
    at = cells * np.arange(placed.shape[1])
    told = np.where((placed >= 0) & (periods >= 1), of, count + 1) + at
    sums = [
        np.bincount(told.ravel(), np.round(part * _GRID).ravel(), cells * placed.shape[1]) / _GRID
        for part in (np.ones_like(own), own, own * own, own * (1 - own) / np.maximum(worth - 1, 1))
    ]
    number = np.maximum(sums[0], 1)
    mean, square, chance = (part / number for part in sums[1:])
    most = mean * (1 - mean)
    varies = np.clip(square - mean * mean - chance, 0, most)
    prior = np.maximum(most / np.maximum(varies, 1 / _GRID) - 1, LEAST_PRIOR)
    like = np.where(placed >= 0, of, count + 1) + at
    shares = (worth * own + prior[like] * mean[like]) / (worth + prior[like])
    return np.where(placed >= 0, shares, own)


def is_young(periods: Floats) -> Bools:
    """Tell of which series little is known.

    Args:
        periods: What is known of each, as `Idle` counts.

    Returns:
        The same shape.
    """
    return np.asarray(periods < YOUNG, dtype=np.bool_)
