"""What commands share: how they are named and typed, how they print rows, and how they say what is wrong."""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from cloud import db
from cloud.db import Connection, ContentRefusedError, DatabaseAwayError
from cloud.db.apart import PartsFailedError
from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

T = TypeVar("T")
Run = Callable[[argparse.Namespace, Settings], int]
Lines = Callable[[Connection, argparse.Namespace], Iterable[str]]
"""Does a command's work in one transaction, and says what came of it."""

MOST_LISTED: Final = 10_000


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


def day(text: str) -> date:
    """Read a day.

    Args:
        text: As typed.

    Returns:
        The day.

    Raises:
        argparse.ArgumentTypeError: If it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a day as 2026-10-01") from error


def instant(text: str) -> datetime:
    """Read an instant.

    Args:
        text: As typed.

    Returns:
        The instant, in UTC.

    Raises:
        argparse.ArgumentTypeError: If it is none, or has no offset.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: expected an instant as 2026-10-01T00:00:00Z") from error
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no offset: expected one as 2026-10-01T00:00:00Z")
    return at.astimezone(UTC)


def add_decimal_sign(parser: argparse.ArgumentParser) -> None:
    """Let a command be told how its file parts decimals.

    Args:
        parser: Of the command.
    """
    signs = parser.add_mutually_exclusive_group()
    signs.add_argument("--decimal-comma", action="store_true", help="a comma parts decimals")
    signs.add_argument(
        "--decimal-point",
        action="store_true",
        help="a point does, also in 1.500 between semicolons",
    )


def amount(text: str) -> Decimal:
    """Read an amount that is not negative.

    Args:
        text: As typed.

    Returns:
        The amount.

    Raises:
        argparse.ArgumentTypeError: If it is none.
    """
    try:
        found = Decimal(text)
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected an amount with a decimal point as 12.50"
        ) from error
    if not found.is_finite() or found < 0:
        raise argparse.ArgumentTypeError(f"{text!r}: expected zero or more")
    return found


def present() -> datetime:
    """Tell the time.

    Returns:
        Now, in UTC.
    """
    return datetime.now(UTC)


def once(settings: Settings, work: Callable[[Connection], T]) -> T:
    """Do something in one transaction.

    Args:
        settings: Where the database is.
        work: What to do; may run up to 10 times, and is committed once.

    Returns:
        What it gave.
    """
    return db.once(settings.needed("app_dsn"), work)


def reporting(work: Callable[[], object], *refusals: type[Exception]) -> int:
    """Do something, and say on standard error what is wrong with it.

    Args:
        work: What to do.
        refusals: Errors whose words are the answer, beside the database's own.

    Returns:
        The exit code: 0 if it was done.
    """
    refused: tuple[type[Exception], ...] = (
        ContentRefusedError,
        DatabaseAwayError,
        PartsFailedError,
        *refusals,
    )
    try:
        work()
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            place = ".".join(map(str, fault["loc"]))
            print(f"dockledger: {place}{': ' if place else ''}{fault['msg']}", file=sys.stderr)
        return 1
    except refused as error:
        for line in str(error).splitlines():
            print(f"dockledger: {line}", file=sys.stderr)
        return 1
    return 0


def reporting_with(*refusals: type[Exception]) -> Callable[[Callable[[], object]], int]:
    """Make what runs the work of a package's commands.

    Args:
        refusals: Errors whose words are the answer, beside the database's own.

    Returns:
        `reporting` with these.
    """
    return lambda work: reporting(work, *refusals)


def told(work: Lines, *refusals: type[Exception]) -> Run:
    """Make a command of work that is done in one transaction.

    Args:
        work: Does it; may run again if others are in its way.
        refusals: Errors whose words are the answer, beside the database's own.

    Returns:
        What runs it, prints its lines once it is committed, and gives the exit code.
    """

    def run(arguments: argparse.Namespace, settings: Settings) -> int:
        def tell() -> None:
            for line in once(settings, lambda conn: list(work(conn, arguments))):
                print(line)

        return reporting(tell, *refusals)

    return run


def line(arguments: argparse.Namespace, row: Any, words: str) -> str:
    """Say a row in words, or as JSON.

    Args:
        arguments: Whether as JSON.
        row: A mapping, model, dataclass or named tuple.
        words: What it is in words.

    Returns:
        The line.
    """
    return _json(_fields(row)) if arguments.json else words


def show(arguments: argparse.Namespace, row: Any) -> None:
    """Print a row, a field a line, or as JSON.

    Args:
        arguments: Whether as JSON.
        row: A mapping, model, dataclass or named tuple.
    """
    fields = _fields(row)
    if arguments.json:
        print(_json(fields))
        return
    width = max(map(len, fields))
    for name, value in fields.items():
        parts = value if isinstance(value, tuple | frozenset | list) else (value,)
        for number, part in enumerate(parts or ("-",)):
            print(f"{name if number == 0 else '':<{width}}  {_readable(part)}")


def show_all(arguments: argparse.Namespace, rows: Iterable[Any]) -> None:
    """Print rows, one a line.

    Args:
        arguments: Whether as JSON.
        rows: Mappings, models, dataclasses or named tuples of the same fields.
    """
    for row in rows:
        fields = _fields(row)
        if arguments.json:
            print(_json(fields))
        else:
            print("  ".join(map(_readable, fields.values())))


def show_named(arguments: argparse.Namespace, rows: Iterable[Any]) -> None:
    """Print rows, one a line, each value behind its name; what a row lacks is left out.

    Args:
        arguments: Whether as JSON.
        rows: Mappings, models, dataclasses or named tuples; their fields may differ. Blanks before a
            name move it to the right.
    """
    for text in named_lines(arguments, rows):
        print(text)


def named_lines(arguments: argparse.Namespace, rows: Iterable[Any]) -> Iterator[str]:
    """Say rows, each value behind its name; what a row lacks is left out.

    Args:
        arguments: Whether as JSON.
        rows: As `show_named` takes them.

    Yields:
        A line for each.
    """
    for row in rows:
        fields = _fields(row)
        if arguments.json:
            yield _json({name.strip(): value for name, value in fields.items()})
        else:
            known = {name: value for name, value in fields.items() if value is not None}
            yield "  ".join(f"{name} {_readable(value)}" for name, value in known.items())


def _fields(row: Any) -> dict[str, Any]:
    match row:
        case Mapping():
            return dict(row)
        case BaseModel():
            return row.model_dump()
        case tuple() if hasattr(row, "_asdict"):
            return dict(row._asdict())
        case _:
            return asdict(row)


def _json(fields: dict[str, Any]) -> str:
    return orjson.dumps(fields, default=_as_json).decode()


def _as_json(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else str(value)


def _readable(value: object) -> str:
    match value:
        case None:
            text = "-"
        case Decimal():
            text = f"{value.normalize():f}"
        case float():
            text = f"{value:.4f}"
        case datetime():
            text = value.isoformat(timespec="seconds")
        case Mapping():
            text = ", ".join(f"{_readable(each)} {name}" for name, each in value.items()) or "nothing"
        case tuple() | list():
            text = " ".join(map(_readable, value)) or "-"
        case _:
            text = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in str(value))
    return text
