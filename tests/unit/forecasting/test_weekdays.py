"""Weekdays' shares: an item's own as far as it is sure of them, its class's for the rest."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cloud.forecasting.protocol import Floats
from cloud.forecasting.site_clock import SiteClock
from cloud.forecasting.weekdays import weekday_shares

PATTERN = np.array([1.0, 1, 1, 1, 2, 3, 1]) / 10


def world(series: int, weeks: int, level: float, *, seed: int = 1, own: float = 0.0) -> tuple[Floats, Floats]:
    """Poisson demand whose items share a pattern, as far as `own` is 0."""
    rng = np.random.default_rng(seed)
    true = PATTERN * np.exp(own * rng.normal(size=(series, 7)))
    true /= true.sum(axis=1, keepdims=True)
    return rng.poisson(level * true[:, None, :], (series, weeks, 7)).astype(float), true


def test_shares_of_steady_items_are_their_own() -> None:
    week = np.array([0.0, 0, 0, 0, 0, 7, 7])
    other = np.array([7.0, 7, 0, 0, 0, 0, 0])
    daily = np.stack([np.tile(week, (20, 1)), np.tile(other, (20, 1))])
    found = weekday_shares(daily, np.array([19]))
    np.testing.assert_allclose(found.shares[:, 0], [week / 14, other / 14], atol=1e-6)
    assert (found.borrowed < 1e-6).all()


def test_a_short_noisy_history_borrows_its_class_and_a_long_one_does_not() -> None:
    few, true = world(200, 4, 4, own=0.5)
    many, _ = world(200, 52, 400, own=0.5)
    short, long = (weekday_shares(daily, np.array([daily.shape[1] - 1])) for daily in (few, many))
    assert short.borrowed.mean() > 0.4
    assert long.borrowed.mean() < 0.1

    def error(shares: Floats) -> float:
        return float(((shares - true) ** 2).sum(axis=1).mean())

    own = few.sum(axis=1) / np.maximum(few.sum(axis=(1, 2)), 1)[:, None]
    pooled = np.broadcast_to(few.sum(axis=(0, 1)) / few.sum(), own.shape)
    assert error(short.shares[:, 0]) < min(error(own), error(pooled))


def test_classes_that_differ_lend_only_to_their_own() -> None:
    first, _ = world(60, 6, 5, seed=3)
    second, _ = world(60, 6, 5, seed=4)
    daily = np.concatenate([first, second[:, :, ::-1]])
    pools = np.repeat([0, 1], 60)
    together, apart = (weekday_shares(daily, np.array([5]), given).shares[:, 0] for given in (None, pools))
    true = np.repeat([PATTERN, PATTERN[::-1]], 60, axis=0)
    assert ((apart - true) ** 2).sum() < 0.6 * ((together - true) ** 2).sum()


def test_without_a_pattern_every_day_is_alike() -> None:
    rng = np.random.default_rng(2)
    found = weekday_shares(rng.poisson(3.0, (100, 30, 7)).astype(float), np.array([29]))
    np.testing.assert_allclose(found.shares, 1 / 7, atol=0.01)
    nothing = weekday_shares(np.full((2, 3, 7), np.nan), np.array([0, 2]))
    assert (nothing.shares == 1 / 7).all()


def test_later_weeks_and_other_orders_change_nothing() -> None:
    daily, _ = world(40, 30, 6, own=0.3)
    found = weekday_shares(daily[:, :20], np.array([9, 19]))
    later = weekday_shares(daily, np.array([9, 19, 29]))
    np.testing.assert_array_equal(found.shares, later.shares[:, :2])
    order = np.random.default_rng(0).permutation(40)
    np.testing.assert_array_equal(
        weekday_shares(daily[order], np.array([19])).shares, found.shares[order, 1:]
    )


def test_missing_days_do_not_make_a_weekday_quiet() -> None:
    daily = np.tile(PATTERN * 70, (3, 20, 1))
    daily[:, ::2, 5] = np.nan
    np.testing.assert_allclose(weekday_shares(daily, np.array([19])).shares[:, 0], np.tile(PATTERN, (3, 1)))


@pytest.mark.parametrize(
    ("zone", "start", "day", "length"),
    [
        ("Europe/London", time(), date(2026, 3, 29), 23),
        ("Europe/London", time(), date(2026, 10, 25), 25),
        ("America/New_York", time(4), date(2026, 3, 7), 23),
        ("Australia/Lord_Howe", time(), date(2026, 4, 5), 24.5),
        ("Asia/Kolkata", time(6), date(2026, 5, 1), 24),
    ],
)
def test_a_site_day_ends_by_its_own_clocks(zone: str, start: time, day: date, length: float) -> None:
    clock = SiteClock(zone, start)
    begun, over = clock.end_of(day - timedelta(days=1)), clock.end_of(day)
    assert over - begun == timedelta(hours=length)
    assert (over.tzinfo, over.astimezone(ZoneInfo(zone)).time()) == (UTC, start)
    assert SiteClock().end_of(day) == datetime.combine(day + timedelta(days=1), time(), UTC)
