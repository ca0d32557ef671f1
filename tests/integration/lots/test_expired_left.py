"""What handhelds pick or ship of expired lots has happened and is told once; on the real ledger."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date
from typing import Any

import pytest

from cloud.db import LastingConnection
from cloud.identity.actor import NotAllowedError
from cloud.ledger.verification.service import verify
from cloud.lots.expiry import WATCH
from cloud.lots.left_expired import tell_left
from contracts.records import Movement
from tests.integration.documents.test_scanned_receipts import work
from tests.integration.lots.floor import GTINS, KIM, Floor, goes, open_floor

TODAY = date(2026, 3, 2)


@pytest.fixture
def floor(database: object) -> Iterator[Floor]:
    with open_floor(database, "MILK", gateways=("gw-1",)) as floor:
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
    assert tells(floor) == {"left": 0, "picked": 0}, "nobody says that it expires"
    floor.dates("MILK", "OLD", TODAY)
    ships(floor, "NEW", 2)
    ships(floor, "OLD", 3)
    assert tells(floor) == {"left": 1, "picked": 0}
    assert tells(floor) == {"left": 0, "picked": 0}
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


def test_what_a_handheld_picks_of_an_expired_lot_is_told_once_where_it_stands_and_no_other(
    floor: Floor,
) -> None:
    floor.dates("MILK", "OLD", TODAY)
    old, new = (f"]C101{GTINS['MILK']}10{lot}" for lot in ("OLD", "NEW"))
    floor.moves(*(goes("MILK", 9, "STAGE-1", "A-01", lot) for lot in ("OLD", "NEW")))
    does(floor, "$MOVE", "A-01", "$QTY/2", old, "A-02", "$DONE", minute=1)
    does(floor, "$PICK/SO-1", "A-02", "$QTY/3", new, "$DONE", minute=2)
    assert tells(floor) == {"left": 0, "picked": 0}, "moved, and good"
    does(floor, "$PICK/SO-1", "A-01", "$QTY/3", old, "$QTY/1", old, "$DONE", minute=3)
    assert tells(floor) == {"left": 0, "picked": 1}
    assert tells(floor) == {"left": 0, "picked": 0}
    (told,) = floor.tickets("expired_lot_picked")
    assert told.severity == "critical"
    assert told.summary == (
        "4 each of MILK lot OLD, which expired on 2026-03-02, was picked into STAGE-1 by handheld (pick/SO-1)"
    )
    assert floor.tickets("expired_lot_shipped") == []
