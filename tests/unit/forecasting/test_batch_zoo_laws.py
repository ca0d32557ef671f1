"""Laws of the batch engine: no leakage, no unit, no order, no chunk; states go on; bad numbers are named."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.forecasting.batch import state
from cloud.forecasting.batch.checked import checked, faults
from cloud.forecasting.batch.members import MEMBERS, REFERENCES, roll
from cloud.forecasting.batch.zoo import INTERMITTENT
from cloud.forecasting.protocol import Floats

RANDOM = 20261126
ALL = (*MEMBERS, *REFERENCES)
SEASON = 12


def demand(series: int = 50, periods: int = 70) -> Floats:
    """Make series of all kinds: smooth, seasonal, now and then, late, with gaps."""
    generator = np.random.default_rng(RANDOM)
    rate = np.exp(generator.normal(1, 1.5, (series, 1)))
    index = 1 + 0.6 * np.sin(2 * np.pi * np.arange(periods) / SEASON) * (generator.random((series, 1)) < 0.5)
    y = generator.poisson(rate * index) * (
        generator.random((series, periods)) < generator.random((series, 1)) + 0.3
    )
    y = y.astype(float)
    y[generator.random((series, periods)) < 0.03] = np.nan
    for row in range(0, series, 4):
        y[row, : generator.integers(1, periods)] = np.nan
    y[::7, :20] = 0
    y[3], y[5] = 0, np.nan
    return y


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(np.array_equal(one[name], other[name], equal_nan=True) for name in one)


def test_the_future_never_changes_what_was_said() -> None:
    y = demand()
    origins = [10, 30, 45, 49]
    before = roll(y[:, :50], origins=origins, horizon=5, season=SEASON, members=ALL)
    future = y.copy()
    future[:, 50:] = 1e6 * np.random.default_rng(1).random((len(y), 20))
    assert same(before, roll(future, origins=origins, horizon=5, season=SEASON, members=ALL))
    # Nor where the later periods are looked at too, for a later origin.
    one, other = (
        roll(both, origins=[*origins, 69], horizon=5, season=SEASON, members=ALL) for both in (y, future)
    )
    until = len(origins)
    assert same(
        {name: path[:, :until] for name, path in one.items()},
        {name: path[:, :until] for name, path in other.items()},
    )
    assert not same(one, other)


def test_order_and_chunk_change_no_bit() -> None:
    y = demand()
    whole = roll(y, origins=[40, 55, 69], horizon=5, season=SEASON, members=ALL)
    order = np.random.default_rng(2).permutation(len(y))
    turned = roll(y[order], origins=[40, 55, 69], horizon=5, season=SEASON, members=ALL)
    assert same({name: path[order] for name, path in whole.items()}, turned)
    for size in (1, 7, 33):
        parts = [
            roll(y[first : first + size], origins=[40, 55, 69], horizon=5, season=SEASON, members=ALL)
            for first in range(0, len(y), size)
        ]
        assert same(whole, {name: np.concatenate([part[name] for part in parts]) for name in ALL})


def test_columns_before_the_start_change_no_bit() -> None:
    y = demand()
    later = np.concatenate([np.full((len(y), 17), np.nan), y], axis=1)
    one = roll(y, origins=[40, 69], horizon=5, season=SEASON, members=ALL)
    assert same(one, roll(later, origins=[57, 86], horizon=5, season=SEASON, members=ALL))


@pytest.mark.parametrize("unit", [2.0**-20, 1000.0, 1 / 3, 1e9, 1e-9])
def test_another_unit_scales_the_forecasts(unit: float) -> None:
    y = demand()
    one = roll(y, origins=[40, 69], horizon=5, season=SEASON, members=ALL)
    other = roll(y * unit, origins=[40, 69], horizon=5, season=SEASON, members=ALL)
    exact = np.log2(unit).is_integer()
    for name in ALL:
        expected = one[name].astype(float) * unit
        if exact:
            assert np.array_equal(other[name], expected, equal_nan=True), name
        else:
            # TSB takes the best of a grid: among equally good ones the rounding may choose another.
            close = np.isclose(other[name], expected, rtol=1e-3, atol=1e-4 * unit, equal_nan=True)
            assert close.mean() > (0.97 if name == "tsb" else 0.9999), name


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.just(0.0), st.floats(0.001, 1e6)), min_size=1, max_size=40),
    st.sampled_from([1, 4, 7]),
)
def test_any_history_gives_forecasts_that_are_finite_and_not_negative(
    values: list[float | None], season: int
) -> None:
    y = np.array([[np.nan if value is None else value for value in values]])
    first = np.flatnonzero(np.isfinite(y[0]))
    for name, path in roll(y, origins=[len(values) - 1], horizon=3, season=season).items():
        if len(first) and name != "seasonal" and (name not in INTERMITTENT or (y == 0).any()):
            assert np.isfinite(path).all(), name
            assert (path >= 0).all(), name
        elif name != "seasonal":
            # Beside `ses` members for slow movers keep still while every period has demand.
            assert np.isnan(path).all(), name


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_periods_that_are_seldom_known_let_no_trend_swing() -> None:
    # Of every 30 days one is known: a wrong trend has then worked on the level for 30 days.
    y = np.full((3, 6_000), np.nan)
    y[:, ::30] = np.random.default_rng(RANDOM).poisson(5, (3, 200))
    y[2, ::30] = np.arange(200)
    found = roll(y, origins=[4_000, 5_999], horizon=30, members=("ses", "damped_trend"), season=1)
    assert (abs(found["damped_trend"][:2] - found["ses"][:2]) < 1).all()
    # A line that rises by one in 30 days still rises.
    ahead = found["damped_trend"][2, 1]
    assert 198 < ahead[0] < 200
    assert ahead[0] + 0.1 < ahead[-1] < ahead[0] + 1


def test_a_state_goes_on_as_if_the_history_had_been_rolled() -> None:
    y = demand()
    held = state.fit(y[:, :66], SEASON)
    for column in range(66, 70):
        held = state.advance(held, y[:, column])
    rolled = roll(y, origins=[65, 69], horizon=5, season=SEASON)
    told = state.paths(held, 5)
    for name in set(MEMBERS) - {"adida", "imapa"}:
        assert np.array_equal(told[name], rolled[name][:, 1], equal_nan=True), name
    for name in ("adida", "imapa"):
        # Where demand has become much rarer, the lengths of the fit hold until the next one.
        unlike = ~np.isclose(told[name], rolled[name][:, 1], equal_nan=True).all(axis=1)
        assert unlike.mean() <= 0.04, name


def test_a_state_is_read_as_it_was_written_and_not_changed_by_going_on() -> None:
    y = demand()
    held = state.fit(y[:, :69], SEASON)
    content = state.save(held)
    before = state.paths(held, 4)
    further = state.advance(held, y[:, 69])
    assert same(before, state.paths(held, 4))
    assert same(state.paths(further, 4), state.paths(state.advance(state.load(content), y[:, 69]), 4))


def test_a_state_of_another_layout_is_refused() -> None:
    held = state.fit(np.ones((2, 5)), 1)
    content = state.save(held)
    arrays = dict(np.load(io.BytesIO(content)))
    target = io.BytesIO()
    np.savez(target, **{**arrays, "version": 99})
    with pytest.raises(ValueError, match="state has layout 99: expected 2"):
        state.load(target.getvalue())


@pytest.mark.parametrize("wrong", [-1.0, np.inf, -np.inf, 1e35])
def test_a_number_that_is_no_demand_is_named_with_its_place(wrong: float) -> None:
    y = np.ones((3, 4))
    y[1, 2] = wrong
    with pytest.raises(
        ValueError, match=r"series B, column 2: demand is (-?1\.0|-?inf|1e\+35): expected a finite"
    ):
        checked(y, ["A", "B", "C"])
    with pytest.raises(ValueError, match="series in row 1, column 2"):
        state.fit(y, 1)
    with pytest.raises(ValueError, match="series in row 1, column 2"):
        roll(y, origins=[3], horizon=1, season=1)
    held = state.fit(np.ones((3, 4)), 1)
    with pytest.raises(ValueError, match="series in row 2, column 4"):
        state.advance(held, np.array([1.0, 1.0, wrong]))
    with pytest.raises(ValueError, match="expected one value of each of 3 series"):
        state.advance(held, np.ones(2))


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"origins": [1, 1]}, r"origins are \[1, 1\]: expected columns of 4, ascending"),
        ({"origins": [4]}, r"origins are \[4\]: expected columns of 4"),
        ({"origins": []}, r"origins are \[\]"),
        ({"horizon": 0}, "horizon is 0 and season 1: expected both > 0"),
        ({"season": 0}, "horizon is 1 and season 0"),
        ({"members": ["prophet"]}, r"members are \['prophet'\]: expected some of"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused(wish: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        roll(np.ones((1, 4)), **{"origins": [3], "horizon": 1, "season": 1, **wish})


def test_no_series_at_all_is_no_error() -> None:
    found = roll(np.empty((0, 5)), origins=[2, 4], horizon=3, season=1)
    assert all(path.shape == (0, 2, 3) for path in found.values())


@pytest.mark.parametrize("unit", [1e-60, 1e29])
def test_the_smallest_and_the_largest_demand_are_no_error(unit: float) -> None:
    found = roll(np.full((1, 20), unit), origins=[19], horizon=1, season=1, members=["ses", "theta"])
    assert found["ses"][0, 0, 0] == pytest.approx(unit if unit > 1 else 0, rel=1e-5, abs=1e-30)


def test_wrong_series_are_marked_so_that_the_others_can_go_on() -> None:
    y = np.array([[1.0, np.nan], [-1.0, 1.0], [1.0, np.inf], [0.0, 0.0]])
    is_wrong = faults(y)
    assert is_wrong.tolist() == [False, True, True, False]
    assert checked(y[~is_wrong]).shape == (2, 2)
