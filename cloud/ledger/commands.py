"""`dockledger migrate | verify | rebuild | fold | backup | restore`: the ledger from the command line."""

import argparse
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cloud.db import Connection, MigrationError, connect, migrate
from cloud.ledger.backup.archive import BackupError, back_up, restore
from cloud.ledger.balances import rebuild_balances, wrong_balances
from cloud.ledger.folding import keep_folding
from cloud.ledger.heads.domain import HeadError, read_heads
from cloud.ledger.verification.domain import Checkpoint, Report
from cloud.ledger.verification.service import verify, verify_since
from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

Run = Callable[[argparse.Namespace, Settings], int]


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    _command(
        subparsers,
        "migrate",
        "bring the database to this release's schema",
        run_migrate,
        "dockledger migrate",
    )
    checking = _command(
        subparsers,
        "verify",
        "prove that nothing is lost, doubled or changed; exit code 1 on a breach",
        run_verify,
        "dockledger verify\n  dockledger verify --json > report.json\n"
        "  dockledger verify --since heads.jsonl    what was posted after the last head that was kept",
    )
    checking.add_argument(
        "--since", type=Path, metavar="HEADS", help="signed heads: only what came after the last"
    )
    checking.add_argument("--json", action="store_true", help="print the report as JSON")
    rebuilding = _command(
        subparsers,
        "rebuild",
        "derive balances from the movements again",
        run_rebuild,
        "dockledger rebuild balances --check\n  dockledger rebuild balances",
    )
    rebuilding.add_argument("what", choices=["balances"])
    rebuilding.add_argument("--check", action="store_true", help="change nothing; exit code 1 if one differs")
    _command(
        subparsers,
        "fold",
        "run the job that keeps balances of the past cheap to ask, until SIGTERM",
        run_fold,
        "dockledger fold",
    )
    keeping = _command(
        subparsers,
        "backup",
        "write the whole ledger to a file",
        run_backup,
        "dockledger backup monday.backup",
    )
    keeping.add_argument("file", type=Path)
    bringing = _command(
        subparsers,
        "restore",
        "fill the database from a backup; edges then send again what came after it",
        run_restore,
        "dockledger restore monday.backup\n  dockledger restore monday.backup --replace",
    )
    bringing.add_argument("file", type=Path)
    bringing.add_argument("--replace", action="store_true", help="replace a ledger that holds postings")


def run_migrate(_arguments: argparse.Namespace, settings: Settings) -> int:
    """Apply what is missing."""
    try:
        applied = migrate(settings.needed("owner_dsn"))
    except MigrationError as error:
        return _fail(str(error))
    for name in applied:
        print(f"applied {name}")
    print(f"{len(applied)} scripts applied" if applied else "the schema is up to date")
    return 0


def run_verify(arguments: argparse.Namespace, settings: Settings) -> int:
    """Check every promise."""
    try:
        since = (
            read_heads(arguments.since.read_text("utf-8"), str(arguments.since)) if arguments.since else []
        )
    except (HeadError, OSError, UnicodeDecodeError) as error:
        return _fail(str(error))
    with _owner(settings) as conn, _owner(settings) as beside, _bar("verifying") as progress:
        if since:
            kept = Checkpoint(since[-1].position, since[-1].chain)
            report = verify_since(conn, kept, progress, beside=beside)
        else:
            report = verify(conn, progress, beside=beside)
    if arguments.json:
        sys.stdout.buffer.write(orjson.dumps(as_json(report), option=orjson.OPT_INDENT_2) + b"\n")
    else:
        _print_report(report)
    return 0 if report.is_clean else 1


def run_rebuild(arguments: argparse.Namespace, settings: Settings) -> int:
    """Compare balances, and mend them unless only asked to check."""
    with _owner(settings) as conn:
        wrong = wrong_balances(conn) if arguments.check else rebuild_balances(conn)
    for balance in wrong:
        print(f"{balance.item} at {balance.location}: {balance.found}, the movements say {balance.expected}")
    if arguments.check:
        print(f"{len(wrong)} balances differ from their movements")
        return 1 if wrong else 0
    print(f"{len(wrong)} balances mended")
    return 0


def run_fold(_arguments: argparse.Namespace, settings: Settings) -> int:
    """Fold until SIGTERM or SIGINT."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    keep_folding(settings.needed("app_dsn"), stop)
    return 0


def run_backup(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write the ledger to a file."""
    try:
        with _owner(settings) as conn, _bar("backing up") as progress:
            kept = back_up(conn, arguments.file, progress)
    except BackupError as error:
        return _fail(str(error))
    print(f"{arguments.file}: ledger {kept.ledger_id} up to position {kept.position}")
    return 0


def run_restore(arguments: argparse.Namespace, settings: Settings) -> int:
    """Fill the database from a file."""
    try:
        with _owner(settings) as conn, _bar("restoring") as progress:
            kept = restore(conn, arguments.file, replace=arguments.replace, progress=progress)
    except BackupError as error:
        return _fail(str(error))
    print(
        f"restored up to position {kept.position} as ledger {kept.ledger_id}; edges send again what followed"
    )
    for site, serial in sorted(kept.next_serials.items()):
        print(f"SSCCs of {site} go on at serial reference {serial}, past what was given out since the backup")
    return 0


def as_json(report: Report) -> dict[str, object]:
    """Write a report as its JSON object.

    Args:
        report: Of a verification.

    Returns:
        Plain values; breaches carry place, expected and found.
    """
    return {
        "is_clean": report.is_clean,
        "ledger_id": report.ledger_id,
        "position": report.position,
        "recorded_at": report.recorded_at,
        "breaches": report.breach_count,
        "checks": [
            {
                "check": finding.check,
                "promise": finding.promise,
                "examined": finding.examined,
                "breaches": finding.breach_count,
                "first": [breach._asdict() for breach in finding.breaches],
            }
            for finding in report.findings
        ],
    }


def _print_report(report: Report) -> None:
    recorded = report.recorded_at or "never"
    print(f"ledger {report.ledger_id} at position {report.position}, recorded at {recorded}")
    for finding in report.findings:
        state = "ok    " if not finding.breach_count else "BREACH"
        print(f"  {state} {finding.check:<18} {finding.examined:>10}  {finding.promise}")
        for breach in finding.breaches:
            print(f"           {breach.place}: expected {breach.expected}, found {breach.found}")
    print("every promise holds" if report.is_clean else f"{report.breach_count} breaches")


def _command(
    subparsers: "Subparsers", name: str, summary: str, run: Run, examples: str
) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=summary,
        epilog=f"examples:\n  {examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


@contextmanager
def _owner(settings: Settings) -> Iterator[Connection]:
    with connect(settings.needed("owner_dsn"), "dockledger-shell", statement_timeout=timedelta(0)) as conn:
        conn.autocommit = True
        conn.execute("SET ROLE dockledger_owner")
        with conn.transaction():
            yield conn


@contextmanager
def _bar(title: str) -> Iterator[Callable[[str, int, int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=None)
        yield lambda step, done, total: progress.update(
            task, description=f"{title} {step}", completed=done, total=total
        )


def _fail(message: str) -> int:
    print(f"dockledger: {message}", file=sys.stderr)
    return 1
