"""Packaging levels in, boxes out: the base unit on the left, what holds most of it on the right."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from cloud.master.packaging import KnownLevel

BOX_WIDTH: Final = 152
BOX_HEIGHT: Final = 92
_ACROSS: Final = 84
_DOWN: Final = 16
_MARGIN: Final = 8
_PIP: Final = 8
_PIPS_ACROSS: Final = 15
_MOST_PIPS: Final = 45


@dataclass(frozen=True, slots=True)
class Pack:
    """A level as a box, with a pip for each thing that is in it."""

    x: int
    y: int
    name: str
    amount: str
    pips: tuple[tuple[int, int], ...]
    """Where each is; none where there are too many, or parts of one."""


@dataclass(frozen=True, slots=True)
class Held:
    """A line to what a level holds, with how many of it."""

    path: str
    x: int
    y: int
    times: Fraction


@dataclass(frozen=True, slots=True)
class PackagingPicture:
    """Everything to draw, in a box of ``width`` by ``height``."""

    width: int
    height: int
    packs: tuple[Pack, ...]
    lines: tuple[Held, ...]
    summary: str


def packaging_picture(levels: Sequence[KnownLevel], base_unit: str) -> PackagingPicture:
    """Draw the levels of one instant.

    Args:
        levels: One per GTIN; what one of them holds is another of them, or base units.
        base_unit: What the item is counted in.

    Returns:
        The picture: a level stands right of what it holds.
    """
    known = {level.gtin: level for level in levels}
    columns: dict[int, list[KnownLevel]] = {}
    for level in levels:
        columns.setdefault(_depth(level, known), []).append(level)
    tallest = max((len(column) for column in columns.values()), default=1)
    height = 2 * _MARGIN + tallest * (BOX_HEIGHT + _DOWN) - _DOWN
    places: dict[str | None, tuple[int, int]] = {None: (_MARGIN, (height - BOX_HEIGHT) // 2)}
    for depth, column in columns.items():
        top = (height - len(column) * (BOX_HEIGHT + _DOWN) + _DOWN) // 2
        for row, level in enumerate(column):
            across = _MARGIN + depth * (BOX_WIDTH + _ACROSS)
            places[level.gtin] = across, top + row * (BOX_HEIGHT + _DOWN)
    base = Pack(*places[None], base_unit, "counted in this", ())
    packs = (base, *(_pack(level, places[level.gtin], base_unit) for level in levels))
    lines = tuple(_line(level, places, known) for level in levels)
    width = _MARGIN + (1 + max(columns, default=0)) * (BOX_WIDTH + _ACROSS) - _ACROSS + _MARGIN
    told = "; ".join(f"{level.gtin} holds {level.base_units} {base_unit}" for level in levels)
    return PackagingPicture(width, height, packs, lines, told or f"No level, only {base_unit}")


def _content(level: KnownLevel, known: dict[str, KnownLevel]) -> tuple[Fraction, str | None]:
    """Tell how many of what a level holds; one that was never stated as a level holds base units."""
    if level.holds is None or level.of is None or level.of not in known:
        return level.base_units, None
    return level.holds, level.of


def _depth(level: KnownLevel, known: dict[str, KnownLevel]) -> int:
    depth, inner = 1, _content(level, known)[1]
    while inner is not None:
        depth, inner = depth + 1, _content(known[inner], known)[1]
    return depth


def _pack(level: KnownLevel, place: tuple[int, int], base_unit: str) -> Pack:
    count = level.base_units if level.holds is None else level.holds
    pips: tuple[tuple[int, int], ...] = ()
    if count.denominator == 1 and count <= _MOST_PIPS:
        x, y = place[0] + 10, place[1] + 50
        pips = tuple(
            (x + number % _PIPS_ACROSS * (_PIP + 1), y + number // _PIPS_ACROSS * (_PIP + 4))
            for number in range(int(count))
        )
    return Pack(*place, level.gtin, f"{level.base_units} {base_unit}", pips)


def _line(level: KnownLevel, places: dict[str | None, tuple[int, int]], known: dict[str, KnownLevel]) -> Held:
    times, inner = _content(level, known)
    from_x, from_y = places[inner][0] + BOX_WIDTH, places[inner][1] + BOX_HEIGHT // 2
    to_x, to_y = places[level.gtin][0], places[level.gtin][1] + BOX_HEIGHT // 2
    middle = (from_x + to_x) // 2
    path = f"M{from_x} {from_y}C{middle} {from_y} {middle} {to_y} {to_x} {to_y}"
    return Held(path, middle, (from_y + to_y) // 2 - 6, times)
