"""A pallet that is shipped whole takes nothing along that no line names, nor do boxes in it."""

from decimal import Decimal
from typing import Any

import pytest

from cloud.documents.domain import FaultyDocumentError, VisitNotClearError
from cloud.documents.shipping import service as shipping
from cloud.documents.shipping.papers import ShipmentPaper
from contracts.records import Side, UnitPosition
from tests.integration.crossings.doors import stood
from tests.integration.documents.dock import CASES, KEEPER, PALLET, SECOND, Dock, line, paper
from tests.integration.ledger.scenario import SITE, at, move

WHOLE = {"unit": PALLET, "with_unit": True}


def packed(dock: Dock, cases: int, unit: str = PALLET, *, lot: str | None = None, **more: Any) -> None:
    into = Side(unit=unit, lot=lot)
    dock.doors.send(move(f"{cases}", "@supplier", into, item=CASES, unit_seen=CASES, **more))


def named(number: int, cases: str, **more: Any) -> dict[str, Any]:
    of = {"type": "outbound_order", "id": "SO-1", "line": str(number)}
    return {"line": str(number), "of": of, "quantity": cases, "unit_seen": CASES} | more


def faults(dock: Dock, *lines: dict[str, Any]) -> list[str]:
    """Ship whole, and give what is said against it; nothing has left then."""
    wanted = ShipmentPaper.model_validate({"site": SITE, "shipment": "S-1", "lines": lines})
    checked = dock.ledger.as_app(lambda conn: shipping.check_shipment(conn, KEEPER, wanted, now=at(60)))
    told = [f"{each}" for each in checked]

    def ship() -> None:
        loaded = dock.ledger.as_app(lambda conn: shipping.ship(conn, KEEPER, wanted, now=at(60)))
        assert loaded.lines

    if not told:
        ship()
    else:
        with pytest.raises(FaultyDocumentError) as refused:
            ship()
        assert [f"{each}" for each in refused.value.faults] == told
    return told


def left(dock: Dock) -> dict[tuple[str, str | None], Decimal]:
    rows = dock.ledger.query(
        "SELECT l.code, c.lot, b.quantity / 24 FROM balance b JOIN cell c USING (cell_id)"
        " JOIN location l USING (location_id) WHERE b.quantity <> 0 AND l.code <> '@supplier'"
    )
    return {(place, lot): quantity for place, lot, quantity in rows}


@pytest.fixture
def loaded(dock: Dock) -> Dock:
    """Give a pallet with seven cases in staging, and an order for twenty."""
    packed(dock, 7, minute=1)
    dock.stands(PALLET, "STAGE-1", minute=2)
    dock.register(paper(line(1, 20), line(2, 20), name="SO-1", kind="outbound_order"))
    return dock


def test_what_no_line_names_of_a_pallet_is_told_and_nothing_leaves(loaded: Dock) -> None:
    (over,) = faults(loaded, named(1, "5") | WHOLE)
    assert over == (
        f"unit {PALLET!r} would take along 48 of item 'TEA', which no line names: "
        "name it in a line, or take it out first"
    )
    assert left(loaded) == {(PALLET, None): 7}
    assert faults(loaded, named(1, "5") | WHOLE, named(2, "2", unit=PALLET)) == []
    assert left(loaded) == {("@customer", None): 7}


def test_what_is_taken_out_of_a_pallet_that_stays_leaves_the_rest_on_it(loaded: Dock) -> None:
    assert faults(loaded, named(1, "5", unit=PALLET)) == []
    assert left(loaded) == {(PALLET, None): 2, ("@customer", None): 5}


def test_lots_are_named_by_lines_or_any_of_them_will_do(loaded: Dock) -> None:
    packed(loaded, 3, minute=3, lot="L2")
    both = named(1, "7") | WHOLE, named(2, "2", lot="L2") | WHOLE
    (over,) = faults(loaded, *both)
    assert "would take along 24 of item 'TEA' of lot 'L2', which no line names" in over
    assert faults(loaded, both[0], named(2, "3", lot="L2") | WHOLE) == []
    assert left(loaded) == {("@customer", None): 7, ("@customer", "L2"): 3}


def test_a_box_in_a_pallet_goes_along_only_if_its_goods_are_named(loaded: Dock) -> None:
    packed(loaded, 2, SECOND, minute=3)
    inside = stood("STAGE-1", minute=4).model_dump() | {"unit": SECOND, "location": None, "parent": PALLET}
    loaded.doors.send(UnitPosition.model_validate(inside))
    (over,) = faults(loaded, named(1, "7") | WHOLE)
    assert over.startswith(f"unit {PALLET!r} would take along 48 of item 'TEA' in unit {SECOND!r}, which")
    assert faults(loaded, named(1, "7") | WHOLE, named(2, "2", unit=SECOND)) == []
    assert left(loaded) == {("@customer", None): 9}


def test_what_a_pallet_takes_along_with_a_vehicle_beyond_its_lines_is_told_as_over(dock: Dock) -> None:
    packed(dock, 7, minute=1)
    dock.stands(PALLET, "STAGE-1", minute=2)
    dock.register(paper(line(1, 5, unit=PALLET), name="SO-1", kind="outbound_order"))
    dock.expect("V-2", "SO-1", direction="outbound", minute=3)
    dock.crosses(minute=10, direction="out", visit="V-2")
    assert dock.remains("V-2") == [("unsettled_unit", PALLET, None)]
    done = dock.confirm("V-2")
    assert (len(done.lines), done.unexpected_units) == (1, (PALLET,))
    assert dock.remains("V-2") == [("unexpected_unit", PALLET, None)]
    with pytest.raises(VisitNotClearError, match="left with 48 of item TEA beyond what outbound_order/SO-1"):
        dock.close("V-2")
    assert dock.close("V-2", **{f"unit_{PALLET}": "over"}).state == "closed"


def test_what_a_vehicle_takes_whole_leaves_nothing_to_tell(dock: Dock) -> None:
    packed(dock, 5, minute=1)
    dock.stands(PALLET, "STAGE-1", minute=2)
    dock.register(paper(line(1, 5, unit=PALLET), name="SO-1", kind="outbound_order"))
    dock.expect("V-2", "SO-1", direction="outbound", minute=3)
    dock.crosses(minute=10, direction="out", visit="V-2")
    assert dock.confirm("V-2").unexpected_units == ()
    assert dock.remains("V-2") == []
