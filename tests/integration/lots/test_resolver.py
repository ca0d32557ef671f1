"""What was not stated is resolved behind the watermark, whatever the order in which it became known."""

from collections.abc import Iterator
from datetime import date
from random import Random

import pytest

from tests.integration.ledger.scenario import Outbox
from tests.integration.lots.floor import PALLET, Floor, goes, open_floor, stands

UNIT = PALLET


@pytest.fixture
def floor(database: object) -> Iterator[Floor]:
    with open_floor(database, "MILK", "KIT", gateways=("gw-1",)) as floor:
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
    # somebody reads the label
    (todo,) = floor.unstated()
    floor.states(todo.cell_id, "L9", 3)
    floor.resolves()
    assert {key: amount for key, amount in floor.lots().items() if key[0] == "C-01"} == {
        ("C-01", "L9"): 3,
        ("C-01", "unspecified"): 1,
    }
