"""The recursions give what statsmodels and statsforecast give with the same parameters."""

from collections.abc import Callable

import numpy as np
import pytest
from statsmodels.tsa.holtwinters import ExponentialSmoothing, Holt, SimpleExpSmoothing
from statsmodels.tsa.seasonal import seasonal_decompose

from cloud.forecasting.batch.criterion import likelihood, weights
from cloud.forecasting.batch.holt_winters import DAMPING, holt_winters_of
from cloud.forecasting.batch.holt_winters import GRID as WINTERS_GRID
from cloud.forecasting.batch.intermittent import CHANCE, SIZE, intermittent_of
from cloud.forecasting.batch.panel import panel_of
from cloud.forecasting.batch.seasonal import indices, is_seasonal
from cloud.forecasting.batch.smoothing_grid import GRID, MATURE, SIMPLE, SmoothingGrid, grid_of
from cloud.forecasting.batch.theta import slope as slope_of
from cloud.forecasting.batch.theta import theta
from cloud.forecasting.protocol import Floats

RANDOM = 20261126
ALPHA = 0.2
START = 5
"""Periods after which a smoothing of 0.2 is one, and no longer the mean of all."""


def walk(periods: int) -> Floats:
    generator = np.random.default_rng(RANDOM)
    return 50 + np.cumsum(generator.normal(0.1, 1, periods)) + generator.normal(0, 3, periods)


def stepped(y: Floats) -> SmoothingGrid:
    grid = grid_of(16)
    for value in y:
        grid.step(np.full(16, value, dtype=np.float32), np.ones(16, dtype=np.float32))
    return grid


def test_simple_smoothing_is_that_of_statsmodels() -> None:
    y = walk(120)
    oracle = SimpleExpSmoothing(y[START:], initialization_method="known", initial_level=y[:START].mean())
    fitted = oracle.fit(smoothing_level=ALPHA, optimized=False)
    place = SIMPLE.index(ALPHA)
    grid = stepped(y)
    assert grid.level[place, 0] == pytest.approx(fitted.level[-1], rel=1e-5)
    before = stepped(y[:START])
    assert grid.errors[place, 0] - before.errors[place, 0] == pytest.approx(fitted.sse, rel=1e-4)


@pytest.mark.parametrize("place", [0, 7, 14, 15, 29])
def test_damped_trends_are_those_of_statsmodels(place: int) -> None:
    y = walk(2 * MATURE + 50)
    half = len(y) // 2
    before, after = stepped(y[:half]), stepped(y)
    level, trend, damping = GRID[place]
    oracle = Holt(
        y[half:],
        damped_trend=True,
        initialization_method="known",
        initial_level=float(before.damped_level[place, 0]),
        initial_trend=float(before.trend[place, 0]),
    )
    fitted = oracle.fit(smoothing_level=level, smoothing_trend=trend, damping_trend=damping, optimized=False)
    assert after.damped_level[place, 0] == pytest.approx(fitted.level[-1], rel=1e-4)
    assert after.trend[place, 0] == pytest.approx(fitted.trend[-1], abs=1e-3)
    added = after.damped_errors[place, 0] - before.damped_errors[place, 0]
    assert added == pytest.approx(fitted.sse, rel=1e-3)


