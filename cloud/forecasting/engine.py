"""The whole of a forecast run as mathematics: demand of a site in, rows of the hand-over out.

Series are cut into chunks, which several processes may work on; whatever their number the result is the same.
"""

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np

from cloud.forecasting.accuracy import Judged, judge
from cloud.forecasting.batch.roomy import let_go
from cloud.forecasting.calibration import Calibration, calibrate
from cloud.forecasting.cold_start import Cold, Likes, daily_rates, wide_bands
from cloud.forecasting.combining import Combination
from cloud.forecasting.domain import HORIZONS, JUDGED_HORIZONS
from cloud.forecasting.pool import in_processes
from cloud.forecasting.protocol import Bools, Floats, Ints, Method, Said, Spread
from cloud.forecasting.rolling import Rolled, origins_of, roll
from cloud.forecasting.weekdays import classes_of
from cloud.forecasting.weeks import DAYS, Weeks, weeks_of
from cloud.forecasting.words import why

WORTH_A_PROCESS: Final = 10_000
"""Series for which a further process repays its start of some seconds."""
BANDS_AT_ONCE: Final = 2_000
"""Series whose bands are held before they are written: this bounds memory."""
_HORIZONS: Final = np.array(HORIZONS)

Progress = Callable[[int, int], None]
"""Told how many series of how many are done."""
_Piece = TypeVar("_Piece")
_Done = TypeVar("_Done")


@dataclass(frozen=True, slots=True)
class BacktestLine:
    """One origin and horizon of a series."""

    origin: date
    horizon_days: int
    forecast: float
    naive: float
    low: float
    high: float
    actual: float | None
    is_in_wide: bool | None
    """Whether what came lay within the 95 % band; None: it is not known."""


class _Window(NamedTuple):
    """One origin and horizon that have come whole."""

    days: int
    place: int
    """Of the horizon."""
    number: int
    """Of the judged origin."""
    origin: date


@dataclass(frozen=True, slots=True)
class PlannedSeries:
    """What is written of one series."""

    mean: Floats
    horizons: Ints
    cum_q: Floats
    model: str
    why: Mapping[str, Any]
    is_sufficient: bool
    history_from: date
    weekly_volume: float
    wape: float | None
    naive_wape: float | None
    bias: float | None
    rmsse: float | None
    coverage: float | None
    backtest: Sequence[BacktestLine]


@dataclass(frozen=True, slots=True)
class Plan:
    """A site's forecasts."""

    last_day: date
    method: Method
    said: Said
    weeks: Weeks
    unknown_days: Ints
    """Of each series since its first demand."""
    protection: Ints
    rolled: Rolled
    calibration: Calibration
    judged: Judged
    cold: Cold

    @property
    def is_sufficient(self) -> Bools:
        """Which series are forecast by the method; the others' history is too short."""
        result: Bools = np.isfinite(self.rolled.level[:, -1])
        return result

    def outcome(self) -> dict[str, object]:
        """Tell what came of it, in numbers that the run keeps."""
        return {
            "items": len(self.protection),
            "insufficient": int((~self.is_sufficient).sum()),
            "strata": self.calibration.scaled.count,
            "judged": {"origins": len(self.judged.places), "by_horizon_days": dict(self.judged.overall)},
            "sensing": self.rolled.sensed.told(),
        }

    def series(self) -> Iterator[PlannedSeries]:
        """Give each series' rows, in order.

        Yields:
            One per series.
        """
        rates, known_days = self.cold.blended, self.cold.known_days
        sufficient, windows = self.is_sufficient, self._windows()
        for row, (horizons, cum_q) in enumerate(self._bands()):
            if sufficient[row]:
                mean = self.rolled.daily(row, int(horizons[-1]))
                model = self.method.name
            else:
                mean = np.full(horizons[-1], rates[row])
                model = self.cold.model(row)
            yield PlannedSeries(
                mean=mean,
                horizons=horizons,
                cum_q=cum_q,
                model=model,
                why=why(self, row, known_days=int(known_days[row])),
                is_sufficient=bool(sufficient[row]),
                history_from=self.day_of_week(int(self.weeks.starts[row]), first=True),
                weekly_volume=float(np.nan_to_num(_mean_known(self.weeks.totals[row]))),
                wape=_told(self.judged.wape[row]),
                naive_wape=_told(self.judged.naive_wape[row]),
                bias=_told(self.judged.bias[row]),
                rmsse=_told(self.judged.rmsse[row]),
                coverage=_told(self.judged.coverage[row]),
                backtest=self._backtest(row, windows),
            )

    def day_of_week(self, week: int, *, first: bool = False) -> date:
        """Give the last, or first, day of a week.

        Args:
            week: Index; one past the last reads as the last.
            first: Whether its first day is wanted.

        Returns:
            The day.
        """
        back = DAYS * (self.weeks.count - 1 - min(week, self.weeks.count - 1)) + (DAYS - 1 if first else 0)
        return self.last_day - timedelta(days=back)

    def _bands(self) -> Iterator[tuple[Ints, Floats]]:
        """Draw the bands of every series in order: its horizons, and horizons x levels."""
        sufficient, rates, known_days = self.is_sufficient, self.cold.blended, self.cold.known_days
        for first in range(0, len(self.protection), BANDS_AT_ONCE):
            some = self.protection[first : first + BANDS_AT_ONCE]
            found: list[tuple[Ints, Floats]] = [(some, np.empty(0))] * len(some)
            for days in np.unique(some):
                horizons = np.array(sorted({*HORIZONS, int(days)}))
                places = np.flatnonzero(some == days)
                rows = first + places
                drawn = self.calibration.quantiles(-1, self.rolled.sums(horizons, rows), horizons, rows)
                known = np.isfinite(drawn) & sufficient[rows, None, None]
                bands = np.where(known, drawn, wide_bands(rates[rows], known_days[rows], horizons))
                for place, own in zip(places.tolist(), bands, strict=True):
                    found[place] = (horizons, own)
            yield from found
            let_go(self.rolled.forecast, self.rolled.naive, self.rolled.actual, self.rolled.weekdays.shares)

    def _windows(self) -> list["_Window"]:
        """Give the judged windows that have come whole."""
        ends = [self.day_of_week(int(self.rolled.origins[place])) for place in self.judged.places]
        return [
            _Window(days, HORIZONS.index(days), n, end)
            for days in JUDGED_HORIZONS
            for n, end in enumerate(ends)
            if end + timedelta(days) <= self.last_day
        ]

    def _backtest(self, row: int, windows: Sequence["_Window"]) -> list[BacktestLine]:
        """Give the judged windows of a series, with the bands that were drawn."""
        rolled, judged = self.rolled, self.judged
        said, naive, came = (
            part[row, judged.places].tolist() for part in (rolled.forecast, rolled.naive, rolled.actual)
        )
        low, high, in_wide = (part[row].tolist() for part in (judged.low, judged.high, judged.in_wide))
        lines = []
        for days, index, n, origin in windows:
            told = said[n][index], naive[n][index], low[n][index], high[n][index]
            if math.isfinite(sum(told)):
                actual = _told(came[n][index])
                is_in_wide = None if actual is None else in_wide[n][index]
                lines.append(BacktestLine(origin, days, *told, actual, is_in_wide))
        return lines


