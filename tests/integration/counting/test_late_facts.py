"""What arrives after a count was settled: a late fact re-derives the variance (DOMAIN D7)."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic

import pytest

from cloud.approvals.service import approve_and_apply
from cloud.counting import late_facts, service
from cloud.counting.adjustments import propose
from cloud.counting.domain import NotPossibleError
from cloud.counting.service import force
from cloud.db import statements
from cloud.decisions import store as decision_store
from cloud.decisions.domain import State
from cloud.decisions.service import reject
from cloud.identity.store import act_as
from contracts.records import Side
from tests.integration.counting.floor import (
    APPROVER,
    MUG,
    RUM,
    SUPERVISOR,
    Floor,
    line,
    stands,
)
from tests.integration.counting.test_adjustments import final_shortage, limited
from tests.integration.ledger.scenario import move
from tests.patience import PATIENCE_S

UNIT, PALLET = "106141412345678908", "106141412345678915"


def settled(floor: Floor, *lines: object, minute: float = 10, **fields: object) -> None:
    floor.counts(*lines, minute=minute, **fields)
    floor.watermark(minute + 1)
    assert floor.settles()["settled"] == 1


def states(floor: Floor) -> dict[str, str]:
    return {row.item: row.state for row in floor.variances()}


def test_a_count_that_was_right_is_beyond_when_a_late_fact_says_so_and_right_again_after_another(
    floor: Floor,
) -> None:
    floor.receives("10")
    floor.costs("2")
    settled(floor, line("10"))
    assert (states(floor), floor.tickets()) == ({"TEA": "within"}, [])
    floor.happens(move("4", "A-01", "@customer", minute=5))
    assert floor.settles()["changed"] == 1
    row = floor.variance()
    assert (row.state, row.book, row.difference, row.stage) == ("beyond", 6, 4, "final")
    assert floor.tickets() == [("variance", "A-01: TEA 4 over (counted 10, book 6; 8 EUR)")]
    decision = floor.decision()
    assert (decision.state, decision.author, decision.value) == (State.SUBMITTED, "user:ann", 8)
    floor.happens(move("4", "@supplier", "A-01", minute=6))
    assert floor.settles()["changed"] == 1
    assert (floor.variance().state, floor.tickets()) == ("within", [])
    assert floor.decision().state is State.REJECTED
    floor.happens(move("1", "A-01", "@customer", minute=7))
    assert floor.settles()["changed"] == 1
    assert floor.decision().state is State.SUBMITTED
    floor.approves(floor.decision())
    assert (floor.as_of(10), floor.settles()["changed"]) == (10, 0)


def test_a_fact_of_another_cell_or_a_later_instant_changes_nothing(floor: Floor) -> None:
    floor.receives("10")
    settled(floor, line("10"), scope="items")
    settled(floor, minute=20, place="C-01")
    touched = "SELECT count(*) FROM late_counts(0, 9999, 10)"
    floor.happens(
        move("4", "B-01", "@customer", minute=5),
        move("1", "A-01", "@customer", item=RUM, minute=5),
        move("2", "A-01", "@customer", minute=10.5),
        stands(UNIT, "B-01", minute=5),
    )
    assert floor.acts(lambda conn: act_as(conn, SUPERVISOR) or conn.execute(touched).fetchone()) == (0,)
    assert floor.settles()["changed"] == 0
    assert (floor.variance().book, floor.variance().state) == (10, "within")
    floor.happens(move("2", "A-01", "@customer", minute=10))
    assert floor.acts(lambda conn: act_as(conn, SUPERVISOR) or conn.execute(touched).fetchone()) == (1,)


def test_what_a_unit_holds_follows_it_to_where_a_late_position_says_it_stood(floor: Floor) -> None:
    floor.receives("4")
    floor.happens(move("6", "@supplier", Side(unit=UNIT), minute=1), stands(UNIT, "B-01", minute=2))
    settled(floor, line("4"))
    settled(floor, line("6"), minute=12, place="B-01")
    assert [row.state for row in floor.variances(item="TEA")] == ["within", "within"]
    floor.happens(stands(UNIT, "A-01", minute=8))
    assert floor.settles()["changed"] == 2
    found = {row.location: (row.state, row.book) for row in floor.variances(item="TEA")}
    assert found == {"A-01": ("beyond", 10), "B-01": ("beyond", 0)}
    floor.happens(stands(UNIT, "B-01", minute=9))
    assert floor.settles()["changed"] == 2
    assert [row.state for row in floor.variances(item="TEA")] == ["within", "within"]
    floor.happens(stands(PALLET, "A-01", minute=3), move("5", "@supplier", Side(unit=UNIT), minute=4))
    assert floor.settles()["changed"] == 1
    put_on_a_pallet = stands(UNIT, "B-01", minute=9.5).model_copy(update={"location": None, "parent": PALLET})
    floor.happens(put_on_a_pallet)
    assert floor.settles()["changed"] == 2
    found = {row.location: (row.state, row.book) for row in floor.variances(item="TEA")}
    assert found == {"A-01": ("beyond", 15), "B-01": ("beyond", 0)}


def test_a_unit_that_was_counted_as_such_is_derived_anew_wherever_it_stands(floor: Floor) -> None:
    floor.happens(move("6", "@supplier", Side(unit=UNIT), minute=1), stands(UNIT, "B-01", minute=2))
    settled(floor, line("6", unit=UNIT), scope="items")
    assert states(floor) == {"TEA": "within"}
    floor.happens(move("1", Side(unit=UNIT), "@customer", minute=5))
    assert floor.settles()["changed"] == 1
    assert (floor.variance().state, floor.variance().difference) == ("beyond", 1)


def test_questions_come_and_go_with_what_late_facts_put_into_the_bin(floor: Floor) -> None:
    floor.receives("10")
    floor.receives("4", RUM)
    settled(floor, line("10"))
    assert states(floor) == {"TEA": "within", "RUM": "unreported"}
    floor.happens(move("4", "A-01", "@customer", item=RUM, minute=5))
    assert floor.settles()["changed"] == 1
    assert (states(floor), floor.tickets()) == ({"TEA": "within", "RUM": "within"}, [])
    floor.receives("5", MUG, minute=6)
    floor.receives("3", RUM, minute=6)
    assert floor.settles()["changed"] == 2
    assert states(floor) == {"TEA": "within", "RUM": "unreported", "MUG": "unreported"}
    assert [summary for _, summary in floor.tickets()] == [
        "A-01: 2 not reported (RUM, MUG): zero, or not counted?"
    ]
    floor.receives("1", MUG, minute=6)
    assert floor.settles()["changed"] == 1
    assert (floor.variance("MUG").book, floor.variance("MUG").state) == (6, "unreported")


def test_of_a_bin_that_was_counted_again_only_the_last_count_asks(floor: Floor) -> None:
    floor.receives("10")
    settled(floor, line("10"))
    settled(floor, line("9"), minute=20)
    floor.receives("5", MUG, minute=6)
    floor.receives("1", minute=6)
    floor.settles()
    found = [(row.observed_at.minute, row.item, row.state, row.is_within) for row in floor.variances()]
    assert found == [
        (20, "TEA", "beyond", False),
        (20, "MUG", "unreported", None),
        (10, "TEA", "superseded", False),
    ]
    assert [kind for kind, _ in floor.tickets()] == ["variance", "count_question"]


def test_who_refuses_late_facts_lets_the_count_go_and_the_record_is_open_until_it_is_counted_again(
    floor: Floor,
) -> None:
    limited(floor, "8")
    final_shortage(floor)
    floor.approves(floor.decision())
    floor.happens(move("5", "@supplier", "A-01", minute=5))
    assert floor.settles()["returned"] == 1
    asked = floor.decision()
    floor.acts(lambda conn: reject(conn, APPROVER, asked.decision_id, asked.revision, reason="not_plausible"))
    done = floor.settles()
    assert (done["returned"], done["released"]) == (0, 1)
    row = floor.variance()
    assert (row.state, row.book, row.difference, row.anchor_state) == ("beyond", 12, -5, "released")
    assert floor.tickets() == [("variance", "A-01: TEA 5 short (counted 7, book 12; 10 EUR)")]
    assert floor.ledger.query("SELECT state FROM count_anchor") == [("released",)]
    (told,) = floor.ledger.query(
        "SELECT actor, detail ->> 'refused_by' FROM audit_event WHERE action = 'adjustment_released'"
    )
    assert told == ("job:counting", "user:bob")
    with pytest.raises(NotPossibleError, match="what arrived late was refused: count it again"):
        floor.acts(lambda conn: propose(conn, SUPERVISOR, row.ref, 1))
    floor.happens(move("5", "A-01", "@customer", minute=6))
    assert floor.settles()["changed"] == 1
    assert (floor.variance().state, floor.tickets()) == ("within", [])
    floor.happens(move("1", "A-01", "@customer", minute=6))
    floor.settles()
    assert (floor.variance().state, floor.decision().state) == ("beyond", State.REJECTED)
    settled(floor, line("9"), minute=20)
    assert [row.state for row in floor.variances(item="TEA")] == ["beyond", "superseded"]
    limited(floor, "20")
    floor.approves(floor.decision(floor.variances(item="TEA")[0]))
    assert (floor.book(), floor.tickets(), floor.settles()["released"]) == (9, [], 0)
    anchors_hold = statements("cloud.ledger.verification")["anchors"].replace("%", "%%")
    assert floor.ledger.query(anchors_hold) == []


def wait_until(claim: Callable[[], bool]) -> None:
    limit = monotonic() + PATIENCE_S
    while not claim():
        assert monotonic() < limit, "it never came so far"


def waits_for_a_lock(floor: Floor, settling: "Future[dict[str, int]]") -> Callable[[], bool]:
    blocked = (
        "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
        " WHERE NOT l.granted AND a.datname = current_database()"
    )
    return lambda: settling.done() or floor.ledger.query(blocked) == [(1,)]


def test_looking_again_takes_the_decision_before_its_record_as_an_approval_does(floor: Floor) -> None:
    final_shortage(floor)
    decision = floor.decision()
    floor.happens(move("2", "A-01", "@customer", minute=5))
    with ThreadPoolExecutor(1) as threads, floor.pool.connection() as conn:
        act_as(conn, APPROVER)
        decision_store.hold(conn, decision.decision_id)
        looking = threads.submit(floor.settles)
        wait_until(waits_for_a_lock(floor, looking))
        free = "SELECT 1 FROM variance WHERE decision_id = %s FOR UPDATE NOWAIT"
        assert floor.ledger.query(free, decision.decision_id) == [(1,)]
        returned = approve_and_apply(conn, APPROVER, decision.decision_id, decision.revision, "seen")
        conn.commit()
        assert returned.state is State.SUBMITTED
        assert looking.result(PATIENCE_S)["changed"] == 1
    assert (floor.variance().book, floor.decision().state) == (8, State.SUBMITTED)


def test_a_fact_that_arrives_while_a_count_is_forced_is_not_passed_by(floor: Floor) -> None:
    floor.receives("10")
    ref = floor.counts(line("10"), minute=10)
    with ThreadPoolExecutor(1) as threads, floor.pool.connection() as conn:
        force(conn, SUPERVISOR, ref, reason="hurry")
        floor.happens(move("4", "A-01", "@customer", minute=5))
        settling = threads.submit(floor.settles)
        wait_until(waits_for_a_lock(floor, settling))
        conn.commit()
        settling.result(PATIENCE_S)
    floor.settles()
    assert (floor.variance().book, floor.variance().state) == (6, "beyond")


def test_a_clock_that_claims_to_be_off_beyond_any_interval_holds_up_its_own_count_only(floor: Floor) -> None:
    floor.receives("10")
    floor.counts(line("10"), minute=9, clock_uncertainty_s=1e300)
    settled(floor, line("10"))
    assert [row.stage for row in floor.variances(item="TEA")] == ["final", "provisional"]


def test_of_more_counts_than_are_looked_at_at_once_the_rest_has_its_turn_next(floor: Floor) -> None:
    floor.receives("10")
    for minute in (10, 20, 30):
        settled(floor, line("10"), minute=minute, scope="items")
    floor.happens(move("4", "A-01", "@customer", minute=5))
    asked = "SELECT seq FROM late_counts(0, 9999, %s)"
    seqs = [row.seq for row in floor.variances(item="TEA")]
    given = floor.acts(lambda conn: act_as(conn, SUPERVISOR) or conn.execute(asked, (2,)).fetchall())
    assert [seq for (seq,) in given] == seqs[:2]
    floor.acts(lambda conn: late_facts.look_again(conn, service.JOB, floor.variance().ref, 9999))
    given = floor.acts(lambda conn: act_as(conn, SUPERVISOR) or conn.execute(asked, (2,)).fetchall())
    assert [seq for (seq,) in given] == seqs[1:]
    assert floor.settles()["changed"] == 2
