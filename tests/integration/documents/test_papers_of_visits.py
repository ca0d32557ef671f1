"""A vehicle brings or takes any paper of a dock: what crosses its door for each, on the real ledger."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cloud.documents import orders
from cloud.documents.domain import DocumentError, UnknownDocumentError, VisitNotClearError
from cloud.documents.import_file import read_visits
from cloud.documents.judging.service import waiting
from cloud.documents.order_papers import OrderPaper
from cloud.documents.order_steps import close
from cloud.documents.shipping.papers import ShipmentPaper
from cloud.documents.shipping.service import reverse_line, ship
from cloud.documents.transfers import service as transfers
from cloud.documents.transfers.papers import TransferPaper
from cloud.identity.actor import Actor, Role
from cloud.master.supplier_papers import SupplierPaper
from cloud.master.suppliers import put_supplier
from contracts.records import Side
from tests.integration.documents.dock import (
    CASES,
    KEEPER,
    NETWORK,
    OTHER_SITE,
    PALLET,
    Dock,
    line,
    open_dock,
    paper,
)
from tests.integration.ledger.scenario import SITE, at, move

BUYER = Actor("user:bea", frozenset({Role.BUYER}), all_sites=True)
EVERYWHERE = Actor("user:eve", frozenset({Role.SUPERVISOR}), all_sites=True)


@pytest.fixture
def dock(database: object) -> Iterator[Dock]:
    """An order of five cases is on its way; its ledger proves itself afterwards."""
    with open_dock(database) as dock:
        supplier = SupplierPaper.model_validate({"supplier": "ACME", "name": "Acme", "currency": "EUR"})
        case = {"identifier": {"scheme": "gtin", "value": CASES}, "unit_seen": CASES}
        lines = [{"line": "10", "quantity": "3", "due_on": "2026-03-09", **case}]
        lines += [{"line": "20", "quantity": "48", "due_on": "2026-03-09", "item": "TEA"}]
        stated = {"site": SITE, "id": "PO-1", "supplier": "ACME", "sent_at": at(-60), "lines": lines}
        dock.ledger.as_app(lambda conn: put_supplier(conn, BUYER, supplier))
        order = OrderPaper.model_validate(stated)
        dock.ledger.as_app(lambda conn: orders.register_order(conn, BUYER, order, now=at(0)))
        yield dock
        assert dock.is_clean()


def named(kind: str, name: str) -> dict[str, Any]:
    return {"documents": [{"type": kind, "id": name}]}


def received(dock: Dock) -> list[tuple[Decimal, Decimal]]:
    """Give what of each line of the order came, and what is open."""
    told = dock.ledger.as_app(lambda conn: orders.order(conn, BUYER, site=SITE, name="PO-1"))
    return [(each.received, each.open_quantity) for each in told.lines]


def drafted(dock: Dock, sending: str, receiving: str, quantity: int = 2) -> None:
    stated = {"from_site": sending, "to_site": receiving, "id": "T-1", "lines": [line(1, quantity)]}
    draft = TransferPaper.model_validate(stated)
    dock.ledger.as_app(lambda conn: transfers.draft(conn, EVERYWHERE, draft))


def transfer(dock: Dock) -> tuple[str, list[tuple[int, int]]]:
    told = dock.ledger.as_app(lambda conn: transfers.transfer(conn, EVERYWHERE, at=SITE, name="T-1"))
    return f"{told.transfer.state}", [(int(each.shipped), int(each.received)) for each in told.lines]


def moves(dock: Dock) -> list[tuple[Any, ...]]:
    """Give what people confirmed: from where, to where, as what, how many base units."""
    return dock.ledger.query(
        "SELECT f.code, t.code, coalesce(fc.disposition, tc.disposition), m.quantity::int"
        " FROM movement m JOIN gateway g USING (gateway_id)"
        " JOIN cell fc ON fc.cell_id = m.from_cell JOIN location f ON f.location_id = fc.location_id"
        " JOIN cell tc ON tc.cell_id = m.to_cell JOIN location t ON t.location_id = tc.location_id"
        " WHERE g.name = '_cloud' ORDER BY m.occurred_at, m.seq"
    )


def test_of_an_order_as_much_is_received_as_crossed_however_often_it_is_confirmed(dock: Dock) -> None:
    dock.expect("V-1", **named("purchase_order", "PO-1"))
    (told,) = dock.assignments()[-1].visits
    assert [(each.document.type, each.document.line) for each in told.lines] == [
        ("purchase_order", "10"),
        ("purchase_order", "20"),
    ]
    assert [each.identifier and each.identifier.scheme for each in told.lines] == ["gtin", "gtin"]
    assert dock.confirm().position is None, "nothing crossed yet"
    dock.case_crosses(17)
    dock.case_crosses(18, minute=6)
    assert [(each.line, each.quantity) for each in dock.confirm().lines] == [("10", 48)]
    assert (received(dock), dock.remains()) == ([(48, 24), (0, 48)], [])
    for number in (19, 20, 21, 22):
        dock.case_crosses(number, minute=number)
    assert [(each.line, each.quantity) for each in dock.confirm(minute=70).lines] == [("10", 24), ("20", 48)]
    assert received(dock) == [(72, 0), (48, 0)]
    assert dock.remains() == [("loose", "TEA", Decimal(-24))], "one case more than was ordered"
    assert dock.confirm(minute=75).position is None
    assert dock.close(TEA="over").state == "closed"
    assert dock.stock("STAGE-1") == 144


def test_what_an_asn_of_the_order_declares_is_not_received_of_it_twice(dock: Dock) -> None:
    dock.register(paper(line(1, 2, order={"id": "PO-1", "line": "10"}), partner="ACME"))
    dock.expect("V-1", documents=[{"type": "asn", "id": "ASN-1"}, {"type": "purchase_order", "id": "PO-1"}])
    for number in (17, 18, 19):
        dock.case_crosses(number, minute=number)
    due = [(each.type, each.quantity) for each in dock.confirm().lines]
    assert due == [("asn", 2), ("purchase_order", 24)]
    assert (received(dock), dock.remains()) == ([(72, 0), (0, 48)], [])


def test_what_crosses_beyond_an_asn_and_its_order_is_of_the_next_line(dock: Dock) -> None:
    dock.register(paper(line(1, 2, order={"id": "PO-1", "line": "10"}), partner="ACME"))
    dock.expect("V-1", documents=[{"type": "asn", "id": "ASN-1"}, {"type": "purchase_order", "id": "PO-1"}])
    for number in (17, 18, 19, 20):
        dock.case_crosses(number, minute=number)
    dock.confirm()
    assert (received(dock), dock.remains()) == ([(72, 0), (24, 24)], [])


def test_a_transfer_leaves_with_one_vehicle_and_comes_with_another(dock: Dock) -> None:
    drafted(dock, SITE, OTHER_SITE)
    dock.expect("V-2", **named("transfer", "T-1"), direction="outbound")
    for number in (17, 18):
        dock.case_crosses(number, minute=number, visit="V-2", direction="out")
    dock.confirm("V-2")
    assert (transfer(dock), dock.remains("V-2")) == (("in_transit", [(48, 0)]), [])
    assert moves(dock) == [("@clearing/V-2", "@transit", None, 48)]
    ((shipment, visit, quantity),) = dock.ledger.query(
        "SELECT s.id, s.visit, l.quantity::int FROM shipment s JOIN shipment_line l USING (site_id, id)"
    )
    assert (shipment, visit, quantity) == ("V-2~departed", "V-2", 48)
    back = {"site": SITE, "name": shipment, "line": "1", "reason": "misread"}
    dock.ledger.as_app(lambda conn: reverse_line(conn, KEEPER, **back))
    assert transfer(dock)[1] == [(0, 0)]


def test_a_transfer_on_a_pallet_may_be_shipped_on_paper_and_its_vehicle_is_clear(dock: Dock) -> None:
    drafted(dock, SITE, OTHER_SITE)
    dock.expect("V-2", **named("transfer", "T-1"), direction="outbound")
    dock.crosses(minute=10, direction="out", visit="V-2")
    assert dock.confirm("V-2").position is None
    assert dock.remains("V-2") == [("unexpected_unit", PALLET, None)]
    way = "what it carries of transfer/T-1 is not known, so ship what it holds on Shipping, with it"
    with pytest.raises(VisitNotClearError, match=f"unit {PALLET} crossed and no document declares it: {way}"):
        dock.close("V-2")
    dock.doors.send(move("2", "@supplier", Side(unit=PALLET), item=CASES, unit_seen=CASES, minute=1))
    of = {"type": "transfer", "id": "T-1", "line": "1"}
    lines = [{"line": "1", "of": of, "quantity": "2", "unit": PALLET, "with_unit": True}]
    stated = {"site": SITE, "shipment": "S-1", "occurred_at": at(20), "has_departed": True, "lines": lines}
    leaving = ShipmentPaper.model_validate(stated)
    dock.ledger.as_app(lambda conn: ship(conn, KEEPER, leaving, now=at(60)))
    assert (transfer(dock), dock.remains("V-2")) == (("in_transit", [(48, 0)]), [])
    assert dock.close("V-2").state == "closed"


def test_a_transfer_comes_as_much_as_crossed(dock: Dock) -> None:
    drafted(dock, OTHER_SITE, SITE)
    dock.expect("V-1", **named("transfer", "T-1"))
    dock.case_crosses(17)
    dock.confirm()
    assert (transfer(dock)[1], dock.remains()) == ([(0, 24)], [])
    assert moves(dock) == [("@transit", "@clearing/V-1", None, 24)]
    with pytest.raises(DocumentError, match="'T-1' is to_come: nothing of it leaves"):
        dock.expect("V-2", **named("transfer", "T-1"), direction="outbound")


def test_what_customers_send_back_on_a_pallet_waits_until_it_is_graded(dock: Dock) -> None:
    dock.register(paper(line(1, 2, unit=PALLET), name="RET-1", kind="customer_return", partner="Shop"))
    dock.expect("V-1", **named("customer_return", "RET-1"))
    assert dock.remains() == [("missing_unit", PALLET, None)]
    dock.crosses()
    dock.confirm()
    assert (moves(dock), dock.remains()) == ([("@customer", PALLET, "returned", 48)], [])
    rows = dock.ledger.as_app(lambda conn: waiting(conn, KEEPER, site=SITE, waits_as="returned", limit=9))
    assert [(row.receipt, int(row.quantity), row.partner) for row in rows] == [("V-1~received", 48, "Shop")]


def test_a_supplier_gets_back_pallets_in_the_condition_they_are_in(dock: Dock) -> None:
    dock.register(paper(line(1, 2, unit=PALLET), name="RET-1", kind="customer_return"))
    dock.expect("V-1", **named("customer_return", "RET-1"))
    dock.crosses()
    dock.confirm(minute=40)
    dock.register(paper(line(1, 2, unit=PALLET), name="BACK-1", kind="supplier_return", partner="ACME"))
    dock.register(paper(line(1, 2), name="BACK-2", kind="supplier_return", partner="ACME"))
    with pytest.raises(DocumentError, match="'BACK-2': line 1 is in no unit: no door tells"):
        dock.expect("V-2", **named("supplier_return", "BACK-2"), direction="outbound")
    dock.expect("V-2", **named("supplier_return", "BACK-1"), direction="outbound")
    dock.crosses(minute=45, direction="out", visit="V-2")
    dock.confirm("V-2")
    assert moves(dock)[-1] == (PALLET, "@supplier", "returned", 48)
    assert dock.remains("V-2") == []


def test_all_that_is_wrong_with_a_vehicles_papers_is_told_at_once(dock: Dock) -> None:
    where = {"site": SITE, "name": "PO-1", "reason": "other"}
    dock.ledger.as_app(lambda conn: close(conn, BUYER, now=at(10), **where))
    names = [("asn", "NIL"), ("purchase_order", "PO-1")]
    documents = [{"type": kind, "id": name} for kind, name in names]
    with pytest.raises(DocumentError) as caught:
        dock.expect("V-1", documents=documents, door="dock-9")
    assert [text.partition("'V-1': ")[2][:60] for text in f"{caught.value}".splitlines()] == [
        "there is no door 'dock-9' at site 'leeds'",
        "there is no asn 'NIL' at site 'leeds'",
        "purchase_order 'PO-1' is closed: nothing of it comes",
    ]
    with pytest.raises(UnknownDocumentError, match=r"door 'dock-9'.*\n.*asn 'NIL'"):
        dock.expect("V-1", documents=documents[:1], door="dock-9")
    with pytest.raises(ValueError, match=r"expected documents of type asn, .* got outbound_order 'SO-1'"):
        dock.expect("V-1", **named("outbound_order", "SO-1"))


def test_a_file_names_papers_by_their_type(dock: Dock, tmp_path: Path) -> None:
    drafted(dock, OTHER_SITE, SITE)
    dock.register(paper(line(1, 1)))
    path = tmp_path / "trucks.csv"
    path.write_text(
        "visit,door,direction,from_at,documents\n"
        "V-1,dock-1,inbound,2026-03-02T09:00Z,ASN-1;purchase_order/PO-1 transfer/T-1\n",
        "utf-8",
    )
    assert dock.imports(read_visits(path, site=SITE), actor=NETWORK).visits == 1
    assert sorted(dock.story("V-1").visit.documents) == ["asn/ASN-1", "purchase_order/PO-1", "transfer/T-1"]
