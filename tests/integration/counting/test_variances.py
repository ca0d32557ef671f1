"""What a count found against the book: at once and provisional, then once and for all."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from cloud.counting.adjustments import propose
from cloud.counting.domain import NotPossibleError, UnknownCountError
from cloud.counting.service import force
from cloud.decisions.domain import OwnDecisionError, State, WrongStateError
from cloud.decisions.service import reject
from cloud.identity.actor import NotAllowedError
from cloud.ledger.corrections import merge_items
from cloud.ledger.verification.service import verify
from contracts.records import RowRef, Side
from tests.integration.counting.floor import (
    APPROVER,
    COUNTER,
    MUG,
    NETWORK,
    RUM,
    SUPERVISOR,
    Floor,
    line,
    stands,
)
from tests.integration.ledger.scenario import move


def test_a_shortage_is_shown_settled_told_and_adjusted_by_another_person(floor: Floor) -> None:
    floor.receives("10")
    floor.costs("2.50")
    floor.counts(line("7"), minute=10)
    row = floor.variance()
    assert (row.stage, row.state, row.book, row.counted, row.difference) == (
        "provisional",
        "beyond",
        10,
        7,
        -3,
    )
    assert row.value == Decimal("-7.5")
    assert floor.settles()["settled"] == 0
    floor.watermark(11)
    assert floor.settles() == {
        "settled": 1, "beyond": 1, "unreported": 0, "superseded": 0,
        "changed": 0, "returned": 0, "released": 0,
    }  # fmt: skip
    row = floor.variance()
    assert (row.stage, row.state, row.difference) == ("final", "beyond", -3)
    assert floor.tickets() == [
        ("variance", "A-01: TEA 3 short (counted 7, book 10; 7.5 EUR)"),
    ]
    decision = floor.decision(row)
    assert (decision.state, decision.author, decision.value) == (State.SUBMITTED, "user:ann", Decimal("-7.5"))
    with pytest.raises(OwnDecisionError):
        floor.approves(decision, COUNTER)
    assert floor.book() == 10
    assert floor.approves(decision, APPROVER).state is State.APPLIED
    assert floor.book() == 7
    assert floor.variance().state == "adjusted"
    assert floor.tickets() == []
    assert floor.settles()["settled"] == 0


def test_a_count_while_picking_is_held_against_the_book_of_its_instant(floor: Floor) -> None:
    floor.receives("10")
    floor.happens(move("2", "A-01", "@customer", minute=20))
    floor.counts(line("10"), minute=10)
    row = floor.variance()
    assert (row.book, row.difference, row.state) == (10, 0, "within")
    floor.happens(move("4", "A-01", "@customer", minute=9))
    assert (floor.variance().book, floor.variance().difference) == (6, 4)
    floor.watermark(30)
    floor.settles()
    assert (floor.variance().stage, floor.variance().difference) == ("final", 4)


def test_what_moved_while_somebody_counted_leaves_both_values_possible(floor: Floor) -> None:
    floor.receives("10")
    floor.counts(line("10"), minute=10, clock_uncertainty_s=120.0)
    floor.happens(move("4", "A-01", "@customer", minute=9))
    row = floor.variance()
    assert (row.book, list(row.books), list(row.differences)) == (6, [6, 10], [0, 4])
    assert row.state == "within"
    floor.counts(line("8"), minute=40, clock_uncertainty_s=60.0)
    floor.happens(move("1", "A-01", "@customer", minute=40.5))
    row = floor.variance()
    assert (list(row.differences), row.state) == ([2, 3], "beyond")
    floor.watermark(40.9)
    assert floor.settles()["settled"] == 1
    floor.happens(move("1", "A-01", "@customer", minute=41.1))
    assert floor.settles()["settled"] == 1
    evidence = floor.decision(floor.variance(state="beyond")).evidence
    assert evidence["possible_differences"] == ["2", "3"]


def test_what_an_adjustment_moved_was_never_seen_moving(floor: Floor) -> None:
    floor.receives("10")
    floor.counts(line("7"), minute=10)
    floor.watermark(11)
    floor.settles()
    floor.approves(floor.decision())
    floor.counts(line("7"), minute=10.5, clock_uncertainty_s=60.0)
    assert list(floor.variance().differences) == [0]


def test_of_two_people_counting_one_bin_the_later_instant_wins_in_whatever_order_they_arrive(
    floor: Floor,
) -> None:
    floor.receives("10")
    floor.counts(line("7"), minute=20, actor="ann")
    floor.watermark(30)
    floor.settles()
    assert floor.decision().state is State.SUBMITTED
    floor.counts(line("8"), minute=10, actor="kim")
    floor.settles()
    late, first = floor.variances(item="TEA")
    assert (late.counted, late.state, first.counted, first.state) == (7, "beyond", 8, "superseded")
    floor.counts(line("10"), minute=31, actor="kim")
    assert floor.settles()["superseded"] == 1
    assert [row.state for row in floor.variances(item="TEA")] == ["within", "superseded", "superseded"]
    assert floor.decision(floor.variances(item="TEA")[1]).state is State.REJECTED
    assert floor.tickets() == []


def test_an_approval_after_a_later_count_is_refused(floor: Floor) -> None:
    floor.receives("10")
    floor.counts(line("7"), minute=20)
    floor.watermark(30)
    floor.settles()
    decision = floor.decision()
    floor.counts(line("9"), minute=31)
    with pytest.raises(WrongStateError, match="was counted again"):
        floor.approves(decision)
    assert floor.book() == 10


def test_what_the_book_holds_in_the_bin_and_nobody_reported_is_asked_and_answered(floor: Floor) -> None:
    floor.receives("10")
    floor.receives("4", RUM)
    floor.receives("5", MUG)
    ref = floor.counts(line("10"), minute=10)
    assert {row.item: (row.state, row.counted) for row in floor.variances()} == {
        "TEA": ("within", 10),
        "RUM": ("unreported", None),
        "MUG": ("unreported", None),
    }
    floor.watermark(11)
    assert floor.settles()["unreported"] == 2
    assert floor.tickets() == [("count_question", "A-01: 2 not reported (RUM, MUG): zero, or not counted?")]
    floor.confirms_zero(ref, "RUM")
    with pytest.raises(UnknownCountError, match="leaves nothing open about item 'TEA'"):
        floor.confirms_zero(ref, "TEA")
    with pytest.raises(NotPossibleError, match="nothing is asked about it any more"):
        floor.settles(), floor.confirms_zero(ref, "RUM")
    assert floor.tickets()[-1] == ("variance", "A-01: RUM 4 short (counted 0, book 4; value unknown)")
    floor.counts(line("5", MUG), minute=12, scope="items")
    floor.watermark(13)
    floor.settles()
    assert [kind for kind, _ in floor.tickets()] == ["variance"]
    assert floor.variance("MUG").state == "within"
    floor.counts(minute=20, place="Z-99")
    assert [(row.item, row.state) for row in floor.variances(location="Z-99")] == [("MUG", "unreported")]


def test_stock_in_a_unit_that_stands_in_the_bin_is_part_of_it(floor: Floor) -> None:
    unit = "106141412345678908"
    floor.happens(move("6", "@supplier", Side(unit=unit), minute=1), stands(unit, "A-01", minute=2))
    floor.receives("4")
    floor.counts(line("10"), minute=10)
    assert (floor.variance().book, floor.variance().state) == (10, "within")
    floor.counts(line("4"), line("5", unit=unit), minute=20)
    found = {row.place: (row.counted, row.book) for row in floor.variances()[:2]}
    assert found == {"A-01": (4, 4), unit: (5, 6)}
    floor.happens(stands(unit, "B-01", minute=25))
    floor.counts(line("4"), minute=30)
    assert (floor.variance().book, floor.variance().state) == (4, "within")


def test_a_line_that_tells_no_lot_covers_all_of_them_and_is_spread_by_rule(floor: Floor) -> None:
    floor.receives("6", lot="L1", disposition="sellable")
    floor.receives("3", lot="L2", disposition="sellable")
    floor.receives("2", disposition="damaged")
    floor.counts(line("7"), minute=10)
    row = floor.variance()
    assert (row.book, row.difference) == (11, -4)
    floor.watermark(11)
    floor.settles()
    floor.approves(floor.decision())
    assert floor.book() == 7
    held = floor.ledger.query(
        "SELECT c.lot, c.disposition, b.quantity FROM balance b JOIN cell c USING (cell_id)"
        " JOIN location l USING (location_id) WHERE l.code = 'A-01' ORDER BY 1, 2"
    )
    assert held == [("L1", None, 2), ("L2", None, 3), (None, "damaged", 2)]
    floor.receives("1", lot="L2", disposition="sellable", minute=9)
    assert floor.as_of(10) == 7


def test_sellable_goods_are_counted_where_those_of_no_stated_condition_lie(floor: Floor) -> None:
    floor.receives("20")
    floor.receives("2", disposition="damaged")
    floor.counts(line("20", disposition="sellable"), minute=10)
    row = floor.variance()
    assert (row.disposition, row.book, row.state) == ("sellable", 20, "within")
    floor.counts(line("3", disposition="sellable"), line("1", RUM, disposition="sellable"), minute=20)
    floor.watermark(21)
    floor.settles()
    assert floor.variance("RUM").book == 0
    for item in ("TEA", "RUM"):
        floor.approves(floor.decision(floor.variance(item)))
    held = floor.ledger.query(
        "SELECT i.code, c.disposition, b.quantity FROM balance b JOIN cell c USING (cell_id)"
        " JOIN item i USING (item_id) JOIN location l USING (location_id)"
        " WHERE l.code = 'A-01' AND b.quantity <> 0 ORDER BY 1, 2"
    )
    assert held == [("RUM", None, 1), ("TEA", "damaged", 2), ("TEA", None, 3)]
    assert floor.ledger.query("SELECT count(*) FROM cell WHERE disposition = 'sellable'") == [(0,)]
    floor.receives("4", minute=15)
    assert floor.as_of(20) == 2 + 3
    assert floor.ledger.as_owner(verify).is_clean


def test_of_an_item_kept_by_lot_the_lots_are_asked_for(floor: Floor) -> None:
    floor.ledger.query("UPDATE item SET is_lot_controlled = true WHERE code = 'TEA' RETURNING 1")
    floor.receives("6", lot="L1")
    floor.receives("3", lot="L2")
    ref = floor.counts(line("7"), minute=10)
    floor.watermark(11)
    floor.settles()
    row = floor.variance()
    assert (row.state, row.decision_id, list(row.untold_lots)) == ("beyond", None, ["L1", "L2"])
    with pytest.raises(NotPossibleError, match="expected a count of each lot"):
        floor.acts(lambda conn: propose(conn, SUPERVISOR, ref, 1))
    floor.counts(line("6", lot="L1"), line("1", lot="L2"), minute=12)
    floor.watermark(13)
    floor.settles()
    states = {(row.lot, row.counted): row.state for row in floor.variances(item="TEA")}
    assert states == {("L1", 6): "within", ("L2", 1): "beyond", (None, 7): "superseded"}


def test_pieces_and_cases_of_one_item_are_one_record(floor: Floor) -> None:
    case = "15012345678907"
    floor.receives("30")
    floor.ledger.query(
        "INSERT INTO identifier (scheme, value, item_id, numerator) SELECT 'gtin', %s, item_id, 12 FROM item"
        " WHERE code = 'TEA' RETURNING 1",
        case,
    )
    floor.counts(line("2", case, unit_seen=case), line("6"), minute=10)
    assert [(row.counted, row.state) for row in floor.variances(item="TEA")] == [(30, "within")]


def test_a_merged_item_reads_as_one_record_in_its_own_unit(floor: Floor) -> None:
    stray = "05012345678931"
    floor.receives("2", stray)
    floor.receives("5")
    floor.ledger.as_app(
        lambda conn: merge_items(conn, NETWORK, from_code=f"gtin:{stray}", to_code="TEA", ratio=(12, 1))
    )
    floor.counts(line("29"), minute=10)
    assert (floor.variance().book, floor.variance().state) == (29, "within")
    floor.counts(line("17"), minute=12)
    floor.watermark(13)
    floor.settles()
    floor.approves(floor.decision())
    assert (floor.as_of(12), floor.as_of(12, item=f"gtin:{stray}")) == (5, 1)


def test_a_forced_count_names_who_could_not_wait_and_why(floor: Floor) -> None:
    floor.receives("10")
    ref = floor.counts(line("7"), minute=10)
    with pytest.raises(NotAllowedError):
        floor.acts(lambda conn: force(conn, COUNTER, ref, reason="hurry"))
    rows = floor.acts(lambda conn: force(conn, SUPERVISOR, ref, reason="gw_broken"))
    assert [(row.stage, row.state, row.settled_by) for row in rows] == [("forced", "beyond", "user:sue")]
    with pytest.raises(NotPossibleError, match="is settled already"):
        floor.acts(lambda conn: force(conn, SUPERVISOR, ref, reason="again"))
    unknown = RowRef(gateway="gw-1", epoch="00000000000000aa", seq=99)
    with pytest.raises(UnknownCountError):
        floor.acts(lambda conn: force(conn, SUPERVISOR, unknown, reason="hurry"))
    assert floor.decision().evidence["forced_reason"] == "gw_broken"
    assert ("user:sue", "count_forced") in floor.ledger.query("SELECT actor, action FROM audit_event")


def test_several_who_settle_settle_each_count_once(floor: Floor) -> None:
    floor.receives("10")
    for minute in range(10, 16):
        floor.counts(line("7"), minute=minute, place=f"B-{minute}")
    floor.watermark(30)
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _: floor.settles(), range(4)))
    assert sum(each["settled"] for each in done) == 6
    assert len(floor.tickets()) == 6
    assert floor.settles()["settled"] == 0


def test_without_a_counter_nobody_is_asked_until_somebody_answers_for_it(floor: Floor) -> None:
    floor.receives("10")
    ref = floor.counts(line("7"), minute=10, actor=None)
    floor.watermark(11)
    floor.settles()
    assert (floor.variance().state, floor.variance().decision_id) == ("beyond", None)
    made = floor.acts(lambda conn: propose(conn, SUPERVISOR, ref, 1, note="I looked too"))
    assert (made.author, made.state) == ("user:sue", State.SUBMITTED)
    assert floor.approves(made).state is State.APPLIED
    floor.counts(line("5"), minute=20)
    floor.watermark(21)
    floor.settles()
    row = floor.variance()
    floor.acts(lambda conn: reject(conn, APPROVER, row.decision_id, 1, reason="count_again"))
    ref = RowRef(gateway="gw-1", epoch=floor.gateway.epoch, seq=row.seq)
    again = floor.acts(lambda conn: propose(conn, SUPERVISOR, ref, 1))
    assert (again.author, again.contributors) == ("user:sue", ["user:ann"])
    with pytest.raises(OwnDecisionError):
        floor.approves(again, COUNTER)
