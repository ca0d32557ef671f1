"""`dockledger limits …`: up to what each role approves."""

import argparse
import sys
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

import orjson

from cloud.db import Connection, DataError, connect
from cloud.decisions import limits
from cloud.decisions.domain import APPROVERS, DecisionError, DraftError
from cloud.decisions.limits import Limit, LimitPaper
from cloud.identity.actor import Actor, Role
from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

Work = Callable[[Connection, argparse.Namespace], None]

SHELL: Final = Actor("system:shell", frozenset({Role.ADMIN}), all_sites=True)
"""Whoever can read the database's password can administer it; the record says it was done here."""
MOST_LISTED: Final = 10_000
_EXAMPLES: Final = """examples:
  dockledger limits set supervisor 250 --currency EUR --site leeds --kind count_adjustment
  dockledger limits set approver none --currency EUR --own 25    whatever it is worth; of one's own up to 25
  dockledger limits list --site leeds
  dockledger limits remove 3
A limit holds for what a person approves of one item in a day, together. Without any limit an approver
approves whatever others ask for and nothing of their own, and nobody else approves anything."""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    parser = subparsers.add_parser(
        "limits",
        help="say up to what each role approves",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EXAMPLES,
    )
    group = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    listing = _command(group, "list", "list limits", _list)
    listing.add_argument("--site", help="only of this site, and those of every site")
    setting = _command(group, "set", "set a limit, in place of the one for the same", _set)
    setting.add_argument("role", choices=[role.value for role in APPROVERS])
    setting.add_argument("limit", help="an amount, or `none`: whatever it is worth, an unknown value too")
    setting.add_argument("--currency", required=True, help="three letters, as EUR")
    setting.add_argument("--own", default="0", metavar="AMOUNT", help="of one's own; default: nothing")
    setting.add_argument("--site", help="default: every site without a limit of its own")
    setting.add_argument("--kind", help="as count_adjustment; default: every kind without one of its own")
    removing = _command(group, "remove", "take a limit away", _remove)
    removing.add_argument("number", type=int, help="as `list` shows it")


def _command(group: "Subparsers", name: str, summary: str, work: Work) -> argparse.ArgumentParser:
    parser = group.add_parser(name, help=summary, description=summary)
    parser.add_argument("--json", action="store_true", help="print JSON, one object per line")

    def run(arguments: argparse.Namespace, settings: Settings) -> int:
        try:
            with connect(settings.needed("app_dsn"), "dockledger-limits") as conn:
                work(conn, arguments)
        except (DecisionError, DataError) as error:
            print(f"dockledger: {error}", file=sys.stderr)
            return 1
        return 0

    parser.set_defaults(run=run)
    return parser


def _list(conn: Connection, arguments: argparse.Namespace) -> None:
    for limit in limits.limits(conn, SHELL, site=arguments.site, limit=MOST_LISTED):
        _show(limit, arguments)


def _set(conn: Connection, arguments: argparse.Namespace) -> None:
    paper = LimitPaper(
        role=arguments.role,
        currency=arguments.currency,
        limit=None if arguments.limit == "none" else _amount("limit", arguments.limit),
        self_limit=_amount("--own", arguments.own),
        site=arguments.site,
        kind=arguments.kind,
    )
    _show(limits.put_limit(conn, SHELL, paper), arguments)


def _remove(conn: Connection, arguments: argparse.Namespace) -> None:
    limits.remove_limit(conn, SHELL, arguments.number)


def _amount(name: str, text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise DraftError(f"{name} {text!r:.80}: expected an amount, as 250.00") from error


def _show(limit: Limit, arguments: argparse.Namespace) -> None:
    if arguments.json:
        print(orjson.dumps(limit, default=str).decode())
        return
    amount = "whatever it is worth" if limit.limit is None else f"up to {limit.limit.normalize():f}"
    own = f", of their own up to {limit.self_limit.normalize():f}" if limit.self_limit else ""
    where = f"{limit.site or 'every site'}, {limit.kind or 'every kind'}"
    print(f"{limit.limit_id:>4}  {limit.role:<20} {where}: {amount}{own} {limit.currency}")
