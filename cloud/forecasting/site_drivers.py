"""A site's events in, drivers of its weeks and days out; each origin sees what was known then. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np

from cloud.events.arrays import Arranged, covariates_of, priors_of
from cloud.events.domain import EventRow, Subject
from cloud.forecasting.drivers import Driven, by_week, driven_as_known
from cloud.forecasting.event_days import (
    Cells,
    DayEffects,
    EventDays,
    learn_days,
    most_asked_for,
    quiet,
    weeks_moved,
)
from cloud.forecasting.event_lives import as_of_late
from cloud.forecasting.event_traces import MARGIN, Traces
from cloud.forecasting.protocol import Bools, Floats, Ints
from cloud.forecasting.site_clock import SiteClock
from cloud.forecasting.uplift import Covariates, Fit
from cloud.forecasting.weekdays import Weekdays, classes_of, weekday_shares
from cloud.forecasting.weeks import DAYS, Weeks

CHUNK: Final = 500
"""Items whose days are held at a time."""
FORTNIGHT: Final = 2
"""Weeks after each origin whose days are told one by one."""


def site_driven(
    weeks: Weeks,
    origins: Ints,
    horizon_weeks: int,
    *,
    last_day: date,
    revisions: Sequence[EventRow],
    subjects: Sequence[Subject],
    now: datetime | None = None,
    clock: SiteClock | None = None,
) -> Driven | None:
    """Learn what a site's events do to its weeks and days, and say what they make of each origin's forecasts.

    Args:
        weeks: Of the items; the last week ends with the last day.
        origins: Weeks from which is forecast, ascending; the last one is in force.
        horizon_weeks: Weeks ahead.
        last_day: Last day known.
        revisions: Of the events that touch these days, each with all its revisions.
        subjects: The items, in the order of the rows; those of a category are a pool.
        now: What is told of events by now counts for the forecast in force; None: by the end of the last day.
        clock: When the site's days end; None: at midnight UTC.

    Returns:
        The drivers; None where no event was known by the last day, and forecasts stay as they are. Weather
        that is not forecast so far ahead counts as the usual.
    """
    ends = clock or SiteClock()
    latest = ends.end_of(last_day) if now is None else now
    known = [one for one in revisions if one.known_at <= latest]
    if not covariates_of(known):
        return None
    told = _Told(known, subjects, weeks, origins, last_day=last_day, latest=latest, clock=ends)

    def history(first: int, last: int) -> Covariates:
        return told.weekly(first, last - first + 1, last)

    def ahead(origin: int) -> Covariates:
        return told.weekly(origin + 1, horizon_weeks, origin)

    days = _Days(told, weeks, origins, _pools(subjects))
    driven = driven_as_known(
        weeks.totals,
        origins,
        history=history,
        ahead=ahead,
        prior=told.prior,
        pools=days.pools,
        settle=told.traces.settled,
        live=as_of_late,
        each=days.learn,
    )
    told.keeps_weeks = False
    return replace(driven, days=days.found(horizon_weeks))


@dataclass(frozen=True, slots=True)
class _Window:
    """Some weeks as they were known at a week's end."""

    moved: Bools
    """Items x weeks: within which events differ from day to day."""
    cells: Cells
    """Of these weeks, of the items that days are learned from."""


