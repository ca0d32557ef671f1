"""Effects of promotions: learned, taken out, put back; shared among series, and never from the future."""

from pathlib import Path

import numpy as np
import pytest

from cloud.forecasting.protocol import Floats, Ints
from cloud.forecasting.uplift import Covariates, Uplift, as_covariates, clean, factors, fit_columns, learn
from cloud.forecasting.uplift_told import combined_effect, pool_effects, series_effects

ORANGE_JUICE = Path(__file__).parents[4] / "shared" / "data" / "forecast" / "oj_weekly_promo.parquet"
SERIES, PERIODS, HORIZON = 120, 104, 4
PROMOTION = np.log(2.5)
ELASTICITY = -2.0


def world(seed: int = 1, *, level: float = 40.0) -> tuple[Floats, Covariates]:
    """Demand with promotions that multiply it by 2.5, prices of elasticity -2, and a level that wanders."""
    random = np.random.default_rng(seed)
    deal = (random.random((SERIES, PERIODS + HORIZON)) < 0.15).astype(float)
    deal[0] = 0  # the first series never had a promotion
    price = 0.2 * random.normal(size=deal.shape).cumsum(axis=1) / 8 + np.log(3.0)
    own = PROMOTION + 0.1 * random.normal(size=SERIES)
    slow = level * np.exp(0.03 * random.normal(size=deal.shape).cumsum(axis=1))
    mean = slow * np.exp(own[:, None] * deal + ELASTICITY * (price - np.log(3.0)))
    demand = random.poisson(mean * random.gamma(12, 1 / 12, mean.shape)).astype(float)
    return demand[:, :PERIODS], Covariates(np.stack([deal, price], axis=-1), ("deal", "price"), (0.0, None))


def learned(y: Floats, covariates: Covariates, *columns: int) -> Uplift:
    return learn(y, covariates, columns or (PERIODS - 1,))


def test_effects_that_made_the_demand_are_found_and_their_intervals_hold_them() -> None:
    y, covariates = world()
    deal, price = pool_effects(learned(y, covariates))
    assert deal.low < np.exp(PROMOTION) < deal.high
    assert deal.high - deal.low < 0.25
    assert price.low < np.exp(ELASTICITY) < price.high


def test_intervals_of_single_series_hold_their_truth_about_as_often_as_they_say() -> None:
    y, covariates = world(3)
    truth = PROMOTION + 0.1 * _own_of(3)
    found = learned(y, covariates)
    told = [series_effects(found, series)[0] for series in range(SERIES)]
    held = np.mean([one.low <= np.exp(log) <= one.high for one, log in zip(told, truth, strict=True)])
    assert 0.88 <= held <= 1.0
    assert np.median([one.high / one.low for one in told]) < 1.6


def _own_of(seed: int) -> Floats:
    random = np.random.default_rng(seed)
    random.random((SERIES, PERIODS + HORIZON))
    random.normal(size=(SERIES, PERIODS + HORIZON))
    return random.normal(size=SERIES)


def test_a_series_without_any_promotion_has_its_pools_effect_and_says_how_unsure_it_is() -> None:
    y, covariates = world()
    found = learned(y, covariates)
    borrowed, typical, own = (
        series_effects(found, 0)[0],
        pool_effects(found)[0],
        series_effects(found, 5)[0],
    )
    assert borrowed.factor == pytest.approx(typical.factor, rel=0.02)
    assert borrowed.high / borrowed.low > own.high / own.low


def test_intermittent_demand_keeps_its_effect() -> None:
    y, covariates = world(level=0.4)
    assert (y == 0).mean() > 0.5
    deal = pool_effects(learned(y, covariates))[0]
    assert deal.low < np.exp(PROMOTION) < deal.high


def test_cleaned_history_no_longer_shows_the_promotions() -> None:
    y, covariates = world()
    cleaned = clean(y, covariates, learned(y, covariates))
    promoted = covariates.values[:, :PERIODS, 0] > 0
    price = np.exp(ELASTICITY * (covariates.values[:, :PERIODS, 1] - np.log(3.0)))
    assert np.mean((y / price)[promoted]) / np.mean((y / price)[~promoted]) == pytest.approx(2.5, rel=0.1)
    assert np.mean(cleaned[promoted]) / np.mean(cleaned[~promoted]) == pytest.approx(1.0, abs=0.05)


