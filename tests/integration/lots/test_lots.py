"""Where a lot is and who got it, through kits, repacks and pallets; on the real ledger."""

from collections.abc import Iterator

import pytest

from tests.integration.lots.floor import PALLET, Floor, goes, open_floor, stands


@pytest.fixture
def floor(database: object) -> Iterator[Floor]:
    with open_floor(database, "MILK", "BOX", "KIT", "GIFT") as floor:
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
