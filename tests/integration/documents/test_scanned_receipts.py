"""What a handheld receives under an ASN's number is of the line that the ledger finds; on the real ledger."""

from decimal import Decimal
from typing import Any

from cloud.documents.lines import lines_now
from cloud.documents.receiving.rules import RulePaper, put_rule
from cloud.documents.receiving.scanned import scanned
from contracts.records import DocumentRef, Movement, RowRef, Side
from tests.integration.documents.dock import CASES, EACH, KEEPER, Dock, line, paper
from tests.integration.ledger.scenario import SITE, at, move


def scans(number: int, quantity: int, lot: str | None = None, *, gtin: str = CASES, **more: Any) -> Movement:
    """State what a handheld does in `$RECEIVE/ASN-1`: it counts its own lines."""
    ref = DocumentRef(type="receipt", id=more.pop("under", "ASN-1"), line=str(number))
    source, place = Side(location="@supplier", lot=lot), Side(location="STAGE-1", lot=lot)
    return move(
        str(quantity), source, place, item=gtin, minute=number, documents=(ref,), unit_seen=gtin, **more
    )


def parts(dock: Dock, name: str = "ASN-1") -> list[tuple[int, str | None, str, Decimal, bool, bool]]:
    told = dock.ledger.as_app(lambda conn: scanned(conn, KEEPER, site=SITE, name=name))
    return [
        (
            round((each.row.occurred_at - at(0)).total_seconds() / 60),
            each.row.line,
            each.row.rule,
            each.row.quantity,
            each.row.is_over,
            each.is_beyond,
        )
        for each in told
    ]


def moved(dock: Dock, kind: str = "asn", name: str = "ASN-1") -> dict[str, Decimal]:
    lines = dock.ledger.as_app(lambda conn: lines_now(conn, site=SITE, kind=kind, ids=[name]))
    return {each.line: each.moved for each in lines}


def test_a_handhelds_scans_are_of_the_lines_that_lot_item_and_what_is_open_tell(dock: Dock) -> None:
    """Two lines carry the same item, a third names its lot; in cases of 24."""
    lines = (line(1, 2), line(2, 1), line(3, 1, lot="L7"))
    dock.register(paper(*lines))
    dock.ledger.as_app(lambda conn: put_rule(conn, KEEPER, RulePaper(site=SITE, over_percent=Decimal(50))))
    late = scans(2, 24, gtin=EACH)
    dock.doors.send(scans(4, 2, "L7"), scans(1, 1), scans(3, 1, "L7"))
    assert parts(dock) == [
        (1, "1", "item", 24, False, False),
        (3, "3", "lot", 24, False, False),
        (4, "1", "item", 24, False, False),
        (4, "2", "item", 24, False, False),
    ]
    rows = dock.doors.send(late)
    assert parts(dock) == [
        (1, "1", "item", 24, False, False),
        (2, "1", "item", 24, False, False),
        (3, "3", "lot", 24, False, False),
        (4, "2", "item", 24, False, False),
        (4, "3", "lot", 24, True, True),
    ], "what came late counts where it occurred; over by a whole case of a line of one is too much"
    assert moved(dock) == {"1": 48, "2": 24, "3": 48}
    undone = late.model_copy(
        update={"source": late.destination, "destination": late.source, "reverses": RowRef(**dict(rows[0]))}
    )
    dock.doors.send(undone)
    assert [each[:2] for each in parts(dock)] == [(1, "1"), (3, "3"), (4, "1"), (4, "2")]
    assert moved(dock) == {"1": 48, "2": 24, "3": 24}


def test_what_no_line_names_is_unexpected_and_a_number_that_nobody_announced_is_of_no_document(
    dock: Dock,
) -> None:
    dock.register(paper(line(1, 2)))
    dock.doors.send(
        scans(1, 3, gtin="05012345678900"), scans(2, 1, under="ASN-9"), scans(3, 2, "L1"), scans(4, 1, "L1")
    )
    assert [each[1:] for each in parts(dock)] == [
        (None, "unexpected", 3, False, True),
        ("1", "item", 48, False, False),
        ("1", "item", 24, True, False),
    ]
    assert parts(dock, "ASN-9") == []
    assert moved(dock) == {"1": 72}
