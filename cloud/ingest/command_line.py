"""What the commands of ingest share: how they are declared, run against a database, and print."""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

import orjson

from cloud.db import ContentRefusedError, DatabaseAwayError
from cloud.gateways.domain import ConfigError
from cloud.identity.actor import Actor, Role
from cloud.ingest.quarantine.service import NotReplayableError
from cloud.ingest.registry.service import RegistryError
from cloud.ledger.domain import LedgerError
from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

Run = Callable[[argparse.Namespace, Settings], int]

SHELL: Final = Actor("system:shell", frozenset({Role.ADMIN, Role.INVENTORY_CONTROLLER}), all_sites=True)
"""Whoever can read the database's password can administer it; the record says it was done here."""

_TOLD: Final = (
    ConfigError,
    ContentRefusedError,
    DatabaseAwayError,
    LedgerError,
    NotReplayableError,
    RegistryError,
)


def add_group(subparsers: "Subparsers", name: str, summary: str, examples: str) -> "Subparsers":
    """Declare a command that only has commands of its own.

    Args:
        subparsers: Where to declare it.
        name: Its word.
        summary: A line of help.
        examples: Shown at the end of its help.

    Returns:
        Where to declare its commands.
    """
    parser = subparsers.add_parser(
        name, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter, epilog=examples
    )
    return parser.add_subparsers(title="commands", required=True, metavar="COMMAND")


def add_command(group: "Subparsers", name: str, summary: str, run: Run) -> argparse.ArgumentParser:
    """Declare a command that prints for people or, with ``--json``, for programs.

    Args:
        group: Where to declare it.
        name: Its word.
        summary: A line of help.
        run: What it does.

    Returns:
        Its parser, for arguments of its own.
    """
    parser = group.add_parser(name, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON, one object per line")
    parser.set_defaults(run=run)
    return parser


def reporting(work: Callable[[], object]) -> int:
    """Run a command's work and say in one line what is wrong, if anything.

    Args:
        work: What to do.

    Returns:
        0, or 1 if it could not be done.
    """
    try:
        work()
    except _TOLD as error:
        print(f"dockledger: {error}", file=sys.stderr)  # noqa: T201  a command prints
        return 1
    return 0


def show(arguments: argparse.Namespace, fields: Mapping[str, object]) -> None:
    """Print one thing, a line per field.

    Args:
        arguments: The command line.
        fields: Value by name.
    """
    if arguments.json:
        print(orjson.dumps(fields).decode())  # noqa: T201  a command prints
        return
    width = max(map(len, fields))
    for name, value in fields.items():
        print(f"{name:<{width}}  {_readable(value)}")  # noqa: T201  a command prints


def show_all(arguments: argparse.Namespace, rows: Iterable[Mapping[str, object]]) -> None:
    """Print many things, a line each.

    Args:
        arguments: The command line.
        rows: The same fields each.
    """
    for row in rows:
        if arguments.json:
            show(arguments, row)
        else:
            print("  ".join(map(_readable, row.values())))  # noqa: T201  a command prints


def _readable(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return ascii(value)[1:-1] if isinstance(value, str) else str(value)
