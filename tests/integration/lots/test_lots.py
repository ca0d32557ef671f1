"""Where a lot is and who got it, through kits, repacks and pallets; on the real ledger."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import psycopg
import pytest

from cloud.documents.domain import DocumentError
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.ledger.corrections import merge_items
from cloud.lots import recalls
from cloud.lots.domain import LotConflictError
from cloud.lots.expiry import expiring
from cloud.lots.reading import lots, story
from cloud.master.store import add_gateway
from cloud.units.stock import By, StockFilter, stock_by
from contracts.base import SiteId
from contracts.records import UnitPosition
from tests.integration.ledger.scenario import Outbox, at
from tests.integration.lots.floor import BOSS, KIM, NET, PALLET, Floor, goes, open_floor, stands

SITES = SiteId("leeds"), SiteId("york")


@pytest.fixture
def floor(database: object) -> Iterator[Floor]:
    with open_floor(database, "MILK", "BOX", "KIT", "GIFT", gateways=("gw-1",)) as floor:
        yield floor


def _names(relatives: list) -> list[tuple[str, str | None, int, bool]]:
    return [(each.item, each.key.lot, each.steps, each.is_possible) for each in relatives]


def test_a_lot_is_followed_through_kits_repacks_and_pallets_to_who_got_it(floor: Floor) -> None:
    floor.orders("SO-1", "KIT", 4, "ACME")
    floor.orders("SO-2", "GIFT", 2, "BETA")
    floor.moves(
        goes("MILK", 100, "@supplier", "A-01", "L1"),
        goes("MILK", 100, "@supplier", "A-02", "L2"),
        goes("BOX", 50, "@supplier", "A-03"),
        # a kit of L1 under one id, in two runs
        goes("MILK", 10, "A-01", "@transformation", "L1", under="kit/4717", minute=5, workflow_run="r1"),
        goes("BOX", 5, "A-03", "@transformation", under="kit/4717", minute=5, workflow_run="r2"),
        goes("KIT", 5, "@transformation", "B-01", "K1", under="kit/4717", minute=6, workflow_run="r2"),
        # a kit of L2 only
        goes("MILK", 2, "A-02", "@transformation", "L2", under="kit/4718", minute=7),
        goes("KIT", 1, "@transformation", "B-01", "K2", under="kit/4718", minute=8),
        # repacked, onto a pallet that is put together and stands in a lane
        goes("KIT", 3, "B-01", "@transformation", "K1", under="repack/9", minute=9),
        goes("GIFT", 3, "@transformation", "C-01", "G1", under="repack/9", minute=10),
        goes("GIFT", 3, "C-01", PALLET, "G1", minute=11),
        stands(PALLET, "LANE-1", 12),
        goes("GIFT", 2, PALLET, "@customer", "G1", under="outbound_order/SO-2", minute=13),
        goes("KIT", 1, "B-01", "@customer", "K1", under="outbound_order/SO-1", minute=14),
    )
    story = floor.story("MILK", "L1")
    assert _names(story.genealogy.forward()) == [
        ("MILK", "L1", 0, False),
        ("KIT", "K1", 1, False),
        ("GIFT", "G1", 2, False),
    ]
    milk, kit, gift = story.forward
    assert [(row.location, row.quantity) for row in milk.stock] == [("A-01", 90)]
    assert [(row.location, row.quantity) for row in kit.stock] == [("B-01", 1)]
    assert [(row.location, row.unit, row.quantity) for row in gift.stock] == [("LANE-1", PALLET, 1)]
    assert [(row.partner, row.id, row.item, row.quantity) for row in story.recipients] == [
        ("ACME", "SO-1", "KIT", 1),
        ("BETA", "SO-2", "GIFT", 2),
    ]
    back = floor.story("GIFT", "G1").genealogy
    assert _names(back.backward()) == [
        ("GIFT", "G1", 0, False),
        ("KIT", "K1", -1, False),
        ("MILK", "L1", -2, False),
        ("BOX", None, -2, False),
    ]


def test_a_recall_is_decided_held_followed_and_given_back_by_two_people(floor: Floor) -> None:
    floor.orders("SO-1", "KIT", 2, "ACME")
    floor.orders("SO-2", "KIT", 2, "ACME")
    floor.moves(
        goes("MILK", 100, "@supplier", "A-01", "L1"),
        goes("MILK", 4, "@supplier", "A-01", "L1", into="damaged"),
        goes("MILK", 7, "@supplier", "A-01", "L2"),
        goes("MILK", 10, "A-01", "@transformation", "L1", under="kit/1", minute=5),
        goes("KIT", 5, "@transformation", PALLET, "K1", under="kit/1", minute=6),
        stands(PALLET, "LANE-1", 7),
        goes("KIT", 2, PALLET, "@customer", "K1", under="outbound_order/SO-1", minute=8),
    )
    recall = floor.recalls("MILK", "L1")
    (ticket,) = floor.tickets("lot_recall")
    assert ticket.owner == "user:kim"
    assert [(got["customer"], got["quantity"]) for got in ticket.detail["recipients"]] == [("ACME", "2")]
    with pytest.raises(LotConflictError, match="recalled already"):
        floor.recalls("MILK", "L1")
    (site,) = floor.recall_sites(recall)
    assert site.state == "submitted", "its value is not known: above every limit of one's own"
    with pytest.raises(NotAllowedError):
        floor.approves(site.decision_id, by=KIM)
    assert floor.approves(site.decision_id, by=BOSS).state == "applied"
    assert floor.conditions() == {
        ("A-01", "MILK", "L1", "recalled"): 94,
        ("A-01", "MILK", "L2", None): 7,
        (PALLET, "KIT", "K1", "recalled"): 3,
    }
    with pytest.raises(DocumentError, match=r"lot 'K1' of item 'KIT' is recalled \(R1\)"):
        floor.ships("KIT", "K1", "SO-2", out_of=PALLET)
    # what comes later, and what is moved while it is held
    floor.moves(
        goes("MILK", 6, "@customer", "R-01", "L1", minute=20),
        goes("MILK", 50, "A-01", "Q-01", "L1", minute=21, disposition="recalled", into="recalled"),
    )
    assert floor.follows()["held"] == 1
    assert floor.follows() == {"reached": 0, "held": 0, "asked": 0, "ended": 0}, "followed once"
    assert floor.conditions()["R-01", "MILK", "L1", "recalled"] == 6
    # undone by somebody who may, in the conditions before; what was moved since is on hold
    floor.reverses(site.decision_id, by=BOSS)
    assert floor.conditions() == {
        ("A-01", "MILK", "L1", None): 40,
        ("A-01", "MILK", "L1", "damaged"): 4,
        ("A-01", "MILK", "L2", None): 7,
        ("R-01", "MILK", "L1", None): 6,
        ("Q-01", "MILK", "L1", "hold"): 50,
        (PALLET, "KIT", "K1", None): 3,
    }
    assert floor.follows()["held"] == 0, "a site that gave it back is not held again"
    floor.ships("KIT", "K1", "SO-2", out_of=PALLET)
    assert floor.ends(recall).ended_because == "unfounded"
    assert not floor.tickets("lot_recall")
    actions = [row[0] for row in floor.ledger.query("SELECT action FROM audit_event ORDER BY audit_id")]
    wanted = ["lot_recalled", "recall_held", "recall_held", "recall_given_back", "recall_ended"]
    assert [action for action in actions if "recall" in action] == wanted


def test_lots_expire_at_the_midnight_of_the_site_and_somebody_is_told(floor: Floor) -> None:
    floor.ledger.query("UPDATE site SET time_zone = 'Pacific/Auckland' RETURNING 1")  # 13 hours ahead of UTC
    floor.costs("MILK", "1.50")
    floor.moves(
        goes("MILK", 10, "@supplier", "A-01", "OLD"),
        goes("MILK", 2, "@supplier", "A-01", "OLD", into="damaged"),
        goes("MILK", 4, "@supplier", PALLET, "OLD"),
        goes("MILK", 7, "@supplier", "A-01", "SOON"),
        goes("MILK", 5, "@supplier", "A-02", "LATE"),
        goes("MILK", 3, "@supplier", "A-02"),
        goes("BOX", 2, "A-01", "@customer", "BELOW-ZERO"),
        stands(PALLET, "LANE-1", 1),
    )
    floor.dates("BOX", "BELOW-ZERO", date(2026, 3, 4))
    for lot, day in (("OLD", 3), ("SOON", 20), ("LATE", 30)):
        floor.dates("MILK", lot, date(2026, 3, day))
    before, after = datetime(2026, 3, 2, 10, 59, tzinfo=UTC), datetime(2026, 3, 2, 11, 1, tzinfo=UTC)
    floor.watches(days=20, owner="user:bo")
    assert [(row.lot, row.days_left) for row in floor.expiring(before, 20)] == [("OLD", 1), ("SOON", 18)]
    (old, _) = floor.expiring(after, 20)
    assert (old.days_left, old.on_hand, old.shippable_quantity, old.value, old.currency) == (
        0,
        16,
        14,
        24,
        "GBP",
    )
    for now, usable in ((before, 29), (after, 15)):
        (free,) = floor.available("MILK", now)
        gone = sum(row.shippable_quantity for row in floor.expiring(now, 0))
        assert free.usable == usable
        assert free.on_hand - free.usable - 2 == gone, "one definition: what has expired is not usable"
    for again in range(2):  # one at a time, and once the resolver's job has seen which lots lie anywhere
        told = [row.lot for row in floor.expiring(after, 30)]
        first = floor.ledger.as_app(lambda conn: expiring(conn, KIM, days=30, now=after, limit=1))
        rest = floor.ledger.as_app(
            lambda conn, first=first: expiring(conn, KIM, days=30, now=after, after=first[0].place, limit=1)
        )
        assert (told, [row.lot for row in first + rest]) == (["OLD", "SOON", "LATE"], ["OLD", "SOON"])
        if not again:
            floor.resolves()
    kept = "SELECT lot FROM lot_on_hand ORDER BY expires_on"
    assert floor.ledger.query(kept) == [("OLD",), ("SOON",), ("LATE",)]
    assert floor.warns(before) == {"told": 2, "resolved": 0}
    assert floor.warns(before) == {"told": 0, "resolved": 0}
    assert floor.warns(after) == {"told": 1, "resolved": 0}
    soon, old_one = sorted(floor.tickets("lot_expiry"), key=lambda ticket: ticket.severity, reverse=True)
    assert (old_one.severity, old_one.owner, soon.owner) == ("critical", "user:bo", "user:bo")
    assert "MILK lot OLD expired on 2026-03-03: 16 each on hand at leeds, 24.00 GBP" in old_one.summary
    floor.moves(goes("MILK", 7, "A-01", "@scrap", "SOON", minute=5))
    assert floor.warns(after) == {"told": 0, "resolved": 1}
    floor.resolves()
    assert floor.ledger.query(kept) == [("OLD",), ("LATE",)]
    floor.moves(goes("MILK", 1, "@supplier", "A-01", "SOON", minute=6))
    assert [row.lot for row in floor.expiring(after, 20)] == ["OLD", "SOON"], "what moved a moment ago too"
    floor.moves(goes("MILK", 1, "A-01", "@scrap", "SOON", minute=7))
    assert [ticket.detail["lot"] for ticket in floor.tickets("lot_expiry")] == ["OLD"]


def test_claims_on_what_is_recalled_end_and_other_stock_is_claimed(floor: Floor) -> None:
    floor.orders("SO-1", "MILK", 5, "ACME")
    floor.orders("SO-2", "MILK", 3, "BETA")
    floor.moves(
        goes("MILK", 5, "@supplier", "A-01", "L1"),
        goes("MILK", 3, "@supplier", "LANE", "L1"),
        goes("MILK", 20, "@supplier", "A-02", "L2"),
    )
    for lot, day in (("L1", 10), ("L2", 20)):
        floor.dates("MILK", lot, date(2026, 5, day))
    floor.claims("SO-1")
    floor.has_picked("SO-2", 3, "LANE", "L1")
    (site,) = floor.recall_sites(floor.recalls("MILK", "L1"))
    floor.approves(site.decision_id, by=BOSS)
    floor.keeps()
    assert floor.follows()["ended"] == 1
    assert floor.claimed() == [("SO-1", "hard", "L2", 5), ("SO-2", "hard", "L2", 3)]
    (told,) = floor.tickets("picked_of_recalled")
    assert "outbound_order/SO-2/1: 3 of MILK lot L1 that were picked are recalled (R1)" in told.summary
    assert floor.tickets("claims_beyond_stock")


def test_nothing_that_is_recalled_leaves_by_a_visit_or_inside_a_unit(floor: Floor) -> None:
    case = "106141412345678915"
    floor.orders("SO-2", "MILK", 5, "ACME")
    floor.moves(
        goes("MILK", 10, "@supplier", PALLET, "L1"),
        goes("MILK", 2, "@supplier", case, "L2"),
        stands(PALLET, "STAGE", 2),
        UnitPosition.model_validate(
            stands(case, "STAGE", 3).model_dump() | {"location": None, "unit": case, "parent": PALLET}
        ),
    )
    (site,) = floor.recall_sites(floor.recalls("MILK", "L1"))
    floor.approves(site.decision_id, by=BOSS)
    with pytest.raises(DocumentError, match=r"lot 'L1' is recalled \(R1\)") as error:
        floor.departs("SO-1", "MILK", "L1", PALLET)
    assert f"unit '{PALLET}' holds item 'MILK' of lot 'L1', which is recalled" in str(error.value)
    floor.reverses(site.decision_id, by=BOSS)
    floor.departs("SO-1", "MILK", "L1", PALLET)
    assert floor.sent() == {("L1", 10)}
    floor.recalls("MILK", "L2")
    with pytest.raises(
        DocumentError, match=rf"unit '{PALLET}' holds item 'MILK' of lot 'L2', which is recalled"
    ):
        floor.ships("MILK", "L1", "SO-2", out_of=PALLET, with_unit=True)
    floor.dates("MILK", "L1", at(0).date())
    with pytest.raises(DocumentError, match=rf"lot 'L1' of item 'MILK' expired on {at(0):%Y-%m-%d}"):
        floor.ships("MILK", "L1", "SO-2", out_of=PALLET)
    floor.dates("MILK", "L1", None)
    floor.ships("MILK", "L1", "SO-2", out_of=PALLET)
    assert floor.sent() == {("L1", 11)}


def test_a_recall_goes_on_under_the_name_that_its_item_is_merged_into(floor: Floor) -> None:
    floor.orders("SO-1", "BOX", 1, "ACME")
    floor.moves(goes("MILK", 10, "@supplier", "A-01", "L1"))
    recall = floor.recalls("MILK", "L1")
    (site,) = floor.recall_sites(recall)
    floor.approves(site.decision_id, by=BOSS)
    floor.ledger.as_app(lambda conn: merge_items(conn, NET, from_code="MILK", to_code="BOX"))
    floor.moves(goes("BOX", 6, "@supplier", "B-01", "L1", minute=20))
    with pytest.raises(DocumentError, match=r"lot 'L1' of item 'BOX' is recalled \(R1\)"):
        floor.ships("BOX", "L1", "SO-1", out_of="B-01")
    assert floor.follows()["held"] == 1
    assert floor.follows()["held"] == 0
    assert floor.conditions() == {
        ("A-01", "MILK", "L1", "recalled"): 10,
        ("B-01", "BOX", "L1", "recalled"): 6,
    }
    assert (
        floor.ledger.as_app(lambda conn: recalls.recall(conn, KIM, recall_id=recall.recall_id)).item == "BOX"
    )
    floor.reverses(site.decision_id, by=BOSS)
    assert floor.conditions() == {("A-01", "MILK", "L1", None): 10, ("B-01", "BOX", "L1", None): 6}
    floor.ships("BOX", "L1", "SO-1", out_of="B-01")
    (got,) = floor.story("BOX", "L1").recipients
    assert (got.partner, got.quantity) == ("ACME", 1), "what a shipment states is kept, whoever controls lots"


def test_who_got_a_lot_is_known_where_only_the_place_it_left_says_the_lot(floor: Floor) -> None:
    floor.orders("SO-1", "MILK", 4, "ACME")
    floor.controls("BOX", rule=None)
    sent = {"under": "outbound_order/SO-1", "minute": 5}
    floor.moves(
        goes("MILK", 10, "@supplier", "A-01", "L1"),
        goes("BOX", 10, "@supplier", "A-01", "L1"),
        goes("MILK", 4, "A-01", "@customer", ("L1", None), **sent),
        goes("BOX", 3, "A-01", "@customer", ("L1", None), **sent),
        goes("MILK", 1, "@customer", "R-01", (None, "L1"), under="outbound_order/SO-1", minute=6),
        goes("MILK", 1, "@supplier", "Z-01", minute=30),
    )
    for _ in range(2):
        assert [(row.partner, row.quantity) for row in floor.story("MILK", "L1").recipients] == [("ACME", 3)]
        assert [(row.partner, row.quantity) for row in floor.story("BOX", "L1").recipients] == [("ACME", 3)]
        floor.resolves()
    assert "other_side" in floor.rules(), "the lot is inferred on the customer's side, and counted once"


def test_undoing_an_ended_recall_frees_nothing_that_a_later_one_holds(floor: Floor) -> None:
    floor.moves(goes("MILK", 10, "@supplier", "A-01", "L1"))
    first = floor.recalls("MILK", "L1")
    (of_first,) = floor.recall_sites(first)
    floor.approves(of_first.decision_id, by=BOSS)
    floor.ends(first)
    scrapped = goes("MILK", 10, "A-01", "@scrap", "L1", minute=5, disposition="recalled", into="recalled")
    floor.moves(scrapped, goes("MILK", 5, "@supplier", "A-01", "L1", minute=6))
    second = floor.recalls("MILK", "L1")
    (of_second,) = floor.recall_sites(second)
    floor.approves(of_second.decision_id, by=BOSS)
    floor.ends(second)
    floor.reverses(of_first.decision_id, by=BOSS)
    assert floor.conditions() == {("A-01", "MILK", "L1", "recalled"): 5}
    floor.reverses(of_second.decision_id, by=BOSS)
    assert floor.conditions() == {("A-01", "MILK", "L1", None): 5}


def test_a_unit_is_seen_where_it_stands_and_given_back_wherever_that_is(database: object) -> None:
    leeds, york = (
        Actor("user:at", frozenset({Role.SUPERVISOR}), frozenset({SiteId(site)})) for site in SITES
    )
    with open_floor(database, "MILK", sites=SITES) as floor:
        floor.ledger.as_app(lambda conn: add_gateway(conn, SiteId("york"), "gw-y"))
        floor.moves(
            goes("MILK", 10, "@supplier", PALLET, "L1"),
            goes("MILK", 1, "@supplier", "A-01", "L2"),
            stands(PALLET, "STAGE", 2),
        )
        floor.ledger.post(Outbox("gw-y", "york").seal([stands(PALLET, "Y-01", 5)]))

        def sees(actor: Actor) -> set[object]:
            def read(conn: psycopg.Connection) -> set[object]:
                told: set[object] = {
                    (row.lot, row.on_hand) for row in lots(conn, actor, only_held=True, limit=9)
                }
                for by in By:
                    told |= {
                        (row.site, row.quantity) for row in stock_by(conn, actor, by, StockFilter(), limit=9)
                    }
                milk = story(conn, actor, item="MILK", lot="L1").forward[0]
                return told | {(row.site, row.location) for row in milk.stock}

            return floor.ledger.as_app(read)

        assert sees(york) == {("L1", 10), ("york", 10), ("york", "Y-01")}
        assert sees(leeds) == {("L2", 1), ("leeds", 1)}
        (site,) = floor.recall_sites(floor.recalls("MILK", "L1"))
        assert site.site == "york"
        floor.approves(site.decision_id, by=BOSS)
        floor.moves(stands(PALLET, "STAGE", 9))
        assert floor.conditions()[PALLET, "MILK", "L1", "recalled"] == 10
        floor.reverses(site.decision_id, by=BOSS)
        assert floor.conditions()[PALLET, "MILK", "L1", None] == 10


def test_a_recall_holds_what_may_be_of_it_and_tells_of_who_got_some_later(floor: Floor) -> None:
    floor.orders("SO-1", "MILK", 4, "ACME")
    floor.orders("SO-2", "MILK", 1, "BETA")
    floor.moves(
        goes("MILK", 10, "@supplier", "A-01", "L1"),
        goes("MILK", 6, "@supplier", "A-02"),
        goes("MILK", 2, "@supplier", "@clearing/dock-1", "L1"),
        goes("MILK", 3, "@supplier", PALLET, "L1"),
        stands(PALLET, "@clearing/dock-1", 2),
        goes("MILK", 2, "A-02", "@transformation", under="kit/1", minute=5),
        goes("KIT", 2, "@transformation", "B-01", "K1", under="kit/1", minute=6),
    )
    recall = floor.recalls("MILK", "L1")
    (ticket,) = floor.tickets("lot_recall")
    assert "16 of it or made of it on hand, 5 in docks or on the way, no customer got any" in ticket.summary
    (site,) = floor.recall_sites(recall)
    floor.approves(site.decision_id, by=BOSS)
    assert floor.conditions() == {
        ("A-01", "MILK", "L1", "recalled"): 10,
        ("A-02", "MILK", None, "recalled"): 4,
        (PALLET, "MILK", "L1", "recalled"): 3,
        ("B-01", "KIT", "K1", "recalled"): 2,
    }
    floor.moves(
        goes("MILK", 4, "A-01", "@customer", "L1", under="outbound_order/SO-1", minute=10),
        goes("MILK", 1, "A-02", "@customer", under="outbound_order/SO-2", minute=10),
    )
    floor.follows()
    (ticket,) = floor.tickets("lot_recall")
    assert "1 customer got some, 1 customer may have got some" in ticket.summary
    assert [got["customer"] for got in ticket.detail["recipients"]] == ["ACME"]
    told = ticket.occurrences
    floor.follows()
    (ticket,) = floor.tickets("lot_recall")
    assert ticket.occurrences == told, "told once"
