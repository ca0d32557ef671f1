"""Days, weeks and four weeks: they agree, the cheapest for stock is chosen, and nothing knows the future."""

from datetime import date, timedelta

import numpy as np
import pytest

from cloud.forecasting.combining import Combination
from cloud.forecasting.engine import Plan, plan
from cloud.forecasting.granularity.domain import Bucket, BucketChoice, in_force, review_class
from cloud.forecasting.granularity.method import Granular
from cloud.forecasting.granularity.temporal import by_days, in_blocks, reconciled_weeks
from cloud.forecasting.policies import Policies
from cloud.forecasting.protocol import Floats
from cloud.forecasting.stock import Terms, play, terms_of

LAST = date(2026, 3, 1)


def policies(series: int, *, review: int = 7, protection: int = 14) -> Policies:
    return Policies(
        review_days=np.full(series, review),
        protection_days=np.full(series, protection),
        service=np.full(series, 0.95),
        stated=series,
    )


def planned(days: Floats, bucket: Bucket | None = None, *, review: int = 7) -> Plan:
    """Plan, in a period that is approved, or without any as one is chosen."""
    series = len(days)
    chosen = [BucketChoice(f"smooth, {review_class(review)}", bucket, LAST, {})] if bucket else []
    approved = [bucket] * series if bucket else []
    return plan(
        days,
        np.zeros(days.shape, dtype=bool),
        last_day=LAST,
        protection=np.full(series, review + 7),
        method=Granular(
            Combination(),
            policies(series, review=review, protection=review + 7),
            np.ones(series),
            choices=chosen,
            buckets=approved,
        ),
        processes=1,
    )


def noisy(series: int, weeks: int, *, seed: int = 5) -> Floats:
    rng = np.random.default_rng(seed)
    mean = rng.uniform(4, 30, series)[:, None] * np.tile([1.0, 1, 1, 1, 1.3, 1.6, 0.2], weeks)
    return rng.negative_binomial(4, 4 / (4 + mean)).astype(float)


def summing(weeks: int) -> Floats:
    """Which days belong to which week, and all to the block: the summing matrix of one block."""
    days = weeks * 7
    return np.concatenate([np.ones((1, days)), np.kron(np.eye(weeks), np.ones((1, 7))), np.eye(days)])


def test_four_weeks_agree_as_generalised_least_squares_has_it() -> None:
    rng = np.random.default_rng(1)
    days, weeks, block = rng.uniform(1, 2, 28), rng.uniform(8, 12, 4), rng.uniform(40, 50, 1)
    matrix = summing(4)
    weight = np.diag(1 / matrix.sum(axis=1))
    said = np.concatenate([block, weeks, days])
    bottom = np.linalg.solve(matrix.T @ weight @ matrix, matrix.T @ weight @ said)
    found = reconciled_weeks(days.reshape(4, 7).sum(axis=1), weeks, block)
    assert found.sum() == pytest.approx(bottom.sum())


def test_what_agrees_already_stays_as_it_is() -> None:
    weeks = np.array([[7.0, 14, 21, 28, 35]])
    days = np.array([[7.0, 14, 21, 28, np.nan]])
    np.testing.assert_allclose(reconciled_weeks(days, weeks, np.array([[70.0]])), weeks)
    np.testing.assert_allclose(by_days(days[:, :4], weeks), weeks)
    np.testing.assert_allclose(in_blocks(weeks, np.array([[70.0]])), weeks)


def test_nothing_becomes_negative_and_nothing_unknown_becomes_known() -> None:
    zero, unknown = np.zeros((1, 4)), np.full((1, 4), np.nan)
    assert in_blocks(zero, np.array([[8.0]])).tolist() == [[2.0, 2, 2, 2]]
    assert (reconciled_weeks(zero, np.full((1, 4), 9.0), np.zeros((1, 1))) >= 0).all()
    assert np.isnan(in_blocks(unknown, np.array([[8.0]]))).all()
    assert np.isnan(by_days(np.ones((1, 2)), unknown)).all()


def test_a_policy_holds_what_is_left_and_pays_once_for_what_waits() -> None:
    terms = Terms(np.array([1]), np.array([7]), np.array([1.0]), np.array([10.0]))
    demand = np.ones((1, 3, 7))
    cost = play(np.array([[[14.0, 14, 14]], [[10.0, 10, 10]]]), demand, terms)
    assert cost[0, 0].tolist() == [7 * 13 - 21, 21, 21]
    # On hand 10, then 3; the second week's seven wait from the fourth day on, until the order comes.
    assert cost[1, 0, 1] == 2 + 1 + 10 * 4
    assert cost.shape == (2, 1, 3)


