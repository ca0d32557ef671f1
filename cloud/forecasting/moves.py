"""What moves a site's demand, week by week: events as they were known at each origin. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from cloud.events.arrays import Matrix, Subject, covariates_of, matrix
from cloud.events.domain import EventRow
from cloud.forecasting.batch.evaluate import Drivers
from cloud.forecasting.drivers import REFIT, Driven, by_week, day_factors
from cloud.forecasting.protocol import Bools, Floats, Ints
from cloud.forecasting.uplift import Covariates, clean_by, fit_columns, learn
from cloud.forecasting.weeks import DAYS


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

        The past is cleaned by what is known now of it; what lies ahead of an origin is what was known at it.

        Args:
            totals: Series x weeks; the last week ends with the last day.
            origins: Weeks from which is forecast.
            horizon_weeks: How far.

        Returns:
            The effects; None if no event touches the days.
        """
        count = totals.shape[1]
        first = self.last_day - timedelta(days=DAYS * count - 1)
        names = covariates_of(self.revisions)
        whole = self._weeks(first, count + horizon_weeks, self.known_at, names)
        is_used = np.isfinite(whole.values).all(axis=(0, 1)) & (np.ptp(whole.values, axis=(0, 1)) > 0)
        if not is_used.any():
            return None
        past = _columns(whole, is_used)
        pools = _pools(self.subjects)
        uplift = learn(
            totals, past, fit_columns(origins, REFIT), pools=pools, prior=np.array(whole.priors)[is_used]
        )
        factors = np.ones((len(totals), len(origins), horizon_weeks))
        for place, origin in enumerate(origins.tolist()):
            begins = first + timedelta(days=DAYS * (origin + 1))
            known_at = datetime.combine(begins, time(), UTC) if origin < count - 1 else self.known_at
            ahead = self._weeks(begins, horizon_weeks, known_at, names)
            factors[:, place] = day_factors(_columns(ahead, is_used), uplift.at(origin))
        starts = [int(np.searchsorted(origins, fit.column)) for fit in uplift.fits]
        versions = tuple(
            (slice(since, until), clean_by(totals, past, fit))
            for since, until, fit in zip(starts, [*starts[1:], len(origins)], uplift.fits, strict=True)
        )
        return Driven(uplift, factors, versions, {}, ())

    def _weeks(self, first: date, weeks: int, known_at: datetime, names: Sequence[str]) -> Matrix:
        """Arrange events by week; weather that is not known counts as usual."""
        found = matrix(self.revisions, self.subjects, first, DAYS * weeks, as_known_at=known_at, names=names)
        values = by_week(found.values)
        known = np.isfinite(values)
        count = known.sum(axis=(0, 1))
        usual = np.divide(
            np.where(known, values, 0).sum(axis=(0, 1)),
            count,
            out=np.full(len(names), np.nan),
            where=count > 0,
        )
        return Matrix(
            values=np.where(known, values, usual),
            names=found.names,
            kinds=found.kinds,
            references=found.references,
            priors=found.priors,
            events=found.events,
        )


def as_drivers(driven: Driven) -> Drivers:
    """Give what the batch engine needs of effects.

    Args:
        driven: The effects.

    Returns:
        The same.
    """
    return Drivers(driven.factors, driven.versions, {})


def _columns(found: Matrix, is_used: Bools) -> Covariates:
    chosen = np.flatnonzero(is_used).tolist()
    return Covariates(
        found.values[:, :, is_used],
        tuple(found.names[place] for place in chosen),
        tuple(found.references[place] for place in chosen),
    )


def _pools(subjects: Sequence[Subject]) -> Ints:
    """Number the categories; items without one are one pool."""
    names = sorted({subject.category or "" for subject in subjects})
    number = {name: place for place, name in enumerate(names)}
    return np.array([number[subject.category or ""] for subject in subjects], dtype=np.int64)
