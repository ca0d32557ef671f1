"""ARIMA with seasons and drivers through statsmodels, for chosen series, with its diagnostics.

It takes seconds a series where the batch engine takes microseconds: for few, valuable series that a planner
names. The order is the one of least AICc among a few, unless given. A series whose search does not converge,
or whose history is too short, keeps the combined forecast, and the reason is told.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from statsmodels.stats.diagnostic import acorr_ljungbox
from statsmodels.tools.sm_exceptions import ConvergenceWarning, ModelWarning
from statsmodels.tsa.statespace.sarimax import SARIMAX

from cloud.forecasting.protocol import Floats, Ints
from cloud.forecasting.uplift import Covariates

NAME: Final = "arima"
ORDERS: Final = ((0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 1), (2, 1, 1), (0, 1, 2))
"""Non-seasonal orders that are compared; (0, 1, 1) is simple smoothing."""
SEASONAL_ORDERS: Final = ((0, 0, 0), (0, 1, 1))
"""Compared where three cycles are known."""
LEAST_KNOWN: Final = 30
CYCLES: Final = 3
ITERATIONS: Final = 200
NOISE_LAGS: Final = 10
SUSPECT: Final = 0.05
"""Below this chance residuals are said not to be noise."""


@dataclass(frozen=True, slots=True)
class Order:
    """(p, d, q) and, of a cycle, (P, D, Q)."""

    plain: tuple[int, int, int]
    seasonal: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What became of one chosen series."""

    series: int
    is_used: bool
    """False: it keeps the combined forecast."""
    why: str
    order: Order | None = None
    aic: float | None = None
    aicc: float | None = None
    noise_chance: float | None = None
    """Ljung-Box: chance of residuals so correlated if they were noise."""
    is_noise: bool | None = None
    coefficients: Mapping[str, tuple[float, float]] | None = None
    """Of each driver the estimate and its standard deviation, on log(1 + demand / mean)."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Forecasts of the chosen series."""

    paths: Floats
    """Series x origins x horizon; NaN of all that were not chosen, and of those that keep the combination."""
    diagnoses: tuple[Diagnosis, ...]


def forecast_chosen(
    y: Floats,
    chosen: Sequence[int],
    origins: Ints,
    horizon: int,
    *,
    covariates: Covariates | None = None,
    season: int = 1,
    order: Order | None = None,
) -> Chosen:
    """Fit each chosen series once, at the first origin, and forecast from every origin without refitting.

    Args:
        y: Series x periods, >= 0, NaN where not known: the filter passes over them.
        chosen: Rows of the series.
        origins: Columns, ascending.
        horizon: Periods ahead.
        covariates: Exogenous; known until the horizon of the last origin.
        season: Periods of a cycle; 1: none.
        order: To be used; None: that of least AICc.

    Returns:
        The forecasts, and what became of each series.

    Raises:
        ValueError: If a series is not there, or a covariate of one is not known where it is needed.
    """
    paths = np.full((len(y), len(origins), horizon), np.nan)
    diagnoses = []
    for series in chosen:
        if not 0 <= series < len(y):
            raise ValueError(f"series {series} is chosen for ARIMA: expected one of 0 … {len(y) - 1}")
        drivers = _drivers(covariates, series, _begun(y[series]), int(origins[-1]) + horizon)
        said, told = _one(y[series], drivers, origins, horizon, season=season, order=order, series=series)
        paths[series] = said
        diagnoses.append(told)
    return Chosen(paths, tuple(diagnoses))


@dataclass(frozen=True, slots=True)
class _Drivers:
    values: Floats
    names: tuple[str, ...]


def _begun(y: Floats) -> int:
    return int(np.isfinite(y).argmax())


def _drivers(covariates: Covariates | None, series: int, first: int, last: int) -> _Drivers:
    """Take one series' drivers, which must be known from its first period on."""
    if covariates is None:
        return _Drivers(np.zeros((last + 1, 0)), ())
    values = covariates.values[series, : last + 1]
    if len(values) <= last or np.isnan(values[first:]).any():
        holes = np.argwhere(np.isnan(values[first:]))
        period, name = (
            (first + int(holes[0][0]), covariates.names[holes[0][1]])
            if len(holes)
            else (len(values), covariates.names[0])
        )
        raise ValueError(
            f"covariate {name!r} of series {series} is not known in period {period}: ARIMA needs it in every "
            f"period up to {last}"
        )
    return _Drivers(values, covariates.names)


