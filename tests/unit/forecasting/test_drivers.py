"""Drivers of the nightly run: a site's events, seen from each origin as they were known then."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from cloud.events.domain import EventRow, Subject
from cloud.forecasting.boosting import is_installed
from cloud.forecasting.drivers import Driven, by_week, driven
from cloud.forecasting.protocol import Floats
from cloud.forecasting.site_drivers import site_driven
from cloud.forecasting.uplift import Covariates
from cloud.forecasting.weeks import Weeks

SERIES, WEEKS, HORIZON = 40, 80, 4
LAST = date(2026, 3, 1)
ORIGINS = np.arange(50, WEEKS)
SUBJECTS = [Subject(row + 1, "hot" if row % 2 else None) for row in range(SERIES)]


def day_of(week: int) -> date:
    """Its last day."""
    return LAST - timedelta(days=7 * (WEEKS - 1 - week))


def event(number: int, row: int | None, week: int, **changes: object) -> EventRow:
    """A promotion of a whole week, known four weeks before."""
    told = EventRow(
        event_id=number,
        revision=1,
        site="leeds",
        item=None,
        item_id=None if row is None else row + 1,
        category=None,
        from_day=day_of(week) - timedelta(days=6),
        to_day=day_of(week),
        kind="promotion",
        name="p",
        attributes={},
        effect_prior=None,
        known_at=datetime.combine(day_of(week - 4), datetime.min.time(), UTC),
        source="crm",
        reference=str(number),
        is_withdrawn=False,
        reason="",
        author="user:pat",
        recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return replace(told, **changes)


def world() -> tuple[Floats, list[EventRow]]:
    random = np.random.default_rng(3)
    promoted = random.random((SERIES, WEEKS + HORIZON)) < 0.1
    y = random.poisson(60 * np.where(promoted, 2.0, 1.0)).astype(float)[:, :WEEKS]
    places = np.argwhere(promoted).tolist()
    return y, [event(number, row, week) for number, (row, week) in enumerate(places, 1)]


def in_days(y: Floats) -> Weeks:
    """Spread weeks evenly over their days."""
    return Weeks(np.repeat(y[:, :, None] / 7, 7, axis=2), y, np.zeros(len(y), dtype=np.int64))


def made(y: Floats, events: list[EventRow]) -> Driven | None:
    return site_driven(in_days(y), ORIGINS, HORIZON, last_day=LAST, revisions=events, subjects=SUBJECTS)


def test_promotions_of_a_site_multiply_its_forecasts_and_leave_its_history() -> None:
    y, events = world()
    found = made(y, events)
    assert found is not None
    promoted = by_week(_days(events))[:, WEEKS:, 0] > 0
    ahead = found.factors[:, -1]
    assert promoted.any()
    assert ahead[promoted].mean() == pytest.approx(2.0, rel=0.06)
    assert (ahead[~promoted] == 1).all()
    assert found.cleaned.max() < 110 < y.max()
    assert found.reasons().why(0)["effects"][0]["name"] == "promotion"
    assert all(pool[0]["low"] < 2 < pool[0]["high"] for pool in found.pools())
    assert sum(len(ORIGINS[places]) for places, _ in found.versions) == len(ORIGINS)


def _days(events: list[EventRow]) -> Floats:
    first = day_of(0) - timedelta(days=6)
    days = np.zeros((SERIES, 7 * (WEEKS + HORIZON), 1))
    for one in events:
        start = (one.from_day - first).days
        days[one.item_id - 1, start : start + 7] = 1
    return days


def test_an_event_known_later_changes_nothing_said_before() -> None:
    y, events = world()
    late = [
        event(9001, 0, 60, known_at=datetime(2026, 2, 10, tzinfo=UTC), effect_prior=5.0),
        event(9002, None, 66, known_at=datetime(2026, 2, 10, tzinfo=UTC), kind="holiday", name="fair"),
        event(9003, 3, WEEKS, known_at=datetime(2026, 3, 9, tzinfo=UTC)),
        replace(events[0], revision=2, is_withdrawn=True, known_at=datetime(2026, 2, 10, tzinfo=UTC)),
    ]
    first, second = made(y, events), made(y, [*events, *late])
    assert first is not None
    assert second is not None
    before = [place for place, week in enumerate(ORIGINS) if day_of(int(week)) < date(2026, 2, 9)]
    np.testing.assert_allclose(first.factors[:, before], second.factors[:, before], rtol=1e-12)
    assert not np.array_equal(first.factors, second.factors)
    assert first.days is not None
    assert second.days is not None
    for one, other in (
        (first.days.fortnight, second.days.fortnight),
        (first.days.weekdays.shares, second.days.weekdays.shares),
    ):
        np.testing.assert_allclose(one[:, before], other[:, before], rtol=1e-9)
    for (places, one), (_, other) in zip(first.versions, second.versions, strict=True):
        seen = [int(week) for week in ORIGINS[places] if day_of(int(week)) < date(2026, 2, 9)]
        if seen:
            np.testing.assert_allclose(one[:, : seen[-1] + 1], other[:, : seen[-1] + 1], rtol=1e-12)


def test_what_is_stated_today_counts_for_the_forecast_in_force_alone() -> None:
    y, events = world()
    now = datetime(2026, 3, 5, tzinfo=UTC)
    told = [*events, event(9001, 3, WEEKS, known_at=now), event(9002, 3, 60, known_at=now)]
    first, second = (
        site_driven(in_days(y), ORIGINS, HORIZON, last_day=LAST, revisions=given, subjects=SUBJECTS, now=now)
        for given in (events, told)
    )
    assert first is not None
    assert second is not None
    np.testing.assert_allclose(first.factors[:, :-1], second.factors[:, :-1], rtol=1e-12)
    assert first.factors[3, -1, 0] == 1
    assert second.factors[3, -1, 0] > 1.7
    np.testing.assert_allclose(first.versions[0][1], second.versions[0][1], rtol=1e-12)


def test_without_events_nothing_is_driven() -> None:
    y, events = world()
    unknown = [replace(one, known_at=datetime(2026, 3, 5, tzinfo=UTC)) for one in events]
    assert made(y, []) is None
    assert made(y, unknown) is None


def test_weather_that_is_not_forecast_so_far_is_the_usual() -> None:
    y, _ = world()
    weather = [
        event(week + 1, None, week, kind="weather", attributes={"temperature": float(week % 9)})
        for week in range(WEEKS + 1)
    ]
    found = made(y, weather)
    assert found is not None
    assert np.isfinite(found.factors).all()
    assert (found.factors[:, -1, 1:] == 1).all()


def test_boosting_stands_beside_as_a_member() -> None:
    if not is_installed():
        pytest.skip("LightGBM is not installed, or libgomp is missing")
    y, events = world()
    days = by_week(_days(events))
    origins = np.arange(70, WEEKS - HORIZON)
    found = driven(y, Covariates(days, ("promotion",), (0.0,)), origins, HORIZON, with_boosting=True)
    assert set(found.beside) == {"lightgbm"}
    assert np.isfinite(found.beside["lightgbm"]).all()
