"""Which part of a week each weekday has: an item's own, drawn towards its class's, that towards the site's.

Empirical Bayes (James & Stein 1961; Efron & Morris 1973): how far an item's shares are uncertain is seen from
how they vary from week to week, how far items really differ from what their shares differ beyond that; the
less sure an item's own are beside how far items differ, the more it borrows. The site's are drawn towards
"every day alike" in the same way. Pure.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.batch.roomy import let_go, roomy
from cloud.forecasting.protocol import Bools, Floats, Ints

DAYS: Final = 7
WINDOW_WEEKS: Final = 52
"""How far back is looked."""
CHUNK: Final = 1000
"""Series whose running sums are held at a time."""
LEAST_ITEMS: Final = 20
"""Of a category that is a class of its own."""
ROUNDS: Final = 10
_LEAST: Final = 1e-9
"""Doubt of shares that never varied."""
_SHRINKAGE: Final = 4 / 6
"""Of James and Stein: six shares are free, and two of them are the price."""


@dataclass(frozen=True, slots=True)
class Weekdays:
    """Shares as known at each origin."""

    shares: Floats
    """Series x origins x 7, each summing to 1; the first is the weekday after the last day of a week."""
    borrowed: Floats
    """Series x origins: which part of them is the class's, 0 to 1."""


def weekday_shares(daily: Floats, origins: Ints, pools: Ints | None = None) -> Weekdays:
    """Estimate which part of a week each weekday has, as known at the end of each origin's week.

    Args:
        daily: Series x weeks x 7, NaN where not known.
        origins: Weeks, ascending.
        pools: Of each series the number of its class, from 0; None: all are of one.

    Returns:
        The shares. The order of the series changes nothing.
    """
    # Those of an origin lie together: they are drawn together.
    shares = np.moveaxis(roomy((len(origins), len(daily), DAYS)), 0, 1)
    doubt = np.empty(shares.shape[:2])
    for first in range(0, len(daily), CHUNK):
        rows = slice(first, first + CHUNK)
        sums = _Sums(daily[rows])
        for place, origin in enumerate(origins.tolist()):
            shares[rows, place], doubt[rows, place] = sums.until(origin)
        let_go(daily, shares)
    borrowed = np.empty_like(doubt)
    for place in range(len(origins)):
        shares[:, place], borrowed[:, place] = _drawn(shares[:, place], doubt[:, place], pools)
        let_go(shares)
    return Weekdays(shares, borrowed)


def classes_of(categories: Sequence[str | None]) -> Ints:
    """Number the classes whose items lend each other their weekdays.

    Args:
        categories: Of each item; None: it has none.

    Returns:
        Of each item its class, from 0: its category, if that has enough items; else all such are one.

    Examples:
        >>> classes_of([*["tea"] * 20, "coffee", None])[[0, 20, 21]].tolist()
        [0, 1, 1]
    """
    counts = Counter(categories)
    large = sorted(name for name, count in counts.items() if name is not None and count >= LEAST_ITEMS)
    number: dict[str | None, int] = {name: place for place, name in enumerate(large)}
    return np.array([number.get(name, len(large)) for name in categories], dtype=np.int64)


