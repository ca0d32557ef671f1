"""What handhelds receive beyond what is tolerated, or off the paper, is held once; on the real ledger."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from psycopg.errors import SerializationFailure

from cloud.allocation import reading as allocation
from cloud.allocation.claiming import Wish
from cloud.allocation.domain import ClaimKind
from cloud.allocation.following import JOB as PICKS
from cloud.allocation.service import allocate
from cloud.allocation.upkeep import keep_up
from cloud.db import LastingConnection
from cloud.db.apart import PartsFailedError
from cloud.documents.judging import service as judging
from cloud.documents.receiving import reading, reversing
from cloud.documents.receiving.holding import hold_scanned
from cloud.documents.short_lines import ClosePaper, close_short
from cloud.identity.actor import NotAllowedError
from cloud.ledger.corrections import merge_items
from cloud.lots import stating
from cloud.lots.resolver import RESOLVER, resolve
from contracts.records import Movement, RowRef
from tests.integration.documents.dock import (
    EACH,
    KEEPER,
    NETWORK,
    PALLET,
    SECOND,
    line,
    open_dock,
    paper,
)
from tests.integration.documents.held_scans import PLANNER, STRANGE, Held
from tests.integration.documents.test_scanned_receipts import scans
from tests.integration.ledger.scenario import SITE, Outbox, at, move


@pytest.fixture
def held(database: object) -> Iterator[Held]:
    with open_dock(database) as dock:
        yield Held(dock)
        assert dock.is_clean()


def test_what_came_beyond_is_on_hold_once_and_not_before_every_gateway_has_told(held: Held) -> None:
    held.scan(1, 9)
    held.scan(2, 4)
    assert held.holds() == {"looked": 0, "held": 0, "taken_back": 0}, (
        "another gateway may still tell of goods"
    )
    assert held.told() == [(0, 0, 0), (0, 0, 0), (3, 0, 0)]
    held.complete(1.5)
    assert held.holds()["held"] == 0, "complete before the second scan only"
    held.complete(5)
    assert held.holds() == {"looked": 1, "held": 1, "taken_back": 0}
    assert held.stock() == {(None, None): 10, (None, "hold"): 3}
    assert held.told() == [(0, 0, 0), (0, 0, 0), (3, 3, 0)]
    assert held.waiting() == [("ASN-1~held", "1", 3)]
    (ticket,) = held.tickets()
    assert ticket.startswith(
        "ASN-1: handhelds received more TEA than is tolerated or announced; 3 each are on hold"
    )
    for _ in range(3):
        assert held.holds()["held"] == 0
    assert held.stock() == {(None, None): 10, (None, "hold"): 3}
    ((documents, reason, quantity),) = held.dock.ledger.query(
        "SELECT m.detail -> 'documents', m.reason, m.quantity FROM movement m"
        " WHERE m.detail ->> 'actor' = 'job:receipts'"
    )
    assert (reason, quantity) == ("over", 3)
    assert [(each["type"], each["id"], each.get("line")) for each in documents] == [
        ("asn", "ASN-1", "1"),
        ("receipt", "ASN-1~held", "1"),
        ("scan", "gw-1/00000000000000aa/2", None),
    ]
    story = held.dock.ledger.as_app(lambda conn: reading.receipt(conn, KEEPER, site=SITE, name="ASN-1~held"))
    (kept,) = story.lines
    assert (kept.of_type, kept.of_id, kept.of_line, kept.held, kept.over) == ("asn", "ASN-1", "1", 3, 3)
    found = held.dock.ledger.as_app(lambda conn: reading.receipts(conn, KEEPER, of=("asn", "ASN-1"), limit=5))
    assert [each.id for each in found] == ["ASN-1~held"]


def test_an_item_that_no_line_names_is_held_whole_and_one_under_no_paper_is_not(held: Held) -> None:
    held.scan(1, 5, gtin=STRANGE)
    held.scan(2, 5, gtin="05099999999995", under="ASN-9")
    held.complete(5)
    assert held.holds()["held"] == 1
    assert held.stock() == {(None, "hold"): 5, (None, None): 5}
    assert held.told() == [(5, 5, 0)]


def test_without_a_rule_whatever_comes_is_taken_in_and_a_rule_holds_from_when_it_is_set(
    database: object,
) -> None:
    with open_dock(database) as dock:
        dock.register(paper(line(1, 10, seen="base")))
        held = object.__new__(Held)
        held.dock, held.others = dock, Outbox("gw-2")
        held.scan(1, 13)
        held.tolerates(0)
        held.complete(2)
        assert held.holds()["held"] == 0, "it was known before the rule"
        held.scan(3, 1)
        held.complete(5)
        assert held.holds()["held"] == 1
        assert held.stock() == {(None, None): 13, (None, "hold"): 1}


def test_what_was_known_before_an_upgrade_is_only_told(held: Held) -> None:
    held.scan(1, 13)
    held.dock.ledger.query("UPDATE scanned_head SET since = clock_timestamp() RETURNING 1")
    held.scan(2, 1)
    held.complete(5)
    assert held.holds()["held"] == 1
    assert held.stock() == {(None, None): 13, (None, "hold"): 1}
    assert held.told() == [(0, 0, 0), (3, 0, 0), (1, 1, 0)]


def test_two_workers_hold_it_once(held: Held) -> None:
    for minute in range(1, 9):
        held.scan(minute, 4)
    held.complete(20)
    with ThreadPoolExecutor(4) as pool:
        told = [each.result() for each in [pool.submit(held.holds) for _ in range(8)]]
    assert held.stock() == {(None, None): 10, (None, "hold"): 22}
    assert sum(each["held"] for each in told) == 6
    assert [quantity for *_, quantity in held.waiting()] == [2, 4, 4, 4, 4, 4]


def test_a_late_scan_makes_others_the_ones_too_many_and_as_much_is_held_as_came_beyond(held: Held) -> None:
    held.scan(2, 9)
    held.scan(4, 3)
    held.complete(10)
    held.holds()
    assert held.stock() == {(None, None): 10, (None, "hold"): 2}
    late = held.scan(1, 4, outbox=held.others)
    held.holds(210)
    assert held.stock() == {(None, None): 10, (None, "hold"): 6}, "six came beyond, whichever they are"
    assert [each[0] for each in held.told()] == [0, 0, 3, 3]
    held.take_back(late)
    held.holds(220)
    assert held.stock() == {(None, None): 6, (None, "hold"): 6}, "nothing is freed by itself"
    assert "4 each of them are expected by what is known now" in held.tickets()[0]
    held.scan(5, 2)
    held.complete(11)
    assert held.holds(230)["looked"] == 1
    assert held.stock() == {(None, None): 8, (None, "hold"): 6}, "what is held already counts"


def test_the_same_batch_twice_and_a_scan_taken_back_and_made_again_hold_as_much_as_came_beyond(
    held: Held,
) -> None:
    doors = held.dock.doors
    batch = doors.outbox.seal([each for each in scans(1, 10, gtin=EACH) if isinstance(each, Movement)])
    held.dock.ledger.post(batch)
    with pytest.raises(SerializationFailure):
        held.dock.ledger.post(batch)
    first = RowRef(gateway="gw-1", epoch=doors.outbox.epoch, seq=1)
    second = held.scan(2, 3)
    held.complete(5)
    held.holds()
    assert held.stock() == {(None, None): 10, (None, "hold"): 3}
    held.take_back(second)
    assert held.holds(210) == {"looked": 1, "held": 0, "taken_back": 1}
    assert held.stock() == {(None, None): 10}
    assert (held.waiting(), held.tickets()) == ([], [])
    held.scan(6, 3)
    held.complete(10)
    held.holds(220)
    assert held.stock() == {(None, None): 10, (None, "hold"): 3}
    held.take_back(first)
    held.holds(230)
    assert held.stock() == {(None, "hold"): 3}, "a person lets it go"


def test_a_scan_that_is_taken_back_takes_what_was_judged_of_its_hold_along(held: Held) -> None:
    held.scan(1, 10)
    second = held.scan(2, 3)
    held.complete(5)
    held.holds()
    held.judges(2, "sellable", put_at="Z-09")
    held.judges(1, "damaged")
    held.take_back(second)
    assert held.holds(310)["taken_back"] == 1
    assert held.stock() == {(None, None): 10}
    assert held.stock("Z-09") == {(None, None): 1}, "the other gateway's piece"
    assert held.holds(320)["taken_back"] == 0


def test_what_no_longer_lies_there_is_told_and_nothing_goes_below_zero(held: Held) -> None:
    held.scan(1, 13)
    held.dock.doors.send(
        move("9", "STAGE-1", "Z-01", item=EACH, minute=2),
        move("2", "STAGE-1", "@customer", item=EACH, minute=3),
    )
    held.complete(5)
    held.holds()
    assert held.stock() == {(None, "hold"): 2}
    assert held.stock("Z-01") == {(None, None): 9}
    assert held.told()[-1] == (3, 2, 1)
    assert "1 each no longer lay where they were scanned: they are not on hold" in held.tickets()[0]
    held.dock.doors.send(move("9", "Z-01", "STAGE-1", item=EACH, minute=6))
    held.scan(7, 1)
    held.complete(10)
    held.holds(210)
    assert held.stock() == {(None, None): 9, (None, "hold"): 3}, "what was missed is not tried again"
    assert held.told()[-1] == (1, 1, 0)


def test_goods_in_a_unit_are_held_in_it_unless_it_has_left(held: Held) -> None:
    dock = held.dock
    held.scan(1, 12, into=PALLET)
    held.scan(2, 5, into=SECOND)
    dock.stands(PALLET, "A-01", minute=3)
    dock.stands(SECOND, "@customer", minute=3)
    held.complete(5)
    held.holds()
    assert held.stock(PALLET) == {(None, None): 10, (None, "hold"): 2}
    assert held.stock(SECOND) == {(None, None): 5}
    assert held.told() == [(0, 0, 0), (2, 2, 0), (5, 0, 5)]
    (row,) = dock.ledger.as_app(lambda conn: judging.waiting(conn, KEEPER, site=SITE, limit=5))
    assert (row.unit, row.location) == (PALLET, "A-01")
    held.judges(2, "sellable")
    assert held.stock(PALLET) == {(None, None): 12}


def test_lots_are_held_as_they_were_scanned_or_as_the_resolver_named_them(held: Held) -> None:
    dock = held.dock
    dock.ledger.as_app(
        lambda conn: stating.set_policy(conn, NETWORK, item="TEA", is_lot_controlled=True, rule=None)
    )
    dock.register(paper(line(1, 10, seen="base", lot="L2"), name="ASN-2"))
    held.scan(1, 13, "L1")
    held.scan(2, 12, under="ASN-2")
    held.complete(5)
    with closing(LastingConnection(dock.ledger.app_dsn, "test-resolver")) as source:
        resolve(source, RESOLVER, at(100))
        held.holds()
        assert held.stock() == {
            ("L1", None): 10,
            ("L1", "hold"): 3,
            ("unspecified", None): 10,
            ("unspecified", "hold"): 2,
        }
        resolve(source, RESOLVER, at(210))
    assert held.stock() == {
        ("L1", None): 10,
        ("L1", "hold"): 3,
        ("unspecified", None): 10,
        ("unspecified", "hold"): 2,
    }


def test_what_is_on_hold_is_not_claimed_until_a_person_releases_it(held: Held) -> None:
    dock, run = held.dock, held.dock.ledger.as_app
    order = paper(line(1, 13, seen="base"), name="SO-1", kind="outbound_order")
    dock.register(order)
    held.scan(1, 13)
    wish = Wish(SITE, ("outbound_order/SO-1",))
    run(lambda conn: allocate(conn, PLANNER, wish, kind=ClaimKind.HARD, now=at(20)))

    def claimed() -> int:
        rows = run(lambda conn: allocation.claims(conn, PLANNER, site=SITE, limit=50))
        return sum(int(row.quantity) for row in rows)

    assert claimed() == 13
    held.complete(5)
    held.holds()
    with closing(LastingConnection(dock.ledger.app_dsn, "test-upkeep")) as source:
        keep_up(source, PICKS, at(30))
        assert claimed() <= 10
        held.judges(3, "sellable")
        assert held.holds(310)["held"] == 0, "what a person released stays released"
        assert held.tickets() == []
        run(lambda conn: allocate(conn, PLANNER, wish, kind=ClaimKind.HARD, now=at(320)))
        assert claimed() == 13


def test_papers_and_scans_of_a_line_hold_together_what_came_beyond(held: Held) -> None:
    held.scan(1, 8)
    held.complete(2)
    assert held.holds()["held"] == 0
    held.receives("R-1", 5)
    assert held.stock() == {(None, None): 10, (None, "hold"): 3}, "the paper's receipt is over"
    assert held.holds(260)["held"] == 0
    held.scan(3, 2)
    held.complete(5)
    held.holds(270)
    assert held.stock() == {(None, None): 10, (None, "hold"): 5}


def test_a_line_that_ends_makes_nothing_too_much_that_came_before_and_all_that_comes_after(
    held: Held,
) -> None:
    held.scan(1, 8)
    held.complete(2)
    run = held.dock.ledger.as_app
    ended = ClosePaper.model_validate(
        {"site": SITE, "type": "asn", "id": "ASN-1", "reason": "supplier_cannot"}
    )
    run(lambda conn: close_short(conn, KEEPER, ended))
    assert held.holds()["held"] == 0
    assert held.told() == [(0, 0, 0)]
    allow = "ALTER TABLE document_line_end DISABLE TRIGGER append_only"
    backdate = "UPDATE document_line_end SET ended_at = %s RETURNING 1"
    held.dock.ledger.as_owner(lambda conn: conn.execute(allow))
    held.dock.ledger.query(backdate, at(3))
    held.scan(4, 1)
    held.complete(5)
    held.holds(210)
    assert held.stock() == {(None, None): 8, (None, "hold"): 1}


def test_a_paper_that_comes_later_frees_nothing_and_says_what_is_expected_by_now(held: Held) -> None:
    held.scan(1, 5, gtin=STRANGE, under="ASN-3")
    held.scan(2, 6, under="ASN-3")
    held.complete(5)
    assert held.holds()["held"] == 0
    held.dock.register(paper(line(1, 4, seen="base"), name="ASN-3"))
    held.holds(210)
    assert held.stock() == {(None, None): 4, (None, "hold"): 7}, (
        "it says what was expected of what was scanned"
    )
    took = [named for named in held.waiting() if named[2] == 2]
    receipt, named, _ = took[0]
    run = held.dock.ledger.as_app
    run(
        lambda conn: reversing.reverse_line(
            conn, KEEPER, site=SITE, name=receipt, line=named, reason="wrong_document"
        )
    )
    assert held.holds(220)["held"] == 0, "whoever takes a hold back has decided it"
    assert held.stock() == {(None, None): 6, (None, "hold"): 5}


def test_one_number_that_fails_is_no_others_failure_and_only_a_job_may(held: Held) -> None:
    held.dock.register(paper(line(1, 1, seen="base"), name="ASN-2"))
    held.scan(1, 12)
    held.scan(2, 2, under="ASN-2")
    held.complete(5)
    with (
        closing(LastingConnection(held.dock.ledger.app_dsn, "test-holds")) as source,
        pytest.raises(NotAllowedError),
    ):
        hold_scanned(source, KEEPER, at(200))
    refuse = (
        "CREATE FUNCTION refuse_one() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'not %', new.id; END $$;"
        "CREATE TRIGGER refuse_one BEFORE INSERT ON scanned_hold FOR EACH ROW WHEN (new.id = 'ASN-1')"
        " EXECUTE FUNCTION refuse_one()"
    )
    held.dock.ledger.as_owner(lambda conn: conn.execute(refuse))
    with pytest.raises(PartsFailedError, match=r"^leeds/ASN-1: .*not ASN-1"):
        held.holds()
    assert held.stock() == {(None, None): 13, (None, "hold"): 1}
    held.dock.ledger.as_owner(lambda conn: conn.execute("DROP TRIGGER refuse_one ON scanned_hold"))
    held.holds(210)
    assert held.stock() == {(None, None): 11, (None, "hold"): 3}


def test_items_that_are_merged_are_looked_at_again_and_nothing_is_freed_by_itself(held: Held) -> None:
    held.scan(1, 7)
    held.scan(2, 5, gtin=STRANGE)
    held.complete(5)
    held.holds()
    assert held.stock() == {(None, None): 7, (None, "hold"): 5}
    run = held.dock.ledger.as_app
    ((code,),) = held.dock.ledger.query(
        "SELECT i.code FROM item i JOIN identifier n USING (item_id) WHERE n.value = %s", STRANGE
    )
    run(lambda conn: merge_items(conn, NETWORK, from_code=code, to_code="TEA"))
    assert held.holds(210) == {"looked": 1, "held": 0, "taken_back": 0}
    assert held.stock() == {(None, None): 7, (None, "hold"): 5}
    (ticket,) = held.tickets()
    assert "more TEA" in ticket
    assert "3 each of them are expected by what is known now" in ticket
    run(lambda conn: merge_items(conn, NETWORK, from_code=code, to_code=code))
    assert held.holds(220)["looked"] == 1
    assert (held.tickets(), held.waiting()) == ([], [("ASN-1~held", "1", 5)]), "it waits for a person still"


def test_an_open_ticket_goes_on_as_one_of_what_its_item_reads_as(held: Held) -> None:
    held.scan(1, 13)
    held.complete(5)
    held.holds()
    run = held.dock.ledger.as_app
    held.dock.ledger.as_owner(
        lambda conn: conn.execute("INSERT INTO item (code, base_unit) VALUES ('CHAI', 'each')")
    )
    for minute, reads_as in ((210, "CHAI"), (220, "TEA")):
        run(lambda conn, code=reads_as: merge_items(conn, NETWORK, from_code="TEA", to_code=code))
        held.holds(minute)
        (ticket,) = held.tickets()
        assert ticket.startswith(f"ASN-1: handhelds received more {reads_as} than")
