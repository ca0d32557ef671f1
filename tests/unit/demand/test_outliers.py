"""Days that look like accidents are found; ordinary ones, and those known to tell nothing, are not."""

import numpy as np

from cloud.demand.outliers import unusual_days


def history(rows: int = 20, days: int = 364) -> np.ndarray:
    return np.random.default_rng(4).poisson(6, (rows, days)).astype(float)


def test_an_order_of_ten_times_the_usual_is_found_with_what_is_usual() -> None:
    quantity = history()
    quantity[3, 100] = 80
    (found,) = unusual_days(quantity, np.zeros(quantity.shape, dtype=bool))
    assert (found.row, found.day, round(found.quantity)) == (3, 100, 80)
    assert 5 <= found.usual <= 7
    assert found.sigmas > 6


def test_a_season_a_rise_and_rare_demand_are_not_unusual() -> None:
    days = np.arange(364)
    season = 20 + 15 * np.sin(days / 364 * 2 * np.pi)
    rare = np.where(days % 9 == 0, 5.0, 0.0)
    quantity = np.stack([season, days / 4 + 1, rare, np.full(364, 7.0), np.zeros(364)])
    assert unusual_days(quantity, np.zeros(quantity.shape, dtype=bool)) == []


def test_masked_days_and_short_histories_are_left_alone() -> None:
    quantity = history(rows=2)
    quantity[:, 100] = 80
    quantity[1, 20:] = 0
    is_unknown = np.zeros(quantity.shape, dtype=bool)
    is_unknown[0, 100] = True
    assert unusual_days(quantity, is_unknown) == []
