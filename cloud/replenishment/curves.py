"""Demand of a lead time as a distribution: quantiles by horizon in, levels and shortages out; pure arrays.

A forecast gives 15 quantiles of the demand of its next 1, 7, 14 … days. Between horizons the median grows
linearly and what lies beside it with the square root of time; between levels a quantile is linear in the
standard normal score. Both are exact for independent normal demand and keep any other shape at its knots.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVELS: Final = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99, 0.995,
)  # fmt: skip
"""Of a forecast's quantiles (DOMAIN D10)."""
HIGHEST_LEVEL: Final = LEVELS[-1]
_NORMAL: Final = NormalDist()
_SCORES: Final[Floats] = np.array([_NORMAL.inv_cdf(level) for level in LEVELS])
_MEDIAN: Final = LEVELS.index(0.5)
_HALVINGS: Final = 60
_SCORE_LIST: Final[list[float]] = _SCORES.tolist()
_ANCHORS: Final = np.concatenate([[0], np.arange(len(LEVELS) - 1), [len(LEVELS) - 1]])
"""Of each piece the knot through which it goes."""
_TAILS: Final = (*LEVELS, 1.0)
"""Of each piece the probability up to its end."""
_MASSES: Final[Floats] = np.diff(np.array([0.0, *_TAILS]))
_MOMENTS: Final[Floats] = -np.diff(np.array([0.0, *(_NORMAL.pdf(each) for each in _SCORE_LIST), 0.0]))


class CurveError(ValueError):
    """A forecast that does not answer the question; the message names value and expectation."""


