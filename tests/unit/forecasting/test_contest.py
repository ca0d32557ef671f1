"""Champion against challenger: stock is never sent back, and a challenger has to be better by both."""

import numpy as np
import pytest

from cloud.forecasting.registry.contest import Outlook, contest, simulate_base_stock


def world(bias: float, spread: float, *, series: int = 60, origins: int = 13) -> tuple[Outlook, dict]:
    rng = np.random.default_rng(5)
    step = rng.poisson(10, (series, origins + 1)).astype(float)
    came = step[:, :-1] + step[:, 1:]
    noise = np.random.default_rng(6).normal(0, spread, came.shape)
    mean = np.maximum(20 + bias + noise, 0)
    parts = {"came": came, "step": step[:, :-1], "scale": np.full(series, 5.0)}
    return Outlook(mean, mean + 8), parts


def test_stock_follows_the_level_up_but_not_down_and_every_period_has_its_cost() -> None:
    level = np.array([[10.0, 14.0, 2.0, np.nan]])
    step, came = np.full((1, 4), 3.0), np.full((1, 4), 8.0)
    assert simulate_base_stock(level, came=came, step=step, backorder_to_holding=4).tolist() == [[2, 6, 3, 0]]
    unknown = step.copy()
    unknown[0, 0] = np.nan
    assert simulate_base_stock(np.array([[50.0, 9, 9, 9]]), came=came, step=unknown)[0, 1] == 1


def test_a_challenger_takes_over_only_if_backtest_and_stock_cost_both_say_so() -> None:
    worse, parts = world(0, 6)
    better, _ = world(0, 1)
    verdict = contest(worse, better, **parts)
    assert verdict.is_promoted
    assert verdict.error.share > 0.5
    assert verdict.told()["is_promoted"] is True
    assert not contest(better, worse, **parts).is_promoted
    assert not contest(worse, worse, **parts).is_promoted
    thin = Outlook(better.mean, better.mean - 6)
    by_error_only = contest(worse, thin, **parts)
    assert by_error_only.error.is_sure
    assert not by_error_only.cost.is_sure
    assert not by_error_only.is_promoted


def test_unknown_origins_are_left_out_and_costs_weigh_what_is_dear() -> None:
    worse, parts = world(0, 6)
    better, _ = world(0, 1)
    parts["came"][:, ::2] = np.nan
    parts["scale"][:5] = 0
    verdict = contest(worse, better, **parts, unit_cost=np.where(np.arange(60) < 30, 2.0, np.nan))
    assert (verdict.series, verdict.origins) == (55, 6)
    twice = contest(worse, better, **parts, unit_cost=np.full(60, 4.0))
    assert twice.cost.champion == pytest.approx(2 * verdict.cost.champion)
    for wrong, expected in (
        (parts | {"scale": np.ones(3)}, "expected all parts"),
        (parts | {"backorder_to_holding": 0.0}, "above 0"),
        (parts | {"scale": np.zeros(60)}, "no origin"),
    ):
        with pytest.raises(ValueError, match=expected):
            contest(worse, better, **wrong)
