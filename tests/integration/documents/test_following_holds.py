"""Goods that wait follow where handhelds carry them as sellable ones; on the real ledger."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from time import sleep

import pytest

from cloud.db import Connection
from cloud.documents.domain import DocumentError
from cloud.documents.judging import service as judging
from cloud.documents.receiving import reversing
from tests.integration.documents.dock import EACH, KEEPER, PALLET, open_dock
from tests.integration.documents.held_scans import Held
from tests.integration.ledger.scenario import SITE, Side, move

WAITS_FOR_A_LOCK = (
    "SELECT 1 FROM pg_locks k JOIN pg_database d ON d.oid = k.database"
    " WHERE NOT k.granted AND d.datname = current_database()"
)


@pytest.fixture
def held(database: object) -> Iterator[Held]:
    with open_dock(database) as dock:
        yield Held(dock)
        assert dock.is_clean()


def carry(held: Held, quantity: int, source: str | Side, to: str | Side, minute: float) -> None:
    held.dock.doors.send(move(str(quantity), source, to, item=EACH, minute=minute))


def places(held: Held) -> list[tuple[str, str | None, str, int]]:
    rows = held.dock.ledger.as_app(lambda conn: judging.waiting(conn, KEEPER, site=SITE, limit=50))
    return sorted((row.location, row.unit, row.waits_as, int(row.quantity)) for row in rows)


def test_what_sellable_goods_lack_was_taken_of_those_on_hold_which_follow_once(held: Held) -> None:
    held.scan(1, 13)
    held.complete(5)
    held.holds()
    carry(held, 9, "STAGE-1", "Z-01", 6)
    held.complete(7)
    held.holds(210)
    assert (held.stock(), held.stock("Z-01")) == ({(None, None): 1, (None, "hold"): 3}, {(None, None): 9}), (
        "sellable ones are there, and are taken first"
    )
    carry(held, 3, "STAGE-1", "Z-02", 8)
    held.holds(220)
    assert held.stock() == {(None, None): -2, (None, "hold"): 3}, "another gateway may tell of more"
    held.complete(9)
    held.holds(230)
    assert held.followed == 1
    assert held.stock() == {(None, "hold"): 1}
    assert held.stock("Z-02") == {(None, None): 1, (None, "hold"): 2}
    assert places(held) == [("STAGE-1", None, "hold", 1), ("Z-02", None, "hold", 2)]
    for minute in (240, 250):
        held.holds(minute)
        assert held.followed == 0
    with pytest.raises(DocumentError, match="at several places: expected location, one of STAGE-1, Z-02"):
        held.judges(1, "sellable")
    held.judges(2, "sellable", location="Z-02")
    held.judges(1, "damaged")
    assert (held.stock("Z-02"), held.stock()) == ({(None, None): 3}, {(None, "damaged"): 1})


def test_goods_in_inspection_follow_through_places_into_a_unit_and_are_judged_there(held: Held) -> None:
    held.inspects(item="TEA")
    held.scan(1, 8)
    held.complete(5)
    held.holds()
    carry(held, 8, "STAGE-1", "Z-01", 6)
    carry(held, 6, "Z-01", Side(unit=PALLET), 7)
    held.dock.stands(PALLET, "A-01", minute=8)
    held.complete(9)
    held.holds(210)
    assert (held.stock(), held.stock("Z-01"), held.stock(PALLET)) == (
        {},
        {(None, "inspection"): 2},
        {(None, "inspection"): 6},
    )
    assert places(held) == [("A-01", PALLET, "inspection", 6), ("Z-01", None, "inspection", 2)]
    held.judges(2, "sellable", waits_as="inspection", reason="sound", location="Z-01")
    held.judges(6, "sellable", waits_as="inspection", reason="sound")
    assert (held.stock("Z-01"), held.stock(PALLET)) == ({(None, None): 2}, {(None, None): 6})


def test_goods_put_away_before_anybody_knew_are_inspected_where_they_lie(held: Held) -> None:
    held.inspects(item="TEA")
    held.scan(1, 8)
    carry(held, 5, "STAGE-1", "Z-01", 2)
    carry(held, 1, "Z-01", "@customer", 3)
    held.complete(5)
    held.holds()
    assert (held.stock(), held.stock("Z-01")) == ({(None, "inspection"): 3}, {(None, "inspection"): 4})
    assert places(held) == [("STAGE-1", None, "inspection", 3), ("Z-01", None, "inspection", 4)]
    (ticket,) = held.tickets("received_uninspected")
    assert ticket.startswith("ASN-1: 1 each of TEA")
    held.holds(210)
    assert (held.followed, held.stock("Z-01")) == (0, {(None, "inspection"): 4})


def test_what_left_although_it_waited_waits_no_longer_and_is_told(held: Held) -> None:
    held.scan(1, 13)
    held.complete(5)
    held.holds()
    carry(held, 12, "STAGE-1", "@customer", 6)
    held.complete(7)
    held.holds(210)
    assert held.stock() == {(None, "hold"): 1}
    (ticket,) = held.tickets("held_goods_left")
    assert ticket == (
        "2 each of TEA that were on hold at STAGE-1 were taken as sellable and left, "
        "or are in another condition by now: ASN-1~held"
    )
    held.holds(220)
    assert (held.followed, places(held)) == (0, [("STAGE-1", None, "hold", 1)])
    carry(held, 1, "STAGE-1", "@customer", 8)
    held.complete(9)
    held.holds(230)
    assert sorted(each[0] for each in held.tickets("held_goods_left")) == ["1", "2"], "none is forgotten"


def test_what_a_handheld_puts_aside_in_exactly_the_number_that_waits_is_what_waits(held: Held) -> None:
    held.scan(1, 13)
    held.complete(5)
    held.holds()
    carry(held, 3, "STAGE-1", "QA-01", 6)
    carry(held, 10, "STAGE-1", "A-01", 6.5)
    held.complete(7)
    held.holds(210)
    assert (held.stock(), held.stock("QA-01"), held.stock("A-01")) == (
        {},
        {(None, "hold"): 3},
        {(None, None): 10},
    )


def test_a_paper_that_puts_goods_on_hold_after_they_were_put_away_finds_them(held: Held) -> None:
    held.scan(1, 10)
    carry(held, 12, "STAGE-1", "Z-01", 2)
    held.holds(240)
    held.receives("R-1", 2)
    assert held.stock() == {(None, None): -2, (None, "hold"): 2}
    held.complete(300)
    held.holds(310)
    assert (held.stock(), held.stock("Z-01")) == ({}, {(None, None): 10, (None, "hold"): 2})


def test_two_workers_let_follow_once_and_a_line_taken_back_takes_it_along(held: Held) -> None:
    scan = held.scan(1, 13)
    held.complete(5)
    held.holds()
    carry(held, 13, "STAGE-1", "Z-01", 6)
    held.complete(7)
    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(held.holds, 210) for _ in range(8)]:
            each.result()
    assert (held.stock(), held.stock("Z-01")) == ({}, {(None, None): 10, (None, "hold"): 3})
    ((receipt, line, _),) = held.waiting()
    held.dock.ledger.as_app(
        lambda conn: reversing.reverse_line(
            conn, KEEPER, site=SITE, name=receipt, line=line, reason="wrong_document"
        )
    )
    assert (held.stock(), held.stock("Z-01")) == ({}, {(None, None): 13})
    held.take_back(scan)
    held.holds(220)
    assert (held.stock(), held.stock("Z-01")) == ({(None, None): -13}, {(None, None): 13})


def test_a_carry_that_is_taken_back_lets_what_waits_follow_back(held: Held) -> None:
    held.scan(1, 13)
    held.complete(5)
    held.holds()
    carried = held.dock.doors.send(move("13", "STAGE-1", "Z-01", item=EACH, minute=6))[-1]
    held.complete(7)
    held.holds(210)
    assert held.stock("Z-01") == {(None, None): 10, (None, "hold"): 3}
    held.take_back(carried)
    held.holds(310)
    assert (held.stock(), held.stock("Z-01")) == ({(None, None): 10, (None, "hold"): 3}, {})
    assert places(held) == [("STAGE-1", None, "hold", 3)]
    held.holds(320)
    assert held.followed == 0


def test_goods_that_are_judged_while_the_job_looks_at_them_follow_no_more(held: Held) -> None:
    held.scan(1, 13)
    held.complete(5)
    held.holds()
    carry(held, 13, "STAGE-1", "Z-01", 6)
    held.complete(7)
    with ThreadPoolExecutor(1) as pool:

        def judged(conn: Connection) -> Future[object]:
            held.judges(3, "damaged", within=conn)
            job = pool.submit(held.holds, 210)
            while not held.dock.ledger.query(WAITS_FOR_A_LOCK):
                assert not job.done(), job.result()
                sleep(0.02)
            return job

        held.dock.ledger.as_app(judged).result()
    assert held.followed == 0
    assert (held.stock(), held.stock("Z-01")) == (
        {(None, None): -3, (None, "damaged"): 3},
        {(None, None): 13},
    )
