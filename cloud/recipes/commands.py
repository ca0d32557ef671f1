"""`dockledger recipes …` and `dockledger transformations …`."""

import argparse
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cloud import shell
from cloud.db import Connection
from cloud.documents.domain import DocumentError
from cloud.identity.actor import Actor, Role
from cloud.ledger.domain import LedgerError
from cloud.recipes import making, service
from cloud.recipes.domain import Recipe, RecipeKind
from cloud.recipes.papers import MadePaper, PlanPaper, read_recipes
from cloud.settings import Settings
from cloud.sheets.fields import Conventions

_reporting: Final = shell.reporting_with(ValueError, DocumentError, LedgerError)

if TYPE_CHECKING:
    from cloud.shell import Subparsers

SHELL: Final = Actor("system:shell", frozenset({Role.SUPERVISOR, Role.INVENTORY_CONTROLLER}), all_sites=True)
"""Whoever can read the database's password states recipes; the record says it was done here."""
_RECIPES: Final = """examples:
  dockledger recipes import recipes.csv     recipe,kind,side,item,quantity[,cost_share,valid_from,valid_until]
  dockledger recipes list --item GIFT-SET
a row for each item: side is input or output; the main component and the main product stand first"""
_MADE: Final = """examples:
  dockledger transformations plan --site leeds kit/4717 --recipe GIFT-SET --times 20
  dockledger transformations make --site leeds kit/4717 --times 20 --from A-01 --to B-01
  dockledger transformations show --site leeds kit/4717
  dockledger transformations list --site leeds --days 30
  dockledger transformations take-back --site leeds kit/4717 --reason typo"""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    group = shell.group(subparsers, "recipes", "say what things are made of", _RECIPES)
    importing = shell.command(group, "import", "state every recipe of a file, or none", _import)
    importing.add_argument("file", type=Path)
    shell.add_decimal_sign(importing)
    importing.add_argument("--encoding", choices=("utf-8", "windows-1252"), default="utf-8")
    listing = shell.command(group, "list", "list recipes with their versions", _list)
    listing.add_argument("--recipe")
    listing.add_argument("--item", help="those that use or make it")
    group = shell.group(subparsers, "transformations", "tell what was made of what, and what it cost", _MADE)
    planning = shell.command(group, "plan", "say by which recipe one is done", _plan)
    _named(planning)
    planning.add_argument("--recipe", required=True)
    planning.add_argument("--version", type=int, help="default: the one that holds now")
    planning.add_argument("--times", help="how often it is to be done")
    made = shell.command(group, "make", "say how often one was done by its recipe", _make)
    _named(made)
    made.add_argument("--recipe", help="default: as was planned")
    made.add_argument("--times", required=True)
    made.add_argument("--from", dest="location", required=True, help="where goods are taken from")
    made.add_argument("--to", dest="to_location", help="where they are put; default: the same place")
    _named(shell.command(group, "show", "show one beside its recipe", _show))
    listing = shell.command(group, "list", "list what was made lately", _transformations)
    listing.add_argument("--site", required=True)
    listing.add_argument("--days", type=int, default=7)
    undoing = shell.command(group, "take-back", "move everything back that one used and made", _take_back)
    _named(undoing)
    undoing.add_argument("--reason", required=True)


def _import(arguments: argparse.Namespace, settings: Settings) -> int:
    def work() -> None:
        conventions = Conventions(arguments.decimal_comma, arguments.decimal_point)
        papers = read_recipes(arguments.file, conventions=conventions, encoding=arguments.encoding)
        now = shell.present()
        made = shell.once(settings, lambda conn: service.put_recipes(conn, SHELL, papers, now=now))
        shell.show_all(arguments, [{"recipe": each.code, "version": each.version} for each in made])

    return _reporting(work)


def _list(arguments: argparse.Namespace, settings: Settings) -> int:
    def work(conn: Connection) -> list[dict[str, Any]]:
        found = service.recipes(
            conn, SHELL, code=arguments.recipe, item=arguments.item, limit=shell.MOST_LISTED
        )
        return [_told(each) for each in found]

    return _reporting(lambda: shell.show_all(arguments, shell.once(settings, work)))


def _plan(arguments: argparse.Namespace, settings: Settings) -> int:
    stated = _of(arguments, "recipe", "version", "times")

    def work(conn: Connection) -> int:
        return making.plan(conn, SHELL, PlanPaper.model_validate(stated), now=shell.present())

    return _reporting(lambda: shell.show(arguments, {"revision": shell.once(settings, work)}))


def _make(arguments: argparse.Namespace, settings: Settings) -> int:
    stated = _of(arguments, "recipe", "times", "location", "to_location")

    def work(conn: Connection) -> int:
        return making.make(conn, SHELL, MadePaper.model_validate(stated), now=shell.present()).position

    return _reporting(lambda: shell.show(arguments, {"position": shell.once(settings, work)}))


def _show(arguments: argparse.Namespace, settings: Settings) -> int:
    def work(conn: Connection) -> list[dict[str, Any]]:
        kind, name = _kind_and_name(arguments)
        told = making.sheet(conn, SHELL, site=arguments.site, kind=kind, name=name)
        return [
            {
                "side": "used" if line.row.is_input else "made",
                "item": line.row.item,
                "quantity": line.row.quantity,
                "expected": line.expected,
                "variance": line.variance,
                "yield_percent": line.yield_percent,
                "value": line.row.value,
                "currency": told.currency,
                "recipe": told.recipe.name if told.recipe else None,
            }
            for line in told.lines
        ]

    return _reporting(lambda: shell.show_all(arguments, shell.once(settings, work)))


def _transformations(arguments: argparse.Namespace, settings: Settings) -> int:
    now = shell.present()
    begin = now - timedelta(days=arguments.days)

    def work(conn: Connection) -> list[Any]:
        asked = {"site": arguments.site, "limit": shell.MOST_LISTED}
        return making.transformations(conn, SHELL, from_at=begin, until_at=now, **asked)

    return _reporting(lambda: shell.show_all(arguments, shell.once(settings, work)))


def _take_back(arguments: argparse.Namespace, settings: Settings) -> int:
    def work(conn: Connection) -> int:
        kind, name = _kind_and_name(arguments)
        where = {"site": arguments.site, "name": name, "reason": arguments.reason}
        return making.take_back(conn, SHELL, kind=RecipeKind(kind), **where).position

    return _reporting(lambda: shell.show(arguments, {"position": shell.once(settings, work)}))


def _named(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", required=True)
    parser.add_argument("transformation", metavar="KIND/ID", help="as kit/4717")


def _kind_and_name(arguments: argparse.Namespace) -> tuple[str, str]:
    kind, _, name = arguments.transformation.partition("/")
    return kind, name


def _of(arguments: argparse.Namespace, *fields: str) -> dict[str, Any]:
    """Give what a paper says about a transformation; what was not said is not there."""
    kind, name = _kind_and_name(arguments)
    said = {field: value for field in fields if (value := getattr(arguments, field)) is not None}
    return {"site": arguments.site, "type": kind, "id": name} | said


def _told(recipe: Recipe) -> dict[str, Any]:
    return {
        "recipe": recipe.code,
        "version": recipe.version,
        "kind": recipe.kind.value,
        "valid_from": recipe.valid_from,
        "valid_until": recipe.valid_until,
        "uses": ", ".join(f"{line.quantity.normalize():f} {line.item}" for line in recipe.inputs),
        "makes": ", ".join(f"{line.quantity.normalize():f} {line.item}" for line in recipe.outputs),
    }
