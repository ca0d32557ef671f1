"""The whole of a run as mathematics: no future leaks in, order and processes do not matter, bands hold."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from cloud.events.domain import EventRow, Subject
from cloud.forecasting import combining, engine, sensing, weeks
from cloud.forecasting.batch import roomy, scales
from cloud.forecasting.batch.bands import conformal
from cloud.forecasting.blocks import ByBlocks
from cloud.forecasting.cold_start import LIKES_MODEL, Likes
from cloud.forecasting.cold_start import MODEL as COLD_MODEL
from cloud.forecasting.combining import Combination
from cloud.forecasting.domain import BAND, HORIZONS, LEVELS, WIDE_BAND, Band
from cloud.forecasting.engine import Plan, PlannedSeries, plan
from cloud.forecasting.moves import Moves
from cloud.forecasting.smoothing import SimpleSmoothing

LAST = date(2026, 3, 1)


def demand(series: int, weeks: int, *, seed: int = 1) -> np.ndarray:
    """Make negative binomial demand whose means spread over three orders, with a quiet weekday."""
    rng = np.random.default_rng(seed)
    mean = np.exp(rng.normal(0.5, 1.3, series))[:, None] * np.tile([1.0, 1, 1, 1, 1.4, 1.6, 0.2], weeks)
    return rng.negative_binomial(2, 2 / (2 + mean)).astype(float)


def planned(
    quantity: np.ndarray,
    *,
    censored: np.ndarray | None = None,
    protection: int | np.ndarray = 14,
    last_day: date = LAST,
    processes: int = 1,
) -> Plan:
    return plan(
        quantity,
        np.zeros(quantity.shape, dtype=bool) if censored is None else censored,
        last_day=last_day,
        protection=np.broadcast_to(protection, len(quantity)),
        processes=processes,
    )


def assert_same(one: PlannedSeries, other: PlannedSeries) -> None:
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.cum_q, other.cum_q)
    assert (one.why, one.backtest, one.wape, one.model) == (
        other.why,
        other.backtest,
        other.wape,
        other.model,
    )


@pytest.fixture(scope="module")
def whole() -> Plan:
    return planned(demand(200, 66))


@pytest.mark.parametrize("more", [3, 5], ids=["within a block of weights", "across its end"])
def test_what_comes_later_never_changes_what_was_said(more: int) -> None:
    days = demand(40, 50)
    now = planned(days[:, : -7 * more], last_day=LAST - timedelta(days=7 * more))
    later = planned(days)
    origins = len(now.rolled.origins)
    np.testing.assert_array_equal(now.rolled.forecast, later.rolled.forecast[:, :origins])
    np.testing.assert_array_equal(now.calibration.strata, later.calibration.strata[:, :origins])
    np.testing.assert_array_equal(now.calibration.scales, later.calibration.scales[:, :origins])
    shared = len(now.judged.places) - more
    np.testing.assert_array_equal(now.judged.low[:, -shared:], later.judged.low[:, :shared])
    np.testing.assert_array_equal(now.judged.high[:, -shared:], later.judged.high[:, :shared])
    # What was in force then is what the later backtest holds against it.
    in_force = [series.cum_q[1] for series in now.series()]
    held = later.judged.low[:, -more, HORIZONS.index(7)]
    np.testing.assert_array_equal([quantiles[BAND[0]] for quantiles in in_force], held)


def test_the_order_of_the_series_does_not_matter() -> None:
    days = demand(66, 30, seed=3)
    days[5] = days[6]
    order = np.random.default_rng(2).permutation(len(days))
    straight, mixed = planned(days), planned(days[order])
    rows = list(straight.series())
    for place, series in enumerate(mixed.series()):
        assert_same(series, rows[order[place]])
    assert straight.outcome() == mixed.outcome()


def test_the_number_of_processes_does_not_matter() -> None:
    days = demand(66, 20, seed=5)
    for one, other in zip(planned(days).series(), planned(days, processes=2).series(), strict=True):
        assert_same(one, other)


def test_memory_spared_by_doing_some_series_at_once_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    days = demand(66, 40, seed=8)
    protection = np.random.default_rng(8).integers(3, 20, len(days))
    learned = planned(days[:, :-35], last_day=LAST - timedelta(days=35)).said.training
    assert learned is not None

    def made() -> Plan:
        unknown = np.zeros(days.shape, dtype=bool)
        method = Combination(learned.state)
        return plan(days, unknown, last_day=LAST, protection=protection, method=method)

    whole = made()
    monkeypatch.setattr(combining, "MOST_KEPT", 0)
    monkeypatch.setattr(engine, "BANDS_AT_ONCE", 7)
    monkeypatch.setattr(sensing, "AT_ONCE", 11)
    monkeypatch.setattr(weeks, "AT_ONCE", 9)
    monkeypatch.setattr(scales, "AT_ONCE", 13)
    monkeypatch.setattr(roomy, "LARGE", 0)
    spared = made()
    assert roomy.file_of(spared.rolled.forecast) is not None
    assert roomy.file_of(whole.rolled.forecast) is None
    for one, other in zip(whole.series(), spared.series(), strict=True):
        assert_same(one, other)
    assert spared.outcome() == whole.outcome()


def test_a_large_array_is_in_a_file_also_where_the_disk_cannot_be_asked_for_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr("os.posix_fallocate")
    monkeypatch.setattr(roomy, "LARGE", 0)
    monkeypatch.setattr(roomy, "_AT_ONCE", 1000)
    made = roomy.roomy((3, 117))
    file = roomy.file_of(made)
    assert file is not None
    assert file.size() == made.nbytes == 3 * 117 * 8
    made[...] = 1.5
    roomy.let_go(made)
    assert made.sum() == 1.5 * 3 * 117


def test_bands_hold_on_sums_over_horizons(whole: Plan) -> None:
    told = whole.outcome()["judged"]["by_horizon_days"]
    for days in ("7", "14", "28"):
        assert told[days]["coverage_80"] == pytest.approx(0.8, abs=0.04), days
        assert told[days]["coverage_95"] == pytest.approx(0.95, abs=0.025), days
        assert told[days]["wape"] < told[days]["naive_wape"]
        assert abs(told[days]["bias"]) < 0.03


def test_bands_hold_over_a_protection_period_that_no_horizon_has() -> None:
    days = demand(160, 90)
    within: dict[Band, list[float]] = {BAND: [], WIDE_BAND: []}
    for ago in (21, 42, 63, 84, 105):
        then = planned(days[:, :-ago], protection=21, last_day=LAST - timedelta(days=ago))
        came = days[:, -ago:][:, :21].sum(axis=1)
        bands = np.array([series.cum_q[list(series.horizons).index(21)] for series in then.series()])
        for band, shares in within.items():
            low, high = np.array([band.of(quantiles) for quantiles in bands]).T
            shares.append(((came >= low) & (came <= high)).mean())
    assert np.mean(within[BAND]) == pytest.approx(0.8, abs=0.05)
    assert np.mean(within[WIDE_BAND]) == pytest.approx(0.95, abs=0.03)


def test_the_yardstick_method_forecasts_the_same_series_and_says_what_it_rests_on(whole: Plan) -> None:
    yardstick = plan(
        demand(20, 66),
        np.zeros((20, 66 * 7), dtype=bool),
        last_day=LAST,
        protection=np.full(20, 14),
        method=ByBlocks(SimpleSmoothing()),
    )
    one, other = next(yardstick.series()), next(whole.series())
    assert (one.model, other.model) == ("simple_smoothing", "combination")
    assert set(one.why["parameters"]) == set(SimpleSmoothing.parameter_names)
    weights = [member["weight"] for member in other.why["members"].values()]
    assert sum(weights) == pytest.approx(1, abs=0.001)
    assert one.mean[:28].sum() == pytest.approx(other.mean[:28].sum(), rel=0.3)


def test_an_item_without_history_of_its_own_sells_like_its_likes() -> None:
    days = demand(30, 40, seed=9)
    days[0] = 0
    days[0, -1] = 1
    alike = Likes(["cup"] * 20 + [None] * 10, np.full(30, 2.0))
    first, *_ = plan(
        days, np.zeros(days.shape, dtype=bool), last_day=LAST, protection=np.full(30, 14), likes=alike
    ).series()
    assert (first.is_sufficient, first.model, first.why["likes"]) == (False, LIKES_MODEL, 19)
    assert first.mean[0] == pytest.approx((1 + 3.5 * days[1:20].mean()) / (7 + 3.5), rel=0.001)


def test_quantiles_rise_with_level_and_horizon_and_are_never_negative(whole: Plan) -> None:
    for series in whole.series():
        assert series.cum_q.shape == (len(HORIZONS), len(LEVELS))
        assert (series.cum_q >= 0).all()
        assert (np.diff(series.cum_q, axis=0) >= 0).all()
        assert (np.diff(series.cum_q, axis=1) >= 0).all()
        assert (series.mean >= 0).all()
        assert len(series.mean) == series.horizons[-1]


def test_a_protection_period_beyond_the_horizons_is_covered() -> None:
    (series, short) = planned(demand(2, 40, seed=8), protection=np.array([200, 1])).series()
    assert series.horizons.tolist() == [*HORIZONS, 200]
    assert len(series.mean) == 200
    assert series.cum_q[-1, 0] > series.cum_q[-2, 0]
    assert short.horizons.tolist() == list(HORIZONS)


def test_one_week_of_history_is_insufficient_and_its_bands_are_wide() -> None:
    days = demand(30, 60, seed=9)
    days[0, :-7] = 0
    days[0, -7:] = 4
    days[1] = 4
    short, long, *_ = planned(days).series()
    assert (short.is_sufficient, short.model, short.backtest, short.wape) == (False, COLD_MODEL, [], None)
    assert short.mean[:7].sum() == pytest.approx(long.mean[:7].sum(), rel=0.01) == pytest.approx(28)
    width = {series.model: series.cum_q[2, BAND[1]] - series.cum_q[2, BAND[0]] for series in (short, long)}
    assert width[COLD_MODEL] > 1.5 * short.mean[:14].sum()
    assert width[COLD_MODEL] > 2 * width[long.model]
    assert short.why["needed_weeks"] == 8


def test_one_busy_day_is_not_taken_for_every_day() -> None:
    days = np.zeros((1, 70))
    days[0, -1] = 5
    (series,) = planned(days).series()
    assert series.mean[:7].sum() == pytest.approx(5)


def test_nothing_asked_for_is_forecast_as_nothing_though_not_as_never() -> None:
    days = np.zeros((1, 70))
    days[0, 3] = 9
    (series,) = planned(days, censored=days > 0).series()
    assert not series.is_sufficient
    assert not series.mean.any()
    assert series.cum_q[1, LEVELS.index(0.9)] == 0
    assert series.cum_q[-1, LEVELS.index(0.995)] >= 2


def test_stock_outs_are_left_out_and_told() -> None:
    days = demand(25, 60, seed=11)
    days[0, -140:-42] = 0
    censored = np.zeros(days.shape, dtype=bool)
    censored[0, -140:-42] = True
    masked, *_ = planned(days, censored=censored).series()
    blind, *_ = planned(days).series()
    assert (masked.why["masked_days"], masked.why["masked_weeks"]) == (98, 14)
    assert masked.mean.sum() > 1.2 * blind.mean.sum()
    assert {line.actual for line in masked.backtest} > {None}
    assert None not in {line.actual for line in blind.backtest}


def test_the_backtest_has_thirteen_origins_and_only_windows_that_have_come(whole: Plan) -> None:
    first, *_ = whole.series()
    by_horizon = {
        days: [line.origin for line in first.backtest if line.horizon_days == days] for days in (7, 14, 28)
    }
    assert [len(origins) for origins in by_horizon.values()] == [13, 12, 10]
    assert max(by_horizon[28]) == LAST - timedelta(days=28)
    week = [line for line in first.backtest if line.horizon_days == 7]
    assert all(line.actual is not None for line in week)
    came = np.array([line.actual for line in week])
    said = np.array([line.forecast for line in week])
    assert first.wape == pytest.approx(abs(said - came).sum() / came.sum())
    assert first.bias == pytest.approx((said - came).sum() / came.sum())
    covered = np.mean([line.low <= line.actual <= line.high for line in week])
    assert first.coverage == pytest.approx(covered)


def test_a_wrong_protection_period_is_refused() -> None:
    with pytest.raises(ValueError, match="expected days > 0, one per series"):
        planned(demand(2, 10), protection=np.array([7, 0]))


def test_conformal_quantiles_are_the_stated_order_statistics() -> None:
    values = np.arange(1.0, 100.0)
    found = conformal(values, np.array(LEVELS)).tolist()
    assert found[:5] == [1, 1, 2, 5, 10]
    assert found[7:] == [50, 70, 80, 90, 95, 98, 99, 99]


def promotion(number: int, week: int, *, known_at: datetime, weeks: int = 80) -> EventRow:
    """Tell of a promotion of all items during a week, counted from the first."""
    first = LAST - timedelta(days=7 * (weeks - week) - 1)
    return EventRow(
        event_id=number,
        revision=1,
        site="leeds",
        item=None,
        item_id=None,
        category=None,
        from_day=first,
        to_day=first + timedelta(days=6),
        kind="promotion",
        name="two for one",
        attributes={},
        effect_prior=None,
        known_at=known_at,
        source="test",
        reference="",
        is_withdrawn=False,
        reason="",
        author="user:test",
        recorded_at=known_at,
    )


def test_a_promotion_known_by_then_moves_the_forecast_and_one_told_later_does_not() -> None:
    weeks, promoted = 80, (10, 19, 33, 41, 52, 60, 71)
    days = np.random.default_rng(6).poisson(10, (40, weeks * 7)).astype(float)
    for week in promoted:
        days[:, week * 7 : (week + 1) * 7] *= 2
    now = datetime(LAST.year, LAST.month, LAST.day, tzinfo=UTC) + timedelta(days=1, hours=6)
    long_ago = now - timedelta(weeks=weeks + 10)
    past = [promotion(number, week, known_at=long_ago) for number, week in enumerate(promoted, start=1)]

    def next_weeks(*more: EventRow) -> list[float]:
        moves = Moves([*past, *more], [Subject(number, None) for number in range(40)], LAST, now)
        made = plan(
            days,
            np.zeros(days.shape, dtype=bool),
            last_day=LAST,
            protection=np.full(40, 14),
            method=Combination(None, moves),
        )
        told = list(made.series())
        assert told[0].why["effects"][0]["name"] == "promotion"
        mean = np.mean([series.mean for series in told], axis=0)
        return [float(mean[7 * n : 7 * n + 7].sum()) for n in range(3)]

    plain = next_weeks()
    told = next_weeks(promotion(8, weeks + 1, known_at=now - timedelta(hours=1)))
    late = next_weeks(promotion(8, weeks + 1, known_at=now + timedelta(hours=1)))
    assert plain == pytest.approx([70, 70, 70], rel=0.05)
    assert told == pytest.approx([plain[0], 2 * plain[1], plain[2]], rel=0.08)
    assert late == plain
