"""ARIMA with seasons and drivers through statsmodels, for chosen series, with its diagnostics.

It takes a second a series where the batch engine takes microseconds: for few, valuable series. The order is
the one of least AICc among a few, unless given. A long cycle, as of 52 weeks, is told by pairs of a sine and
a cosine beside the drivers (dynamic harmonic regression, Hyndman & Athanasopoulos, 3rd ed., section 10.5), a
short one by seasonal differences. What was fitted is a value that can be kept: later periods are taken in by
the Kalman filter without a refit, and every origin is forecast from one pass of it. A series whose search
does not converge, or whose history is too short, is left to the others, and the reason is told.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from statsmodels.stats.diagnostic import acorr_ljungbox
from statsmodels.stats.stattools import jarque_bera
from statsmodels.tools.sm_exceptions import ConvergenceWarning, ModelWarning
from statsmodels.tsa.statespace.sarimax import SARIMAX

from cloud.forecasting.protocol import Floats, Ints

NAME: Final = "arima"
ORDERS: Final = ((0, 1, 1), (1, 0, 0), (2, 0, 0), (1, 0, 1), (1, 1, 1), (2, 1, 1), (0, 1, 2))
"""Non-seasonal orders that are compared; (0, 1, 1) is simple smoothing."""
LONG: Final = 24
"""A cycle of more periods is told by harmonics: its differences would take a state of its length."""
MOST_HARMONICS: Final = 2
LEAST_KNOWN: Final = 30
CYCLES: Final = 2
"""That must be known before a season is looked for."""
ITERATIONS: Final = 200
NOISE_LAGS: Final = 10
SUSPECT: Final = 0.05
"""Below this chance residuals are said not to be noise."""
ABSURD: Final = 20.0
"""Times the greatest demand known: what is forecast beyond is refused."""


class NotFittedError(Exception):
    """A series cannot be forecast by ARIMA; the message says why."""


@dataclass(frozen=True, slots=True)
class Order:
    """(p, d, q), and (P, D, Q) of a short cycle or the harmonics of a long one."""

    plain: tuple[int, int, int]
    seasonal: tuple[int, int, int] = (0, 0, 0)
    harmonics: int = 0

    @property
    def name(self) -> str:
        """It as people write it."""
        seasonal = f"({', '.join(map(str, self.seasonal))})" if any(self.seasonal) else ""
        waves = f" with {self.harmonics} harmonic{'s' * (self.harmonics > 1)}" if self.harmonics else ""
        return f"ARIMA({', '.join(map(str, self.plain))}){seasonal}{waves}"


@dataclass(frozen=True, slots=True)
class Drivers:
    """What moves a series beside its own past."""

    values: Floats
    """Periods x drivers, past and as far ahead as is forecast."""
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Season:
    """A cycle: its periods, and where in it the first period stands."""

    periods: float
    first: float = 0.0

    def waves(self, count: int, harmonics: int) -> Floats:
        """Give sines and cosines.

        Args:
            count: Periods from the first.
            harmonics: Pairs.

        Returns:
            Periods x twice as many.
        """
        turn = 2 * np.pi * (self.first + np.arange(count))[:, None] / self.periods
        at = turn * np.arange(1, harmonics + 1)
        return np.concatenate([np.sin(at), np.cos(at)], axis=1)


@dataclass(frozen=True, slots=True)
class Series:
    """What is known of a series."""

    y: Floats
    """Periods, >= 0, from its first on; NaN where not known: the filter passes over them."""
    drivers: Drivers
    """Of these periods, and of those ahead where they are not given otherwise."""
    season: Season

    def __post_init__(self) -> None:
        """Check the drivers.

        Raises:
            ValueError: If one is not known where it is needed.
        """
        values = self.drivers.values
        unknown = np.argwhere(~np.isfinite(values))
        if len(unknown) or len(values) < len(self.y):
            period, which = unknown[0] if len(unknown) else (len(values), 0)
            raise ValueError(
                f"driver {self.drivers.names[which]!r} is not known in period {period}: expected a number"
            )


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model of a series as it was fitted: all that is needed to go on with it."""

    order: Order
    names: tuple[str, ...]
    """Of the drivers it has, in order; those that never moved have none."""
    slopes: tuple[float, ...]
    """Of the drivers, then of the harmonics."""
    parameters: tuple[float, ...]
    """All others, as statsmodels orders them."""
    cycle: int
    """Periods of the seasonal differences; 0: it has none."""
    scale: float
    """It models log(1 + demand / scale)."""
    smear: float
    """By how much the mean lies above what logs give back (Duan 1983)."""
    greatest: float
    known: int
    """Periods that it was fitted to."""
    aicc: float
    noise_chance: float
    """Ljung-Box: chance of residuals so correlated if they were noise."""
    normal_chance: float
    """Jarque-Bera: chance of residuals so skewed and heavy-tailed if they were normal."""
    spread: float
    """Standard deviation of the residuals, on the same."""
    coefficients: Mapping[str, tuple[float, float]]
    """Of each driver the estimate and its standard deviation, on log(1 + demand / scale)."""

    @property
    def is_noise(self) -> bool:
        """Whether nothing is seen to be left to explain."""
        return self.noise_chance >= SUSPECT

    @property
    def why(self) -> str:
        """Say for people what it is, and what its residuals look like."""
        told = "like noise" if self.is_noise else "not noise: something is left to explain"
        return f"{self.order.name}; residuals are {told} (Ljung-Box: {self.noise_chance:.2f})"


