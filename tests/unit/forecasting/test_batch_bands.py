"""Bands hold as often as they say: of what is exchangeable, what idles, of few series and several kinds."""

from dataclasses import replace

import numpy as np
import pytest

from cloud.forecasting.batch import coverage
from cloud.forecasting.batch.bands import BAND_80, LEVELS, Targets, calibrate, conformal, draw, limits
from cloud.forecasting.batch.evaluate import evaluate
from cloud.forecasting.batch.scales import Past, Scaled, past_of, scale_errors, steps_and_sum
from cloud.forecasting.protocol import Floats

RANDOM = 20261126
MEMBERS = ("ses", "theta", "tsb", "mean13")


def scaled_of(scores: Floats, targets: Targets) -> Scaled:
    """Take scores as they are: scale one, volumes ascending with the row."""
    series, origins, _ = scores.shape
    strata = np.repeat(np.arange(10), series // 10)[:, None] + np.zeros((1, origins), dtype=np.int64)
    nobody = np.zeros((series, origins), dtype=np.bool_)
    return Scaled(scores, np.ones(scores.shape), strata, 10, np.zeros(scores.shape), nobody)


def test_bands_cover_what_is_exchangeable_as_often_as_they_say() -> None:
    """Errors of a skewed law, wider by stratum and step: every level holds within its sampling error."""
    generator = np.random.default_rng(RANDOM)
    targets = steps_and_sum(3)
    steps = (generator.gamma(2, 1, (1000, 30, 3)) - 2) * np.linspace(1, 3, 1000)[:, None, None] * [1, 2, 3]
    scores = np.concatenate([steps, steps.sum(axis=2, keepdims=True)], axis=2) / targets.spread
    scaled = scaled_of(scores, targets)
    tables = calibrate(scaled, np.arange(30), targets)
    centre = np.full((1000, 4), 1000.0)
    below = np.zeros(len(LEVELS))
    inside = np.zeros((10, 4))
    for place in range(10, 30):
        drawn = draw(tables, scaled, place, centre)
        came = centre + scores[:, place] * targets.spread
        below += (came[..., None] <= drawn).mean(axis=(0, 1)) / 20
        low, high = limits(drawn, BAND_80)
        inside += ((came >= low) & (came <= high)).reshape(10, 100, 4).mean(axis=1) / 20
    np.testing.assert_allclose(below, LEVELS, atol=0.008)
    np.testing.assert_allclose(inside, 0.8, atol=0.03)


def test_levels_follow_a_change_of_spread() -> None:
    """From the middle on errors are twice as wide: without correction the band would hold far fewer."""
    generator = np.random.default_rng(RANDOM)
    targets = Targets(np.array([0]), np.array([1]))
    scores = generator.normal(0, 1, (1000, 30, 1))
    scores[:, 15:] *= 2
    scaled = scaled_of(scores, targets)
    tables = calibrate(scaled, np.arange(30), targets)

    def held(place: int) -> float:
        low, high = limits(draw(tables, scaled, place, np.full((1000, 1), 100.0)), BAND_80)
        came = 100 + scores[:, place]
        return float(((came >= low) & (came <= high)).mean())

    assert held(15) < 0.55
    assert held(29) > 0.74


def test_what_idles_more_often_than_a_level_has_a_quantile_of_zero_and_a_band_from_zero_ends_sooner() -> None:
    scores = np.random.default_rng(RANDOM).normal(0, 1, (1000, 12, 1))
    targets = Targets(np.array([0]), np.array([1]))
    scaled = replace(scaled_of(scores, targets), idle=np.full(scores.shape, 0.4))
    drawn = draw(calibrate(scaled, np.arange(12), targets), scaled, 11, np.full((1000, 1), 50.0))
    assert (drawn[..., LEVELS < 0.4] == 0).all()
    assert (drawn[..., LEVELS > 0.4] > 0).all()
    low, high = limits(drawn, BAND_80, scaled.idle[:, 11])
    assert (low == 0).all()
    np.testing.assert_array_equal(high, drawn[..., LEVELS.tolist().index(0.8)])


def test_too_few_errors_in_a_stratum_borrow_those_of_all() -> None:
    scores = np.random.default_rng(RANDOM).normal(0, 1, (20, 8, 1))
    strata = np.repeat(np.arange(2), 10)[:, None] + np.zeros((1, 8), dtype=np.int64)
    nobody = np.zeros((20, 8), dtype=np.bool_)
    scaled = Scaled(scores, np.ones(scores.shape), strata, 2, np.zeros(scores.shape), nobody)
    tables = calibrate(scaled, np.arange(8), Targets(np.array([0]), np.array([1])))
    assert (tables.samples[7, 0] == 20 * 7).all()
    assert np.isnan(tables.quantiles[0]).all(), "before any error came nothing is known"


def test_errors_of_a_few_series_are_joined_with_those_of_their_neighbours() -> None:
    """Five of the greatest idle often, and one of them went wild once: no band of the others believes it."""
    scores = np.random.default_rng(RANDOM).normal(0, 1, (200, 40, 1))
    scores[199, 10] = 60
    one = Targets(np.array([0]), np.array([1]))
    idle = np.zeros(scores.shape)
    idle[195:], idle[:40] = 0.5, 0.5
    scaled = replace(scaled_of(scores, one), idle=idle)
    tables = calibrate(scaled, np.arange(40), one)
    assert tables.samples[39, 0, 19] == 39 * 25, "with the next twenty that idle often too"
    assert tables.quantiles[30, 0, 19, LEVELS.tolist().index(0.95)] < 4


def test_each_kind_of_series_has_bands_of_its_own_errors() -> None:
    generator = np.random.default_rng(RANDOM)
    kinds = np.repeat([0, 2], [300, 60])
    one = Targets(np.array([0]), np.array([1]))
    forecast = np.full((360, 40, 1), 100.0)
    error = generator.normal(0, 10, forecast.shape)
    error[:, 1:] *= np.where(kinds, 3, 1)[:, None, None]  # far ahead the second goes wrong by more
    scaled = scale_errors(
        forecast,
        forecast + error,
        past_of(100 + generator.normal(0, 10, (360, 40)), np.arange(40)),
        origins=np.arange(40),
        targets=one,
        volume=generator.random((360, 40)),
        one_step=generator.normal(0, 10, (360, 40)),
        kinds=kinds,
    )
    assert (scaled.starts, scaled.count, scaled.kind_of(11)) == ((0, 10), 13, (10, 13))
    tables = calibrate(scaled, np.arange(40), one)
    low, high = limits(draw(tables, scaled, 39, forecast[:, 39]), BAND_80)
    width = (high - low)[:, 0]
    assert np.median(width[kinds == 2]) > 2 * np.median(width[kinds == 0])


def test_conformal_quantiles_hold_at_least_their_level_on_average() -> None:
    generator = np.random.default_rng(RANDOM)
    values = generator.normal(0, 1, (4000, 30))
    found = np.stack([conformal(np.sort(row[:-1]), np.array([0.8, 0.9])) for row in values])
    assert ((values[:, -1:] <= found).mean(axis=0) >= [0.79, 0.89]).all()


def test_small_demand_without_idle_periods_is_covered_as_often_in_every_decile() -> None:
    """Geometric demand: many lower limits are cut at zero, and what that spares is not given away above."""
    generator = np.random.default_rng(RANDOM)
    mean = np.exp(generator.normal(1, 1.3, (1500, 1)))
    y = generator.negative_binomial(1, 1 / (1 + mean), (1500, 90)).astype(float)
    made = evaluate(y, horizon=2, season=1, members=MEMBERS)
    told = made.figures()
    assert told["coverage_80"] == pytest.approx(0.8, abs=0.015)
    assert told["coverage_95"] == pytest.approx(0.95, abs=0.01)
    assert told["cum_coverage_80"] == pytest.approx(0.8, abs=0.015)
    for row in told["coverage_by_decile"]:
        assert row["coverage_80"] == pytest.approx(0.8, abs=0.03)


def test_bands_of_demand_that_idles_cover_their_zeros_and_the_randomised_transform_their_share() -> None:
    generator = np.random.default_rng(RANDOM)
    idle = np.repeat([0.6, 0.75, 0.92], 100)
    y = generator.gamma(2, np.array([20.0, 8, 3]).repeat(100), (120, 300)).T
    y *= generator.random(y.shape) > idle[:, None]
    told = evaluate(y, horizon=2, season=1, members=MEMBERS).figures()
    smallest = told["coverage_by_decile"][0]
    assert smallest["zero_share"] > 0.88
    assert smallest["coverage_80"] == pytest.approx(smallest["zero_share"]) == smallest["least_80"]
    assert told["coverage_80"] == pytest.approx(told["least_80"], abs=0.01)
    for row in told["coverage_by_decile"]:
        assert row["pit_80"] == pytest.approx(0.8, abs=0.05)
        assert row["pit_95"] == pytest.approx(0.95, abs=0.05)
    assert told["pit_80"] == pytest.approx(0.8, abs=0.01)


def test_the_transform_of_a_band_that_says_too_little_zero_is_below_its_share() -> None:
    """Zero is said to come in half of cases, and comes in nine of ten."""
    quantiles = np.where(LEVELS <= 0.5, 0.0, 1.0) * np.ones((10, 1))
    came = np.array([0.0] * 9 + [1.0])
    said = coverage.randomised(quantiles, came, BAND_80, np.full(10, 0.5))
    np.testing.assert_allclose(said[:9], 0.8)
    assert coverage.randomised(quantiles + 1, came, BAND_80, np.full(10, 0.5))[:9].sum() == 0


def test_scaled_errors_of_series_known_for_two_periods_spread_as_those_of_series_known_for_forty() -> None:
    """Each is forecast as the mean of what is known of it, and two periods tell less of a mean than forty."""
    generator = np.random.default_rng(RANDOM)
    known = np.tile([2, 40], 5_000)
    forecast = np.array([[[generator.normal(100, 1, periods).mean()]] for periods in known.tolist()])
    actual = generator.normal(100, 1, forecast.shape)
    one = np.ones((len(known), 1))
    past = Past(one, known[:, None] - one, 0 * one, known[:, None] * one)
    scaled = scale_errors(
        forecast,
        actual,
        past,
        origins=np.array([39]),
        targets=Targets(np.array([0]), np.array([1])),
        volume=100 * one,
        one_step=np.nan * one,
    )
    young, old = (scaled.scores[known == periods].std() for periods in (2, 40))
    assert young == pytest.approx(1, abs=0.03)
    assert old == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("idle", [(0.9, 0.9), (0.5, 0.95)], ids=["alike", "of two kinds"])
def test_idle_shares_are_drawn_to_their_stratum_as_far_as_it_is_alike(idle: tuple[float, float]) -> None:
    generator = np.random.default_rng(RANDOM)
    truth = np.tile(idle, 200)
    y = (generator.random((400, 60)) > truth[:, None]).astype(float)
    at, volume = np.array([59]), generator.random((400, 1))
    past = past_of(y, at)
    targets = Targets(np.array([0, 0]), np.array([1, 3]))
    nothing = np.zeros((400, 1, 2))
    scaled = scale_errors(
        nothing, nothing, past, origins=at, targets=targets, volume=volume, one_step=nothing[:, :, 0]
    )
    found = scaled.idle[:, 0].astype(float)
    np.testing.assert_allclose(found[:, 1], found[:, 0] ** 3, rtol=1e-5, atol=1e-9)
    error, before = (np.mean((shares - truth) ** 2) for shares in (found[:, 0], past.idle[:, 0]))
    assert error < (0.4 if idle[0] == idle[1] else 1.05) * before


def test_zeros_before_the_first_demand_count_as_far_as_the_rhythm_after_it_explains_them() -> None:
    """A new item sells every week; a rare one every twentieth, since before anybody counted."""
    y = np.zeros((2, 80))
    y[0, 60:], y[1, 39::20] = 3, 3
    past = past_of(y, np.array([60, 79]))
    np.testing.assert_allclose(past.idle[0], 0, atol=1e-6)
    assert past.periods[0, 0] == pytest.approx(0, abs=1e-6), "the first demand tells of no rhythm"
    assert past.idle[1, 1] == pytest.approx(0.95, abs=0.02)
    assert past.periods[1, 1] > past_of(y[1:, 39:], np.array([40])).periods[0, 0] + 1


def test_an_item_that_has_just_begun_has_the_band_of_others_when_they_had_just_begun() -> None:
    """Half are asked for one week in eight; of the others one begins each week, and sells ever after."""
    generator = np.random.default_rng(RANDOM)
    y = generator.gamma(3, 5, (240, 100)).round() + 1
    y[:120] *= generator.random((120, 100)) < 1 / 8
    begins = generator.integers(5, 97, 120)
    y[120:] *= np.arange(100) >= begins[:, None]
    made = evaluate(y, horizon=2, season=1, members=MEMBERS, origins=39)
    held, ends = [], []
    for place in range(made.origins.judged.start, made.origins.judged.stop - 1):
        age = made.origins.at[place] - begins
        quantiles, idle = made.quantiles(slice(120, None), place=place), made.scaled.idle[120:, place]
        is_new = (age >= 1) & (age < 4)
        low, high = (limit[is_new, 0] for limit in limits(quantiles, BAND_80, idle))
        came = made.actual[120:, place, 0][is_new]
        held += ((came >= low) & (came <= high)).tolist()
        ends += high.tolist()
    assert len(held) > 100
    assert min(ends) > 1
    assert np.mean(held) == pytest.approx(0.8, abs=0.1)


def test_errors_made_when_little_was_known_are_in_the_pool_of_the_young_alone() -> None:
    scores = np.random.default_rng(RANDOM).normal(0, 1, (1000, 30, 1))
    young = np.zeros((1000, 30), dtype=np.bool_)
    young[::2, :5] = True
    scores[young] += 100
    one = Targets(np.array([0]), np.array([1]))
    tables = calibrate(replace(scaled_of(scores, one), young=young), np.arange(30), one)
    assert tables.samples[29, 0, -1] == 500 * 5
    assert (tables.samples[29, 0, :20:2] == 100 * 29 - 50 * 5).all()
    assert tables.quantiles[29, 0, :20:2].max() < 10 < tables.quantiles[29, 0, -1].min()
