"""How many forecasts are found odd though nothing changed, and whether those that changed are among them."""

import numpy as np
import pytest

from cloud.forecasting.reviewing.domain import Setting, is_drift
from cloud.forecasting.reviews import LEAST_SHARES, TRIGGERS, Reviews, review

RNG_SEED = 11


def shares(found: Reviews) -> float:
    assert found.share is not None
    return float(np.mean([*found.past_shares, found.share]))


@pytest.mark.parametrize("kind", ["normal", "skewed", "intermittent", "overlapping_sums", "autocorrelated"])
def test_four_triggers_together_flag_the_nominal_share_whatever_the_errors_look_like(kind: str) -> None:
    rng = np.random.default_rng(RNG_SEED)
    series, origins = 1500, 40
    noise = rng.normal(size=(series, origins + 3))
    errors = {
        "normal": noise[:, 3:],
        "skewed": rng.exponential(size=(series, origins)) - 1,
        "intermittent": (rng.random((series, origins)) < 0.15) * rng.gamma(1, 5, (series, origins)) - 0.75,
        "overlapping_sums": sum(noise[:, lag : lag + origins] for lag in range(4)) / 2,
        "autocorrelated": noise[:, 3:] + 0.6 * noise[:, 2:-1] + 0.4 * noise[:, 1:-2],
    }[kind]
    widths = rng.gamma(2, 10, series)
    found = review(errors * widths[:, None], widths, rng.integers(0, 10, series))
    assert shares(found) == pytest.approx(0.05, abs=0.01)
    assert found.expected == pytest.approx(0.05 * series)
    assert set(found.trigger.tolist()) <= set(range(len(TRIGGERS)))


def test_series_that_change_are_found_by_the_trigger_made_for_it() -> None:
    rng = np.random.default_rng(RNG_SEED)
    errors = rng.normal(size=(2000, 40))
    errors[:10, -1] += 8  # one great error
    errors[10:20, -5:] += 2.5  # a shift some weeks ago
    errors[20:30, -8:] -= 1.6  # a bias the other way
    found = review(errors, np.ones(2000), np.zeros(2000, dtype=int), nominal=0.02)
    assert found.is_flagged[:30].mean() > 0.85
    assert (found.trigger[:10] == TRIGGERS.index("band")).sum() >= 8
    assert "band" not in {TRIGGERS[index] for index in found.trigger[20:30]}
    assert (found.statistic[20:30, 2:] < 0).all()
    is_told = found.is_flagged & np.isfinite(found.limit[np.arange(2000), found.trigger])
    chosen = np.arange(2000)[is_told], found.trigger[is_told]
    assert (abs(found.statistic[chosen]) >= abs(found.limit[chosen])).all()


def test_weeks_in_which_all_series_err_more_flag_no_more_unless_they_are_beyond_the_usual() -> None:
    rng = np.random.default_rng(RNG_SEED)
    weeks = np.exp(rng.normal(0, 0.25, 40))
    errors = rng.normal(size=(1000, 40)) * weeks
    strata = rng.integers(0, 5, 1000)
    found = review(errors, np.ones(1000), strata)
    assert shares(found) == pytest.approx(0.05, abs=0.01)
    assert np.max(found.past_shares[LEAST_SHARES:]) < 0.08
    errors[:, -1] = rng.normal(size=1000) * 4
    found = review(errors, np.ones(1000), strata)
    assert is_drift(share=found.share or 0, nominal=0.05, judged=1000, past=found.past_shares.tolist()), (
        found.share
    )


def test_units_order_and_a_later_week_change_no_verdict() -> None:
    rng = np.random.default_rng(RNG_SEED)
    errors, strata = rng.normal(size=(400, 30)), rng.integers(0, 3, 400)
    errors[rng.random(errors.shape) < 0.05] = np.nan
    scale = np.full(errors.shape, 1.5)
    found = review(errors, scale, strata)
    thousandfold = review(errors * 1000, scale * 1000, strata)
    assert (found.is_flagged == thousandfold.is_flagged).all()
    turned = np.random.default_rng(1).permutation(400)
    moved = review(errors[turned], scale[turned], strata[turned])
    assert (moved.is_flagged == found.is_flagged[turned]).all()
    assert moved.level == found.level
    assert (review(errors[:, :29], scale[:, :29], strata).is_judged == np.isfinite(errors[:, 28])).all()


def test_the_sleeping_the_unknown_and_the_woken_are_told_apart() -> None:
    rng = np.random.default_rng(RNG_SEED)
    errors, scale = rng.normal(size=(300, 20)), np.ones(300)
    errors[0] = 0
    errors[1] = 0
    errors[1, -1] = 5
    scale[:2] = 0
    errors[2, -1] = np.nan
    errors[3, :10] = np.nan
    found = review(errors, scale, np.full(300, -1))
    assert found.is_judged[:4].tolist() == [False, True, False, True]
    assert found.is_flagged[:3].tolist() == [False, True, False]
    assert np.isnan(found.chance[[0, 2]]).all()
    assert found.trigger[[0, 2]].tolist() == [-1, -1]


def test_too_little_to_compare_judges_nothing_and_nonsense_is_refused() -> None:
    found = review(np.ones((3, 1)), np.ones(3), np.zeros(3, dtype=int))
    assert (found.is_judged.any(), found.share, found.expected) == (False, None, 0.0)
    assert review(np.zeros((0, 20)), np.zeros(0), np.zeros(0, dtype=int)).share is None
    errors, ones, strata = np.ones((3, 9)), np.ones(3), np.zeros(3, dtype=int)
    for arguments, expected in (
        ((errors[0], ones, strata), "series x origins"),
        ((errors, np.ones(4), strata), "scale has shape"),
        ((errors, -ones, strata), "no scale below zero"),
        ((errors * np.inf, ones, strata), "finite"),
    ):
        with pytest.raises(ValueError, match=expected):
            review(*arguments)
    with pytest.raises(ValueError, match="nominal 1"):
        review(errors, ones, strata, nominal=1.0)
    with pytest.raises(ValueError, match="window 99"):
        review(errors, ones, strata, window=99)


def test_a_wish_for_fewer_reviews_lowers_the_share_and_drift_is_more_than_chance() -> None:
    assert Setting("leeds").nominal_of(10_000) == 0.05
    assert Setting("leeds", most_per_week=20).nominal_of(10_000) == 0.002
    assert Setting("leeds", most_per_week=20).nominal_of(0) == 0.05
    assert is_drift(share=0.2, nominal=0.05, judged=1000, past=[0.05])
    assert not is_drift(share=0.09, nominal=0.05, judged=100_000, past=[0.05, 0.05])
    assert not is_drift(share=0.2, nominal=0.05, judged=1000, past=[0.02, 0.2, 0.05])
    assert not is_drift(share=0.0, nominal=0.05, judged=0, past=[])
