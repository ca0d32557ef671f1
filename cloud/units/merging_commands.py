"""`dockledger items …`: which item another one is, and how long items must keep when they come."""

import argparse
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from cloud.db import Connection
from cloud.identity.actor import Actor, Role
from cloud.ledger.corrections import merge_items
from cloud.ledger.domain import LedgerError
from cloud.master.levels import plain_ratio
from cloud.master.life import MOST_DAYS, LifeError, LifePaper, put_lives
from cloud.master.shelf_life import ShelfLifePaper, put_shelf_lives
from cloud.settings import Settings
from cloud.sheets.fields import Conventions
from cloud.sheets.table import TableError, read_table
from cloud.shell import command, group, once, reporting, show_all

if TYPE_CHECKING:
    from cloud.shell import Subparsers

SHELL: Final = Actor("system:shell", frozenset({Role.INVENTORY_CONTROLLER}), all_sites=True)
"""Whoever can read the database's password merges items; the record says it was done here."""

_NONE: Final = "none"
_MINIMUM: Final = "minimum_life_days"
_SHELF: Final = "shelf_life_days"

_EXAMPLES: Final = """examples:
  dockledger items merge gtin:05012345678917 --into TEA            seen before anybody set it up
  dockledger items merge TEA-BOX --into TEA --ratio 12             a box was kept as an item of its own
  dockledger items unmerge TEA-BOX                                 it is an item of its own after all
  dockledger items life TEA --days 90                              it must be good for 90 days after it came
  dockledger items life TEA --shelf 365                            it is good so long from its production on
  dockledger items life --file lives.csv          item,minimum_life_days,shelf_life_days or one; or .xlsx"""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    items = group(subparsers, "items", "say which item another one is, and how long it must keep", _EXAMPLES)
    merging = command(items, "merge", "let an item read as another from here on", run_merge)
    merging.add_argument("item", help="its code")
    merging.add_argument("--into", required=True, metavar="CODE", help="what it reads as")
    merging.add_argument(
        "--ratio", type=_ratio, default=Fraction(1), help="base units of that in one of it, as 12 or 1/12"
    )
    command(items, "unmerge", "let an item read as itself again", run_unmerge).add_argument("item")
    lasting = command(items, "life", "say how long an item must keep when it is received", run_life)
    lasting.add_argument("item", nargs="?", help="its code")
    lasting.add_argument("--days", help="after the day of receipt; none: whatever comes is taken in")
    lasting.add_argument("--shelf", help="days it is good for, of production the first; none: not known")
    lasting.add_argument("--file", type=Path, help="CSV or .xlsx of many; an empty cell: whatever comes")
    lasting.add_argument("--sheet", help="of a workbook with several")


def run_merge(arguments: argparse.Namespace, settings: Settings) -> int:
    """Merge an item into another."""
    return _merged(arguments, settings, arguments.into, arguments.ratio)


def run_unmerge(arguments: argparse.Namespace, settings: Settings) -> int:
    """Take a merge back."""
    return _merged(arguments, settings, arguments.item, Fraction(1))


def run_life(arguments: argparse.Namespace, settings: Settings) -> int:
    """Say how long one item, or each of a file, must keep; all or none."""

    def work() -> None:
        says = arguments.days is not None or arguments.shelf is not None
        if (arguments.item is not None) != says or says == (arguments.file is not None):
            raise LifeError("expected an item with --days or --shelf, or --file")
        lives, shelves = _lives(arguments) if arguments.file else _stated(arguments)

        def put(conn: Connection) -> int:
            faults: list[str] = []
            new = 0
            try:
                new += put_lives(conn, SHELL, lives)
            except LifeError as error:
                faults += f"{error}".splitlines()
            try:
                new += put_shelf_lives(conn, SHELL, shelves)
            except LifeError as error:
                faults += f"{error}".splitlines()
            if faults:
                raise LifeError("\n".join(dict.fromkeys(faults)))
            return new

        items = {paper.item for paper in lives} | {paper.item for paper in shelves}
        show_all(arguments, [{"items": len(items), "new": once(settings, put)}])

    return reporting(work, OSError, LifeError, TableError)


_Papers = tuple[list[LifePaper], list[ShelfLifePaper]]


def _stated(arguments: argparse.Namespace) -> _Papers:
    item, days, shelf = arguments.item, arguments.days, arguments.shelf
    lives = [] if days is None else [_life(item, days)]
    return lives, [] if shelf is None else [_shelf_life(item, shelf)]


def _lives(arguments: argparse.Namespace) -> _Papers:
    """Read a file; every fault of it is told at once."""
    table = read_table(
        arguments.file,
        required=("item",),
        optional=(_MINIMUM, _SHELF),
        conventions=Conventions(),
        sheet=arguments.sheet,
    )
    faults = [f"{arguments.file}: {fault}" for fault in table.faults]
    if table.rows and not {_MINIMUM, _SHELF} & table.rows[0].cells.keys():
        faults.append(f"{arguments.file}: expected {_MINIMUM} or {_SHELF}, got neither")
    lives: list[LifePaper] = []
    shelves: list[ShelfLifePaper] = []
    for row in table.rows:
        item, cells = row.cells["item"], row.cells
        try:
            lives += [_life(item, cells[_MINIMUM] or _NONE)] if _MINIMUM in cells else []
        except LifeError as error:
            faults.append(f"{arguments.file}:{row.number}: {error}")
        try:
            shelves += [_shelf_life(item, cells[_SHELF] or _NONE)] if _SHELF in cells else []
        except LifeError as error:
            faults.append(f"{arguments.file}:{row.number}: {error}")
    if faults:
        raise LifeError("\n".join(faults))
    return lives, shelves


def _life(item: str, days: str) -> LifePaper:
    try:
        return LifePaper.model_validate({"item": item, "days": None if days == _NONE else days})
    except ValidationError as error:
        message = f"item {item!r:.140}, {days!r:.20}: expected whole days from 0 to {MOST_DAYS}, or none"
        raise LifeError(message) from error


def _shelf_life(item: str, days: str) -> ShelfLifePaper:
    try:
        return ShelfLifePaper.model_validate({"item": item, "days": None if days == _NONE else days})
    except ValidationError as error:
        message = f"item {item!r:.140}, {days!r:.20}: expected whole days from 1 to {MOST_DAYS}, or none"
        raise LifeError(message) from error


def _merged(arguments: argparse.Namespace, settings: Settings, into: str, ratio: Fraction) -> int:
    def work(conn: Connection) -> list[dict[str, object]]:
        parts = ratio.as_integer_ratio()
        posted = merge_items(conn, SHELL, from_code=arguments.item, to_code=into, ratio=parts)
        return [{"item": arguments.item, "reads_as": into, "position": posted.position}]

    return reporting(lambda: show_all(arguments, once(settings, work)), LedgerError)


def _ratio(text: str) -> Fraction:
    try:
        ratio = plain_ratio(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a ratio as 12 or 1/12") from error
    if ratio <= 0 or max(ratio.as_integer_ratio()) >= 2**31:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a ratio above zero, of less than 2^31")
    return ratio
