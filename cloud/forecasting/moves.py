"""The events of a site that a run is computed with. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from cloud.events.domain import EventRow, Subject
from cloud.forecasting.drivers import Driven
from cloud.forecasting.protocol import Floats, Ints
from cloud.forecasting.site_drivers import site_driven


@dataclass(frozen=True, slots=True)
class Moves:
    """Events of a site, and the items that they may move."""

    revisions: Sequence[EventRow]
    subjects: Sequence[Subject]
    """The items, in the order of the series."""
    last_day: date
    known_at: datetime
    """When the run began: what was known then counts for the forecast in force."""

    def drive(self, totals: Floats, origins: Ints, horizon_weeks: int) -> Driven | None:
        """Learn effects from the past, clean it by them, and say what multiplies each forecast.

        Args:
            totals: Series x weeks; the last week ends with the last day.
            origins: Weeks from which is forecast.
            horizon_weeks: How far.

        Returns:
            The effects; None if no event is known.
        """
        return site_driven(
            totals,
            origins,
            horizon_weeks,
            last_day=self.last_day,
            now=self.known_at,
            revisions=self.revisions,
            subjects=self.subjects,
        )
