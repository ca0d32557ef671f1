"""Series with models of their own: fits that are kept, drivers as known then, budget, and who is tried."""

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import orjson
import pytest

from cloud.events.domain import EventRow
from cloud.forecasting.arima import NotFittedError
from cloud.forecasting.chosen.contest import Tried, judge_series
from cloud.forecasting.chosen.domain import SeriesChoice, Standing, chosen
from cloud.forecasting.chosen.fitting import DatedFit, Lives, OtherShapeError, fit_at, paths_of
from cloud.forecasting.chosen.method import WithSeries, lives_of
from cloud.forecasting.combining import Combination
from cloud.forecasting.engine import plan
from cloud.forecasting.moves import Moves
from cloud.forecasting.policies import Policies
from cloud.forecasting.protocol import Floats
from cloud.forecasting.weeks import Weeks
from tests.unit.forecasting.test_drivers import HORIZON, LAST, ORIGINS, SUBJECTS, WEEKS, day_of, event, world

NOW = datetime(2026, 3, 2, tzinfo=UTC)
FIRST = 55


def lives(totals: Floats, events: list[EventRow]) -> Lives:
    daily = np.repeat(totals[:, :, None] / 7, 7, axis=2)
    weeks = Weeks(daily, totals, np.zeros(len(totals), dtype=np.int64))
    moves = Moves(events, SUBJECTS, LAST, NOW)
    return lives_of(weeks, [4, 7], ORIGINS, moves=moves, horizon_weeks=HORIZON, last_day=LAST.toordinal())


def test_each_origin_is_forecast_by_the_fit_of_its_time_with_the_drivers_known_then() -> None:
    totals, events = world()
    known = lives(totals, events)
    first, second = fit_at(known, 0, FIRST), fit_at(known, 0, WEEKS - 1)
    assert "promotion" in first.fitted.names
    assert first.fitted.coefficients["promotion"][0] == pytest.approx(np.log(3 / 2), abs=0.1)
    kept = [DatedFit.of(orjson.loads(orjson.dumps(one.told()))) for one in (first, second)]
    assert kept == [first, second]  # what is kept is what was fitted
    paths = paths_of(known, 0, kept, ORIGINS, HORIZON)
    begun = ORIGINS >= FIRST
    assert np.isnan(paths[~begun]).all()
    np.testing.assert_array_equal(paths[:-1], paths_of(known, 0, kept[:1], ORIGINS, HORIZON)[:-1])
    assert not np.array_equal(paths[-1], paths_of(known, 0, kept[:1], ORIGINS, HORIZON)[-1])

    late = event(9001, 4, 66, known_at=datetime(2026, 2, 10, tzinfo=UTC))
    before = [place for place, week in enumerate(ORIGINS) if day_of(int(week)) < LAST - timedelta(21)]
    later = np.where(np.arange(WEEKS) > ORIGINS[before[-1]], 3 * totals, totals)
    told = paths_of(lives(later, [*events, late]), 0, kept[:1], ORIGINS, HORIZON)
    np.testing.assert_allclose(told[before], paths[before], rtol=1e-9)  # nothing later changes it


def test_a_fit_that_another_release_kept_in_another_shape_is_told_from_one_that_can_be_read() -> None:
    totals, events = world()
    told = orjson.loads(orjson.dumps(fit_at(lives(totals, events), 0, FIRST).told()))
    fitted = told["fitted"]
    less = {name: value for name, value in fitted.items() if name != "spread"}
    for other, words in (
        ({"day": told["day"], "fitted": less}, "lacks 'spread'"),
        ({"day": told["day"], "fitted": less | {"width": 1.0}}, "lacks 'spread', has 'width'"),
        ({"day": told["day"], "fitted": fitted | {"smear": "wide"}}, "the fit's smear is 'wide'"),
        ({"day": told["day"], "fitted": fitted | {"order": {"plain": [1, 1]}}}, "the fit's order.plain"),
        ({"day": "tomorrow", "fitted": fitted}, "the fit's day is 'tomorrow'"),
        ({"day": told["day"]}, "expected 'day' and 'fitted'"),
    ):
        with pytest.raises(OtherShapeError, match=re.escape(words)):
            DatedFit.of(other)
    unsure = DatedFit.of({"day": told["day"], "fitted": fitted | {"normal_chance": None}})
    assert np.isnan(unsure.fitted.normal_chance)  # JSON has no NaN


def test_a_series_that_cannot_be_forecast_keeps_the_methods_forecast_and_it_is_told_why() -> None:
    totals, events = world()
    days = np.repeat(totals[:8] / 7, 7, axis=1)
    moves = Moves(events, SUBJECTS[:8], LAST, NOW)
    asked = {"last_day": LAST, "protection": np.full(len(days), 14), "processes": 1}
    method = Combination(None, moves)
    plain = plan(days, days < 0, method=method, **asked)
    good = fit_at(lives(totals, events), 0, FIRST)
    wild = DatedFit.of({**good.told(), "fitted": {**good.told()["fitted"], "smear": 1e9}})
    whole = plan(
        days,
        days < 0,
        method=WithSeries(method, {4: [good], 7: [wild]}, moves, {4: "TEA", 7: "MUG"}),
        **asked,
    )
    (failure,) = whole.said.fallbacks
    assert failure.startswith("arima of MUG is left out of this run: ARIMA")
    np.testing.assert_array_equal(whole.said.paths[7], plain.said.paths[7])
    assert not np.array_equal(whole.said.paths[4, -1], plain.said.paths[4, -1])
    assert whole.said.why(4)["arima"]["fitted_to"] == day_of(FIRST).isoformat()
    assert "arima" not in whole.said.why(7)

    def judge(series: list[Tried], has_time: bool) -> list[str]:  # noqa: FBT001  a clock that stands
        found = judge_series(
            plain,
            series,
            moves=moves,
            policies=Policies.of({}, range(len(days))),
            unit_cost=np.full(len(days), np.nan),
            has_time=lambda: has_time,
        )
        return [f"{one.standing}: {one.why}" for one in found]

    tried = [Tried(4, 5, "TEA", (), is_in_force=False)]
    assert judge(tried, has_time=False) == ["not_fitted: the time for it is used up"]
    (told,) = judge([Tried(4, 5, "TEA", (good,), is_in_force=True)], has_time=True)
    assert told.split(":")[0] in {Standing.IN_FORCE, Standing.NOT_BETTER}
    old = [Tried(4, 5, "TEA", (fit_at(lives(totals, events), 0, 52),), is_in_force=True)]
    (told,) = judge(old, has_time=False)  # a fit that is old serves on
    assert told.split(":")[0] in {Standing.IN_FORCE, Standing.NOT_BETTER}
    assert judge([], has_time=True) == []


def test_pinned_series_come_first_and_those_of_unknown_value_only_if_pinned() -> None:
    choices = [SeriesChoice.BY_VALUE] * 5
    assert chosen([1.0, None, 3.0, 2.0, 0.0], choices, 2) == [2, 3]
    choices[1], choices[2] = SeriesChoice.PINNED, SeriesChoice.LEFT_OUT
    assert chosen([1.0, None, 3.0, 2.0, 0.0], choices, 2) == [1, 3, 0]


def test_too_short_a_history_is_refused_with_its_length() -> None:
    totals, events = world()
    totals[4, :60] = np.nan
    with pytest.raises(NotFittedError, match="20 periods known"):
        fit_at(lives(totals, events), 0, WEEKS - 1)
