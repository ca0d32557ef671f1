"""ARIMA for chosen series: its drivers and diagnostics, what is kept of it, and what it cannot take."""

import numpy as np
import pytest
from statsmodels.tsa.statespace.sarimax import SARIMAX

from cloud.forecasting import arima
from cloud.forecasting.arima import Drivers, NotFittedError, Order, Season, Series, fit, say
from cloud.forecasting.protocol import Floats

PERIODS, HORIZON = 80, 4
ORIGINS = np.array([70, 73, 75])
PLAIN = Order((0, 1, 1))
NONE = Season(1)


def nothing(count: int = PERIODS) -> Drivers:
    return Drivers(np.zeros((count, 0)), ())


def world() -> tuple[Floats, Drivers]:
    random = np.random.default_rng(1)
    deal = (random.random(PERIODS) < 0.2).astype(float)
    y = random.poisson(50 * np.exp(0.7 * deal)).astype(float)
    y[10] = np.nan
    return y, Drivers(np.stack([deal, np.ones_like(deal), deal], axis=-1), ("deal", "open", "deal again"))


def until(y: Floats, drivers: Drivers, last: int, season: Season = NONE) -> Series:
    return Series(y[: last + 1], drivers, season)


def test_a_series_follows_its_drivers_and_is_diagnosed() -> None:
    y, drivers = world()
    found = fit(until(y, drivers, 70), order=PLAIN)
    assert found.is_noise, found.why
    assert 0 < found.normal_chance <= 1
    assert list(found.coefficients) == ["deal"]  # what never moves, or says the same twice, is left out
    estimate, deviation = found.coefficients["deal"]
    assert estimate > 5 * deviation > 0
    said = say(found, until(y, drivers, PERIODS - 1), ORIGINS, HORIZON)
    deal = np.stack([drivers.values[origin + 1 : origin + 1 + HORIZON, 0] for origin in ORIGINS])
    assert said[deal > 0].mean() / said[deal == 0].mean() == pytest.approx(2.0, rel=0.15)
    assert said[deal == 0].mean() == pytest.approx(50, rel=0.1)
    at_rest = say(found, Series(y, nothing(), NONE), ORIGINS, HORIZON)
    assert at_rest.max() < 65  # a driver that is not stated any more is at rest
    told = say(found, until(y, drivers, PERIODS - 1), ORIGINS, HORIZON, lambda _: np.ones((HORIZON, 3)))
    assert told.min() > 80  # what is known at an origin of the periods after it counts there


@pytest.mark.parametrize(
    ("order", "season"),
    [(Order((2, 1, 1)), NONE), (Order((1, 0, 0)), NONE), (Order((0, 1, 1), (0, 1, 1)), Season(4))],
)
def test_every_origin_is_forecast_as_statsmodels_does_it(order: Order, season: Season) -> None:
    y, _ = world()
    found = fit(until(y, nothing(), 70, season), order=order)
    said = say(found, Series(y, nothing(), season), ORIGINS, HORIZON)
    for place, origin in enumerate(ORIGINS):
        model = SARIMAX(
            np.log1p(y[: origin + 1] / found.scale),
            order=order.plain,
            seasonal_order=(*order.seasonal, found.cycle) if found.cycle else (0, 0, 0, 0),
            trend="c" if order.plain[1] == 0 else None,
        )
        theirs = np.expm1(model.filter(np.array(found.parameters)).forecast(HORIZON)) * found.scale
        np.testing.assert_allclose(said[place], theirs * found.smear, rtol=1e-6)


def test_a_long_season_is_told_by_harmonics() -> None:
    random = np.random.default_rng(4)
    turn = 2 * np.pi * (np.arange(156) + 7) / 52
    y = random.poisson(100 * np.exp(0.6 * np.sin(turn))).astype(float)
    found = fit(Series(y[:130], nothing(156), Season(52, 7)))
    assert found.order.harmonics >= 1
    said = say(found, Series(y, nothing(156), Season(52, 7)), np.array([129]), 26)[0]
    assert np.corrcoef(said, y[130:])[0, 1] > 0.8


def test_what_cannot_be_fitted_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    y, drivers = world()
    with pytest.raises(NotFittedError, match="11 periods known with demand: expected at least 30"):
        fit(Series(y[60:71], nothing(11), NONE))
    with pytest.raises(NotFittedError, match="the time for it is used up"):
        fit(until(y, drivers, 70), has_time=lambda: False)
    wild = fit(until(y, drivers, 70), order=PLAIN)
    with pytest.raises(NotFittedError, match="expected at most"):
        say(wild, Series(y, drivers, NONE), ORIGINS, HORIZON, lambda _: np.full((HORIZON, 3), 20.0))
    holes = drivers.values.copy()
    holes[7, 1] = np.nan
    with pytest.raises(ValueError, match="'open' is not known in period 7"):
        until(y, Drivers(holes, drivers.names), 70)
    with pytest.raises(ValueError, match="'deal' is not known in period 60"):
        until(y, Drivers(drivers.values[:60], drivers.names), 70)
    monkeypatch.setattr(arima, "ITERATIONS", 1)
    with pytest.raises(NotFittedError, match="no order converged"):
        fit(until(y, drivers, 70), order=Order((2, 1, 1)))


def test_nothing_later_changes_what_was_said() -> None:
    y, drivers = world()
    later = np.where(np.arange(PERIODS) > ORIGINS[-1], 500.0, y)
    found = fit(until(y, drivers, 70), order=PLAIN)
    first, second = (say(found, Series(demand, drivers, NONE), ORIGINS, HORIZON) for demand in (y, later))
    assert np.array_equal(first, second)


def test_the_order_of_least_aicc_is_taken() -> None:
    random = np.random.default_rng(2)
    shocks = random.normal(0, 6, PERIODS)
    wave = np.zeros(PERIODS)
    for period in range(1, PERIODS):
        wave[period] = 0.8 * wave[period - 1] + shocks[period]
    found = fit(Series(100 + wave, nothing(), NONE))
    assert found.order.plain[0] > 0  # autoregressive, as it was made
    assert np.isfinite(found.aicc)
