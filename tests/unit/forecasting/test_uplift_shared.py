"""Events that all series have at once are known as surely as their periods are many, not the series."""

import numpy as np

from cloud.forecasting.protocol import Floats
from cloud.forecasting.uplift import Covariates, Uplift, learn
from cloud.forecasting.uplift_told import pool_effects

SERIES, PERIODS, HOLIDAYS = 120, 104, 6
OF_HOLIDAYS = np.log([1.5, 1.0, 1.0, 0.8, 1.0, 1.2])
PROMOTION = np.log(2.0)


def world(seed: int, shock: float) -> tuple[Floats, Covariates]:
    """Make weeks good or bad for the whole shop, holidays seen once or twice, promotions of single series."""
    random = np.random.default_rng(seed)
    weeks = random.choice(np.arange(4, PERIODS - 4, 2), 9, replace=False)
    values = np.zeros((SERIES, PERIODS, HOLIDAYS + 1))
    for number, week in enumerate(weeks):
        values[:, week, number % HOLIDAYS] = 1
    values[:, :, -1] = random.random((SERIES, PERIODS)) < 0.1
    level = np.exp(random.normal(3, 0.5, (SERIES, 1)) + shock * random.normal(size=PERIODS))
    mean = level * np.exp(values @ [*OF_HOLIDAYS, PROMOTION])
    names = (*(f"holiday {number}" for number in range(HOLIDAYS)), "promotion")
    return random.poisson(mean).astype(float), Covariates(values, names, (0.0,) * len(names))


def learned(seed: int, shock: float) -> Uplift:
    y, covariates = world(seed, shock)
    return learn(y, covariates, (PERIODS - 1,))


def test_intervals_of_holidays_hold_what_is_true_though_whole_weeks_are_good_or_bad() -> None:
    held, promotions, off = [], [], []
    for seed in range(12):
        *holidays, promotion = pool_effects(learned(seed, 0.2))
        truth = np.exp(OF_HOLIDAYS)
        held += [one.low <= factor <= one.high for one, factor in zip(holidays, truth, strict=True)]
        off.append([np.log(one.factor) for one in holidays] - OF_HOLIDAYS)
        promotions.append(promotion)
    assert 0.9 <= np.mean(held) <= 1
    # What was seen once or twice is drawn in: estimates as if series were independent are off by 0.19.
    assert np.sqrt(np.mean(np.square(off))) < 0.16
    # Promotions of single series are known as well as the series are many.
    assert all(one.high / one.low < 1.1 for one in promotions)
    assert all(abs(np.log(one.factor) - PROMOTION) < 0.03 for one in promotions)


def test_where_no_week_is_special_a_holiday_is_known_from_one_week_of_many_series() -> None:
    *holidays, _ = pool_effects(learned(1, 0.0))
    for one, truth in zip(holidays, OF_HOLIDAYS, strict=True):
        assert one.low <= np.exp(truth) <= one.high
        assert one.high / one.low < 1.2


def test_no_order_of_series_changes_what_they_have_in_common() -> None:
    y, covariates = world(2, 0.2)
    order = np.random.default_rng(3).permutation(SERIES)
    turned = Covariates(covariates.values[order], covariates.names, covariates.references)
    one, other = (
        learn(*both, (PERIODS - 1,)).fits[0].effects for both in ((y, covariates), (y[order], turned))
    )
    assert np.array_equal(one.pooled_covariances, other.pooled_covariances)
    assert np.array_equal(one.coefficients[order], other.coefficients)
