"""`dockledger ledger heads …`: signed heads of the order, out of the ledger and against it."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cloud.db import connect
from cloud.ledger.heads.domain import HeadError, read_heads, require_key
from cloud.ledger.heads.service import heads, require_kept
from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

_EXAMPLES: Final = """examples:
  dockledger ledger heads export heads.jsonl
  dockledger ledger heads verify heads.jsonl --public-key d75a98…     signatures, and the ledger against them
  dockledger ledger heads verify heads.jsonl --offline                signatures only

The scheduler signs the head of the one order each hour with the key in the data directory. Keep exported
heads where the database's owner cannot reach them: nobody rewrites what lies before one unnoticed."""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    parser = subparsers.add_parser("ledger", help="signed heads of the ledger's order")
    group = parser.add_subparsers(required=True, metavar="WHAT")
    signed = group.add_parser(
        "heads",
        help="export signed heads of the order, and verify them",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = signed.add_subparsers(required=True, metavar="ACTION")
    exporting = actions.add_parser("export", help="write what was signed, one JSON object a line")
    exporting.add_argument("file", type=Path)
    exporting.add_argument("--after", type=int, default=0, metavar="POSITION")
    exporting.set_defaults(run=run_export)
    checking = actions.add_parser("verify", help="hold kept heads against their key and the ledger")
    checking.add_argument("file", type=Path)
    checking.add_argument("--public-key", metavar="HEX", help="the only key to believe; default: each line's")
    checking.add_argument("--offline", action="store_true", help="signatures only, without the database")
    checking.set_defaults(run=run_verify)


def run_export(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write signed heads to a file."""
    written = 0
    with (
        connect(settings.needed("app_dsn"), "dockledger-heads") as conn,
        arguments.file.open("w", encoding="ascii") as file,
    ):
        for head in heads(conn, after=arguments.after):
            file.write(head.model_dump_json() + "\n")
            written += 1
    print(f"{arguments.file}: {written} signed heads")
    return 0


def run_verify(arguments: argparse.Namespace, settings: Settings) -> int:
    """Verify kept heads; exit code 1 if one does not hold."""
    try:
        kept = read_heads(arguments.file.read_text("utf-8"), str(arguments.file))
        if arguments.public_key:
            require_key(kept, arguments.public_key.lower())
        if not arguments.offline:
            with connect(settings.needed("owner_dsn"), "dockledger-heads") as conn:
                conn.execute("SET ROLE dockledger_owner")
                require_kept(conn, kept)
    except (HeadError, OSError, UnicodeDecodeError) as error:
        print(f"dockledger: {error}", file=sys.stderr)
        return 1
    print(f"{len(kept)} heads hold, up to position {kept[-1].position}")
    return 0
