"""Another method beside the one in force: judged by the site's own weeks, in force only if better by both."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from typing import Any

import numpy as np
import psycopg
import pytest

from cloud.cli import main
from cloud.db import LastingConnection
from cloud.forecasting import service
from cloud.forecasting.challenging import challenge
from cloud.forecasting.domain import UnknownForecastError
from cloud.forecasting.registry import service as registry
from cloud.forecasting.registry.domain import Because, ModelError, Trained
from cloud.forecasting.training import program
from cloud.identity.actor import NotAllowedError
from cloud.identity.store import act_as
from tests.integration.forecasting.judging import ANN, JOB, PAT
from tests.integration.forecasting.test_forecast_runs import LAST, NOW, PLANNER, ask
from tests.integration.ledger.scenario import Ledger, open_ledger


@pytest.fixture
def ledger(database: Any) -> Iterator[Ledger]:
    with open_ledger(database, sites=("leeds", "york")) as opened:
        yield opened


@pytest.fixture
def source(database: Any) -> Iterator[LastingConnection]:
    with closing(LastingConnection(database.app_dsn, "test-challenge")) as opened:
        yield opened


def growing(items: int = 24, weeks: int = 70) -> np.ndarray:
    """Make demand that grows by two fifths of its first level every ten weeks: smoothing lags."""
    rng = np.random.default_rng(3)
    growth = 1 + np.arange(weeks * 7) / 70 / 5 * 2
    return rng.poisson(np.linspace(20, 60, items)[:, None] * growth)


def in_force(ledger: Ledger, name: str, by: str | None = None) -> None:
    """Let a method forecast, as if it had been decided."""

    def work(conn: psycopg.Connection) -> None:
        act_as(conn, JOB)
        made = Trained(name, date(2024, 1, 1), LAST, 24, {}, {}, b"", "0" * 64, by or program())
        registry.register(conn, JOB, None, "leeds", made, because=Because.ASKED)

    ledger.as_app(work)


def test_a_challenger_takes_over_only_where_it_errs_and_costs_less(
    ledger: Ledger,
    source: LastingConnection,
    database: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ask(ledger, growing())
    with pytest.raises(ModelError, match="run a forecast first"):
        challenge(source, PAT, NOW, site="leeds", name="simple_smoothing")
    with pytest.raises(NotAllowedError):
        challenge(source, ANN, NOW, site="leeds", name="simple_smoothing")
    with pytest.raises(ModelError, match="expected one of combination, simple_smoothing, boosted"):
        challenge(source, PAT, NOW, site="leeds", name="oracle")
    with pytest.raises(UnknownForecastError, match="no demand at site 'york'"):
        challenge(source, JOB, NOW, site="york", name="simple_smoothing")

    in_force(ledger, "simple_smoothing", by="an earlier release")
    told = service.run_all(source, PLANNER, NOW, sites=["leeds"], processes=1)["sites"]["leeds"]
    models = ledger.query("SELECT DISTINCT model FROM forecast WHERE run_id = %s", told["run_id"])
    assert models == [("simple_smoothing",)]
    ((method,),) = ledger.query("SELECT parameters ->> 'method' FROM planning_run")
    assert method == "simple_smoothing"
    champions = ledger.query("SELECT name FROM model_version WHERE role = 'champion'")
    assert champions == [("simple_smoothing",)]  # a new release does not take back what was decided

    won = challenge(source, PAT, NOW, site="leeds", name="combination", processes=1)
    assert won["promoted"]
    assert won["champion"]["name"] == "combination"
    assert won["evidence"]["error"]["gain"] > 0.1
    assert won["evidence"]["stock_cost"]["gain"] > 0.01

    monkeypatch.setenv("DOCKLEDGER_APP_DSN", database.app_dsn)
    assert main(["forecast", "models", "contest", "--site", "leeds", "--method", "simple_smoothing"]) == 0
    assert "simple_smoothing does not take over: squared error" in capsys.readouterr().out
    told = service.run_all(source, PLANNER, NOW, sites=["leeds"], processes=1)["sites"]["leeds"]
    models = ledger.query("SELECT DISTINCT model FROM forecast WHERE run_id = %s", told["run_id"])
    assert models == [("combination",)]
    kinds = ledger.query("SELECT kind FROM model_event ORDER BY event_id")
    assert [kind for (kind,) in kinds][:5] == ["trained", "challenged", "promoted", "challenged", "kept"]
