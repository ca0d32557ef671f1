"""LightGBM in the nightly combination: drivers as known then, models that are kept, and if it is away."""

import sys
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from cloud.events.domain import EventRow
from cloud.forecasting import boosting
from cloud.forecasting.batch.members import MEMBERS
from cloud.forecasting.boosted import Boosting, as_array, from_array
from cloud.forecasting.boosting import is_installed
from cloud.forecasting.combining import Combination
from cloud.forecasting.moves import Moves
from cloud.forecasting.protocol import Floats, Said
from cloud.forecasting.weeks import Weeks
from tests.unit.forecasting.test_drivers import HORIZON, LAST, ORIGINS, SUBJECTS, day_of, event, world

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def lightgbm(monkeypatch: pytest.MonkeyPatch) -> None:
    if not is_installed():
        pytest.skip("LightGBM is not installed, or libgomp is missing")
    monkeypatch.setattr(boosting, "TREES", 60)


def weeks_of(totals: Floats) -> Weeks:
    daily = np.repeat(totals[:, :, None] / 7, 7, axis=2)
    return Weeks(daily, totals, np.zeros(len(totals), dtype=np.int64))


def said(method: Combination, totals: Floats) -> Said:
    return method.said(weeks_of(totals), ORIGINS, HORIZON, last_day=LAST.toordinal(), spread=map)


def boosted(events: list[EventRow], training: bytes | None = None, *, is_due: bool = True) -> Combination:
    return Combination(training, Moves(events, SUBJECTS, LAST, NOW), is_boosted=True, is_due=is_due)


@pytest.mark.usefixtures("lightgbm")
def test_what_is_known_later_changes_nothing_it_said_before() -> None:
    totals, events = world()
    late = [
        event(9001, 0, 60, known_at=datetime(2026, 2, 10, tzinfo=UTC), effect_prior=5.0),
        event(9002, None, 66, known_at=datetime(2026, 2, 10, tzinfo=UTC), kind="holiday", name="fair"),
        replace(events[0], revision=2, is_withdrawn=True, known_at=datetime(2026, 2, 10, tzinfo=UTC)),
    ]
    before = [place for place, week in enumerate(ORIGINS) if day_of(int(week)) < date(2026, 2, 9)]
    later = np.where(np.arange(totals.shape[1]) > ORIGINS[before[-1]], 3 * totals, totals)
    paths = []
    for y, told in ((totals, events), (later, [*events, *late])):
        driven = Moves(told, SUBJECTS, LAST, NOW).drive(weeks_of(y), ORIGINS, HORIZON)
        made = Boosting().said(y, ORIGINS, HORIZON, last_day=LAST.toordinal(), driven=driven)
        paths.append(made.paths)
    assert np.isfinite(paths[0]).all()
    np.testing.assert_allclose(paths[0][:, before], paths[1][:, before], rtol=1e-9)
    assert not np.allclose(paths[0][:, -1], paths[1][:, -1])


@pytest.mark.usefixtures("lightgbm")
def test_it_stands_beside_the_members_and_its_models_serve_until_a_training_is_due() -> None:
    totals, events = world()
    first = said(boosted(events), totals)
    assert first.training is not None
    assert set(first.training.weights) == {*MEMBERS, "lightgbm"}
    assert 0.2 < first.training.weights["lightgbm"] < 0.9
    assert first.why(0)["members"]["lightgbm"]["weight"] > 0
    assert first.training.told["lightgbm"]["rows"] > 500
    again = said(boosted(events, first.training.state, is_due=False), totals)
    assert again.training is None  # nothing was learned anew, so nothing is to be kept
    np.testing.assert_allclose(again.paths[:, -1], first.paths[:, -1], rtol=1e-9)
    anew = said(boosted(events, first.training.state), totals)
    assert anew.training is not None
    kept = Boosting(from_array(as_array(_models(first.training.state))), is_due=True)
    assert [one.day for one in kept.kept] == sorted(day_of(week).toordinal() for week in (50, 63, 76, 79))
    without = Boosting(kept.kept[:1], is_due=False).said(
        totals, ORIGINS, HORIZON, last_day=LAST.toordinal(), driven=None
    )
    assert np.isfinite(without.paths).all()  # drivers that it learned and that are not there are not known
    assert not without.is_new


def _models(state: bytes) -> tuple:
    from cloud.forecasting.combining import _read  # noqa: PLC0415

    return _read(state)[1]


def test_where_it_cannot_be_loaded_the_others_forecast_and_it_is_told_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    totals, events = world()
    alone = said(Combination(None, Moves(events, SUBJECTS, LAST, NOW)), totals)
    fallen = said(boosted(events), totals)
    assert "dockledger[ml]" in fallen.fallbacks[0]
    assert fallen.training is None
    np.testing.assert_array_equal(fallen.paths, alone.paths)
