"""Packaging levels become exact ratios at each instant; what cannot be so is told."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest

from cloud.master.levels import Level, PackagingError, changes, over_time, plain_ratio, ratios

MAY, JUNE = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
EACH = Level("each", None, Fraction(1), None)
INNER = Level("inner", None, Fraction(6), "each")
CASE = Level("case", None, Fraction(4), "inner")
PALLET = Level("pallet", None, Fraction(40), "case")


def test_levels_multiply_down_to_the_base_unit() -> None:
    assert ratios([PALLET, EACH, CASE, INNER]) == {"each": 1, "inner": 6, "case": 24, "pallet": 960}
    third = Level("slice", None, Fraction(1, 3), None)
    assert ratios([third, Level("pack", None, Fraction(2), "slice")])["pack"] == Fraction(2, 3)


def test_a_ratio_is_read_as_it_is_typed() -> None:
    assert [plain_ratio(text) for text in ("6", " 1/3", "0.5", "0")] == [6, Fraction(1, 3), Fraction(1, 2), 0]


@pytest.mark.parametrize(
    "text", ["1e99999999", "1/0", "1/00", "-6", "", "1/3/4", "0.5/2", "1" * 19, "\u0663", "1_0"]
)
def test_a_ratio_that_is_none_is_refused_at_once(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a ratio as 6, 1/3 or 0\.5"):
        plain_ratio(text)


def test_a_level_that_changes_takes_along_what_holds_it() -> None:
    eight = Level("inner", MAY, Fraction(8), "each")
    told = over_time([EACH, INNER, CASE, PALLET, eight])
    assert told[None]["pallet"] == 960
    assert told[MAY] == {"each": 1, "inner": 8, "case": 32, "pallet": 1280}
    kept = {"each": {None: Fraction(1)}, "inner": {None: Fraction(6)}, "case": {None: Fraction(24)}}
    assert changes(told, kept) == [
        ("pallet", None, Fraction(960)),
        ("inner", MAY, Fraction(8)),
        ("case", MAY, Fraction(32)),
        ("pallet", MAY, Fraction(1280)),
    ]


def test_what_was_valid_is_not_rewritten() -> None:
    told = over_time([Level("case", None, Fraction(10), None)])
    with pytest.raises(PackagingError, match="GTIN case holds 12 base units since ever, got 10"):
        changes(told, {"case": {None: Fraction(12)}})
    with pytest.raises(PackagingError, match=r"is stated from 2026-05-01T00:00:00\+00:00 on already"):
        over_time([Level("case", MAY, Fraction(1), None), Level("case", MAY, Fraction(2), None)])


def test_levels_in_a_circle_are_refused_with_the_circle() -> None:
    circle = [
        Level("a", None, Fraction(2), "b"),
        Level("b", None, Fraction(3), "c"),
        Level("c", None, Fraction(1), "a"),
    ]
    with pytest.raises(PackagingError, match="GTIN a holds b holds c holds a: expected levels that end"):
        ratios(circle)
    with pytest.raises(PackagingError, match=r"from 2026-06-01.*GTIN inner holds case holds inner"):
        over_time([EACH, INNER, CASE, Level("inner", JUNE, Fraction(1, 4), "case")])


def test_a_level_of_nothing_and_a_ratio_beyond_measure_are_refused() -> None:
    with pytest.raises(PackagingError, match="GTIN case holds 4 of inner, no level of the item then"):
        ratios([CASE])
    huge = [Level("a", None, Fraction(10**9), None), Level("b", None, Fraction(10**9), "a")]
    with pytest.raises(PackagingError, match="expected at most 18 digits"):
        ratios([*huge, Level("c", None, Fraction(10**9), "b")])
