"""Days, weeks and four weeks of a site's calendar: in decimals, and exactly each other's sums."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from cloud.forecasting.granularity.calendar import four_weeks, in_decimals, periods
from cloud.forecasting.site_clock import SiteClock

FIRST = date(2026, 12, 30)  # a Wednesday in the year's 53rd week
MONDAY, SATURDAY = SiteClock(), SiteClock(week_start=6)


def days(count: int = 91, seed: int = 1) -> list[float]:
    return np.random.default_rng(seed).gamma(0.4, 3.0, count).astype(np.float32).tolist()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("step", [Decimal("0.001"), Decimal(1)])
def test_no_sum_of_rounded_days_is_further_off_than_half_a_step(seed: int, step: Decimal) -> None:
    mean = days(seed=seed)
    rounded = in_decimals(mean, step)
    assert all(day >= 0 and day % step == 0 for day in rounded)
    for until in range(len(mean)):
        assert abs(sum(rounded[: until + 1]) - Decimal(sum(mean[: until + 1]))) <= step / 2 + Decimal("1e-9")


@pytest.mark.parametrize("clock", [MONDAY, SATURDAY, SiteClock(week_start=7)])
def test_days_weeks_and_four_weeks_are_exactly_each_others_sums(clock: SiteClock) -> None:
    rounded = in_decimals(days())
    weeks, blocks = periods(FIRST, rounded, clock), four_weeks(FIRST, rounded, clock)
    assert sum(rounded) == sum(week.expected for week in weeks) == sum(block.expected for block in blocks)
    for place, block in enumerate(blocks):
        within = weeks[4 * place : 4 * place + 4]
        assert block.expected == sum(week.expected for week in within)
        assert (block.from_day, block.days) == (within[0].from_day, sum(week.days for week in within))
    for week in weeks:
        first = (week.from_day - FIRST).days
        assert week.expected == sum(rounded[max(first, 0) : first + 7])
        assert week.from_day.isoweekday() == clock.week_start
        assert week.to_day - week.from_day == timedelta(days=6)


def test_the_53rd_week_of_a_year_is_a_week_as_any_other() -> None:
    weeks = periods(FIRST, [Decimal(1)] * 91, MONDAY)
    assert weeks[0].from_day.isocalendar()[:2] == (2026, 53)
    assert weeks[1].from_day.isocalendar()[:2] == (2027, 1)
    assert [week.days for week in weeks] == [5, *[7] * 12, 2]


def test_a_week_that_begins_on_saturday_holds_the_days_before_its_friday() -> None:
    weeks = periods(FIRST, [Decimal(1)] * 10, SATURDAY)
    assert [(week.from_day, week.days) for week in weeks] == [
        (date(2026, 12, 26), 3),
        (date(2027, 1, 2), 7),
    ]


def test_weeks_in_which_clocks_change_have_seven_days() -> None:
    first = date(2026, 3, 23)
    assert [week.days for week in periods(first, [Decimal(1)] * 21, SiteClock("Europe/London"))] == [7, 7, 7]
    assert periods(first, [], MONDAY) == []
