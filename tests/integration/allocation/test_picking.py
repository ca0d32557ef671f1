"""From released picks to what handhelds did of them: claims and tasks follow the ledger."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from cloud.allocation.faces import faces, put_face
from cloud.allocation.work import call_off
from cloud.db.apart import PartsFailedError
from cloud.ledger.corrections import post_reversal
from contracts.base import EpochId, GatewayId
from contracts.offline import KnownUpTo
from contracts.records import RowRef
from tests.integration.allocation.shelves import CASE, EACH, KEEPER, NOW, PALLET, Shelves
from tests.integration.ledger.scenario import SITE


def test_a_pick_moves_its_claim_and_a_short_one_is_served_from_elsewhere(shelves: Shelves) -> None:
    for place, quantity in (("LANE-1", 1), ("A-10", 4), ("A-9", 6), ("B-1", 20)):
        shelves.holds(place, quantity)
    first, second = shelves.orders("O-1", 11), shelves.orders("O-2", 5)
    wave = shelves.releases(first)
    assert (len(wave.tasks), wave.there_already) == (1, 1)
    (task,) = (sent := shelves.sent()).tasks
    assert [(line.from_location, line.quantity) for line in task.lines] == [("A-9", 6), ("A-10", 4)]
    assert {name.identifier.value: name.base_units_numerator for name in task.lines[0].names}[EACH] == 1

    shelves.picks(task.lines[0], 6, task.task)
    assert shelves.allocates(second).shortfalls == ()  # what lies in the lane untold is nobody else's
    assert shelves.held(second) == [("hard", "B-1", None, 5)]
    assert shelves.told() == {"picked": 1, "undone": 0, "short": 0}
    assert sorted(shelves.held(first)) == [
        ("hard", "A-10", None, 4),
        ("picked", "LANE-1", None, 1),
        ("picked", "LANE-1", None, 6),
    ]
    ref = RowRef(gateway=GatewayId("gw-1"), epoch=EpochId(shelves.outbox.epoch), seq=shelves.outbox.seq)
    shelves.ledger.as_app(lambda conn: post_reversal(conn, KEEPER, ref, reason="misread"))
    assert shelves.told()["undone"] == 1
    assert ("hard", "A-9", None, 6) in shelves.held(first)
    again = shelves.sent()  # taken back in the cloud: the gateway hears of it, and what is counted in it
    assert (again.tasks[0].lines[0].done, again.revision > sent.revision) == (0, True)
    assert again.known_up_to == (KnownUpTo(epoch=ref.epoch, seq=ref.seq),)
    shelves.picks(task.lines[0], 6, task.task)
    shelves.picks(task.lines[1], 1, task.task)
    shelves.finds_short(task.lines[1], task.task)
    assert shelves.told() == {"picked": 2, "undone": 0, "short": 1}
    assert sorted(shelves.held(first)) == [
        ("hard", "B-1", None, 3),
        ("picked", "LANE-1", None, 1),
        ("picked", "LANE-1", None, 1),
        ("picked", "LANE-1", None, 6),
    ]
    (again,) = shelves.sent().tasks
    assert [(line.from_location, line.quantity) for line in again.lines] == [("B-1", 3)]
    ((summary,),) = shelves.ledger.query("SELECT summary FROM ticket WHERE kind = 'short_pick'")
    assert summary == (
        "A-10: 3 of TEA not found for outbound_order/O-1/1 (empty); all of it is taken elsewhere: "
        "count the place"
    )
    third = shelves.orders("O-3", 15)
    (short,) = shelves.allocates(third).shortfalls  # 12 in B-1; the 3 that A-10 should hold are doubted
    assert (short.quantity, short.passed_over) == (3, {"doubted": 3})


def test_what_is_gone_or_late_lets_go_and_lists_only_grow_in_revision(shelves: Shelves) -> None:
    for place, quantity in (("A-1", 10), ("A-2", 10)):
        shelves.holds(place, quantity)
    name = shelves.orders("O-1", 8)
    shelves.releases(name)
    first = shelves.sent()
    shelves.loses("A-1", 5)
    assert shelves.kept() == {"let_go": 0, "expired": 0, "moved": 1, "faces": 0}
    assert sorted(shelves.held(name)) == [("hard", "A-1", None, 5), ("hard", "A-2", None, 3)]
    second = shelves.sent()
    assert second.revision > first.revision
    assert [(line.from_location, line.quantity) for task in second.tasks for line in task.lines] == [
        ("A-1", 5),
        ("A-2", 3),
    ]
    assert shelves.kept()["moved"] == 0
    later = NOW + timedelta(hours=13)
    picked = shelves.picks(second.tasks[0].lines[0], 2, second.tasks[0].task)
    assert shelves.kept(later)["expired"] == 2
    assert (shelves.held(name), shelves.sent().tasks) == ([("picked", "LANE-1", None, 2)], ())
    shelves.undoes(picked)  # late: the task stays expired, and what is claimed again is on none
    assert shelves.told(later)["undone"] == 1
    assert [(each.kind, each.task) for each in shelves.claims(name)] == [("hard", None)]
    assert shelves.sent().tasks == ()
    assert shelves.ledger.query("SELECT DISTINCT ended_because FROM task") == [("expired",)]


def test_a_record_or_a_site_that_cannot_be_followed_is_told_and_stops_nobody_else(shelves: Shelves) -> None:
    shelves.holds("A-1", 10)
    shelves.holds("R-1", 30)
    name = shelves.orders("O-1", 8)
    shelves.releases(name)
    (task,) = shelves.sent().tasks
    (line,) = task.lines
    widest = shelves.picks(line, 99_999_999_999_999, task.task, gtin=CASE, unit_seen=CASE)
    assert shelves.told()["picked"] == 1  # as wide as what a record may move
    shelves.undoes(widest)
    shelves.told()
    shelves.ledger.as_owner(
        lambda conn: conn.execute(
            "ALTER TABLE allocation ADD CHECK (quantity <> 7) NOT VALID,"
            " ADD CHECK (ended_because <> 'task_expired') NOT VALID"
        )
    )
    shelves.picks(line, 7, task.task)
    shelves.picks(line, 2, task.task)
    assert shelves.told()["picked"] == 1
    assert ("picked", "LANE-1", None, 2) in shelves.held(name)
    ((summary,),) = shelves.ledger.query("SELECT summary FROM ticket WHERE kind = 'task_record_refused'")
    assert summary.startswith(f"Task {task.task} line 1: record ")
    limits = {"minimum": Decimal(5), "maximum": Decimal(6)}
    shelves.ledger.as_app(
        lambda conn: put_face(conn, KEEPER, site=SITE, location="A-1", item="TEA", **limits)
    )
    with pytest.raises(PartsFailedError, match=rf"^{SITE}: .*check constraint") as failed:
        shelves.kept(NOW + timedelta(hours=13))
    assert failed.value.done == {"let_go": 0, "expired": 0, "moved": 0, "faces": 1}
    shelves.ledger.as_owner(
        lambda conn: conn.execute("ALTER TABLE task ADD CHECK (kind <> 'move') NOT VALID")
    )
    shelves.holds("A-1", 30)
    with pytest.raises(PartsFailedError) as failed:
        shelves.kept(NOW + timedelta(hours=26))
    assert set(failed.value.failures) == {SITE, f"pick faces of {SITE}"}, "either is told"


def test_a_pick_face_is_filled_from_reserve_first_expired_first(shelves: Shelves) -> None:
    for lot, on, place in (("OLD", date(2026, 6, 1), "R-2"), ("NEW", date(2026, 9, 1), "R-1")):
        shelves.expires(lot, on)
        shelves.holds(place, 30, lot=lot)
    shelves.holds("F-1", 3, lot="OLD")
    limits = {"minimum": Decimal(5), "maximum": Decimal(40)}
    shelves.ledger.as_app(
        lambda conn: put_face(conn, KEEPER, site=SITE, location="F-1", item="TEA", **limits)
    )
    shelves.releases(shelves.orders("O-1", 1))
    assert shelves.kept()["faces"] == 1
    (fill,) = [task for task in shelves.sent().tasks if task.kind == "move"]
    assert [(line.lot, line.quantity, line.to_location) for line in fill.lines] == [
        ("NEW", 8, "F-1"),
        ("OLD", 30, "F-1"),
    ]
    assert shelves.kept()["faces"] == 0
    for line in fill.lines:
        shelves.picks(line, int(line.quantity), fill.task)
    assert shelves.told()["picked"] == 2
    assert [task.kind for task in shelves.sent().tasks] == ["pick"]


def test_what_has_expired_in_a_pick_face_fills_it_no_more(shelves: Shelves) -> None:
    """It is the site's day that counts: until then nothing is brought."""
    today = NOW.date()
    shelves.expires("OLD", today + timedelta(days=1))
    shelves.holds("F-1", 40, lot="OLD")
    shelves.holds("R-1", 60)
    limits = {"minimum": Decimal(5), "maximum": Decimal(40)}
    shelves.ledger.as_app(
        lambda conn: put_face(conn, KEEPER, site=SITE, location="F-1", item="TEA", **limits)
    )
    shelves.releases(shelves.orders("O-1", 1))
    assert shelves.kept()["faces"] == 0
    shelves.expires("OLD", today)
    assert shelves.kept()["faces"] == 1
    (fill,) = [task for task in shelves.sent().tasks if task.kind == "move"]
    assert [(line.from_location, line.quantity, line.to_location) for line in fill.lines] == [
        ("R-1", 40, "F-1")
    ]
    assert shelves.kept()["faces"] == 0
    ((face,),) = [shelves.ledger.as_app(lambda conn: faces(conn, KEEPER, site=SITE, limit=9))]
    assert (face.held, face.claimed, face.coming) == (0, 0, 40)


