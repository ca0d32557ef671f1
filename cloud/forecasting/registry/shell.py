"""What commands about models have in common: who gives them, and how errors are told."""

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from cloud.db import Connection, DataError, connect
from cloud.forecasting.domain import ForecastError
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

Work = Callable[[Connection, argparse.Namespace], None]

SHELL: Final = Actor("system:shell", frozenset({Role.PLANNER}), all_sites=True)
MOST_LISTED: Final = 10_000


def command(group: "Subparsers", name: str, summary: str, work: Work) -> argparse.ArgumentParser:
    """Add a command that works in one transaction.

    Args:
        group: What the commands are collected in.
        name: Of the command.
        summary: What it does.
        work: Does it.

    Returns:
        Its parser, for further arguments.
    """
    parser = group.add_parser(name, help=summary, description=summary)
    parser.add_argument("--json", action="store_true", help="print JSON, one object per line")

    def run(arguments: argparse.Namespace, settings: Settings) -> int:
        try:
            with connect(settings.needed("app_dsn"), "dockledger-models") as conn:
                work(conn, arguments)
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                print(f"dockledger: {'.'.join(map(str, fault['loc']))}: {fault['msg']}", file=sys.stderr)
            return 1
        except (ForecastError, NotAllowedError, DataError) as error:
            print(f"dockledger: {error}", file=sys.stderr)
            return 1
        return 0

    parser.set_defaults(run=run)
    return parser