class _Told:
    """Events as they were known at the end of each week."""

    def __init__(
        self,
        revisions: Sequence[EventRow],
        subjects: Sequence[Subject],
        weeks: Weeks,
        origins: Ints,
        *,
        last_day: date,
        latest: datetime,
        clock: SiteClock,
    ) -> None:
        self._revisions = revisions
        self.subjects = subjects
        self._count = weeks.count
        self._last_day = last_day
        self._latest = latest
        self._clock = clock
        self._arranged = Arranged(revisions)
        self.traces = Traces(self._arranged.names)
        self.references = (*self._arranged.references, *(0.0 for _ in self.traces.added))
        self.acts: Bools = np.array([reference is not None for reference in self.references], dtype=np.bool_)
        self._origins = origins
        self._daily = weeks.daily
        self._windows: dict[tuple[int, int, int], _Window] = {}
        self.keeps_weeks = True
        self._shares = weekday_shares(weeks.daily, origins).shares

    def known_at(self, week: int) -> datetime:
        """Give the moment whose knowledge an origin has."""
        if week == self._count - 1:
            return self._latest
        return min(self._clock.end_of(self._day(week)), self._latest)

    def _day(self, week: int) -> date:
        return self._last_day - timedelta(days=DAYS * (self._count - 1 - week))

    def prior(self, column: int) -> Floats:
        """Give what was expected of each covariate: logs of factors."""
        return np.array(priors_of(self._revisions, self.traces.every, as_known_at=self.known_at(column)))

    def daily(self, first_week: int, number: int, at: int) -> Iterator[tuple[slice, Floats]]:
        """Give drivers by day, as known at a week's end, of some items at a time."""
        first_day = self._day(first_week) - timedelta(days=DAYS - 1 + MARGIN)
        for first in range(0, len(self.subjects), CHUNK):
            values, _ = self._arranged.values(
                self.subjects[first : first + CHUNK],
                first_day,
                number * DAYS + 2 * MARGIN,
                as_known_at=self.known_at(at),
            )
            yield slice(first, first + CHUNK), self.traces.of(values)

    def weekly(self, first_week: int, number: int, at: int) -> Covariates:
        """Give drivers by week: a day counts by its weekday's part of the week, as known then.

        What days are learned from is kept of weeks that are over, until it is taken.
        """
        place = max(int(np.searchsorted(self._origins, at, side="right")) - 1, 0)
        shares = self._shares[:, place]
        is_past = self.keeps_weeks and first_week + number - 1 <= at
        learned_from = most_asked_for(self._daily[:, : at + 1]) if is_past and number > 1 else None
        found = np.empty((len(self.subjects), number, len(self.traces.every)))
        moved, cells = [], []
        for rows, values in self.daily(first_week, number, at):
            found[rows] = self.traces.beside(by_week(values, shares[rows]), values)
            if is_past:
                moved.append(weeks_moved(values, self.acts))
            if learned_from is not None:
                of_these = moved[-1] & learned_from[rows, None]
                cells.append(Cells.of(values, of_these, self.acts, first_series=rows.start))
        if is_past:
            nothing = Cells.of(values[:0], moved[-1][:0], self.acts)
            window = _Window(np.concatenate(moved), Cells.joined(cells) if cells else nothing)
            self._windows[first_week, number, at] = window
        return Covariates(found, self.traces.every, self.references)

    def taken(self, first_week: int, number: int, at: int) -> _Window:
        """Give what was kept of weeks, and keep it no longer."""
        return self._windows.pop((first_week, number, at))

    def factors(self, origin: int, number: int, fit: Fit, effects: DayEffects, pools: Ints) -> Floats:
        """Give what the days after an origin are moved by: items x weeks x 7."""
        parts = [
            effects.factors(np.where(self.acts, values, 0), fit.effects.coefficients[rows], pools[rows])
            for rows, values in self.daily(origin + 1, number, origin)
        ]
        return np.concatenate(parts).reshape(-1, number, DAYS)


class _Days:
    """What events do to days, learned at each fit and said of the days after each of its origins."""

    def __init__(self, told: _Told, weeks: Weeks, origins: Ints, pools: Ints) -> None:
        self.pools = pools
        self._told = told
        self._weeks = weeks
        self._origins = origins
        self._classes = classes_of([subject.category for subject in told.subjects])
        self._shares = np.empty((len(weeks.totals), len(origins), DAYS))
        self._borrowed = np.empty(self._shares.shape[:2])
        self._fortnight = np.empty((*self._shares.shape[:2], FORTNIGHT, DAYS))
        self._last: tuple[Fit, DayEffects] | None = None

    def learn(self, fit: Fit, places: slice) -> None:
        """Learn at a fit, right after it: what is kept of its weeks is large."""
        daily, served = self._weeks.daily, self._origins[places]
        past = self._told.taken(0, fit.column + 1, fit.column)
        still = past.cells.without(fit.changed, (fit.column + 1) // 2)
        known = daily[:, : fit.column + 1]
        calm = quiet(known, past.moved, fit.column)
        usual = weekday_shares(calm, np.array([fit.column]), self._classes).shares[:, 0]
        effects = learn_days(known, still, fit.effects.coefficients, self.pools, usual)
        until = int(served[-1])
        later = [self._told.taken(week, 1, week).moved for week in range(fit.column + 1, until + 1)]
        calm = quiet(daily[:, : until + 1], np.concatenate([past.moved, *later], axis=1), fit.column)
        found = weekday_shares(calm, served, self._classes)
        self._shares[:, places], self._borrowed[:, places] = found.shares, found.borrowed
        for place, origin in enumerate(served.tolist(), start=places.start):
            self._fortnight[:, place] = self._told.factors(origin, FORTNIGHT, fit, effects, self.pools)
        self._last = fit, effects

    def found(self, horizon_weeks: int) -> EventDays | None:
        """Give what was learned; None before any fit."""
        if self._last is None:
            return None
        fit, effects = self._last
        in_force = self._told.factors(int(self._origins[-1]), horizon_weeks, fit, effects, self.pools)
        weekdays = Weekdays(self._shares, self._borrowed)
        return EventDays(weekdays, self._fortnight, in_force, self._told.traces.every, effects)


def _pools(subjects: Sequence[Subject]) -> Ints:
    """Number the categories; items without one are one pool."""
    names = sorted({subject.category or "" for subject in subjects})
    number = {name: place for place, name in enumerate(names)}
    return np.array([number[subject.category or ""] for subject in subjects], dtype=np.int64)
