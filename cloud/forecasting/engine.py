"""The whole of a forecast run as mathematics: demand of a site in, rows of the hand-over out.

Series are cut into chunks, which several processes may work on; whatever their number the result is the same.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, TypeVar

import numpy as np

from cloud.forecasting.accuracy import Judged, judge
from cloud.forecasting.calibration import Calibration, calibrate
from cloud.forecasting.cold_start import Cold, Likes, daily_rates, wide_bands
from cloud.forecasting.combining import Combination
from cloud.forecasting.domain import HORIZONS, JUDGED_HORIZONS
from cloud.forecasting.pool import in_processes
from cloud.forecasting.protocol import Bools, Floats, Ints, Method, Said
from cloud.forecasting.rolling import Rolled, origins_of, roll
from cloud.forecasting.weeks import DAYS, Weeks, weeks_of
from cloud.forecasting.words import why

WORTH_A_PROCESS: Final = 10_000
"""Series for which a further process repays its start of some seconds."""
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
        horizons = [np.array(sorted({*HORIZONS, int(days)})) for days in self.protection]
        cum_q = self._bands()
        rates, known_days = self.cold.blended, self.cold.known_days
        sufficient = self.is_sufficient
        for row, days in enumerate(self.protection):
            if sufficient[row]:
                mean = self.rolled.daily(row, int(horizons[row][-1]))
                model = self.method.name
            else:
                mean = np.full(horizons[row][-1], rates[row])
                model = self.cold.model(row)
            yield PlannedSeries(
                mean=mean,
                horizons=horizons[row],
                cum_q=cum_q[int(days)][row],
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
                backtest=self._backtest(row),
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

    def _bands(self) -> dict[int, Floats]:
        """Draw the bands of every series, by protection period: series x horizons x levels."""
        sufficient = self.is_sufficient
        found = {}
        for days in np.unique(self.protection):
            horizons = np.array(sorted({*HORIZONS, int(days)}))
            drawn = self.calibration.quantiles(-1, self.rolled.sums(horizons), horizons)
            wide = wide_bands(self.cold.blended, self.cold.known_days, horizons)
            known = np.isfinite(drawn) & sufficient[:, None, None]
            found[int(days)] = np.where(known, drawn, wide)
        return found

    def _backtest(self, row: int) -> list[BacktestLine]:
        """Give the judged windows that have come whole, with the bands that were drawn."""
        lines = []
        for days in JUDGED_HORIZONS:
            index = HORIZONS.index(days)
            for number, place in enumerate(self.judged.places):
                said, naive = self.rolled.forecast[row, place, index], self.rolled.naive[row, place, index]
                low, high = self.judged.low[row, number, index], self.judged.high[row, number, index]
                origin = self.day_of_week(int(self.rolled.origins[place]))
                has_come = origin + timedelta(days=days) <= self.last_day
                if has_come and np.isfinite([said, naive, low, high]).all():
                    came = _told(self.rolled.actual[row, place, index])
                    lines.append(
                        BacktestLine(origin, days, float(said), float(naive), float(low), float(high), came)
                    )
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
    spread = _Spreading(processes or _paying(len(quantity)), len(quantity), progress)
    said = chosen.said(weeks, origins, -(-longest // DAYS), last_day=last_day.toordinal(), spread=spread)
    rolled = roll(said.paths, weeks, origins, _HORIZONS, said.factors, days=said.days)
    calibration = calibrate(rolled, weeks)
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
    """Spreads chunks over processes, and tells how many series of how many are done."""

    def __init__(self, processes: int, series: int, progress: Progress | None) -> None:
        self._processes = processes
        self._series = series
        self._progress = progress

    def __call__(self, work: Callable[[_Piece], _Done], pieces: Sequence[_Piece]) -> Iterator[_Done]:
        for done, part in enumerate(in_processes(work, pieces, self._processes), start=1):
            yield part
            if self._progress is not None:
                self._progress(self._series * done // len(pieces), self._series)


def _paying(series: int) -> int:
    return max(1, min(os.cpu_count() or 1, series // WORTH_A_PROCESS + 1))


def _mean_known(totals: Floats) -> float:
    known = totals[np.isfinite(totals)]
    return float(known.mean()) if len(known) else float("nan")


def _told(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
