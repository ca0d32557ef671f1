"""Chosen series fitted by ARIMA, and forecast from each origin by the fit of its time. Needs statsmodels."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any, Final

import numpy as np
from pydantic import TypeAdapter, ValidationError

from cloud.forecasting.arima import Drivers, Fitted, Season, Series, fit, say
from cloud.forecasting.drivers import Known
from cloud.forecasting.protocol import Floats, Ints
from cloud.forecasting.uplift import Covariates
from cloud.forecasting.weeks import DAYS

YEAR_DAYS: Final = 365.25
_FITTED: Final = TypeAdapter(Fitted)
_SAID: Final = {"is_noise", "why"}
"""Kept beside the fit for people to read."""


class OtherShapeError(ValueError):
    """A fit was kept in another shape than this release reads; the message says in what it differs."""


@dataclass(frozen=True, slots=True)
class DatedFit:
    """A fit, and the last day that it was fitted to."""

    day: date
    fitted: Fitted

    def told(self) -> Mapping[str, Any]:
        """Write it as JSON."""
        told = asdict(self.fitted) | {"is_noise": self.fitted.is_noise, "why": self.fitted.why}
        return {"day": self.day.isoformat(), "fitted": told}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "DatedFit":
        """Read it again.

        Args:
            told: As `told` gave it.

        Returns:
            The fit.

        Raises:
            OtherShapeError: If another release kept it, in another shape.
        """
        parts = told.get("fitted")
        if not isinstance(parts, Mapping):
            raise OtherShapeError(f"fit {told!r:.80}: expected 'day' and 'fitted'")
        wanted = {one.name for one in fields(Fitted)}
        if odd := wanted.symmetric_difference(set(parts) - _SAID):
            names = ", ".join(f"{'lacks' if name in wanted else 'has'} {name!r}" for name in sorted(odd))
            raise OtherShapeError(f"the fit {names}: expected {', '.join(sorted(wanted))}")
        try:
            fitted = _FITTED.validate_python({name: _numbers(parts[name]) for name in wanted})
            return cls(date.fromisoformat(told["day"]), fitted)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            where = ".".join(map(str, fault["loc"]))
            raise OtherShapeError(f"the fit's {where} is {fault['input']!r:.80}: {fault['msg']}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise OtherShapeError(f"the fit's day is {told.get('day')!r:.80}: expected a date") from error


def _numbers(value: Any) -> Any:
    """Give NaN where JSON, which has none, holds null."""
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    if isinstance(value, dict):
        return {name: _numbers(each) for name, each in value.items()}
    return float("nan") if value is None else value


@dataclass(frozen=True, slots=True)
class Lives:
    """The chosen series, and what drives them."""

    totals: Floats
    """Series x weeks; NaN where not known."""
    starts: Ints
    """Week of the first demand of each."""
    known: Known | None
    """None: nothing is known to drive them."""
    last_day: date

    def day_of(self, week: int) -> date:
        """Give a week's last day."""
        return date.fromordinal(self.last_day.toordinal() - DAYS * (self.totals.shape[1] - 1 - week))

    def week_of(self, day: date) -> int:
        """Give the last week that a day knows whole; negative: none."""
        return int(self.totals.shape[1]) - 1 - -(-(self.last_day - day).days // DAYS)


def fit_at(lives: Lives, row: int, week: int, *, has_time: Callable[[], bool] = lambda: True) -> DatedFit:
    """Fit a series to what was known at the end of a week.

    Args:
        lives: The series.
        row: Which.
        week: The last that is known.
        has_time: Asked before each order.

    Returns:
        The fit.

    Raises:
        NotFittedError: If it cannot be fitted; the message says why.
    """
    series = _series(lives, row, week, week)
    return DatedFit(lives.day_of(week), fit(series, has_time=has_time))


def paths_of(lives: Lives, row: int, kept: Sequence[DatedFit], origins: Ints, horizon: int) -> Floats:
    """Forecast a series from each origin by the latest fit that it knows.

    Args:
        lives: The series.
        row: Which.
        kept: Its fits, by day.
        origins: Weeks, ascending.
        horizon: Weeks ahead.

    Returns:
        Origins x horizon, >= 0; NaN before the first fit.

    Raises:
        NotFittedError: If what comes out is no demand.
    """
    paths = np.full((len(origins), horizon), np.nan)
    for one, places in _served(lives, kept, origins):
        here = origins[places]
        series = _series(lives, row, lives.week_of(one.day), int(here[-1]))
        start = int(lives.starts[row])
        ahead = None if lives.known is None else _ahead(lives.known, row, start)
        if ahead is None:
            count = len(series.y) + horizon
            series = Series(series.y, Drivers(np.zeros((count, 0)), ()), series.season)
        paths[places] = say(one.fitted, series, here - start, horizon, ahead)
    return paths


def _served(lives: Lives, kept: Sequence[DatedFit], origins: Ints) -> Iterator[tuple[DatedFit, Ints]]:
    weeks = [lives.week_of(one.day) for one in kept]
    for place, one in enumerate(kept):
        until = weeks[place + 1] if place + 1 < len(kept) else lives.totals.shape[1]
        # A fit of a day within a week serves from the end of that week on.
        begin = weeks[place] + (lives.day_of(weeks[place]) < one.day)
        served = np.flatnonzero((origins >= begin) & (origins < max(until, begin)))
        if len(served):
            yield one, served


def _series(lives: Lives, row: int, fitted_at: int, until: int) -> Series:
    """Give a series until a week; its drivers as known at the fit, each later week's as known at its end."""
    start = int(lives.starts[row])
    first_day = lives.day_of(start).toordinal()
    season = Season(YEAR_DAYS / DAYS, (first_day / DAYS) % (YEAR_DAYS / DAYS))
    y = lives.totals[row, start : until + 1]
    if lives.known is None:
        return Series(y, Drivers(np.zeros((len(y), 0)), ()), season)
    told = lives.known.history(0, max(fitted_at, start))
    later = [
        lives.known.history(week, week).values[row] for week in range(max(fitted_at, start) + 1, until + 1)
    ]
    values = np.concatenate([told.values[row], *later])[start:]
    return Series(y, Drivers(_at_rest(values, told), told.names), season)


def _ahead(known: Known, row: int, start: int) -> Callable[[int], Floats]:
    def ahead(origin: int) -> Floats:
        told = known.ahead(origin + start)
        return _at_rest(told.values[row], told)

    return ahead


def _at_rest(values: Floats, told: Covariates) -> Floats:
    """Put what a driver is without effect where it is not known."""
    result = values.copy()
    for which, reference in enumerate(told.references):
        hidden = np.isnan(result[:, which])
        if hidden.any():
            known = result[~hidden, which]
            usual = float(np.median(known)) if reference is None and len(known) else reference or 0.0
            result[hidden, which] = usual
    return result
