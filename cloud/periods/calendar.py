"""A site's calendar in, its periods as instants out; pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from cloud.periods.domain import PeriodError

PATTERNS: Final = ("month", "4-4-5", "4-5-4", "5-4-4")
"""How a year is cut: months, or quarters of so many weeks."""
_MONTHS: Final = 12
_WEEK: Final = timedelta(days=7)
_INSTANT: Final = timedelta(microseconds=1)
_FIRST_YEAR: Final = 1990
_LAST_YEAR: Final = 9998


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A period of a site."""

    starts_at: datetime
    ends_at: datetime
    """Its last microsecond: what occurred at it belongs to the period."""
    name: str = field(compare=False)
    """``2026-03``, or ``2026-P03`` of a calendar of weeks."""
    first_day: date = field(compare=False)
    last_day: date = field(compare=False)


@dataclass(frozen=True, slots=True)
class PeriodCalendar:
    """When a site's periods are.

    Examples:
        >>> night = PeriodCalendar("Europe/Madrid", time(6))
        >>> period = night.named("2026-03")
        >>> period.starts_at.isoformat(), period.ends_at.isoformat()
        ('2026-03-01T05:00:00+00:00', '2026-04-01T03:59:59.999999+00:00')
        >>> night.holding(datetime(2026, 4, 1, 3, 30, tzinfo=UTC)).name
        '2026-03'
        >>> weeks = PeriodCalendar(pattern="4-4-5")
        >>> [(p.name, p.first_day.isoformat(), p.last_day.isoformat()) for p in weeks.of_year(2026)][-1]
        ('2026-P12', '2026-11-23', '2027-01-03')
    """

    time_zone: str = "UTC"
    day_start: time = time()
    """When a day begins by the site's clocks: a night shift belongs to the day it began."""
    week_start: int = 1
    """1 is Monday."""
    pattern: str = "month"

    def named(self, name: str) -> Period:
        """Find a period by its name.

        Args:
            name: ``2026-03`` or ``2026-P03``, as the pattern has it.

        Returns:
            The period.

        Raises:
            PeriodError: If the calendar has none of that name.
        """
        year = name[:4]
        if year.isascii() and year.isdigit() and _FIRST_YEAR <= int(year) <= _LAST_YEAR:
            for period in self.of_year(int(year)):
                if period.name == name:
                    return period
        expected = "2026-03" if self.pattern == "month" else "2026-P03"
        raise PeriodError(
            f"period {name!r:.40}: expected one of a calendar by {self.pattern}, as {expected!r}, "
            f"from {_FIRST_YEAR} to {_LAST_YEAR}"
        )

    def holding(self, instant: datetime) -> Period:
        """Find the period of an instant.

        Args:
            instant: Aware.

        Returns:
            The period that it belongs to.

        Raises:
            PeriodError: If the calendar does not reach so far.
        """
        year = instant.astimezone(ZoneInfo(self.time_zone)).year
        for period in (p for y in (year - 1, year, year + 1) for p in self.of_year(y)):
            if period.starts_at <= instant <= period.ends_at:
                return period
        raise PeriodError(f"{instant.isoformat()} lies in no period of the calendar")

    def before(self, period: Period) -> Period:
        """Give the period that ends where another begins."""
        return self.holding(period.starts_at - _INSTANT)

    def of_year(self, year: int) -> Iterator[Period]:
        """List the periods of a year.

        Args:
            year: Of the calendar; years of weeks begin with the week of 4 January, as ISO 8601 has it.

        Yields:
            Twelve periods in order.
        """
        bounds = self._months(year) if self.pattern == "month" else self._weeks(year)
        letter = "" if self.pattern == "month" else "P"
        for number, (first, following) in enumerate(pairwise(bounds), start=1):
            yield Period(
                self._begin(first),
                self._begin(following) - _INSTANT,
                f"{year:04}-{letter}{number:02}",
                first,
                following - timedelta(days=1),
            )

    def _months(self, year: int) -> list[date]:
        return [*(date(year, month, 1) for month in range(1, _MONTHS + 1)), date(year + 1, 1, 1)]

    def _weeks(self, year: int) -> list[date]:
        """A year of 53 weeks has the last one in its last period."""
        lengths = [int(weeks) for weeks in self.pattern.split("-")] * 4
        starts = [self._year_start(year) + _WEEK * weeks for weeks in accumulate(lengths, initial=0)]
        return [*starts[:-1], self._year_start(year + 1)]

    def _year_start(self, year: int) -> date:
        fourth = date(year, 1, 4)
        return fourth - timedelta(days=(fourth.isoweekday() - self.week_start) % 7)

    def _begin(self, day: date) -> datetime:
        return datetime.combine(day, self.day_start, ZoneInfo(self.time_zone)).astimezone(UTC)
