"""A genealogy in, boxes and curves out: what something was made of stands left, what became of it right."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from cloud.lots.domain import Link, LotKey
from cloud.lots.genealogy import Genealogy, Relative

BOX_WIDTH: Final = 152
BOX_HEIGHT: Final = 44
_ACROSS: Final = 84
_DOWN: Final = 16
_MARGIN: Final = 8
MOST_IN_A_COLUMN: Final = 12
_LETTERS: Final = 19
"""What fits a box."""


@dataclass(frozen=True, slots=True)
class Box:
    """A lot."""

    x: int
    y: int
    item: str
    lot: str
    href: str
    title: str
    is_start: bool
    is_possible: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """A transformation that leads from one lot to another."""

    path: str
    title: str


@dataclass(frozen=True, slots=True)
class LotPicture:
    """Everything to draw, in a box of ``width`` by ``height``."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    curves: tuple[Curve, ...]
    left_out: int
    """Lots for which there is no room; the table has them."""
    summary: str


def lot_picture(genealogy: Genealogy) -> LotPicture:
    """Draw a genealogy.

    Args:
        genealogy: With the lot itself in it.

    Returns:
        The picture; at most `MOST_IN_A_COLUMN` lots stand above each other.
    """
    columns: defaultdict[int, list[Relative]] = defaultdict(list)
    for relative in sorted(genealogy.relatives.values(), key=lambda each: each.key.sort_key):
        columns[relative.steps].append(relative)
    first = min(columns)
    tallest = min(max(len(column) for column in columns.values()), MOST_IN_A_COLUMN)
    height = 2 * _MARGIN + tallest * (BOX_HEIGHT + _DOWN) - _DOWN
    places: dict[LotKey, tuple[int, int]] = {}
    for steps, column in columns.items():
        shown = column[:MOST_IN_A_COLUMN]
        taken = len(shown) * (BOX_HEIGHT + _DOWN) - _DOWN
        for row, relative in enumerate(shown):
            across = _MARGIN + (steps - first) * (BOX_WIDTH + _ACROSS)
            places[relative.key] = across, (height - taken) // 2 + row * (BOX_HEIGHT + _DOWN)
    boxes = tuple(
        _box(genealogy.relatives[key], place, is_start=key == genealogy.start)
        for key, place in places.items()
    )
    width = 2 * _MARGIN + len(range(first, max(columns) + 1)) * (BOX_WIDTH + _ACROSS) - _ACROSS
    before = sum(len(column) for steps, column in columns.items() if steps < 0)
    after = sum(len(column) for steps, column in columns.items() if steps > 0)
    things = "serials and lots" if genealogy.start.serial else "lots"
    summary = f"Made of {before} other {things}; {after} {things} were made of it"
    return LotPicture(
        width, height, boxes, _curves(genealogy, places), len(genealogy.relatives) - len(places), summary
    )


def lot_href(item: str, lot: str) -> str:
    """Give the address of a lot's page.

    Args:
        item: Its item's code.
        lot: Its name.

    Returns:
        The path.
    """
    return f"/lots/{quote(item, safe='')}/{quote(lot, safe='')}"


def serial_href(serial: str) -> str:
    """Give the address of a serial's page.

    Args:
        serial: As its tag has it.

    Returns:
        The path.
    """
    return f"/serials/{quote(serial, safe='')}"


def serial_number(serial: str) -> str:
    """Give what tells a serial from others of its item.

    Args:
        serial: As its tag has it.

    Returns:
        Its serial number.

    Examples:
        >>> serial_number("urn:epc:id:sgtin:0614141.812345.6789")
        '6789'
    """
    return serial.rpartition(".")[2] if serial.startswith("urn:epc:id:sgtin:") else serial


def _box(relative: Relative, place: tuple[int, int], *, is_start: bool) -> Box:
    lot, serial = relative.key.lot, relative.key.serial
    named = f"serial {serial_number(serial)}" if serial else f"lot {lot}" if lot else "no lot kept"
    return Box(
        *place,
        _cut(relative.item),
        _cut(serial_number(serial) if serial else lot or "no lot kept"),
        serial_href(serial) if serial else "" if lot is None else lot_href(relative.item, lot),
        f"{relative.item}, {named}" + (", possible" * relative.is_possible),
        is_start,
        relative.is_possible,
    )


def _curves(genealogy: Genealogy, places: dict[LotKey, tuple[int, int]]) -> tuple[Curve, ...]:
    found: dict[tuple[LotKey, LotKey], list[str]] = {}
    for name, links in genealogy.links.items():
        for used in _of(links, places, is_input=True):
            for made in _of(links, places, is_input=False):
                if used.key != made.key:
                    found.setdefault((used.key, made.key), []).append(f"{name.type} {name.id}")
    return tuple(
        Curve(_path(places[used], places[made]), ", ".join(sorted(set(names))))
        for (used, made), names in found.items()
    )


def _of(links: Sequence[Link], places: dict[LotKey, tuple[int, int]], *, is_input: bool) -> list[Link]:
    return [link for link in links if link.is_input == is_input and link.key in places]


def _path(used: tuple[int, int], made: tuple[int, int]) -> str:
    x, y = used[0] + BOX_WIDTH, used[1] + BOX_HEIGHT // 2
    to_x, to_y = made[0], made[1] + BOX_HEIGHT // 2
    middle = (x + to_x) // 2
    return f"M{x} {y}C{middle} {y} {middle} {to_y} {to_x} {to_y}"


def _cut(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"
