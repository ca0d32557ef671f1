"""Effects of promotions, prices, holidays on demand: learned, taken out of history, put onto forecasts. Pure.

demand(t) = level(t) * exp(sum of coefficient * covariate(t)) * noise. The coefficients are estimated by
quasi-likelihood with constant relative variance (McCullagh & Nelder 1989, ch. 8: zeros need no special care),
after the slow level has been taken out of demand and covariates alike (Robinson 1988), and each series' are
drawn towards those of its pool as far as its own data are less certain than series differ (empirical Bayes).
Series without a promotion thus have the pool's effect. What is fitted at a column rests on no later one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from cloud.forecasting.protocol import Floats, Ints
from cloud.forecasting.uplift_fit import CHUNK, Estimate, Moving, estimate
from cloud.forecasting.uplift_spikes import best_limit, tamed

REFIT: Final = 13
"""Periods that coefficients serve for."""


@dataclass(frozen=True, slots=True)
class Covariates:
    """What may move demand: series x periods x covariates; past, and future as far as it is known."""

    values: Floats
    """NaN: not known. Strictly by what was known: the caller's matrix is as of the origins."""
    names: tuple[str, ...]
    references: tuple[float | None, ...]
    """Value without effect of each; None: a series' usual value, the median of its past."""

    def __post_init__(self) -> None:
        """Check the shapes."""
        if self.values.ndim != 3 or self.values.shape[2] != len(self.names):  # noqa: PLR2004  series x periods x covariates
            raise ValueError(
                f"covariates have shape {self.values.shape}: expected series x periods x "
                f"{len(self.names)} names"
            )
        if len(self.references) != len(self.names):
            raise ValueError(f"{len(self.references)} references: expected one of each of {self.names}")
        if np.isinf(self.values).any():
            row, period, which = np.argwhere(np.isinf(self.values))[0]
            raise ValueError(
                f"covariate {self.names[which]!r} of series {row} in period {period} is infinite: "
                "expected a finite number, or NaN where it is not known"
            )


def as_covariates(values: Floats, names: Sequence[str], *, until: int) -> Covariates:
    """Make covariates of columns as files have them.

    A column named as a price is taken as its logarithm, so that its coefficient is an elasticity. A column
    that is never negative and is 0 somewhere (deal, feature, depth, holiday) has no effect at 0; any other
    has none at a series' usual value.

    Args:
        values: Series x periods x columns, NaN where not known.
        names: Of the columns; one with "price" in it is a price.
        until: Last period that may be looked at to decide.

    Returns:
        The covariates.

    Raises:
        ValueError: If a price is not greater than 0.
    """
    made, told = values.astype(np.float64), list[str]()
    references = list[float | None]()
    for which, name in enumerate(names):
        past = made[:, : until + 1, which]
        if "price" in name.lower():
            wrong = np.argwhere(made[:, :, which] <= 0)
            if len(wrong):
                row, period = wrong[0]
                raise ValueError(
                    f"{name!r} of series {row} in period {period} is {made[row, period, which]}: expected a "
                    "price > 0, or nothing where it is not known"
                )
            made[:, :, which] = np.log(made[:, :, which])
            told.append(f"log {name}")
            references.append(None)
        else:
            told.append(name)
            is_absent_at_0 = bool((past == 0).any()) and not bool((past < 0).any())
            references.append(0.0 if is_absent_at_0 else None)
    return Covariates(made, tuple(told), tuple(references))


@dataclass(frozen=True, slots=True)
class Fit:
    """Effects as known at one column."""

    column: int
    references: Floats
    """Series x covariates: values without effect."""
    effects: Estimate
    limit: float
    """Standard deviations of log demand beyond which a cleaned period is drawn in; infinite: none is."""
    changed: tuple[int, ...] = ()
    """Places of covariates whose effect is no longer what it was over the whole history."""

    def bare(self) -> "Fit":
        """Let go of how sure each series' effects are: it is told of the newest fit alone."""
        return replace(self, effects=replace(self.effects, covariances=self.effects.covariances[:0].copy()))


