"""Goods that handhelds mark damaged where they lie are told; on the real ledger."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest

from cloud.alerts import service as alerts
from cloud.db import Connection, LastingConnection
from cloud.identity.actor import NotAllowedError
from cloud.identity.store import act_as
from cloud.lots.damaged import tell_damaged
from cloud.lots.expiry import WATCH
from contracts.records import Movement
from tests.integration.documents.test_scanned_receipts import work
from tests.integration.ledger.scenario import SITE, stated
from tests.integration.lots.floor import GTINS, KIM, NET, Floor, goes, open_floor


@pytest.fixture
def floor(database: object) -> Iterator[Floor]:
    with open_floor(database, "MILK", "BOX", gateways=("gw-1",)) as floor:
        floor.moves(goes("MILK", 20, "@supplier", "A-01", "L1"), goes("BOX", 9, "@supplier", "A-01"))
        yield floor


def marks(floor: Floor, *labels: str, minute: int) -> None:
    """Mark goods of a place with a handheld."""
    records = work(*labels, minute=minute)
    floor.moves(*(each for each in records if isinstance(each, Movement)))


def tells(floor: Floor) -> Mapping[str, Any]:
    with closing(LastingConnection(floor.ledger.app_dsn, "test-damaged")) as source:
        return tell_damaged(source, WATCH)


def test_what_a_handheld_marks_damaged_is_told_by_item_lot_and_place(floor: Floor) -> None:
    milk, box = f"]C101{GTINS['MILK']}10L1", f"]C101{GTINS['BOX']}"
    marks(floor, "$MOVE", "A-01", "$QTY/5", milk, "A-02", "$DONE", minute=1)
    assert tells(floor) == {"damaged": 0}, "moved only"
    marks(floor, "$DAMAGE/WET", "A-01", "$QTY/2", milk, box, "$DONE", minute=2)
    floor.reverses_movement(floor.outbox.seq)
    marks(floor, "$DAMAGE/BROKEN", "A-02", milk, "A-01", box, "$DONE", minute=3)
    assert tells(floor) == {"damaged": 3}
    assert tells(floor) == {"damaged": 0}
    told = {each.summary: each for each in floor.tickets("goods_damaged")}
    assert sorted(told) == [
        "1 each of BOX at A-01 is marked damaged (broken)",
        "1 each of MILK lot L1 at A-02 is marked damaged (broken)",
        "2 each of MILK lot L1 at A-01 are marked damaged (wet)",
    ]
    ticket = told["2 each of MILK lot L1 at A-01 are marked damaged (wet)"]
    assert (ticket.severity, ticket.site, ticket.detail["page_url"]) == ("warning", SITE, "/lots/MILK/L1")
    marks(floor, "$DAMAGE/WET", "A-01", milk, "$DONE", minute=4)
    assert tells(floor) == {"damaged": 1}
    assert "3 each of MILK lot L1 at A-01 are marked damaged (wet)" in {
        each.summary for each in floor.tickets("goods_damaged")
    }

    def close(conn: Connection) -> None:
        act_as(conn, WATCH)
        alerts.resolve(conn, [ticket.dedup_key])

    floor.ledger.as_app(close)
    marks(floor, "$DAMAGE/WET", "A-01", milk, "$DONE", minute=5)
    assert tells(floor) == {"damaged": 1}
    assert "1 each of MILK lot L1 at A-01 is marked damaged (wet)" in {
        each.summary for each in floor.tickets("goods_damaged")
    }
    with (
        closing(LastingConnection(floor.ledger.app_dsn, "test-damaged")) as source,
        pytest.raises(NotAllowedError),
    ):
        tell_damaged(source, KIM)


def test_what_waited_for_a_judgement_or_was_moved_by_hand_is_told_elsewhere(floor: Floor) -> None:
    floor.moves(
        goes("MILK", 2, "A-01", "A-01", "L1", into="inspection"),
        goes("MILK", 1, "A-01", "A-01", "L1", disposition="inspection", into="damaged"),
    )
    by_hand = goes("MILK", 1, "A-01", "A-01", "L1", into="damaged")
    floor.ledger.state(stated(by_hand), actor=NET)
    assert tells(floor) == {"damaged": 0}
