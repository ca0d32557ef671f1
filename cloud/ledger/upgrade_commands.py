"""`dockledger db`: what an upgrade will do to the database, and the upgrade, with a backup before it."""

import argparse
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from cloud.db import MigrationError, Pending, connect, migrate, pending
from cloud.ledger.backup.archive import BackupError, back_up
from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

_HOW: Final = (
    "a migration only goes forward, and the way back is a backup: say --backup FILE to have one taken now, "
    "or --without-backup if you have one"
)


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    summary = "say what an upgrade will do to the database; upgrade it, with a backup before"
    parser = subparsers.add_parser(
        "db",
        help=summary,
        description=summary,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  dockledger db status\n  dockledger db upgrade --backup before-upgrade.backup",
    )
    group = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    summary = "say what `upgrade` would do; exit code 1 if the database is not of this release"
    telling = group.add_parser("status", help=summary, description=summary)
    telling.add_argument("--json", action="store_true", help="print JSON")
    telling.set_defaults(run=run_status)
    summary = "back the database up and bring it to this release; killed half-way, it goes on when run again"
    bringing = group.add_parser("upgrade", help=summary, description=summary)
    backing = bringing.add_mutually_exclusive_group()
    backing.add_argument("--backup", type=Path, metavar="FILE", help="take a backup first; a new file")
    backing.add_argument("--without-backup", action="store_true", help="there is one already")
    bringing.set_defaults(run=run_upgrade)


def run_status(arguments: argparse.Namespace, settings: Settings) -> int:
    """Tell what is missing."""
    try:
        found = pending(settings.needed("owner_dsn"))
    except MigrationError as error:
        return _fail(str(error))
    if arguments.json:
        told = {
            "applied": found.applied,
            "last": found.last,
            "migrations": found.migrations,
            "repeatables": found.repeatables,
        }
        sys.stdout.buffer.write(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        _print(found)
    return 1 if found.migrations or found.repeatables else 0


def run_upgrade(arguments: argparse.Namespace, settings: Settings) -> int:
    """Back up and migrate."""
    owner_dsn = settings.needed("owner_dsn")
    try:
        found = pending(owner_dsn)
        _print(found)
        if not (found.migrations or found.repeatables):
            return 0
        if arguments.backup:
            _back_up(owner_dsn, arguments.backup)
        elif found.applied and not arguments.without_backup:
            print(f"dockledger: {_HOW}", file=sys.stderr)
            return 2
        applied = migrate(owner_dsn)
    except (MigrationError, BackupError) as error:
        return _fail(str(error))
    print(f"{len(applied)} scripts applied; `dockledger verify` proves the ledger, then start the services")
    return 0


def _print(found: Pending) -> None:
    print(f"the database has {found.applied} migrations{f', the last is {found.last}' if found.last else ''}")
    for name in found.migrations:
        print(f"  to apply: {name}")
    if found.repeatables:
        print(f"  to replace: {len(found.repeatables)} files of functions and views, in one transaction")
    if not (found.migrations or found.repeatables):
        print("it is of this release: nothing to do")


def _back_up(owner_dsn: str, file: Path) -> None:
    with connect(owner_dsn, "dockledger-shell", statement_timeout=timedelta(0)) as conn:
        conn.autocommit = True
        conn.execute("SET ROLE dockledger_owner")
        with conn.transaction():
            kept = back_up(conn, file, lambda *_: None)
    print(f"{file}: ledger {kept.ledger_id} up to position {kept.position}")


def _fail(message: str) -> int:
    print(f"dockledger: {message}", file=sys.stderr)
    return 1
