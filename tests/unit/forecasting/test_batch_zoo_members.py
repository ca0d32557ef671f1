"""What theory says of the members: constant, trend, season, now and then, dying; gaps; short and long."""

from collections.abc import Sequence

import numpy as np
import pytest

from cloud.forecasting.batch.members import MEMBERS, REFERENCES, roll
from cloud.forecasting.batch.zoo import INTERMITTENT
from cloud.forecasting.protocol import Floats

RANDOM = 20261126
LOUD = ("ses", "lasting")


def each(
    y: object, *, origins: Sequence[int], horizon: int, season: int = 1, members: Sequence[str] = MEMBERS
) -> dict[str, Floats]:
    """Roll `ses` and `lasting` by themselves: beside them members that would repeat them keep still."""
    rows = np.atleast_2d(np.asarray(y, dtype=float))
    apart = [name for name in members if name in LOUD], [name for name in members if name not in LOUD]
    found = [
        roll(rows, origins=origins, horizon=horizon, season=season, members=some) for some in apart if some
    ]
    return {name: path for part in found for name, path in part.items()}


def last(
    y: object, *, horizon: int = 6, season: int = 1, members: Sequence[str] = MEMBERS
) -> dict[str, Floats]:
    newest = np.atleast_2d(np.asarray(y)).shape[1] - 1
    found = each(y, origins=[newest], horizon=horizon, season=season, members=members)
    return {name: path[0, 0].astype(float) for name, path in found.items()}


@pytest.mark.parametrize("member", [*MEMBERS, *REFERENCES])
def test_constant_demand_is_forecast_exactly(member: str) -> None:
    found = last([7.0] * 60, season=12, members=[member])
    # Croston's method takes off half the smoothing weight, whatever the demand.
    low = 0.8 if member == "sba" else 0.99999
    assert (found[member] >= 7 * low).all()
    assert (found[member] <= 7 * 1.00001).all()


def test_a_line_is_carried_on_damped_by_the_trend_and_half_by_theta() -> None:
    found = last(np.arange(60.0) + 3, horizon=10)
    assert found["damped_trend"][0] == pytest.approx(63, rel=0.01)
    assert (np.diff(found["damped_trend"]) > 0.5).all()
    assert np.diff(found["theta"]) == pytest.approx(0.5, abs=1e-3)
    assert found["optimised_theta"] == pytest.approx(63 + np.arange(10), rel=0.01)
    assert found["ses"] == pytest.approx(62, rel=0.01)


def test_theta_is_simple_smoothing_with_half_the_slope() -> None:
    noise = np.random.default_rng(RANDOM).normal(0, 1, 80)
    found = last(50 + 0.5 * np.arange(80) + noise, horizon=3)
    assert np.diff(found["theta"]) == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("season", [7, 12, 52])
def test_a_season_is_found_and_put_back(season: int) -> None:
    index = 1 + 0.5 * np.sin(2 * np.pi * np.arange(season) / season)
    y = 100 * np.tile(index, 5)
    found = last(y, horizon=season, season=season, members=[*MEMBERS, *REFERENCES])
    for name, path in found.items():
        level = 0.88 if name == "sba" else 1.0
        # The whole shape, but for the little that indices are drawn towards 1.
        assert path / level == pytest.approx(100 * index, rel=0.05), name


def test_noise_has_no_season() -> None:
    y = np.random.default_rng(RANDOM).poisson(20, (200, 60)).astype(float)
    path = roll(y, origins=[59], horizon=12, season=12, members=["ses"])["ses"]
    share = (np.ptp(path[:, 0], axis=1) > 0).mean()
    assert share < 0.1


def test_demand_now_and_then_is_forecast_by_its_rate() -> None:
    generator = np.random.default_rng(RANDOM)
    y = np.where(generator.random((400, 200)) < 0.25, generator.poisson(3, (400, 200)) + 1.0, 0)
    for name, path in each(y, origins=[199], horizon=1, season=1).items():
        assert path.mean() == pytest.approx(1.0, rel=0.12), name


def test_a_dying_series_is_forgotten_by_those_that_can() -> None:
    y = [0, 4, 0, 3, 5, 0, 4, 0, 0, 4] * 4 + [0.0] * 30
    found = last(y)
    alive = last(y[:40])
    for name in ("ses", "damped_trend", "tsb", "tsb_mean", "seasonal", "mean13"):
        assert found[name][0] < 0.4 * alive[name][0], name
    # Croston's method is not updated while nothing is asked for: why it is only one of many.
    assert found["sba"][0] == alive["sba"][0]


