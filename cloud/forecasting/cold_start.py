"""Items with too short a history: their likes, their own days, and bands as wide as not knowing is. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from cloud.forecasting.batch.roomy import let_go
from cloud.forecasting.domain import LEVELS
from cloud.forecasting.protocol import Bools, Floats, Ints
from cloud.forecasting.weeks import DAYS, Weeks, some_at_once

MODEL: Final = "mean_of_known_days"
LIKES_MODEL: Final = "likes_and_known_days"
LIKES_DAYS: Final = 3.5
"""Weight of what an item's likes sell, in days of its own: own data soon tell more."""
_AT_ONCE: Final = 256
"""Items that are held against all others of their category together: this bounds memory."""
_Z: Final = np.array([NormalDist().inv_cdf(level) for level in LEVELS])


@dataclass(frozen=True, slots=True)
class Likes:
    """What makes items alike."""

    categories: Sequence[str | None]
    """Of each series; None: not known, and it has no likes."""
    prices: Floats
    """Of each series, in one currency; NaN: not known."""

    def rates(self, rates: Floats, is_known: Bools) -> tuple[Floats, Ints]:
        """Estimate what each series would sell by those like it: `analogue_rates`."""
        return analogue_rates(rates, is_known, self.categories, self.prices)


@dataclass(frozen=True, slots=True)
class Cold:
    """What series with too short a history are forecast by."""

    rates: Floats
    """Demand a day of each, by its own days."""
    known_days: Floats
    expected: Floats
    """What its likes sell; NaN: it has none."""
    likes: Ints

    @property
    def blended(self) -> Floats:
        """Demand a day of each."""
        return blended(self.rates, self.known_days, self.expected)

    def model(self, row: int) -> str:
        """Name what a series' forecast rests on."""
        return LIKES_MODEL if self.likes[row] else MODEL

    def told(self, row: int) -> dict[str, object]:
        """Tell the same in numbers."""
        if not self.likes[row]:
            return {}
        return {
            "likes": int(self.likes[row]),
            "likes_sell_per_week": round(float(self.expected[row]) * DAYS, 6),
        }


def daily_rates(weeks: Weeks) -> tuple[Floats, Floats]:
    """Estimate demand a day since the first demand.

    Args:
        weeks: What is known.

    Returns:
        Of each series the rate, and the known days it rests on: since the first demand, at least 7, so that
        one busy day is not taken for every day; 0 of an item without demand, which rests on all days.
    """
    series = len(weeks.totals)
    known, total = np.empty((2, series))
    for rows in some_at_once(series):
        flat = weeks.daily[rows].reshape(-1, weeks.count * DAYS)
        has_begun = np.cumsum(np.nan_to_num(flat), axis=1) > 0
        known[rows] = (np.isfinite(flat) & has_begun).sum(axis=1)
        total[rows] = np.nansum(flat, axis=1)
        let_go(weeks.daily)
    known = np.where(weeks.starts < weeks.count, np.maximum(known, DAYS), float(weeks.count * DAYS))
    return total / known, known


def analogue_rates(
    rates: Floats, is_known: Bools, categories: Sequence[str | None], prices: Floats
) -> tuple[Floats, Ints]:
    """Estimate what an item would sell from those of its category, the nearer in price the more.

    A kernel on the logarithm of the price (Nadaraya 1964; Watson 1964): an item of twice the price weighs
    `exp(-1/2)` of one of the same price. Where a price is not known, all of the category weigh alike.

    Args:
        rates: Demand a day of each series.
        is_known: Which series' rates others may be judged by.
        categories: Of each series; None: not known, and it has no likes.
        prices: Of each series, any one currency; NaN: not known.

    Returns:
        Of each series the expected rate, NaN where there are no likes; and how many likes it rests on. A
        series is none of its own likes.
    """
    found, likes = np.full(len(rates), np.nan), np.zeros(len(rates), dtype=np.int64)
    logs = np.log2(np.where(prices > 0, prices, np.nan))
    named = np.array([category if category is not None else "" for category in categories], dtype=np.str_)
    has_name = np.array([category is not None for category in categories], dtype=np.bool_)
    for name in np.unique(named[has_name]):
        inside = np.flatnonzero(has_name & (named == name))
        teachers = inside[is_known[inside]]
        if not len(teachers):
            continue
        for first in range(0, len(inside), _AT_ONCE):
            some = inside[first : first + _AT_ONCE]
            apart = np.nan_to_num(logs[some, None] - logs[None, teachers])
            weights = np.where(some[:, None] == teachers[None, :], 0.0, np.exp(-(apart**2) / 2))
            whole = np.sort(weights, axis=1).sum(axis=1)
            product = np.sort(weights * rates[None, teachers], axis=1).sum(axis=1)
            found[some] = np.divide(product, whole, out=np.full(len(some), np.nan), where=whole > 0)
            likes[some] = (weights > 0).sum(axis=1)
    return found, likes


def blended(rates: Floats, known_days: Floats, expected: Floats) -> Floats:
    """Draw an item's own rate towards what its likes sell, with the weight of half a week.

    Args:
        rates: Its own, of each series.
        known_days: What each rests on.
        expected: What its likes sell; NaN leaves the own rate as it is.

    Returns:
        Demand a day of each series.

    Examples:
        >>> blended(np.array([2.0]), np.array([3.5]), np.array([4.0])).tolist()
        [3.0]
    """
    drawn = (rates * known_days + expected * LIKES_DAYS) / (known_days + LIKES_DAYS)
    return np.where(np.isfinite(expected), drawn, rates)


def wide_bands(rates: Floats, known_days: Floats, horizons: Ints) -> Floats:
    """Put bands around `rate * horizon` as if weekly demand had a standard deviation as great as its mean.

    The sum over h weeks after n known ones has the squared coefficient of variation 1/h + 1/n; it is read
    from a gamma distribution by the Wilson-Hilferty (1931) approximation. Of an item without demand it is the
    number of units after none in n weeks, under Jeffreys' prior: negative binomial with r = 1/2, p = n/(n+h).

    Args:
        rates: Demand a day of each series.
        known_days: What each rests on.
        horizons: Days, ascending.

    Returns:
        Series x horizons x levels, rising with both.
    """
    ahead, behind = horizons / DAYS, known_days / DAYS
    variation = 1 / ahead[None, :] + 1 / behind[:, None]
    shape = (1 / variation)[:, :, None]
    root = 1 - 1 / (9 * shape) + _Z / (3 * np.sqrt(shape))
    cum_q = (rates[:, None] * horizons)[:, :, None] * np.maximum(root, 0) ** 3
    for row in np.flatnonzero(rates == 0):
        cum_q[row] = [_after_none(behind[row], weeks) for weeks in ahead]
    cum_q = np.maximum.accumulate(cum_q, axis=1)
    result: Floats = np.maximum.accumulate(cum_q, axis=2)
    return result


def _after_none(behind: float, ahead: float) -> list[float]:
    """Quantiles of the units asked for after none were."""
    none = behind / (behind + ahead)
    chance = none**0.5
    below, units = chance, 0
    found = []
    for level in LEVELS:
        while below < level:
            chance *= (units + 0.5) / (units + 1) * (1 - none)
            units += 1
            below += chance
        found.append(float(units))
    return found