@dataclass(frozen=True, slots=True)
class Uplift:
    """Effects in force at each column: of the last fit at or before it; before the first fit the first."""

    names: tuple[str, ...]
    pools: Ints
    fits: tuple[Fit, ...]

    def at(self, column: int) -> Fit:
        """Give the fit in force at a column.

        Args:
            column: Of the history.

        Returns:
            The last one made from columns up to it.
        """
        past = [fit for fit in self.fits if fit.column <= column]
        return past[-1] if past else self.fits[0]


def fit_columns(origins: Ints, refit: int = REFIT) -> tuple[int, ...]:
    """Choose the columns at which effects are learned.

    Args:
        origins: Columns from which is forecast, ascending; at least one.
        refit: Periods that coefficients serve for.

    Returns:
        The first origin, and origins after it at least so many periods apart.

    Examples:
        >>> fit_columns(np.array([80, 81, 92, 93, 120]))
        (80, 93, 120)
    """
    chosen = [int(origins[0])]
    for origin in origins.tolist():
        if origin >= chosen[-1] + refit:
            chosen.append(origin)
    return tuple(chosen)


def learn(
    y: Floats,
    covariates: Covariates,
    columns: Sequence[int],
    *,
    pools: Ints | None = None,
    prior: Floats | None = None,
) -> Uplift:
    """Learn the effects of covariates at some columns, from what was known at each.

    Args:
        y: Series x periods, >= 0, NaN where not known.
        covariates: Of these periods; further ones are not looked at.
        columns: At which to learn, ascending.
        pools: Of each series the number of its pool, from 0; None: one pool.
        prior: Of each covariate the coefficient expected before any data; None: 0.

    Returns:
        The effects.

    Raises:
        ValueError: If shapes do not fit, a quantity is negative or a column lies outside the history.
    """
    series, periods = y.shape
    if covariates.values.shape[0] != series or covariates.values.shape[1] < periods:
        raise ValueError(
            f"covariates have shape {covariates.values.shape}: expected {series} series and at least "
            f"{periods} periods"
        )
    wrong = np.argwhere((y < 0) | np.isinf(y))
    if len(wrong):
        row, period = wrong[0]
        raise ValueError(
            f"demand of series {row} in period {period} is {y[row, period]}: expected a finite number >= 0"
        )
    if not len(columns) or not all(0 <= column < periods for column in columns):
        raise ValueError(
            f"effects are to be learned at columns {columns}: expected some of 0 … {periods - 1}"
        )
    pools = np.zeros(series, dtype=np.int64) if pools is None else pools
    prior = np.zeros(len(covariates.names)) if prior is None else prior
    return Uplift(
        names=covariates.names,
        pools=pools,
        fits=tuple(_fit(y, covariates, column, pools, prior) for column in columns),
    )


def effects(covariates: Covariates, fit: Fit, columns: slice = slice(None)) -> Floats:
    """Sum coefficient times covariate.

    Args:
        covariates: Past or future.
        fit: The effects.
        columns: Which are wanted.

    Returns:
        Series x columns: logs of the factors; a covariate that is not known has none.
    """
    values = covariates.values[:, columns]
    result = np.empty(values.shape[:2])
    for first in range(0, len(values), CHUNK):
        rows = slice(first, first + CHUNK)
        shifted = np.nan_to_num(values[rows] - fit.references[rows, None])
        result[rows] = np.einsum("stc,sc->st", shifted, fit.effects.coefficients[rows])
    return result


