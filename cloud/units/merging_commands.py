"""`dockledger items …`: which item another one is."""

import argparse
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from cloud.db import Connection
from cloud.identity.actor import Actor, Role
from cloud.ledger.corrections import merge_items
from cloud.ledger.domain import LedgerError
from cloud.master.levels import plain_ratio
from cloud.settings import Settings
from cloud.shell import command, group, once, reporting, show_all

if TYPE_CHECKING:
    from cloud.shell import Subparsers

SHELL: Final = Actor("system:shell", frozenset({Role.INVENTORY_CONTROLLER}), all_sites=True)
"""Whoever can read the database's password merges items; the record says it was done here."""

_EXAMPLES: Final = """examples:
  dockledger items merge gtin:05012345678917 --into TEA            seen before anybody set it up
  dockledger items merge TEA-BOX --into TEA --ratio 12             a box was kept as an item of its own
  dockledger items unmerge TEA-BOX                                 it is an item of its own after all"""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    items = group(subparsers, "items", "say which item another one is", _EXAMPLES)
    merging = command(items, "merge", "let an item read as another from here on", run_merge)
    merging.add_argument("item", help="its code")
    merging.add_argument("--into", required=True, metavar="CODE", help="what it reads as")
    merging.add_argument(
        "--ratio", type=_ratio, default=Fraction(1), help="base units of that in one of it, as 12 or 1/12"
    )
    command(items, "unmerge", "let an item read as itself again", run_unmerge).add_argument("item")


def run_merge(arguments: argparse.Namespace, settings: Settings) -> int:
    """Merge an item into another."""
    return _merged(arguments, settings, arguments.into, arguments.ratio)


def run_unmerge(arguments: argparse.Namespace, settings: Settings) -> int:
    """Take a merge back."""
    return _merged(arguments, settings, arguments.item, Fraction(1))


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