def test_forecasts_with_effects_beat_those_without() -> None:
    y, covariates = world(5)
    origins = np.arange(PERIODS - 17, PERIODS - HORIZON)
    effects = learn(y, covariates, fit_columns(origins))
    plain = _error(y, y, np.ones((SERIES, len(origins), HORIZON)), origins)
    driven = _error(y, clean(y, covariates, effects), factors(covariates, effects, origins, HORIZON), origins)
    assert driven < 0.75 * plain


def _error(y: Floats, cleaned: Floats, factor: Floats, origins: Ints) -> float:
    level = np.stack([np.nanmean(cleaned[:, origin - 12 : origin + 1], axis=1) for origin in origins], axis=1)
    actual = np.stack([y[:, origin + 1 : origin + 1 + HORIZON] for origin in origins], axis=1)
    return float(np.nansum(abs(level[:, :, None] * factor - actual)) / np.nansum(actual))


def test_what_comes_later_changes_nothing_said_before() -> None:
    y, covariates = world()
    origins = np.array([60, 70, 80])
    later = np.where(np.arange(PERIODS) > 80, 1000 * y, y)
    values = covariates.values.copy()
    values[:, 80 + HORIZON + 1 :] = 7.0
    other = Covariates(values, covariates.names, covariates.references)
    cut = Covariates(values[:, : 80 + HORIZON + 1], covariates.names, covariates.references)
    first, second = learn(y, covariates, fit_columns(origins)), learn(later, other, fit_columns(origins))
    third = learn(y[:, :81], cut, fit_columns(origins))
    for found, demand, known in ((second, later, other), (third, y[:, :81], cut)):
        assert np.array_equal(
            factors(covariates, first, origins, HORIZON), factors(known, found, origins, HORIZON)
        )
        assert np.array_equal(
            clean(y, covariates, first)[:, :81], clean(demand, known, found)[:, :81], equal_nan=True
        )


def test_a_column_is_cleaned_by_what_was_known_at_it() -> None:
    y, covariates = world()
    both, first = learned(y, covariates, 60, 90), learned(y, covariates, 60)
    assert np.array_equal(clean(y, covariates, both)[:, :90], clean(y, covariates, first)[:, :90])
    assert not np.array_equal(clean(y, covariates, both)[:, 90:], clean(y, covariates, first)[:, 90:])


def test_order_of_series_and_unit_of_demand_change_nothing() -> None:
    y, covariates = world()
    order = np.random.default_rng(2).permutation(SERIES)
    turned = Covariates(covariates.values[order], covariates.names, covariates.references)
    found = clean(y, covariates, learned(y, covariates))
    np.testing.assert_allclose(clean(y[order], turned, learned(y[order], turned)), found[order], rtol=1e-9)
    np.testing.assert_allclose(clean(24 * y, covariates, learned(24 * y, covariates)), 24 * found, rtol=1e-9)


def test_twins_among_covariates_share_the_effect() -> None:
    y, covariates = world()
    twice = Covariates(
        np.concatenate([covariates.values, covariates.values[:, :, :1]], axis=2),
        ("deal", "price", "deal again"),
        (0.0, None, 0.0),
    )
    found = learned(y, twice)
    both = combined_effect(found, 3, np.array([1.0, 0.0, 1.0]))
    alone = combined_effect(learned(y, covariates), 3, np.array([1.0, 0.0]))
    assert both.factor == pytest.approx(alone.factor, rel=0.05)
    assert both.low > 1.5


def test_a_covariate_that_never_moved_has_its_prior_and_a_wide_interval() -> None:
    y, covariates = world()
    values = np.concatenate([covariates.values, np.zeros_like(covariates.values[:, :, :1])], axis=2)
    never = Covariates(values, ("deal", "price", "strike"), (0.0, None, 0.0))
    strike = pool_effects(learn(y, never, (PERIODS - 1,), prior=np.array([0.0, 0.0, np.log(0.5)])))[2]
    assert strike.factor == pytest.approx(0.5)
    assert strike.low < 0.2
    assert strike.high > 1.0


