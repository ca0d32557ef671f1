"""Measures, Naive2 and the lean: numbers worked out by hand, and nothing that comes later."""

import numpy as np
import pytest

from cloud.forecasting.batch.bias import corrections
from cloud.forecasting.batch.evaluate import evaluate
from cloud.forecasting.batch.metrics import exact, measure, overall, pinball, smape
from cloud.forecasting.batch.naive2 import is_seasonal, naive2, seasonal_indices

RANDOM = 20261126


def test_errors_are_those_of_the_definitions() -> None:
    """Errors of 1, -2, 0 and one unknown; the past changes by 2 a period and by 4 a season."""
    forecast = np.array([[[5.0, 4], [6, 9]]])
    actual = np.array([[[4.0, 6], [6, np.nan]]])
    before = np.array([[0.0, 2, 4, 6, 8]])
    errors = measure(forecast, actual, before=before, season=2)
    assert errors.rmsse[0] == pytest.approx((5 / 3) ** 0.5 / 2)
    assert errors.mase[0] == pytest.approx(1 / 4)
    told = overall(errors)
    assert told["wape"] == pytest.approx(3 / 16)
    assert told["bias_pct"] == pytest.approx(100 * -1 / 16)
    assert told["cum_wape"] == pytest.approx(1 / 10), "the second window is not whole"


def test_zeros_before_the_first_demand_are_in_no_scale_of_rmsse() -> None:
    before = np.array([[0.0, 0, 0, 0, 3, 5, 3]])
    one = measure(np.array([[[4.0]]]), np.array([[[2.0]]]), before=before, season=1)
    assert one.square_scale[0] == pytest.approx(4)


def test_pinball_weighs_both_sides_by_the_level() -> None:
    """All levels at 4 but the highest: 2 above costs the level's part of it, 2 below the rest."""
    quantiles = np.full((1, 15), 4.0)
    quantiles[0, -1] = 6.0
    assert pinball(quantiles, np.array([6.0]))[0] == pytest.approx(2 * 2 * (7.5 - 0.995) / 15)
    assert pinball(quantiles, np.array([2.0]))[0] == pytest.approx(2 * (2 * (7.5 - 0.005) + 4 * 0.005) / 15)


def test_symmetric_errors_are_in_per_cent_and_nothing_over_nothing_is_right() -> None:
    assert smape(np.array([[0.0, 3]]), np.array([[0.0, 1]]))[0] == pytest.approx(50)
    assert smape(np.array([[3.0, 9]]), np.array([[1.0, np.nan]]))[0] == pytest.approx(100)


def test_sums_do_not_depend_on_order() -> None:
    values = np.random.default_rng(RANDOM).normal(0, 1e8, 10_001)
    assert exact(values) == exact(values[::-1]) == exact(np.sort(values))


def seasonal(periods: int = 48) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Make a level of 100 times indices whose mean is 1."""
    indices = np.array([0.5, 0.7, 0.9, 1.1, 1.3, 1.5, 1.4, 1.2, 1.0, 0.9, 0.8, 0.7])
    indices /= indices.mean()
    return 100 * indices[np.arange(periods) % 12]


def test_naive2_repeats_a_pure_season_from_whatever_month_it_ends() -> None:
    y = seasonal(60)
    for end in (48, 50, 53):
        np.testing.assert_allclose(naive2(y[:end], 7, 12), y[end : end + 7], rtol=1e-9)
    np.testing.assert_allclose(seasonal_indices(y, 12).mean(), 1)


def test_naive2_is_the_last_value_without_a_season() -> None:
    y = np.random.default_rng(RANDOM).normal(100, 5, 60)
    assert not is_seasonal(y, 12)
    assert naive2(y, 3, 12).tolist() == [y[-1]] * 3
    assert not is_seasonal(seasonal(35), 12), "fewer than three cycles tell nothing"
    assert not is_seasonal(np.full(60, 4.0), 12)


def leaning(turn: int) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Make forecasts of 10 for a demand of 8, that is 12 from an origin on."""
    generator = np.random.default_rng(RANDOM)
    forecast = np.full((400, 24, 2), 10.0)
    mean = np.where(np.arange(24) < turn, 8.0, 12.0)[None, :, None]
    actual = generator.poisson(mean, forecast.shape).astype(float)
    beside = {
        "classes": np.zeros((400, 24), dtype=np.int64),
        "level": np.full((400, 24), 10.0),
        "origins": 2 * np.arange(24),
    }
    return forecast, actual, beside


def test_a_lean_is_no_longer_taken_out_once_that_made_it_worse() -> None:
    forecast, actual, beside = leaning(turn=8)
    factors = corrections(forecast, actual, **beside)[0]
    assert factors[7] < 0.85
    assert factors[15] == 1


@pytest.mark.parametrize("turn", [8, 24])
def test_a_lean_rests_on_nothing_that_had_not_come(turn: int) -> None:
    forecast, actual, beside = leaning(turn)
    beside["origins"] = np.arange(24)
    whole = corrections(forecast, actual, **beside)
    steps = np.arange(24)[:, None] + 1 + np.arange(2)
    for cut in (6, 10, 14, 20):
        known = np.where(steps <= cut, actual, 1e6)
        np.testing.assert_array_equal(
            corrections(forecast, known, **beside)[:, : cut + 1], whole[:, : cut + 1]
        )


def test_the_combination_says_what_theory_says_of_series_that_are_known() -> None:
    """Beside a hundred of noise: a constant, a line, a season, one that dies by and by, one that died."""
    time, ahead = np.arange(160), 160 + np.arange(4)
    y = np.random.default_rng(3).poisson(10, (106, 160)).astype(float)
    y[0] = 10
    y[1] = 5 + 0.2 * time
    y[2] = 20 + 10 * np.sin(2 * np.pi * time / 12)
    y[3] = 10 * 0.95 ** np.maximum(time - 80, 0)
    y[4, -26:] = 0
    y[5] = np.where(time % 5 == 2, 10.0, 0)
    found = evaluate(y, horizon=4, season=12).forecast[:6, -1]
    np.testing.assert_allclose(found[0], 10, rtol=1e-5)
    np.testing.assert_allclose(found[1], 5 + 0.2 * ahead, rtol=0.02)
    np.testing.assert_allclose(found[2], 20 + 10 * np.sin(2 * np.pi * ahead / 12), rtol=0.01)
    np.testing.assert_allclose(found[3], 10 * 0.95 ** (ahead - 80), rtol=0.2)
    assert (found[4] < 0.01).all()
    np.testing.assert_allclose(found[5].mean(), 2, rtol=0.1)
