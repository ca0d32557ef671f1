"""What a handheld receives under an ASN's number is of the line that the ledger finds; on the real ledger."""

from decimal import Decimal
from typing import Any

from cloud.approvals.service import approve_and_apply
from cloud.documents.lines import lines_now
from cloud.documents.order_papers import OrderPaper
from cloud.documents.orders import register_order
from cloud.documents.receiving.rules import RulePaper, put_rule
from cloud.documents.receiving.scanned import scanned
from cloud.identity.actor import Actor, Role
from cloud.ledger.corrections import post_reversal
from cloud.master.supplier_papers import SupplierPaper
from cloud.master.suppliers import put_supplier
from cloud.periods.service import ask_to_close
from contracts.records import Movement, Record, RowRef
from edge_agent.clock import Stamp
from edge_agent.decode.barcode import decode_barcode
from edge_agent.workflows.engine import Engine
from edge_agent.workflows.feedback import Signal
from edge_agent.workflows.site import WorkflowSettings
from edge_agent.workflows.state import State
from tests.integration.documents.dock import CASES, EACH, ITEM, KEEPER, NETWORK, Dock, line, paper
from tests.integration.ledger.scenario import SITE, at
from tests.integration.lots.floor import BOSS, NET

BUYER = Actor("user:bea", frozenset({Role.BUYER}), all_sites=True)
SCANNER = WorkflowSettings(
    item_pattern="[0-9]{5}[A-Z]?",
    location_pattern="[A-Z]-[0-9]{2}",
    staging="STAGE-1",
    returns="RETURNS",
    badge_required=False,
)


def work(*texts: str, minute: float) -> list[Record]:
    """Let a handheld's engine work through labels from a minute on, as its outbox would hold it."""
    engine, state = Engine("scanner-1", SCANNER), State()
    records: list[Record] = []
    for number, text in enumerate(texts):
        now = Stamp(at(minute + number / 100), number * 10**9, f"boot-{minute}", clock_ok=True)
        outcome = engine.take(state, decode_barcode(text if text[0] == "]" else f"]C0{text}"), now)
        assert outcome.feedback.signal is not Signal.REFUSAL, outcome.feedback
        state = outcome.state
        records += [draft.record for draft in outcome.drafts]
    return records


def scans(
    minute: int, quantity: int, lot: str = "", *, gtin: str = CASES, under: str = "ASN-1"
) -> list[Record]:
    """Scan goods in `$RECEIVE`, as often as their label is keyed to stand for."""
    label = f"]C101{gtin}" + (f"10{lot}" if lot else "")
    return work(f"$RECEIVE/{under}", f"$QTY/{quantity}", label, "$DONE", minute=minute)


