"""Packaging levels are drawn right of what they hold, with a pip for each thing in them."""

from fractions import Fraction

from cloud.master.packaging import KnownLevel
from cloud.web.packaging_picture import packaging_picture

EACH = KnownLevel("each", None, Fraction(1), Fraction(1), None)
INNER = KnownLevel("inner", None, Fraction(6), Fraction(6), "each")
CASE = KnownLevel("case", None, Fraction(24), Fraction(4), "inner")
PALLET = KnownLevel("pallet", None, Fraction(2400), Fraction(100), "case")
SLICE = KnownLevel("slice", None, Fraction(1, 3), Fraction(1, 3), None)
KNOWN = KnownLevel("known", None, Fraction(12), None, None)


def test_a_level_stands_right_of_what_it_holds() -> None:
    drawn = packaging_picture([SLICE, EACH, INNER, KNOWN, CASE, PALLET], "piece")
    across = {pack.name: pack.x for pack in drawn.packs}
    assert across["piece"] < across["slice"] == across["each"] == across["known"] < across["inner"]
    assert across["inner"] < across["case"] < across["pallet"] < drawn.width
    assert [line.times for line in drawn.lines] == [Fraction(1, 3), 1, 6, 12, 4, 100]
    pips = {pack.name: len(pack.pips) for pack in drawn.packs}
    assert pips == {"piece": 0, "slice": 0, "each": 1, "inner": 6, "known": 12, "case": 4, "pallet": 0}
    inside = all(pack.y < y < pack.y + 92 - 8 for pack in drawn.packs for _, y in pack.pips)
    assert inside, "pips lie in their box"


def test_an_item_without_levels_is_its_base_unit() -> None:
    drawn = packaging_picture([], "kg")
    assert ([pack.name for pack in drawn.packs], drawn.lines) == (["kg"], ())