def test_falling_demand_never_becomes_negative() -> None:
    y = np.maximum(60.0 - 3 * np.arange(24), 0)
    for name, path in last(y, horizon=60).items():
        assert (path >= 0).all(), name


def test_all_zero_is_zero_and_nothing_known_is_nan() -> None:
    found = each(np.array([[0.0] * 20, [np.nan] * 20]), origins=[9, 19], horizon=3, season=4)
    for name, path in found.items():
        assert not path[0].any(), name
        assert np.isnan(path[1]).all(), name


def test_members_that_would_repeat_another_keep_still_beside_it() -> None:
    y = np.array([[3.0, 4, 3, 5, 4, 0, 4, 3]])
    found = roll(y, origins=[4, 5], horizon=1, season=1)
    for name in MEMBERS:
        assert np.isnan(found[name][0, 0, 0]) == (name in {*INTERMITTENT, "seasonal"}), name
        assert np.isfinite(found[name][0, 1]).all() == (name != "seasonal"), name


def test_one_point_is_forecast_by_itself() -> None:
    found = last([np.nan] * 11 + [5.0], season=12)
    for name in set(MEMBERS) - {"sba"}:
        assert found[name] == pytest.approx(5.0, rel=1e-6), name


@pytest.mark.parametrize("length", [2, 3, 4, 5, 8, 13])
def test_short_series_are_forecast_within_reason(length: int) -> None:
    y = np.random.default_rng(RANDOM + length).poisson(10, length).astype(float) + 1
    for name, path in last(y, season=12).items():
        assert np.isfinite(path).all(), name
        assert (path <= 3 * y.max()).all(), name


def test_a_series_is_not_ready_before_its_first_known_period() -> None:
    y = np.array([[np.nan] * 5 + [3.0] * 10])
    for path in each(y, origins=[3, 4, 5, 14], horizon=2, season=1).values():
        assert np.isnan(path[0, :2]).all()
        assert np.isfinite(path[0, 2:]).all()


def test_a_year_not_known_leaves_levels_as_they_were() -> None:
    y = np.full(160, 9.0)
    y[60:112] = np.nan
    for name, path in last(y, season=52).items():
        assert path == pytest.approx(9.0, rel=0.2 if name == "sba" else 1e-4), name


def test_forecasts_within_a_gap_rest_on_what_came_before_it() -> None:
    y = np.array([[4.0] * 30 + [np.nan] * 60])
    for name, path in each(y, origins=[29, 89], horizon=2, season=1).items():
        assert path[0, 1] == pytest.approx(path[0, 0], rel=1e-5), name


def test_a_launch_after_many_zeros_is_not_taken_for_a_rise() -> None:
    launched = last([0.0] * 300 + [10.0] * 20)
    for name in ("ses", "damped_trend", "theta"):
        assert launched[name] == pytest.approx(10.0, rel=0.35), name
    # More zeros than thirteen change nothing for these; for members that count rare demand they do.
    fewer = last([0.0] * 13 + [10.0] * 20)
    for name in ("ses", "damped_trend", "theta", "optimised_theta", "lasting"):
        assert launched[name].tolist() == fewer[name].tolist(), name
    assert (launched["tsb_mean"] < fewer["tsb_mean"]).all()


def test_ten_thousand_periods_are_as_exact_as_few() -> None:
    y = 5 + np.random.default_rng(RANDOM).poisson(3, 8_000).astype(float)
    long, short = last(y), last(y[-400:])
    for name in set(MEMBERS) - {"optimised_theta"}:
        assert long[name] == pytest.approx(short[name], rel=0.03), name
    assert long["theta"][0] == pytest.approx(8, rel=0.1)


def test_the_seasonal_naive_repeats_the_last_known_cycle() -> None:
    y = np.array([[1.0, 2, 3, 4, 5, np.nan, 7, 8]])
    path = roll(y, origins=[7], horizon=6, season=4, members=["seasonal_naive"])["seasonal_naive"]
    assert path[0, 0].tolist() == [5, 2, 7, 8, 5, 2]
