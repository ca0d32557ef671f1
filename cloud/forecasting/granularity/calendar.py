"""A forecast by the days, weeks and four weeks of a site's calendar, in decimals that add up exactly. Pure.

Each day is what the rounded sum until it has more than the rounded sum until the day before: no day is
negative, and every sum of days is within half a step of what was forecast, so that days, weeks and four weeks
agree exactly.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import accumulate
from typing import Final, NamedTuple

from cloud.forecasting.granularity.domain import BLOCK_WEEKS
from cloud.forecasting.site_clock import SiteClock

STEP: Final = Decimal("0.001")
"""Base units are told in thousandths."""
_WEEK: Final = 7


class Period(NamedTuple):
    """Some days of the calendar, and what is expected to be asked for on those of them that are forecast."""

    from_day: date
    to_day: date
    """Itself included."""
    days: int
    """How many are forecast: fewer in the first and the last one."""
    expected: Decimal


def in_decimals(mean: Sequence[float], step: Decimal = STEP) -> list[Decimal]:
    """Round days so that their sums are the rounded sums.

    Args:
        mean: Of each day, >= 0.
        step: To which is rounded.

    Returns:
        Of each day, >= 0.

    Examples:
        >>> [str(day) for day in in_decimals([0.4, 0.4, 0.4], Decimal(1))]
        ['0', '1', '0']
    """
    sums = [Decimal(total).quantize(step, ROUND_HALF_EVEN) for total in accumulate(map(float, mean))]
    return [after - before for before, after in zip([Decimal(0), *sums], sums, strict=False)]


def periods(first_day: date, days: Sequence[Decimal], clock: SiteClock, *, weeks: int = 1) -> list[Period]:
    """Sum days over the site's weeks, or over blocks of them from the first one on.

    Args:
        first_day: Of the forecast.
        days: As `in_decimals` gives them.
        clock: When the site's weeks begin.
        weeks: In a period, > 0; 4 for four weeks.

    Returns:
        The periods; the first begins on or before the first day.

    Examples:
        >>> saturday = SiteClock(week_start=6)
        >>> [one.days for one in periods(date(2026, 12, 31), [Decimal(1)] * 10, saturday)]
        [2, 7, 1]
    """
    length = _WEEK * weeks
    begin = clock.week_of(first_day)
    found = []
    while (offset := (begin - first_day).days) < len(days):
        within = days[max(offset, 0) : offset + length]
        found.append(Period(begin, begin + timedelta(days=length - 1), len(within), sum(within, Decimal(0))))
        begin += timedelta(days=length)
    return found


def four_weeks(first_day: date, days: Sequence[Decimal], clock: SiteClock) -> list[Period]:
    """Sum days over four of the site's weeks at a time.

    Args:
        first_day: Of the forecast.
        days: As `in_decimals` gives them.
        clock: When the site's weeks begin.

    Returns:
        The periods.
    """
    return periods(first_day, days, clock, weeks=BLOCK_WEEKS)
