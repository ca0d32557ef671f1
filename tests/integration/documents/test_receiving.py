"""Receipts: against an ASN, an order, or blind; over, short, damaged, rejected, unexpected; each once."""

from decimal import Decimal
from typing import Any

import pytest

from cloud.documents.dock_times import dock_times
from cloud.documents.domain import ConflictingDocumentError, DocumentError
from cloud.documents.judging.papers import JudgementPaper
from cloud.documents.judging.service import judge
from cloud.documents.lines import lines_now, open_lines
from cloud.documents.order_papers import OrderPaper
from cloud.documents.orders import register_order
from cloud.documents.receiving import reading, reversing, rules, service
from cloud.documents.receiving.papers import DeliveryPaper
from cloud.documents.units import SeriesPaper, put_series
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.ledger.corrections import post_reversal
from cloud.ledger.domain import AlreadyClaimedError
from cloud.master.places import add_location
from cloud.master.supplier_papers import SupplierPaper
from cloud.master.suppliers import put_supplier
from contracts.base import epoch_from_int
from contracts.records import RowRef
from tests.integration.crossings.doors import OPERATOR, PALLET, STRANGER, carried
from tests.integration.documents.dock import CASES, KEEPER, NETWORK, Dock, line, paper
from tests.integration.ledger.scenario import SITE, at, close_until

BUYER = Actor("user:bea", frozenset({Role.BUYER}), all_sites=True)


def came(
    number: int, received: str, *, of: str | None = "1", asn: str = "ASN-1", **more: Any
) -> dict[str, Any]:
    """Say what came of a line of an ASN, in its units."""
    named = {"of": {"type": "asn", "id": asn, "line": of}} if of else {}
    return {"line": str(number), "received": received, **named, **more}


def delivery(*lines: dict[str, Any], name: str = "R-1", **more: Any) -> DeliveryPaper:
    stated = {"site": SITE, "receipt": name, "location": "STAGE-1", "lines": lines}
    return DeliveryPaper.model_validate(stated | more)


def receive(
    dock: Dock, stated: DeliveryPaper, *, actor: Actor = KEEPER, minute: float = 60
) -> service.Received:
    return dock.ledger.as_app(lambda conn: service.receive(conn, actor, stated, now=at(minute)))


def stock(dock: Dock) -> dict[tuple[str, str], Decimal]:
    """Give what lies where in which condition, virtual accounts left out."""
    rows = dock.ledger.query(
        "SELECT l.code, coalesce(replace(c.disposition, 'sellable', 'apart'), 'sellable'),"
        " sum(b.quantity) FROM balance b"
        " JOIN cell c USING (cell_id) JOIN location l ON l.location_id = c.location_id"
        " WHERE l.kind <> 'virtual' AND b.quantity <> 0 GROUP BY 1, 2"
    )
    return {(code, condition): quantity for code, condition, quantity in rows}


@pytest.fixture
def staged(dock: Dock) -> Dock:
    """Give a dock with a staging place and an ASN of twenty cases and three loose ones."""
    for code in ("STAGE-1", "A-01"):
        dock.ledger.as_app(
            lambda conn, code=code: add_location(conn, KEEPER, site=SITE, code=code, kind="bin", parent=None)
        )
    dock.register(paper(line(1, 20), line(2, 3), partner="ACME"))
    dock.ledger.as_app(
        lambda conn: put_supplier(conn, BUYER, SupplierPaper(supplier="ACME", name="Acme", currency="EUR"))
    )
    return dock


def test_a_line_comes_in_several_receipts_until_nothing_is_open(staged: Dock) -> None:
    first = receive(staged, delivery(came(1, "12", damaged="1", reason="damaged"), came(2, "3", of="2")))
    told = first.lines[0].outcome
    assert (told.open_before, told.over, told.short) == (480, 0, 480 - 13 * 24)
    (left,) = staged.ledger.as_app(lambda conn: open_lines(conn, sites=[SITE], kind="asn"))
    assert (left.line, left.moved, left.damaged, left.open_quantity) == ("1", 13 * 24, 24, 7 * 24)
    second = receive(staged, delivery(came(1, "8", rejected="2"), name="R-2"), minute=70)
    assert (second.lines[0].outcome.over, second.lines[0].outcome.short) == (24, 0)
    assert staged.ledger.as_app(lambda conn: open_lines(conn, sites=[SITE], kind="asn")) == []
    assert stock(staged) == {("STAGE-1", "sellable"): (20 + 3) * 24, ("STAGE-1", "damaged"): 24}
    (now, _) = staged.ledger.as_app(lambda conn: lines_now(conn, site=SITE, kind="asn", ids=["ASN-1"]))
    assert (now.moved, now.rejected, now.over) == (21 * 24, 48, 24)
    story = staged.ledger.as_app(lambda conn: reading.receipt(conn, KEEPER, site=SITE, name="R-2"))
    assert (story.receipt.over, story.lines[0].declared, story.lines[0].rejected) == (1, 480, 48)
    assert staged.is_clean()


