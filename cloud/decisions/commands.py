"""`dockledger limits …`: up to what each role approves."""

import argparse
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from cloud import shell
from cloud.db import Connection
from cloud.decisions import limits
from cloud.decisions.domain import APPROVERS, DecisionError, DraftError
from cloud.decisions.limits import Limit, LimitPaper
from cloud.identity.actor import Actor, Role

if TYPE_CHECKING:
    from cloud.shell import Lines, Subparsers

SHELL: Final = Actor("system:shell", frozenset({Role.ADMIN}), all_sites=True)
"""Whoever can read the database's password can administer it; the record says it was done here."""
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
    group = shell.group(subparsers, "limits", "say up to what each role approves", _EXAMPLES)
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


def _command(group: "Subparsers", name: str, summary: str, work: "Lines") -> argparse.ArgumentParser:
    return shell.command(group, name, summary, shell.told(work, DecisionError))


def _list(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    for limit in limits.limits(conn, SHELL, site=arguments.site, limit=shell.MOST_LISTED):
        yield _line(arguments, limit)


def _set(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    paper = LimitPaper(
        role=arguments.role,
        currency=arguments.currency,
        limit=None if arguments.limit == "none" else _amount("limit", arguments.limit),
        self_limit=_amount("--own", arguments.own),
        site=arguments.site,
        kind=arguments.kind,
    )
    yield _line(arguments, limits.put_limit(conn, SHELL, paper))


def _remove(conn: Connection, arguments: argparse.Namespace) -> tuple[str, ...]:
    limits.remove_limit(conn, SHELL, arguments.number)
    return ()


def _amount(name: str, text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise DraftError(f"{name} {text!r:.80}: expected an amount, as 250.00") from error


def _line(arguments: argparse.Namespace, limit: Limit) -> str:
    amount = "whatever it is worth" if limit.limit is None else f"up to {limit.limit.normalize():f}"
    own = f", of their own up to {limit.self_limit.normalize():f}" if limit.self_limit else ""
    where = f"{limit.site or 'every site'}, {limit.kind or 'every kind'}"
    words = f"{limit.limit_id:>4}  {limit.role:<20} {where}: {amount}{own} {limit.currency}"
    return shell.line(arguments, limit, words)