class _Sums:
    """Running sums over weeks, so that each origin is a difference of two of them."""

    def __init__(self, daily: Floats) -> None:
        is_known: Bools = np.isfinite(daily)
        filled = np.where(is_known, daily, 0)
        is_whole: Bools = np.asarray(is_known.all(axis=2))
        whole = np.where(is_whole[:, :, None], filled, 0)
        total = whole.sum(axis=2)
        self._days = _running(filled)
        self._counts = _running(is_known)
        self._squares = _running((whole**2).sum(axis=2))
        self._products = _running(whole * total[:, :, None])
        self._totals = _running(total)
        self._total_squares = _running(total**2)
        self._whole = _running(is_whole)

    def until(self, week: int) -> tuple[Floats, Floats]:
        """Give each series' own shares, and their variance summed over the weekdays; infinite: not known."""
        last, first = week + 1, max(week + 1 - WINDOW_WEEKS, 0)

        def within(running: Floats) -> Floats:
            result: Floats = running[:, last] - running[:, first]
            return result

        count = within(self._counts)
        mean = np.divide(within(self._days), count, out=np.zeros_like(count), where=count > 0)
        level = mean.sum(axis=1, keepdims=True)
        own = np.divide(mean, level, out=np.full_like(mean, 1 / DAYS), where=level > 0)
        # Of a ratio of sums: the squares of what each week's days are off from its total's shares.
        off = (
            within(self._squares)
            - 2 * (own * within(self._products)).sum(axis=1)
            + (own**2).sum(axis=1) * within(self._total_squares)
        )
        weeks, total = within(self._whole), within(self._totals)
        is_told = (weeks > 1) & (total > 0) & (level[:, 0] > 0)
        scale = np.maximum(weeks, 1) / np.maximum(weeks - 1, 1) / np.where(is_told, total, 1) ** 2
        return own, np.where(is_told, np.maximum(np.maximum(off, 0) * scale, _LEAST), np.inf)


def _running(values: Floats | Bools) -> Floats:
    zero = np.zeros_like(values[:, :1], dtype=np.float64)
    result: Floats = np.concatenate([zero, np.cumsum(values, axis=1, dtype=np.float64)], axis=1)
    return result


def _drawn(own: Floats, doubt: Floats, pools: Ints | None) -> tuple[Floats, Floats]:
    """Draw shares towards the pools', and these towards those of all."""
    everywhere, sureness, spread = _centre(own, doubt)
    away = float(((everywhere - 1 / DAYS) ** 2).sum())
    alike = min(_SHRINKAGE / (sureness * away), 1.0) if sureness * away > 0 else 1.0
    everywhere = (1 - alike) * everywhere + alike / DAYS
    centre = np.broadcast_to(everywhere, own.shape)
    count = 0 if pools is None else int(pools.max(initial=-1)) + 1
    if pools is not None and count > 1:
        found = [_centre(own[pools == pool], doubt[pools == pool]) for pool in range(count)]
        means = np.stack([mean for mean, _, _ in found])
        doubts = np.array([1 / sure if sure > 0 else np.inf for _, sure, _ in found])
        within = np.array([spread for _, _, spread in found])
        _, _, between = _centre(means, doubts)
        means, _ = _towards(means, doubts, everywhere, np.full(count, between))
        centre = means[pools]
        return _towards(own, doubt, centre, within[pools])
    return _towards(own, doubt, centre, np.full(len(own), spread))


def _centre(own: Floats, doubt: Floats) -> tuple[Floats, float, float]:
    """Give the mean shares, how sure they are (1 / variance), and how far members really differ from them."""
    is_told = np.isfinite(doubt)
    if not is_told.any():
        return np.full(DAYS, 1 / DAYS), 0.0, 0.0
    own, doubt = own[is_told], doubt[is_told]
    spread = float(np.median(doubt))
    mean, sure = _mean(own, doubt + spread)
    for _ in range(ROUNDS):
        weight = 1 / (doubt + spread) ** 2
        beyond = ((own - mean) ** 2).sum(axis=1) - doubt
        spread = max(_total(weight * beyond) / _total(weight), 0.0) if len(own) > 1 else 0.0
        mean, sure = _mean(own, doubt + spread)
    return mean, sure, spread


def _mean(own: Floats, variance: Floats) -> tuple[Floats, float]:
    weight = 1 / variance
    sure = _total(weight)
    mean: Floats = np.sort(weight[:, None] * own, axis=0).sum(axis=0) / sure
    return mean, sure


def _towards(own: Floats, doubt: Floats, centre: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Draw shares towards a centre by how far they are less sure than members differ."""
    is_told = np.isfinite(doubt)
    safe = np.where(is_told, doubt, 1)
    borrowed = np.where(is_told, safe / (safe + spread), 1)
    result: Floats = (1 - borrowed[:, None]) * own + borrowed[:, None] * centre
    return result, borrowed


def _total(values: Floats) -> float:
    """Sum in ascending order, so that the order of the series does not matter."""
    return float(np.sort(values).sum())