def test_a_target_is_the_cheapest_service_at_its_own_costs() -> None:
    terms = terms_of(policies(2, review=28, protection=35), np.array([2.0, np.nan]))
    assert terms.review_weeks.tolist() == [4, 4]
    assert terms.protection_days.tolist() == [35, 35]
    np.testing.assert_allclose(terms.shortage, 19 * 28 * terms.holding)
    assert terms.holding[0] == terms.holding[1]


def test_a_choice_holds_from_its_day_on() -> None:
    first = BucketChoice("smooth", Bucket.DAY, LAST - timedelta(weeks=20), {})
    second = BucketChoice("smooth", Bucket.WEEK, LAST, {})
    assert in_force([first, second], "smooth", LAST - timedelta(1)) is Bucket.DAY
    assert in_force([first, second], "smooth", LAST) is Bucket.WEEK
    assert in_force([first, second], "lumpy", LAST) is Bucket.WEEK


@pytest.fixture(scope="module")
def whole() -> Plan:
    return planned(noisy(60, 40))


def test_the_choice_comes_with_what_each_bucket_would_have_cost(whole: Plan) -> None:
    (choice,) = whole.said.decided.anew if whole.said.decided else ()
    told = choice.evidence
    assert set(told["cost"]) == {"day", "week", "four_weeks", "reconciled", "naive"}
    assert told["cost"]["week"] < told["cost"]["naive"]
    assert (told["series"], told["to_day"], choice.decided_on) == (60, "2026-03-01", LAST)
    assert told["why"]


def test_what_is_chosen_does_not_depend_on_the_order_of_the_items(whole: Plan) -> None:
    order = np.random.default_rng(2).permutation(60)
    other = planned(noisy(60, 40)[order])
    assert whole.said.decided is not None
    assert other.said.decided is not None
    assert whole.said.decided.anew == other.said.decided.anew
    np.testing.assert_array_equal(whole.rolled.paths[order], other.rolled.paths)


@pytest.mark.parametrize("bucket", [Bucket.DAY, Bucket.FOUR_WEEKS, Bucket.RECONCILED])
def test_what_comes_later_changes_no_past_forecast_in_any_bucket(bucket: Bucket) -> None:
    days = noisy(25, 32)
    other = days.copy()
    other[:, -21:] = noisy(25, 3, seed=9) * 4
    later, changed = planned(days, bucket), planned(other, bucket)
    np.testing.assert_array_equal(later.rolled.forecast[:, :-3], changed.rolled.forecast[:, :-3])


def test_a_choice_waits_for_its_approval_and_every_origin_is_forecast_in_what_is_approved() -> None:
    days = noisy(25, 32)
    unapproved = BucketChoice("smooth, short review", Bucket.RECONCILED, LAST, {})
    one = Granular(Combination(), policies(25), np.ones(25), choices=[unapproved])
    unknown = np.zeros(days.shape, dtype=bool)
    waits = plan(days, unknown, last_day=LAST, protection=np.full(25, 14), method=one, processes=1)
    weeks, approved = planned(days, Bucket.WEEK), planned(days, Bucket.RECONCILED)
    np.testing.assert_array_equal(waits.rolled.forecast, weeks.rolled.forecast)
    told = waits.said.why(0)["granularity"]
    assert (told["bucket"], told["chosen"]) == ("week", "reconciled")
    is_other = ~np.isclose(approved.rolled.forecast, weeks.rolled.forecast, equal_nan=True).all(axis=(0, 2))
    assert is_other[-24:].all()


def test_days_weeks_and_four_weeks_of_a_forecast_are_each_others_sums() -> None:
    made = planned(noisy(25, 30), Bucket.RECONCILED)
    for row, series in enumerate(made.series()):
        weeks = series.mean[:91].reshape(13, 7).sum(axis=1)
        shift = made.rolled.sensed.shift(row, -1).reshape(2, 7).sum(axis=1)
        np.testing.assert_allclose(weeks[2:], made.rolled.paths[row, 2:], rtol=1e-9)
        np.testing.assert_allclose(weeks[:2], made.rolled.paths[row, :2] + shift, rtol=1e-6, atol=1e-9)


def test_a_few_items_are_too_little_evidence() -> None:
    made = planned(noisy(19, 40))
    assert made.said.decided is not None
    assert made.said.decided.anew == ()
    told = made.said.why(0)["granularity"]
    assert (told["items"], told["bucket"], told["evidence"]) == (19, "week", None)


def test_constant_demand_is_forecast_alike_in_every_bucket() -> None:
    days = np.full((25, 30 * 7), 3.0)
    for bucket in (Bucket.DAY, Bucket.FOUR_WEEKS, Bucket.RECONCILED):
        made = planned(days, bucket)
        np.testing.assert_allclose(made.rolled.paths, 21.0, rtol=1e-5)
