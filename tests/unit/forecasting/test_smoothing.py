"""Simple smoothing: the oracle is statsmodels, the laws are the protocol's."""

import numpy as np
import pytest
from statsmodels.tsa.holtwinters import SimpleExpSmoothing

from cloud.forecasting.protocol import Forecaster
from cloud.forecasting.smoothing import USUAL_ALPHA, SimpleSmoothing, smoothed

RNG = np.random.default_rng(4)
WEEKS = RNG.negative_binomial(2, 0.1, (12, 60)).astype(float)


def test_states_and_forecasts_agree_with_statsmodels_given_the_parameters() -> None:
    model: Forecaster = SimpleSmoothing()
    parameters = model.fit(WEEKS, np.full(len(WEEKS), WEEKS.shape[1] - 1))
    paths = model.paths(WEEKS, parameters, 13)
    for row, weeks in enumerate(WEEKS):
        alpha, _, first = parameters[row]
        oracle = SimpleExpSmoothing(weeks, initialization_method="known", initial_level=first).fit(
            smoothing_level=alpha, optimized=False
        )
        np.testing.assert_allclose(smoothed(WEEKS, *parameters[:, [0, 2]].T)[row], oracle.level, rtol=1e-10)
        np.testing.assert_allclose(paths[row, -1], oracle.forecast(13), rtol=1e-10)
        np.testing.assert_allclose(paths[row, 7:-1, 0], oracle.fittedvalues[8:], rtol=1e-10)


def test_the_fitted_weight_is_the_one_that_statsmodels_finds_by_its_usual_search() -> None:
    parameters = SimpleSmoothing().fit(WEEKS, np.full(len(WEEKS), WEEKS.shape[1] - 1))
    for row, weeks in enumerate(WEEKS):
        oracle = SimpleExpSmoothing(
            weeks, initialization_method="known", initial_level=weeks[:8].mean()
        ).fit()
        assert parameters[row, 1] == pytest.approx(oracle.params["smoothing_level"], abs=2e-3)
        assert parameters[row, 0] == pytest.approx((parameters[row, 1] + USUAL_ALPHA) / 2)


def test_a_week_that_is_not_known_is_as_if_it_had_not_been() -> None:
    with_gap = np.insert(WEEKS, 20, np.nan, axis=1)
    model = SimpleSmoothing()
    last = np.full(len(WEEKS), WEEKS.shape[1] - 1)
    np.testing.assert_array_equal(model.fit(with_gap, last + 1), model.fit(WEEKS, last))
    parameters = model.fit(WEEKS, last)
    np.testing.assert_array_equal(
        model.paths(with_gap, parameters, 4)[:, -1], model.paths(WEEKS, parameters, 4)[:, -1]
    )


def test_a_constant_or_too_short_series_tells_no_weight() -> None:
    weeks = np.vstack([np.full(30, 4.0), np.zeros(30), np.r_[np.full(23, np.nan), np.arange(7.0)]])
    parameters = SimpleSmoothing().fit(weeks, np.array([29, 29, 29]))
    assert parameters[0].tolist()[::2] == [USUAL_ALPHA, 4.0]
    assert np.isnan(parameters[0, 1])
    assert np.isnan(parameters[2]).all()
    paths = SimpleSmoothing().paths(weeks, parameters, 2)
    assert paths[0, -1].tolist() == [4.0, 4.0]
    assert paths[1, -1].tolist() == [0.0, 0.0]
    assert np.isnan(paths[2]).all()


def test_units_do_not_matter() -> None:
    last = np.full(len(WEEKS), WEEKS.shape[1] - 1)
    model = SimpleSmoothing()
    np.testing.assert_allclose(model.fit(WEEKS, last)[:, :2], model.fit(WEEKS * 1e6, last)[:, :2], atol=1e-6)
