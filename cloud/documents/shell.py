"""What the shell's commands of documents share: parsers, one transaction, rows as lines or JSON."""

import argparse
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from cloud.db import Connection, ContentRefusedError, DatabaseAwayError, LastingConnection, in_transaction
from cloud.documents.domain import DocumentError
from cloud.documents.papers import ImportFileError
from cloud.identity.actor import Actor, Role
from cloud.ledger.domain import LedgerError
from cloud.settings import Settings
from cloud.sheets.fields import Conventions

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

T = TypeVar("T")
Run = Callable[[argparse.Namespace, Settings], int]

SHELL: Final = Actor("system:shell", frozenset({Role.SUPERVISOR, Role.INVENTORY_CONTROLLER}), all_sites=True)
"""Whoever can read the database's password keeps its documents; the record says it was done here."""
MOST_LISTED: Final = 10_000


def add_file(parser: argparse.ArgumentParser, what: str) -> None:
    """Let a command take a spreadsheet, and be told how it is written.

    Args:
        parser: Of the command.
        what: What the file holds.
    """
    parser.add_argument("file", type=Path, help=what)
    parser.add_argument("--decimal-comma", action="store_true", help="a comma parts decimals")
    parser.add_argument(
        "--dates", choices=("ymd", "dmy", "mdy"), default="ymd", help="how 02/03/2026 is read; default: not"
    )
    parser.add_argument("--encoding", choices=("utf-8", "windows-1252"), default="utf-8", help="of a CSV")
    parser.add_argument("--sheet", help="of a workbook with several")


def conventions_of(arguments: argparse.Namespace) -> Conventions:
    """Tell how a file is written.

    Args:
        arguments: Of a command that takes one.

    Returns:
        Its conventions.
    """
    return Conventions(has_decimal_comma=arguments.decimal_comma, dates=arguments.dates)


def group(subparsers: "Subparsers", name: str, summary: str, examples: str) -> "Subparsers":
    """Add a command that has commands.

    Args:
        subparsers: Where to.
        name: Its name.
        summary: What it is for.
        examples: Shown after its help.

    Returns:
        Where its commands go.
    """
    parser = subparsers.add_parser(
        name, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter, epilog=examples
    )
    return parser.add_subparsers(title="commands", required=True, metavar="COMMAND")


def command(group: "Subparsers", name: str, summary: str, run: Run) -> argparse.ArgumentParser:
    """Add a command that prints rows.

    Args:
        group: Where to.
        name: Its name.
        summary: What it does.
        run: Does it.

    Returns:
        Its parser.
    """
    parser = group.add_parser(name, help=summary, description=summary)
    parser.add_argument("--json", action="store_true", help="print JSON, one object per line")
    parser.set_defaults(run=run, word=name)
    return parser


def once(settings: Settings, work: Callable[[Connection], T]) -> T:
    """Do something in one transaction.

    Args:
        settings: Where the database is.
        work: What to do.

    Returns:
        What it gave.
    """
    with closing(LastingConnection(settings.needed("app_dsn"), "dockledger-command")) as database:
        return in_transaction(database, work)


def reporting(work: Callable[[], object]) -> int:
    """Do something, and say on standard error what is wrong with it.

    Args:
        work: What to do.

    Returns:
        The exit code: 0 if it was done.
    """
    try:
        work()
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            print(f"dockledger: {'.'.join(map(str, fault['loc']))}: {fault['msg']}", file=sys.stderr)
        return 1
    except (DocumentError, ImportFileError, LedgerError, ContentRefusedError, DatabaseAwayError) as error:
        for line in str(error).splitlines():
            print(f"dockledger: {line}", file=sys.stderr)
        return 1
    return 0


def present() -> datetime:
    """Tell the time.

    Returns:
        Now, in UTC.
    """
    return datetime.now(UTC)


def _fields(row: Any) -> dict[str, Any]:
    match row:
        case dict():
            return row
        case BaseModel():
            return row.model_dump()
        case tuple() if hasattr(row, "_asdict"):
            return dict(row._asdict())
        case _:
            return asdict(row)


def show(arguments: argparse.Namespace, row: Any) -> None:
    """Print a row, a field a line, or as JSON.

    Args:
        arguments: Whether as JSON.
        row: A model, dataclass or named tuple.
    """
    fields = _fields(row)
    if arguments.json:
        print(orjson.dumps(fields, default=_as_json).decode())
        return
    width = max(map(len, fields))
    for name, value in fields.items():
        parts = value if isinstance(value, tuple | frozenset | list) else (value,)
        for number, part in enumerate(parts or ("-",)):
            print(f"{name if number == 0 else '':<{width}}  {_readable(part)}")


def show_all(arguments: argparse.Namespace, rows: list[Any]) -> None:
    """Print rows, one a line.

    Args:
        arguments: Whether as JSON.
        rows: Models, dataclasses or named tuples.
    """
    for row in rows:
        fields = _fields(row)
        if arguments.json:
            print(orjson.dumps(fields, default=_as_json).decode())
        else:
            print("  ".join(map(_readable, fields.values())))


def _as_json(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else str(value)


def _readable(value: object) -> str:
    match value:
        case None:
            return "-"
        case dict():
            return "  ".join(_readable(part) for part in value.values()) or "-"
        case Decimal():
            return f"{value.normalize():f}"
        case datetime():
            return value.isoformat(timespec="seconds")
        case tuple() | list():
            return " ".join(map(str, value)) or "-"
        case _:
            return ascii(str(value))[1:-1]
