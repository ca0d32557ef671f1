"""A site's days and weeks on the time line (DOMAIN D9): when a day ends, which week a day is in. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class SiteClock:
    """Where and when a site's days begin."""

    time_zone: str = "UTC"
    """IANA name."""
    day_start: time = time()
    """By the site's clocks."""
    week_start: int = 1
    """ISO: 1 is Monday."""

    def end_of(self, day: date) -> datetime:
        """Give the moment at which a site day is over.

        Args:
            day: Site day.

        Returns:
            The moment, in UTC; where clocks skip the time of the start, the day ends as far past the change.

        Examples:
            >>> SiteClock("America/New_York", time(4)).end_of(date(2026, 3, 7)).isoformat()
            '2026-03-08T08:00:00+00:00'
        """
        following = datetime.combine(day + timedelta(days=1), self.day_start, ZoneInfo(self.time_zone))
        return following.astimezone(UTC)

    def week_of(self, day: date) -> date:
        """Give the first day of the week that a day is in.

        Args:
            day: Site day.

        Returns:
            The day itself, or one of the six before it.

        Examples:
            >>> SiteClock(week_start=6).week_of(date(2026, 3, 6)).isoformat()  # a Friday
            '2026-02-28'
        """
        return day - timedelta(days=(day.isoweekday() - self.week_start) % _WEEK)
