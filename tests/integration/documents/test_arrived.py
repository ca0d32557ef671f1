"""What came in sellable is inspected after all: dated later, loose through a door, or known later."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from time import monotonic, sleep

import psycopg
import pytest

from cloud.allocation.terms import put_lot
from cloud.db import LastingConnection
from cloud.documents.judging import service as judging
from cloud.documents.receiving import reading, reversing
from cloud.documents.receiving.holding import JOB, hold_scanned
from cloud.documents.receiving.papers import DeliveryPaper
from cloud.documents.receiving.service import receive
from cloud.ledger.corrections import merge_items
from cloud.master.life import LifePaper, put_lives
from cloud.master.store import add_location
from contracts.records import RowRef, Side
from tests.integration.crossings.doors import EPC
from tests.integration.documents.dock import EACH, KEEPER, NETWORK, PALLET, line, open_dock, paper
from tests.integration.documents.held_scans import STRANGE, Held
from tests.integration.documents.test_minimum_life import TODAY
from tests.integration.ledger.scenario import SITE, at, move
from tests.integration.lots.floor import NET
from tests.patience import PATIENCE_S


@pytest.fixture
def held(database: object) -> Iterator[Held]:
    """ASN-2 is of twenty pieces of tea."""
    with open_dock(database) as dock:
        held = Held(dock)
        dock.ledger.as_owner(lambda conn: add_location(conn, SITE, "STAGE-1", kind="bin", parent=None))
        dock.register(paper(line(1, 20, seen="base"), name="ASN-2"))
        yield held
        assert dock.is_clean()


def asks(held: Held, days: int) -> None:
    paper = LifePaper(item="TEA", days=days)
    held.dock.ledger.as_app(lambda conn: put_lives(conn, NET, [paper]))


def dates(held: Held, lot: str, days: int) -> None:
    day = TODAY + timedelta(days=days)
    held.dock.ledger.as_app(lambda conn: put_lot(conn, NET, item="TEA", lot=lot, expires_on=day))


def receives(held: Held, receipt: str, lot: str, quantity: int = 3) -> None:
    of = {"type": "asn", "id": "ASN-2", "line": "1"}
    stated = {"line": "1", "of": of, "received": str(quantity), "unit_seen": "base", "lot": lot}
    delivery = DeliveryPaper.model_validate(
        {"site": SITE, "receipt": receipt, "location": "STAGE-1", "occurred_at": at(1), "lines": [stated]}
    )
    held.dock.ledger.as_app(lambda conn: receive(conn, KEEPER, delivery, now=at(250)))


def job(held: Held, minute: float) -> tuple[int, int]:
    """Run the job; say how many arrivals wait since they were dated, and how many loose ones."""
    with closing(LastingConnection(held.dock.ledger.app_dsn, "test-arrived")) as source:
        told = hold_scanned(source, JOB, at(minute))
    return told["dated"], told["loose"]


def complete(held: Held, minute: float) -> None:
    """Let every gateway have told everything until then."""
    held.complete(minute)
    held.dock.doors.send(move("1", "@supplier", "Z-09", item="05000000000005", minute=minute))


def waits(held: Held) -> list[tuple[str | None, str | None, int | None, str, int]]:
    rows = held.dock.ledger.as_app(lambda conn: judging.waiting(conn, KEEPER, site=SITE, limit=50))
    return [(row.receipt, row.reason, row.days_left, row.location, int(row.quantity)) for row in rows]


def lies(held: Held, place: str = "STAGE-1") -> dict[tuple[str | None, str | None], int]:
    return {name: quantity for name, quantity in held.stock(place).items() if quantity}


def test_what_a_paper_received_is_inspected_once_its_lot_is_dated_too_short(held: Held) -> None:
    asks(held, 30)
    receives(held, "R-1", "LATE")
    receives(held, "R-2", "GOOD", 4)
    assert (job(held, 210), lies(held)) == ((0, 0), {("LATE", None): 3, ("GOOD", None): 4})
    dates(held, "LATE", 30)
    dates(held, "GOOD", 31)
    assert [job(held, minute) for minute in (260, 270)] == [(1, 0), (0, 0)]
    assert lies(held) == {("LATE", "inspection"): 3, ("GOOD", None): 4}
    assert waits(held) == [("R-1~held", "short_life", 30, "STAGE-1", 3)]
    dates(held, "LATE", 20)
    assert job(held, 280) == (0, 0), "once"
    held.judges(3, "sellable", waits_as="inspection", reason="sound")
    assert (job(held, 290), waits(held)) == ((0, 0), [])
    asks(held, 60)
    dates(held, "GOOD", 40)
    assert job(held, 300) == (0, 0), "as it was asked when it came"


def test_it_is_followed_to_where_it_lies_and_what_had_left_is_told(held: Held) -> None:
    asks(held, 30)
    receives(held, "R-1", "LATE", 5)
    for quantity, to, minute in ((2, "Z-01", 2), (1, "@customer", 3)):
        source, there = Side(location="STAGE-1", lot="LATE"), Side(location=to, lot="LATE")
        held.dock.doors.send(move(str(quantity), source, there, item=EACH, minute=minute))
    dates(held, "LATE", 3)
    assert job(held, 260) == (1, 0)
    assert waits(held) == [
        ("R-1~held", "short_life", 3, "STAGE-1", 2),
        ("R-1~held", "short_life", 3, "Z-01", 2),
    ]
    (ticket,) = held.tickets("received_uninspected")
    assert ticket == (
        "R-1: 1 each of TEA that keep for too short a time had left before they could wait in inspection"
    )


def test_a_paper_line_taken_back_takes_its_inspection_along(held: Held) -> None:
    asks(held, 30)
    receives(held, "R-1", "LATE")
    dates(held, "LATE", 3)
    job(held, 260)
    held.judges(1, "sellable", waits_as="inspection", reason="sound")
    held.dock.ledger.as_app(
        lambda conn: reversing.reverse_line(conn, KEEPER, site=SITE, name="R-1", line="1", reason="wrong")
    )
    complete(held, 300)
    job(held, 310)
    assert (waits(held), lies(held)) == ([], {})


def test_pallets_of_a_visit_are_inspected_once_their_lot_is_dated_too_short(held: Held) -> None:
    asks(held, 30)
    held.dock.register(paper(line(1, 1, unit=PALLET, lot="LATE"), name="ASN-5"))
    held.dock.expect("V-1", "ASN-5")
    held.dock.crosses()
    held.dock.confirm()
    assert lies(held, PALLET) == {("LATE", None): 24}
    dates(held, "LATE", 3)
    assert job(held, 260) == (1, 0)
    assert lies(held, PALLET) == {("LATE", "inspection"): 24}
    assert waits(held) == [("V-1~held", "short_life", 3, "STAGE-1", 24)]


def loose(held: Held, *, cases: int = 3) -> None:
    """Let cases of 24 be announced loose for V-1."""
    held.dock.register(paper(line(1, cases), name="ASN-5", partner="ACME"))
    held.dock.expect("V-1", "ASN-5")


@pytest.mark.parametrize("is_confirmed_first", [True, False])
def test_loose_goods_through_a_door_are_inspected_as_the_rule_says(
    held: Held, *, is_confirmed_first: bool
) -> None:
    held.inspects(item="TEA")
    loose(held)
    if is_confirmed_first:
        held.dock.confirm(minute=31)
    for number in (1, 2):
        held.dock.case_crosses(number, minute=35 + number)
    if not is_confirmed_first:
        complete(held, 50)
        assert job(held, 55) == (0, 0), "nobody has received them"
        held.dock.confirm(minute=60)
    assert lies(held) == {(None, None): 48}
    complete(held, 100)
    assert [job(held, minute) for minute in (110, 120)] == [(0, 2), (0, 0)]
    assert lies(held) == {(None, "inspection"): 48}
    assert waits(held) == [("V-1~held", "inspection", None, "STAGE-1", 24)] * 2
    held.dock.case_crosses(3, minute=105)
    assert job(held, 125) == (0, 0), "other gateways may tell of more"
    complete(held, 130)
    assert job(held, 140) == (0, 1)
    held.dock.case_crosses(4, minute=132)
    complete(held, 150)
    assert job(held, 160) == (0, 0), "more than was received lacks in the account of the door"
    receipt, *_ = held.dock.ledger.as_app(lambda conn: reading.receipts(conn, KEEPER, site=SITE, limit=5))
    assert (receipt.partner, receipt.origin) == ("ACME", "supplier")


@pytest.mark.parametrize("crossing_says_the_lot", [True, False])
def test_loose_goods_are_inspected_once_their_lot_is_dated_too_short(
    held: Held, *, crossing_says_the_lot: bool
) -> None:
    asks(held, 30)
    held.dock.register(paper(line(1, 2, lot="LATE"), name="ASN-5", partner="ACME"))
    held.dock.expect("V-1", "ASN-5")
    held.dock.confirm(minute=31)
    lot = "LATE" if crossing_says_the_lot else None
    sides = [Side(location=place, lot=lot) for place in ("@clearing/V-1", "STAGE-1")]
    held.dock.doors.send(move("24", *sides, item=EACH, minute=36))
    complete(held, 100)
    assert (job(held, 110), lies(held)) == ((0, 0), {(lot, None): 24}), "nobody knows when it expires"
    dates(held, "LATE", 31)
    assert (job(held, 120), lies(held)) == ((0, 0), {(lot, None): 24}), "it keeps for long enough"
    dates(held, "LATE", 3)
    assert [job(held, minute) for minute in (130, 140)] == [(0, 1), (0, 0)]
    assert lies(held) == {(lot, "inspection"): 24}
    assert waits(held) == [("V-1~held", "short_life", 3, "STAGE-1", 24)]
    sides = [Side(location=place, lot=lot) for place in ("@clearing/V-1", "STAGE-1")]
    held.dock.doors.send(move("24", *sides, item=EACH, minute=105))
    complete(held, 150)
    assert job(held, 160) == (0, 1), "what comes of it later waits as before"


def test_loose_goods_that_no_rule_sends_to_inspection_are_sellable(held: Held) -> None:
    loose(held)
    held.dock.case_crosses(1, minute=5)
    held.dock.confirm(minute=60)
    complete(held, 100)
    assert (job(held, 110), lies(held)) == ((0, 0), {(None, None): 24})


def test_a_crossing_that_is_taken_back_takes_its_inspection_along(held: Held) -> None:
    held.inspects(item="TEA")
    loose(held)
    held.dock.case_crosses(1, minute=5)
    held.dock.confirm(minute=60)
    complete(held, 100)
    assert job(held, 110) == (0, 1)
    ((gateway, epoch, seq),) = held.dock.ledger.query(
        "SELECT g.name, lpad(to_hex(m.epoch), 16, '0'), m.seq FROM movement m"
        " JOIN gateway g USING (gateway_id) WHERE m.identifier = %s",
        EPC.removesuffix("17") + "1",
    )
    held.take_back(RowRef(gateway=gateway, epoch=epoch, seq=seq))
    job(held, 120)
    assert (waits(held), lies(held)) == ([], {})


def test_a_ticket_says_what_of_a_visit_had_left_in_all_and_why(held: Held) -> None:
    held.inspects(item="TEA")
    loose(held, cases=4)
    held.dock.confirm(minute=31)
    held.dock.case_crosses(1, minute=36)
    held.dock.doors.send(move("24", "STAGE-1", "@customer", item=EACH, minute=37))
    complete(held, 50)
    job(held, 55)
    ruled = (
        "V-1: {} each of TEA that a rule sends to inspection had left before they could wait in inspection"
    )
    assert held.tickets("received_uninspected") == [ruled.format(24)]
    held.dock.case_crosses(2, minute=105)
    held.dock.doors.send(move("10", "STAGE-1", "@customer", item=EACH, minute=106))
    complete(held, 130)
    job(held, 140)
    assert held.tickets("received_uninspected") == [ruled.format(34)]
    ((document,),) = held.dock.ledger.query(
        "SELECT detail ->> 'document' FROM ticket WHERE kind = 'received_uninspected'"
    )
    assert document == "V-1"


def test_goods_that_had_left_are_told_each_with_why_they_were_to_be_inspected(held: Held) -> None:
    held.inspects(item="TEA")
    asks(held, 30)
    dates(held, "LATE", 3)
    held.dock.register(paper(line(1, 1, lot="LATE"), line(2, 1), name="ASN-5", partner="ACME"))
    held.dock.expect("V-1", "ASN-5")
    held.dock.confirm(minute=31)
    account = "@clearing/V-1"
    for lot, minute in (("LATE", 36), (None, 37)):
        for source, there in ((account, "STAGE-1"), ("STAGE-1", "@customer")):
            sides = [Side(location=place, lot=lot) for place in (source, there)]
            held.dock.doors.send(move("24", *sides, item=EACH, minute=minute + (there == "@customer") / 2))
    complete(held, 50)
    job(held, 55)
    (ticket,) = held.tickets("received_uninspected")
    assert ticket == (
        "V-1: 24 each of TEA that a rule sends to inspection and 24 each of TEA that keep for too short a "
        "time had left before they could wait in inspection"
    )


def test_goods_of_a_visit_are_looked_at_while_nobody_confirms_or_ends_it(held: Held) -> None:
    held.inspects(item="TEA")
    loose(held)
    held.dock.confirm(minute=31)
    held.dock.case_crosses(1, minute=36)
    complete(held, 50)
    told = list[tuple[int, int]]()
    thread = threading.Thread(target=lambda: told.append(job(held, 55)))
    with psycopg.connect(held.dock.ledger.owner_dsn) as mine:
        mine.execute("SELECT FROM visit WHERE visit = 'V-1' FOR NO KEY UPDATE")  # rows that name it may come
        thread.start()
        last = monotonic() + PATIENCE_S
        waits = "SELECT FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'"
        while not held.dock.ledger.as_app(lambda conn: conn.execute(waits, ("test-arrived",)).fetchall()):
            assert thread.is_alive(), "it does not wait"
            assert monotonic() < last
            sleep(0.05)
    thread.join(PATIENCE_S)
    assert told == [(0, 1)]


def test_a_blind_scan_of_an_item_nobody_knew_is_inspected_once_it_is_known(held: Held) -> None:
    held.inspects(item="TEA")
    held.scan(1, 4, gtin=STRANGE, under="DN-1")
    complete(held, 5)
    assert (held.holds()["held"], lies(held)) == (0, {(None, None): 4})
    code = next(code for (code,) in held.dock.ledger.query("SELECT code FROM item") if STRANGE in code)
    held.dock.ledger.as_app(lambda conn: merge_items(conn, NETWORK, from_code=code, to_code="TEA"))
    assert [held.holds(minute)["held"] for minute in (210, 220)] == [1, 0]
    assert waits(held) == [("DN-1~held", "inspection", None, "STAGE-1", 4)]
    assert lies(held) == {(None, "inspection"): 4}