def fit(series: Series, *, order: Order | None = None, has_time: Callable[[], bool] = lambda: True) -> Fitted:
    """Fit a series.

    Args:
        series: As it was known.
        order: To be used; None: that of least AICc.
        has_time: Asked before each order; once it says no, the best one so far is taken.

    Returns:
        The fit.

    Raises:
        NotFittedError: If too little is known, no order converges, or there is no time for any.
    """
    y, drivers, season = series.y, series.drivers, series.season
    known = int(np.isfinite(y).sum())
    if known < LEAST_KNOWN or not np.nansum(y) > 0:
        raise NotFittedError(f"{known} periods known with demand: expected at least {LEAST_KNOWN}")
    scale = float(np.nanmean(y))
    moving = _independent(drivers.values[: len(y)])
    chosen = Drivers(drivers.values[: len(y), moving], tuple(drivers.names[which] for which in moving))
    logs = np.log1p(y / scale)
    best: tuple[Any, Order] | None = None
    tried = 0
    waiting = [Order(one) for one in ORDERS] if order is None else [order]
    while waiting and has_time():
        one = waiting.pop(0)
        tried += 1
        best = _better(best, _fit(logs, chosen, season, one), one)
        if not waiting and order is None and best is not None and tried == len(ORDERS):
            waiting = _seasonal(best[1], len(y), season)
    if best is None:
        raise NotFittedError("no order converged" if tried else "the time for it is used up")
    return _told(*best, Series(y, chosen, season), scale)


def say(
    fitted: Fitted,
    series: Series,
    origins: Ints,
    horizon: int,
    ahead: Callable[[int], Floats] | None = None,
) -> Floats:
    """Forecast from each origin, with the parameters as they are and what was known then.

    Args:
        fitted: As `fit` gave it, then or earlier.
        series: As it is known now; a driver that the fit has and that is not there is at rest.
        origins: Periods, ascending.
        horizon: Periods ahead.
        ahead: Gives of an origin the drivers of the periods after it, horizon x drivers; None: those of the
            series reach as far.

    Returns:
        Origins x horizon, >= 0.

    Raises:
        NotFittedError: If what comes out is no demand.
    """
    y, drivers, season = series.y, series.drivers, series.season
    place = {name: number for number, name in enumerate(drivers.names)}

    def arranged(values: Floats) -> Floats:
        found = np.zeros((len(values), len(fitted.names)))
        for number, name in enumerate(fitted.names):
            if name in place:
                found[:, number] = values[:, place[name]]
        return found

    waves = season.waves(len(y) + horizon, fitted.order.harmonics)
    exogenous = np.concatenate([arranged(drivers.values[: len(y)]), waves[: len(y)]], axis=1)
    until = int(origins[-1]) + 1
    slopes = np.array(fitted.slopes)
    logs = np.log1p(y[:until] / fitted.scale) - exogenous[:until] @ slopes
    model = _model(logs, np.zeros((until, 0)), fitted.order, fitted.cycle)
    held = model.filter(np.array(fitted.parameters)).filter_results
    step, design = held.transition[:, :, -1], held.design[0, :, -1]
    constant = held.state_intercept[:, -1]
    said = np.empty((len(origins), horizon))
    for number, origin in enumerate(origins.tolist()):
        coming = drivers.values[origin + 1 : origin + 1 + horizon] if ahead is None else ahead(origin)
        moved = np.concatenate([arranged(coming), waves[origin + 1 : origin + 1 + horizon]], axis=1) @ slopes
        state = held.predicted_state[:, origin + 1]
        for period in range(horizon):
            said[number, period] = design @ state + moved[period]
            state = step @ state + constant
    with np.errstate(over="ignore"):
        result: Floats = np.maximum(np.expm1(said) * fitted.scale * fitted.smear, 0)
    limit = ABSURD * max(fitted.greatest, float(np.nanmax(y[:until], initial=0)))
    if not np.isfinite(result).all() or result.max() > limit:
        raise NotFittedError(
            f"{fitted.order.name} forecasts {result.max():g} a period: expected at most {limit:g}"
        )
    return result


