"""Units in units: a child moves with what it stands in, never in a circle; a number is used again."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

import psycopg
import pytest

from cloud.identity.actor import INGEST
from cloud.inquiry import stock
from cloud.ledger.domain import AcceptedBatch, NotPostableError, PostingKind
from cloud.ledger.service import post
from cloud.ledger.verification.service import verify
from cloud.units.domain import early_reuse
from cloud.units.names import Unit
from cloud.units.reading import AsOf, UnitNow, unit_now, unit_story
from contracts.records import Side, UnitPosition
from tests.integration.crossings.doors import PALLET, Doors, stood
from tests.integration.ledger.scenario import CONTROLLER, Ledger, Outbox, at, move, stated
from tests.integration.lots.test_resolving_in_any_order import in_turn, undone
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


def unfollowed(ledger: Ledger) -> set[tuple[str, float]]:
    """Give positions that are not followed, by unit and minute."""
    rows = ledger.query(
        "SELECT l.code, p.occurred_at FROM unfollowed_position p "
        "JOIN location l ON l.location_id = p.unit_id WHERE p.until_posting IS NULL"
    )
    return {(unit, (occurred_at - at(0)).total_seconds() / 60) for unit, occurred_at in rows}


def test_of_a_circle_the_position_that_occurred_last_is_not_followed(doors: Doors) -> None:
    ledger = doors.ledger
    doors.send(put_into(CASE, PALLET, 1), put_into(PALLET, OUTER, 3))
    doors.send(put_into(OUTER, CASE, 5))  # after both
    assert unfollowed(ledger) == {(OUTER, 5)}
    with pytest.raises(NotPostableError, match=f"unit '{OUTER}' would stand in itself from"):
        ledger.state(stated(put_into(OUTER, CASE, 4)))
    doors.send(put_into(OUTER, CASE, 2))  # before the second, which closes the circle now
    assert unfollowed(ledger) == {(PALLET, 3)}
    assert places(ledger, PALLET) == []
    assert places(ledger, OUTER) == [CASE, PALLET]
    ((before,),) = ledger.query("SELECT position - 1 FROM ledger_head")
    assert places(ledger, PALLET, AsOf(position=before)) == [OUTER], "as it was known then"
    doors.send(stands(CASE, "A-01", 2.5))  # the case had left: there was no circle
    assert unfollowed(ledger) == set()
    assert places(ledger, PALLET) == [OUTER, CASE, "A-01"]
    assert ledger.query("SELECT count(*) FROM quarantine") == [(0,)]
    assert ledger.as_owner(verify).is_clean


def history(random: Random) -> list[AcceptedBatch]:
    """Let two gateways see three units stand in each other and at places, at any time."""

    def seen() -> UnitPosition:
        unit, other = random.sample((CASE, PALLET, OUTER), 2)
        minute = random.randrange(40) + random.random()
        return stands(unit, "A-01", minute) if random.random() < 0.25 else put_into(unit, other, minute)

    return [
        outbox.seal([seen() for _ in range(random.randrange(1, 3))])
        for outbox in (Outbox("gw-1"), Outbox("gw-2"))
        for _ in range(4)
    ]


def standing(conn: psycopg.Connection) -> Any:
    """Give where units stand and which positions are not followed, by name."""
    stand = "SELECT unit_id, location_id, parent_id FROM units_at('infinity', 9223372036854775807)"
    unfollowed = "SELECT unit_id, occurred_at FROM unfollowed_position WHERE until_posting IS NULL ORDER BY 2"
    units = "SELECT location_id, code FROM location WHERE kind = 'unit'"
    names = dict(conn.execute(units).fetchall())
    return (
        [(names[unit], occurred_at) for unit, occurred_at in conn.execute(unfollowed).fetchall()],
        {names[unit]: (place is not None, names.get(in_)) for unit, place, in_ in conn.execute(stand)},
    )


def test_where_units_stand_is_the_same_whatever_arrived_first(doors: Doors) -> None:
    circles = set()
    for seed in range(6):
        random = Random(seed)
        batches = history(random)
        told = []
        for _ in range(3):
            with undone(doors.ledger) as conn:
                for batch in random.sample(batches, len(batches)):
                    in_turn(conn, partial(post, actor=INGEST, kind=PostingKind.BATCH, batches=[batch]))
                told.append(standing(conn))
        assert told[1:] == told[:1] * 2, seed
        circles.add(bool(told[0][0]))
    assert True in circles, "some of them had circles"


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
    assert again.left_over == []
    listed = ledger.as_app(lambda conn: stock.units(conn, CONTROLLER, unit=CASE, after="", limit=2))
    assert [row.instance for row in listed] == [2]
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
    doors.send(move("1", "@supplier", Side(unit=CASE), minute=3 * YEAR))
    later = now(ledger, CASE)
    assert [row.quantity for row in later.content] == [4], "one account through all its lives"
    assert [row.quantity for row in later.left_over] == [3], "and what the earlier one left is told"
