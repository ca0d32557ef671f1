"""`dockledger lots …`: where a lot is, what was made of it, who got it."""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import orjson

from cloud.db import Connection, ContentRefusedError, DatabaseAwayError, LastingConnection, in_transaction
from cloud.identity.actor import Actor, Role
from cloud.lots import reading
from cloud.lots.domain import LotError
from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

Row = Mapping[str, Any]
Ask = Callable[[Connection, argparse.Namespace], Iterable[Row]]

SHELL: Final = Actor("system:shell", frozenset({Role.SUPERVISOR, Role.INVENTORY_CONTROLLER}), all_sites=True)
MOST_LISTED: Final = 10_000
_EXAMPLES: Final = """examples:
  dockledger lots list --item TEA-500
  dockledger lots show TEA-500 L77            what it was made of, what was made of it, where all that is
  dockledger lots recipients TEA-500 L77      which customers got any of it"""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    parser = subparsers.add_parser(
        "lots",
        help="tell where a lot is and who got it; recall it",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    group = parser.add_subparsers(required=True, metavar="ACTION")
    listing = _add(group, "list", "list lots with what lies there of each", _list)
    listing.add_argument("--item")
    listing.add_argument("--all", action="store_true", help="those that are gone too")
    for name, text, ask in (
        ("show", "tell what a lot was made of, what was made of it, and where that is", _show),
        ("recipients", "tell which customers got a lot, or something made of it", _recipients),
    ):
        one = _add(group, name, text, ask)
        one.add_argument("item")
        one.add_argument("lot")


def _list(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    for row in reading.lots(conn, SHELL, item=asked.item, only_held=not asked.all, limit=MOST_LISTED):
        yield {
            "item": row.item,
            "lot": row.lot,
            "on_hand": row.on_hand,
            "expires": row.expires_on,
            "sites": row.sites,
        }


def _show(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    told = reading.story(conn, SHELL, item=asked.item, lot=asked.lot)
    for each in told.genealogy.backward():
        if each.steps:
            yield {"made_of": each.item, "lot": each.key.lot, "steps": -each.steps}
    for found in told.forward:
        relative = found.relative
        named = {"item": relative.item, "lot": relative.key.lot, "steps": relative.steps or None}
        certainty = {"only": "possible"} if relative.is_possible else {}
        yield named | certainty | {"on_hand": found.on_hand, "sent": found.sent}
        for row in found.stock:
            yield {
                "  at": row.unit or row.location,
                "site": row.site,
                "quantity": row.quantity,
                "condition": row.disposition,
            }


def _recipients(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    told = reading.story(conn, SHELL, item=asked.item, lot=asked.lot)
    for each in told.forward:
        for row in each.recipients:
            yield {
                "customer": row.partner,
                "document": row.papers,
                "item": row.item,
                "lot": row.lot,
                "quantity": row.quantity,
                "last": row.last_at,
                "only": "possible" if each.relative.is_possible else None,
            }


def _add(group: "Subparsers", name: str, text: str, ask: Ask) -> argparse.ArgumentParser:
    def run(asked: argparse.Namespace, settings: Settings) -> int:
        def answer() -> list[Row]:
            with closing(LastingConnection(settings.needed("app_dsn"), "dockledger-command")) as source:
                return in_transaction(source, lambda conn: list(ask(conn, asked)))

        return _reporting(asked, answer)

    parser = group.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print JSON, one object per line")
    parser.set_defaults(run=run)
    return parser


def _reporting(asked: argparse.Namespace, answer: Callable[[], list[Row]]) -> int:
    try:
        rows = answer()
    except (LotError, ContentRefusedError, DatabaseAwayError) as error:
        for line in str(error).splitlines():
            print(f"dockledger: {line}", file=sys.stderr)
        return 1
    for row in rows:
        if asked.json:
            print(orjson.dumps({name.strip(): value for name, value in row.items()}, default=str).decode())
        else:
            print("  ".join(f"{name} {_readable(value)}" for name, value in row.items() if value is not None))
    return 0


def _readable(value: object) -> str:
    match value:
        case Decimal():
            return f"{value.normalize():f}"
        case datetime():
            return value.isoformat(timespec="seconds")
    return str(value)
