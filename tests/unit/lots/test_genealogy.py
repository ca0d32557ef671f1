"""A genealogy is walked whole, once, whatever it leads back to."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from cloud.lots import genealogy
from cloud.lots.domain import Link, LotError, LotKey
from cloud.lots.genealogy import Genealogy, trace

ITEMS = {"MILK": 1, "KIT": 2, "GIFT": 3, "BOX": 4}
START = datetime(2026, 3, 2, tzinfo=UTC)
Goods = tuple[str, str | None]


class Works:
    """Transformations that were done, one an hour."""

    def __init__(self, *works: tuple[Sequence[Goods], Sequence[Goods]]) -> None:
        self.links = [
            self._link(number, goods, is_input=is_input)
            for number, (used, made) in enumerate(works, start=1)
            for is_input, every in ((True, used), (False, made))
            for goods in every
        ]
        self.asked = 0

    def find(self, lots: Sequence[LotKey], are_consumed: bool) -> list[Link]:  # noqa: FBT001  as the walk calls it
        self.asked += 1
        names = {x.id for x in self.links if x.key in set(lots) and x.is_input == are_consumed}
        return [x for x in self.links if x.id in names]

    def of(self, item: str, lot: str) -> Genealogy:
        return trace(LotKey(ITEMS[item], lot), item, "each", self.find)

    @staticmethod
    def _link(number: int, goods: Goods, *, is_input: bool) -> Link:
        at = START + timedelta(hours=number)
        item, lot = goods
        name = ("leeds", "kit", str(number))
        return Link(*name, is_input, ITEMS[item], item, "each", lot, Decimal(1), at, at, "UTC")


def told(found: Genealogy) -> list[tuple[str, str | None, int, str]]:
    return [
        (x.item, x.key.lot, x.steps, "possible" if x.is_possible else "sure")
        for x in (*found.backward(), *found.forward()[1:])
    ]


def test_a_circle_is_walked_once_and_repacking_under_its_own_name_leads_nowhere_else() -> None:
    works = Works(
        ([("MILK", "L1")], [("MILK", "L1")]),
        ([("MILK", "L1"), ("BOX", None)], [("KIT", "K1")]),
        ([("KIT", "K1")], [("MILK", "L1"), ("BOX", None)]),
        ([("KIT", "K1"), ("MILK", "L2")], [("GIFT", "G1")]),
    )
    assert told(works.of("MILK", "L1")) == [
        ("MILK", "L1", 0, "sure"),
        ("KIT", "K1", 1, "sure"),
        ("GIFT", "G1", 2, "sure"),
        ("BOX", None, 2, "possible"),
    ]
    assert works.asked <= 8
    assert told(works.of("GIFT", "G1"))[1:] == [
        ("MILK", "L2", -1, "sure"),
        ("KIT", "K1", -1, "sure"),
        ("MILK", "L1", -2, "sure"),
        ("BOX", None, -2, "sure"),
    ]


@pytest.mark.parametrize("none", [None, "unspecified"])
def test_where_no_lot_was_kept_the_trail_goes_on_as_possible_from_then_on(none: str | None) -> None:
    works = Works(
        ([("KIT", none)], [("GIFT", "BEFORE")]),
        ([("MILK", "L1")], [("KIT", none)]),
        ([("KIT", none)], [("GIFT", "AFTER")]),
    )
    found = works.of("MILK", "L1")
    assert told(found) == [
        ("MILK", "L1", 0, "sure"),
        ("KIT", none, 1, "possible"),
        ("GIFT", "AFTER", 2, "possible"),
    ]
    assert told(works.of("GIFT", "AFTER"))[1:] == [("KIT", none, -1, "sure")], "back it ends there"
    assert found.relatives[LotKey(2, none)].since == START + timedelta(hours=2)


def test_what_is_sure_by_one_way_is_sure_although_another_is_only_possible() -> None:
    works = Works(
        ([("MILK", "L1")], [("KIT", None)]),
        ([("KIT", None)], [("GIFT", "G1")]),
        ([("MILK", "L1")], [("BOX", "B1")]),
        ([("BOX", "B1")], [("GIFT", "G1")]),
        ([("GIFT", "G1")], [("BOX", "B2")]),
    )
    assert ("GIFT", "G1", 2, "sure") in told(works.of("MILK", "L1"))
    assert ("BOX", "B2", 3, "sure") in told(works.of("MILK", "L1"))


def test_a_genealogy_that_is_too_large_is_refused_and_never_cut_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(genealogy, "MOST_LOTS", 3)
    works = Works(([("MILK", "L1")], [("KIT", f"K{number}") for number in range(4)]))
    with pytest.raises(LotError, match="more than 3 lots are related to lot 'L1' of 'MILK'"):
        works.of("MILK", "L1")
