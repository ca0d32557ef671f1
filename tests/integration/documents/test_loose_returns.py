"""What customers send back loose through a door is never anybody's to take before it is graded."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from cloud.documents.judging import service as judging
from cloud.documents.lines import open_lines
from cloud.master.store import add_location
from contracts.records import Side
from tests.integration.documents.dock import EACH, KEEPER, line, open_dock, paper
from tests.integration.documents.held_scans import Held
from tests.integration.documents.test_arrived import complete, job, lies
from tests.integration.ledger.scenario import SITE, move


@pytest.fixture
def held(database: object) -> Iterator[Held]:
    """Shop sends three cases of tea back."""
    with open_dock(database) as dock:
        held = Held(dock)
        dock.ledger.as_owner(lambda conn: add_location(conn, SITE, "STAGE-1", kind="bin", parent=None))
        dock.register(paper(line(1, 3), name="RET-1", kind="customer_return", partner="Shop"))
        yield held
        assert dock.is_clean()


def expects(held: Held, *papers: tuple[str, str]) -> None:
    documents = [{"type": kind, "id": name} for kind, name in (*papers, ("customer_return", "RET-1"))]
    held.dock.expect("V-1", documents=documents)


def waits(held: Held) -> list[tuple[str | None, str | None, str, int]]:
    rows = held.dock.ledger.as_app(
        lambda conn: judging.waiting(conn, KEEPER, site=SITE, waits_as="returned", limit=50)
    )
    return [(row.receipt, row.partner, row.location, int(row.quantity)) for row in rows]


def still_open(held: Held) -> dict[str, Decimal]:
    lines = held.dock.ledger.as_app(lambda conn: open_lines(conn, sites=None, kind="customer_return"))
    return {line.id: line.open_quantity for line in lines}


def test_it_waits_as_soon_as_it_crossed_is_received_as_it_crossed_and_graded(held: Held) -> None:
    expects(held)
    held.dock.case_crosses(1, minute=5)
    held.dock.case_crosses(2, minute=6)
    assert [job(held, minute) for minute in (40, 41)] == [(0, 2), (0, 0)], "no watermark has passed it"
    assert lies(held) == {(None, "returned"): 48}
    assert waits(held) == [("V-1~held", "Shop", "STAGE-1", 24)] * 2
    told = held.dock.confirm(minute=60)
    assert [(each.type, each.quantity) for each in told.lines] == [("customer_return", 48)]
    assert (still_open(held), held.dock.remains()) == ({"RET-1": 24}, [])
    held.dock.case_crosses(3, minute=62)
    held.dock.case_crosses(4, minute=63)
    assert job(held, 65) == (0, 2)
    held.dock.confirm(minute=70)
    assert (still_open(held), held.dock.remains()) == ({}, [("loose", "TEA", Decimal(-24))])
    assert lies(held) == {(None, "returned"): 96}, "what is over is no more sellable"
    complete(held, 100)
    assert (job(held, 110), len(waits(held))) == ((0, 0), 4), "once"
    held.judges(10, "sellable", waits_as="returned", reason="sound")
    assert lies(held) == {(None, "returned"): 86, (None, None): 10}
    assert held.dock.close(TEA="over").state == "closed"


def test_what_another_paper_of_the_vehicle_names_too_waits_as_far_as_it_was_received_of_the_return(
    held: Held,
) -> None:
    held.dock.register(paper(line(1, 1), name="ASN-5", partner="ACME"))
    expects(held, ("asn", "ASN-5"))
    held.dock.case_crosses(1, minute=5)
    held.dock.case_crosses(2, minute=6)
    assert (job(held, 40), lies(held)) == ((0, 0), {(None, None): 48}), "nobody knows which is which"
    told = held.dock.confirm(minute=60)
    assert [(each.type, each.quantity) for each in told.lines] == [("asn", 1), ("customer_return", 24)]
    assert job(held, 65) == (0, 1)
    assert lies(held) == {(None, None): 24, (None, "returned"): 24}
    assert waits(held) == [("V-1~held", "Shop", "STAGE-1", 24)]


def test_what_a_rule_inspects_beside_a_return_waits_for_its_watermark(held: Held) -> None:
    held.inspects(item="TEA")
    held.dock.register(paper(line(1, 1), name="ASN-5", partner="ACME"))
    expects(held, ("asn", "ASN-5"))
    held.dock.case_crosses(1, minute=5)
    held.dock.case_crosses(2, minute=6)
    held.dock.confirm(minute=60)
    assert job(held, 65) == (0, 1)
    assert lies(held) == {(None, None): 24, (None, "returned"): 24}
    complete(held, 100)
    assert job(held, 110) == (0, 1)
    assert lies(held) == {(None, "inspection"): 24, (None, "returned"): 24}


def test_what_had_left_is_told(held: Held) -> None:
    expects(held)
    held.dock.case_crosses(1, minute=5)
    held.dock.doors.send(move("10", "STAGE-1", "@customer", item=EACH, minute=7))
    assert (job(held, 40), lies(held)) == ((0, 1), {(None, "returned"): 14})
    (ticket,) = held.tickets("received_uninspected")
    assert ticket == (
        "V-1: 10 each of TEA that customers sent back had left before they could wait on Returns"
    )


def test_what_is_told_late_lets_it_follow_to_where_it_was_carried(held: Held) -> None:
    expects(held)
    held.dock.case_crosses(1, minute=5)
    assert job(held, 40) == (0, 1)
    source, there = Side(location="STAGE-1"), Side(location="Z-01")
    held.dock.doors.send(move("24", source, there, item=EACH, minute=7))
    complete(held, 100)
    for minute in (110, 120):
        job(held, minute)
    assert (lies(held), lies(held, "Z-01")) == ({}, {(None, "returned"): 24})
    assert [row[2] for row in waits(held)] == ["Z-01"]