def test_a_receipt_is_posted_once_and_taken_back_line_by_line(staged: Dock) -> None:
    receive(staged, delivery(came(1, "20"), came(2, "3", of="2")))
    with pytest.raises(AlreadyClaimedError, match="R-1"):
        receive(staged, delivery(came(1, "20")))

    def back(actor: Actor = KEEPER) -> int | None:
        return staged.ledger.as_app(
            lambda conn: reversing.reverse_line(conn, actor, site=SITE, name="R-1", line="1", reason="typing")
        )

    with pytest.raises(NotAllowedError):
        back(OPERATOR)
    assert back() is not None
    with pytest.raises(ConflictingDocumentError, match="before"):
        back()
    (left,) = staged.ledger.as_app(lambda conn: open_lines(conn, sites=None, kind="asn"))
    assert (left.line, left.open_quantity) == ("1", 480)
    receive(staged, delivery(came(1, "20"), name="R-2"))
    assert stock(staged) == {("STAGE-1", "sellable"): 23 * 24}
    assert staged.is_clean()


def test_what_no_document_names_is_held_and_a_blind_receipt_follows_the_rules(staged: Dock) -> None:
    extra = came(2, "2", of=None, identifier={"scheme": "gtin", "value": CASES}, unit_seen=CASES)
    stranger = came(3, "5", of=None, identifier={"scheme": "local", "value": "?-77"})
    told = receive(staged, delivery(came(1, "20"), extra, stranger))
    assert [each.outcome.is_unexpected for each in told.lines] == [False, True, True]
    assert stock(staged) == {("STAGE-1", "sellable"): 480, ("STAGE-1", "hold"): 53}
    blind = delivery({**extra, "line": "1"}, name="R-2", partner="ACME", location="A-01")
    assert not receive(staged, blind).lines[0].outcome.is_unexpected
    assert stock(staged)["A-01", "sellable"] == 48


def test_tolerance_and_inspection_are_by_supplier_and_item(staged: Dock) -> None:
    for stated in (
        {"supplier": "ACME", "over_percent": "10", "short_percent": "5"},
        {"item": "TEA", "supplier": "ACME", "inspects": True},
    ):
        wanted = rules.RulePaper.model_validate({"site": SITE, **stated})
        staged.ledger.as_app(lambda conn, wanted=wanted: rules.put_rule(conn, KEEPER, wanted))
    told = receive(staged, delivery(came(1, "23"), came(2, "3", of="2")))
    assert (told.lines[0].outcome.over, told.lines[0].outcome.held) == (72, 24)
    assert stock(staged) == {("STAGE-1", "inspection"): 25 * 24, ("STAGE-1", "hold"): 24}
    staged.register(paper(line(1, 20), line(2, 20), name="ASN-2", partner="ACME"))
    receive(staged, delivery(came(1, "19", asn="ASN-2"), came(2, "18", asn="ASN-2", of="2"), name="R-2"))
    left = staged.ledger.as_app(lambda conn: open_lines(conn, sites=None, kind="asn"))
    assert [(each.line, each.open_quantity) for each in left] == [("2", 48)], "a case of twenty is tolerated"
    receive(staged, delivery(came(1, "1", asn="ASN-2", of="2"), name="R-3", is_last=True))
    assert staged.ledger.as_app(lambda conn: open_lines(conn, sites=None, kind="asn")) == []

    def back(name: str) -> list[tuple[str, Decimal]]:
        staged.ledger.as_app(
            lambda conn: reversing.reverse_line(conn, KEEPER, site=SITE, name=name, line="1", reason="typing")
        )
        left = staged.ledger.as_app(lambda conn: open_lines(conn, sites=None, kind="asn"))
        return [(each.line, each.open_quantity) for each in left]

    assert back("R-2") == [("1", 480)], "what came of the line was taken back, so it is expected again"
    receive(staged, delivery(came(1, "19", asn="ASN-2"), name="R-4"))
    assert back("R-3") == [("2", 48)], "ended anew within the tolerance; the other is not the last any more"
    assert back("R-4") == [("1", 480), ("2", 48)]
    again = receive(staged, delivery(came(1, "20", asn="ASN-2"), name="R-5")).lines[0].outcome
    assert (again.open_before, again.over, again.held) == (480, 0, 0)
    receive(staged, delivery(came(1, "2", asn="ASN-2", of="2"), name="R-6", is_last=True))
    named = '[{"type": "receipt", "id": "R-6", "line": "1"}]'
    ((gateway, epoch, seq),) = staged.ledger.query(
        "SELECT g.name, m.epoch, m.seq FROM movement m JOIN gateway g USING (gateway_id)"
        " WHERE m.detail -> 'documents' @> %s::jsonb",
        named,
    )
    ref = RowRef(gateway=gateway, epoch=epoch_from_int(epoch), seq=seq)
    staged.ledger.as_app(lambda conn: post_reversal(conn, KEEPER, ref, reason="misread"))
    left = staged.ledger.as_app(lambda conn: open_lines(conn, sites=None, kind="asn"))
    assert [(each.id, each.line, each.open_quantity) for each in left if each.id == "ASN-2"] == [
        ("ASN-2", "2", 48)
    ], "a reversal of the movement alone opens the line again too"