def demand_at(horizons: Sequence[int], cum_q: Floats, days: float) -> Floats:
    """Interpolate the quantiles of cumulative demand at a horizon.

    Args:
        horizons: Days of the forecast's horizons, ascending, each >= 1.
        cum_q: Quantiles by horizon and level (`LEVELS`), in base units, shape (horizons, 15).
        days: The horizon wanted, >= 0; at 0 there is no demand.

    Returns:
        15 quantiles.

    Raises:
        CurveError: If the forecast does not reach so far.

    Examples:
        Of independent normal days with mean 10 and deviation 3 four make 40 and 6:
        >>> day, week = (days * 10 + _SCORES * 3 * days**0.5 for days in (1, 16))
        >>> four = demand_at([1, 16], np.array([day, week]), 4)
        >>> round(float(four[_MEDIAN]), 6), round(float(np.interp(1.0, _SCORES, four)), 6)
        (40.0, 46.0)
    """
    if not 0 <= days <= horizons[-1]:
        raise CurveError(f"demand of {days:g} days: the forecast reaches from 0 to {horizons[-1]} days")
    known: Floats = np.array([0.0, *horizons])
    quantiles = np.vstack([np.zeros(len(LEVELS)), cum_q])
    upper = max(1, int(np.searchsorted(known, days)))
    before, after = known[upper - 1], known[upper]
    low, high = quantiles[upper - 1], quantiles[upper]
    linear = (days - before) / (after - before)
    rooted = (days**0.5 - before**0.5) / (after**0.5 - before**0.5)
    median = low[_MEDIAN] + linear * (high[_MEDIAN] - low[_MEDIAN])
    beside = (low - low[_MEDIAN]) * (1 - rooted) + (high - high[_MEDIAN]) * rooted
    return np.asarray(median + beside, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Part:
    """One distribution: q(z) as pieces a + b z between normal scores, the outer two going on for ever."""

    quantiles: list[float]
    offsets: Floats
    slopes: Floats
    above: Floats
    """By piece: integral of q(z) over all pieces that follow it."""

    @classmethod
    def of(cls, quantiles: Floats) -> "_Part":
        """Prepare a distribution.

        Args:
            quantiles: By level, ascending.

        Returns:
            The same, ready to be asked.
        """
        inner = np.diff(quantiles) / np.diff(_SCORES)
        slopes = np.concatenate([inner[:1], inner, inner[-1:]])
        offsets = quantiles[_ANCHORS] - slopes * _SCORES[_ANCHORS]
        each = offsets * _MASSES + slopes * _MOMENTS
        above = np.concatenate([np.cumsum(each[::-1])[::-1][1:], [0.0]])
        return cls(quantiles.tolist(), offsets, slopes, above)

    def score_of(self, level: float) -> float:
        """Give the highest score whose quantile is at most the level."""
        reached = bisect_right(self.quantiles, level)
        piece = min(max(reached, 1), len(LEVELS) - 1)
        slope = float(self.slopes[piece])
        if slope <= 0:  # a flat end: nothing lies beyond it
            return float("inf") if reached else float("-inf")
        return (level - float(self.offsets[piece])) / slope

    def shortage(self, level: float) -> float:
        """Integrate q(z) - level over the scores beyond the level's own."""
        score = self.score_of(level)
        if score == float("inf"):
            return 0.0
        piece = bisect_right(_SCORE_LIST, score)
        mass = _TAILS[piece] - _NORMAL.cdf(score)
        moment = _density(score) - (_NORMAL.pdf(_SCORE_LIST[piece]) if piece < len(LEVELS) else 0.0)
        own = float(self.offsets[piece]) * mass + float(self.slopes[piece]) * moment
        return max(0.0, own + float(self.above[piece]) - level * (1 - _NORMAL.cdf(score)))


class Curve:
    """A mixture of demand distributions: one per possible lead time, with its probability."""

    def __init__(self, quantiles: Floats, weights: Floats) -> None:
        """Mix distributions.

        Args:
            quantiles: By part and level, in base units; shape (parts, 15).
            weights: Probability of each part; they sum to 1.
        """
        self.quantiles = quantiles
        self.weights = [float(weight) for weight in weights]
        self._parts = [_Part.of(each) for each in quantiles]

    def probability_below(self, level: float) -> float:
        """Tell how probable it is that demand stays at or below a level.

        Args:
            level: In base units.

        Returns:
            Between 0 and 1: the cycle service of a position of that level.
        """
        scores = (part.score_of(level) for part in self._parts)
        return sum(w * _NORMAL.cdf(s) for w, s in zip(self.weights, scores, strict=True))

    def level_at(self, probability: float) -> float:
        """Find the level that demand stays below with a probability: Q(p) of the mixture.

        Args:
            probability: Between 0.005 and 0.995, the levels that a forecast gives.

        Returns:
            In base units.

        Raises:
            CurveError: If the probability is outside.

        Examples:
            Chopra & Meindl's Dell example: demand of the lead time is normal with 17,500 and 17,550; 90 %
            need 39,991, of which 22,491 are safety stock:
            >>> dell = Curve(np.array([17_500 + 17_549.9288 * _SCORES]), np.ones(1))
            >>> round(dell.level_at(0.9)), round(dell.level_at(0.9) - 17_500)
            (39991, 22491)
        """
        if not LEVELS[0] <= probability <= HIGHEST_LEVEL:
            raise CurveError(
                f"level of {probability}: a forecast knows those from {LEVELS[0]} to {HIGHEST_LEVEL}"
            )
        score = _NORMAL.inv_cdf(probability)
        each = [float(np.interp(score, _SCORES, quantiles)) for quantiles in self.quantiles]
        low, high = min(each), max(each)
        for _ in range(_HALVINGS if high > low else 0):
            middle = (low + high) / 2
            low, high = (low, middle) if self.probability_below(middle) >= probability else (middle, high)
        return high

    def expected_shortage(self, level: float) -> float:
        """Give the mean of what demand exceeds a level by, E[(D - x)+].

        The integral of a piecewise linear quantile function over normal scores, in closed form; beyond the
        highest level it goes on as its last piece does.

        Args:
            level: x, in base units.

        Returns:
            In base units, >= 0.

        Examples:
            Chopra & Meindl: safety stock 1,000 at deviation 707 leaves 25 short per cycle, a fill rate of
            99.75 % of lots of 10,000:
            >>> curve = Curve(np.array([5_000 + 500_000**0.5 * _SCORES]), np.ones(1))
            >>> short = curve.expected_shortage(6_000)
            >>> round(short, 2), round(1 - short / 10_000, 4)
            (25.13, 0.9975)
        """
        shorts = (part.shortage(level) for part in self._parts)
        return sum(weight * short for weight, short in zip(self.weights, shorts, strict=True))

    def level_for_fill(self, fill_rate: float, lot: float) -> float:
        """Find the least level at which the shortage of a cycle is at most a share of the lot.

        fill = 1 - E[(D - x)+] / Q (Silver, Pyke & Thomas, P2; Chopra & Meindl, fr = 1 - ESC / Q).

        Args:
            fill_rate: Share of demand served from stock, at most 0.995.
            lot: Q, what is ordered at a time, in base units, > 0.

        Returns:
            x, in base units; below the mean demand where the lot is large.

        Raises:
            CurveError: If the fill rate or the lot is outside.
        """
        if not 0 < fill_rate <= HIGHEST_LEVEL or lot <= 0:
            raise CurveError(
                f"fill rate {fill_rate} of lots of {lot:g}: expected above 0, at most {HIGHEST_LEVEL}"
            )
        allowed = (1 - fill_rate) * lot
        low, high = min(0.0, float(self.quantiles.min())), float(self.quantiles.max())
        if self.expected_shortage(low) <= allowed:
            return low
        while self.expected_shortage(high) > allowed:
            high += max(1.0, high - low)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (low, middle) if self.expected_shortage(middle) <= allowed else (middle, high)
        return high


def lead_time_demand(
    horizons: Sequence[int], cum_q: Floats, days: Sequence[float], probability: Sequence[float]
) -> Curve:
    """Mix a forecast's demand over the possible lead times: the one place that forms lead-time demand (D10).

    Args:
        horizons: Of the forecast, ascending.
        cum_q: Its quantiles by horizon and level.
        days: How many days each part protects; >= 0.
        probability: Of each part; they sum to 1.

    Returns:
        The mixture.

    Raises:
        CurveError: If the forecast does not reach so far, or the probabilities do not sum to 1.
    """
    weights: Floats = np.asarray(probability, dtype=np.float64)
    if len(days) == 0 or abs(float(weights.sum()) - 1) > 1e-6:  # noqa: PLR2004  rounding of stored parts
        raise CurveError(f"probabilities {list(probability)} of {len(days)} lead times: expected a sum of 1")
    return Curve(np.array([demand_at(horizons, cum_q, each) for each in days]), weights)


def _density(score: float) -> float:
    return _NORMAL.pdf(score) if np.isfinite(score) else 0.0
