"""Demand sensing: the next fortnight, moved by what the latest days say. Pure.

Two speeds: the weekly forecast is the baseline; the last day, the last three and the last seven are held
against what had been expected of them, and what they were off by tells how far the coming days will be off,
the nearer the more. How much is learned by ridge regression from all series' past, for each day ahead; a
series that it did not help is left with its baseline. Each origin uses only what was known at it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.batch.roomy import let_go
from cloud.forecasting.protocol import Bools, Floats, Ints
from cloud.forecasting.weeks import DAYS

SENSED_DAYS: Final = 14
WINDOWS: Final = (1, 3, 7)
"""Days looked back on; a signal each."""
RIDGE: Final = 50.0
"""Weight of "nothing follows from the latest days", in windows of one series."""
EXTREME: Final = 4.0
"""Off by more than so many times its series' scale, a day teaches the regression no more than that."""
LEAST_TRIALS: Final = 6
"""Past origins below which a series is not sensed."""
AT_ONCE: Final = 1_000
"""Series that are looked at together: this bounds memory."""
_GRID: Final = 1 << 20
_PRODUCTS: Final = (SENSED_DAYS, len(WINDOWS), len(WINDOWS) + 1)


@dataclass(frozen=True, slots=True)
class Sensed:
    """What sensing makes of each origin."""

    moved: Floats
    """Rows of 14: units added to the baseline's days, never below minus a day's own; the first row is 0."""
    place: Ints
    """Series x origins: the row where it had helped before; 0 where it is off."""
    coefficients: Floats
    """Signals x 14, in force: what part of a window's mean error a day ahead takes over."""
    gain: Floats
    """14: which part of the absolute error it saved on each day ahead, over all origins; NaN: none known."""
    gain_on: Floats
    """The same over the series and origins at which it was on."""

    @property
    def is_on(self) -> Bools:
        """Series x origins: where it moves the days."""
        return self.place > 0

    def shift(self, rows: int | slice | Ints = slice(None), origins: int | slice = slice(None)) -> Floats:
        """Give what is added to the baseline's days.

        Args:
            rows: Series; all by default.
            origins: Their places; all by default.

        Returns:
            … x 14.
        """
        result: Floats = self.moved[self.place[rows, origins]]
        return result

    def told(self) -> dict[str, object]:
        """Tell what it is worth, in numbers that a run keeps."""
        return {
            "series_on": int(self.is_on[:, -1].sum()),
            "error_saved_by_day": [round(float(part), 4) for part in np.nan_to_num(self.gain)],
            "error_saved_where_on": [round(float(part), 4) for part in np.nan_to_num(self.gain_on)],
        }


