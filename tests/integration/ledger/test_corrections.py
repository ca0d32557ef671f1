"""Reversals restore, counts bind, merges read through, closes keep: nothing is ever rewritten."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from scenario import CONTROLLER, NETWORK_CONTROLLER, SITE, Ledger, Outbox, at, move

from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.ledger.corrections import (
    adjust_to_count,
    approve_adjustment,
    merge_items,
    post_reversal,
)
from cloud.ledger.domain import AlreadyClaimedError, NotPostableError, UnknownRowError
from cloud.ledger.past import as_of
from contracts.base import SiteId
from contracts.records import RowRef

APPROVER = Actor("user:bob", frozenset({Role.APPROVER}), frozenset({SITE}))
ELSEWHERE = SiteId("york")
OPERATOR_HERE = Actor(
    "user:mia",
    frozenset({Role.OPERATOR}),
    frozenset({SITE, ELSEWHERE}),
    site_roles=frozenset((ELSEWHERE, role) for role in Role),
)
"""Sees this site, and holds every role at another."""


def cell_at(ledger: Ledger, code: str) -> int:
    ((cell_id,),) = ledger.query(
        "SELECT cell_id FROM cell JOIN location USING (location_id) WHERE code = %s", code
    )
    return cell_id


def held(ledger: Ledger, cell_id: int, minute: float) -> Decimal:
    return ledger.as_app(lambda conn: as_of(conn, CONTROLLER, [cell_id], occurred_at=at(minute)))[cell_id]


def count_cell(
    ledger: Ledger, cell_id: int, counted: str, minute: float, limit: str | None = None
) -> Decimal:
    adjusted = ledger.as_app(
        lambda conn: adjust_to_count(
            conn,
            CONTROLLER,
            cell_id=cell_id,
            observed_at=at(minute),
            counted=Decimal(counted),
            reason="cycle_count",
            limit=None if limit is None else Decimal(limit),
        )
    )
    return adjusted.difference


def test_a_reversal_restores_every_cell_at_the_original_instant(ledger: Ledger) -> None:
    gateway = Outbox()
    ledger.post(gateway.seal([move("10", "@supplier", "A-01"), move("4", "A-01", "B-01", minute=5)]))
    misread = RowRef(gateway="gw-1", epoch=gateway.epoch, seq=2)
    posted = ledger.as_app(lambda conn: post_reversal(conn, CONTROLLER, misread, reason="misread"))
    assert ledger.balances() == {"@supplier": -10, "A-01": 10}
    assert held(ledger, cell_at(ledger, "A-01"), 6) == 10
    assert posted.rows[0].gateway == "_cloud"
    with pytest.raises(AlreadyClaimedError, match="reversal of gw-1/00000000000000aa/2 has been done before"):
        ledger.as_app(lambda conn: post_reversal(conn, CONTROLLER, misread, reason="misread"))
    unknown = RowRef(gateway="gw-1", epoch=gateway.epoch, seq=9)
    with pytest.raises(UnknownRowError, match="no movement 9 of gateway gw-1"):
        ledger.as_app(lambda conn: post_reversal(conn, CONTROLLER, unknown, reason="misread"))


def test_a_gateway_reverses_a_row_once_and_the_second_is_held(ledger: Ledger) -> None:
    gateway = Outbox()
    original = RowRef(gateway="gw-1", epoch=gateway.epoch, seq=1)
    undo = move("10", "A-01", "@supplier", reverses=original)
    ledger.post(gateway.seal([move("10", "@supplier", "A-01"), undo, undo]))
    assert ledger.balances() == {}
    assert ledger.query("SELECT seq, reason FROM quarantine") == [(3, "already_reversed")]


def test_a_reversal_that_is_held_takes_the_turn_of_no_other(ledger: Ledger) -> None:
    gateway = Outbox()
    original = RowRef(gateway="gw-1", epoch=gateway.epoch, seq=1)
    impossible = move("1", "A-01", "@supplier", reverses=original, unit_seen="00000000000000")
    ledger.post(gateway.seal([move("10", "@supplier", "A-01"), impossible]))
    assert ledger.query("SELECT seq, reason FROM quarantine") == [(2, "unknown_unit")]
    ledger.post(gateway.seal([move("10", "A-01", "@supplier", reverses=original)]))
    assert ledger.balances() == {}


def test_only_the_right_people_correct(ledger: Ledger) -> None:
    operator = Actor("user:op", frozenset({Role.OPERATOR}), frozenset({SITE}))
    ref = RowRef(gateway="gw-1", epoch="0" * 16, seq=1)
    for command in (
        lambda conn: post_reversal(conn, operator, ref, reason="misread"),
        lambda conn: merge_items(conn, operator, from_code="a", to_code="b"),
        lambda conn: approve_adjustment(conn, operator, adjustment_id=1, expected=Decimal(1)),
    ):
        with pytest.raises(NotAllowedError):
            ledger.as_app(command)


def test_roles_held_at_another_site_correct_nothing_here(ledger: Ledger) -> None:
    gateway = Outbox()
    ledger.post(gateway.seal([move("10", "@supplier", "A-01"), move("1", "A-01", "B-01", minute=5)]))
    cell = cell_at(ledger, "A-01")
    count_cell(ledger, cell, "9", minute=10, limit="0")
    ledger.post(gateway.seal([move("1", "A-01", "@customer", minute=4)]))
    undone, kept = (RowRef(gateway="gw-1", epoch=gateway.epoch, seq=seq) for seq in (2, 1))
    ledger.as_app(lambda conn: post_reversal(conn, CONTROLLER, undone, reason="misread"))
    before = ledger.balances()
    bound = {"cell_id": cell, "observed_at": at(20), "counted": Decimal(1), "reason": "cycle_count"}
    for expected, command in (
        (UnknownRowError, lambda conn: post_reversal(conn, OPERATOR_HERE, kept, reason="misread")),
        (UnknownRowError, lambda conn: post_reversal(conn, OPERATOR_HERE, undone, reason="misread")),
        (UnknownRowError, lambda conn: adjust_to_count(conn, OPERATOR_HERE, **bound)),
        (
            UnknownRowError,
            lambda conn: approve_adjustment(conn, OPERATOR_HERE, adjustment_id=1, expected=Decimal(1)),
        ),
        (
            NotAllowedError,
            lambda conn: merge_items(
                conn, CONTROLLER, from_code="gtin:05012345678900", to_code="gtin:05012345678900"
            ),
        ),
    ):
        with pytest.raises(expected):
            ledger.as_app(command)
    assert ledger.balances() == before


def test_a_count_in_the_middle_of_picking_binds_the_instant_it_saw(ledger: Ledger) -> None:
    gateway = Outbox()
    ledger.post(gateway.seal([move("10", "@supplier", "A-01"), move("2", "A-01", "@customer", minute=20)]))
    cell = cell_at(ledger, "A-01")
    assert count_cell(ledger, cell, "7", minute=10) == -3
    assert held(ledger, cell, 10) == 7
    assert ledger.balances() == {"@supplier": -10, "A-01": 5, "@customer": 2, "@adjustment": 3}
    ledger.post(gateway.seal([move("1", "A-01", "@customer", minute=9)]))
    assert held(ledger, cell, 10) == 7
    assert ledger.balances()["A-01"] == 5


def test_late_facts_settle_at_the_first_anchor_after_them(ledger: Ledger) -> None:
    gateway = Outbox()
    ledger.post(gateway.seal([move("10", "@supplier", "A-01")]))
    cell = cell_at(ledger, "A-01")
    count_cell(ledger, cell, "8", minute=30)
    count_cell(ledger, cell, "9", minute=10)
    assert (held(ledger, cell, 10), held(ledger, cell, 30)) == (9, 8)
    for minute in (5, 10, 20, 30):
        ledger.post(gateway.seal([move("1", "@supplier", "A-01", minute=minute)]))
        assert (held(ledger, cell, 10), held(ledger, cell, 30)) == (9, 8)
    ledger.post(gateway.seal([move("1", "@supplier", "A-01", minute=31)]))
    assert held(ledger, cell, 40) == 9


def test_above_the_limit_the_anchor_waits_for_its_approver(ledger: Ledger) -> None:
    gateway = Outbox()
    ledger.post(gateway.seal([move("10", "@supplier", "A-01")]))
    cell = cell_at(ledger, "A-01")
    count_cell(ledger, cell, "10", minute=10, limit="2")
    ledger.post(gateway.seal([move("2", "A-01", "@customer", minute=4)]))
    assert held(ledger, cell, 10) == 10
    ledger.post(gateway.seal([move("1", "A-01", "@customer", minute=5)]))
    assert held(ledger, cell, 10) == 9
    ((adjustment_id, state),) = ledger.query("SELECT adjustment_id, state FROM count_anchor")
    assert state == "pending"
    assert ledger.query("SELECT state FROM adjustment") == [("submitted",)]
    ledger.post(gateway.seal([move("1", "A-01", "@customer", minute=6)]))
    with pytest.raises(NotPostableError, match=r"is now 2\.\d+, not the 1"):
        ledger.as_app(
            lambda conn: approve_adjustment(conn, APPROVER, adjustment_id=adjustment_id, expected=Decimal(1))
        )
    ledger.as_app(
        lambda conn: approve_adjustment(conn, APPROVER, adjustment_id=adjustment_id, expected=Decimal(2))
    )
    assert held(ledger, cell, 10) == 10
    assert ledger.query("SELECT state FROM count_anchor") == [("bound",)]


def test_an_adjustment_is_not_reversed_and_an_instant_not_bound_twice(ledger: Ledger) -> None:
    ledger.post(Outbox().seal([move("10", "@supplier", "A-01")]))
    cell = cell_at(ledger, "A-01")
    count_cell(ledger, cell, "8", minute=30)
    with pytest.raises(NotPostableError, match="bound to a count observed at"):
        count_cell(ledger, cell, "7", minute=30)
    minutes = (datetime.now(UTC) + timedelta(days=1) - at(0)).total_seconds() / 60
    with pytest.raises(NotPostableError, match="lies in the future"):
        count_cell(ledger, cell, "7", minute=minutes)
    ((epoch, seq),) = ledger.query("SELECT epoch, seq FROM movement WHERE adjustment_id IS NOT NULL")
    assert epoch == 0
    ref = RowRef(gateway="_cloud", epoch="0" * 16, seq=seq)
    with pytest.raises(NotPostableError, match="a later count replaces it"):
        ledger.as_app(lambda conn: post_reversal(conn, CONTROLLER, ref, reason="mistake"))


def test_merged_items_read_as_one_and_the_merge_can_be_taken_back(ledger: Ledger) -> None:
    gateway = Outbox()
    one, other = "05012345678900", "05012345678917"
    ledger.post(
        gateway.seal([move("1", "@supplier", "A-01", item=one), move("2", "@supplier", "A-01", item=other)])
    )
    codes = {"from_code": f"gtin:{other}", "to_code": f"gtin:{one}"}
    merged = ledger.as_app(lambda conn: merge_items(conn, NETWORK_CONTROLLER, **codes, ratio=(12, 1)))
    reading = (
        "SELECT i.code, sum(b.quantity * ci.numerator / ci.denominator) FROM balance b "
        "JOIN cell c USING (cell_id) JOIN location l USING (location_id) "
        "JOIN canonical_item ci USING (item_id) JOIN item i ON i.item_id = ci.canonical_id "
        "WHERE l.code = 'A-01' GROUP BY i.code ORDER BY 1"
    )
    assert ledger.query(reading) == [(f"gtin:{one}", 25)]
    assert ledger.query("SELECT count(*) FROM aliases_at(%s)", merged.position - 1) == [(0,)]
    with pytest.raises(NotPostableError, match="is a cycle"):
        ledger.as_app(
            lambda conn: merge_items(
                conn, NETWORK_CONTROLLER, from_code=codes["to_code"], to_code=codes["from_code"]
            )
        )
    ledger.as_app(
        lambda conn: merge_items(
            conn, NETWORK_CONTROLLER, from_code=codes["from_code"], to_code=codes["from_code"]
        )
    )
    assert ledger.query(reading) == [(f"gtin:{one}", 1), (f"gtin:{other}", 2)]


def test_corrections_stand_in_the_audit_trail(ledger: Ledger) -> None:
    ledger.post(Outbox().seal([move("10", "@supplier", "A-01")]))
    count_cell(ledger, cell_at(ledger, "A-01"), "8", minute=30)
    assert ledger.query("SELECT actor, action, target, detail ->> 'difference' FROM audit_event") == [
        ("user:ada", "adjusted_to_count", "adjustment:1", "-2.000000")
    ]
