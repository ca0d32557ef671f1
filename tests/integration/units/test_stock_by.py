"""Stock put together by place, unit, lot and owner: the same goods, whatever they are in."""

from decimal import Decimal
from typing import Any

import pytest

from cloud.identity.actor import NotAllowedError
from cloud.units.stock import By, StockFilter, StockRow, stock_by
from contracts.records import Side
from tests.integration.crossings.doors import PALLET, STRANGER, Doors, stood
from tests.integration.ledger.scenario import CONTROLLER, SITE, Ledger, at, move
from tests.integration.units.test_stories import OUTER, put_into

ITEM = "gtin:05012345678900"
ALL = StockFilter()


def put(ledger: Ledger, by: By, wanted: StockFilter = ALL, **how: Any) -> list[StockRow]:
    return ledger.as_app(lambda conn: stock_by(conn, CONTROLLER, by, wanted, **({"limit": 100} | how)))


def costs(ledger: Ledger, cost: str) -> None:
    ledger.query("UPDATE site SET currency = 'EUR' RETURNING 1")
    add = "INSERT INTO item_cost SELECT item_id, 'leeds', '2026-01-01', %s, 'EUR' FROM item RETURNING 1"
    ledger.query(add, Decimal(cost))


def amounts(rows: list[StockRow], *names: str) -> dict[tuple[Any, ...], Decimal]:
    return {tuple(getattr(row, name) for name in names): row.quantity for row in rows}


def test_goods_in_units_lie_where_these_stand_and_only_ours_are_valued(doors: Doors) -> None:
    ledger = doors.ledger
    doors.send(
        move("30", "@supplier", Side(location="A-01", lot="L1"), minute=1),
        move("12", Side(location="A-01", lot="L1"), Side(unit=PALLET, lot="L1"), minute=2),
        move("5", "@supplier", Side(location="A-01", lot="L2", owner="ACME"), minute=3),
        move("4", "@supplier", Side(unit=PALLET, owner="ACME"), minute=3),
        stood("A-01", minute=2),
        put_into(PALLET, OUTER, 4),
        stood("B-01", minute=5).model_copy(update={"unit": OUTER}),
    )
    ledger.query("UPDATE site SET currency = 'EUR' RETURNING 1")
    ledger.query(
        "INSERT INTO item_cost SELECT item_id, 'leeds', '2026-01-01', 2.005, 'EUR' FROM item RETURNING 1"
    )
    place = put(ledger, By.PLACE)
    assert amounts(place, "place") == {("A-01",): 23, ("B-01",): 16}
    assert [(row.in_units, row.units) for row in place] == [(0, 0), (16, 1)]
    before = StockFilter(until_at=at(4.5))
    assert amounts(put(ledger, By.PLACE, before), "place") == {("A-01",): 23, (None,): 16}
    assert amounts(put(ledger, By.PLACE, StockFilter(until_at=at(3.5))), "place") == {("A-01",): 39}
    assert amounts(put(ledger, By.PLACE, StockFilter(until_position=0)), "place") == {}
    assert amounts(put(ledger, By.UNIT), "unit", "lot", "place") == {
        (PALLET, None, "B-01"): 4,
        (PALLET, "L1", "B-01"): 12,
    }
    assert amounts(put(ledger, By.LOT), "item", "lot") == {(ITEM, None): 4, (ITEM, "L1"): 30, (ITEM, "L2"): 5}
    owners = put(ledger, By.OWNER)
    assert [(row.owner, row.quantity, row.value) for row in owners] == [
        (None, 30, Decimal("60.15")),  # 18 x 2.005 = 36.09 and 12 x 2.005 = 24.06
        ("ACME", 9, None),
    ]
    assert put(ledger, By.OWNER, after=owners[0].keys) == owners[1:]
    assert put(ledger, By.OWNER, limit=1) == owners[:1]
    assert amounts(put(ledger, By.PLACE, StockFilter(location_like="%B-0%")), "place") == {("B-01",): 16}
    assert (
        amounts(put(ledger, By.UNIT, StockFilter(location_like=f"%{PALLET[:9]}%", item_like="%nothing%")))
        == {}
    )
    with pytest.raises(NotAllowedError):
        ledger.as_app(lambda conn: stock_by(conn, STRANGER, By.LOT, StockFilter(site=SITE), limit=1))
    assert ledger.as_app(lambda conn: stock_by(conn, STRANGER, By.LOT, ALL, limit=1)) == []


def test_a_unit_that_left_is_no_value_of_ours_and_a_missing_cost_makes_it_unknown(doors: Doors) -> None:
    ledger = doors.ledger
    doors.send(move("12", "@supplier", Side(unit=PALLET), minute=2), move("3", "@supplier", "A-01", minute=2))
    (unknown,) = put(ledger, By.OWNER)
    assert (unknown.quantity, unknown.value, unknown.unpriced) == (15, None, 2)
    ledger.query("UPDATE site SET currency = 'EUR' RETURNING 1")
    ledger.query(
        "INSERT INTO item_cost SELECT item_id, 'leeds', '2026-01-01', 2, 'EUR' FROM item RETURNING 1"
    )
    doors.send(stood("@customer", minute=4))
    (left,) = put(ledger, By.OWNER)
    assert (left.quantity, left.owned, left.value, left.unpriced) == (15, 3, 6, 0)
