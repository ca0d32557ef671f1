"""What pallets carry of a visit's transfers and orders, which declare no units, counts as they cross."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from cloud.documents import orders
from cloud.documents.domain import ConflictingDocumentError, UnknownDocumentError, VisitNotClearError
from cloud.documents.judging.papers import JudgementPaper
from cloud.documents.judging.service import judge, waiting
from cloud.documents.order_papers import OrderPaper
from cloud.documents.receiving.papers import DeliveryPaper
from cloud.documents.receiving.rules import RulePaper, put_rule
from cloud.documents.receiving.service import receive
from cloud.documents.shipping.papers import ShipmentPaper
from cloud.documents.shipping.service import reverse_line, ship
from cloud.documents.transfers import service as transfers
from cloud.documents.transfers.papers import TransferPaper
from cloud.master.places import add_location
from cloud.master.supplier_papers import SupplierPaper
from cloud.master.suppliers import put_supplier
from cloud.units.names import Unit
from cloud.units.reading import NOW, unit_now
from contracts.records import Side, UnitPosition
from tests.integration.crossings.doors import stood
from tests.integration.documents.dock import CASES, KEEPER, OTHER_SITE, PALLET, SECOND, Dock, line, open_dock
from tests.integration.documents.test_papers_of_visits import BUYER, EVERYWHERE, named
from tests.integration.ledger.scenario import SITE, at, move

OUTBOUND: dict[str, Any] = named("transfer", "T-1") | {"direction": "outbound"}
OF = {"type": "transfer", "id": "T-1", "line": "1"}


@pytest.fixture
def dock(database: object) -> Iterator[Dock]:
    """Two sites, whose ledger proves itself afterwards."""
    with open_dock(database) as dock:
        for site, code in ((SITE, "STAGE-1"), (OTHER_SITE, "Y-01")):
            place = {"site": site, "code": code, "kind": "bin", "parent": None}
            dock.ledger.as_app(lambda conn, place=place: add_location(conn, EVERYWHERE, **place))
        yield dock
        assert dock.is_clean()


def packed(dock: Dock, cases: int, unit: str = PALLET, *, minute: float = 1, **side: Any) -> None:
    """Let so many cases come into a unit that stands in staging."""
    into = Side(unit=unit, **side)
    dock.doors.send(move(f"{cases}", "@supplier", into, item=CASES, unit_seen=CASES, minute=minute))
    dock.stands(unit, "STAGE-1", minute=minute + 0.5)


def drafted(dock: Dock, *lines: dict[str, Any], sending: str = SITE, receiving: str = OTHER_SITE) -> None:
    stated = {"from_site": sending, "to_site": receiving, "id": "T-1", "lines": lines}
    draft = TransferPaper.model_validate(stated)
    dock.ledger.as_app(lambda conn: transfers.draft(conn, EVERYWHERE, draft))


def transfer(dock: Dock) -> tuple[str, list[tuple[int, int]]]:
    told = dock.ledger.as_app(lambda conn: transfers.transfer(conn, EVERYWHERE, at=SITE, name="T-1"))
    return f"{told.transfer.state}", [(int(each.shipped), int(each.received)) for each in told.lines]


def holds(dock: Dock, *units: str) -> dict[tuple[str, str | None, str | None], int]:
    """Give what units hold, by lot and condition, in base units."""
    rows = dock.ledger.query(
        "SELECT l.code, c.lot, c.disposition, b.quantity FROM balance b JOIN cell c USING (cell_id)"
        " JOIN location l USING (location_id) WHERE l.code = ANY (%s) AND b.quantity <> 0",
        list(units or [PALLET]),
    )
    return {(unit, lot, condition): int(quantity) for unit, lot, condition, quantity in rows}


def shipped(dock: Dock) -> list[tuple[Any, ...]]:
    return dock.ledger.query(
        "SELECT id, line, of_line, unit, location, lot, quantity::int FROM shipment_line ORDER BY id, ordinal"
    )


def sent_from_york(
    dock: Dock, cases: int = 2, unit: str = PALLET, *, of: dict[str, str] = OF, lot: str | None = None
) -> None:
    """Let York receive goods onto a pallet, and ship that."""
    what: dict[str, Any] = {"line": "1", "identifier": {"scheme": "gtin", "value": CASES}, "unit_seen": CASES}
    came = {"site": OTHER_SITE, "receipt": f"R-{unit}", "location": "Y-01", "occurred_at": at(-30)}
    delivery = DeliveryPaper.model_validate(
        came | {"lines": [what | {"received": cases, "unit": unit, "lot": lot}]}
    )
    dock.ledger.as_app(lambda conn: receive(conn, EVERYWHERE, delivery, now=at(0)))
    leaving = {"line": "1", "of": of, "quantity": cases, "unit_seen": CASES, "unit": unit, "with_unit": True}
    leaving |= {"lot": lot}
    stated = {"site": OTHER_SITE, "shipment": f"S-{unit}", "occurred_at": at(-20), "has_departed": True}
    paper = ShipmentPaper.model_validate(stated | {"lines": [leaving]})
    dock.ledger.as_app(lambda conn: ship(conn, EVERYWHERE, paper, now=at(0)))


def test_a_pallet_leaves_for_another_site_with_its_vehicle(dock: Dock) -> None:
    packed(dock, 2)
    drafted(dock, line(1, 2))
    dock.expect("V-2", **OUTBOUND)
    dock.crosses(minute=10, direction="out", visit="V-2")
    assert dock.remains("V-2") == [("unsettled_unit", PALLET, None)]
    told = dock.confirm("V-2")
    assert [(each.unit, each.quantity) for each in told.lines] == [(PALLET, 48)]
    assert told.unexpected_units == ()
    assert (transfer(dock), holds(dock), dock.remains("V-2")) == (("in_transit", [(48, 0)]), {}, [])
    assert shipped(dock) == [("V-2~departed", "1", "1", PALLET, None, None, 48)]
    assert dock.confirm("V-2", minute=70).position is None
    back = {"site": SITE, "name": "V-2~departed", "line": "1", "reason": "misread"}
    dock.ledger.as_app(lambda conn: reverse_line(conn, KEEPER, **back))
    assert (transfer(dock)[1], holds(dock)) == ([(0, 0)], {(PALLET, None, None): 48})
    assert dock.remains("V-2") == [("unsettled_unit", PALLET, None)]
    dock.confirm("V-2", minute=75)
    assert (transfer(dock)[1], dock.close("V-2").state) == ([(48, 0)], "closed")


def test_a_pallet_takes_no_more_than_is_open_and_the_rest_is_told_as_over(dock: Dock) -> None:
    packed(dock, 3)
    drafted(dock, line(1, 2))
    dock.expect("V-2", **OUTBOUND)
    dock.crosses(minute=10, direction="out", visit="V-2")
    assert dock.confirm("V-2").unexpected_units == (PALLET,)
    assert (transfer(dock)[1], holds(dock)) == ([(48, 0)], {(PALLET, None, None): 24})
    assert dock.remains("V-2") == [("unexpected_unit", PALLET, None)]
    beyond = f"unit {PALLET} crossed with 24 of item TEA beyond what is open of transfer/T-1"
    with pytest.raises(VisitNotClearError, match=beyond):
        dock.close("V-2")
    assert dock.close("V-2", **{f"unit_{PALLET}": "over"}).state == "closed"


def test_what_is_on_a_pallet_and_what_is_loose_share_what_is_open(dock: Dock) -> None:
    packed(dock, 1)
    drafted(dock, line(1, 2))
    dock.expect("V-2", **OUTBOUND)
    dock.crosses(minute=10, direction="out", visit="V-2")
    for number in (17, 18):
        dock.case_crosses(number, minute=number, visit="V-2", direction="out")
    assert [(each.unit, each.quantity) for each in dock.confirm("V-2").lines] == [(PALLET, 24), (None, 24)]
    assert (transfer(dock)[1], dock.remains("V-2")) == ([(48, 0)], [("loose", "TEA", Decimal(24))])


def test_lots_and_boxes_of_a_pallet_leave_each_under_a_line_of_its_own(dock: Dock) -> None:
    packed(dock, 1, lot="A")
    packed(dock, 1, lot="B", minute=2)
    packed(dock, 2, SECOND, minute=3, lot="B")
    inside = stood("STAGE-1", minute=5).model_dump() | {"unit": SECOND, "location": None, "parent": PALLET}
    dock.doors.send(UnitPosition.model_validate(inside))
    drafted(dock, line(1, 2, lot="B"), line(2, 1))
    dock.expect("V-2", **OUTBOUND)
    dock.crosses(minute=10, direction="out", visit="V-2")
    dock.confirm("V-2")
    pieces = [(line, unit, lot, quantity) for _, _, line, unit, _, lot, quantity in shipped(dock)]
    assert pieces == [("2", PALLET, "A", 24), ("1", PALLET, "B", 24), ("1", SECOND, "B", 24)]
    assert holds(dock, PALLET, SECOND) == {(SECOND, "B", None): 24}
    back = {"site": SITE, "name": "V-2~departed", "line": "2", "reason": "misread"}
    dock.ledger.as_app(lambda conn: reverse_line(conn, KEEPER, **back))
    assert holds(dock, PALLET, SECOND) == {(PALLET, "B", None): 24, (SECOND, "B", None): 24}


def test_a_pallet_with_what_is_not_sellable_does_not_leave_for_another_site(dock: Dock) -> None:
    packed(dock, 2)
    packed(dock, 1, minute=3, disposition="hold")
    drafted(dock, line(1, 2))
    dock.expect("V-2", **OUTBOUND)
    dock.crosses(minute=10, direction="out", visit="V-2")
    with pytest.raises(ConflictingDocumentError, match=f"unit '{PALLET}' holds item 'TEA' that is hold"):
        dock.confirm("V-2")


def test_goods_of_another_on_a_pallet_are_not_sent(dock: Dock) -> None:
    packed(dock, 2, owner="BRAND")
    drafted(dock, line(1, 2))
    dock.expect("V-2", **OUTBOUND)
    dock.crosses(minute=10, direction="out", visit="V-2")
    assert dock.confirm("V-2").position is None
    assert dock.remains("V-2") == [("unexpected_unit", PALLET, None)]


def test_goods_of_another_that_leave_beside_ours_are_told_as_over(dock: Dock) -> None:
    packed(dock, 2)
    packed(dock, 3, owner="BRAND", minute=2)
    drafted(dock, line(1, 2))
    dock.expect("V-2", **OUTBOUND)
    dock.crosses(minute=10, direction="out", visit="V-2")
    assert dock.confirm("V-2").unexpected_units == (PALLET,)
    assert transfer(dock)[1] == [(48, 0)]
    assert dock.remains("V-2") == [("unexpected_unit", PALLET, None)]
    with pytest.raises(VisitNotClearError, match="left with 72 of item TEA beyond what transfer/T-1 take"):
        dock.close("V-2")


def test_a_pallet_that_no_reader_saw_leaves_on_a_persons_word_if_it_is_there(dock: Dock) -> None:
    packed(dock, 2)
    drafted(dock, line(1, 3))
    dock.expect("V-2", **OUTBOUND)
    assert dock.remains("V-2") == [], "a transfer does not say what is on one vehicle"
    with pytest.raises(UnknownDocumentError, match=f"'{SECOND}' is declared by none"):
        dock.confirm("V-2", PALLET, SECOND)
    dock.confirm("V-2", PALLET)
    assert (transfer(dock)[1], dock.remains("V-2")) == ([(48, 0)], [])
    packed(dock, 1, minute=65)
    dock.stands(PALLET, "@transit", minute=66)
    with pytest.raises(UnknownDocumentError, match=f"'{PALLET}' is declared by none"):
        dock.confirm("V-2", PALLET, minute=70)


def test_a_pallet_of_a_transfer_is_received_as_it_was_sent(dock: Dock) -> None:
    drafted(dock, line(1, 3), sending=OTHER_SITE, receiving=SITE)
    sent_from_york(dock)
    dock.expect("V-1", **named("transfer", "T-1"))
    assert (dock.remains(), dock.confirm().position) == ([], None)
    dock.crosses()
    assert dock.remains() == [("unsettled_unit", PALLET, None)]
    told = dock.confirm()
    assert [(each.unit, each.quantity) for each in told.lines] == [(PALLET, 48)]
    assert (transfer(dock), dock.remains()) == (("received", [(48, 48)]), [])
    assert (dock.stock("STAGE-1"), holds(dock)) == (48, {(PALLET, None, None): 48})
    now = dock.ledger.as_app(lambda conn: unit_now(conn, KEEPER, Unit(PALLET), moment=NOW))
    assert [(int(row.quantity or 0), row.is_unchecked) for row in now.content] == [(48, True)], "as declared"
    assert dock.confirm(minute=70).position is None
    assert dock.close().state == "closed"


def test_a_pallet_that_came_and_was_not_seen_is_received_on_a_persons_word(dock: Dock) -> None:
    drafted(dock, line(1, 3), sending=OTHER_SITE, receiving=SITE)
    sent_from_york(dock)
    dock.expect("V-1", **named("transfer", "T-1"))
    with pytest.raises(UnknownDocumentError, match=f"'{SECOND}' is declared by none"):
        dock.confirm("V-1", SECOND)
    dock.confirm("V-1", PALLET)
    assert (transfer(dock)[1], holds(dock)) == ([(48, 48)], {(PALLET, None, None): 48})


def test_what_of_a_transfer_a_rule_inspects_waits_on_its_pallet(dock: Dock) -> None:
    rule = RulePaper(site=SITE, supplier=None, item="TEA", inspects=True)
    dock.ledger.as_app(lambda conn: put_rule(conn, KEEPER, rule))
    drafted(dock, line(1, 3), sending=OTHER_SITE, receiving=SITE)
    sent_from_york(dock)
    dock.expect("V-1", **named("transfer", "T-1"))
    dock.crosses()
    dock.confirm()
    rows = dock.ledger.as_app(lambda conn: waiting(conn, KEEPER, site=SITE, limit=9))
    assert [(row.receipt, int(row.quantity), row.unit) for row in rows] == [("V-1~received", 48, PALLET)]
    assert holds(dock) == {(PALLET, None, "inspection"): 48}
    stated = {"site": SITE, "receipt": "V-1~received", "line": "1", "waits_as": "inspection", "quantity": 40}
    verdict = JudgementPaper.model_validate(stated | {"verdict": "sellable", "reason": "sound"})
    dock.ledger.as_app(lambda conn: judge(conn, KEEPER, verdict, now=at(70)))
    assert holds(dock) == {(PALLET, None, None): 40, (PALLET, None, "inspection"): 8}


def test_a_pallet_whose_goods_were_received_loose_before_is_told_as_over(dock: Dock) -> None:
    drafted(dock, line(1, 2), sending=OTHER_SITE, receiving=SITE)
    sent_from_york(dock)
    dock.expect("V-1", **named("transfer", "T-1"))
    received(dock, "transfer", "T-1", unit=None)
    dock.crosses()
    assert dock.confirm().position is None
    beyond = f"unit {PALLET} crossed with 48 of item TEA beyond what is open of transfer/T-1"
    with pytest.raises(VisitNotClearError, match=beyond):
        dock.close()


def received(dock: Dock, kind: str, name: str, *, unit: str | None = PALLET) -> None:
    """Receive two cases of a document on Receiving."""
    of = {"type": kind, "id": name, "line": "1"}
    stated: dict[str, Any] = {"site": SITE, "receipt": "R-1", "location": "STAGE-1", "occurred_at": at(40)}
    what = {"line": "1", "of": of, "received": 2, "unit_seen": CASES, "unit": unit}
    delivery = DeliveryPaper.model_validate(stated | {"lines": [what]})
    dock.ledger.as_app(lambda conn: receive(conn, KEEPER, delivery, now=at(50)))


def test_a_pallet_of_a_transfer_that_was_received_on_paper_needs_no_reason(dock: Dock) -> None:
    drafted(dock, line(1, 2), sending=OTHER_SITE, receiving=SITE)
    sent_from_york(dock)
    dock.expect("V-1", **named("transfer", "T-1"))
    dock.crosses()
    received(dock, "transfer", "T-1")
    assert (transfer(dock)[1], dock.remains()) == ([(48, 48)], [])
    assert dock.confirm().position is None
    assert dock.close().state == "closed"


def test_a_pallet_of_an_order_without_asn_that_was_received_on_paper_needs_no_reason(dock: Dock) -> None:
    supplier = SupplierPaper.model_validate({"supplier": "ACME", "name": "Acme", "currency": "EUR"})
    dock.ledger.as_app(lambda conn: put_supplier(conn, BUYER, supplier))
    lines = [{"line": "1", "quantity": "96", "due_on": "2026-03-09", "item": "TEA"}]
    stated = {"site": SITE, "id": "PO-1", "supplier": "ACME", "sent_at": at(-60), "lines": lines}
    order = OrderPaper.model_validate(stated)
    dock.ledger.as_app(lambda conn: orders.register_order(conn, BUYER, order, now=at(0)))
    dock.expect("V-1", **named("purchase_order", "PO-1"))
    dock.crosses()
    dock.crosses(SECOND, minute=6)
    way = "what it carries of purchase_order/PO-1 is not known, so receive what it holds on Receiving"
    with pytest.raises(VisitNotClearError, match=f"unit {PALLET} crossed and no document declares it: {way}"):
        dock.close()
    received(dock, "purchase_order", "PO-1")
    assert dock.remains() == [("unexpected_unit", SECOND, None)], "that one nobody received"
    assert dock.close(**{f"unit_{SECOND}": "wrong_item"}).state == "closed"


def test_a_pallet_that_was_received_on_paper_long_before_is_not_what_came_now(dock: Dock) -> None:
    drafted(dock, line(1, 2), sending=OTHER_SITE, receiving=SITE)
    sent_from_york(dock)
    received(dock, "transfer", "T-1")
    dock.expect("V-1", **named("transfer", "T-1"), from_at=at(2 * 1440), to_at=at(3 * 1440))
    dock.crosses(minute=2 * 1440)
    assert dock.remains() == [("unexpected_unit", PALLET, None)]