def _one(
    y: Floats,
    drivers: _Drivers,
    origins: Ints,
    horizon: int,
    *,
    season: int,
    order: Order | None,
    series: int,
) -> tuple[Floats, Diagnosis]:
    nothing = np.full((len(origins), horizon), np.nan)
    first = int(origins[0])
    past = y[: first + 1]
    known = int(np.isfinite(past).sum())
    if known < LEAST_KNOWN or not np.nansum(past) > 0:
        return nothing, Diagnosis(
            series, is_used=False, why=f"{known} periods known with demand: expected at least {LEAST_KNOWN}"
        )
    start, scale = _begun(past), float(np.nanmean(past))
    logs = np.log1p(y / scale)
    moving = _independent(drivers.values[start : first + 1])
    exogenous = drivers.values[:, moving]
    names = tuple(drivers.names[which] for which in moving)
    best = _best(logs[start : first + 1], exogenous[start : first + 1], season, order)
    if best is None:
        return nothing, Diagnosis(series, is_used=False, why="no order converged: the combination is kept")
    fitted, found = best
    said = nothing.copy()
    for place, origin in enumerate(origins.tolist()):
        said[place] = _ahead(fitted, logs, exogenous, start=start, origin=origin, horizon=horizon)
    if not np.isfinite(said).all():
        return nothing, Diagnosis(series, is_used=False, why=f"{_told(found)} gave no finite forecast")
    smear = _smear(fitted, logs[start : first + 1])
    return np.maximum(np.expm1(said) * scale * smear, 0), _diagnosed(series, fitted, found, names)


def _best(logs: Floats, exogenous: Floats, season: int, order: Order | None) -> tuple[Any, Order] | None:
    """Fit the orders that may be, and take the one of least AICc that converged."""
    seasonal = SEASONAL_ORDERS if season > 1 and len(logs) >= CYCLES * season else SEASONAL_ORDERS[:1]
    tried = [order] if order is not None else [Order(one, other) for other in seasonal for one in ORDERS]
    best: tuple[Any, Order] | None = None
    for one in tried:
        fitted = _fit(logs, exogenous, season, one)
        if fitted is not None and (best is None or fitted.aicc < best[0].aicc):
            best = fitted, one
    return best


def _fit(logs: Floats, exogenous: Floats, season: int, order: Order) -> Any | None:
    has_cycle = any(order.seasonal)
    model = SARIMAX(
        logs,
        exog=exogenous if exogenous.shape[1] else None,
        order=order.plain,
        seasonal_order=(*order.seasonal, season) if has_cycle else (0, 0, 0, 0),
        trend="c" if order.plain[1] + order.seasonal[1] == 0 else None,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", ModelWarning)
        warnings.simplefilter("ignore", UserWarning)  # starting values of its own choice
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            fitted = model.fit(disp=False, maxiter=ITERATIONS)
        except (np.linalg.LinAlgError, ValueError):
            return None
    return fitted if fitted.mle_retvals["converged"] and np.isfinite(fitted.aicc) else None


def _ahead(fitted: Any, logs: Floats, exogenous: Floats, *, start: int, origin: int, horizon: int) -> Floats:
    """Run the filter on to an origin with the parameters as they are, and forecast."""
    has_drivers = exogenous.shape[1] > 0
    moved = fitted.apply(
        logs[start : origin + 1], exog=exogenous[start : origin + 1] if has_drivers else None
    )
    ahead = exogenous[origin + 1 : origin + 1 + horizon] if has_drivers else None
    result: Floats = np.asarray(moved.forecast(horizon, exog=ahead), dtype=np.float64)
    return result


def _smear(fitted: Any, logs: Floats) -> float:
    """Say by how much the mean lies above what logs give back (Duan 1983)."""
    said = np.asarray(fitted.fittedvalues)
    judged = np.isfinite(logs) & (np.arange(len(logs)) >= int(fitted.loglikelihood_burn))
    given = float(np.maximum(np.expm1(said[judged]), 0).sum())
    return float(np.expm1(logs[judged]).sum()) / given if given > 0 else 1.0


def _independent(values: Floats) -> list[int]:
    """Keep the columns that move, and are no sum of those before them."""
    kept: list[int] = []
    for which in range(values.shape[1]):
        tried = values[:, [*kept, which]]
        if np.linalg.matrix_rank(tried - tried.mean(axis=0)) == len(kept) + 1:
            kept.append(which)
    return kept


def _diagnosed(series: int, fitted: Any, order: Order, names: Sequence[str]) -> Diagnosis:
    residuals = np.asarray(fitted.resid)[int(fitted.loglikelihood_burn) :]
    residuals = residuals[np.isfinite(residuals)]
    lags = min(NOISE_LAGS, len(residuals) // 5)
    chance = float(acorr_ljungbox(residuals, lags=[lags])["lb_pvalue"].iloc[0])
    estimates, deviations = np.asarray(fitted.params), np.asarray(fitted.bse)
    at = [list(fitted.param_names).index(f"x{place + 1}") for place in range(len(names))]
    is_noise = chance >= SUSPECT
    return Diagnosis(
        series=series,
        is_used=True,
        why=f"{_told(order)}, AICc {fitted.aicc:.1f}; residuals are "
        + ("like noise" if is_noise else "not noise: something is left to explain")
        + f" (Ljung-Box over {lags} lags: {chance:.2f})",
        order=order,
        aic=float(fitted.aic),
        aicc=float(fitted.aicc),
        noise_chance=chance,
        is_noise=is_noise,
        coefficients={
            name: (float(estimates[place]), float(deviations[place]))
            for name, place in zip(names, at, strict=True)
        },
    )


def _told(order: Order) -> str:
    seasonal = f"({', '.join(map(str, order.seasonal))})" if any(order.seasonal) else ""
    return f"ARIMA({', '.join(map(str, order.plain))}){seasonal}"
