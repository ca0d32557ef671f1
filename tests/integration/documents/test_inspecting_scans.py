"""What handhelds receive of goods that a rule sends to inspection waits there once; on the real ledger."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cloud.approvals.service import approve_and_apply
from cloud.documents.judging import service as judging
from cloud.documents.receiving import reading, reversing, rules
from cloud.documents.receiving.papers import DeliveryPaper
from cloud.documents.receiving.scanned import scanned
from cloud.documents.receiving.service import receive
from cloud.ledger.corrections import merge_items
from cloud.master.supplier_papers import SupplierPaper
from cloud.master.suppliers import put_supplier
from cloud.periods.service import ask_to_close
from tests.integration.documents.dock import (
    EACH,
    KEEPER,
    NETWORK,
    PALLET,
    SECOND,
    line,
    open_dock,
    paper,
    sscc,
)
from tests.integration.documents.held_scans import STRANGE, Held
from tests.integration.documents.test_scanned_receipts import BUYER
from tests.integration.ledger.scenario import SITE, at, move
from tests.integration.lots.floor import BOSS, NET

ACME = SupplierPaper(supplier="ACME", name="Acme", currency="EUR")


@pytest.fixture
def held(database: object) -> Iterator[Held]:
    """ASN-1 is of nobody; ASN-2, of ten pieces too, is of ACME, whose tea is inspected."""
    with open_dock(database) as dock:
        held = Held(dock)
        dock.ledger.as_app(lambda conn: put_supplier(conn, BUYER, ACME))
        dock.register(paper(line(1, 10, seen="base"), name="ASN-2", partner="ACME"))
        held.inspects(supplier="ACME", item="TEA")
        yield held
        assert dock.is_clean()


def told(held: Held, name: str = "ASN-2") -> list[tuple[int, int, int]]:
    """What the page tells of each scan: on hold, in inspection, left before."""
    rows = held.dock.ledger.as_app(lambda conn: scanned(conn, KEEPER, site=SITE, name=name))
    return [(int(each.row.on_hold), int(each.row.in_inspection), int(each.row.uninspected)) for each in rows]


def waits(held: Held) -> list[tuple[str, str, int]]:
    rows = held.dock.ledger.as_app(lambda conn: judging.waiting(conn, KEEPER, site=SITE, limit=50))
    return [(row.receipt, row.waits_as, int(row.quantity)) for row in rows]


def received(held: Held, quantity: int, name: str = "ASN-2", receipt: str = "R-3") -> None:
    """Receive on paper."""
    of = {"type": "asn", "id": name, "line": "1"}
    stated = {"line": "1", "of": of, "received": str(quantity), "unit_seen": "base"}
    delivery = DeliveryPaper.model_validate(
        {"site": SITE, "receipt": receipt, "location": "STAGE-1", "lines": [stated]}
    )
    held.dock.ledger.as_app(lambda conn: receive(conn, KEEPER, delivery, now=at(250)))


def test_scans_wait_as_the_same_goods_on_paper_do_and_once(held: Held) -> None:
    held.scan(1, 4, under="ASN-2")
    held.scan(2, 4)
    assert held.holds()["held"] == 0, "another gateway may still tell of goods"
    held.complete(5)
    assert held.holds() == {"looked": 2, "held": 1, "taken_back": 0}
    assert held.stock() == {(None, None): 4, (None, "inspection"): 4}, (
        "of another supplier it is not inspected"
    )
    assert told(held) == [(0, 4, 0)]
    assert (waits(held), held.tickets()) == ([("ASN-2~held", "inspection", 4)], [])
    received(held, 3)
    assert held.stock() == {(None, None): 4, (None, "inspection"): 7}, "the paper puts them at the same place"
    for _ in range(3):
        assert held.holds(260)["held"] == 0
    assert waits(held) == [("ASN-2~held", "inspection", 4), ("R-3", "inspection", 3)]
    story = held.dock.ledger.as_app(lambda conn: reading.receipt(conn, KEEPER, site=SITE, name="ASN-2~held"))
    (kept,) = story.lines
    assert (kept.of_id, kept.of_line, kept.condition, kept.reason) == (
        "ASN-2",
        "1",
        "inspection",
        "inspection",
    )
    assert (kept.received, kept.held, kept.over, kept.waiting) == (4, 0, 0, 4)
    ((on_the_way_since, is_put_away),) = held.dock.ledger.query(
        "SELECT received_at, put_away_at IS NOT NULL FROM dock_to_stock(NULL, %s, %s)"
        " WHERE receipt = 'ASN-2~held'",
        at(0),
        at(1000),
    )
    assert (at(1) <= on_the_way_since < at(2), is_put_away) == (True, False), "since it was scanned"


def test_what_left_uninspected_is_on_its_way_to_stock_no_longer(held: Held) -> None:
    held.scan(1, 4, under="ASN-2")
    held.complete(5)
    held.holds()

    def put_away() -> list[bool]:
        rows = held.dock.ledger.query(
            "SELECT put_away_at IS NOT NULL FROM dock_to_stock(NULL, %s, %s)", at(0), at(1000)
        )
        return [each for (each,) in rows]

    for minute, quantity in ((6, 1), (8, 2)):
        held.dock.doors.send(move(str(quantity), "STAGE-1", "@customer", item=EACH, minute=minute))
        held.complete(minute + 1)
        held.holds(200 + minute)
        assert put_away() == [False], "the rest waits"
    held.judges(1, "sellable", waits_as="inspection")
    assert (waits(held), put_away()) == ([], [True])


def test_what_is_over_is_on_hold_and_the_rest_in_inspection_each_once(held: Held) -> None:
    held.scan(2, 9, under="ASN-2")
    held.scan(4, 3, under="ASN-2")
    held.complete(10)
    held.holds()
    assert held.stock() == {(None, "inspection"): 10, (None, "hold"): 2}
    late = held.scan(1, 4, under="ASN-2", outbox=held.others)
    held.holds(210)
    assert held.stock() == {(None, "inspection"): 10, (None, "hold"): 6}, "as if they had come in order"
    held.take_back(late)
    held.holds(220)
    assert held.stock() == {(None, "inspection"): 10, (None, "hold"): 2}, "those goods never came"
    assert held.holds(230)["held"] == 0


def test_only_what_is_over_of_scans_that_nobody_inspects_is_held_beside_those_that_are(held: Held) -> None:
    held.inspects(yes=False, supplier="ACME", item="TEA")
    held.scan(1, 8, under="ASN-2")
    held.inspects(supplier="ACME", item="TEA")
    held.scan(2, 4, under="ASN-2")
    held.inspects(yes=False, supplier="ACME", item="TEA")
    held.scan(3, 1, under="ASN-2")
    held.complete(5)
    held.holds()
    assert held.stock() == {(None, None): 8, (None, "inspection"): 2, (None, "hold"): 3}, (
        "by the rule as it was when each became known"
    )
    held.inspects(supplier="ACME", item="TEA")
    assert held.holds(210)["held"] == 0


def test_without_papers_the_rule_of_item_or_site_holds_and_none_of_a_supplier(held: Held) -> None:
    held.scan(1, 5, under="DN-1")
    held.complete(2)
    assert held.holds()["held"] == 0, "the rule is ACME's"
    held.inspects(item="TEA")
    held.scan(3, 6, under="DN-2")
    held.scan(4, 7, under="DN-2", gtin=STRANGE)
    held.complete(5)
    assert held.holds(210)["held"] == 1
    assert held.stock() == {(None, None): 5 + 7, (None, "inspection"): 6}
    assert waits(held) == [("DN-2~held", "inspection", 6)]
    held.dock.register(paper(line(1, 4, seen="base"), name="DN-2"))
    held.holds(220)
    assert held.stock() == {(None, None): 5, (None, "inspection"): 6, (None, "hold"): 7}, (
        "what the paper does not name is held; what waits already waits"
    )


def test_two_workers_and_the_same_batch_twice_inspect_once(held: Held) -> None:
    for minute in range(1, 9):
        held.scan(minute, 2, under="ASN-2")
    held.complete(20)
    with ThreadPoolExecutor(4) as pool:
        found = [each.result() for each in [pool.submit(held.holds) for _ in range(8)]]
    assert held.stock() == {(None, "inspection"): 10, (None, "hold"): 6}
    assert sum(each["held"] for each in found) == 8


def test_a_scan_taken_back_takes_its_inspection_and_what_was_judged_of_it_along(held: Held) -> None:
    first = held.scan(1, 4, under="ASN-2")
    held.scan(2, 3, under="ASN-2")
    held.complete(5)
    held.holds()
    held.judges(1, "sellable", waits_as="inspection", reason="sound", put_at="Z-09")
    held.judges(1, "hold", waits_as="inspection", reason="defective")
    assert held.stock() == {(None, "inspection"): 5, (None, "hold"): 1}
    held.take_back(first)
    assert held.holds(310)["taken_back"] == 1
    assert held.stock() == {(None, "inspection"): 3}
    assert told(held) == [(0, 3, 0)]
    held.judges(3, "sellable", waits_as="inspection", reason="sound")
    assert held.holds(320)["held"] == 0
    assert (held.stock(), told(held)) == ({(None, None): 3}, [(0, 0, 0)])


def test_goods_in_a_unit_are_inspected_in_it(held: Held) -> None:
    held.scan(1, 8, under="ASN-2", into=PALLET)
    held.dock.stands(PALLET, "A-01", minute=3)
    held.complete(5)
    held.holds()
    assert held.stock(PALLET) == {(None, "inspection"): 8}


def test_what_was_known_before_an_upgrade_stays_sellable(held: Held) -> None:
    held.scan(1, 4, under="ASN-2")
    held.dock.ledger.query("UPDATE scanned_head SET inspects_since = clock_timestamp() RETURNING 1")
    held.scan(2, 3, under="ASN-2")
    held.complete(5)
    held.holds()
    assert held.stock() == {(None, None): 4, (None, "inspection"): 3}


def test_what_left_before_it_could_be_inspected_is_told(held: Held) -> None:
    held.scan(1, 8, under="ASN-2")
    held.dock.doors.send(move("3", "STAGE-1", "@customer", item=EACH, minute=2))
    held.complete(5)
    held.holds()
    assert held.stock() == {(None, "inspection"): 5}
    assert told(held) == [(0, 5, 3)]
    (ticket,) = held.tickets("received_uninspected")
    assert ticket.startswith("ASN-2: 3 each of TEA that a rule sends to inspection had left")


def test_scans_of_a_closed_period_wait_from_now_on(held: Held) -> None:
    run, now = held.dock.ledger.as_app, 60 * 24 * 35
    held.scan(1, 3, under="ASN-2")
    asked = {"site": SITE, "period": "2026-03", "reason": "figures_due", "note": ""}
    wanted = run(lambda conn: ask_to_close(conn, NET, now=at(now), **asked))
    run(lambda conn: approve_and_apply(conn, BOSS, wanted.decision_id, wanted.revision))
    held.scan(2, 4, under="ASN-2")
    held.complete(5)
    held.holds(now + 1)
    assert held.stock() == {(None, "inspection"): 7}
    changed = held.dock.ledger.query(
        "SELECT min(occurred_at) FROM movement WHERE detail ->> 'actor' = 'job:receipts'"
    )
    assert changed == [(at(now + 1),)], "the closed figures stay as they are"


def test_a_paper_receipt_of_the_number_that_was_scanned_has_lines_of_its_own(held: Held) -> None:
    held.scan(1, 4, under="ASN-2")
    held.complete(5)
    held.holds()
    received(held, 3, receipt="ASN-2")
    held.scan(6, 2, under="ASN-2")
    held.complete(10)
    held.holds(255)
    assert held.stock() == {(None, "inspection"): 9}
    assert waits(held) == [
        ("ASN-2~held", "inspection", 4),
        ("ASN-2", "inspection", 3),
        ("ASN-2~held-2", "inspection", 2),
    ]
    run = held.dock.ledger.as_app
    story = run(lambda conn: reading.receipt(conn, KEEPER, site=SITE, name="ASN-2"))
    assert [(each.line, each.received, each.waiting) for each in story.lines] == [("1", 3, 3)]
    named = {"site": SITE, "name": "ASN-2", "line": "1", "reason": "wrong_quantity"}
    run(lambda conn: reversing.reverse_line(conn, KEEPER, **named))
    held.holds(260)
    assert held.stock() == {(None, "inspection"): 6}, "the paper's line is taken back, and no scan"
    assert told(held) == [(0, 4, 0), (0, 2, 0)]


def test_pallets_through_a_door_that_a_rule_has_inspected_wait_in_inspection_once(held: Held) -> None:
    dock, run = held.dock, held.dock.ledger.as_app
    lines = (line(1, 1, unit=PALLET), line(2, 1, unit=SECOND))
    dock.register(paper(*lines, name="ASN-5", partner="ACME"))
    dock.register(paper(line(1, 1, unit=sscc(9)), name="ASN-6"))
    dock.expect("V-1", "ASN-5", "ASN-6")
    dock.crosses()
    dock.crosses(sscc(9))
    dock.confirm()
    dock.crosses(SECOND, minute=70)
    dock.confirm(minute=80)
    assert dock.confirm(minute=85).position is None
    assert [held.stock(unit) for unit in (PALLET, SECOND, sscc(9))] == [
        {(None, "inspection"): 24},
        {(None, "inspection"): 24},
        {(None, None): 24},
    ]
    rows = run(lambda conn: judging.waiting(conn, KEEPER, site=SITE, limit=50))
    assert [(row.receipt, row.unit, row.location, int(row.quantity)) for row in rows] == [
        ("V-1~received", PALLET, "STAGE-1", 24),
        ("V-1~received-2", SECOND, "STAGE-1", 24),
    ]
    held.judges(24, "sellable", waits_as="inspection", reason="sound")
    named = {"site": SITE, "name": "V-1~received-2", "line": "1", "reason": "wrong_document"}
    run(lambda conn: reversing.reverse_line(conn, KEEPER, **named))
    assert [held.stock(unit) for unit in (PALLET, SECOND)] == [{(None, None): 24}, {}]
    assert [each.line for each in dock.confirm(minute=90).lines] == ["2"], "it is open again"


def test_a_rule_goes_on_as_one_of_what_its_item_reads_as_until_that_has_its_own(held: Held) -> None:
    run = held.dock.ledger.as_app
    held.dock.ledger.as_owner(
        lambda conn: conn.execute("INSERT INTO item (code, base_unit) VALUES ('CHAI', 'each')")
    )
    run(lambda conn: merge_items(conn, NETWORK, from_code="TEA", to_code="CHAI"))

    def lies() -> dict[str | None, int]:
        return {condition: quantity for (_, condition), quantity in held.stock().items() if quantity}

    held.scan(1, 4, under="ASN-2")
    held.complete(5)
    assert held.holds()["held"] == 1
    received(held, 3)
    assert lies() == {"inspection": 7}, "by handheld and on paper"
    held.inspects(supplier="ACME", item="CHAI", yes=False)
    held.scan(6, 1, under="ASN-2")
    held.complete(7)
    assert held.holds(260)["held"] == 0
    received(held, 1, receipt="R-4")
    assert lies() == {None: 2, "inspection": 7}
    said = run(lambda conn: rules.rules(conn, KEEPER, site=SITE))
    assert [(each.supplier, each.item, each.inspects) for each in said if each.item] == [
        ("ACME", "CHAI", False)
    ]


def test_pallets_of_several_suppliers_on_a_vehicle_wait_under_a_receipt_of_each(held: Held) -> None:
    dock, run = held.dock, held.dock.ledger.as_app
    run(lambda conn: put_supplier(conn, BUYER, ACME.model_copy(update={"supplier": "BETA"})))
    held.inspects(supplier="BETA", item="TEA")
    dock.register(paper(line(1, 1, unit=PALLET), name="ASN-5", partner="ACME"))
    dock.register(paper(line(1, 1, unit=SECOND), name="ASN-6", partner="BETA"))
    dock.expect("V-1", "ASN-5", "ASN-6")
    dock.crosses()
    dock.crosses(SECOND)
    dock.confirm()
    rows = run(lambda conn: judging.waiting(conn, KEEPER, site=SITE, limit=50))
    assert [(row.receipt, row.line, row.unit, row.partner) for row in rows] == [
        ("V-1~received", "1", PALLET, "ACME"),
        ("V-1~received-2", "1", SECOND, "BETA"),
    ]
