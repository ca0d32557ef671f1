"""The period that stock costs least by: proven by a run, made a parameter by replenishment, then followed."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from cloud.db import LastingConnection
from cloud.forecasting import reading, service
from cloud.forecasting.combining import Combination
from cloud.forecasting.engine import plan
from cloud.forecasting.granularity.domain import Bucket
from cloud.forecasting.granularity.method import Granular
from cloud.forecasting.policies import Policies
from cloud.replenishment import policies
from cloud.replenishment.policies import PolicyPaper
from cloud.replenishment.service import prepare
from tests.integration.forecasting.test_forecast_runs import LAST, NOW, PLANNER, ask, published
from tests.integration.ledger.scenario import Ledger, open_ledger

ITEMS, WEEKS = 24, 60


@pytest.fixture
def ledger(database: Any) -> Iterator[Ledger]:
    with open_ledger(database, sites=("leeds", "york")) as opened:
        yield opened


@pytest.fixture
def source(database: Any) -> Iterator[LastingConnection]:
    with closing(LastingConnection(database.app_dsn, "test-periods")) as opened:
        yield opened


def fortnightly() -> np.ndarray:
    """Make demand of every second week; who orders every four weeks need not know which."""
    days = np.random.default_rng(3).poisson(5, (ITEMS, WEEKS, 7)).astype(float)
    days[:, ::2] *= 0.1
    return np.rint(days).reshape(ITEMS, -1).astype(int)


def test_the_period_that_stock_costs_least_by_becomes_a_parameter_and_the_next_run_follows_it(
    ledger: Ledger, source: LastingConnection
) -> None:
    days = fortnightly()
    ask(ledger, days)
    monthly = PolicyPaper(site="leeds", review_days=28)
    ledger.as_app(lambda conn: policies.set_policy(conn, PLANNER, monthly))

    def stated() -> list[Any]:
        prepare(source, PLANNER, NOW, None, sites=["leeds"])
        return ledger.as_app(lambda conn: policies.parameters(conn, PLANNER, site="leeds", limit=99))

    assert {(row.review_days, row.bucket, row.bucket_choice_id) for row in stated()} == {(28, "week", None)}
    service.run_all(source, PLANNER, NOW, sites=["leeds"])
    ((choice_id, class_name, bucket, evidence),) = ledger.query(
        "SELECT choice_id, class_name, bucket, evidence FROM forecast_bucket"
    )
    assert (class_name, bucket) == ("erratic, long review", "four_weeks")
    assert evidence["cost"]["four_weeks"] < evidence["cost"]["week"]

    told = ledger.as_app(lambda conn: reading.forecast(conn, PLANNER, site="leeds", item="I-001"))
    assert (told.content.why["granularity"]["bucket"], told.content.why["granularity"]["chosen"]) == (
        "week",
        "four_weeks",
    )
    in_weeks = [row[3] for row in published(ledger)]

    assert {(row.bucket, row.bucket_choice_id) for row in stated()} == {("four_weeks", choice_id)}
    assert prepare(source, PLANNER, NOW, None, sites=["leeds"])["sites"]["leeds"]["changed"] == 0
    assert ledger.query("SELECT DISTINCT bucket FROM pub_planning_parameters(NULL)") == [("four_weeks",)]
    outcome = service.run_all(source, PLANNER, NOW, sites=["leeds"])["sites"]["leeds"]
    assert ledger.query("SELECT count(*) FROM forecast_bucket")[0][0] == 1  # it holds 13 weeks
    run = ledger.query(f"SELECT inputs FROM planning_run WHERE run_id = {outcome['run_id']}")[0][0]
    assert run["buckets"] == {"four_weeks": ITEMS}
    rules = Policies(np.full(ITEMS, 28), np.full(ITEMS, 35), np.full(ITEMS, 0.95), ITEMS)
    expected = plan(
        days.astype(float),
        days < 0,
        last_day=LAST,
        protection=rules.protection_days,
        method=Granular(Combination(), rules, np.full(ITEMS, np.nan), buckets=[Bucket.FOUR_WEEKS] * ITEMS),
        processes=1,
    )
    rows = published(ledger)
    for row, series in zip(rows, expected.series(), strict=True):
        # A kept training serves past origins otherwise than a new one, and they the sensing of a fortnight.
        np.testing.assert_allclose(row[3][14:], series.mean[14:], rtol=1e-6)
    assert not np.allclose([row[3] for row in rows], in_weeks, rtol=0.05)

    # Decided anew for the same: parameters name the evidence in force.
    ((newer,),) = ledger.query(
        "INSERT INTO forecast_bucket (site_id, class_name, bucket, decided_on, evidence, run_id) "
        "SELECT site_id, class_name, bucket, decided_on, evidence, run_id FROM forecast_bucket "
        "RETURNING choice_id"
    )
    assert newer > choice_id
    assert {(row.bucket, row.bucket_choice_id) for row in stated()} == {("four_weeks", newer)}
