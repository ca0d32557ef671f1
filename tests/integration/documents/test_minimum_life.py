"""What expires sooner than its item asks waits in inspection, however it came; on the real ledger."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from cloud.allocation.terms import put_lot
from cloud.documents.judging import service as judging
from cloud.documents.receiving import reading
from cloud.documents.receiving.papers import DeliveryPaper, ReceiptLineRow
from cloud.documents.receiving.service import receive
from cloud.master.life import LifePaper, put_lives
from cloud.master.store import add_location
from tests.integration.documents.dock import KEEPER, PALLET, SECOND, line, open_dock, paper
from tests.integration.documents.held_scans import Held
from tests.integration.ledger.scenario import SITE, at
from tests.integration.lots.floor import NET

TODAY = date(2026, 3, 2)
"""The day of all receipts at the site."""


@pytest.fixture
def held(database: object) -> Iterator[Held]:
    """ASN-2 is of twenty pieces of tea, which must keep for 30 days after it came."""
    with open_dock(database) as dock:
        held = Held(dock)
        dock.ledger.as_owner(lambda conn: add_location(conn, SITE, "STAGE-1", kind="bin", parent=None))
        dock.register(paper(line(1, 20, seen="base"), name="ASN-2"))
        asks(held, 30)
        for lot, days in (("OLD", 30), ("NEW", 31), ("GONE", 0)):
            dates(held, lot, days)
        yield held
        assert dock.is_clean()


def asks(held: Held, days: int | None) -> None:
    paper = LifePaper(item="TEA", days=days)
    held.dock.ledger.as_app(lambda conn: put_lives(conn, NET, [paper]))


def dates(held: Held, lot: str, days: int) -> None:
    day = TODAY + timedelta(days=days)
    held.dock.ledger.as_app(lambda conn: put_lot(conn, NET, item="TEA", lot=lot, expires_on=day))


def received(held: Held, receipt: str, **more: str) -> ReceiptLineRow:
    """Receive three on paper, and read the line."""
    of = {"type": "asn", "id": "ASN-2", "line": "1"}
    stated = {"line": "1", "of": of, "received": "3", "unit_seen": "base"} | more
    delivery = DeliveryPaper.model_validate(
        {"site": SITE, "receipt": receipt, "location": "STAGE-1", "occurred_at": at(1), "lines": [stated]}
    )
    run = held.dock.ledger.as_app
    run(lambda conn: receive(conn, KEEPER, delivery, now=at(250)))
    (line,) = run(lambda conn: reading.receipt(conn, KEEPER, site=SITE, name=receipt)).lines
    return line


def waits(held: Held) -> list[tuple[str, str, str | None, int]]:
    rows = held.dock.ledger.as_app(lambda conn: judging.waiting(conn, KEEPER, site=SITE, limit=50))
    return [(row.receipt, row.waits_as, row.lot, int(row.quantity)) for row in rows]


def test_what_expires_too_soon_is_told_at_its_line_and_waits_in_inspection(held: Held) -> None:
    short = received(held, "R-1", lot="OLD")
    assert (short.condition, short.days_left, short.waiting) == ("inspection", 30, 3)
    gone = received(held, "R-2", lot="GONE")
    assert (gone.condition, gone.days_left, gone.waiting) == ("inspection", 0, 3)
    for receipt, lot in (("R-3", "NEW"), ("R-4", "UNDATED")):
        sound = received(held, receipt, lot=lot)
        assert (sound.condition, sound.days_left, sound.waiting) == ("sellable", None, 0)
    assert held.stock() == {
        ("OLD", "inspection"): 3,
        ("GONE", "inspection"): 3,
        ("NEW", None): 3,
        ("UNDATED", None): 3,
    }
    why = held.dock.ledger.query("SELECT DISTINCT reason FROM movement WHERE reason IS NOT NULL ORDER BY 1")
    assert why == [("short_life",)]
    asks(held, None)
    assert received(held, "R-5", lot="OLD").days_left is None, "nobody asks any more"


def test_the_rejected_is_not_taken_in_and_what_a_customer_sends_back_is_graded(held: Held) -> None:
    refused = received(held, "R-1", lot="OLD", received="0", rejected="3", reason="expired")
    assert (refused.rejected, refused.days_left, refused.waiting) == (3, None, 0)
    back = {"line": "1", "identifier": {"scheme": "sku", "value": "TEA"}, "received": "2", "lot": "OLD"}
    told = {"site": SITE, "receipt": "R-2", "location": "STAGE-1", "origin": "customer", "lines": [back]}
    delivery = DeliveryPaper.model_validate(told)
    run = held.dock.ledger.as_app
    run(lambda conn: receive(conn, KEEPER, delivery, now=at(250)))
    (graded,) = run(lambda conn: reading.receipt(conn, KEEPER, site=SITE, name="R-2")).lines
    assert (graded.days_left, held.stock()) == (None, {("OLD", "returned"): 2})


def test_what_handhelds_receive_of_it_waits_in_inspection_once_also_when_its_date_comes_later(
    held: Held,
) -> None:
    for minute, lot in enumerate(("OLD", "NEW", "LATE"), 1):
        held.scan(minute, 3, lot, under="ASN-2")
    held.complete(5)
    assert held.holds()["held"] == 1
    assert held.stock() == {("OLD", "inspection"): 3, ("NEW", None): 3, ("LATE", None): 3}
    dates(held, "LATE", 12)
    assert [held.holds(minute)["held"] for minute in (210, 220)] == [1, 0]
    assert waits(held) == [
        ("ASN-2~held", "inspection", "OLD", 3),
        ("ASN-2~held-2", "inspection", "LATE", 3),
    ]
    run = held.dock.ledger.as_app
    (kept,) = run(lambda conn: reading.receipt(conn, KEEPER, site=SITE, name="ASN-2~held-2")).lines
    assert (kept.condition, kept.days_left) == ("inspection", 12)
    rows = run(lambda conn: judging.waiting(conn, KEEPER, site=SITE, limit=50))
    assert [(row.reason, row.days_left) for row in rows] == [("short_life", 30), ("short_life", 12)]
    why = held.dock.ledger.query("SELECT DISTINCT reason FROM movement WHERE reason IS NOT NULL")
    assert why == [("short_life",)]
    asks(held, 400)
    dates(held, "NEW", 32)
    assert held.holds(230)["held"] == 0, "as it was asked when it became known"


def test_without_papers_it_waits_too(held: Held) -> None:
    held.scan(1, 2, "OLD", under="DN-1")
    held.complete(5)
    held.holds()
    assert held.stock() == {("OLD", "inspection"): 2}


def test_pallets_through_a_door_wait_in_inspection_when_what_is_declared_on_them_expires_too_soon(
    held: Held,
) -> None:
    dock = held.dock
    dock.register(paper(line(1, 1, unit=PALLET, lot="OLD"), line(2, 1, unit=SECOND, lot="NEW"), name="ASN-5"))
    dock.expect("V-1", "ASN-5")
    dock.crosses()
    dock.crosses(SECOND)
    dock.confirm()
    assert held.stock(PALLET) == {("OLD", "inspection"): 24}
    assert held.stock(SECOND) == {("NEW", None): 24}
    run = dock.ledger.as_app
    (kept,) = run(lambda conn: reading.receipt(conn, KEEPER, site=SITE, name="V-1~received")).lines
    assert (kept.unit, kept.days_left) == (PALLET, 30)
