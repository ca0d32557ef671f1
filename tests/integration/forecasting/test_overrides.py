"""Adjusted forecasts on a real database: asked for, approved by another, applied, judged; or refused."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from pydantic import ValidationError

from cloud.approvals import service as approvals
from cloud.approvals.within_limits import settle
from cloud.decisions.checks import read
from cloud.decisions.domain import OwnDecisionError, State, WrongStateError
from cloud.decisions.limits import LimitPaper, put_limit
from cloud.demand.reading import DailyMatrix, daily_matrix
from cloud.forecasting.overrides import reading, service
from cloud.forecasting.overrides.domain import (
    EndedOverrideError,
    Mode,
    OverlappingOverrideError,
    OverrideError,
    OverrideRow,
    SmallOverrideError,
    UnknownOverrideError,
)
from cloud.forecasting.overrides.nightly import in_force, keep_effects
from cloud.forecasting.overrides.value_added import blocks, worths
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.identity.store import act_as
from cloud.ledger.corrections import merge_items
from tests.integration.forecasting.judging import ANN, JOB, NOW, PAT, TODAY, YAN, cost, made, paper
from tests.integration.ledger.scenario import NETWORK_CONTROLLER, Ledger, open_ledger

ROOT = Actor("user:root", frozenset({Role.ADMIN}), all_sites=True)


@pytest.fixture
def ledger(database: Any) -> Iterator[Ledger]:
    with open_ledger(database, sites=("leeds", "york")) as opened:
        yield opened


def ask(ledger: Ledger, actor: Actor = PAT, **changes: Any) -> OverrideRow:
    return ledger.as_app(lambda conn: service.add(conn, actor, paper(**changes), now=NOW))


def approve(ledger: Ledger, row: OverrideRow, actor: Actor = ANN) -> State:
    assert row.decision_id is not None
    return ledger.as_app(
        lambda conn: approvals.approve_and_apply(conn, actor, row.decision_id, row.revision).state
    )


def now_of(ledger: Ledger, row: OverrideRow, actor: Actor = PAT) -> OverrideRow:
    return ledger.as_app(lambda conn: reading.override(conn, actor, row.override_id, now=NOW))


def known(conn: psycopg.Connection, first_day: date) -> DailyMatrix:
    return daily_matrix(conn, "leeds", first_day - timedelta(60), first_day - timedelta(1))


def test_an_adjustment_counts_when_another_person_has_approved_it(ledger: Ledger) -> None:
    run_id, ids = made(ledger)
    cost(ledger, "I-1", "2.50")
    row = ask(ledger)
    assert (row.standing, row.value, row.currency) == ("waiting", Decimal("175.00"), "EUR")
    assert row.basis["system"] == 140.0
    assert row.basis["overridden"] == 210.0
    assert ledger.as_app(_in_force) == {}

    with pytest.raises(OwnDecisionError, match="your own"):
        approve(ledger, row, Actor("user:pat", frozenset({Role.APPROVER}), PAT.sites))
    assert approve(ledger, row) is State.APPLIED
    row = now_of(ledger, row)
    assert (row.standing, row.approver) == ("planned", "user:ann")

    def night(conn: psycopg.Connection) -> tuple[Any, int]:
        act_as(conn, JOB)
        counted = in_force(conn, "leeds", TODAY)
        mean, horizons = [10.0] * 28, [7, 28]
        adjusted = counted.apply(ids["I-1"], mean, horizons, [[60.0, 70, 80], [250, 280, 310]])
        assert counted.apply(ids["I-2"], mean, horizons, [[0.0, 1, 2]] * 2) is None
        return adjusted, keep_effects(conn, run_id, counted, {ids["I-1"]: adjusted}, known(conn, TODAY))

    adjusted, kept = ledger.as_app(night)
    assert adjusted.said.mean == [10.0] + [15.0] * 14 + [10.0] * 13
    assert adjusted.system.mean == [10.0] * 28
    assert adjusted.override_ids == [row.override_id]
    assert adjusted.said.cum_q[1][1] == 350.0
    assert adjusted.said.cum_q[1][0] < 320.0
    assert kept == 1
    assert now_of(ledger, row).run_id == run_id
    drawn = ledger.as_app(lambda conn: reading.picture(conn, PAT, site="leeds", item="I-1", now=NOW))
    assert drawn is not None
    assert drawn.adjusted is not None
    assert sum(drawn.adjusted.said.mean) == sum(drawn.system.mean) + 70.0
    told = ledger.query("SELECT action FROM audit_event WHERE target LIKE 'decision:%%' ORDER BY audit_id")
    assert [action for (action,) in told] == [
        "decision_drafted",
        "decision_submitted",
        "decision_approved",
        "decision_applied",
    ]


def _in_force(conn: psycopg.Connection) -> dict[int, Any]:
    act_as(conn, JOB)
    return dict(in_force(conn, "leeds", TODAY).by_item)


def test_small_overlapping_or_unfounded_adjustments_are_refused(ledger: Ledger) -> None:
    made(ledger)
    with pytest.raises(SmallOverrideError, match=r"140\.0 each by 11\.2.*confirm_small"):
        ask(ledger, amount=Decimal(8))
    assert ask(ledger, amount=Decimal(8), confirm_small=True).is_small
    with pytest.raises(OverlappingOverrideError, match="override 1 stands on"):
        ask(ledger, from_day=TODAY + timedelta(14), to_day=TODAY + timedelta(20))
    ask(ledger, from_day=TODAY + timedelta(15), to_day=TODAY + timedelta(20))
    with pytest.raises(OverrideError, match="no forecast of item 'NONE'"):
        ask(ledger, item="NONE")
    with pytest.raises(OverrideError, match="the days that are forecast"):
        ask(ledger, from_day=TODAY + timedelta(200), to_day=TODAY + timedelta(210))
    with pytest.raises(NotAllowedError):
        ask(ledger, YAN)
    with pytest.raises(NotAllowedError):
        ask(ledger, ANN)
    for wrong, expected in (
        ({"category": "tea"}, "an item or a category"),
        ({"amount": 0}, "changes nothing"),
        ({"reason": "because"}, "expected one of promotion"),
        ({"mode": Mode.ADD}, "expected day or week"),
        ({"evidence": " "}, "what it rests on"),
        ({"expires_on": TODAY + timedelta(40)}, "expires_on"),
        ({"item": None, "category": "tea", "mode": Mode.ADD, "per": "day"}, "of a category expected percent"),
    ):
        with pytest.raises(ValidationError, match=expected):
            paper(**wrong)


def test_within_ones_own_limit_no_second_person_is_needed_and_above_it_one_is(ledger: Ledger) -> None:
    made(ledger)
    cost(ledger, "I-1", "1")
    cost(ledger, "I-2", "1")
    limit = LimitPaper("planner", "EUR", Decimal(1000), Decimal(80), site="leeds", kind="forecast_override")
    ledger.as_app(lambda conn: put_limit(conn, ROOT, limit))

    def ask_and_settle(**changes: Any) -> State:
        def work(conn: psycopg.Connection) -> State:
            row = service.add(conn, PAT, paper(**changes), now=NOW)
            assert row.decision_id is not None
            return settle(conn, PAT, row.decision_id).state

        return ledger.as_app(work)

    assert ask_and_settle() is State.APPLIED  # worth 70
    far = {"from_day": TODAY + timedelta(20), "to_day": TODAY + timedelta(22)}
    assert ask_and_settle(**far) is State.SUBMITTED  # 15 more of the same item on the same day: 85
    assert ask_and_settle(item="I-2") is State.APPLIED
    assert ask_and_settle(item="I-3") is State.SUBMITTED  # its cost is unknown, which is above every limit


def test_an_adjustment_is_taken_back_by_its_author_and_reversed_by_an_approver(ledger: Ledger) -> None:
    made(ledger)
    waiting, counting, undone = ask(ledger), ask(ledger, item="I-2"), ask(ledger, item=None, category="mugs")
    with pytest.raises(UnknownOverrideError):
        ledger.as_app(lambda conn: service.withdraw(conn, YAN, waiting.override_id, now=NOW))
    taken = ledger.as_app(lambda conn: service.withdraw(conn, PAT, waiting.override_id, now=NOW))
    assert taken.standing == "withdrawn"
    with pytest.raises(EndedOverrideError, match="is withdrawn"):
        ledger.as_app(lambda conn: service.withdraw(conn, PAT, waiting.override_id, now=NOW))
    approve(ledger, counting)
    approve(ledger, undone)
    other = Actor("user:bea", frozenset({Role.PLANNER}), PAT.sites)
    with pytest.raises(NotAllowedError, match="did not ask for"):
        ledger.as_app(lambda conn: service.withdraw(conn, other, counting.override_id, now=NOW))
    ended = ledger.as_app(lambda conn: service.withdraw(conn, PAT, counting.override_id, now=NOW))
    assert (ended.standing, ended.ended_by) == ("ended", "user:pat")

    def decided(conn: psycopg.Connection) -> State:
        act_as(conn, PAT)
        return read(conn, ended.decision_id).state

    assert ledger.as_app(decided) is State.REVERSED
    ledger.as_app(
        lambda conn: approvals.reverse(
            conn, ANN, undone.decision_id, undone.revision, reason="approved_in_error"
        )
    )
    assert now_of(ledger, undone).standing == "ended"
    assert ledger.as_app(_in_force) == {}


def test_an_adjustment_ends_by_itself_and_is_not_approved_after_its_days(ledger: Ledger) -> None:
    made(ledger, first_day=TODAY - timedelta(10))
    early = {
        "from_day": TODAY - timedelta(8),
        "to_day": TODAY + timedelta(3),
        "expires_on": TODAY - timedelta(1),
    }
    row = ask(ledger, **early)
    assert row.standing == "lapsed"
    with pytest.raises(WrongStateError, match="is lapsed"):
        approve(ledger, row)
    with pytest.raises(psycopg.errors.RestrictViolation, match="no approved decision"):
        ledger.as_app(
            lambda conn: (
                act_as(conn, PAT),
                conn.execute("UPDATE forecast_override SET applied_at = now()"),
            )
        )


def test_a_forecast_that_has_grown_takes_the_adjustment_back_to_its_approver(ledger: Ledger) -> None:
    made(ledger)
    cost(ledger, "I-1", "1")
    row = ask(ledger)
    made(ledger, daily=(20.0, 4.0, 0.5))
    assert approve(ledger, row) is State.SUBMITTED
    again = now_of(ledger, row)
    assert (again.value, again.revision) == (Decimal("140.00"), 2)
    assert "280.0 to 420.0 each" in (again.verdict_note or "")


def test_an_adjustment_is_judged_by_what_came(ledger: Ledger) -> None:
    start = TODAY - timedelta(20)
    run_id, ids = made(ledger, first_day=start)
    cost(ledger, "I-1", "3.65")
    days = {"from_day": start, "to_day": start + timedelta(13)}
    good, bad = ask(ledger, **days), ask(ledger, item="I-2", **days)
    assert good.override_id
    for row in (good, bad):
        ledger.as_owner(
            lambda conn, row=row: (
                conn.execute("ALTER TABLE forecast_override DISABLE TRIGGER guard"),
                conn.execute(
                    "UPDATE forecast_override SET applied_at = now() WHERE override_id = %s",
                    (row.override_id,),
                ),
            )
        )

    def night(conn: psycopg.Connection) -> None:
        act_as(conn, JOB)
        counted = in_force(conn, "leeds", start)
        flat = {ids["I-1"]: 10.0, ids["I-2"]: 4.0}
        done = {item: counted.apply(item, [rate] * 28, [28], [[0.0, 1.0]]) for item, rate in flat.items()}
        keep_effects(
            conn, run_id, counted, {item: one for item, one in done.items() if one}, known(conn, start)
        )

    for item, daily in (("I-1", 16), ("I-2", 4)):
        ledger.as_owner(
            lambda conn, item=item, daily=daily: conn.execute(
                "INSERT INTO demand_line (site_id, source, document, line, kind, item_id, requested_at,"
                " quantity, revision, recorded_by, identifier_scheme, identifier, quantity_seen, recorded_at)"
                " SELECT 'leeds', 'pos', 'D' || n || i.code, '1', 'requested', i.item_id,"
                " %s::date + n * INTERVAL '1 day' + INTERVAL '12 hours', %s, 1, 'test', 'item', i.code, %s,"
                " now()"
                " FROM generate_series(-7, 19) n, item i WHERE i.code = %s",
                (start, daily, daily, item),
            )
        )
    ledger.as_owner(
        lambda conn: conn.execute(
            "INSERT INTO demand_mask (site_id, item_id, from_day, until_day, kind, reason, recorded_by)"
            " VALUES ('leeds', %s, %s, %s, 'disruption', 'flood', 'test')",
            (ids["I-2"], start - timedelta(3), start - timedelta(3)),
        )
    )
    ledger.as_app(night)

    def worth(**asked: Any) -> list[Any]:
        return ledger.as_app(lambda conn: worths(conn, PAT, now=NOW, **asked))

    assert worth() == []

    def later(conn: psycopg.Connection, *, day: int) -> None:
        act_as(conn, JOB)
        first = start + timedelta(day)
        keep_effects(conn, run_id, in_force(conn, "leeds", first), {}, known(conn, first))

    ledger.as_app(lambda conn: later(conn, day=8))
    assert [one.blocks for one in worth()] == [2]
    for day in (20, 20):
        ledger.as_app(lambda conn, day=day: later(conn, day=day))
    by_item = {one.name: one for one in worth(by="item")}
    assert by_item["I-1"].system_error == pytest.approx(84)
    assert by_item["I-1"].override_error == pytest.approx(14)
    assert by_item["I-1"].added == pytest.approx(70)
    assert by_item["I-1"].share == pytest.approx(70 / 224)
    assert (by_item["I-1"].naive_blocks, by_item["I-1"].naive_error) == (2, 0)
    assert by_item["I-1"].over_naive == pytest.approx(-14)
    assert (by_item["I-2"].naive_blocks, by_item["I-2"].naive_error, by_item["I-2"].over_naive) == (
        0,
        None,
        None,
    )
    assert by_item["I-1"].cost_saved == pytest.approx(70 * 19 * 3.65 * 0.25 * 7 / 365)
    assert by_item["I-1"].currency == "EUR"
    assert by_item["I-2"].added == pytest.approx(-28)
    assert by_item["I-2"].cost_saved is None
    (author,) = worth(by="author")
    assert (author.name, author.overrides, author.added) == ("user:pat", 2, pytest.approx(42))
    assert [one.name for one in worth(by="override")] == [str(one.override_id) for one in (good, bad)]
    assert (author.blocks, author.naive_blocks, author.over_naive) == (4, 2, pytest.approx(-14))
    (whole,) = worth(override_id=good.override_id)
    assert whole.added == pytest.approx(70)
    shown = ledger.as_app(lambda conn: blocks(conn, PAT, good.override_id, now=NOW, site="leeds", limit=10))
    assert [(one.item, one.came) for one in shown] == [("I-1", 112)] * 2


def test_an_adjustment_of_an_item_that_was_merged_holds_for_the_one_it_reads_as(ledger: Ledger) -> None:
    _, ids = made(ledger, daily=[10.0, 10.0, 10.0])
    days = {"from_day": TODAY + timedelta(1), "to_day": TODAY + timedelta(7)}
    percent = ask(ledger, **days)
    units = ask(ledger, item="I-2", mode=Mode.ADD, amount=Decimal(6), per="day", **days)
    for row in (percent, units):
        assert approve(ledger, row) is State.APPLIED
    for old, ratio in (("I-1", (1, 1)), ("I-2", (1, 3))):
        ledger.as_app(
            lambda conn, old=old, ratio=ratio: merge_items(
                conn, NETWORK_CONTROLLER, from_code=old, to_code="I-3", ratio=ratio
            )
        )

    def night(conn: psycopg.Connection) -> Any:
        act_as(conn, JOB)
        return in_force(conn, "leeds", TODAY).by_item

    counted = ledger.as_app(night)
    assert list(counted) == [ids["I-3"]]
    assert [(one.mode, one.amount) for one in counted[ids["I-3"]]] == [(Mode.PERCENT, 50.0), (Mode.ADD, 2.0)]
    with pytest.raises(OverlappingOverrideError):
        ask(ledger, item="I-3", **days)
