"""Goods that wait are judged once, on paper, by handheld or by hand; on the real ledger."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from cloud.alerts import service as alerts
from cloud.alerts.domain import TicketState
from cloud.db import LastingConnection, in_transaction
from cloud.documents.domain import DocumentError, UnknownDocumentError
from cloud.documents.judging import service as judging
from cloud.documents.judging.by_hand import move_by_hand
from cloud.documents.judging.decided import decided
from cloud.documents.judging.papers import JudgementPaper
from cloud.documents.receiving import service as receiving
from cloud.documents.receiving.holding import JOB, hold_scanned
from cloud.documents.receiving.papers import DeliveryPaper
from cloud.identity.actor import INGEST
from cloud.ledger.corrections import post_reversal
from cloud.ledger.domain import NotPostableError, PostingKind
from cloud.ledger.entries import CLOUD_GATEWAY
from cloud.ledger.manual import ManualMovement
from cloud.ledger.service import post
from contracts.base import epoch_from_int
from contracts.records import Identifier, Movement, RowRef, Side
from contracts.vocabulary import Disposition
from tests.integration.documents.dock import CASES, KEEPER, Dock, line, open_dock, paper
from tests.integration.documents.test_scanned_receipts import work
from tests.integration.ledger.scenario import SITE, Outbox, at, move

RETURNED = Disposition.RETURNED
PLACE = Side(location="RETURNS", disposition=RETURNED)


class Back:
    """A dock to which customers send tea back; quantities are in cases of 24."""

    def __init__(self, dock: Dock) -> None:
        self.dock, self.others = dock, Outbox("gw-2")
        for place in ("A-01", "RETURNS"):
            dock.doors.send(move("1", "@adjustment", place, item="05012345678900", minute=0))

    def returns(self, receipt: str, cases: int, *, minute: int = 10, **more: Any) -> None:
        self.dock.register(paper(line(1, cases), name=f"RMA-{receipt}", kind="customer_return"))
        of = {"type": "customer_return", "id": f"RMA-{receipt}", "line": "1"}
        lines = [{"line": "1", "of": of, "received": str(cases)} | more]
        stated = {"site": SITE, "receipt": receipt, "location": "RETURNS", "lines": lines}
        stated["occurred_at"] = at(minute).isoformat()
        delivery = DeliveryPaper.model_validate(stated)
        self.dock.ledger.as_app(lambda conn: receiving.receive(conn, KEEPER, delivery, now=at(60)))

    def grades(self, verdict: str, cases: int, *, minute: float) -> list[RowRef]:
        """Grade by handheld."""
        records = work(f"$GRADE/{verdict.upper()}", f"$QTY/{cases}", f"]C101{CASES}", "$DONE", minute=minute)
        refs = self.dock.doors.send(*records)
        return [ref for ref, record in zip(refs, records, strict=True) if isinstance(record, Movement)]

    def judge(self, receipt: str, cases: int, verdict: str = "sellable", **more: Any) -> Callable[..., Any]:
        stated = {"site": SITE, "receipt": receipt, "line": "1", "waits_as": "returned", "verdict": verdict}
        stated |= {"quantity": str(24 * cases), "reason": "as_new"} | more
        wanted = JudgementPaper.model_validate(stated)
        return lambda conn: judging.judge(conn, KEEPER, wanted, now=at(70))

    def judges(self, receipt: str, cases: int, verdict: str = "sellable", **more: Any) -> None:
        self.dock.ledger.as_app(self.judge(receipt, cases, verdict, **more))

    def moving(self, cases: int, source: Side, destination: Side) -> Callable[..., Any]:
        """Give the work that posts a movement by hand."""
        identifier = Identifier(scheme="gtin", value=CASES)
        stated = ManualMovement(
            SITE, identifier, Decimal(cases), CASES, source, destination, at(65), "by_hand"
        )
        return lambda conn: move_by_hand(conn, KEEPER, stated, now=at(70))

    def moves(self, cases: int, source: Side, destination: Side) -> None:
        self.dock.ledger.as_app(self.moving(cases, source, destination))

    def apart(self, work: Callable[..., Any]) -> str:
        """Work on a connection of its own, as another process would."""
        with closing(LastingConnection(self.dock.ledger.app_dsn, "test-apart")) as source:
            try:
                in_transaction(source, work)
            except (DocumentError, NotPostableError) as error:
                return type(error).__name__
        return "done"

    def waiting(self) -> list[tuple[str, str, str, Decimal]]:
        rows = self.dock.ledger.as_app(lambda conn: judging.waiting(conn, KEEPER, site=SITE, limit=50))
        return [(row.receipt, row.waits_as, row.location, row.quantity / 24) for row in rows]

    def lying(self) -> dict[tuple[str, str], Decimal]:
        rows = self.dock.ledger.query(
            "SELECT l.code, coalesce(replace(c.disposition, 'sellable', 'apart'), 'sellable'),"
            " sum(b.quantity) / 24 FROM balance b"
            " JOIN cell c USING (cell_id) JOIN location l USING (location_id) JOIN item i USING (item_id)"
            " WHERE i.code = 'TEA' AND b.quantity <> 0 AND l.kind <> 'virtual' GROUP BY 1, 2"
        )
        return {(code, condition): quantity for code, condition, quantity in rows}

    def decided(self) -> list[tuple[str | None, str, Decimal, str]]:
        rows = self.dock.ledger.as_app(lambda conn: decided(conn, KEEPER, site=SITE, limit=50))
        return [(row.receipt, row.verdict, row.quantity / 24, row.judged_by) for row in rows]

    def job(self, minute: float) -> list[str]:
        """Let every gateway have told everything until then, run the job, and give what tickets say."""
        moved = move("1", "@supplier", "Z-09", item="05000000000005", minute=minute)
        self.dock.ledger.post(self.others.seal([moved]))
        self.dock.doors.send(moved)
        with closing(LastingConnection(self.dock.ledger.app_dsn, "test-holds")) as source:
            hold_scanned(source, JOB, at(minute))
        asked: dict[str, Any] = {"kind": "judged_twice", "states": [TicketState.OPEN], "limit": 50}
        return [
            each.summary
            for each in self.dock.ledger.as_app(lambda conn: alerts.tickets(conn, KEEPER, **asked))
        ]


@pytest.fixture
def back(database: object) -> Iterator[Back]:
    with open_dock(database) as dock:
        yield Back(dock)
        assert dock.is_clean()


def test_what_a_handheld_graded_waits_no_more_and_shows_as_judged(back: Back) -> None:
    back.returns("R-1", 4)
    back.grades("sellable", 2, minute=20)
    assert back.waiting() == [("R-1", "returned", "RETURNS", 2)]
    ((receipt, verdict, quantity, by),) = back.decided()
    assert (receipt, verdict, quantity, bool(by)) == (None, "sellable", 2, True)
    with pytest.raises(DocumentError, match="expected at most 48, which wait as returned"):
        back.judges("R-1", 4)
    back.judges("R-1", 2, "damaged")
    assert back.waiting() == []
    with pytest.raises(UnknownDocumentError, match="nothing of line '1'"):
        back.judges("R-1", 1)
    assert back.lying() == {("RETURNS", "sellable"): 2, ("RETURNS", "damaged"): 2}
    assert [row[:3] for row in back.decided()] == [("R-1", "damaged", 2), (None, "sellable", 2)]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1)])
def test_what_came_first_was_graded_first_in_whatever_order_it_is_told(
    back: Back, order: tuple[int, ...]
) -> None:
    facts = (
        lambda: back.returns("R-1", 4, minute=10),
        lambda: back.returns("R-2", 4, minute=12),
        lambda: back.grades("sellable", 3, minute=20),
    )
    for number in order:
        facts[number]()
    assert back.waiting() == [("R-1", "returned", "RETURNS", 1), ("R-2", "returned", "RETURNS", 4)]
    with pytest.raises(DocumentError, match="expected at most 24"):
        back.judges("R-1", 2)
    back.judges("R-2", 4)
    back.judges("R-1", 1)
    assert back.lying() == {("RETURNS", "sellable"): 8}


def test_what_a_handheld_puts_on_hold_waits_on_as_its_receipts(back: Back) -> None:
    back.returns("R-1", 4)
    back.grades("hold", 3, minute=20)
    assert sorted(back.waiting()) == [("R-1", "hold", "RETURNS", 3), ("R-1", "returned", "RETURNS", 1)]
    back.judges("R-1", 3, waits_as="hold")
    assert back.lying() == {("RETURNS", "sellable"): 3, ("RETURNS", "returned"): 1}


def test_goods_carried_as_returned_are_judged_where_they_lie(back: Back) -> None:
    back.returns("R-1", 4)
    back.moves(3, PLACE, Side(location="A-01", disposition=RETURNED))
    assert sorted(back.waiting()) == [("R-1", "returned", "A-01", 3), ("R-1", "returned", "RETURNS", 1)]
    back.dock.doors.send(move("1", "@adjustment", "STAGE-1", item="05012345678900", minute=1))
    with pytest.raises(DocumentError, match="nothing waits at 'STAGE-1': expected A-01, RETURNS"):
        back.judges("R-1", 1, location="STAGE-1")
    back.judges("R-1", 3, location="A-01")
    back.judges("R-1", 1)
    assert (back.waiting(), back.lying()["A-01", "sellable"]) == ([], 3)


def test_by_hand_nothing_leaves_a_condition_that_waits_for_a_judgement(back: Back) -> None:
    back.returns("R-1", 4)
    refused = "line '1' of receipt 'R-1' wait as returned: grade them on Returns .*POST /v1/judgements"
    for there in (
        Side(location="A-01"),
        Side(location="RETURNS", disposition=Disposition.HOLD),
        Side(location="RETURNS", lot="L-9", disposition=RETURNED),
        Side(location="@scrap"),
    ):
        with pytest.raises(NotPostableError, match=refused):
            back.moves(1, PLACE, there)
    assert back.lying() == {("RETURNS", "returned"): 4}


def test_by_hand_what_no_receipt_brought_is_graded_by_whoever_may(back: Back) -> None:
    back.returns("R-1", 4)
    back.dock.doors.send(*work("$RETURN/X-1", "$QTY/3", f"]C101{CASES}", "$DONE", minute=15))
    back.moves(3, PLACE, Side(location="A-01"))
    assert back.waiting() == [("R-1", "returned", "RETURNS", 4)]
    assert back.decided() == [(None, "sellable", 3, "user:kim")]
    with pytest.raises(NotPostableError, match="wait as returned"):
        back.moves(1, PLACE, Side(location="A-01"))


def test_of_many_who_judge_at_once_no_more_is_judged_than_lies(back: Back) -> None:
    back.returns("R-1", 4, minute=10)
    back.returns("R-2", 4, minute=12)
    back.grades("sellable", 4, minute=20)
    works = [back.judge(f"R-{1 + number % 2}", 1 + number % 3) for number in range(12)]
    with ThreadPoolExecutor(6) as workers:
        told = list(workers.map(back.apart, works))
    assert "done" in told
    there = back.lying()
    assert there.get(("RETURNS", "returned"), 0) >= 0
    assert sum(there.values()) == 8


@pytest.mark.parametrize("way", ["on_paper", "by_hand"])
def test_who_judges_while_a_handhelds_grade_is_posted_waits_and_judges_what_it_left(
    back: Back, way: str
) -> None:
    back.returns("R-1", 4)
    by_hand = back.moving(3, PLACE, Side(location="A-01"))
    grade = work("$GRADE/SELLABLE", "$QTY/2", f"]C101{CASES}", "$DONE", minute=20)
    batch = back.dock.doors.outbox.seal(grade)
    is_waiting = "SELECT FROM pg_locks WHERE NOT granted"

    def at_once(conn: psycopg.Connection, worker: ThreadPoolExecutor) -> Future[str]:
        post(conn, INGEST, kind=PostingKind.BATCH, batches=[batch])
        late = worker.submit(back.apart, back.judge("R-1", 4) if way == "on_paper" else by_hand)
        until = time.monotonic() + 60
        while not back.dock.ledger.query(is_waiting) and not late.done() and time.monotonic() < until:
            time.sleep(0.01)
        return late

    with ThreadPoolExecutor(1) as worker:
        late = back.dock.ledger.as_ingest(lambda conn: at_once(conn, worker))
        assert late.result(60) == ("DocumentError" if way == "on_paper" else "NotPostableError")
    assert back.lying() == {("RETURNS", "sellable"): 2, ("RETURNS", "returned"): 2}


def test_a_grade_that_comes_after_the_paper_judged_the_same_goods_is_told_until_it_is_right(
    back: Back,
) -> None:
    back.returns("R-1", 4)
    back.judges("R-1", 4)
    back.grades("sellable", 2, minute=20)
    assert (back.waiting(), back.lying()["RETURNS", "returned"]) == ([], -2)
    (ticket,) = back.job(90)
    assert (
        ticket
        == "48 each of TEA more were taken from RETURNS as returned than there were; judged on paper: R-1"
    )
    back.moves(2, Side(location="RETURNS"), PLACE)
    assert back.lying() == {("RETURNS", "sellable"): 4}
    assert back.job(100) == []


@pytest.mark.parametrize("which", ["grade", "judgement"])
def test_a_judgement_or_grade_that_is_taken_back_closes_the_ticket_and_its_goods_wait_again(
    back: Back, which: str
) -> None:
    back.returns("R-1", 4)
    judged = back.dock.ledger.as_app(back.judge("R-1", 4))
    (grade,) = back.grades("sellable", 2, minute=20)
    assert len(back.job(90)) == 1
    ((epoch, seq),) = back.dock.ledger.query(
        "SELECT m.epoch, m.seq FROM movement m JOIN judgement j USING (posting_id) WHERE j.judgement_id = %s",
        judged.number,
    )
    paper = RowRef(gateway=CLOUD_GATEWAY, epoch=epoch_from_int(epoch), seq=seq)
    ref = grade if which == "grade" else paper
    back.dock.ledger.as_app(lambda conn: post_reversal(conn, KEEPER, ref, reason="misread"))
    assert back.job(100) == []
    assert back.waiting() == ([] if which == "grade" else [("R-1", "returned", "RETURNS", 2)])
    if which == "judgement":
        back.judges("R-1", 2)
    assert back.lying() == {("RETURNS", "sellable"): 4}
