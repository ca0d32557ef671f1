"""A site's events in, drivers of its weekly forecasts out; each origin sees what was known then. Pure."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import numpy as np

from cloud.events.arrays import Matrix, covariates_of, matrix, priors_of
from cloud.events.domain import EventRow, Subject
from cloud.forecasting.drivers import Driven, by_week, driven_as_known
from cloud.forecasting.protocol import Floats, Ints
from cloud.forecasting.uplift import Covariates
from cloud.forecasting.weeks import DAYS

CHUNK: Final = 500
"""Items whose days are held at a time."""


def site_driven(
    totals: Floats,
    origins: Ints,
    horizon_weeks: int,
    *,
    last_day: date,
    revisions: Sequence[EventRow],
    subjects: Sequence[Subject],
    now: datetime | None = None,
) -> Driven | None:
    """Learn what a site's events do to its weeks, and say what they make of each origin's forecasts.

    Args:
        totals: Items x weeks; the last week ends with the last day. NaN where not known.
        origins: Weeks from which is forecast, ascending; the last one is in force.
        horizon_weeks: Weeks ahead.
        last_day: Last day known.
        revisions: Of the events that touch these days, each with all its revisions.
        subjects: The items, in the order of the rows; those of a category are a pool.
        now: What is told of events by now counts for the forecast in force; None: by the end of the last day.

    Returns:
        The drivers; None where no event was known by the last day, and forecasts stay as they are. Weather
        that is not forecast so far ahead counts as the usual.
    """
    count = totals.shape[1]
    latest = _end_of(last_day) if now is None else now
    known = [one for one in revisions if one.known_at <= latest]
    names = covariates_of(known)
    if not names:
        return None

    def day_of(week: int) -> date:
        return last_day - timedelta(days=DAYS * (count - 1 - week))

    def known_at(week: int) -> datetime:
        return latest if week == count - 1 else min(_end_of(day_of(week)), latest)

    def weeks(first_week: int, number: int, at: int) -> tuple[Floats, Matrix]:
        first_day = day_of(first_week) - timedelta(days=DAYS - 1)
        parts = [
            matrix(
                known,
                subjects[first : first + CHUNK],
                first_day,
                number * DAYS,
                as_known_at=known_at(at),
                names=names,
            )
            for first in range(0, len(subjects), CHUNK)
        ]
        return np.concatenate([by_week(part.values) for part in parts]), parts[0]

    def history(first: int, last: int) -> Covariates:
        values, told = weeks(first, last - first + 1, last)
        return Covariates(values, names, told.references)

    usual: dict[int, Floats] = {}

    def ahead(origin: int) -> Covariates:
        values, told = weeks(origin + 1, horizon_weeks, origin)
        open_ended = [place for place, reference in enumerate(told.references) if reference is None]
        if open_ended and np.isnan(values[:, :, open_ended]).any():
            # Not forecast yet: no effect, which is the value that the fit in force calls the usual.
            if origin not in usual:
                past, _ = weeks(0, origin + 1, origin)
                usual[origin] = _usual(past)
            values = np.where(np.isnan(values), usual[origin][:, None], values)
        return Covariates(values, names, told.references)

    def prior(column: int) -> Floats:
        return np.array(priors_of(known, names, as_known_at=known_at(column)))

    return driven_as_known(totals, origins, history=history, ahead=ahead, prior=prior, pools=_pools(subjects))


def _pools(subjects: Sequence[Subject]) -> Ints:
    """Number the categories; items without one are one pool."""
    names = sorted({subject.category or "" for subject in subjects})
    number = {name: place for place, name in enumerate(names)}
    return np.array([number[subject.category or ""] for subject in subjects], dtype=np.int64)


def _usual(past: Floats) -> Floats:
    """Give the median of each series, of those never known that of all, and 0 of what nobody knew."""
    series, _, width = past.shape
    found = np.zeros((series, width))
    for which in range(width):
        values = past[:, :, which]
        has_any = np.isfinite(values).any(axis=1)
        if not has_any.any():
            continue
        found[:, which] = float(np.nanmedian(values))
        found[has_any, which] = np.nanmedian(values[has_any], axis=1)
    return found


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), UTC)
