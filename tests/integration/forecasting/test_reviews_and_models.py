"""Odd forecasts become tickets, once a week and item; models keep their lineage: on a real database."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import psycopg
import pytest

from cloud.alerts import service as alerts
from cloud.approvals import service as approvals
from cloud.forecasting.overrides import service as overrides
from cloud.forecasting.registry import reading as models
from cloud.forecasting.registry import service as registry
from cloud.forecasting.registry.domain import Because, ModelError, Trained
from cloud.forecasting.reviewing import reading, service
from cloud.forecasting.reviewing.domain import ReviewError
from cloud.forecasting.reviewing.opening import History, open_reviews
from cloud.forecasting.reviewing.service import SettingPaper
from cloud.forecasting.training import program, training_in_force
from cloud.identity.actor import NotAllowedError
from cloud.identity.store import act_as
from tests.integration.forecasting.judging import ANN, JOB, NOW, PAT, TODAY, YAN, made, paper
from tests.integration.ledger.scenario import Ledger, open_ledger

LAST = TODAY - timedelta(1)


@pytest.fixture
def ledger(database: Any) -> Iterator[Ledger]:
    with open_ledger(database, sites=("leeds", "york")) as opened:
        yield opened


def history(ids: dict[str, int], *, odd: int = 1, seed: int = 3) -> History:
    """Give errors of items that are as usual, but for the last error of some."""
    errors = np.random.default_rng(seed).normal(size=(len(ids), 26))
    errors[:odd, -1] = 9.0
    return History(list(ids.values()), errors, np.ones(errors.shape), np.zeros(len(ids), dtype=int), 7)


def test_odd_forecasts_open_one_ticket_each_and_the_expected_number_is_kept_beside(ledger: Ledger) -> None:
    run_id, ids = made(ledger, daily=[10.0] * 40)
    wish = SettingPaper(site="leeds", nominal=Decimal("0.05"), owner="user:pat", due_days=3)
    ledger.as_app(lambda conn: service.put_setting(conn, PAT, wish))
    with pytest.raises(NotAllowedError):
        ledger.as_app(lambda conn: service.put_setting(conn, YAN, wish))
    with pytest.raises(ReviewError, match="no site 'nowhere'"):
        ledger.as_app(lambda conn: service.put_setting(conn, JOB, SettingPaper(site="nowhere")))

    def judge(conn: psycopg.Connection, *, weeks: int = 0, odd: int = 1) -> dict[str, Any]:
        act_as(conn, JOB)
        return open_reviews(conn, run_id, "leeds", LAST + timedelta(7 * weeks), history(ids, odd=odd))

    told = ledger.as_app(judge)
    assert told["judged"] == 40
    assert told["expected"] == 2.0
    assert 1 <= told["flagged"] == told["opened"] <= 6
    assert ledger.as_app(judge) == {"skipped": f"judged until {LAST}; once in 7 days"}
    flagged = ledger.as_app(lambda conn: reading.flagged(conn, PAT, limit=50))
    assert len(flagged) == told["flagged"]
    assert (flagged[0].item, flagged[0].trigger, flagged[0].error) == ("I-1", "band", 9.0)
    (ticket,) = [
        one
        for one in ledger.as_app(lambda conn: alerts.tickets(conn, PAT, kind="policy_review", limit=50))
        if one.detail["item"] == "I-1"
    ]
    assert ticket.ticket_id == flagged[0].ticket_id
    assert (ticket.owner, ticket.site, ticket.severity) == ("user:pat", "leeds", "info")
    assert ticket.due_at is not None
    assert ticket.due_at - ticket.opened_at > timedelta(days=2)
    assert "9.0 each more than forecast came in the 7 days until" in ticket.summary

    again = ledger.as_app(lambda conn: judge(conn, weeks=1))
    assert (again["flagged"], again["opened"]) == (told["flagged"], 0)
    alike = ledger.as_app(lambda conn: alerts.tickets(conn, PAT, kind="policy_review", limit=50))
    assert len(alike) == told["flagged"]
    assert next(one.occurrences for one in alike if one.ticket_id == ticket.ticket_id) == 2
    answer = ledger.as_app(lambda conn: overrides.add(conn, PAT, paper(), now=NOW))
    ledger.as_app(lambda conn: approvals.approve_and_apply(conn, ANN, answer.decision_id, answer.revision))
    assert ledger.as_app(lambda conn: alerts.ticket(conn, PAT, ticket.ticket_id)[0].state) == "resolved"

    drift = ledger.as_app(lambda conn: judge(conn, weeks=2, odd=20))
    assert drift["is_drifting"]
    (whole,) = ledger.as_app(lambda conn: alerts.tickets(conn, PAT, kind="forecast_drift", limit=5))
    assert "2 were expected" in whole.summary
    assert not ledger.as_app(lambda conn: judge(conn, weeks=3, odd=0))["is_drifting"]
    assert ledger.as_app(lambda conn: alerts.ticket(conn, PAT, whole.ticket_id)[0].state) == "resolved"

    def is_due(conn: psycopg.Connection, *, trained_week: int) -> bool:
        act_as(conn, JOB)
        model = trained(until=-7 * trained_week, code=program())
        registry.register(conn, JOB, run_id, "leeds", model, because=Because.ASKED)
        return training_in_force(conn, "leeds", LAST + timedelta(21)).is_due

    assert ledger.as_app(lambda conn: is_due(conn, trained_week=1))  # forecasts have drifted since
    assert not ledger.as_app(lambda conn: is_due(conn, trained_week=2))
    rows = ledger.as_app(lambda conn: reading.reviews(conn, PAT, limit=10))
    assert [row.is_drifting for row in rows] == [False, True, False, False]
    assert ledger.as_app(lambda conn: reading.reviews(conn, YAN, limit=10)) == []
    with pytest.raises(NotAllowedError):
        ledger.as_app(lambda conn: reading.flagged(conn, YAN, site="leeds", limit=10))


def trained(name: str = "combination", *, until: int = 0, code: str = "1") -> Trained:
    return Trained(
        name=name,
        trained_from=LAST - timedelta(728),
        trained_until=LAST - timedelta(until),
        series=40,
        parameters={"members": ["ses", "theta"]},
        weights={"ses": 0.6, "theta": 0.4},
        state=name.encode(),
        inputs_sha256="0" * 64,
        code_version=code,
    )


def test_a_model_is_trained_skipped_challenged_and_followed_with_evidence(ledger: Ledger) -> None:
    run_id, _ = made(ledger)

    def register(because: Because, model: Trained) -> int:
        def work(conn: psycopg.Connection) -> int:
            act_as(conn, JOB)
            return registry.register(conn, JOB, run_id, "leeds", model, because=because)

        return ledger.as_app(work)

    def due(conn: psycopg.Connection, **changes: Any) -> Any:
        act_as(conn, JOB)
        wish = {"name": "combination", "last_day": LAST, "code_version": "1"}
        found = registry.retrain_due(conn, "leeds", **wish | changes)
        if found.because is None:
            registry.skip(conn, JOB, run_id, "leeds", found)
        return found.because

    assert ledger.as_app(due) is Because.FIRST
    with pytest.raises(ModelError, match="no champion to challenge"):
        register(Because.CHALLENGE, trained("boosted"))
    first = register(Because.FIRST, trained(until=91))
    assert ledger.as_app(due) is Because.SCHEDULE
    second = register(Because.SCHEDULE, trained())
    assert ledger.as_app(due) is None
    assert ledger.as_app(lambda conn: due(conn, is_drifting=True)) is Because.DRIFT
    assert ledger.as_app(lambda conn: due(conn, code_version="2")) is Because.CODE
    rival = register(Because.CHALLENGE, trained("boosted"))

    def decide(conn: psycopg.Connection, *, says: bool, is_promoted: bool, against: int | None = None) -> str:
        act_as(conn, JOB)
        evidence = {"is_promoted": says, "stock_cost": {"gain": 0.03}}
        held = {"against": against or second, "is_promoted": is_promoted}
        return registry.decide(conn, JOB, run_id, "leeds", evidence, **held).name

    with pytest.raises(ModelError, match=f"against version {first}, and version {second} .*forecasts by now"):
        ledger.as_app(lambda conn: decide(conn, says=True, is_promoted=True, against=first))

    with pytest.raises(ModelError, match="what the evidence says"):
        ledger.as_app(lambda conn: decide(conn, says=False, is_promoted=True))
    assert ledger.as_app(lambda conn: decide(conn, says=False, is_promoted=False)) == "combination"
    assert ledger.as_app(lambda conn: decide(conn, says=True, is_promoted=True)) == "boosted"
    versions = ledger.as_app(lambda conn: models.versions(conn, PAT, limit=10))
    assert [(one.version_id, one.role, one.parent_id) for one in versions] == [
        (rival, "champion", second),
        (second, "retired", first),
        (first, "retired", None),
    ]
    assert ledger.as_app(lambda conn: (act_as(conn, PAT), registry.state_of(conn, rival))[1]) == b"boosted"
    events = ledger.as_app(lambda conn: models.events(conn, PAT, limit=20))
    assert [event.kind for event in events] == [
        *("promoted", "kept", "challenged", "retrain_skipped", "trained", "trained")
    ]
    assert events[0].evidence["stock_cost"] == {"gain": 0.03}
    assert events[3].evidence["age_days"] == 0
    late = register(Because.CHALLENGE, trained("late"))
    with pytest.raises(ModelError, match="no model version"):
        ledger.as_app(lambda conn: registry.withdraw(conn, YAN, late))
    assert ledger.as_app(lambda conn: registry.withdraw(conn, PAT, late, note="too slow").role) == "retired"
    with pytest.raises(ModelError, match="expected a challenger"):
        ledger.as_app(lambda conn: registry.withdraw(conn, PAT, rival))
    for number in range(4):
        register(Because.ASKED, trained(f"asked_{number}"))
    kept = ledger.as_app(lambda conn: models.versions(conn, PAT, limit=20))
    assert [one.has_state for one in kept] == [True] * 3 + [False] * (len(kept) - 3)
    assert ledger.as_app(lambda conn: models.versions(conn, YAN, limit=10)) == []
