"""Champion against challenger: stock is never sent back, and a challenger has to be better by both."""

from dataclasses import replace

import numpy as np
import pytest

from cloud.forecasting.registry.contest import Came, Outlook, contest, simulate_base_stock


def world(
    bias: float, spread: float, *, series: int = 60, origins: int = 13, service: float = 0.95
) -> tuple[Outlook, Came]:
    rng = np.random.default_rng(5)
    step = rng.poisson(10, (series, origins + 1)).astype(float)
    came = step[:, :-1] + step[:, 1:]
    noise = np.random.default_rng(6).normal(0, spread, came.shape)
    mean = np.maximum(20 + bias + noise, 0)
    every = np.full(series, 1.0)
    parts = Came(came, step[:, :-1], 5 * every, service * every, np.ones(series, dtype=int), np.nan * every)
    return Outlook(mean, mean + 8), parts


def of_one(total: np.ndarray, step: np.ndarray, service: float, review: int = 1) -> Came:
    one = np.ones(1)
    return Came(total, step, one, service * one, np.array([review]), one)


def test_stock_follows_the_level_up_but_not_down_and_every_review_has_its_cost() -> None:
    level = np.array([[10.0, 14.0, 2.0, np.nan]])
    step, total = np.full((1, 4), 3.0), np.full((1, 4), 8.0)
    assert simulate_base_stock(level, of_one(total, step, 0.8)).tolist() == [[2, 6, 3, 0]]
    rarely = simulate_base_stock(level, of_one(total, step, 0.8, review=2))
    assert np.array_equal(rarely, [[np.nan, 6, np.nan, 0]], equal_nan=True)  # ordered at the last and before
    unknown = step.copy()
    unknown[0, 0] = np.nan
    assert simulate_base_stock(np.array([[50.0, 9, 9, 9]]), of_one(total, unknown, 0.8))[0, 1] == 1


def test_a_challenger_takes_over_only_if_backtest_and_stock_cost_both_say_so() -> None:
    worse, came = world(0, 6)
    better, _ = world(0, 1)
    verdict = contest(worse, better, came)
    assert verdict.is_promoted
    assert verdict.error.share > 0.5
    assert verdict.told()["is_promoted"] is True
    assert not contest(better, worse, came).is_promoted
    assert not contest(worse, worse, came).is_promoted
    thin = Outlook(better.mean, better.mean - 6)
    by_error_only = contest(worse, thin, came)
    assert by_error_only.error.is_sure
    assert not by_error_only.cost.is_sure
    assert not by_error_only.is_promoted
    cheap = replace(
        came, service=np.full(60, 0.2)
    )  # where a missing unit costs little, little stock is right
    assert contest(worse, thin, cheap).cost.share > by_error_only.cost.share


def test_unknown_origins_are_left_out_and_costs_weigh_what_is_dear() -> None:
    worse, came = world(0, 6)
    better, _ = world(0, 1)
    came.total[:, ::2] = np.nan
    came.scale[:5] = 0
    costs = np.where(np.arange(60) < 30, 2.0, np.nan)
    verdict = contest(worse, better, replace(came, unit_cost=costs))
    assert (verdict.series, verdict.origins) == (55, 6)
    twice = contest(worse, better, replace(came, unit_cost=np.full(60, 4.0)))
    assert twice.cost.champion == pytest.approx(2 * verdict.cost.champion)
    alone = contest(worse.of(np.array([7])), better.of(np.array([7])), came.of(np.array([7])))
    assert (alone.series, alone.origins) == (1, 6)
    for wrong, expected in (
        (replace(came, scale=np.ones(3)), "expected all parts"),
        (replace(came, service=np.ones(60)), "between 0 and 1"),
        (replace(came, total=np.full(came.total.shape, np.nan)), "no origin"),
    ):
        with pytest.raises(ValueError, match=expected):
            contest(worse, better, wrong)
