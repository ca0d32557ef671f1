"""The events of a site that a run is computed with. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from cloud.events.domain import EventRow, Subject
from cloud.forecasting.drivers import Driven
from cloud.forecasting.protocol import Ints
from cloud.forecasting.site_clock import SiteClock
from cloud.forecasting.site_drivers import site_driven
from cloud.forecasting.weeks import Weeks


@dataclass(frozen=True, slots=True)
class Moves:
    """Events of a site, and the items that they may move."""

    revisions: Sequence[EventRow]
    subjects: Sequence[Subject]
    """The items, in the order of the series."""
    last_day: date
    known_at: datetime
    """When the run began: what was known then counts for the forecast in force."""
    clock: SiteClock = field(default_factory=SiteClock)
    """When the site's days end."""

    def of(self, rows: Sequence[int]) -> "Moves":
        """Give the same of some of the items.

        Args:
            rows: Their places.

        Returns:
            What moves them.
        """
        return replace(self, subjects=[self.subjects[row] for row in rows])

    def drive(self, weeks: Weeks, origins: Ints, horizon_weeks: int) -> Driven | None:
        """Learn effects from the past, clean it by them, and say what multiplies each forecast.

        Args:
            weeks: Of the series; the last week ends with the last day.
            origins: Weeks from which is forecast.
            horizon_weeks: How far.

        Returns:
            The effects; None if no event is known.
        """
        return site_driven(
            weeks,
            origins,
            horizon_weeks,
            last_day=self.last_day,
            now=self.known_at,
            revisions=self.revisions,
            subjects=self.subjects,
            clock=self.clock,
        )