def test_goods_without_an_sscc_get_one_that_nobody_else_gets(staged: Dock) -> None:
    stated = delivery(
        came(1, "10", new_unit="a"), came(2, "10", new_unit="b"), came(3, "3", of="2", new_unit="b")
    )
    with pytest.raises(DocumentError, match="no series"):
        receive(staged, stated)
    series = SeriesPaper(site=SITE, company_prefix="9521141", extension_digit=3)
    staged.ledger.as_app(lambda conn: put_series(conn, KEEPER, series))
    told = receive(staged, stated)
    assert len(set(told.issued)) == 2
    assert [each.unit for each in told.lines] == [told.issued[0], told.issued[1], told.issued[1]]
    assert staged.stock("STAGE-1") == 23 * 24
    staged.ledger.as_app(lambda conn: put_series(conn, KEEPER, series))
    more = delivery(came(1, "1", new_unit="a"), name="R-2")
    assert receive(staged, more).issued[0] not in told.issued
    assert staged.is_clean()


def test_an_asn_of_an_order_takes_from_what_is_open_of_it(staged: Dock) -> None:
    ordered = {"line": "10", "item": "TEA", "quantity": "480", "due_on": "2026-03-09", "price": "1.25"}
    order = {
        "site": SITE,
        "id": "PO-1",
        "supplier": "ACME",
        "sent_at": at(-60).isoformat(),
        "lines": [ordered],
    }
    staged.ledger.as_app(
        lambda conn: register_order(conn, BUYER, OrderPaper.model_validate(order), now=at(0))
    )
    staged.register(paper(line(1, 5, order={"id": "PO-1", "line": "10"}), name="ASN-2", partner="ACME"))
    told = receive(staged, delivery(came(1, "5", asn="ASN-2")))
    assert told.lines[0].outcome.short == 0
    (left,) = staged.ledger.as_app(lambda conn: open_lines(conn, sites=None, kind="purchase_order"))
    assert (left.moved, left.open_quantity) == (120, 360)
    story = staged.ledger.as_app(lambda conn: reading.receipt(conn, NETWORK, site=SITE, name="R-1"))
    assert (story.lines[0].expected, story.lines[0].declared) == (480, 120)

    def bought() -> list[tuple[Decimal, Decimal | None]]:
        """Give what a periodic average rests on: quantities and what a base unit of each cost."""
        asked = (
            "SELECT quantity, cost FROM purchases(%s, NULL, 'infinity', 9223372036854775807) ORDER BY 1, 2"
        )
        return staged.ledger.query(asked, SITE)

    staged.ledger.query("UPDATE site SET currency = 'EUR' RETURNING 1")
    receive(staged, delivery(came(1, "1"), name="R-2"))
    unpriced = (Decimal(24), None)
    assert bought() == [unpriced, (120, Decimal("1.25"))], "by the price of the order's line, else not known"
    add = (
        "INSERT INTO purchase_cost (item_id, site_id, valid_from, cost, currency)"
        " SELECT item_id, %s, '2020-01-01', 2, 'EUR' FROM item WHERE code = 'TEA' RETURNING 1"
    )
    staged.ledger.query(add, SITE)
    assert bought() == [(24, 2), (120, Decimal("1.25"))]
    staged.ledger.as_app(
        lambda conn: reversing.reverse_line(conn, KEEPER, site=SITE, name="R-1", line="1", reason="typing")
    )
    assert bought() == [(-120, Decimal("1.25")), (24, 2), (120, Decimal("1.25"))]


