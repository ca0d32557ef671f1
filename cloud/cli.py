"""The `dockledger` command: arguments in, exit code out (0 ok, 1 breach or failure, 2 usage)."""

import argparse
import logging
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import structlog

from cloud.alerts.webhooks import commands as webhooks
from cloud.allocation import commands as allocation
from cloud.counting import commands as counting
from cloud.db import OperationalError
from cloud.decisions import commands as limits
from cloud.demand import commands as demand
from cloud.documents import commands as documents
from cloud.forecasting import commands as forecasting
from cloud.identity import commands as identity
from cloud.ingest import commands as ingest
from cloud.ledger import commands as ledger
from cloud.ledger.heads import commands as heads
from cloud.local import commands as local
from cloud.master import commands as costs
from cloud.replenishment import commands as replenishment
from cloud.scheduling import commands as scheduling
from cloud.server import commands as server
from cloud.settings import SettingsError, load

AREAS: Final = (
    local,
    ingest,
    ledger,
    heads,
    documents,
    allocation,
    costs,
    counting,
    demand,
    forecasting,
    replenishment,
    scheduling,
    server,
    identity,
    limits,
    webhooks,
)
"""Modules with `add_commands(subparsers)`, in the order in which `--help` lists their commands."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program's name; by default the process's own.

    Returns:
        0 when all is well, 1 on a breach or failure, 2 on wrong usage or settings.
    """
    arguments = build_parser().parse_args(argv)
    _log_to_stderr()
    try:
        loaded = load({"data_dir": arguments.data_dir}, file=arguments.config)
        return int(arguments.run(arguments, loaded.settings))
    except SettingsError as error:
        print(f"dockledger: {error}", file=sys.stderr)
        return 2
    except OperationalError as error:
        print(f"dockledger: the database does not answer: {error}", file=sys.stderr)
        return 1


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of every command; the documentation is generated from it too."""
    parser = argparse.ArgumentParser(
        prog="dockledger", description="A stock ledger that people trust, and the services around it."
    )
    parser.add_argument("--version", action="version", version=f"dockledger {version('dockledger')}")
    parser.add_argument("--config", type=Path, metavar="FILE", help="default: dockledger.toml")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="default: .dockledger")
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for area in AREAS:
        area.add_commands(subparsers)
    return parser


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
