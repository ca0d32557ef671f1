"""Goods that wait although no receipt brought them: listed, judged, and followed; on the real ledger."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from cloud.documents.domain import DocumentError, UnknownDocumentError
from cloud.documents.judging import scrapping
from cloud.documents.judging import service as judging
from cloud.documents.judging.papers import JudgementPaper
from cloud.documents.judging.scrapping import ScrapPaper
from cloud.ledger.corrections import post_reversal
from contracts.records import Movement, RowRef, Side
from contracts.vocabulary import Disposition
from tests.integration.documents.dock import CASES, EACH, KEEPER, NETWORK, PALLET, open_dock
from tests.integration.documents.test_judged_twice import PLACE, Back
from tests.integration.documents.test_scanned_receipts import work
from tests.integration.ledger.scenario import SITE, at, move


@pytest.fixture
def back(database: object) -> Iterator[Back]:
    with open_dock(database) as dock:
        yield Back(dock)
        assert dock.is_clean()


def comes_back(back: Back, number: str, cases: int, *, minute: float = 10) -> list[RowRef]:
    """Let a handheld take back what no paper tells of."""
    records = work(f"$RETURN/{number}", f"$QTY/{cases}", f"]C101{CASES}", "$DONE", minute=minute)
    refs = back.dock.doors.send(*records)
    return [ref for ref, record in zip(refs, records, strict=True) if isinstance(record, Movement)]


def carry(back: Back, cases: int, source: str | Side, to: str | Side, minute: float) -> RowRef:
    return back.dock.doors.send(move(str(cases), source, to, item=CASES, unit_seen=CASES, minute=minute))[-1]


def goods(cases: int, **more: Any) -> dict[str, Any]:
    return {
        "site": SITE,
        "item": "TEA",
        "waits_as": "returned",
        "quantity": str(24 * cases),
        "reason": "as_new",
    } | more


def judges(back: Back, cases: int, verdict: str = "sellable", **more: Any) -> None:
    paper = JudgementPaper.model_validate(goods(cases, verdict=verdict) | more)
    back.dock.ledger.as_app(lambda conn: judging.judge(conn, KEEPER, paper, now=at(70)))


def waiting(back: Back) -> list[tuple[str | None, list[str], str, Decimal]]:
    rows = back.dock.ledger.as_app(lambda conn: judging.waiting(conn, KEEPER, site=SITE, limit=50))
    return [(row.receipt, row.numbers, row.location, row.quantity / 24) for row in rows]


def test_what_a_handheld_takes_back_of_no_paper_waits_and_is_graded(back: Back) -> None:
    back.returns("R-1", 4, minute=5)
    comes_back(back, "X-1", 3)
    comes_back(back, "X-2", 2, minute=12)
    assert waiting(back) == [("R-1", [], "RETURNS", 4), (None, ["X-1", "X-2"], "RETURNS", 5)]
    with pytest.raises(
        DocumentError, match="item 'TEA', which no receipt brought: 144: expected at most 120"
    ):
        judges(back, 6)
    judges(back, 3, "sellable", grade="B", put_at="A-01")
    assert waiting(back)[1:] == [(None, ["X-2"], "RETURNS", 2)], "what came first was graded first"
    judges(back, 1, "hold")
    rows = back.dock.ledger.as_app(lambda conn: judging.waiting(conn, KEEPER, site=SITE, limit=50))
    assert [(row.receipt, row.waits_as, row.quantity / 24) for row in rows[1:]] == [
        (None, "returned", 1),
        (None, "hold", 1),
    ], "on hold it waits on"
    assert back.decided() == [(None, "hold", 1, "user:kim"), (None, "sellable", 3, "user:kim")], "each once"
    judges(back, 1, "damaged")
    judges(back, 1, "damaged", waits_as="hold")
    with pytest.raises(UnknownDocumentError, match="nothing of item 'TEA', which no receipt brought waits"):
        judges(back, 1)
    assert waiting(back) == [("R-1", [], "RETURNS", 4)]
    assert back.lying() == {
        ("RETURNS", "returned"): 4,
        ("A-01", "sellable"): 3,
        ("RETURNS", "damaged"): 2,
    }


def test_a_grade_that_is_taken_back_and_a_return_that_is_taken_back_are_seen(back: Back) -> None:
    (came,) = comes_back(back, "X-1", 3)
    judges(back, 3)
    assert waiting(back) == []
    ((gateway, epoch, seq),) = back.dock.ledger.query(
        "SELECT g.name, lpad(to_hex(m.epoch), 16, '0'), m.seq FROM judgement j"
        " JOIN movement m USING (posting_id) JOIN gateway g USING (gateway_id)"
    )
    grade = RowRef(gateway=gateway, epoch=epoch, seq=seq)
    back.dock.ledger.as_app(lambda conn: post_reversal(conn, KEEPER, grade, reason="misread"))
    assert waiting(back) == [(None, ["X-1"], "RETURNS", 3)]
    back.dock.ledger.as_app(lambda conn: post_reversal(conn, NETWORK, came, reason="misread"))
    assert waiting(back) == []


def test_what_no_receipt_brought_is_scrapped_by_a_decision(back: Back) -> None:
    comes_back(back, "X-1", 3)
    paper = ScrapPaper.model_validate(goods(2, reason="defective"))
    asked = back.dock.ledger.as_app(lambda conn: scrapping.ask_to_scrap(conn, KEEPER, paper))
    assert asked.effect["summary"] == "Scrap 48 each of TEA, which no receipt brought"
    with pytest.raises(
        DocumentError, match="item 'TEA', which no receipt brought waits for approval already"
    ):
        back.dock.ledger.as_app(lambda conn: scrapping.ask_to_scrap(conn, KEEPER, paper))
    back.dock.ledger.as_app(lambda conn: scrapping.SCRAP.apply(conn, KEEPER, asked))
    assert (waiting(back), back.lying()) == ([(None, ["X-1"], "RETURNS", 1)], {("RETURNS", "returned"): 1})


@pytest.mark.parametrize("way", ["paper", "handheld"])
def test_returned_goods_carried_away_as_sellable_are_returned_where_they_lie_and_back(
    back: Back, way: str
) -> None:
    if way == "paper":
        back.returns("R-1", 3)
    else:
        comes_back(back, "X-1", 3)
    carried = carry(back, 3, "RETURNS", "A-01", 20)
    assert back.lying()["A-01", "sellable"] == 3, "a handheld cannot know it"
    back.job(90)
    assert back.lying() == {("A-01", "returned"): 3}
    named = ("R-1", []) if way == "paper" else (None, ["X-1"])
    assert waiting(back) == [(*named, "A-01", 3)]
    back.dock.ledger.as_app(lambda conn: post_reversal(conn, NETWORK, carried, reason="misread"))
    back.job(100)
    assert back.lying() == {("RETURNS", "returned"): 3}
    carry(back, 2, "RETURNS", Side(unit=PALLET), 101)
    back.dock.stands(PALLET, "A-01", minute=102)
    back.job(110)
    assert back.lying() == {(PALLET, "returned"): 2, ("RETURNS", "returned"): 1}
    assert back.decided() == [], "nobody judged them"
    stated = {} if way == "handheld" else {"receipt": "R-1", "line": "1", "item": None}
    judges(back, 2, "sellable", unit=PALLET, **stated)
    assert back.lying() == {(PALLET, "sellable"): 2, ("RETURNS", "returned"): 1}


def test_graded_goods_are_carried_away_and_what_was_not_graded_stays(back: Back) -> None:
    back.returns("R-1", 2, minute=5)
    comes_back(back, "X-1", 3)
    back.grades("sellable", 2, minute=15)
    carry(back, 3, "RETURNS", "A-01", 20)
    back.job(90)
    lies = {cell: quantity for cell, quantity in back.lying().items() if quantity}
    assert lies == {("RETURNS", "returned"): 2, ("A-01", "sellable"): 2, ("A-01", "returned"): 1}
    assert sum(row[3] for row in waiting(back)) == 3


def test_returned_goods_that_left_as_sellable_are_told(back: Back) -> None:
    comes_back(back, "X-1", 3)
    carry(back, 2, "RETURNS", "@customer", 20)
    back.job(90)
    assert back.lying() == {("RETURNS", "returned"): 1}
    ((kind, summary, page),) = back.dock.ledger.query(
        "SELECT kind, summary, detail ->> 'page_url' FROM ticket WHERE kind = 'held_goods_left'"
    )
    assert (kind, page) == ("held_goods_left", f"/returns?site={SITE}")
    assert summary == (
        "48 each of TEA that were returned at RETURNS were taken as sellable and left, "
        "or are in another condition by now: of no receipt"
    )


def test_a_hold_by_hand_waits_and_follows_too(back: Back) -> None:
    carry(back, 4, "@supplier", "A-01", 5)
    back.moves(1, Side(location="A-01"), Side(location="A-01", disposition=Disposition.HOLD))
    assert waiting(back) == [(None, [], "A-01", 1)]
    carry(back, 4, "A-01", "RETURNS", 80)
    back.job(90)
    assert back.lying() == {("RETURNS", "sellable"): 3, ("RETURNS", "hold"): 1}
    judges(back, 1, waits_as="hold")
    assert back.lying() == {("RETURNS", "sellable"): 4}


def test_a_movement_by_hand_grades_only_what_no_receipt_brought(back: Back) -> None:
    comes_back(back, "X-1", 3)
    back.moves(3, PLACE, Side(location="A-01"))
    assert (waiting(back), back.decided()) == ([], [(None, "sellable", 3, "user:kim")])


def test_goods_of_the_last_of_a_thousand_lots_are_judged(back: Back) -> None:
    lots = [*(f"L-{number:04}" for number in range(1001)), "LAST"]
    for some in range(0, len(lots), 250):
        places = [Side(location="RETURNS", lot=lot, disposition=Disposition.RETURNED) for lot in lots]
        back.dock.doors.send(
            *(
                move("1", "@customer", there, item=EACH, minute=5 + number / 60)
                for number, there in enumerate(places)
                if some <= number < some + 250
            )
        )
    judges(back, 0, quantity="1", lot="LAST")
    rows = back.dock.ledger.as_app(lambda conn: judging.waiting(conn, KEEPER, site=SITE, limit=5000))
    assert [row.lot for row in rows] == lots[:-1]