def _seasonal(best: Order, count: int, season: Season) -> list[Order]:
    """Give the orders that add a season to the best one without."""
    if season.periods <= 1 or count < CYCLES * season.periods:
        return []
    if season.periods > LONG:
        return [Order(best.plain, harmonics=number) for number in range(1, MOST_HARMONICS + 1)]
    return [Order(one, (0, 1, 1)) for one in ORDERS]


def _better(best: tuple[Any, Order] | None, fitted: Any | None, order: Order) -> tuple[Any, Order] | None:
    if fitted is None or (best is not None and best[0].aicc <= fitted.aicc):
        return best
    return fitted, order


def _model(logs: Floats, exogenous: Floats, order: Order, cycle: int) -> Any:
    return SARIMAX(
        logs,
        exog=exogenous if exogenous.shape[1] else None,
        order=order.plain,
        seasonal_order=(*order.seasonal, cycle) if cycle else (0, 0, 0, 0),
        trend="c" if order.plain[1] + order.seasonal[1] == 0 else None,
    )


def _fit(logs: Floats, drivers: Drivers, season: Season, order: Order) -> Any | None:
    waves = season.waves(len(logs), order.harmonics)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", ModelWarning)
        warnings.simplefilter("ignore", UserWarning)  # starting values of its own choice
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            model = _model(
                logs, np.concatenate([drivers.values, waves], axis=1), order, _cycle(order, season)
            )
            fitted = model.fit(disp=False, maxiter=ITERATIONS)
        except (np.linalg.LinAlgError, ValueError):
            return None
    return fitted if fitted.mle_retvals["converged"] and np.isfinite(fitted.aicc) else None


def _cycle(order: Order, season: Season) -> int:
    return round(season.periods) if any(order.seasonal) else 0


def _independent(values: Floats) -> list[int]:
    """Keep the columns that move, and are no sum of those before them."""
    kept: list[int] = []
    for which in range(values.shape[1]):
        tried = values[:, [*kept, which]]
        if np.linalg.matrix_rank(tried - tried.mean(axis=0)) == len(kept) + 1:
            kept.append(which)
    return kept


def _told(fitted: Any, order: Order, series: Series, scale: float) -> Fitted:
    y, drivers, season = series.y, series.drivers, series.season
    burnt = int(fitted.loglikelihood_burn)
    residuals = np.asarray(fitted.resid)[burnt:]
    residuals = residuals[np.isfinite(residuals)]
    lags = max(min(NOISE_LAGS, len(residuals) // 5), 1)
    judged = np.isfinite(y) & (np.arange(len(y)) >= burnt)
    given = float(np.maximum(np.expm1(np.asarray(fitted.fittedvalues)[judged]), 0).sum()) * scale
    estimates, deviations = np.asarray(fitted.params), np.asarray(fitted.bse)
    names = list(fitted.param_names)
    at = [names.index(f"x{place + 1}") for place in range(len(drivers.names) + 2 * order.harmonics)]
    return Fitted(
        order=order,
        names=drivers.names,
        slopes=tuple(estimates[at].tolist()),
        parameters=tuple(np.delete(estimates, at).tolist()),
        cycle=_cycle(order, season),
        scale=scale,
        smear=float(y[judged].sum()) / given if given > 0 else 1.0,
        greatest=float(np.nanmax(y)),
        known=int(np.isfinite(y).sum()),
        aicc=float(fitted.aicc),
        noise_chance=float(acorr_ljungbox(residuals, lags=[lags])["lb_pvalue"].iloc[0]),
        normal_chance=float(jarque_bera(residuals)[1]),
        spread=float(residuals.std()),
        coefficients={
            name: (float(estimates[place]), float(deviations[place]))
            for name, place in zip(drivers.names, at, strict=False)
        },
    )
