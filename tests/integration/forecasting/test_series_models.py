"""Nightly contests on a real database: LightGBM takes over, and a valuable series gets a model of its own."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import numpy as np
import orjson
import psycopg
import pytest

from cloud.cli import main
from cloud.db import LastingConnection
from cloud.forecasting import boosting, service
from cloud.forecasting.boosting import is_installed
from cloud.forecasting.challenging import challenge
from cloud.forecasting.chosen import reading
from cloud.forecasting.chosen.domain import ChosenError, SeriesChoice
from cloud.forecasting.chosen.service import ChoicePaper, choose
from cloud.forecasting.contests import Contests, contests_of
from cloud.forecasting.registry.settings import ModelSettingPaper, put_setting
from cloud.identity.actor import NotAllowedError
from cloud.identity.store import act_as
from tests.integration.forecasting.judging import ANN, JOB, PAT, cost
from tests.integration.forecasting.test_forecast_runs import LAST, NOW, PLANNER, ask
from tests.integration.ledger.scenario import Ledger, open_ledger

WEEKS, WAVING = 84, 2
"""How long demand is known, and the row whose demand an autoregression foretells."""


@pytest.fixture
def ledger(database: Any) -> Iterator[Ledger]:
    with open_ledger(database, sites=("leeds", "york")) as opened:
        yield opened


@pytest.fixture
def source(database: Any) -> Iterator[LastingConnection]:
    with closing(LastingConnection(database.app_dsn, "test-series")) as opened:
        yield opened


def waving(items: int = 16) -> np.ndarray:
    """Make steady demand; that of one item goes up and down within six weeks."""
    rng = np.random.default_rng(11)
    days = np.repeat(np.linspace(40, 80, items)[:, None] / 7, WEEKS * 7, axis=1)
    days[WAVING] = np.repeat(60 + 40 * np.cos(np.pi * np.arange(WEEKS) / 3), 7) / 7
    return rng.poisson(days)


def promoted(ledger: Ledger, items: int = 16) -> np.ndarray:
    """State promotions whose depth does nothing below a fifth and a lot above; give the demand of it."""
    rng = np.random.default_rng(12)
    depths = rng.choice([0.05, 0.1, 0.15, 0.3, 0.35, 0.4], (items, WEEKS + 14))
    depths *= rng.random(depths.shape) < 0.35

    def state(conn: psycopg.Connection) -> None:
        conn.execute(
            "INSERT INTO item (code) SELECT 'I-' || lpad(n::text, 3, '0') FROM generate_series(1, %s) n",
            (items,),
        )
        rows = [
            (
                row + 1,
                last - timedelta(6),
                last,
                orjson.dumps({"depth": float(depth)}).decode(),
                f"{row}/{week}",
            )
            for (row, week), depth in np.ndenumerate(depths)
            if depth
            for last in [LAST - timedelta(7 * (WEEKS - 1 - week))]
        ]
        conn.cursor().executemany(
            "INSERT INTO event (event_id, revision, site_id, item_id, from_day, to_day, kind, name, "
            "attributes, known_at, source, reference, author) "
            "SELECT nextval('event_number'), 1, 'leeds', i.item_id, %(from)s, %(to)s, 'promotion', 'deal', "
            "%(told)s::jsonb, %(from)s::date - 100, 'crm', %(name)s, 'pat' "
            "FROM item i WHERE i.code = 'I-' || lpad(%(row)s::text, 3, '0')",
            [dict(zip(("row", "from", "to", "told", "name"), row, strict=True)) for row in rows],
        )

    ledger.as_owner(state)
    level = np.linspace(40, 80, items)[:, None] * np.where(depths[:, :WEEKS] > 0.2, 2.5, 1.0)
    return rng.poisson(np.repeat(level / 7, 7, axis=1))


def test_series_of_value_are_tried_and_forecast_by_their_own_model_as_long_as_it_is_better(
    ledger: Ledger,
    source: LastingConnection,
    database: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ask(ledger, waving())
    for number in range(1, 17):
        cost(ledger, f"I-{number:03}", "2")
    paper = ChoicePaper(site="leeds", item="I-003", choice=SeriesChoice.PINNED, note="our largest customer's")
    with pytest.raises(NotAllowedError):
        ledger.as_app(lambda conn: choose(conn, ANN, paper))
    with pytest.raises(ChosenError, match="no item 'nothing'"):
        ledger.as_app(lambda conn: choose(conn, PAT, paper.model_copy(update={"item": "nothing"})))
    ledger.as_app(lambda conn: choose(conn, PAT, paper))
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", database.app_dsn)
    assert main(["forecast", "models", "set", "--site", "leeds", "--series", "2", "--budget", "60"]) == 0
    assert main(["forecast", "models", "leave-out", "I-016", "--site", "leeds"]) == 0
    assert "2 series by value, within 60 s" in capsys.readouterr().out

    told = service.run_all(source, PLANNER, NOW, sites=["leeds"], processes=1)["sites"]["leeds"]
    assert told["contests"]["series"]["in_force"] >= 1
    rows = {row.item: row for row in ledger.as_app(lambda conn: reading.series(conn, PAT, limit=50))}
    assert sorted(rows) == ["I-003", "I-014", "I-015", "I-016"]  # pinned, two by value, one left out
    found = rows["I-003"]
    assert (found.standing, found.choice, found.note) == ("in_force", "pinned", "our largest customer's")
    assert found.why.startswith("better by both: squared error -")
    assert 0 <= found.diagnosis["noise_chance"] <= 1
    assert found.evidence["stock_cost"]["gain"] > 0.01
    assert rows["I-016"].standing is None
    with pytest.raises(NotAllowedError):
        ledger.as_app(lambda conn: reading.series(conn, PAT, site="york", limit=5))

    again = service.run_all(source, PLANNER, NOW, sites=["leeds"], processes=1)["sites"]["leeds"]
    assert again["contests"] == {}  # held; the next is due in 28 days
    assert again["fallbacks"] == []
    ((why, wape),) = ledger.query(
        "SELECT f.why, f.wape FROM forecast f JOIN item i USING (item_id) "
        "WHERE i.code = 'I-003' AND f.run_id = %s",
        again["run_id"],
    )
    assert why["arima"]["order"].startswith("ARIMA(")
    ((before,),) = ledger.query(
        "SELECT f.wape FROM forecast f JOIN item i USING (item_id) WHERE i.code = 'I-003' AND f.run_id = %s",
        told["run_id"],
    )
    assert wape < 0.8 * before

    def broken(conn: psycopg.Connection) -> None:
        conn.execute(
            "INSERT INTO series_model (site_id, item_id, name, standing, why, fits, evidence, judged_until, "
            "inputs_sha256, code_version, decided_by) SELECT site_id, item_id, name, standing, why, "
            "jsonb_set(fits, '{0,fitted,smear}', '1e9') #- '{1}', evidence, judged_until, inputs_sha256, "
            "code_version, decided_by FROM series_model WHERE standing = 'in_force' AND item_id = %s",
            (found.item_id,),
        )

    ledger.as_owner(broken)
    fallen = service.run_all(source, PLANNER, NOW, sites=["leeds"], processes=1)["sites"]["leeds"]
    assert fallen["fallbacks"][0].startswith("arima of I-003 is left out of this run: ARIMA")
    kinds = ledger.query(
        "SELECT kind, evidence ->> 'fallbacks' FROM model_event ORDER BY event_id DESC LIMIT 1"
    )
    assert kinds[0][0] == "fell_back"
    contest = challenge(source, PAT, NOW, site="leeds", name="simple_smoothing", processes=1)
    assert not contest["promoted"]  # it was held: what fails for both hinders no contest
    models_of_another_shape_are_learned_anew(ledger, source, found.item_id)
    capsys.readouterr()
    assert main(["forecast", "models", "series", "--site", "leeds", "--item", "I-003"]) == 0
    assert "Jarque-Bera" in capsys.readouterr().out
    assert main(["forecast", "models", "series", "--json"]) == 0
    assert orjson.loads(capsys.readouterr().out.splitlines()[0])["item"] == "I-003"


def models_of_another_shape_are_learned_anew(ledger: Ledger, source: LastingConnection, item_id: int) -> None:
    """A release changed what a fit holds: the night goes on without the model, and learns it anew."""

    def reshape(conn: psycopg.Connection) -> None:
        conn.execute(
            "INSERT INTO series_model (site_id, item_id, name, standing, why, fits, evidence, judged_until, "
            "inputs_sha256, code_version, decided_by) SELECT site_id, item_id, name, standing, why, "
            "fits #- '{0,fitted,spread}', evidence, judged_until, inputs_sha256, code_version, decided_by "
            "FROM series_model WHERE item_id = %s ORDER BY series_model_id DESC LIMIT 1",
            (item_id,),
        )

    def known(conn: psycopg.Connection) -> Contests:
        act_as(conn, PAT)
        return contests_of(conn, "leeds", NOW.date())

    ledger.as_owner(reshape)
    assert sorted(ledger.as_app(known).unread) == [item_id]
    told = service.run_all(source, PLANNER, NOW, sites=["leeds"], processes=1)["sites"]["leeds"]
    words = "arima of I-003 is left out of this run and learned anew: the fit lacks 'spread': expected "
    assert told["fallbacks"][0].startswith(words)
    found = ledger.as_app(known)
    assert (dict(found.unread), found.is_series_due) == ({}, False)
    assert len(found.in_force[item_id]) == 2


def test_a_nightly_run_lets_lightgbm_challenge_and_forecasts_with_it_once_it_has_won(
    ledger: Ledger,
    source: LastingConnection,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if not is_installed():
        pytest.skip("LightGBM is not installed, or libgomp is missing")
    monkeypatch.setattr(boosting, "TREES", 60)
    ask(ledger, promoted(ledger))
    wish = ModelSettingPaper(site="leeds", challengers=("boosted",), every_days=7)
    ledger.as_app(lambda conn: put_setting(conn, JOB, wish))

    def night() -> dict[str, Any]:
        return service.run_all(source, PLANNER, NOW, sites=["leeds"], processes=1)["sites"]["leeds"]

    first, second, third = night(), night(), night()
    assert first["contests"] == {}  # there was no champion to challenge yet
    assert second["contests"]["boosted"]["promoted"]
    assert third["contests"] == {}
    ((version, parameters, until),) = ledger.query(
        "SELECT version_id, parameters, state_bytes FROM model_version WHERE role = 'champion'"
    )
    assert second["contests"]["boosted"]["champion"] == {"version": version, "name": "boosted"}
    assert parameters["lightgbm"]["rows"] > 500
    assert until > 10_000  # the models themselves are kept
    models = ledger.query("SELECT DISTINCT model FROM forecast WHERE run_id = %s", third["run_id"])
    assert models == [("boosted",)]
    assert third["training"] == {"version": version}
    seven = [run["judged"]["by_horizon_days"]["7"]["wape"] for run in (second, third)]
    assert seven[1] < seven[0]
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", ledger.app_dsn)
    assert main(["forecast", "models", "ablate", "--site", "leeds", "--json"]) == 0
    told = orjson.loads(capsys.readouterr().out)
    assert told["without"]["promotion"]["worse_by"] > 0.5
    assert told["with_all"]["cells"] > 1_000
    ((kept,),) = ledger.query("SELECT evidence FROM model_event WHERE kind = 'ablated'")
    assert kept == told
