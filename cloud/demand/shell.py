"""What the commands of this folder share: who runs them, their connection, how they end."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from typing import Final

from cloud.db import Connection, DataError, connect
from cloud.demand.domain import DemandError
from cloud.identity.actor import Actor, Role
from cloud.settings import Settings

SHELL: Final = Actor("system:shell", frozenset({Role.SUPERVISOR, Role.INVENTORY_CONTROLLER}), all_sites=True)
"""Whoever can read the database's password keeps its demand; the record says it was done here."""


@contextmanager
def database(settings: Settings) -> Iterator[Connection]:
    """Give a connection whose statements may take long, in a transaction that commits at the end.

    Args:
        settings: That name the database.

    Yields:
        The connection.
    """
    conn = connect(
        settings.needed("app_dsn"), "dockledger-command", autocommit=True, statement_timeout=timedelta(0)
    )
    with closing(conn), conn.transaction():
        yield conn


def reporting(work: Callable[[], object]) -> int:
    """Do the work of a command.

    Args:
        work: It.

    Returns:
        0, or 1 after saying what was wrong.
    """
    try:
        work()
    except (DemandError, DataError) as error:
        for line in str(error).splitlines():
            print(f"dockledger: {line}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"dockledger: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def site_day(text: str) -> date:
    """Read a day that an option names.

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
        raise argparse.ArgumentTypeError(f"{text!r}: expected a day like 2026-03-02") from error
