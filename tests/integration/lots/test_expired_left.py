"""What handhelds pick or ship of expired lots has happened and is told once; on the real ledger."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import pytest

from cloud.alerts import service as alerts
from cloud.allocation.terms import put_life
from cloud.db import Connection, LastingConnection
from cloud.documents.shipping.papers import ShipmentPaper
from cloud.documents.shipping.service import ship
from cloud.identity.actor import NotAllowedError
from cloud.identity.store import act_as
from cloud.ledger.corrections import post_reversal
from cloud.ledger.verification.service import verify
from cloud.lots.expiry import WATCH
from cloud.lots.left_expired import tell_left
from contracts.records import DocumentRef, Movement, RowRef
from tests.integration.documents.test_scanned_receipts import work
from tests.integration.ledger.scenario import SITE, at, stated
from tests.integration.lots.floor import GTINS, KIM, NET, Floor, goes, open_floor

TODAY = date(2026, 3, 2)
NOTHING = {"shipped": 0, "picked": 0, "short": 0, "later": 0}


@pytest.fixture
def floor(database: object) -> Iterator[Floor]:
    with open_floor(database, "MILK", "BOX", gateways=("gw-1",)) as floor:
        floor.orders("SO-1", "MILK", 9, "ACME")
        floor.moves(*(goes("MILK", 20, "@supplier", "STAGE-1", lot) for lot in ("OLD", "NEW")))
        floor.dates("MILK", "NEW", date(2026, 9, 1))
        yield floor
        assert floor.ledger.as_owner(verify).is_clean


def ships(floor: Floor, lot: str, minute: int) -> None:
    """Ship four of a lot by handheld."""
    label = f"]C101{GTINS['MILK']}10{lot}"
    does(floor, "$SHIP/SO-1", "$QTY/4", label, "$DONE", minute=minute)


def does(floor: Floor, *labels: str, minute: int) -> None:
    records = work(*labels, minute=minute)
    floor.moves(*(each for each in records if isinstance(each, Movement)))


def tells(floor: Floor) -> Mapping[str, Any]:
    with closing(LastingConnection(floor.ledger.app_dsn, "test-left")) as source:
        return tell_left(source, WATCH)


def test_what_a_handheld_ships_of_an_expired_lot_is_told_once_and_no_other(floor: Floor) -> None:
    ships(floor, "OLD", 1)
    assert tells(floor) == NOTHING, "nobody says that it expires"
    floor.dates("MILK", "OLD", TODAY)
    ships(floor, "NEW", 2)
    ships(floor, "OLD", 3)
    assert tells(floor) == NOTHING | {"shipped": 1}
    assert tells(floor) == NOTHING
    (told,) = floor.tickets("expired_lot_shipped")
    assert told.severity == "critical"
    assert told.summary == (
        "4 each of MILK lot OLD, which expired on 2026-03-02, left for a customer by handheld (shipment/SO-1)"
    )
    with (
        closing(LastingConnection(floor.ledger.app_dsn, "test-left")) as source,
        pytest.raises(NotAllowedError),
    ):
        tell_left(source, KIM)


def test_a_ticket_says_what_left_in_all_until_somebody_closes_it(floor: Floor) -> None:
    floor.dates("MILK", "OLD", TODAY)
    for minute in (1, 2):
        ships(floor, "OLD", minute)
        assert tells(floor) == NOTHING | {"shipped": 1}
    (told,) = floor.tickets("expired_lot_shipped")
    assert told.summary.startswith("8 each of MILK lot OLD, ")

    def close(conn: Connection) -> None:
        act_as(conn, WATCH)
        alerts.resolve(conn, [told.dedup_key])

    floor.ledger.as_app(close)
    ships(floor, "OLD", 3)
    assert tells(floor) == NOTHING | {"shipped": 1}
    (told,) = floor.tickets("expired_lot_shipped")
    assert told.summary.startswith("4 each of MILK lot OLD, ")


def test_what_a_handheld_picks_of_an_expired_lot_is_told_once_with_where_it_was_put_and_no_other(
    floor: Floor,
) -> None:
    floor.dates("MILK", "OLD", TODAY)
    old, new = (f"]C101{GTINS['MILK']}10{lot}" for lot in ("OLD", "NEW"))
    floor.moves(*(goes("MILK", 9, "STAGE-1", "A-01", lot) for lot in ("OLD", "NEW")))
    does(floor, "$MOVE", "A-01", "$QTY/2", old, "A-02", "$DONE", minute=1)
    does(floor, "$PICK/SO-1", "A-02", "$QTY/3", new, "$DONE", minute=2)
    assert tells(floor) == NOTHING, "moved, and good"
    does(floor, "$PICK/SO-1", "A-01", "$QTY/3", old, "$QTY/1", old, "$DONE", minute=3)
    assert tells(floor) == NOTHING | {"picked": 1}
    assert tells(floor) == NOTHING
    (told,) = floor.tickets("expired_lot_picked")
    assert told.severity == "critical"
    assert told.summary == (
        "4 each of MILK lot OLD, which expired on 2026-03-02, was picked into STAGE-1 by handheld (pick/SO-1)"
    )
    assert floor.tickets("expired_lot_shipped") == []


def test_what_leaves_for_a_customer_who_asks_for_more_life_is_told_once_by_handheld_or_on_paper(
    floor: Floor,
) -> None:
    for lot, days in (("OLD", 30), ("NEW", 31)):
        floor.dates("MILK", lot, TODAY + timedelta(days=days))
    asks(floor, "ACME", 90, item="BOX")
    ships(floor, "OLD", 1)
    assert tells(floor) == NOTHING, "nobody asks for more"
    asks(floor, "ACME", 30)
    asks(floor, "EASY", 365)
    ships(floor, "OLD", 2)
    ships(floor, "NEW", 3)
    of = {"type": "outbound_order", "id": "SO-1", "line": "1"}
    paper = {"site": SITE, "shipment": "S-9", "occurred_at": at(4), "lines": [
        {"line": "1", "of": of, "quantity": "1", "location": "STAGE-1", "lot": "OLD"}]}  # fmt: skip
    floor.ledger.as_app(lambda conn: ship(conn, KIM, ShipmentPaper.model_validate(paper), now=at(5)))
    assert tells(floor) == NOTHING | {"short": 2}
    assert tells(floor) == NOTHING
    told = {each.summary: each.severity for each in floor.tickets("short_life_shipped")}
    lot = "MILK lot OLD, which expires on 2026-04-01, left for ACME, who asks for 30 days"
    assert told == {
        f"4 each of {lot} (shipment/SO-1)": "warning",
        f"1 each of {lot} (outbound_order/SO-1)": "warning",
    }
    asks(floor, "ACME", 0, item="MILK")
    ships(floor, "OLD", 6)
    assert tells(floor) == NOTHING, "the item has terms of its own"


def test_the_own_number_of_a_shipment_on_paper_is_no_orders(floor: Floor) -> None:
    floor.dates("MILK", "OLD", TODAY + timedelta(days=30))
    asks(floor, "ACME", 30)
    named = (DocumentRef(type="shipment", id="SO-1", line="1"),)
    gone = goes("MILK", 2, "STAGE-1", "@customer", "OLD").model_copy(update={"documents": named})
    floor.ledger.state(stated(gone), actor=NET)
    assert tells(floor) == NOTHING, "nobody says whose it is"
    ships(floor, "OLD", 2)
    assert tells(floor) == NOTHING | {"short": 1}, "a handheld scans the order's"


def asks(floor: Floor, partner: str, days: int, *, item: str | None = None) -> None:
    """State how long goods must be good after they have left for a customer."""
    floor.ledger.as_app(lambda conn: put_life(conn, NET, partner=partner, item=item, days=days))


def test_a_date_that_is_taken_back_is_no_date(floor: Floor) -> None:
    floor.dates("MILK", "OLD", TODAY)
    floor.dates("MILK", "OLD", None)
    ships(floor, "OLD", 1)
    assert tells(floor) == NOTHING


def test_what_left_of_no_stated_lot_is_told_as_the_resolver_infers_it_until_it_infers_otherwise(
    floor: Floor,
) -> None:
    def told() -> set[str]:
        return {each.summary for each in floor.tickets("expired_lot_shipped")}

    left = "each of MILK lot {}, which expired on {}, left for a customer by handheld (shipment/SO-1)"
    old, new = left.format("OLD", "2026-03-02"), left.format("NEW", "2026-03-01")
    inferred = "; nobody stated the lot, it is inferred by fefo"
    floor.controls("MILK", rule="fefo")
    floor.dates("MILK", "OLD", TODAY)
    ships(floor, "OLD", 1)
    assert tells(floor) == NOTHING | {"shipped": 1}
    floor.moves(goes("MILK", 3, "STAGE-1", "@customer", under="shipment/SO-1", minute=2))
    assert tells(floor) == NOTHING, "nobody knows of which lot"
    floor.moves(goes("BOX", 1, "@supplier", "STAGE-1", minute=9))
    floor.resolves()
    assert tells(floor) == NOTHING | {"shipped": 1}
    assert tells(floor) == NOTHING
    assert told() == {f"4 {old}", f"3 {old}{inferred}"}
    floor.dates("MILK", "NEW", TODAY - timedelta(days=1))
    floor.resolves()
    assert tells(floor)["shipped"] == 1
    assert told() == {f"4 {old}", f"3 {new}{inferred}"}, "what was withdrawn is told no more"


def test_what_is_taken_back_before_anybody_looked_takes_nothing_off_what_is_told(floor: Floor) -> None:
    floor.controls("MILK", rule="fefo")
    floor.dates("MILK", "OLD", TODAY)
    for quantity, minute in ((3, 2), (2, 12)):
        floor.moves(goes("MILK", quantity, "STAGE-1", "@customer", under="shipment/SO-1", minute=minute))
        floor.moves(goes("BOX", 1, "@supplier", "STAGE-1", minute=minute + 7))
        floor.resolves()
        if minute == 2:
            assert tells(floor) == NOTHING | {"shipped": 1}
    ((gateway, epoch, seq),) = floor.ledger.query(
        "SELECT g.name, lpad(to_hex(m.epoch), 16, '0'), m.seq FROM movement m"
        " JOIN gateway g USING (gateway_id) WHERE g.name = 'gw-1' AND m.quantity = 2"
    )
    misread = RowRef(gateway=gateway, epoch=epoch, seq=seq)
    floor.ledger.as_app(lambda conn: post_reversal(conn, NET, misread, reason="misread"))
    floor.moves(goes("BOX", 1, "@supplier", "STAGE-1", minute=29))
    floor.resolves()
    assert tells(floor) == NOTHING
    (ticket,) = floor.tickets("expired_lot_shipped")
    assert ticket.summary.startswith("3 each of MILK lot OLD, ")