def sense(daily: Floats, first: int, paths: Floats, shares: Callable[[slice], Floats]) -> Sensed:
    """Learn from each week's days what the following fortnight is off by.

    Args:
        daily: Series x weeks x 7; NaN where not known.
        first: Week of the first origin; the origins are the weeks from it on, each once.
        paths: Series x origins x weeks ahead, at least two: the baseline; NaN where there is none.
        shares: Gives of some series the days' parts of the next two weeks: series x origins x 2 x 7.

    Returns:
        By how much to move each day, and what that would have saved.
    """
    series, origins = paths.shape[:2]
    some = [slice(first_row, first_row + AT_ONCE) for first_row in range(0, series, AT_ONCE)]

    def seen(rows: slice) -> _Seen:
        let_go(daily, paths)
        return _seen(daily[rows], first, paths[rows], shares(rows))

    coefficients = _solved(sum((_products(seen(rows)) for rows in some), np.zeros((origins, *_PRODUCTS))))
    moved = [np.zeros((1, SENSED_DAYS))]
    place = np.zeros((series, origins), dtype=np.int64)
    saved = np.zeros((4, series, SENSED_DAYS))
    for rows in some:
        one = seen(rows)
        raw = np.einsum("sok,okh->soh", one.signals, coefficients) * one.scale[:, :, None]
        proposed = np.nan_to_num(np.maximum(raw, -one.expected))
        is_on = _helped(one.errors, proposed)
        shift = np.where(is_on[:, :, None], proposed, 0.0)
        saved[:2, rows] = _errors(one.errors, shift, np.ones_like(is_on))
        saved[2:, rows] = _errors(one.errors, shift, is_on)
        place[rows][is_on] = sum(map(len, moved)) + np.arange(is_on.sum())
        moved.append(proposed[is_on])
    return Sensed(
        moved=np.concatenate(moved),
        place=place,
        coefficients=coefficients[-1],
        gain=_gain(*saved[:2]),
        gain_on=_gain(*saved[2:]),
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """Some series beside their baseline."""

    expected: Floats
    """Series x origins x 14."""
    errors: Floats
    scale: Floats
    """Series x origins."""
    signals: Floats
    """Series x origins x windows."""


def _seen(daily: Floats, first: int, paths: Floats, shares: Floats) -> _Seen:
    series, origins = paths.shape[:2]
    expected = (paths[:, :, :2, None] * shares).reshape(series, origins, SENSED_DAYS)
    errors = _following(daily, first, origins) - expected
    scale = _scale(expected)
    return _Seen(expected, errors, scale, _signals(errors, scale))


def _following(daily: Floats, first: int, origins: int) -> Floats:
    """Give the fortnight after each origin; NaN where it has not come."""
    padding = np.full((len(daily), 2, DAYS), np.nan)
    weeks = np.concatenate([daily, padding], axis=1)[:, first + 1 : first + 1 + origins + 1]
    pairs = np.lib.stride_tricks.sliding_window_view(weeks, 2, axis=1)
    result: Floats = np.moveaxis(pairs, -1, 2).reshape(len(daily), origins, SENSED_DAYS)
    return result


def _scale(expected: Floats) -> Floats:
    """What errors are measured in: a mean day's expected demand; NaN where none is expected."""
    mean = expected.mean(axis=2)
    return np.where(mean > 0, mean, np.nan)


def _signals(errors: Floats, scale: Floats) -> Floats:
    """Mean error of the last days of the week that ends at each origin, as the origin before expected it."""
    found = np.zeros((*scale.shape, len(WINDOWS)))
    week = errors[:, :-1, :DAYS]
    for place, days in enumerate(WINDOWS):
        last = week[:, :, DAYS - days :]
        known = np.isfinite(last).sum(axis=2)
        mean = np.divide(np.nansum(last, axis=2), known, out=np.zeros(known.shape), where=known > 0)
        found[:, 1:, place] = np.clip(np.nan_to_num(mean / scale[:, 1:]), -EXTREME, EXTREME)
    return found


def _products(seen: _Seen) -> Floats:
    """Sum products of signals, and of signals with what came, as whole multiples of a small number.

    No order of the series, and no cutting of them, changes such sums.

    Returns:
        Origins x 14 x windows x (windows + 1), the last of what came.
    """
    targets = np.clip(seen.errors / seen.scale[:, :, None], -EXTREME, EXTREME)
    is_known = np.isfinite(targets)
    targets, known = np.where(is_known, targets, 0.0), is_known.astype(np.float64)
    origins, count = targets.shape[1], len(WINDOWS)
    found = np.zeros((origins, *_PRODUCTS))
    for left in range(count):
        one = seen.signals[:, :, left]
        found[:, :, left, count] = np.round(one[:, :, None] * targets * _GRID).sum(axis=0)
        for right in range(left + 1):
            whole = np.einsum("so,sod->od", np.round(one * seen.signals[:, :, right] * _GRID), known)
            found[:, :, left, right] = found[:, :, right, left] = whole
    return found


def _solved(products: Floats) -> Floats:
    """Fit each day ahead at each origin, to the origins whose day had come: origins x signals x days."""
    origins, _, count, _ = products.shape
    known = np.concatenate([np.zeros((1, *_PRODUCTS)), np.cumsum(products, axis=0)]) / _GRID
    found = np.zeros((origins, count, SENSED_DAYS))
    for day in range(SENSED_DAYS):
        behind = np.maximum(np.arange(origins) + 1 - (day // DAYS + 1), 0)
        system = known[behind, day, :, :count] + RIDGE * np.eye(count)
        found[:, :, day] = np.linalg.solve(system, known[behind, day, :, count:])[:, :, 0]
    return found


def _helped(errors: Floats, proposed: Floats) -> Bools:
    """Tell where sensing the next week had saved absolute error, by more than its standard error."""
    before, after = abs(errors[:, :, :DAYS]), abs(errors - proposed)[:, :, :DAYS]
    known = np.isfinite(before).all(axis=2)
    saved = np.where(known, before.sum(axis=2) - after.sum(axis=2), 0.0)
    tried = known & (proposed[:, :, :DAYS] != 0).any(axis=2)
    so_far = np.cumsum(saved, axis=1) - saved
    doubt = np.sqrt(np.cumsum(saved**2, axis=1) - saved**2)
    trials = np.cumsum(tried, axis=1) - tried
    result: Bools = (so_far > doubt) & (trials >= LEAST_TRIALS)
    return result


def _errors(errors: Floats, shift: Floats, is_counted: Bools) -> tuple[Floats, Floats]:
    """Sum absolute errors of each series by day ahead, without and with sensing (series x 14)."""
    known = np.isfinite(errors) & is_counted[:, :, None]
    before, after = (np.where(known, abs(part), 0.0).sum(axis=1) for part in (errors, errors - shift))
    return before, after


def _gain(before: Floats, after: Floats) -> Floats:
    """Tell which part was saved; added in ascending order, so that the series' own does not matter."""
    whole, left = (np.sort(part, axis=0).sum(axis=0) for part in (before, after))
    result: Floats = np.divide(whole - left, whole, out=np.full(SENSED_DAYS, np.nan), where=whole > 0)
    return result