def test_every_fault_of_a_delivery_is_told_in_one_answer(staged: Dock) -> None:
    stated = delivery(
        came(1, "1", of="9"),
        came(2, "1", asn="ASN-9"),
        came(3, "0.5", unit_seen="09501101530003"),
        came(4, "1", location="Z-99"),
        came(5, "1", identifier={"scheme": "local", "value": "other"}),
    )
    with pytest.raises(DocumentError) as error:
        receive(staged, stated)
    told = str(error.value).splitlines()
    for number, words in enumerate(
        ("no line '9'", "no such document", "unit_seen", "no place 'Z-99'", "local 'other'")
    ):
        assert f"line '{number + 1}'" in told[number]
        assert words in told[number]
    assert staged.count("receipt") == 0
    with pytest.raises(NotAllowedError):
        receive(staged, delivery(came(1, "1")), actor=STRANGER)


def test_dock_to_stock_runs_from_the_first_sight_to_a_usable_place(staged: Dock) -> None:
    wanted = rules.RulePaper.model_validate(
        {"site": SITE, "item": "TEA", "supplier": "SLOW", "inspects": True}
    )
    staged.ledger.as_app(
        lambda conn: put_supplier(conn, BUYER, SupplierPaper(supplier="SLOW", name="Slow", currency="EUR"))
    )
    staged.ledger.as_app(lambda conn: rules.put_rule(conn, KEEPER, wanted))
    staged.crosses(minute=40, visit=None)
    receive(
        staged, delivery(came(1, "20", unit=PALLET), came(2, "3", of="2"), occurred_at=at(60).isoformat())
    )
    blind = {
        "line": "1",
        "identifier": {"scheme": "gtin", "value": CASES},
        "unit_seen": CASES,
        "received": "2",
    }
    receive(staged, delivery(blind, name="R-2", partner="SLOW"), minute=70)
    staged.stands(PALLET, "A-01", minute=100)
    staged.doors.send(carried("STAGE-1", "A-01", minute=130, quantity_seen=Decimal(3)))

    def took() -> dict[str, float | None]:
        rows = staged.ledger.as_app(
            lambda conn: dock_times(conn, KEEPER, site=SITE, from_at=at(0), until_at=at(200))
        )
        return {
            f"{row.receipt}/{row.line}": row.took.total_seconds() / 60 if row.took else None for row in rows
        }

    assert took() == {"R-1/1": 60, "R-1/2": 70, "R-2/1": None}
    stated = {"site": SITE, "receipt": "R-2", "line": "1", "waits_as": "inspection", "verdict": "sellable"}
    judged = JudgementPaper.model_validate(stated | {"quantity": "48", "reason": "sound", "put_at": "A-01"})
    close_until(staged.ledger, at(170))
    with pytest.raises(NotAllowedError, match="closed until"):
        staged.ledger.as_app(lambda conn: judge(conn, KEEPER, judged, now=at(165)))
    staged.ledger.as_app(lambda conn: judge(conn, KEEPER, judged, now=at(180)))
    assert took()["R-2/1"] is not None


def test_a_visit_confirms_only_what_receipts_have_left_of_its_lines(staged: Dock) -> None:
    staged.register(paper(line(1, 20, unit=PALLET), line(2, 3), name="ASN-2", partner="ACME"))
    staged.expect("V-1", "ASN-2")
    receive(staged, delivery(came(1, "5", asn="ASN-2"), came(2, "3", asn="ASN-2", of="2")))
    told = staged.confirm("V-1", PALLET)
    assert [(each.line, each.quantity, each.unit_seen) for each in told.lines] == [("1", 15 * 24, "base")]
    assert [each.line for each in staged.confirm("V-1", PALLET).lines] == []
    left = staged.ledger.as_app(lambda conn: open_lines(conn, sites=None, kind="asn"))
    assert {each.id for each in left} == {"ASN-1"}
