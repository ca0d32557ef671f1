"""All drivers at once, for the nightly run and the benchmark. Arrays in, factors and why out.

The members forecast history without effects; their forecasts times the factors are forecasts of demand.
Boosting stands beside them as a further member, where it is wished for. Pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from cloud.forecasting.boosting import NAME as BOOSTING
from cloud.forecasting.boosting import boost
from cloud.forecasting.event_days import EventDays
from cloud.forecasting.protocol import Floats, Ints
from cloud.forecasting.uplift import (
    Covariates,
    Fit,
    Uplift,
    clean_by,
    clean_of,
    effects,
    factors,
    fit_columns,
    learn,
)
from cloud.forecasting.uplift_told import Effect, pool_effects, series_effects

Live = Callable[[Fit, Floats, Covariates, Floats], Fit]
"""Of a fit, the periods and covariates it was learned from and their prior, what is still so."""
REFIT: Final = 13
DAYS: Final = 7
NOTABLE: Final = 0.01
"""Effects of less are not told among a forecast's reasons."""


@dataclass(frozen=True, slots=True)
class Known:
    """Drivers as they were known at each origin, for members that learn from them by themselves."""

    history: Callable[[int, int], Covariates]
    """Of a first and a last column the drivers from one to the other, as known at the last's end."""
    ahead: Callable[[int], Covariates]
    """Of an origin the drivers of the periods after it, as known at its end: the horizon."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """What drives each series now."""

    newest: Uplift
    """With the last fit alone."""

    def why(self, row: int) -> dict[str, Any]:
        """Tell what drives a series, for the page and the hand-over.

        Args:
            row: Of the series.

        Returns:
            Its effects with their intervals and how far they are borrowed, and whether spikes were tamed.
        """
        fit = self.newest.fits[-1]
        own = np.diagonal(fit.effects.covariances[row])
        told = [
            {
                **_plain(effect),
                "borrowed": round(float(min(deviation / fit.effects.spread[place] ** 2, 1)), 3),
            }
            for place, (effect, deviation) in enumerate(
                zip(series_effects(self.newest, row), own, strict=True)
            )
            if abs(np.log(effect.factor)) >= NOTABLE
        ]
        return {
            "effects": told,
            "spikes_drawn_in_beyond_sd": None if np.isinf(fit.limit) else fit.limit,
            "learned_at": fit.column,
        }


@dataclass(frozen=True, slots=True)
class Driven:
    """History and future with what drives them; every part of an origin was known at it."""

    uplift: Uplift
    factors: Floats
    """Series x origins x horizon, > 0: forecasts of cleaned demand are multiplied by them."""
    versions: tuple[tuple[slice, Floats], ...]
    """Of ranges of origins, cleaned history as it was known at them: series x periods."""
    beside: Mapping[str, Floats]
    """Further members, of demand itself: series x origins x horizon, NaN where they say nothing."""
    days: EventDays | None = None
    """How weeks are shared out over their days; None: by the weekdays alone."""
    known: Known | None = None
    """None: every origin knew the same."""

    @property
    def cleaned(self) -> Floats:
        """History without effects as known at the last origin."""
        return self.versions[-1][1]

    def reasons(self) -> Reasons:
        """Give what tells the reasons of forecasts in force, and holds nothing else."""
        return Reasons(replace(self.uplift, fits=self.uplift.fits[-1:]))

    def pools(self) -> list[list[dict[str, Any]]]:
        """Tell the effects of each pool.

        Returns:
            By pool, one per covariate.
        """
        count = len(self.uplift.fits[-1].effects.pooled)
        return [[_plain(effect) for effect in pool_effects(self.uplift, pool)] for pool in range(count)]


def driven(
    y: Floats,
    covariates: Covariates,
    origins: Ints,
    horizon: int,
    *,
    pools: Ints | None = None,
    prior: Floats | None = None,
    season: int = 1,
    with_boosting: bool = False,
) -> Driven:
    """Learn effects at some origins, clean history by them, and say what multiplies each forecast.

    Args:
        y: Series x periods, >= 0, NaN where not known: days, weeks or months.
        covariates: Until the horizon of the last origin; each as it was known when it was needed.
        origins: Columns from which is forecast, ascending.
        horizon: Periods ahead.
        pools: Of each series the number of its pool (category), from 0; None: one.
        prior: Of each covariate the log of the factor expected before any data.
        season: Periods of a cycle, for boosting.
        with_boosting: Whether LightGBM is a further member; needs the extra `ml`.

    Returns:
        All of it.
    """
    columns = fit_columns(origins, REFIT)
    uplift = learn(y, covariates, columns, pools=pools, prior=prior)
    ranges = _ranges(uplift, origins)
    versions = tuple(
        (range_, clean_by(y, covariates, fit)) for range_, fit in zip(ranges, uplift.fits, strict=True)
    )
    beside: dict[str, Floats] = {}
    if with_boosting:
        beside[BOOSTING] = np.full((len(y), len(origins), horizon), np.nan)
        for (range_, cleaned), fit in zip(versions, uplift.fits, strict=True):
            effect = effects(covariates, fit)
            beside[BOOSTING][:, range_] = boost(
                cleaned * np.exp(effect[:, : y.shape[1]]),
                covariates,
                origins[range_],
                horizon,
                season=season,
                columns=(fit.column,),
                pools=pools,
                baseline=effect,
            ).paths
    return Driven(uplift, factors(covariates, uplift, origins, horizon), versions, beside)


def driven_as_known(
    y: Floats,
    origins: Ints,
    *,
    history: Callable[[int, int], Covariates],
    ahead: Callable[[int], Covariates],
    prior: Callable[[int], Floats],
    pools: Ints | None = None,
    settle: Callable[[Fit], Fit] | None = None,
    live: Live | None = None,
    each: Callable[[Fit, slice], None] | None = None,
) -> Driven:
    """Do the same where what was known of the drivers differs from origin to origin.

    Args:
        y: Series x periods, >= 0, NaN where not known.
        origins: Columns from which is forecast, ascending; the last one is in force and has a fit of its own.
        history: Of a first and a last column the drivers from one to the other, as known at the last's end.
        ahead: Of an origin the drivers of the periods after it, as known at its end: the horizon.
        prior: Of a column what was expected of each covariate at its end: logs of factors.
        pools: Of each series the number of its pool, from 0; None: one.
        settle: Makes of what was learned at a column what is used; None: all of it is.
        live: Makes of it what is still so, for forecasts and the later half of history; None: all of it is.
        each: Told of each fit, and of which origins it serves, once its history was asked for.

    Returns:
        All of it; no further members.

    Raises:
        ValueError: If a driver ahead is not known; it names the driver, the series and the period.
    """
    columns = fit_columns(origins, REFIT)
    if columns[-1] != int(origins[-1]):
        columns = (*columns, int(origins[-1]))
    starts = np.searchsorted(origins, columns)
    made: list[tuple[Fit, Floats, tuple[str, ...]]] = []
    for column, first, last in zip(columns, starts, [*starts[1:], len(origins)], strict=True):
        made = [(fit.bare(), cleaned, names) for fit, cleaned, names in made]
        made.append(
            _as_known(
                y,
                origins[first:last],
                column,
                history,
                prior=prior(column),
                pools=pools,
                changes=(settle, live),
            )
        )
        if each is not None:
            each(made[-1][0], slice(int(first), int(last)))
    multiplied = [
        day_factors(_as_usual(ahead(int(origin)), fit), fit)
        for (fit, _, _), first, last in zip(made, starts, [*starts[1:], len(origins)], strict=True)
        for origin in origins[first:last]
    ]
    uplift = Uplift(
        names=made[-1][2],
        pools=np.zeros(len(y), dtype=np.int64) if pools is None else pools,
        fits=tuple(fit for fit, _, _ in made),
    )
    return Driven(
        uplift=uplift,
        factors=np.stack(multiplied, axis=1),
        versions=tuple(
            (slice(int(first), int(last)), cleaned)
            for (_, cleaned, _), first, last in zip(made, starts, [*starts[1:], len(origins)], strict=True)
        ),
        beside={},
        known=Known(history, lambda origin: _as_usual(ahead(origin), uplift.at(origin))),
    )


def _as_usual(ahead: Covariates, fit: Fit) -> Covariates:
    """Take what is not forecast so far ahead, such as weather, for the value that the fit calls the usual."""
    is_open = np.array([reference is None for reference in ahead.references], dtype=np.bool_)
    values = np.where(np.isnan(ahead.values) & is_open, fit.references[:, None], ahead.values)
    return replace(ahead, values=values)


def _as_known(
    y: Floats,
    served: Ints,
    column: int,
    history: Callable[[int, int], Covariates],
    *,
    prior: Floats,
    pools: Ints | None,
    changes: tuple[Callable[[Fit], Fit] | None, Live | None],
) -> tuple[Fit, Floats, tuple[str, ...]]:
    """Learn at a column, and clean what its origins see: each later column by what was known at its end."""
    known = history(0, column)
    (fit,) = learn(y[:, : column + 1], known, (column,), pools=pools, prior=prior).fits
    settle, live = changes
    if settle is not None:
        fit = settle(fit)
    lately = fit if live is None else live(fit, y[:, : column + 1], known, prior)
    until = int(served[-1])
    seen = [known, *(history(later, later) for later in range(column + 1, until + 1))]

    def without(what: Fit) -> Floats:
        logs = np.concatenate([effects(one, what) for one in seen], axis=1)
        return clean_of(y[:, : until + 1], logs, what)

    cleaned = np.full_like(y, np.nan)
    cleaned[:, : until + 1] = without(fit)
    if lately.changed:
        half = (column + 1) // 2
        cleaned[:, half : until + 1] = without(lately)[:, half:]
    return lately, cleaned, known.names


def by_week(daily: Floats, shares: Floats | None = None) -> Floats:
    """Average drivers of days over weeks that end with the last day: a promotion of 3 days is 3/7.

    Args:
        daily: Series x days x covariates, NaN where not known.
        shares: Series x 7: which part of a week's demand each weekday has; None: all days count alike.

    Returns:
        Series x weeks x covariates; days before the first whole week are left out; a week with an unknown day
        is not known.
    """
    count = daily.shape[1] // DAYS
    whole = daily[:, daily.shape[1] - count * DAYS :]
    weeks = whole.reshape(len(daily), count, DAYS, daily.shape[2])
    result: Floats = weeks.mean(axis=2) if shares is None else np.einsum("swdc,sd->swc", weeks, shares)
    return result


def day_factors(daily: Covariates, fit: Fit) -> Floats:
    """Give the factor of each day, or week, ahead.

    Args:
        daily: Drivers of the periods wanted; prices as logarithms, as those learned from had them.
        fit: Effects, whether learned on days or on weeks.

    Returns:
        Series x periods, > 0: a period's cleaned demand is multiplied by it.

    Raises:
        ValueError: If a driver is not known.
    """
    unknown = np.argwhere(np.isnan(daily.values))
    if len(unknown):
        row, day, which = unknown[0]
        raise ValueError(
            f"covariate {daily.names[which]!r} of series {row} is not known {day + 1} periods "
            "ahead: expected a number"
        )
    result: Floats = np.exp(effects(daily, fit))
    return result


def _ranges(uplift: Uplift, origins: Ints) -> list[slice]:
    starts = [int(np.searchsorted(origins, fit.column)) for fit in uplift.fits]
    return [slice(first, last) for first, last in zip(starts, [*starts[1:], len(origins)], strict=True)]


def _plain(effect: Effect) -> dict[str, Any]:
    return {
        "name": effect.name,
        "factor": round(effect.factor, 4),
        "low": round(effect.low, 4),
        "high": round(effect.high, 4),
    }