def test_goods_are_picked_out_of_a_pallet_and_what_departs_or_is_let_go_is_claimed_no_more(
    shelves: Shelves,
) -> None:
    shelves.holds("R-1", 20, unit=PALLET)
    shelves.stands(PALLET, "R-1")
    name = shelves.orders("O-1", 12)
    other = shelves.orders("O-2", 4)
    shelves.releases(name, other)
    task, second = shelves.sent().tasks
    (line,) = task.lines
    assert (line.from_location, line.from_unit, line.quantity) == ("R-1", PALLET, 12)
    shelves.picks(line, 12, task.task)
    shelves.told()
    shelves.departs("O-1", "LANE-1", 5)
    assert shelves.kept()["let_go"] == 1
    assert shelves.held(name) == [("picked", "LANE-1", None, 7)]
    shelves.departs("O-1", "LANE-1", 7)
    assert shelves.kept()["let_go"] == 1
    assert shelves.held(name) == []
    shelves.picks(second.lines[0], 1, second.task)
    shelves.told()
    shelves.ledger.as_app(lambda conn: call_off(conn, KEEPER, site=SITE, name=second.task, now=NOW))
    assert shelves.held(other) == [("picked", "LANE-1", None, 1)]
    assert shelves.sent().tasks == ()
    assert shelves.free()["available"] == 7