def parts(dock: Dock, name: str = "ASN-1") -> list[tuple[Any, ...]]:
    told = dock.ledger.as_app(lambda conn: scanned(conn, KEEPER, site=SITE, name=name))
    return [
        (
            int((each.row.occurred_at - at(0)).total_seconds() // 60),
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
    dock.doors.send(*scans(4, 2, "L7"), *scans(1, 1), *scans(3, 1, "L7"))
    assert parts(dock) == [
        (1, "1", "item", 24, False, False),
        (3, "3", "lot", 24, False, False),
        (4, "1", "item", 24, False, False),
        (4, "2", "item", 24, False, False),
    ]
    sent = [record for record in late if isinstance(record, Movement)]
    rows = dock.doors.send(*sent)
    assert parts(dock) == [
        (1, "1", "item", 24, False, False),
        (2, "1", "item", 24, False, False),
        (3, "3", "lot", 24, False, False),
        (4, "2", "item", 24, False, False),
        (4, "3", "lot", 24, True, True),
    ], "what came late counts where it occurred; over by a whole case of a line of one is too much"
    assert moved(dock) == {"1": 48, "2": 24, "3": 48}
    (movement,) = sent
    taken_back = {"source": movement.destination, "destination": movement.source}
    undone = movement.model_copy(update=taken_back | {"reverses": RowRef(**dict(rows[0]))})
    dock.doors.send(undone)
    assert [each[:2] for each in parts(dock)] == [(1, "1"), (3, "3"), (4, "1"), (4, "2")]
    assert moved(dock) == {"1": 48, "2": 24, "3": 24}
    dock.doors.send(*work("$RECEIVE/ASN-1", "$LINE/2", f"]C101{CASES}", f"]C101{CASES}", "$DONE", minute=9))
    assert [each[1:] for each in parts(dock) if each[0] == 9] == [
        ("2", "named", 24, True, True),
        ("2", "item", 24, True, True),
    ], "the line that was named, then what is over of the last that it could be of"


def test_what_no_line_names_is_unexpected_and_a_number_that_nobody_announced_is_of_no_document(
    dock: Dock,
) -> None:
    dock.register(paper(line(1, 2)))
    for goods in (
        scans(1, 3, gtin="05012345678900"),
        scans(2, 1, under="ASN-9"),
        scans(3, 2, "L1"),
        scans(4, 1, "L1"),
    ):
        dock.doors.send(*goods)
    assert [each[1:] for each in parts(dock)] == [
        (None, "unexpected", 3, False, True),
        ("1", "item", 48, False, False),
        ("1", "item", 24, True, False),
    ]
    assert parts(dock, "ASN-9") == [(2, None, "blind", 24, False, False)]
    assert moved(dock) == {"1": 72}


def order(dock: Dock, *lines: tuple[str, str, str]) -> None:
    """Order tea of one supplier, by line, quantity and price."""
    run = dock.ledger.as_app
    dock.imports({"items": [ITEM]})
    ordered = [
        {"line": name, "item": "TEA", "quantity": quantity, "due_on": "2026-03-09", "price": price}
        for name, quantity, price in lines
    ]
    acme = SupplierPaper(supplier="ACME", name="Acme", currency="EUR")
    run(lambda conn: put_supplier(conn, BUYER, acme))
    order = {"site": SITE, "id": "PO-1", "supplier": "ACME", "sent_at": at(-60), "lines": ordered}
    run(lambda conn: register_order(conn, BUYER, OrderPaper.model_validate(order), now=at(0)))
    dock.ledger.query("UPDATE site SET currency = 'EUR' RETURNING 1")


def test_what_a_handheld_receives_of_an_asn_is_of_the_orders_line_and_at_its_price(dock: Dock) -> None:
    run = dock.ledger.as_app
    order(dock, ("10", "480", "1.25"))
    dock.register(paper(line(1, 5, order={"id": "PO-1", "line": "10"}), partner="ACME"))
    goods = [each for each in scans(1, 2) if isinstance(each, Movement)]
    (row,) = dock.doors.send(*goods)
    dock.doors.send(*scans(2, 1, under="PO-1"))
    assert moved(dock) == {"1": 48}
    assert moved(dock, "purchase_order", "PO-1") == {"10": 72}
    to_come = "SELECT received, quantity FROM pub_open_order_lines(ARRAY[%s])"
    assert dock.ledger.query(to_come, SITE) == [(72, 408)], "planning and promising count it too"
    asked = "SELECT quantity, cost FROM purchases(%s, NULL, 'infinity', 9223372036854775807) ORDER BY 1"
    assert dock.ledger.query(asked, SITE) == [(24, Decimal("1.25")), (48, Decimal("1.25"))]
    run(lambda conn: post_reversal(conn, NETWORK, RowRef(**dict(row)), reason="misread"))
    assert moved(dock, "purchase_order", "PO-1") == {"10": 24}
    costs = "SELECT cost FROM average_costs(%s, NULL, 'infinity', 9223372036854775807)"
    assert dock.ledger.query(costs, SITE) == [(Decimal("1.25"),)], "what was taken back needs no price"


def test_what_a_close_counted_of_scans_is_paid_once_whatever_comes_late_or_goes_back(dock: Dock) -> None:
    """Two lines of a case each, at 1 and 2: whichever scan is of which line, the order's value is booked."""
    run, now = dock.ledger.as_app, 2**62
    order(dock, ("10", "24", "1"), ("20", "24", "2"))

    def value(before: int | None, position: int) -> Decimal:
        worth = "SELECT sum(quantity * cost), count(*) = count(cost) "
        asked = worth + "FROM purchases(%s, %s, 'infinity', %s, of_items => %s)"
        ((found, is_known),) = dock.ledger.query(asked, SITE, before, position, None)
        assert is_known
        items = [item for (item,) in dock.ledger.query("SELECT item_id FROM item")]
        assert dock.ledger.query(asked, SITE, before, position, items) == [(found, is_known)]
        return found

    (row,) = dock.doors.send(*[each for each in scans(1, 1, under="PO-1") if isinstance(each, Movement)])
    ((seen,),) = dock.ledger.query("SELECT position FROM ledger_head")
    asked = run(
        lambda conn: ask_to_close(
            conn, NET, site=SITE, period="2026-03", reason="figures_due", note="", now=at(60 * 24 * 35)
        )
    )
    done = run(lambda conn: approve_and_apply(conn, BOSS, asked.decision_id, asked.revision))
    close = int(dict(done.outcome or {})["close"])
    dock.doors.send(*scans(0, 1, under="PO-1"))
    assert (value(None, seen), value(close, now)) == (24, 48), "what came late is at 1"
    run(lambda conn: post_reversal(conn, NETWORK, RowRef(**dict(row)), reason="misread"))
    assert (value(None, seen), value(close, now)) == (24, 0), "one case at 1 is left, and that was booked"