def plan(
    quantity: Floats,
    unknown: Bools,
    *,
    last_day: date,
    protection: Ints,
    method: Method | None = None,
    likes: Likes | None = None,
    processes: int | None = None,
    workers: Spread | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Forecast every series of a site.

    Args:
        quantity: Series x site days, finite, >= 0.
        unknown: The same shape: where stock-outs hid demand, or it tells nothing of days to come.
        last_day: The last of the days.
        protection: Of each series its protection period in days, > 0.
        method: How; None: the combination of many simple members.
        likes: By what series with too short a history are judged beside their own; None: by nothing.
        processes: How many work at it; None: as many as pay.
        workers: Of a cluster, who work at it instead.
        progress: Told after each chunk.

    Returns:
        The forecasts.

    Raises:
        ValueError: If an array has another shape, or a quantity is negative or not finite.
    """
    if protection.shape != quantity.shape[:1] or (protection < 1).any():
        raise ValueError(
            f"protection is {protection!r}: expected days > 0, one per series of {quantity.shape}"
        )
    weeks = weeks_of(quantity, unknown)
    chosen = method or Combination()
    origins = origins_of(weeks)
    longest = max([*HORIZONS, *protection.tolist()])
    local = partial(in_processes, processes=processes or _paying(len(quantity)))
    spread = _Spreading(workers or local, len(quantity), progress)
    said = chosen.said(weeks, origins, -(-longest // DAYS), last_day=last_day.toordinal(), spread=spread)
    rolled = roll(
        said.paths,
        weeks,
        origins,
        _HORIZONS,
        said.factors,
        days=said.days,
        pools=None if likes is None else classes_of(likes.categories),
    )
    calibration = calibrate(rolled, weeks, said.kinds)
    since = np.arange(quantity.shape[1])[None, :] >= quantity.shape[1] - DAYS * (
        weeks.count - weeks.starts[:, None]
    )
    rates, known_days = daily_rates(weeks)
    alike = likes or Likes([None] * len(rates), np.full(len(rates), np.nan))
    expected, count = alike.rates(rates, np.isfinite(rolled.level[:, -1]))
    return Plan(
        last_day=last_day,
        method=chosen,
        said=said,
        weeks=weeks,
        unknown_days=(unknown & since).sum(axis=1),
        protection=protection,
        rolled=rolled,
        calibration=calibration,
        judged=judge(rolled, calibration),
        cold=Cold(rates, known_days, expected, count),
    )


class _Spreading:
    """Spreads chunks over workers, and tells how many series of how many are done."""

    def __init__(self, workers: Spread, series: int, progress: Progress | None) -> None:
        self._workers = workers
        self._series = series
        self._progress = progress

    def __call__(self, work: Callable[[_Piece], _Done], pieces: Sequence[_Piece]) -> Iterator[_Done]:
        for done, part in enumerate(self._workers(work, pieces), start=1):
            yield part
            if self._progress is not None:
                self._progress(self._series * done // len(pieces), self._series)


def _paying(series: int) -> int:
    return max(1, min(os.cpu_count() or 1, series // WORTH_A_PROCESS + 1))


def _mean_known(totals: Floats) -> float:
    known = totals[np.isfinite(totals)]
    return float(known.mean()) if len(known) else float("nan")


def _told(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
