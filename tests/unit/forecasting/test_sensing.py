"""Demand sensing: what the latest days say moves the next fortnight, where it had helped before."""

import numpy as np
import pytest

from cloud.forecasting.protocol import Floats
from cloud.forecasting.sensing import SENSED_DAYS, Sensed, sense

WEEKS, FIRST, SERIES = 60, 20, 80
ORIGINS = np.arange(FIRST, WEEKS)


def sensed(daily: Floats, level: Floats | None = None) -> Sensed:
    origins = np.arange(FIRST, daily.shape[1])
    if level is None:  # what a slow baseline would say: the mean of the last eight weeks
        level = np.stack(
            [np.nanmean(daily[:, week - 7 : week + 1], axis=(1, 2)) * 7 for week in origins], axis=1
        )
    shares = np.full((len(daily), len(origins), 2, 7), 1 / 7)
    return sense(daily, FIRST, np.repeat(level[:, :, None], 3, axis=2), lambda rows: shares[rows])


def waves(seed: int = 1) -> Floats:
    """Demand whose mood lasts some days: what a day was off by, the next one will be too."""
    random = np.random.default_rng(seed)
    mood = np.zeros((SERIES, WEEKS * 7))
    for day in range(1, mood.shape[1]):
        mood[:, day] = 0.9 * mood[:, day - 1] + random.normal(0, 1, SERIES)
    return np.maximum(20 + 3 * mood, 0).reshape(SERIES, WEEKS, 7)


def noise(seed: int = 2) -> Floats:
    return np.random.default_rng(seed).poisson(20, (SERIES, WEEKS, 7)).astype(float)


def test_a_mood_that_lasts_moves_the_next_days_most() -> None:
    found = sensed(waves())
    assert found.gain[0] > 0.25
    assert found.gain[0] > found.gain[3] > found.gain[13]
    assert found.is_on[:, -1].mean() > 0.9


def test_where_days_say_nothing_it_switches_itself_off() -> None:
    found = sensed(noise())
    assert found.is_on[:, -1].mean() < 0.2
    assert np.abs(found.gain).max() < 0.01
    assert (found.shift()[~found.is_on] == 0).all()


def test_what_comes_later_changes_no_earlier_shift() -> None:
    daily = waves()
    whole, cut = sensed(daily), sensed(daily[:, :-5])
    assert np.array_equal(whole.shift()[:, : cut.shift().shape[1]], cut.shift())
    assert np.array_equal(whole.is_on[:, : cut.is_on.shape[1]], cut.is_on)


def test_no_day_falls_below_zero() -> None:
    daily = waves()
    daily[:, -1] = 0
    level = np.full((SERIES, len(ORIGINS)), 140.0)
    found = sensed(daily, level)
    assert found.shift()[:, -1].min() < 0
    assert (found.shift() >= -20).all()


@pytest.mark.parametrize("factor", [1e-3, 1e4])
def test_another_unit_of_measure_gives_the_same_in_that_unit(factor: float) -> None:
    daily = waves()
    assert np.allclose(
        sensed(daily * factor).shift(), sensed(daily).shift() * factor, rtol=1e-9, atol=1e-9 * factor
    )


def test_the_order_of_the_series_changes_nothing() -> None:
    daily = waves()
    order = np.random.default_rng(3).permutation(SERIES)
    assert np.array_equal(sensed(daily[order]).shift(), sensed(daily).shift()[order])


def test_unknown_days_and_series_without_a_forecast_are_left_alone() -> None:
    daily = waves()
    daily[0, :30] = np.nan
    daily[1, -1] = np.nan
    level = np.full((SERIES, len(ORIGINS)), 140.0)
    level[2] = np.nan
    level[3] = 0
    found = sensed(daily, level)
    assert np.isfinite(found.shift()).all()
    assert (found.shift()[[2, 3]] == 0).all()
    assert found.shift().shape == (SERIES, len(ORIGINS), SENSED_DAYS)
