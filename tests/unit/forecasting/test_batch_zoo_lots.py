"""Lots in files: hand-over and states written are those of the arrays, whoever works on them; Dask too."""

import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from cloud.forecasting.batch import lots, state
from cloud.forecasting.batch.bands import LEVELS
from cloud.forecasting.batch.evaluate import evaluate
from cloud.forecasting.batch.handover import HORIZONS, WEEKS, hand_over
from cloud.forecasting.batch.lots import Lot
from cloud.forecasting.domain import ForecastError
from cloud.forecasting.engine import plan
from cloud.forecasting.protocol import Floats

RANDOM = 20261126


def weeks(series: int, seed: int = RANDOM) -> Floats:
    generator = np.random.default_rng(seed)
    rate = np.exp(generator.normal(1, 1, (series, 1)))
    return generator.poisson(rate, (series, 90)).astype(float)


@pytest.fixture
def three(tmp_path: Path) -> list[Lot]:
    """Write three lots.

    Returns:
        They.
    """
    found = []
    for number in range(3):
        source = tmp_path / f"lot{number}.npy"
        np.save(source, weeks(30, number).astype(np.float32))
        found.append(Lot(source, tmp_path))
    return found


def alike(one: bytes, other: bytes) -> bool:
    """Compare arrays: files of them hold the time they were written at."""
    with np.load(io.BytesIO(one)) as now, np.load(io.BytesIO(other)) as then:
        return all(
            np.array_equal(now[name], then[name], equal_nan=then[name].dtype.kind == "f") for name in then
        )


def test_the_hand_over_is_the_forecast_by_day_and_its_sums_by_level() -> None:
    y = weeks(60)
    made = evaluate(y, horizon=WEEKS, season=52)
    given = hand_over(y, made, np.array([14, 10] * 30))
    now = made.forecast[:, -1]
    assert given.mean.shape == (60, 91)
    assert given.mean.sum(axis=1) == pytest.approx(now.sum(axis=1), rel=1e-5)
    assert given.horizons[1].tolist() == [*HORIZONS, 10]
    assert given.cum_q.shape == (60, 7, len(LEVELS))
    assert (np.diff(given.cum_q, axis=2) >= 0).all()
    # Of a protection period of fourteen days the bands are those of two weeks; ten lie between one and two.
    assert np.array_equal(given.cum_q[0, 6], given.cum_q[0, 2])
    assert (given.cum_q[1, 6] >= given.cum_q[1, 1] - 1e-6).all()
    # A day is less sure than a week: its 90 % lies further above its mean.
    day, week = given.cum_q[:, 0, 10], given.cum_q[:, 1, 10]
    assert (day <= week).all()
    assert (day / (now[:, 0] / 7)).mean() > (week / now[:, 0]).mean()
    assert day.mean() < 0.5 * week.mean()
    middle = given.cum_q[:, 3, 7]
    assert np.median(middle / now[:, :4].sum(axis=1)) == pytest.approx(1, abs=0.1)


def test_another_horizon_or_an_impossible_protection_period_is_refused() -> None:
    y = weeks(20)
    made = evaluate(y, horizon=4, season=52)
    with pytest.raises(ValueError, match="horizon is 4 weeks: expected 13"):
        hand_over(y, made, np.full(20, 14))
    made = evaluate(y, horizon=WEEKS, season=52)
    with pytest.raises(ValueError, match="expected 1 to 91 days"):
        hand_over(y, made, np.full(20, 92))


def test_lots_are_written_alike_in_any_order_and_go_on_where_a_run_broke_off(three: list[Lot]) -> None:
    done = list(lots.forecast_all(three))
    assert [(one.name, one.series, one.refused) for one in done] == [
        ("lot0", 30, ()), ("lot1", 30, ()), ("lot2", 30, ())
    ]  # fmt: skip
    before = [(lot.handover.read_bytes(), lot.states.read_bytes()) for lot in three]
    three[1].handover.unlink()
    again = list(lots.forecast_all(three[::-1]))
    assert [one.name for one in again] == ["lot1"]
    for lot, (handover, states) in zip(three, before, strict=True):
        assert alike(lot.handover.read_bytes(), handover)
        assert alike(lot.states.read_bytes(), states)


def test_a_lot_with_a_series_that_is_none_is_forecast_without_it(three: list[Lot]) -> None:
    y = np.load(three[0].source)
    y[4, 7] = -1
    np.save(three[0].source, y)
    assert lots.forecast(three[0]).refused == (4,)
    with np.load(three[0].handover) as given:
        assert np.isnan(given["mean"][4]).all()
        assert np.isfinite(given["mean"][5]).all()


def test_a_further_week_is_taken_into_the_states_of_a_lot(three: list[Lot]) -> None:
    lots.forecast(three[0])
    column = weeks(30)[:, 0]
    lots.advance(three[0], column)
    y = np.load(three[0].source).astype(float)
    expected = state.paths(state.advance(state.fit(y, lots.SEASON), column), 4)
    found = state.paths(state.load(three[0].states.read_bytes()), 4)
    assert all(np.array_equal(found[name], expected[name], equal_nan=True) for name in expected)


@pytest.fixture(scope="module")
def client() -> Iterator[object]:
    """Start two Dask workers in processes of their own.

    Yields:
        Their client.
    """
    distributed = pytest.importorskip("distributed", reason="the extra `distributed` is not installed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, protocol="tcp"
        ) as cluster,
        distributed.Client(cluster) as found,
    ):
        yield found


def test_dask_workers_give_the_same_chunks_to_the_bit(client: object) -> None:
    from cloud.forecasting.batch.distributed import OnDask  # noqa: PLC0415  the extra may be absent

    y = weeks(60)
    here = evaluate(y, horizon=4, season=52, chunk=20)
    there = evaluate(y, horizon=4, season=52, chunk=20, spread=OnDask(client))
    assert np.array_equal(here.forecast, there.forecast, equal_nan=True)
    assert np.array_equal(here.weights, there.weights)


def test_dask_workers_write_lots(client: object, three: list[Lot]) -> None:
    from cloud.forecasting.batch.distributed import OnDask  # noqa: PLC0415

    done = list(lots.forecast_all(three, OnDask(client, at_once=2)))
    assert [one.name for one in done] == ["lot0", "lot1", "lot2"]
    assert all(lot.handover.exists() for lot in three)


def test_a_site_is_forecast_by_dask_workers_as_by_this_machine(client: object) -> None:
    from cloud.forecasting.batch.distributed import OnDask, connected  # noqa: PLC0415

    days = np.random.default_rng(5).poisson(2.0, (40, 7 * 60)).astype(float)
    asked = {"last_day": date(2026, 3, 1), "protection": np.full(40, 14)}
    here = plan(days, days < 0, processes=1, **asked)
    there = plan(days, days < 0, workers=OnDask(client), **asked)
    assert np.array_equal(here.rolled.forecast, there.rolled.forecast, equal_nan=True)
    with pytest.raises(ForecastError, match="expected the address of a Dask scheduler"), connected("leeds"):
        pass
