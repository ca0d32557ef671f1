"""Days into weeks: what is missing stays missing, and wrong numbers are refused by name."""

import numpy as np
import pytest

from cloud.forecasting.weeks import (
    seasonal_naive,
    summed_demand,
    summed_paths,
    weeks_of,
)


def known(quantity: np.ndarray) -> np.ndarray:
    return np.zeros(quantity.shape, dtype=bool)


def test_weeks_end_with_the_last_day_and_begin_with_the_first_demand() -> None:
    days = np.zeros((2, 24))
    days[0, 10:] = np.arange(14)
    weeks = weeks_of(days, known(days))
    assert weeks.count == 3
    assert weeks.starts.tolist() == [1, 3]
    assert np.isnan(weeks.totals[0, 0])
    assert weeks.totals[0, 1:].tolist() == [21.0, 70.0]
    assert np.isnan(weeks.totals[1]).all()


def test_censored_days_are_missing_and_not_zero() -> None:
    days = np.full((1, 21), 2.0)
    days[0, 7:10] = 0
    days[0, 14:18] = 0
    censored = days == 0
    weeks = weeks_of(days, censored)
    assert weeks.totals[0, :2].tolist() == [14.0, 14.0]
    assert np.isnan(weeks.totals[0, 2])
    came = summed_demand(weeks.daily, np.array([0, 1]), np.array([3, 7]))
    assert np.isnan(came).all()


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_a_wrong_quantity_is_refused_with_its_place(wrong: float) -> None:
    days = np.ones((3, 14))
    days[1, 5] = wrong
    with pytest.raises(ValueError, match=r"series 1 on day 5 is (-1.0|nan|inf): expected a finite number"):
        weeks_of(days, known(days))


def test_a_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="expected both series x days"):
        weeks_of(np.ones((2, 14)), np.zeros((2, 13), dtype=bool))
    with pytest.raises(ValueError, match="covers 6 days: expected at least 7"):
        weeks_of(np.ones((2, 6)), np.zeros((2, 6), dtype=bool))


def test_the_seasonal_naive_repeats_the_last_week_that_is_known() -> None:
    days = np.array([[1, 2, 3, 4, 5, 6, 7, 10, 20, 0, 40, 50, 60, 70, 9, 9, 9, 9, 9, 9, 9]], dtype=float)
    censored = known(days)
    censored[0, 9] = True
    naive = seasonal_naive(weeks_of(days, censored).daily, np.array([0, 1]), np.array([1, 3, 7, 9, 28]))
    assert naive[0, 0].tolist() == [1, 6, 28, 31, 112]
    assert naive[0, 1].tolist() == [10, 33, 253, 283, 1012]


def test_demand_after_an_origin_is_summed_where_it_has_come() -> None:
    days = np.arange(1, 22, dtype=float)[None, :]
    came = summed_demand(weeks_of(days, known(days)).daily, np.array([0, 1, 2]), np.array([1, 7, 10]))
    assert came[0, 0].tolist() == [8, 77, 125]
    assert came[0, 1, :2].tolist() == [15, 126]
    assert np.isnan(came[0, 1, 2])
    assert np.isnan(came[0, 2]).all()


def test_sums_over_days_take_the_parts_of_their_own_weeks() -> None:
    first, later = np.array([0.5, 0.5, 0, 0, 0, 0, 0]), np.full(7, 1 / 7)
    paths = np.array([[14.0, 28, 7, 7]])
    sums = summed_paths(paths, np.stack([first, later])[None], np.array([1, 7, 8, 20, 28]))
    assert sums[0].tolist() == pytest.approx([7, 14, 18, 48, 56])
