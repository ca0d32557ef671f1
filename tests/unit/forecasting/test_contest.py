"""Champion against challenger: stock is never sent back, and a challenger has to be better by both."""

from dataclasses import replace

import numpy as np
import pytest

from cloud.forecasting.gains import LEAST_OBSERVED, Gain, t_of
from cloud.forecasting.protocol import Floats
from cloud.forecasting.registry.contest import Came, Outlook, contest
from cloud.forecasting.stock import Terms, play


def terms(series: int, *, service: float = 0.95, review: int = 1, lead: int = 7) -> Terms:
    every = np.ones(series)
    shortage = review * 7 * service / (1 - service) * every
    return Terms(np.full(series, review), np.full(series, lead), every, shortage)


def world(
    bias: float, spread: float, *, series: int = 60, origins: int = 13, service: float = 0.95
) -> tuple[Outlook, Came]:
    rng = np.random.default_rng(5)
    days = rng.poisson(10 / 7, (series, origins + 1, 7)).astype(float)
    came = days[:, :-1].sum(axis=2) + days[:, 1:].sum(axis=2)
    noise = np.random.default_rng(6).normal(0, spread, came.shape)
    mean = np.maximum(20 + bias + noise, 0)
    parts = Came(came, days[:, :-1], np.full(series, 5.0), terms(series, service=service))
    return Outlook(mean, mean + 8), parts


def played(levels: list[float], days: Floats, *, review: int = 1) -> list[float]:
    found = play(np.array([[levels]], dtype=np.float64), days, terms(1, service=0.8, review=review, lead=0))
    result: list[float] = found[0, 0].tolist()
    return result


def test_stock_follows_the_level_up_but_not_down_at_every_review() -> None:
    days = np.zeros((1, 4, 7))
    days[:, :, 6] = 3
    assert played([10, 14, 2, np.nan], days) == [6 * 10 + 7, 6 * 14 + 11, 6 * 11 + 8, 6 * 8 + 5]
    # Looked at every other week: the fourteen of the second week are not ordered, and the third's five are.
    rarely = played([4, 14, 5, np.nan], days, review=2)
    assert rarely == pytest.approx([6 * 4 + 1, 6 + 2 * 56, 6 * 5 + 2, 6 * 2 + 56])


def test_what_is_not_known_costs_nothing_that_could_be_told() -> None:
    days = np.zeros((1, 3, 7))
    days[0, :, 6] = 3
    days[0, 1] = np.nan
    found = played([10, 10, 10], days)
    assert np.isnan(found[1])
    assert (found[0], found[2]) == (67, 67)
    assert np.isnan(played([np.nan, 10, 10], days)).all()  # nothing tells with what stock it began


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
    assert by_error_only.error.is_sure()
    assert not by_error_only.cost.is_sure()
    assert not by_error_only.is_promoted
    # Where a missing unit costs little, little stock is right.
    cheap = replace(came, terms=terms(60, service=0.2))
    assert contest(worse, thin, cheap).cost.share > by_error_only.cost.share


def test_unknown_origins_are_left_out_and_costs_weigh_what_is_dear() -> None:
    worse, came = world(0, 6)
    better, _ = world(0, 1)
    came.total[:, ::2] = np.nan
    came.scale[:5] = 0
    verdict = contest(worse, better, came)
    assert (verdict.series, verdict.origins) == (55, 6)
    dear = replace(came.terms, holding=2 * came.terms.holding, shortage=2 * came.terms.shortage)
    twice = contest(worse, better, replace(came, terms=dear))
    assert twice.cost.champion == pytest.approx(2 * verdict.cost.champion)
    alone = contest(worse.of(np.array([7])), better.of(np.array([7])), came.of(np.array([7])))
    assert (alone.series, alone.origins) == (1, 6)
    for wrong, expected in (
        (replace(came, scale=np.ones(3)), "expected all parts"),
        (replace(came, total=np.full(came.total.shape, np.nan)), "no origin"),
    ):
        with pytest.raises(ValueError, match=expected):
            contest(worse, better, wrong)


def test_nobody_takes_over_by_one_series_at_one_origin_nor_by_many_series_at_one() -> None:
    worse, came = world(0, 6)
    first = np.array([0])
    one = Came(came.total[:1, :1], came.days[:1, :1], came.scale[:1], came.terms.of(first))
    for far, near, parts in (
        (Outlook(worse.mean[:1, :1], worse.level[:1, :1] + 20), Outlook(one.total, one.total), one),
        (
            Outlook(worse.mean[:, :1] + 9, worse.level[:, :1] + 20),
            Outlook(came.total[:, :1], came.total[:, :1] + 8),
            replace(came, total=came.total[:, :1], days=came.days[:, :1]),
        ),
    ):
        verdict = contest(far, near, parts)
        assert min(verdict.error.share, verdict.cost.share) > 0.1
        assert not verdict.is_promoted
    assert verdict.told()["least_observed"] == LEAST_OBSERVED


def test_a_gain_is_sure_only_by_enough_series_and_times_that_do_not_feel_each_other() -> None:
    def sure(series: int, origins: int, lasting: int) -> bool:
        less = np.linspace(0.9, 1.1, max(series, origins))
        return Gain.of(2.0, 1.0, less[:series], less[:origins], lasting).is_sure()

    assert sure(3, 2, 1)
    assert sure(1, 6, 1), "a single series has no t from series to series"
    assert not sure(1, 5, 1)
    assert not sure(60, 1, 1), "one moment says nothing of another"
    assert not sure(60, 3, 2)
    assert not sure(1, 11, 2)


def test_t_is_the_same_in_whatever_unit_and_a_single_value_has_none() -> None:
    values = np.array([1.0, 2.0, 5.0])
    assert t_of(1e-162 * values) == pytest.approx(t_of(values))
    assert t_of(1e200 * values, 2) == pytest.approx(t_of(values, 2))
    assert t_of(np.full(7, -0.1)) == -np.inf
    assert t_of(np.array([3.0])) == 0
