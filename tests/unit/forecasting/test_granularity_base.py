"""Forecasts of days and of four weeks: what theory says of demand that is known to the last day."""

import numpy as np
import pytest

from cloud.forecasting.granularity.base import by_block, by_day
from cloud.forecasting.protocol import Floats
from cloud.forecasting.weekdays import weekday_shares
from cloud.forecasting.weeks import weeks_of

PATTERN = np.array([1.0, 2, 3, 4, 5, 6, 0])
WEEKS = 40


def forecast(daily: Floats) -> Floats:
    origins = np.array([20, 30, daily.shape[1] - 1])
    return by_day(daily, origins, weekday_shares(daily, origins).shares, map)


def test_days_of_a_weekly_pattern_are_forecast_as_they_are_with_the_day_on_which_nothing_is_sold() -> None:
    found = forecast(np.tile(PATTERN, (3, WEEKS, 1)))
    np.testing.assert_allclose(found, np.tile(PATTERN, (3, 3, 4)), atol=1e-3)


def test_missing_days_are_neither_zero_nor_forecast_less() -> None:
    daily = np.tile(PATTERN, (3, WEEKS, 1))
    daily[:, ::3, 5] = np.nan
    daily[:, 25] = np.nan
    np.testing.assert_allclose(forecast(daily), np.tile(PATTERN, (3, 3, 4)), atol=1e-3)


def test_a_trend_goes_on_in_days_and_in_four_weeks() -> None:
    level = 10 + 0.5 * np.arange(WEEKS)
    daily = np.repeat(level[None, :, None], 7, axis=2) * np.ones((3, 1, 1))
    near = forecast(daily)[0, -1].reshape(4, 7).mean(axis=1)
    assert level[-1] < near[0] < near[3] < level[-1] + 2.5
    totals = daily.sum(axis=2)
    blocks = by_block(totals, np.arange(20, WEEKS), 13, map)[0, -1]
    assert totals[0, -4:].sum() < blocks[0] < blocks[2]


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_four_weeks_of_which_one_is_missing_count_as_the_others(missing: int) -> None:
    totals = np.full((2, WEEKS), 8.0)
    totals[:, 36 : 36 + missing] = np.nan
    found = by_block(totals, np.arange(30, WEEKS), 13, map)
    np.testing.assert_allclose(found, 32, rtol=1e-5)
    assert found.shape == (2, 10, 3)


def test_days_before_the_first_demand_are_not_known() -> None:
    days = np.zeros((1, 7 * WEEKS))
    days[0, 7 * 25 :] = 5
    weeks = weeks_of(days, days < 0)
    found = forecast(weeks.daily)
    assert np.isnan(found[0, 0]).all()
    np.testing.assert_allclose(found[0, 1:], 5, rtol=1e-3)
