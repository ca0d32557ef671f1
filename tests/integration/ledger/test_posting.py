"""A posting stores its rows, balances and place in the order, or nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from scenario import CONTROLLER, Ledger, Outbox, at, move, stated

from cloud.identity.actor import Actor, NotAllowedError
from cloud.ledger.domain import NotPostableError, UnknownGatewayError
from cloud.master.store import add_identifier, add_item
from contracts.feedback import StoredAs
from contracts.records import RowRef, Side


def test_a_batch_becomes_rows_balances_and_the_next_position(ledger: Ledger) -> None:
    gateway = Outbox()
    first = ledger.post(gateway.seal([move("10", "@supplier", "A-01"), move("4", "A-01", "B-07")]))
    second = ledger.post(gateway.seal([move("1", "B-07", "@customer")]))
    assert (first.position, second.position) == (1, 2)
    assert second.recorded_at >= first.recorded_at
    assert first.outcomes[0].status is StoredAs.STORED
    assert ledger.balances() == {"@supplier": -10, "A-01": 6, "B-07": 3, "@customer": 1}
    assert ledger.query("SELECT contiguous_no, contiguous_sha256 FROM completeness") == [(2, gateway.sha256)]


def test_an_unknown_code_becomes_a_provisional_item_and_bin(ledger: Ledger) -> None:
    ledger.post(Outbox().seal([move("1", "@supplier", "Z-99", item="09999999999994")]))
    assert ledger.query("SELECT code, is_provisional FROM item") == [("gtin:09999999999994", True)]
    assert ledger.query("SELECT code, kind, is_provisional FROM location ORDER BY code") == [
        ("@supplier", "virtual", False),
        ("Z-99", "bin", True),
    ]


def test_what_was_not_stated_is_posted_as_not_known(ledger: Ledger) -> None:
    ledger.post(Outbox().seal([move("1", Side(), "A-01")]))
    assert ledger.balances() == {"@unknown": -1, "A-01": 1}
    assert ledger.query("SELECT DISTINCT lot, disposition, owner FROM cell") == [(None, None, None)]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (move("1", "@nowhere", "A-01"), "unknown_virtual_account"),
        (move("1", "A-01", "B-01", unit_seen="01234567890128"), "unknown_unit"),
        (move("1", Side(), Side(location="@unknown")), "moves_nothing"),
    ],
)
def test_a_row_that_cannot_be_stored_is_held_and_the_others_are_posted(
    ledger: Ledger, record: object, reason: str
) -> None:
    posted = ledger.post(Outbox().seal([move("2", "@supplier", "A-01"), record, move("1", "A-01", "B-01")]))
    assert posted.outcomes[0].status is StoredAs.PARTLY_QUARANTINED
    assert ledger.query("SELECT seq, reason, state FROM quarantine") == [(2, reason, "held")]
    assert ledger.balances() == {"@supplier": -2, "A-01": 1, "B-01": 1}


def test_a_row_that_is_in_the_ledger_already_is_held_not_counted_twice(ledger: Ledger) -> None:
    ledger.post(Outbox().seal([move("2", "@supplier", "A-01"), move("1", "A-01", "B-01")]))
    forged = Outbox(batch_no=7)
    ledger.post(
        forged.seal([move("2", "@supplier", "A-01"), move("1", "A-01", "B-01"), move("1", "A-01", "C-01")])
    )
    assert ledger.query("SELECT seq, reason FROM quarantine ORDER BY seq") == [
        (1, "duplicate_row"),
        (2, "duplicate_row"),
    ]
    assert ledger.balances() == {"@supplier": -2, "B-01": 1, "C-01": 1}


def test_a_batch_of_an_unregistered_gateway_or_another_site_is_refused(ledger: Ledger) -> None:
    with pytest.raises(UnknownGatewayError, match="leeds/gw-9: not registered"):
        ledger.post(Outbox(gateway="gw-9").seal([move("1", "@supplier", "A-01")]))
    with pytest.raises(UnknownGatewayError, match="york/gw-1: registered for site 'leeds'"):
        ledger.post(Outbox(site="york").seal([move("1", "@supplier", "A-01")]))
    assert ledger.query("SELECT position FROM ledger_head") == [(0,)]


def test_statements_get_identities_of_the_cloud(ledger: Ledger) -> None:
    posted = ledger.state(stated(move("5", "@opening", "A-01")), stated(move("1", "A-01", "B-01")))
    assert [ref.gateway for ref in posted.rows] == ["_cloud", "_cloud"]
    assert ledger.balances() == {"@opening": -5, "A-01": 4, "B-01": 1}
    replayed = RowRef(gateway="gw-2", epoch="00000000000000bb", seq=17)
    statement = stated(move("1", "A-01", "B-01"))
    assert ledger.state(type(statement)(statement.site, statement.row, replayed)).rows == (replayed,)
    with pytest.raises(NotPostableError, match="is in the ledger"):
        ledger.state(type(statement)(statement.site, statement.row, replayed))


def test_nobody_posts_at_a_site_out_of_reach(ledger: Ledger) -> None:
    stranger = Actor("user:eve", CONTROLLER.roles)
    with pytest.raises(NotAllowedError, match="user:eve has no right at site 'leeds'"):
        ledger.state(stated(move("5", "@opening", "A-01")), actor=stranger)


def test_packaging_levels_convert_by_the_exact_ratio_of_their_time(ledger: Ledger) -> None:
    def name_item(conn: object) -> None:
        item = add_item(conn, "SKU-1", name="Tea", category=None, base_unit="each")
        add_identifier(conn, ("gtin", "05012345678900"), item, ratio=(1, 1), valid_from=None)
        add_identifier(conn, ("gtin", "15012345678907"), item, ratio=(12, 1), valid_from=None)
        add_identifier(conn, ("gtin", "15012345678907"), item, ratio=(10, 1), valid_from=at(60))

    ledger.as_app(name_item)
    case = {"unit_seen": "15012345678907"}
    ledger.post(
        Outbox().seal([move("2", "@supplier", "A-01", **case), move("1", "A-01", "B-01", minute=90, **case)])
    )
    assert ledger.balances() == {"@supplier": -24, "A-01": 14, "B-01": 10}
    rows = ledger.query("SELECT quantity_seen, unit_seen, quantity FROM movement ORDER BY seq")
    assert rows == [(2, "15012345678907", Decimal(24)), (1, "15012345678907", Decimal(10))]


def test_batches_out_of_order_leave_completeness_where_the_hole_is(ledger: Ledger) -> None:
    gateway = Outbox()
    batches = [gateway.seal([move("1", "@supplier", "A-01", minute=n)]) for n in range(4)]
    reached = []
    for number in (1, 3, 0, 2):
        ledger.post(batches[number])
        reached += ledger.query("SELECT contiguous_no FROM completeness")
    assert reached == [(0,), (0,), (2,), (4,)]


def test_nothing_is_complete_beyond_now_whatever_a_clock_of_tomorrow_says(ledger: Ledger) -> None:
    batch = Outbox().seal([move("1", "@supplier", "A-01")])
    tomorrow = batch.header.model_copy(update={"complete_until": datetime.now(UTC) + timedelta(days=1)})
    ledger.post(replace(batch, header=tomorrow))
    assert ledger.query("SELECT contiguous_no, complete_until <= now() FROM completeness") == [(1, True)]