def test_a_past_covariate_that_is_not_known_hides_only_itself() -> None:
    y, covariates = world()
    values = covariates.values.copy()
    values[:, :50, 1] = np.nan
    holed = Covariates(values, covariates.names, covariates.references)
    deal = pool_effects(learned(y, holed))[0]
    assert deal.factor == pytest.approx(pool_effects(learned(y, covariates))[0].factor, rel=0.05)
    assert np.isfinite(clean(y, holed, learned(y, holed))).all()


def test_a_future_covariate_that_is_not_known_is_named() -> None:
    y, covariates = world()
    values = covariates.values.copy()
    values[7, PERIODS + 1, 1] = np.nan
    holed = Covariates(values, covariates.names, covariates.references)
    with pytest.raises(ValueError, match=r"'price' of series 7 is not known in period 105.*from period 103"):
        factors(holed, learned(y, holed), np.array([PERIODS - 1]), HORIZON)
    short = Covariates(values[:, :PERIODS], covariates.names, covariates.references)
    with pytest.raises(ValueError, match="deal, price end in period 103: expected them known until 107"):
        factors(short, learned(y, short), np.array([PERIODS - 1]), HORIZON)


def test_wrong_input_is_named() -> None:
    y, covariates = world()
    y[4, 9] = -1
    with pytest.raises(ValueError, match=r"demand of series 4 in period 9 is -1.0: expected"):
        learned(y, covariates)
    with pytest.raises(ValueError, match=r"'price' of series 2 in period 3 is 0.0: expected a price > 0"):
        as_covariates(_with(np.ones((4, 9, 1)), 0.0), ["price"], until=8)
    with pytest.raises(ValueError, match=r"'deal' of series 2 in period 3 is infinite"):
        Covariates(_with(np.zeros((4, 9, 1)), np.inf), ("deal",), (0.0,))


def _with(values: Floats, value: float) -> Floats:
    values[2, 3, 0] = value
    return values


def test_series_of_zeros_constants_and_gaps_pass_through() -> None:
    y, covariates = world()
    y[1], y[2], y[3], y[4, ::2] = 0, 7, np.nan, np.nan
    cleaned = clean(y, covariates, learned(y, covariates))
    assert (cleaned[1] == 0).all()
    assert np.isnan(cleaned[3]).all()
    assert np.isfinite(cleaned[2]).all()
    assert np.array_equal(np.isnan(cleaned[4]), np.isnan(y[4]))


def test_orange_juice_is_forecast_within_the_design_s_error() -> None:
    if not ORANGE_JUICE.exists():
        pytest.skip(f"{ORANGE_JUICE.name} is not beside this checkout")
    y, covariates = _orange_juice()
    periods = y.shape[1]
    origins = np.arange(periods - 13 - HORIZON, periods - HORIZON)
    values = as_covariates(covariates, ("deal", "feat", "price"), until=int(origins[0]))
    assert values.references == (0.0, 0.0, None)
    effects = learn(y, values, fit_columns(origins))
    driven = _error(y, clean(y, values, effects), factors(values, effects, origins, HORIZON), origins)
    plain = _error(y, y, np.ones((len(y), len(origins), HORIZON)), origins)
    assert plain > 0.70
    assert driven < 0.515  # a mean of 13 weeks alone; the combination is measured by the benchmark


def _orange_juice() -> tuple[Floats, Floats]:
    import pyarrow.parquet as pq  # noqa: PLC0415  only where the data is

    table = pq.read_table(ORANGE_JUICE).to_pydict()
    ids = {one: row for row, one in enumerate(sorted(set(table["series_id"])))}
    row = np.array([ids[one] for one in table["series_id"]])
    week = np.array(table["week"]) - min(table["week"])
    brand = np.array(table["brand"]) - 1
    price = np.array([table[f"price{one + 1}"] for one in range(11)])[brand, np.arange(len(brand))]
    made = np.full((len(ids), week.max() + 1, 4), np.nan)
    made[row, week] = np.stack([table["y"], table["deal"], table["feat"], price], axis=1)
    covariates = made[:, :, 1:]
    for period in range(1, made.shape[1]):  # a week that is not in the file: as the week before
        gap = np.isnan(covariates[:, period])
        covariates[:, period][gap] = covariates[:, period - 1][gap]
    first = np.isfinite(covariates[:, :, 0]).argmax(axis=1)
    covariates = np.where(np.isnan(covariates), covariates[np.arange(len(ids)), first][:, None], covariates)
    return made[:, :, 0], covariates