def clean(y: Floats, covariates: Covariates, uplift: Uplift) -> Floats:
    """Take the effects out of history, each period's by what was known at it, and tame other spikes.

    Args:
        y: Series x periods, NaN where not known.
        covariates: Of at least these periods.
        uplift: As learned.

    Returns:
        Series x periods: as demand would have been. What stands at a column rests on no later column, except
        before the first fit, which is the first that may be looked at.
    """
    cleaned = np.empty_like(y)
    level = np.full(len(y), np.nan)
    bounds = [0, *(fit.column for fit in uplift.fits[1:]), y.shape[1]]
    for fit, first, last in zip(uplift.fits, bounds[:-1], bounds[1:], strict=True):
        plain = y[:, first:last] / np.exp(effects(covariates, fit, slice(first, last)))
        cleaned[:, first:last], levels = tamed(plain, level, fit.effects.noise, fit.limit)
        level = levels[:, -1]
    return cleaned


def clean_by(y: Floats, covariates: Covariates, fit: Fit) -> Floats:
    """Take the effects out of all of history by what one fit knew: what an origin at or after it may look at.

    Args:
        y: Series x periods, NaN where not known.
        covariates: Of at least these periods.
        fit: One of the fits.

    Returns:
        Series x periods.
    """
    return clean_of(y, effects(covariates, fit, slice(0, y.shape[1])), fit)


def clean_of(y: Floats, logs: Floats, fit: Fit) -> Floats:
    """Take known effects out of history, and tame other spikes as far as a fit does.

    Args:
        y: Series x periods, NaN where not known.
        logs: The same shape: logs of the factors.
        fit: What they were learned by.

    Returns:
        Series x periods.
    """
    return tamed(y / np.exp(logs), np.full(len(y), np.nan), fit.effects.noise, fit.limit)[0]


def factors(covariates: Covariates, uplift: Uplift, origins: Ints, horizon: int) -> Floats:
    """Give what forecasts of cleaned demand are to be multiplied with.

    Args:
        covariates: Up to the last origin plus the horizon.
        uplift: As learned.
        origins: Columns.
        horizon: Periods ahead.

    Returns:
        Series x origins x horizon, > 0, by the effects in force at each origin.

    Raises:
        ValueError: If a future covariate is not known; it names the covariate, the series and the period.
    """
    needed = int(origins[-1]) + 1 + horizon
    values = covariates.values
    if values.shape[1] < needed:
        raise ValueError(
            f"covariates {', '.join(covariates.names)} end in period {values.shape[1] - 1}: expected them "
            f"known until {needed - 1}, {horizon} periods after the last origin"
        )
    result = np.empty((len(values), len(origins), horizon))
    for place, origin in enumerate(origins.tolist()):
        ahead = slice(origin + 1, origin + 1 + horizon)
        unknown = np.argwhere(np.isnan(values[:, ahead]))
        if len(unknown):
            row, period, which = unknown[0]
            raise ValueError(
                f"covariate {covariates.names[which]!r} of series {row} is not known in period "
                f"{origin + 1 + period}, which is forecast from period {origin}: expected a number"
            )
        result[:, place] = np.exp(effects(covariates, uplift.at(origin), ahead))
    return result


def _fit(y: Floats, covariates: Covariates, column: int, pools: Ints, prior: Floats) -> Fit:
    past = covariates.values[:, : column + 1]
    references = _references(past, covariates.references)
    known = y[:, : column + 1]
    found = estimate(known, Moving(past, references), pools, prior)
    whole = Fit(column, references, found, np.inf)
    factor = np.exp(effects(covariates, whole, slice(0, column + 1)))
    return Fit(column, references, found, best_limit(known, factor, found.noise))


def _references(past: Floats, wanted: Sequence[float | None]) -> Floats:
    """Give values without effect; of a series never known those of all."""
    found = np.empty((len(past), len(wanted)))
    for which, reference in enumerate(wanted):
        if reference is not None:
            found[:, which] = reference
            continue
        values = past[:, :, which]
        has_any = np.isfinite(values).any(axis=1)
        everywhere = float(np.nanmedian(values)) if has_any.any() else 0.0
        found[:, which] = everywhere
        if has_any.any():
            found[has_any, which] = np.nanmedian(values[has_any], axis=1)
    return found
