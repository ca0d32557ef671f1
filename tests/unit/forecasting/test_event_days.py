"""Events within a week: the days that they move, what they leave behind, and weeks that keep their sums."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from cloud.events.arrays import matrix
from cloud.events.domain import EventRow, Subject
from cloud.forecasting.combining import Combination
from cloud.forecasting.drivers import Driven, by_week
from cloud.forecasting.effects.learning import learn_effects, with_days
from cloud.forecasting.engine import Plan, plan
from cloud.forecasting.event_days import Cells, learn_days, quiet, shared_out, weeks_moved
from cloud.forecasting.event_traces import AFTER_PROMOTION, MARGIN, WORN, Traces
from cloud.forecasting.moves import Moves
from cloud.forecasting.protocol import Floats
from cloud.forecasting.site_clock import SiteClock
from cloud.forecasting.site_drivers import site_driven
from cloud.forecasting.uplift import Covariates
from cloud.forecasting.weeks import Weeks, weeks_of

SERIES, WEEKS, AHEAD = 30, 70, 4
LAST = date(2026, 3, 1)  # a Sunday: weeks run from Monday
NOW = datetime(2026, 3, 2, tzinfo=UTC)
WEEKDAYS = np.array([1.0, 1, 1, 1, 1.5, 2, 0.5]) / 8
SUBJECTS = [Subject(row + 1, None) for row in range(SERIES)]


def event(number: int, first: date, last: date, **changes: object) -> EventRow:
    told = EventRow(
        event_id=number,
        revision=1,
        site="leeds",
        item=None,
        item_id=None,
        category=None,
        from_day=first,
        to_day=last,
        kind="promotion",
        name="p",
        attributes={},
        effect_prior=None,
        known_at=datetime(2024, 1, 1, tzinfo=UTC),
        source="crm",
        reference=str(number),
        is_withdrawn=False,
        reason="",
        author="user:pat",
        recorded_at=datetime(2024, 1, 1, tzinfo=UTC),
    )
    return replace(told, **changes)


def monday(week: int) -> date:
    return LAST - timedelta(days=6 + 7 * (WEEKS - 1 - week))


def weekends(seed: int = 1) -> list[EventRow]:
    """Promotions from Friday to Sunday, of single items, one week in eight; two of them still to come."""
    rng = np.random.default_rng(seed)
    chosen = np.argwhere(rng.random((SERIES, WEEKS + 2)) < 1 / 8).tolist()
    return [
        event(number, monday(week) + timedelta(4), monday(week) + timedelta(6), item_id=row + 1)
        for number, (row, week) in enumerate(chosen, 1)
    ]


def days_of(events: list[EventRow], factor: float, dip: float = 1.0, *, level: float = 60.0) -> Floats:
    """Make demand in which promoted days are multiplied, and the five days after them dip."""
    first = monday(0)
    count = 7 * WEEKS
    mean = np.tile(level * WEEKDAYS, (SERIES, WEEKS))
    for one in events:
        start, stop = (one.from_day - first).days, (one.to_day - first).days + 1
        rows = slice(None) if one.item_id is None else slice(one.item_id - 1, one.item_id)
        mean[rows, start : min(stop, count)] *= factor
        mean[rows, min(stop, count) : min(stop + 5, count)] *= dip
    return np.random.default_rng(4).poisson(mean).astype(float)


def driven(y: Floats, events: list[EventRow], **changes: object) -> Driven:
    weeks: Weeks = weeks_of(y, np.zeros(y.shape, dtype=bool))
    found = site_driven(
        weeks,
        np.arange(40, WEEKS),
        AHEAD,
        last_day=LAST,
        revisions=events,
        subjects=SUBJECTS,
        **changes,  # type: ignore[arg-type]  keywords by name
    )
    assert found is not None
    return found


@pytest.fixture(scope="module")
def promoted() -> tuple[Floats, list[EventRow], Driven]:
    events = weekends()
    y = days_of(events, 2.5)
    return y, events, driven(y, events)


def shares(found: Driven, row: int) -> Floats:
    assert found.days is not None
    return shared_out(found.days.weekdays.shares[row, -1], found.days.in_force[row])


def test_a_weekend_of_promotion_moves_its_own_days(promoted: tuple[Floats, list[EventRow], Driven]) -> None:
    _, events, found = promoted
    coming = {one.item_id for one in events if one.from_day == monday(WEEKS) + timedelta(4)}
    row = min(coming) - 1
    moved, usual = shares(found, row)[0], shares(found, row)[3]
    np.testing.assert_allclose(usual, WEEKDAYS, atol=0.02)
    wanted = WEEKDAYS * np.array([1, 1, 1, 1, 2.5, 2.5, 2.5])
    np.testing.assert_allclose(moved, wanted / wanted.sum(), atol=0.02)
    assert found.factors[row, -1, 0] == pytest.approx(wanted.sum(), rel=0.08)
    others = [row for row in range(SERIES) if row + 1 not in coming and found.factors[row, -1, 0] == 1]
    np.testing.assert_allclose(shares(found, others[0])[0], usual, atol=0.03)


def test_days_of_every_week_sum_to_one(promoted: tuple[Floats, list[EventRow], Driven]) -> None:
    found = promoted[2]
    assert found.days is not None
    every = shared_out(found.days.weekdays.shares, found.days.fortnight)
    np.testing.assert_allclose(every.sum(axis=-1), 1)
    assert (every >= 0).all()


def test_without_promotion_nothing_is_left_behind(promoted: tuple[Floats, list[EventRow], Driven]) -> None:
    found = promoted[2]
    place = found.uplift.names.index(AFTER_PROMOTION)
    assert (found.uplift.fits[-1].effects.coefficients[:, place] == 0).all()


def test_a_dip_after_promotions_is_learned_where_there_is_one() -> None:
    events = weekends()
    found = driven(days_of(events, 2.5, 0.5), events)
    place = found.uplift.names.index(AFTER_PROMOTION)
    assert np.exp(found.uplift.fits[-1].effects.pooled[0, place]) == pytest.approx(0.55, abs=0.12)
    after = {one.item_id for one in events if one.from_day == monday(WEEKS - 1) + timedelta(4)}
    row = min(after - {one.item_id for one in events if one.from_day >= monday(WEEKS)}) - 1
    assert found.factors[row, -1, 0] < 0.8
    assert found.factors[row, -1, 2] == pytest.approx(1, abs=0.01)


def test_a_day_on_which_the_shop_is_closed_is_empty_and_its_week_keeps_its_sum() -> None:
    closed = [
        event(week, monday(week) + timedelta(5), monday(week) + timedelta(5), kind="holiday", name="fair")
        for week in (8, 20, 31, 44, 57, WEEKS)
    ]
    y = days_of(closed, 0.0)
    found = driven(y, closed)
    moved = shares(found, 0)[0]
    assert moved[5] < 0.01
    np.testing.assert_allclose(moved[:5], WEEKDAYS[:5] / 0.75, atol=0.03)
    assert found.factors[0, -1, 0] == pytest.approx(0.75, abs=0.04)


def test_a_forecast_has_the_event_on_its_day_and_sums_to_its_weeks() -> None:
    events = weekends()
    y = days_of(events, 2.5)
    now = datetime(2026, 3, 2, 6, tzinfo=UTC)

    def made(given: list[EventRow]) -> Plan:
        return plan(
            y,
            np.zeros(y.shape, dtype=bool),
            last_day=LAST,
            protection=np.full(SERIES, 14),
            method=Combination(moves=Moves(given, SUBJECTS, LAST, now)),
            processes=1,
        )

    whole = made(events)
    row = min(one.item_id for one in events if one.from_day == monday(WEEKS) + timedelta(4)) - 1
    series = list(whole.series())[row]
    assert series.mean[4] > 2 * series.mean[11] * 0.9
    weeks = series.mean[:91].reshape(13, 7).sum(axis=1)
    np.testing.assert_allclose(weeks[2:], whole.rolled.paths[row, 2:], rtol=1e-9)
    assert whole.rolled.sums(np.array([4]))[row, 0] < whole.rolled.sums(np.array([7]))[row, 0] * 0.45
    late = [*events, event(9000, LAST - timedelta(20), LAST - timedelta(18), known_at=now)]
    np.testing.assert_array_equal(
        whole.rolled.forecast[:, :-1],
        made(late).rolled.forecast[:, :-1],
        "stated today, seen by no origin before",
    )


def test_what_is_known_of_an_event_counts_from_the_sites_own_midnight() -> None:
    y = days_of([], 1.0)
    origin_ends = LAST - timedelta(days=7 * 3)
    at = datetime(origin_ends.year, origin_ends.month, origin_ends.day, 20, tzinfo=UTC)
    holiday = event(1, origin_ends + timedelta(3), origin_ends + timedelta(3), effect_prior=3.0, known_at=at)
    place = WEEKS - 1 - 3 - 40
    auckland, london = (driven(y, [holiday], clock=SiteClock(zone)) for zone in ("Pacific/Auckland", "UTC"))
    assert (auckland.factors[:, place, 0] == 1).all()
    assert (london.factors[:, place, 0] > 1).all()


def test_an_effect_that_has_ended_moves_no_days_to_come() -> None:
    events = weekends()
    middle = LAST - timedelta(days=7 * WEEKS // 2)
    y = days_of([one for one in events if one.to_day < middle], 2.5)
    found = driven(y, events)
    row = min(one.item_id for one in events if one.from_day == monday(WEEKS) + timedelta(4)) - 1
    assert found.factors[row, -1, 0] == pytest.approx(1, abs=0.08)
    np.testing.assert_allclose(shares(found, row)[0], WEEKDAYS, atol=0.03)
    lasting = driven(days_of(events, 2.5), events)
    assert lasting.uplift.fits[-1].changed == ()
    assert found.cleaned[:, -10:].mean() == pytest.approx(60, rel=0.05)


def test_the_order_of_the_items_changes_nothing(promoted: tuple[Floats, list[EventRow], Driven]) -> None:
    y, events, found = promoted
    order = np.random.default_rng(3).permutation(SERIES)
    subjects = [SUBJECTS[row] for row in order]
    weeks = weeks_of(y[order], np.zeros(y.shape, dtype=bool))
    other = site_driven(
        weeks, np.arange(40, WEEKS), AHEAD, last_day=LAST, revisions=events, subjects=subjects
    )
    assert found.days is not None
    assert other is not None
    assert other.days is not None
    np.testing.assert_allclose(found.days.in_force[order], other.days.in_force, rtol=1e-9)
    np.testing.assert_allclose(found.days.fortnight[order], other.days.fortnight, rtol=1e-9)


def test_traces_are_told_from_the_days_around() -> None:
    values = np.zeros((1, 60 + 2 * MARGIN, 2))
    values[0, MARGIN + 10 : MARGIN + 13, 0] = 1
    values[0, MARGIN + 30 : MARGIN + 50, 0] = 1
    values[0, MARGIN + 20, 1] = 1
    traces = Traces(("promotion", "holiday: fair"))
    found = traces.of(values)[0]
    assert traces.every[2:] == (AFTER_PROMOTION, WORN, "before a holiday", "after a holiday")
    assert np.flatnonzero(found[:, 2]).tolist() == [*range(13, 20), *range(50, 57)]
    assert np.flatnonzero(found[:, 3]).tolist() == list(range(44, 50))
    assert np.flatnonzero(found[:, 4]).tolist() == [17, 18, 19]
    assert np.flatnonzero(found[:, 5]).tolist() == [21, 22]


def test_missing_days_and_whole_weeks_tell_nothing_of_days() -> None:
    daily = np.tile(WEEKDAYS * 80, (3, 10, 1))
    values = np.zeros((3, 70, 1))
    values[:, 14:21] = 1
    values[:, 35, 0] = 1
    moved = weeks_moved(values, np.array([True]))
    cells = Cells.of(values, moved, np.array([True]))
    assert cells.week.tolist() == [5, 5, 5]
    daily[:, 5] = np.nan
    found = learn_days(daily, cells, np.zeros((3, 1)), np.zeros(3, dtype=np.int64), np.tile(WEEKDAYS, (3, 1)))
    assert (found.beyond == 0).all()
    assert np.isinf(found.deviations).all()
    calm = quiet(np.tile(WEEKDAYS, (3, 10, 1)), moved, 9)
    assert np.isnan(calm[:, 5]).all()
    assert np.isfinite(np.delete(calm, 5, axis=1)).all()


def test_what_a_weekend_does_is_told_of_its_days_and_its_traces_where_they_are_sure() -> None:
    events = weekends()
    for factor, dip, names in ((2.5, 1.0, {"promotion"}), (2.5, 0.5, {"promotion", AFTER_PROMOTION})):
        weeks = weeks_of(days_of(events, factor, dip), np.zeros((SERIES, 7 * WEEKS), dtype=bool))
        told = matrix(
            events, SUBJECTS, monday(0) - timedelta(MARGIN), 7 * WEEKS + 2 * MARGIN, as_known_at=NOW
        )
        traces = Traces(told.names)
        daily = traces.of(told.values)
        given = Covariates(
            traces.beside(by_week(daily, np.tile(WEEKDAYS, (SERIES, 1))), daily), traces.every, (0.0,) * 3
        )
        on_weeks = learn_effects(weeks.totals, given, ("promotion",) * 3, np.full(SERIES, -1), np.zeros(3))
        found = with_days(on_weeks, weeks, daily, traces)
        assert {one.effect.name for one in found.learned} == names
        day = found.learned[0].day
        assert day is not None
        assert day.low < factor < day.high < 1.3 * day.low
