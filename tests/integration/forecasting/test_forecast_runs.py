"""A site's forecast run on a real database: rows, slots, provenance, who may see them, what is forgotten."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import orjson
import psycopg
import pytest

from cloud.cli import main
from cloud.db import LastingConnection
from cloud.db.apart import PartsFailedError
from cloud.forecasting import reading, service, site_run
from cloud.forecasting.combining import Combination
from cloud.forecasting.commands import _lines, _summed_up
from cloud.forecasting.domain import Order, UnknownForecastError
from cloud.forecasting.engine import plan
from cloud.forecasting.granularity.method import Granular
from cloud.forecasting.policies import Policies
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.identity.store import act_as
from cloud.runs import service as runs
from tests.integration.ledger.scenario import Ledger, open_ledger

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
LAST = date(2026, 3, 1)
PLANNER = Actor("job:forecast", frozenset({Role.PLANNER}), all_sites=True)
OF_YORK = Actor("user:yan", frozenset({Role.PLANNER}), frozenset({"york"}))
OF_LEEDS = Actor("user:lea", frozenset({Role.AUDITOR}), frozenset({"leeds"}))


@pytest.fixture
def ledger(database: Any) -> Iterator[Ledger]:
    with open_ledger(database, sites=("leeds", "york")) as opened:
        yield opened


@pytest.fixture
def source(database: Any) -> Iterator[LastingConnection]:
    with closing(LastingConnection(database.app_dsn, "test-forecast")) as opened:
        yield opened


def demand(items: int = 30, weeks: int = 60) -> np.ndarray:
    """Make Poisson demand of some items, the last of them begun a week before the end."""
    rng = np.random.default_rng(7)
    days = rng.poisson(np.linspace(0.2, 20, items)[:, None], (items, weeks * 7))
    days[-1, :-7] = 0
    days[-1, -7] = 3
    return days


def ask(
    ledger: Ledger, days: np.ndarray, *, site: str = "leeds", until: date = LAST, source: str = "pos"
) -> None:
    """Store demand, a line per item and day, of items `I-001` and on."""
    items, count = days.shape
    rows = [(int(row), int(day), int(days[row, day])) for row, day in zip(*np.nonzero(days), strict=True)]
    noon = datetime(until.year, until.month, until.day, 12, tzinfo=UTC)

    def store(conn: psycopg.Connection) -> None:
        conn.execute(
            "INSERT INTO item (code) SELECT 'I-' || lpad(n::text, 3, '0') FROM generate_series(1, %s) n"
            " ON CONFLICT DO NOTHING",
            (items,),
        )
        conn.execute(
            "INSERT INTO demand_line (site_id, source, document, line, kind, item_id, requested_at, quantity,"
            " revision, recorded_by, identifier_scheme, identifier, quantity_seen, recorded_at)"
            " SELECT %s, %s, 'D' || x.d, x.r::text, 'requested', i.item_id,"
            " %s::timestamptz - (%s - x.d) * INTERVAL '1 day', x.q, 1, 'test', 'item', i.code, x.q, now()"
            " FROM unnest(%s::int[], %s::int[], %s::int[]) AS x (r, d, q)"
            " JOIN item i ON i.code = 'I-' || lpad((x.r + 1)::text, 3, '0')",
            (site, source, noon, count - 1, *map(list, zip(*rows, strict=True))),
        )

    ledger.as_owner(store)


def published(ledger: Ledger, actor: Actor = PLANNER, sites: list[str] | None = None) -> list[tuple]:
    def read(conn: psycopg.Connection) -> list[tuple]:
        act_as(conn, actor)
        return conn.execute(
            "SELECT item, run_id, first_day, mean, horizons, cum_q, model, is_sufficient "
            "FROM pub_forecasts(%s) ORDER BY item",
            (sites,),
        ).fetchall()

    return ledger.as_app(read)


def test_a_run_writes_what_the_mathematics_says_once_per_slot(
    ledger: Ledger, source: LastingConnection
) -> None:
    days = demand()
    ask(ledger, days)
    told = service.run_all(source, PLANNER, NOW, NOW)["sites"]
    assert told["york"] == {"skipped": "no demand is known"}
    assert (told["leeds"]["items"], told["leeds"]["insufficient"], told["leeds"]["late_days"]) == (30, 1, 0)
    assert "WAPE" in _summed_up(told["leeds"])
    again = service.run_all(source, PLANNER, NOW, NOW)["sites"]["leeds"]
    assert "already" in again["skipped"]

    expected = plan(
        days.astype(float),
        days < 0,
        last_day=LAST,
        protection=np.full(len(days), 14),
        method=Granular(Combination(), Policies.of({}, range(len(days))), np.full(len(days), np.nan)),
        processes=1,
    )
    assert expected.said.decided is not None
    chosen = [(one.class_name, one.bucket.value) for one in expected.said.decided.anew]
    assert ledger.query("SELECT class_name, bucket FROM forecast_bucket ORDER BY class_name") == chosen
    assert chosen
    rows = published(ledger)
    for row, series in zip(rows, expected.series(), strict=True):
        _, run_id, first_day, mean, horizons, cum_q, model, is_sufficient = row
        assert (run_id, first_day, model) == (told["leeds"]["run_id"], LAST + timedelta(days=1), series.model)
        assert (horizons, is_sufficient) == (series.horizons.tolist(), series.is_sufficient)
        np.testing.assert_allclose(mean, series.mean, rtol=1e-6)
        np.testing.assert_allclose(cum_q, series.cum_q, rtol=1e-6)
    assert ledger.query("SELECT count(*) FROM forecast_backtest")[0][0] == 29 * 35
    ((within, wide),) = ledger.query(
        "SELECT avg((actual BETWEEN low AND high)::int), avg(is_in_wide::int) FROM forecast_backtest "
        "WHERE actual IS NOT NULL"
    )
    assert 0.7 < within < wide < 1

    assert told["leeds"]["training"]["because"] == "first"
    later = [service.run_all(source, PLANNER, NOW, None)["sites"]["leeds"] for _ in range(2)]
    assert [run["training"] for run in later] == [{"version": told["leeds"]["training"]["version"]}] * 2
    first, second = (
        ledger.as_app(lambda conn, run_id=run["run_id"]: runs.run(conn, PLANNER, run_id)) for run in later
    )
    assert first.inputs_sha256 == second.inputs_sha256
    assert first.inputs["demand_until"] == LAST.isoformat()
    assert [row[2:] for row in published(ledger)] == [row[2:] for row in rows]


def test_a_training_is_used_until_it_is_due_again(ledger: Ledger, source: LastingConnection) -> None:
    days = demand(items=12, weeks=40)
    trained = []
    for since, until in pairwise((0, 20, 32, 33)):  # the last one 13 weeks after the first
        last = LAST - timedelta(weeks=40 - until)
        ask(ledger, days[:, 7 * since : 7 * until], until=last, source=f"till-{until}")
        trained.append(service.run_all(source, PLANNER, NOW)["sites"]["leeds"]["training"])
    first, kept, again = trained
    assert (first["because"], kept, again["because"]) == ("first", {"version": first["version"]}, "schedule")
    events = ledger.query("SELECT kind, because, version_id FROM model_event ORDER BY event_id")
    assert events == [
        ("trained", "first", first["version"]),
        ("retrain_skipped", "not_due", first["version"]),
        ("trained", "schedule", again["version"]),
    ]


def test_forecasts_are_read_in_every_order_and_by_those_who_may(
    ledger: Ledger, source: LastingConnection
) -> None:
    ask(ledger, demand(items=12, weeks=30))
    service.run_all(source, PLANNER, NOW)

    def listed(conn: psycopg.Connection) -> None:
        for order in Order:
            seen: list[str] = []
            after = reading.FIRST
            while page := reading.forecasts(conn, PLANNER, order=order, after=after, limit=5):
                seen += [row.item for row in page]
                after = (page[-1].place, page[-1].site, page[-1].item)
            assert sorted(seen) == [f"I-{n:03d}" for n in range(1, 13)], order
        (short,) = reading.forecasts(conn, PLANNER, is_sufficient=False, limit=20)
        assert (short.item, short.wape, short.is_better) == ("I-012", None, None)
        found = reading.forecast(conn, OF_LEEDS, site="leeds", item="I-010")
        assert found.row.next_week == pytest.approx(sum(found.content.mean[:7]), rel=1e-5)
        assert len(found.content.history) == 30
        assert [line.horizon_days for line in found.backtest] == [7] * 13 + [14] * 12 + [28] * 10
        assert any("80 % band" in line for line in _lines(found))
        assert [run.site for run in reading.site_runs(conn, OF_LEEDS)] == ["leeds"]
        assert reading.forecasts(conn, OF_YORK, limit=20) == []
        with pytest.raises(NotAllowedError):
            reading.forecast(conn, OF_YORK, site="leeds", item="I-010")
        with pytest.raises(UnknownForecastError, match="'nothing' at site 'leeds'"):
            reading.forecast(conn, PLANNER, site="leeds", item="nothing")

    ledger.as_app(listed)
    assert published(ledger, OF_YORK) == []
    assert len(published(ledger, OF_LEEDS, ["leeds"])) == 12
    with pytest.raises(UnknownForecastError, match="no site 'hull'"):
        service.run_all(source, PLANNER, NOW, sites=["hull"])
    with pytest.raises(NotAllowedError):
        service.run_all(source, OF_LEEDS, NOW)
    assert set(service.run_all(source, OF_YORK, NOW)["sites"]) == {"york"}


def test_late_demand_is_forecast_from_where_it_ends_and_told(
    ledger: Ledger, source: LastingConnection
) -> None:
    ask(ledger, demand(items=3, weeks=12), until=LAST - timedelta(days=10))
    told = service.run_all(source, PLANNER, NOW)["sites"]["leeds"]
    assert (told["late_days"], told["first_day"]) == (10, (LAST - timedelta(days=9)).isoformat())
    assert "10 days before yesterday" in _summed_up(told)
    # A weekend without demand is no delay.
    told = service.run_all(source, PLANNER, NOW - timedelta(days=8))["sites"]["leeds"]
    assert (told["late_days"], told["first_day"]) == (0, (LAST - timedelta(days=7)).isoformat())


def test_protection_periods_are_read_and_what_other_sites_need_is_not_forecast_beside_it(
    ledger: Ledger, source: LastingConnection
) -> None:
    ask(ledger, demand(items=3, weeks=20))

    def state(conn: psycopg.Connection) -> None:
        run_id = runs.begin(conn, PLANNER, kind="test", site="leeds", inputs={}, parameters={})
        conn.execute(
            "WITH d AS (INSERT INTO lead_time_distribution (days, probability, source, as_of)"
            " VALUES ('{20}', '{1}', 'default', now()) RETURNING lead_time_dist_id)"
            " INSERT INTO planning_parameters (run_id, site_id, item_id, review_days, lead_time_dist_id,"
            " protection_days, target_kind, target, defaults, approved_at, approved_by, demand_type)"
            " SELECT %s, 'leeds', i.item_id, 7, d.lead_time_dist_id, 27, 'cycle_service', 0.95, '{}',"
            " now(), 't', x.demand_type"
            " FROM item i, d, (VALUES ('I-002', 'both'), ('I-003', 'dependent')) x (code, demand_type)"
            " WHERE i.code = x.code",
            (int(run_id),),
        )

    ledger.as_app(state)
    outcome = service.run_all(source, PLANNER, NOW)["sites"]["leeds"]
    horizons = {row[0]: row[4] for row in published(ledger)}
    assert horizons == {"I-001": [1, 7, 14, 28, 56, 91], "I-002": [1, 7, 14, 27, 28, 56, 91]}
    ((inputs,),) = ledger.query(f"SELECT inputs FROM planning_run WHERE run_id = {outcome['run_id']}")
    assert (inputs["items"], inputs["dependent_items"]) == (2, 1)


def test_a_run_that_cannot_be_is_marked_failed_and_leaves_nothing_and_a_day_of_no_demand_is_left_out(
    ledger: Ledger, source: LastingConnection
) -> None:
    ask(ledger, demand(items=2, weeks=1))
    ledger.as_owner(lambda conn: conn.execute("REVOKE INSERT ON forecast_backtest FROM dockledger_app"))
    with pytest.raises(
        PartsFailedError, match=r"^leeds: DatabaseAwayError: .*permission denied for table forecast_backtest"
    ):
        service.run_all(source, PLANNER, NOW, NOW)
    ledger.as_owner(lambda conn: conn.execute("GRANT INSERT ON forecast_backtest TO dockledger_app"))
    assert ledger.query("SELECT count(*) FROM forecast") == [(0,)]
    right = "SELECT quantity FROM demand_line ORDER BY document DESC LIMIT 1"
    ledger.query(f"UPDATE demand_line SET quantity = 'NaN' WHERE quantity = ({right}) RETURNING 1")
    told = service.run_all(source, PLANNER, NOW, NOW)["sites"]["leeds"]
    assert (told["items"], told["insufficient"]) == (2, 2)
    assert re.fullmatch(
        r"demand of item 'I-00\d' on 2026-0\d-\d\d is nan: expected .* left out", told["no_demand"][0]
    )
    states = ledger.query("SELECT state, error IS NOT NULL FROM planning_run ORDER BY run_id")
    assert states == [("failed", True), ("done", False)]


def test_commands_run_show_and_refuse(
    ledger: Ledger, database: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", database.app_dsn)
    until = datetime.now(UTC).date() - timedelta(days=1)
    ask(ledger, demand(items=3, weeks=20), until=until)
    assert main(["forecast", "run", "--site", "leeds"]) == 0
    assert re.match(r"leeds: run 1, 3 items from \d{4}-\d\d-\d\d, 1 with insuff", capsys.readouterr().out)
    assert main(["forecast", "run", "--json"]) == 0
    told = orjson.loads(capsys.readouterr().out)
    assert told["sites"]["york"] == {"skipped": "no demand is known"}
    assert main(["forecast", "show", "I-002", "--site", "leeds"]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("I-002 at leeds, combination, from")
    assert main(["forecast", "show", "I-002", "--site", "leeds", "--json"]) == 0
    assert len(orjson.loads(capsys.readouterr().out)["content"]["mean"]) == 91
    assert main(["forecast", "explain", "I-002", "--site", "leeds"]) == 0
    told = dict(line.split(":", 1) for line in capsys.readouterr().out.splitlines()[1:])
    assert {"Method", "Members", "History", "Weekdays", "Bands", "Pattern", "Rests on"} <= set(told)
    assert "12 simple methods" in told["Method"]
    assert main(["forecast", "explain", "I-002", "--site", "leeds", "--json"]) == 0
    told = orjson.loads(capsys.readouterr().out)
    assert told["why"]["pattern"]["name"] in {one["text"].split(":")[0] for one in told["reasons"]}
    assert main(["forecast", "show", "nothing", "--site", "leeds"]) == 1
    assert "no forecast of item 'nothing'" in capsys.readouterr().err
    assert main(["forecast", "run", "--site", "hull"]) == 1
    assert "no site 'hull'" in capsys.readouterr().err


def test_of_two_runs_of_a_slot_at_once_one_counts(
    ledger: Ledger, source: LastingConnection, database: Any
) -> None:
    ask(ledger, demand(items=2, weeks=10))
    inner: list[dict[str, Any]] = []

    def meanwhile(site: str, done: int, of: int) -> None:
        del site, done, of
        with closing(LastingConnection(database.app_dsn, "test-other")) as other:
            inner.append(service.run_all(other, PLANNER, NOW, NOW)["sites"]["leeds"])

    outer = service.run_all(source, PLANNER, NOW, NOW, progress=meanwhile)["sites"]["leeds"]
    assert "failed already" in outer["skipped"]
    assert {row[1] for row in published(ledger)} == {inner[0]["run_id"]}
    states = ledger.query("SELECT state FROM planning_run ORDER BY run_id")
    assert [state for (state,) in states] == ["failed", "done"]


def test_lines_of_old_backtests_are_forgotten_and_their_sums_kept(
    ledger: Ledger, source: LastingConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(ledger, demand(items=3, weeks=20))
    monkeypatch.setattr(site_run, "BACKTESTS_KEPT", 2)
    numbers = [service.run_all(source, PLANNER, NOW)["sites"]["leeds"]["run_id"] for _ in range(4)]
    kept = ledger.query("SELECT DISTINCT run_id FROM forecast_backtest ORDER BY 1")
    assert [row[0] for row in kept] == numbers[1:]
    assert ledger.query("SELECT count(DISTINCT run_id) FROM forecast WHERE wape > 0")[0][0] == 4
