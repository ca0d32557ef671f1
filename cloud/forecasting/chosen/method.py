"""A site's method, and beside it the models of chosen series: what they say together. Needs statsmodels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, partial
from typing import Any

import numpy as np

from cloud.forecasting.arima import NAME, NotFittedError
from cloud.forecasting.chosen.fitting import DatedFit, Lives, paths_of
from cloud.forecasting.drivers import Known
from cloud.forecasting.moves import Moves
from cloud.forecasting.protocol import Floats, Ints, Method, Said, Spread
from cloud.forecasting.weeks import Weeks


@dataclass(frozen=True, slots=True)
class WithSeries:
    """Forecasts of the method it stands for; of some series the mean of these and of their own model's.

    A mean of two forecasts that err differently is better than either (Bates & Granger 1969). A series
    whose model fails keeps the method's forecast, and the failure is told.
    """

    inner: Method
    models: Mapping[int, Sequence[DatedFit]]
    """By row the fits, by day."""
    moves: Moves
    codes: Mapping[int, str]
    """Of each of these rows its item, for what is told of failures."""
    unread: Mapping[int, str] = field(default_factory=dict)
    """By further rows why what was kept of their model is of no use."""

    @property
    def name(self) -> str:
        """That of the method it stands for."""
        return self.inner.name

    @property
    def min_weeks(self) -> int:
        """The same."""
        return self.inner.min_weeks

    def parameters(self) -> Mapping[str, Any]:
        """Tell those of the method, and how many series have models of their own."""
        return {**self.inner.parameters(), "series_with_models": len(self.models)}

    def said(self, weeks: Weeks, origins: Ints, horizon_weeks: int, *, last_day: int, spread: Spread) -> Said:
        """Forecast as the method does, then the series with models of their own.

        Args:
            weeks: What is known.
            origins: The weeks from which is forecast.
            horizon_weeks: How far, > 0.
            last_day: The last day known, as an ordinal.
            spread: Works on chunks of series.

        Returns:
            What was said.
        """
        said = self.inner.said(weeks, origins, horizon_weeks, last_day=last_day, spread=spread)
        own, failures = self.own(weeks, origins, horizon_weeks, last_day=last_day)
        if not own and not failures:
            return said
        return replace(
            beside(said, own),
            why=partial(_why, said.why, {row: self.models[row][-1] for row in own}),
            fallbacks=(*said.fallbacks, *failures.values()),
        )

    def own(
        self, weeks: Weeks, origins: Ints, horizon_weeks: int, *, last_day: int
    ) -> tuple[dict[int, Floats], dict[int, str]]:
        """Forecast the series by their models alone.

        Args:
            weeks: What is known.
            origins: The weeks from which is forecast.
            horizon_weeks: How far, > 0.
            last_day: The last day known, as an ordinal.

        Returns:
            By row origins x weeks ahead; and of those that failed why.
        """
        rows = sorted(self.models)
        failures = dict(self.unread)
        if not rows:
            return {}, failures
        lives = lives_of(
            weeks, rows, origins, moves=self.moves, horizon_weeks=horizon_weeks, last_day=last_day
        )
        own: dict[int, Floats] = {}
        for place, row in enumerate(rows):
            try:
                own[row] = paths_of(lives, place, self.models[row], origins, horizon_weeks)
            except (NotFittedError, ValueError, np.linalg.LinAlgError) as error:
                failures[row] = f"{NAME} of {self.codes[row]} is left out of this run: {error}"
        return own, failures


def lives_of(
    weeks: Weeks, rows: Sequence[int], origins: Ints, *, moves: Moves, horizon_weeks: int, last_day: int
) -> Lives:
    """Cut some series out of a site's, with what drives them.

    Args:
        weeks: Of all series.
        rows: Which.
        origins: Weeks from which is forecast.
        moves: Events of the site.
        horizon_weeks: How far.
        last_day: As an ordinal.

    Returns:
        The series.
    """
    totals = weeks.totals[list(rows)]
    driven = moves.of(rows).drive(weeks.of(rows), origins, horizon_weeks)
    known = None
    if driven is not None and driven.known is not None:
        known = Known(cache(driven.known.history), cache(driven.known.ahead))
    return Lives(totals, weeks.starts[list(rows)], known, date.fromordinal(last_day))


def beside(said: Said, own: Mapping[int, Floats]) -> Said:
    """Let series' own forecasts and the method's be averaged, where there are both.

    Args:
        said: By the method.
        own: By row origins x weeks ahead; NaN where it says nothing.

    Returns:
        Both together.
    """
    paths = said.paths.copy()
    for row, path in own.items():
        paths[row] = np.where(np.isfinite(path), (paths[row] + path) / 2, paths[row])
    return replace(said, paths=paths)


def _why(inner: Any, newest: Mapping[int, DatedFit], row: int) -> Mapping[str, Any]:
    told: Mapping[str, Any] = inner(row)
    if row not in newest:
        return told
    fitted = newest[row].fitted
    return {
        **told,
        NAME: {
            "why": fitted.why,
            "order": fitted.order.name,
            "fitted_to": newest[row].day.isoformat(),
            "noise_chance": round(fitted.noise_chance, 4),
            "normal_chance": round(fitted.normal_chance, 4),
            "drivers": {name: round(both[0], 4) for name, both in fitted.coefficients.items()},
        },
    }
