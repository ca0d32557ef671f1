"""Units in units: a child moves with what it stands in, never in a circle; a number is used again."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from cloud.ledger.domain import NotPostableError
from cloud.units.domain import early_reuse
from cloud.units.names import Unit
from cloud.units.reading import AsOf, UnitNow, unit_now, unit_story
from contracts.records import Side
from tests.integration.crossings.doors import PALLET, Doors, stood
from tests.integration.ledger.scenario import CONTROLLER, Ledger, at, move, stated
from tests.integration.units.test_stories import OUTER, put_into

CASE = "106141412345678922"
YEAR = 366 * 24 * 60


def now(ledger: Ledger, unit: str, moment: AsOf = AsOf()) -> UnitNow:  # noqa: B008  frozen
    return ledger.as_app(lambda conn: unit_now(conn, CONTROLLER, Unit(unit), moment=moment))


def places(ledger: Ledger, unit: str, moment: AsOf = AsOf()) -> list[str]:  # noqa: B008  frozen
    return [each.place for each in now(ledger, unit, moment).around]


def stands(unit: str, place: str, minute: float, **fields: Any) -> Any:
    return stood(place, minute=minute, **fields).model_copy(update={"unit": unit})


def test_a_child_moves_with_what_it_stands_in_until_it_is_taken_out(doors: Doors) -> None:
    ledger = doors.ledger
    doors.send(
        stands(PALLET, "A-01", 1),
        move("6", "@supplier", Side(unit=CASE), minute=1),
        put_into(CASE, PALLET, 2),
        put_into(PALLET, OUTER, 3),
        stands(OUTER, "B-01", 4),
        stands(OUTER, "C-01", 6),
        stands(CASE, "D-01", 8),
        move("2", Side(unit=CASE), "D-01", minute=9),
    )
    assert places(ledger, CASE, AsOf(at=at(5))) == [PALLET, OUTER, "B-01"]
    assert places(ledger, CASE, AsOf(at=at(7))) == [PALLET, OUTER, "C-01"]
    assert places(ledger, CASE) == ["D-01"]
    assert places(ledger, PALLET) == [OUTER, "C-01"]
    held = {(row.unit, row.depth): row.quantity for row in now(ledger, OUTER, AsOf(at=at(7))).content}
    assert held == {(OUTER, 0): None, (PALLET, 1): None, (CASE, 2): 6}
    assert [(row.unit, row.quantity) for row in now(ledger, OUTER).content] == [(OUTER, None), (PALLET, None)]
    assert [(row.item, row.quantity) for row in now(ledger, CASE).content] == [
        ("gtin:05012345678900", Decimal(4))
    ]
    story = ledger.as_app(lambda conn: unit_story(conn, CONTROLLER, Unit(PALLET), limit=20))
    assert [(fact.unit, fact.to_place) for fact in story] == [
        (CASE, "D-01"),
        (OUTER, "C-01"),
        (OUTER, "B-01"),
        (PALLET, OUTER),
        (CASE, PALLET),
        (PALLET, "A-01"),
    ]
    packing = ledger.as_app(lambda conn: unit_story(conn, CONTROLLER, Unit(CASE), limit=20))
    assert [(fact.kind, fact.from_place, fact.to_place) for fact in packing if fact.kind == "movement"] == [
        ("movement", CASE, "D-01"),
        ("movement", "@supplier", CASE),
    ]
    assert ledger.as_app(lambda conn: unit_story(conn, CONTROLLER, Unit(PALLET), limit=2)) == story[:2]
    rest = unit_story
    after = ledger.as_app(lambda conn: rest(conn, CONTROLLER, Unit(PALLET), before=story[1].place, limit=20))
    assert after == story[2:]


def test_a_circle_is_refused_whatever_comes_first(doors: Doors) -> None:
    ledger = doors.ledger
    doors.send(put_into(CASE, PALLET, 1), put_into(PALLET, OUTER, 3))
    doors.send(put_into(OUTER, CASE, 5))  # after both
    doors.send(put_into(OUTER, CASE, 2))  # before the second, which holds from then on
    with pytest.raises(NotPostableError, match=f"unit '{OUTER}' would stand in itself from"):
        ledger.state(stated(put_into(OUTER, CASE, 4)))
    doors.send(stands(CASE, "A-01", 6))
    doors.send(put_into(OUTER, CASE, 7))  # the case had left
    assert places(ledger, PALLET) == [OUTER, CASE, "A-01"]
    why = "which it is put into, stands in it then"
    assert ledger.query("SELECT reason, message FROM quarantine ORDER BY quarantine_id") == [
        (
            "unit_in_itself",
            f"unit {OUTER!r} would stand in itself from 2026-03-02T06:0{since}:00+00:00 on: {CASE!r}, {why}",
        )
        for since in (5, 3)
    ]


def test_of_a_circle_in_one_batch_the_last_is_refused(doors: Doors) -> None:
    ledger = doors.ledger
    doors.send(put_into(OUTER, CASE, 9), put_into(PALLET, OUTER, 3), put_into(CASE, PALLET, 1))
    assert ledger.query("SELECT count(*) FROM unit_position") == [(2,)]
    assert places(ledger, CASE) == [PALLET, OUTER]


def test_a_number_used_again_after_a_year_is_another_unit_and_earlier_is_told(doors: Doors) -> None:
    ledger = doors.ledger
    doors.send(
        move("6", "@supplier", Side(unit=CASE), minute=1),
        stands(CASE, "A-01", 1),
        move("6", Side(unit=CASE), "@customer", minute=5),
        stands(CASE, "@customer", 5),
        move("9", "@supplier", Side(unit=CASE), minute=YEAR),
        stands(CASE, "A-02", YEAR),
    )
    again = now(ledger, CASE)
    assert [(each.instance, each.from_at, each.last_at) for each in again.instances] == [
        (1, at(1), at(5)),
        (2, at(YEAR), at(YEAR)),
    ]
    assert [row.quantity for row in again.content] == [9]
    assert [row.quantity for row in now(ledger, CASE, AsOf(at=at(2))).content] == [6]
    story = ledger.as_app(lambda conn: unit_story(conn, CONTROLLER, Unit(CASE), limit=20))
    assert early_reuse(story) is None
    doors.send(
        move("9", Side(unit=CASE), "@customer", minute=YEAR + 1),
        move("3", "@supplier", Side(unit=CASE), minute=YEAR + 60),
    )
    story = ledger.as_app(lambda conn: unit_story(conn, CONTROLLER, Unit(CASE), limit=20))
    early = early_reuse(story)
    assert early is not None
    assert early.occurred_at == at(YEAR) + timedelta(minutes=60)
    assert len(now(ledger, CASE).instances) == 2