@pytest.mark.parametrize("place", [0, 5, 6, 11, 17])
def test_indices_that_move_are_those_of_holt_and_winters_in_statsmodels(place: int) -> None:
    season, half = 4, MATURE + 20
    y = walk(2 * half) * np.tile([0.8, 1.1, 1.3, 0.8], half // 2)
    grid, winters = grid_of(16), holt_winters_of(16, season)
    states = []
    for value in y:
        now, known = np.full(16, value, dtype=np.float32), np.ones(16, dtype=np.float32)
        grid.step(now, known)
        winters.step(now, known, grid)
        held = (winters.level, winters.trend, winters.errors, winters.indices)
        states.append([array[..., place, 0].astype(float) for array in held])
    level, trend, errors, indices = states[half - 1]
    alpha, beta, gamma = WINTERS_GRID[place]
    has_trend = beta > 0
    oracle = ExponentialSmoothing(
        y[half:],
        trend="add" if has_trend else None,
        damped_trend=has_trend,
        seasonal="mul",
        seasonal_periods=season,
        initialization_method="known",
        initial_level=float(level),
        initial_trend=float(trend) if has_trend else None,
        initial_seasonal=indices,
    )
    fitted = oracle.fit(
        smoothing_level=alpha,
        smoothing_trend=beta if has_trend else None,
        smoothing_seasonal=gamma,
        damping_trend=DAMPING if has_trend else None,
        optimized=False,
    )
    assert states[-1][0] == pytest.approx(fitted.level[-1], rel=1e-4)
    assert states[-1][3] == pytest.approx(fitted.season[-season:], rel=1e-4)
    assert states[-1][2] - errors == pytest.approx(fitted.sse, rel=2e-3)


def test_a_growing_memory_is_the_line_of_least_squares() -> None:
    y = walk(8)
    grid = stepped(y)
    slope, intercept = np.polyfit(np.arange(8), y, 1)
    slowest = next(
        n for n, (level, trend, phi) in enumerate(GRID) if (level, trend, phi) == (0.05, 0.05, 0.98)
    )
    assert grid.damped_level[slowest, 0] == pytest.approx(intercept + slope * 7, rel=0.02)
    assert grid.level[0, 0] == pytest.approx(y.mean(), rel=1e-6)


@pytest.mark.parametrize("part", [0.25, 0.5, 1.0])
def test_theta_is_the_smoothing_of_the_bent_line(part: float) -> None:
    y = walk(90)
    time = np.arange(1, 91)
    slope, intercept = np.polyfit(time, y, 1)
    line = intercept + slope * time
    # theta = 1 / (1 - w); of w = 1 the bent line is told by its limit, the drift being all of the slope.
    bend = 1 / (1 - part) if part < 1 else 1e4
    bent = bend * y + (1 - bend) * line
    fitted = SimpleExpSmoothing(
        bent[START:], initialization_method="known", initial_level=bent[:START].mean()
    ).fit(smoothing_level=ALPHA, optimized=False)
    ahead = intercept + slope * (90 + np.arange(1, 5))
    expected = (1 - 1 / bend) * ahead + fitted.level[-1] / bend
    grid = stepped(y)
    grid.errors[[n for n, alpha in enumerate(SIMPLE) if alpha != ALPHA]] = 1e12
    assert theta(grid, 4, (part,), slope_of(grid))[0] == pytest.approx(expected, rel=2e-3)


def test_weights_are_those_of_akaike() -> None:
    y = walk(60)
    sums, number = [], 40
    for alpha in (0.1, 0.5):
        fit = SimpleExpSmoothing(y[20:], initialization_method="known", initial_level=y[:20].mean())
        sums.append(fit.fit(smoothing_level=alpha, optimized=False).sse)
    criterion = [number * np.log(total / number) + 4 + 12 / (number - 3) for total in sums]
    expected = np.exp(-0.5 * (np.array(criterion) - min(criterion)))
    errors = np.array(sums, dtype=np.float32)[:, None]
    found = weights(likelihood(errors, np.float32([number]), np.float32([float((y[20:] ** 2).sum())]), 2))
    assert found[:, 0] == pytest.approx(expected / expected.sum(), rel=1e-3)


def test_indices_are_those_of_the_classical_decomposition_drawn_to_one() -> None:
    generator = np.random.default_rng(RANDOM)
    index = 1 + 0.4 * np.sin(2 * np.pi * np.arange(12) / 12)
    y = (100 + np.arange(72)) * np.tile(index, 6) * np.exp(generator.normal(0, 0.02, 72))
    panel = panel_of(y[None])
    oracle = seasonal_decompose(y, model="multiplicative", period=12).seasonal[:12]
    found = indices(panel.y, panel.known, 12)[:, 0]
    assert is_seasonal(panel.y, panel.known, 12)[0]
    assert found == pytest.approx(oracle, rel=0.01)
    assert np.abs(found - 1).max() < np.abs(oracle - 1).max()


def _rolled(y: Floats) -> dict[str, Floats]:
    states = intermittent_of(16)
    for value in y:
        states.step(np.full(16, value, dtype=np.float32), np.ones(16, dtype=np.float32))
    return {"chance": states.chance[:, 0], "size": states.size[:, 0], "interval": states.interval[:, 0]}


@pytest.fixture(scope="module")
def peer() -> Callable[[str, Floats], float]:
    """Forecast by statsforecast, where it is installed.

    Returns:
        What it says of a series, one step ahead.
    """
    models = pytest.importorskip("statsforecast.models", reason="statsforecast is only with the benchmarks")

    def forecast(name: str, y: Floats) -> float:
        made = {"tsb": lambda: models.TSB(0.1, 0.3), "sba": models.CrostonSBA}[name]()
        return float(made.forecast(y, 1)["mean"][0])

    return forecast


def test_tsb_and_croston_are_those_of_statsforecast(peer: Callable[[str, Floats], float]) -> None:
    generator = np.random.default_rng(RANDOM)
    # So long that first levels are forgotten: there the two differ.
    y = np.where(generator.random(1500) < 0.3, generator.poisson(4, 1500) + 1.0, 0)
    states = _rolled(y)
    tsb = states["chance"][CHANCE.index(0.3)] * states["size"][SIZE.index(0.1)]
    assert tsb == pytest.approx(peer("tsb", y), rel=1e-4)
    place = SIZE.index(0.1)
    sba = 0.95 * states["size"][place] / states["interval"][place]
    assert sba == pytest.approx(peer("sba", y), rel=1e-4)
