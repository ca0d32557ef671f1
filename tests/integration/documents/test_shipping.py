"""What leaves and what waits: shipments, returns with grading, inspection, transfers between sites."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from cloud.approvals.service import approve_and_apply, reverse
from cloud.db import LastingConnection, in_transaction
from cloud.decisions.domain import Decision, WrongStateError
from cloud.documents.domain import ConflictingDocumentError, DocumentError, UnknownDocumentError
from cloud.documents.judging import scrapping
from cloud.documents.judging import service as judging
from cloud.documents.judging.papers import JudgementPaper
from cloud.documents.judging.scrapping import ScrapPaper
from cloud.documents.lines import open_lines
from cloud.documents.receiving import reversing
from cloud.documents.receiving import service as receiving
from cloud.documents.receiving.papers import DeliveryPaper
from cloud.documents.shipping import service as shipping
from cloud.documents.shipping.papers import ShipmentPaper
from cloud.documents.transfers import service as transfers
from cloud.documents.transfers.domain import State
from cloud.documents.transfers.papers import TransferPaper
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.ledger.corrections import post_reversal
from cloud.ledger.domain import AlreadyClaimedError
from cloud.master.places import add_location
from contracts.base import SiteId, epoch_from_int
from contracts.records import RowRef
from tests.integration.crossings.doors import OPERATOR, PALLET, STRANGER
from tests.integration.documents.dock import CASES, KEEPER, OTHER_SITE, Dock, line, paper
from tests.integration.ledger.scenario import SITE, at

YORK = Actor("user:yan", frozenset({Role.SUPERVISOR}), frozenset({SiteId(OTHER_SITE)}))
EVERYWHERE = Actor("user:eve", frozenset({Role.SUPERVISOR}), all_sites=True)


@pytest.fixture
def stocked(dock: Dock) -> Dock:
    """Give two sites with places; twenty cases of tea lie at the first."""
    for site, code in ((SITE, "A-01"), (SITE, "RETURNS"), (OTHER_SITE, "Y-01")):
        dock.ledger.as_app(
            lambda conn, site=site, code=code: add_location(
                conn, EVERYWHERE, site=site, code=code, kind="bin", parent=None
            )
        )
    receive(dock, {"line": "1", "identifier": {"scheme": "gtin", "value": CASES}, "unit_seen": CASES}, "20")
    return dock


def receive(
    dock: Dock, what: dict[str, Any], quantity: str, *, actor: Actor | None = None, **more: Any
) -> receiving.Received:
    stated = {"site": SITE, "receipt": "R-0", "location": "A-01"} | more
    actor = actor or (EVERYWHERE if stated["site"] == OTHER_SITE else KEEPER)
    stated["lines"] = [{"line": "1", "received": quantity} | what]
    wanted = DeliveryPaper.model_validate(stated)
    return dock.ledger.as_app(lambda conn: receiving.receive(conn, actor, wanted, now=at(50)))


def leaves(number: int, quantity: str, kind: str, name: str, *, of: str = "1", **more: Any) -> dict[str, Any]:
    return {"line": str(number), "of": {"type": kind, "id": name, "line": of}, "quantity": quantity} | more


def ship(dock: Dock, *lines: dict[str, Any], name: str = "S-1", actor: Actor = KEEPER, **more: Any) -> Any:
    stated = {"site": SITE, "shipment": name, "location": "A-01", "lines": lines} | more
    wanted = ShipmentPaper.model_validate(stated)
    return dock.ledger.as_app(lambda conn: shipping.ship(conn, actor, wanted, now=at(60)))


def lying(dock: Dock, item: str = "TEA") -> dict[tuple[str, str], Decimal]:
    """Give what lies where in which condition, in cases, accounts included where something is left."""
    rows = dock.ledger.query(
        "SELECT l.code, coalesce(replace(c.disposition, 'sellable', 'apart'), 'sellable'),"
        " sum(b.quantity) / 24 FROM balance b"
        " JOIN cell c USING (cell_id) JOIN location l ON l.location_id = c.location_id"
        " JOIN item i USING (item_id) WHERE b.quantity <> 0 AND i.code = %s AND l.code <> '@supplier'"
        " GROUP BY 1, 2 HAVING sum(b.quantity) <> 0",
        item,
    )
    return {(code, condition): quantity.normalize() for code, condition, quantity in rows}


def still_open(dock: Dock, kind: str = "outbound_order") -> dict[str, Decimal]:
    lines = dock.ledger.as_app(lambda conn: open_lines(conn, sites=None, kind=kind))
    return {f"{line.id}/{line.line}": line.open_quantity / 24 for line in lines}


def test_an_order_leaves_in_parts_never_more_than_is_open_and_a_part_comes_back(stocked: Dock) -> None:
    stocked.register(paper(line(1, 6), line(2, 2), name="SO-1", kind="outbound_order", partner="Shop 7"))
    ship(stocked, leaves(1, "4", "outbound_order", "SO-1"))
    assert still_open(stocked) == {"SO-1/1": 2, "SO-1/2": 2}
    with pytest.raises(AlreadyClaimedError):
        ship(stocked, leaves(1, "1", "outbound_order", "SO-1"))
    more = leaves(2, "3", "outbound_order", "SO-1"), leaves(3, "1", "outbound_order", "SO-9")
    with pytest.raises(DocumentError) as error:
        ship(stocked, leaves(1, "1", "outbound_order", "SO-1"), *more, name="S-2")
    assert "line '2': 72 of item 'TEA': expected at most 24" in str(error.value)
    assert "line '3': there is no line '1' in outbound_order 'SO-9'" in str(error.value)
    ship(stocked, leaves(1, "2", "outbound_order", "SO-1"), name="S-2", actor=OPERATOR)
    assert still_open(stocked) == {"SO-1/2": 2}

    def back(actor: Actor) -> int:
        where = {"site": SITE, "name": "S-2", "line": "1"}
        return stocked.ledger.as_app(
            lambda conn: shipping.reverse_line(conn, actor, reason="not loaded", **where)
        )

    with pytest.raises(NotAllowedError):
        back(OPERATOR)
    back(KEEPER)
    with pytest.raises(ConflictingDocumentError):
        back(KEEPER)
    assert still_open(stocked) == {"SO-1/1": 2, "SO-1/2": 2}
    assert lying(stocked) == {("A-01", "sellable"): 16, ("@customer", "sellable"): 4}
    rows = stocked.ledger.as_app(
        lambda conn: conn.execute(
            "SELECT document, line, quantity, customer FROM pub_open_outbound_lines(NULL)"
        ).fetchall()
    )
    assert rows == [("SO-1", "1", 48, "Shop 7"), ("SO-1", "2", 48, "Shop 7")]
    assert stocked.is_clean()


def test_a_unit_that_left_stands_where_it_stood_once_its_goods_are_taken_back(stocked: Dock) -> None:
    """By the shipment's own line or by the movement itself; the order's line is open again either way."""
    loose = {"identifier": {"scheme": "gtin", "value": CASES}, "unit_seen": CASES, "unit": PALLET}
    receive(stocked, {"line": "1"} | loose, "5", receipt="R-5")
    stocked.register(paper(line(1, 3), line(2, 2), name="SO-1", kind="outbound_order"))
    whole = {"unit": PALLET, "with_unit": True}

    def leave(name: str) -> None:
        both = (leaves(1, "3", "outbound_order", "SO-1"), leaves(2, "2", "outbound_order", "SO-1", of="2"))
        ship(stocked, *(each | whole for each in both), name=name)

    leave("S-1")
    assert (stocked.stock("A-01"), still_open(stocked)) == (20 * 24, {})
    for number in ("1", "2"):
        where = {"site": SITE, "name": "S-1", "line": number, "reason": "not loaded"}
        stocked.ledger.as_app(lambda conn, where=where: shipping.reverse_line(conn, KEEPER, **where))
    assert stocked.stock("A-01") == 25 * 24
    assert still_open(stocked) == {"SO-1/1": 3, "SO-1/2": 2}
    leave("S-2")
    assert (stocked.stock("A-01"), still_open(stocked)) == (20 * 24, {})
    assert stocked.count("document_line_open_again") == 0, "what moved whole again is not looked up any more"
    found = stocked.ledger.query(
        "SELECT g.name, m.epoch, m.seq FROM movement m JOIN gateway g USING (gateway_id)"
        ' WHERE m.detail -> \'documents\' @> \'[{"type": "shipment", "id": "S-2", "line": "1"}]\''
    )
    ((gateway, epoch, seq),) = found
    ref = RowRef(gateway=gateway, epoch=epoch_from_int(epoch), seq=seq)
    stocked.ledger.as_app(lambda conn: post_reversal(conn, KEEPER, ref, reason="misread"))
    assert (stocked.stock("A-01"), still_open(stocked)) == (23 * 24, {"SO-1/1": 3})
    placed = stocked.ledger.query("SELECT count(*) FROM unit_position")
    assert placed == [(5,)], "placed, left, back, left, back: once for both lines of the first"
    assert stocked.is_clean()


def test_only_an_inventory_controller_moves_papers_in_a_closed_period(stocked: Dock) -> None:
    stocked.register(paper(line(1, 5), name="O-1", kind="outbound_order"))
    ship(stocked, leaves(1, "1", "outbound_order", "O-1"), occurred_at=at(45).isoformat())
    loose = {"line": "1", "identifier": {"scheme": "gtin", "value": CASES}, "unit_seen": CASES}
    receive(stocked, loose, "2", receipt="R-45", occurred_at=at(45).isoformat())
    with psycopg.connect(stocked.ledger.owner_dsn) as conn:
        conn.execute("SET ROLE dockledger_owner")
        conn.execute(
            "INSERT INTO period_close (site_id, ends_at, as_of_position, closed_by, posting_id)"
            " SELECT %s, %s, 1, 'user:ida', min(posting_id) FROM ledger_entry",
            [SITE, at(55)],
        )
    keeper = Actor("user:sue", frozenset({Role.SUPERVISOR}), frozenset({SiteId(SITE)}))
    controller = Actor("user:ida", frozenset({Role.INVENTORY_CONTROLLER}), frozenset({SiteId(SITE)}))
    wanted = TransferPaper.model_validate(
        {"from_site": OTHER_SITE, "to_site": SITE, "id": "T-1", "lines": [line(1, 1)]}
    )
    stocked.ledger.as_app(lambda conn: transfers.draft(conn, EVERYWHERE, wanted))
    away = leaves(1, "1", "transfer", "T-1", location="Y-01")
    ship(stocked, away, name="S-Y", actor=EVERYWHERE, site=OTHER_SITE)
    acts = [
        lambda actor: stocked.ledger.as_app(
            lambda conn: transfers.give_up(conn, actor, at=SITE, name="T-1", reason="lost", now=at(50))
        ),
        lambda actor: ship(
            stocked,
            leaves(1, "1", "outbound_order", "O-1"),
            name="S-2",
            actor=actor,
            occurred_at=at(45).isoformat(),
        ),
        lambda actor: receive(
            stocked, loose, "2", receipt="R-46", actor=actor, occurred_at=at(45).isoformat()
        ),
        lambda actor: stocked.ledger.as_app(
            lambda conn: shipping.reverse_line(conn, actor, site=SITE, name="S-1", line="1", reason="typo")
        ),
        lambda actor: stocked.ledger.as_app(
            lambda conn: reversing.reverse_line(conn, actor, site=SITE, name="R-45", line="1", reason="typo")
        ),
    ]
    for act in acts:
        with pytest.raises(NotAllowedError, match="closed until"):
            act(keeper)
        act(controller)
    told = stocked.ledger.query("SELECT count(*) FROM audit_event WHERE action = 'closed_period_entered'")
    assert told == [(5,)]
    assert lying(stocked)["A-01", "sellable"] == 20 - 1 + 2


def test_two_who_ship_the_same_line_at_once_ship_it_once(stocked: Dock) -> None:
    stocked.register(paper(line(1, 4), name="SO-1", kind="outbound_order"))

    def apart(number: int) -> str:
        stated = {"site": SITE, "shipment": f"S-{number}", "location": "A-01"}
        stated["lines"] = [leaves(1, "3", "outbound_order", "SO-1")]
        wanted = ShipmentPaper.model_validate(stated)
        with closing(LastingConnection(stocked.ledger.app_dsn, "test-apart")) as source:
            try:
                in_transaction(source, lambda conn: shipping.ship(conn, KEEPER, wanted, now=at(60)))
            except DocumentError:
                return "refused"
        return "shipped"

    with ThreadPoolExecutor(4) as workers:
        assert sorted(workers.map(apart, range(4))) == ["refused"] * 3 + ["shipped"]
    assert still_open(stocked) == {"SO-1/1": 1}


def test_what_a_customer_sends_back_is_never_sellable_until_it_is_graded(stocked: Dock) -> None:
    stocked.register(paper(line(1, 5), name="RMA-1", kind="customer_return", partner="Shop 7"))
    of = {"of": {"type": "customer_return", "id": "RMA-1", "line": "1"}}
    receive(stocked, of, "4", receipt="R-1", location="RETURNS")
    assert lying(stocked)["RETURNS", "returned"] == 4
    assert still_open(stocked, "customer_return") == {"RMA-1/1": 1}

    def grade(quantity: int, verdict: str, *, actor: Actor = KEEPER, **more: Any) -> Any:
        stated = {"site": SITE, "receipt": "R-1", "line": "1", "waits_as": "returned", "verdict": verdict}
        stated |= {"quantity": str(24 * quantity), "reason": "as_new"} | more
        wanted = JudgementPaper.model_validate(stated)
        return stocked.ledger.as_app(lambda conn: judging.judge(conn, actor, wanted, now=at(70)))

    with pytest.raises(NotAllowedError):
        grade(1, "sellable", actor=OPERATOR)
    assert grade(3, "sellable", grade="A", put_at="A-01").verdict == "sellable"
    with pytest.raises(DocumentError, match="at most 24"):
        grade(2, "damaged")
    grade(1, "damaged", reason="defective")
    with pytest.raises(UnknownDocumentError, match="nothing of line"):
        grade(1, "sellable")
    assert lying(stocked) == {
        ("A-01", "sellable"): 23,
        ("RETURNS", "damaged"): 1,
        ("@customer", "sellable"): -4,
    }
    stocked.register(paper(line(1, 1), name="RTV-1", kind="supplier_return", partner="ACME"))
    away = leaves(1, "1", "supplier_return", "RTV-1", location="RETURNS", disposition="damaged")
    ship(stocked, away)
    assert ("RETURNS", "damaged") not in lying(stocked)
    assert still_open(stocked, "supplier_return") == {}
    assert stocked.is_clean()


def test_what_is_scrapped_is_approved_by_whose_limit_covers_it_and_can_be_taken_back(stocked: Dock) -> None:
    run = stocked.ledger.as_app
    stocked.register(paper(line(1, 5), name="RMA-1", kind="customer_return", partner="Shop 7"))
    of = {"of": {"type": "customer_return", "id": "RMA-1", "line": "1"}}
    receive(stocked, of, "4", receipt="R-1", location="RETURNS")
    cost = "INSERT INTO item_cost SELECT item_id, %s, '2020-01-01', 1.5, 'EUR' FROM item RETURNING 1"
    stocked.ledger.query(cost, SITE)
    boss = Actor("user:bea", frozenset({Role.APPROVER}), frozenset({SiteId(SITE)}))

    def ask(quantity: int, actor: Actor = KEEPER) -> Decision:
        stated = {"site": SITE, "receipt": "R-1", "line": "1", "waits_as": "returned", "reason": "defective"}
        wanted = ScrapPaper.model_validate(stated | {"quantity": str(24 * quantity)})
        return run(lambda conn: scrapping.ask_to_scrap(conn, actor, wanted))

    with pytest.raises(NotAllowedError):
        ask(1, OPERATOR)
    with pytest.raises(DocumentError, match="at most 96"):
        ask(5)
    asked = ask(3)
    assert (asked.value, asked.currency, asked.item) == (Decimal(-108), "EUR", "TEA")
    with pytest.raises(ConflictingDocumentError, match="waits for approval"):
        ask(1)
    assert lying(stocked)["RETURNS", "returned"] == 4, "nothing moves before somebody approved it"
    done = run(lambda conn: approve_and_apply(conn, boss, asked.decision_id, asked.revision))
    assert done.state == "applied"
    there = lying(stocked)
    assert (there["RETURNS", "returned"], there["@scrap", "sellable"]) == (1, 3)
    (told,) = run(lambda conn: judging.judgements(conn, KEEPER, site=SITE, limit=9))
    assert (told.verdict, told.quantity, told.judged_by) == ("scrap", 72, "user:bea")
    back = {"reason": "wrong_item", "note": "the wrong crate"}
    run(lambda conn: reverse(conn, boss, done.decision_id, done.revision, **back))
    assert lying(stocked)["RETURNS", "returned"] == 4
    again = ask(4)
    one = JudgementPaper.model_validate(
        {"site": SITE, "receipt": "R-1", "line": "1", "waits_as": "returned", "verdict": "damaged"}
        | {"quantity": "24", "reason": "defective"}
    )
    run(lambda conn: judging.judge(conn, KEEPER, one, now=at(70)))
    with pytest.raises(WrongStateError, match="expected at most 72"):
        run(lambda conn: approve_and_apply(conn, boss, again.decision_id, again.revision))
    assert stocked.is_clean()


def test_a_transfer_is_draft_shipped_in_transit_and_received_or_short(stocked: Dock) -> None:
    run = stocked.ledger.as_app
    stated = {"from_site": SITE, "to_site": OTHER_SITE, "id": "T-1", "lines": [line(1, 6), line(2, 2)]}
    wanted = TransferPaper.model_validate(stated)
    with pytest.raises(NotAllowedError):
        run(
            lambda conn: transfers.draft(conn, STRANGER if STRANGER.sites != YORK.sites else OPERATOR, wanted)
        )
    told = run(lambda conn: transfers.draft(conn, YORK, wanted))
    assert told.transfer.state is State.DRAFT

    def state(actor: Actor = YORK) -> State:
        return run(lambda conn: transfers.transfer(conn, actor, at=SITE, name="T-1")).transfer.state

    lines = leaves(1, "6", "transfer", "T-1"), leaves(2, "2", "transfer", "T-1", of="2")
    ship(stocked, *lines)
    assert state() is State.SHIPPED
    coming = run(lambda conn: conn.execute("SELECT site, quantity FROM pub_in_transit(NULL)").fetchall())
    assert coming == [(OTHER_SITE, 144), (OTHER_SITE, 48)]
    run(lambda conn: transfers.depart(conn, KEEPER, at=SITE, name="T-1", now=at(65)))
    assert state(KEEPER) is State.IN_TRANSIT
    of = {"of": {"type": "transfer", "id": "T-1", "line": "1"}}
    there = {"site": OTHER_SITE, "receipt": "Y-R1", "location": "Y-01"}
    receive(stocked, of, "5", **there)
    assert lying(stocked) == {
        ("A-01", "sellable"): 12,
        ("Y-01", "sellable"): 5,
        ("@transit", "sellable"): 3,
    }
    with pytest.raises(NotAllowedError):
        run(lambda conn: transfers.give_up(conn, KEEPER, at=SITE, name="T-1", reason="lost", now=at(80)))
    story = run(lambda conn: transfers.give_up(conn, YORK, at=SITE, name="T-1", reason="lost", now=at(80)))
    assert [(row.received, row.missing) for row in story.lines] == [(120, 24), (0, 48)]
    assert state() is State.SHORT
    assert lying(stocked)["@unknown", "sellable"] == 3
    assert ("@transit", "sellable") not in lying(stocked)
    with pytest.raises(ConflictingDocumentError, match="short"):
        run(lambda conn: transfers.cancel(conn, YORK, at=SITE, name="T-1", now=at(90)))
    again = TransferPaper.model_validate(stated | {"id": "T-2"})
    run(lambda conn: transfers.draft(conn, KEEPER, again))
    run(lambda conn: transfers.cancel(conn, YORK, at=SITE, name="T-2", now=at(90)))
    with pytest.raises(DocumentError, match="cancelled"):
        ship(stocked, leaves(1, "1", "transfer", "T-2"), name="S-9")
    with psycopg.connect(stocked.ledger.owner_dsn) as conn:
        conn.execute("SET ROLE dockledger_owner")
        conn.execute("INSERT INTO site (site_id, name, time_zone) VALUES ('hull', 'Hull', 'UTC')")
    unseen = TransferPaper.model_validate(
        stated | {"id": "T-3", "from_site": OTHER_SITE, "to_site": "hull", "lines": [line(1, 1)]}
    )
    run(lambda conn: transfers.draft(conn, EVERYWHERE, unseen))
    with pytest.raises(ConflictingDocumentError, match="T-3"):
        run(lambda conn: transfers.draft(conn, KEEPER, TransferPaper.model_validate(stated | {"id": "T-3"})))
    assert stocked.is_clean()
