"""The `dockledger` command: arguments in, exit code out (0 ok, 1 breach or failure, 2 usage)."""

import argparse
import io
import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Final

import structlog

from cloud.db import OperationalError
from cloud.settings import SettingsError, load

AREAS: Final = {
    "cloud.local.commands": ("local", "demo", "check", "bootstrap", "admit"),
    "cloud.ingest.commands": ("ingest", "quarantine"),
    "cloud.local.gateway_commands": ("gateway",),
    "cloud.ledger.commands": ("migrate", "verify", "rebuild", "fold", "backup", "restore"),
    "cloud.ledger.heads.commands": ("ledger",),
    "cloud.ledger.upgrade_commands": ("db",),
    "cloud.documents.commands": (
        "documents",
        "visits",
        "receipts",
        "shipments",
        "transfers",
        "inspection",
    ),
    "cloud.units.commands": ("units", "serials"),
    "cloud.units.packaging_commands": ("packaging",),
    "cloud.units.merging_commands": ("items",),
    "cloud.allocation.commands": ("allocation",),
    "cloud.lots.commands": ("lots",),
    "cloud.recipes.commands": ("recipes", "transformations"),
    "cloud.master.commands": ("costs", "exchange-rates"),
    "cloud.labels.commands": ("labels",),
    "cloud.counting.commands": ("counts", "tolerances"),
    "cloud.demand.commands": ("demand",),
    "cloud.forecasting.commands": ("forecast",),
    "cloud.replenishment.commands": ("suppliers", "replenish"),
    "cloud.scheduling.commands": ("scheduler", "jobs"),
    "cloud.server.commands": ("api",),
    "cloud.identity.commands": ("user", "api-key"),
    "cloud.decisions.commands": ("limits",),
    "cloud.alerts.webhooks.commands": ("webhooks",),
}
"""Modules with `add_commands(subparsers)`, and the commands they add, as help lists them."""
_EXAMPLES: Final = """examples:
  dockledger demo                                  all of it on this machine, with simulated people
  dockledger user add ada --role supervisor@leeds  who may log in, and as what
  dockledger verify                                that the ledger is whole
  dockledger ledger heads export heads.jsonl       signed heads, to keep elsewhere
  dockledger COMMAND --help                        has examples of each
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program's name; by default the process's own.

    Returns:
        0 when all is well, 1 on a breach or failure, 2 on wrong usage or settings.
    """
    arguments = build_parser(_command(argv)).parse_args(argv)
    _log_to_stderr()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may lack a letter
    try:
        loaded = load({"data_dir": arguments.data_dir}, file=arguments.config)
        return int(arguments.run(arguments, loaded.settings))
    except SettingsError as error:
        print(f"dockledger: {error}", file=sys.stderr)
        return 2
    except OperationalError as error:
        print(f"dockledger: the database does not answer: {error}", file=sys.stderr)
        return 1


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """Build the parser; the documentation is generated from it too.

    Args:
        command: The only one to be asked for, where known: what all others need is then not imported.

    Returns:
        The parser of its area's commands; of every command, if none is named or the one named is unknown.
    """
    parser = argparse.ArgumentParser(
        prog="dockledger",
        description="A stock ledger that people trust, and the services around it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"dockledger {version('dockledger')}")
    _add_options(parser)
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for area in [area for area, commands in AREAS.items() if command in commands] or AREAS:
        import_module(area).add_commands(subparsers)
    return parser


def _command(argv: Sequence[str] | None) -> str | None:
    """Find the command, where nothing but our own options stands before it."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    _add_options(parser)
    parser.add_argument("words", nargs=argparse.REMAINDER)
    try:
        found, others = parser.parse_known_args(argv)
    except argparse.ArgumentError:
        return None
    return None if others or not found.words else str(found.words[0])


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="default: dockledger.toml")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="default: .dockledger")


def _log_to_stderr() -> None:
    """Log as lines for people on a terminal and as JSON elsewhere, always on standard error."""
    on_terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if on_terminal else [structlog.processors.format_exc_info]),
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
            if on_terminal
            else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
