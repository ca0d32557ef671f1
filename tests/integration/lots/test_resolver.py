"""What was not stated is resolved behind the watermark, whatever the order in which it became known."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest

from cloud.db import connect
from cloud.db.apart import PartsFailedError
from cloud.identity.actor import NotAllowedError
from cloud.ledger.domain import NotPostableError
from cloud.ledger.entries import CLOUD_EPOCH, CLOUD_GATEWAY
from cloud.ledger.verification.service import verify
from cloud.lots.domain import UnknownLotError
from cloud.lots.stating import state_lot
from tests.integration.ledger.scenario import Outbox, at, close_until
from tests.integration.lots.floor import BOSS, KIM, PALLET, SERIALS, Floor, goes, open_floor, stands

UNIT = PALLET


@pytest.fixture
def floor(database: object) -> Iterator[Floor]:
    with open_floor(database, "MILK", "KIT", "BOX", gateways=("gw-1",)) as floor:
        floor.controls("MILK", rule="fefo")
        yield floor


def test_what_was_not_stated_is_resolved_rule_by_rule_and_again_when_more_is_known(floor: Floor) -> None:
    floor.dates("MILK", "L1", date(2026, 5, 1))
    floor.dates("MILK", "L2", date(2026, 4, 1))
    floor.moves(
        goes("MILK", 10, "@supplier", "A-01", "L1", minute=1),
        goes("MILK", 3, "A-01", "@customer", under="outbound_order/SO-1", minute=2),  # the only cell
        goes("MILK", 5, "@supplier", "A-01", "L2", minute=3),
        goes("MILK", 6, "A-01", "B-01", minute=4),  # first expired first: 5 of L2, 1 of L1
        goes("MILK", 4, "@supplier", "C-01", minute=5),  # nothing tells
        goes("MILK", 2, "@supplier", UNIT, "L3", minute=6),
        goes("MILK", 1, UNIT, "D-01", minute=7),  # what the unit holds
        stands(UNIT, "D-02", 8),
    )
    assert floor.resolves()["posted"] == 10
    assert floor.resolves() == {"items": 0, "posted": 0}, "once"
    assert floor.lots() == {
        ("A-01", "L1"): 6,
        ("B-01", "L1"): 1,
        ("B-01", "L2"): 5,
        ("C-01", "unspecified"): 4,
        (UNIT, "L3"): 1,
        ("D-01", "L3"): 1,
    }
    assert floor.rules() == {"only_cell", "fefo", "unit_content", "unspecified"}
    (got,) = floor.story("MILK", "L1").recipients
    assert (got.type, got.id, got.quantity) == ("outbound_order", "SO-1", 3)
    # a late fact changes what earlier picks must have been
    late = Outbox(epoch="00000000000000bb")
    floor.ledger.post(late.seal([goes("MILK", 2, "A-01", "Z-01", "L2", minute=3.5)]))
    floor.resolves()
    assert floor.lots()["B-01", "L2"] == 3
    assert floor.lots()["B-01", "L1"] == 3
    # dates that are stated otherwise, too: L1 went first
    floor.dates("MILK", "L1", date(2026, 3, 15))
    floor.resolves()
    assert (floor.lots()["B-01", "L1"], ("B-01", "L2") in floor.lots()) == (6, False)
    floor.dates("MILK", "L1", None)
    floor.resolves()
    assert (floor.lots()["B-01", "L1"], floor.lots()["B-01", "L2"]) == (3, 3)
    # somebody reads the label
    (todo,) = floor.unstated()
    floor.states(todo.cell_id, "L9", 3)
    floor.resolves()
    assert {key: amount for key, amount in floor.lots().items() if key[0] == "C-01"} == {
        ("C-01", "L9"): 3,
        ("C-01", "unspecified"): 1,
    }


def test_serials_papers_and_dock_accounts_tell_lots_also_when_they_come_later(floor: Floor) -> None:
    first, second = SERIALS[:2]
    floor.moves(
        goes("MILK", 1, "@supplier", "S-01", minute=1, epcs=(first,)),
        goes("MILK", 1, "@supplier", "S-02", minute=2, epcs=(second,)),
        goes("MILK", 5, "@supplier", "P-01", minute=3, under="asn/ASN-1"),
        goes("MILK", 6, "@clearing/dock-1", "C-01", minute=4),
        goes("MILK", 7, "@supplier", UNIT, minute=5),
        goes("MILK", 8, "@supplier", "X-01", minute=6),
        goes("MILK", 1, "X-01", "@customer", minute=9, epcs=(second,)),
    )
    floor.resolves()
    assert {lot for _, lot in floor.lots()} == {"unspecified"}, "nothing tells yet"
    floor.announces("ASN-1", "MILK", 5, "LP")
    floor.announces("ASN-2", "MILK", 7, "LU", UNIT)
    floor.moves(
        goes("MILK", 1, "S-01", "S-03", "LS", minute=10, epcs=(first,)),
        goes("MILK", 6, "@supplier", "@clearing/dock-1", "LC", minute=11),
        goes("MILK", 1, "@customer", "R-01", "LR", minute=12, epcs=(second,)),
    )
    floor.resolves()
    assert floor.lots() == {
        ("S-03", "LS"): 1,
        ("S-02", "LR"): 1,
        ("P-01", "LP"): 5,
        ("C-01", "LC"): 6,
        (UNIT, "LU"): 7,
        ("X-01", "unspecified"): 8,
        ("X-01", "LR"): -1,
        ("R-01", "LR"): 1,
    }
    assert floor.rules() >= {"serial", "document", "receipt", "unit_content", "withdrawn"}
    assert floor.resolves() == {"items": 0, "posted": 0}
    ((left,),) = floor.ledger.query("SELECT count(*) FROM resolver_due")
    assert left == 0


def test_a_place_holds_what_was_counted_there_however_often_its_goods_get_other_names(floor: Floor) -> None:
    floor.moves(
        goes("MILK", 6, "@supplier", "A-01", "L1", minute=1),
        goes("MILK", 2, "A-01", "B-01", minute=2),
        goes("MILK", 4, "@supplier", "D-01", minute=3, under="asn/ASN-1"),
        goes("KIT", 6, "@supplier", "K-01", minute=1, under="asn/ASN-2"),
        goes("BOX", 1, "@supplier", "Z-01", minute=20),
    )
    floor.counts("B-01", None, 3, minute=10)
    floor.counts("K-01", None, 5, minute=10)
    floor.controls("KIT", rule=None)  # lots are known from here on: all of the past is resolved
    assert floor.resolves()["posted"]
    assert floor.resolves() == {"items": 0, "posted": 0}, "once"
    resolved = {("B-01", "L1"): 2, ("B-01", "unspecified"): 1, ("K-01", "unspecified"): 5}
    assert floor.lots().items() >= resolved.items()
    floor.counts("D-01", "unspecified", 5, minute=10)
    floor.counts("A-01", "L1", 3, minute=10)
    late = Outbox(epoch="00000000000000bb")
    floor.ledger.post(
        late.seal(
            [
                goes("MILK", 1, "@supplier", "B-01", minute=5),
                goes("MILK", 2, "@supplier", "D-01", minute=5, under="asn/ASN-1"),
                goes("MILK", 1, "A-01", "@customer", minute=6),
                goes("KIT", 3, "@supplier", "K-01", minute=11),
            ]
        )
    )
    floor.settles()
    assert floor.there() == {"A-01": 3, "B-01": 3, "D-01": 5, "K-01": 8, "Z-01": 1}
    floor.announces("ASN-1", "MILK", 6, "LD")
    floor.announces("ASN-2", "KIT", 6, "LK")
    floor.settles()
    assert floor.there() == {"A-01": 3, "B-01": 3, "D-01": 5, "K-01": 8, "Z-01": 1}
    told = {("A-01", "L1"): 3, ("K-01", "LK"): 5, ("K-01", "unspecified"): 3}
    assert floor.lots().items() >= told.items()
    rows = floor.ledger.query(
        "SELECT a.counted + a.inferred, q.quantity, a.state FROM count_anchor a "
        "CROSS JOIN LATERAL as_of(ARRAY[a.cell_id], a.observed_at, 9223372036854775807) q"
    )
    assert [(wanted, "bound") for wanted, _, _ in rows] == [(held, state) for _, held, state in rows]


def test_a_stock_list_that_tells_no_lots_states_the_total_over_them_and_never_adds(floor: Floor) -> None:
    floor.dates("MILK", "L2", date(2026, 4, 1))
    floor.moves(
        goes("MILK", 10, "@supplier", "A-01", "L1", minute=1),
        goes("MILK", 5, "@supplier", "A-01", "L2", minute=2),
        goes("MILK", 6, "@supplier", "B-01", minute=3, under="asn/ASN-1"),
        goes("MILK", 2, "@supplier", UNIT, "L3", minute=4),
        stands(UNIT, "C-01", 5),
        goes("MILK", 4, "@supplier", "C-01", "L4", minute=5),
        goes("KIT", 9, "@supplier", "D-01", "L5", minute=5),
        goes("KIT", 3, "@supplier", "D-01", "L6", minute=5),
        goes("BOX", 1, "@supplier", "Z-01", minute=90),
    )
    floor.announces("ASN-1", "MILK", 6, "LB")
    floor.settles()
    assert floor.lots()["B-01", "LB"] == 6
    before = floor.there()
    same = {"A-01": 15, "B-01": 6, "C-01": 6, "D-01": 12}
    decision = floor.reconciles(same)
    assert (decision.effect["differing"], decision.state) == (0, "submitted")
    floor.approves(decision.decision_id, by=BOSS)
    floor.settles()
    assert floor.there() == before, "what the resolver named is not there twice"

    decision = floor.reconciles({"A-01": 12, "B-01": 7, "C-01": 7, "D-01": 2}, minute=61)
    assert {each["location"]: each["spread"] for each in decision.effect["largest_differences"]} == {
        "A-01": ["lot L1: 10 → 10", "lot L2: 5 → 5", "no lot: 0 → -3 (lot by the item's rule)"],
        "B-01": ["lot LB: 6 → 7"],
        "C-01": [f"lot L3 in {UNIT}: 2 → 2", "lot L4: 4 → 4", "no lot: 0 → 1 (nobody knows the lot)"],
        "D-01": ["lot L5: 9 → 0", "lot L6: 3 → 2"],
    }
    floor.controls("MILK", rule=None)
    (unruled,) = floor.reconciles({"A-01": 12}, minute=61).effect["largest_differences"]
    assert unruled["spread"][-1] == "no lot: 0 → -3 (nobody knows the lot)"
    floor.controls("MILK", rule="fefo")
    floor.approves(decision.decision_id, by=BOSS)
    floor.settles()
    assert floor.lots() == {
        ("A-01", "L1"): 10,
        ("A-01", "L2"): 2,  # three are missing of what expires first
        ("B-01", "LB"): 7,
        (UNIT, "L3"): 2,
        ("C-01", "L4"): 4,
        ("C-01", "unspecified"): 1,  # what was found: nobody knows
        ("D-01", "L6"): 2,
        ("Z-01", None): 1,
    }
    late = Outbox(epoch="00000000000000bb")
    floor.ledger.post(
        late.seal(
            [
                goes("MILK", 4, "@supplier", "A-01", "L1", minute=6),
                goes("MILK", 1, "@supplier", "A-01", minute=7),
                goes("BOX", 1, "@supplier", "Z-01", minute=91),
            ]
        )
    )
    floor.settles()
    assert floor.there() == {"A-01": 12, "B-01": 7, "C-01": 5, UNIT: 2, "D-01": 2, "Z-01": 2}
    assert floor.ledger.as_owner(verify).is_clean


def test_what_was_inferred_is_stated_once_and_not_reversed(floor: Floor) -> None:
    floor.moves(goes("MILK", 6, "@supplier", "A-01", minute=1))
    floor.resolves()
    (inferred, *_) = floor.ledger.query("SELECT seq FROM movement WHERE detail ? 'inferred'")
    with pytest.raises(NotPostableError, match="state the lot where the goods lie"):
        floor.reverses_movement(inferred[0], gateway=CLOUD_GATEWAY, epoch=CLOUD_EPOCH)
    (todo,) = floor.unstated()
    asked = {"cell_id": todo.cell_id, "lot": "L7", "quantity": Decimal(6), "now": at(100)}
    is_waiting = "SELECT FROM pg_stat_activity WHERE application_name = 'second' AND wait_event_type = 'Lock'"

    def second() -> None:
        with connect(floor.ledger.app_dsn, "second", autocommit=True) as conn, conn.transaction():
            state_lot(conn, KIM, **asked)

    with connect(floor.ledger.app_dsn, "first", autocommit=True) as conn, ThreadPoolExecutor(1) as threads:
        with conn.transaction():
            state_lot(conn, KIM, **asked)
            other = threads.submit(second)
            while not floor.ledger.as_app(lambda conn: conn.execute(is_waiting).fetchall()):
                assert not other.done()
        with pytest.raises(UnknownLotError, match="nothing lies there"):
            other.result()
    assert floor.lots() == {("A-01", "L7"): 6}
    floor.moves(goes("MILK", 1, "@supplier", "B-01", minute=2))
    floor.resolves()
    close_until(floor.ledger, at(150))
    (todo,) = floor.unstated()
    with pytest.raises(NotAllowedError, match="closed until"):
        floor.states(todo.cell_id, "L7", 1)
    floor.states(todo.cell_id, "L7", 1, minute=151)


def test_an_item_that_cannot_be_resolved_is_told_and_passed_over(floor: Floor) -> None:
    floor.controls("KIT", rule=None)
    floor.moves(goes("MILK", 1, "@supplier", "A-01", minute=1), goes("KIT", 1, "@supplier", "A-01", minute=1))
    floor.dates("MILK", "L1", date(2026, 5, 1))
    floor.ledger.query(
        "UPDATE lot SET expires_on = 'infinity' RETURNING 1"
    )  # no day that anybody can count to
    with pytest.raises(PartsFailedError, match=r"^item \d+: ValueError: .*infinity"):
        floor.resolves()
    assert floor.lots() == {("A-01", None): 1, ("A-01", "unspecified"): 1}


def test_what_was_taken_back_tells_nothing_and_when_the_resolver_ran_is_no_matter(floor: Floor) -> None:
    serial = SERIALS[0]
    dock = "@clearing/dock-1"
    floor.controls("KIT", rule="fifo")
    floor.moves(
        goes("MILK", 1, "@supplier", "S-01", "L9", minute=1, epcs=(serial,)),
        goes("MILK", 6, "@supplier", dock, "L8", minute=2),
        goes("KIT", 5, "@supplier", "K-01", "L9", minute=1),
        goes("KIT", 5, "@supplier", "K-01", "L5", minute=3),
        goes("BOX", 1, "@supplier", "Z-01", minute=20),
    )
    floor.moves(
        goes("MILK", 1, "@supplier", "S-02", minute=15, epcs=(serial,)),
        goes("MILK", 6, dock, "C-01", minute=0.5),  # seen before what tells of it
        goes("MILK", 5, "@supplier", "A-01", "L3", minute=5),
        goes("MILK", 5, "@supplier", "A-01", "L1", minute=6),
    )
    floor.resolves()
    assert floor.lots().items() >= {("S-02", "L9"): 1, ("C-01", "L8"): 6}.items()
    for seq in (1, 2, 3):
        floor.reverses_movement(seq)
    floor.moves(
        goes("KIT", 5, "@supplier", "K-01", "L9", minute=7),
    )
    floor.resolves()
    floor.moves(
        goes("KIT", 2, "K-01", "B-01", minute=16),  # first in: L5, for the L9 of before was none
        goes("MILK", 2, "A-01", "B-01", minute=16),  # both without a date: the L3, which came first
    )
    floor.resolves()
    assert (
        floor.lots().items()
        >= {
            ("S-02", "unspecified"): 1,
            ("C-01", "unspecified"): 6,
            ("K-01", "L5"): 3,
            ("A-01", "L3"): 3,
        }.items()
    )
