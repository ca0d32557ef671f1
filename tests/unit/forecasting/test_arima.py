"""ARIMA for chosen series: its drivers and diagnostics, and what becomes of a series it cannot take."""

import numpy as np
import pytest

from cloud.forecasting import arima
from cloud.forecasting.arima import Order, forecast_chosen
from cloud.forecasting.protocol import Floats
from cloud.forecasting.uplift import Covariates

PERIODS, HORIZON = 80, 4
ORIGINS = np.array([70, 73, 75])
PLAIN = Order((0, 1, 1), (0, 0, 0))


def world() -> tuple[Floats, Covariates]:
    random = np.random.default_rng(1)
    deal = (random.random((3, PERIODS)) < 0.2).astype(float)
    y = random.poisson(50 * np.exp(0.7 * deal)).astype(float)
    y[1, :60], y[2, 10] = np.nan, np.nan
    values = np.stack([deal, np.ones_like(deal), deal], axis=-1)
    return y, Covariates(values, ("deal", "open", "deal again"), (0.0, 0.0, 0.0))


def test_chosen_series_follow_their_drivers_and_are_diagnosed() -> None:
    y, covariates = world()
    found = forecast_chosen(y, [2], ORIGINS, HORIZON, covariates=covariates, order=PLAIN)
    told = found.diagnoses[0]
    assert told.is_used
    assert told.is_noise, told.why
    assert told.coefficients is not None
    assert list(told.coefficients) == ["deal"]  # what never moves, or says the same twice, is left out
    estimate, deviation = told.coefficients["deal"]
    assert estimate > 5 * deviation > 0
    deal = np.stack([covariates.values[2, origin + 1 : origin + 1 + HORIZON, 0] for origin in ORIGINS])
    assert found.paths[2][deal > 0].mean() / found.paths[2][deal == 0].mean() == pytest.approx(2.0, rel=0.15)
    assert found.paths[2][deal == 0].mean() == pytest.approx(50, rel=0.1)
    assert np.isnan(found.paths[:2]).all()


def test_a_short_series_keeps_the_combination_and_says_why() -> None:
    y, _ = world()
    found = forecast_chosen(y, [1], ORIGINS, HORIZON)
    assert not found.diagnoses[0].is_used
    assert found.diagnoses[0].why == "11 periods known with demand: expected at least 30"
    assert np.isnan(found.paths).all()


def test_a_search_that_does_not_converge_keeps_the_combination(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arima, "ITERATIONS", 1)
    y, _ = world()
    found = forecast_chosen(y, [0], ORIGINS, HORIZON, order=Order((2, 1, 1), (0, 0, 0)))
    assert found.diagnoses[0].why == "no order converged: the combination is kept"
    assert np.isnan(found.paths).all()


def test_nothing_later_changes_what_was_said() -> None:
    y, covariates = world()
    later = np.where(np.arange(PERIODS) > ORIGINS[-1], 500.0, y)
    first, second = (
        forecast_chosen(demand, [0], ORIGINS, HORIZON, covariates=covariates, order=PLAIN).paths
        for demand in (y, later)
    )
    assert np.array_equal(first, second, equal_nan=True)


def test_what_is_missing_is_named() -> None:
    y, covariates = world()
    values = covariates.values.copy()
    values[0, 77, 0] = np.nan
    with pytest.raises(ValueError, match="'deal' of series 0 is not known in period 77"):
        forecast_chosen(
            y, [0], ORIGINS, HORIZON, covariates=Covariates(values, covariates.names, (0.0, 0.0, 0.0))
        )
    with pytest.raises(ValueError, match=r"series 3 is chosen for ARIMA: expected one of 0 … 2"):
        forecast_chosen(y, [3], ORIGINS, HORIZON)


def test_the_order_of_least_aicc_is_taken() -> None:
    random = np.random.default_rng(2)
    shocks = random.normal(0, 6, PERIODS)
    wave = np.zeros(PERIODS)
    for period in range(1, PERIODS):
        wave[period] = 0.8 * wave[period - 1] + shocks[period]
    told = forecast_chosen((100 + wave)[None], [0], ORIGINS[:1], HORIZON).diagnoses[0]
    assert told.order is not None
    assert told.order.plain[0] > 0  # autoregressive, as it was made
    assert told.aicc is not None
