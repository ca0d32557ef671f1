"""`dockledger packaging …`: what each packaging level of an item holds, and from when on."""

import argparse
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from cloud.db import Connection
from cloud.documents.domain import DocumentError
from cloud.documents.shell import SHELL, reporting
from cloud.master.levels import PackagingError, plain_ratio
from cloud.master.packaging import PackagingPaper, UnknownItemError, packaging, put_packaging
from cloud.settings import Settings
from cloud.shell import command, group, once, show_all

if TYPE_CHECKING:
    from cloud.shell import Subparsers

_EXAMPLES: Final = """examples:
  dockledger packaging show HAM
  dockledger packaging set HAM 05012345678900 1                          one of this GTIN is one base unit
  dockledger packaging set HAM 15012345678907 6 --of 05012345678900
  dockledger packaging set HAM 15012345678907 8 --of 05012345678900 --from 2026-11-01T00:00:00Z"""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    levels = group(subparsers, "packaging", "say how many pieces a case holds", _EXAMPLES)
    command(levels, "show", "list an item's packaging levels over time", run_show).add_argument("item")
    stating = command(levels, "set", "state what one level holds, from an instant on", run_set)
    stating.add_argument("item")
    stating.add_argument("gtin", help="14 digits")
    stating.add_argument("holds", help="as 6, or 1/3")
    stating.add_argument("--of", metavar="GTIN", help="another level of the item; default: base units")
    stating.add_argument("--from", dest="valid_from", metavar="INSTANT", help="default: since ever")


def run_show(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show an item's levels."""
    return reporting(lambda: show_all(arguments, once(settings, lambda conn: _levels(conn, arguments.item))))


def run_set(arguments: argparse.Namespace, settings: Settings) -> int:
    """State a level, and show what the item's levels are then."""

    def work(conn: Connection) -> list[dict[str, Any]]:
        ratio = _ratio(arguments.holds)
        level = {
            "gtin": arguments.gtin,
            "holds": ratio.numerator,
            "holds_denominator": ratio.denominator,
            "of": arguments.of,
            "valid_from": _instant(arguments.valid_from),
        }
        paper = PackagingPaper.model_validate({"item": arguments.item, "levels": [level]})
        try:
            put_packaging(conn, SHELL, paper)
        except (PackagingError, UnknownItemError) as error:
            raise DocumentError(f"{error}") from error
        return _levels(conn, arguments.item)

    return reporting(lambda: show_all(arguments, once(settings, work)))


def _levels(conn: Connection, item: str) -> list[dict[str, Any]]:
    try:
        told = packaging(conn, SHELL, item=item)
    except UnknownItemError as error:
        raise DocumentError(f"{error}") from error
    return [
        {
            "gtin": level.gtin,
            "from": level.valid_from,
            "holds": level.holds if level.holds is None else f"{level.holds}",
            "of": level.of,
            "base_units": f"{level.base_units}",
            "base_unit": told.base_unit,
        }
        for level in told.levels
    ]


def _ratio(text: str) -> Fraction:
    try:
        return plain_ratio(text)
    except ValueError as error:
        raise DocumentError(f"holds {text!r}: expected an amount as 6, or a part as 1/3") from error


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise DocumentError(f"--from {text!r}: expected an instant as 2026-11-01T00:00:00Z") from error
    if at.tzinfo is None:
        raise DocumentError(f"--from {text!r} has no offset: expected one as 2026-11-01T00:00:00Z")
    return at
