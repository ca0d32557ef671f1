"""What the commands of this folder share: who runs them, their connection, how they end."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Final

from cloud import shell
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

    def with_files() -> None:
        try:
            work()
        except OSError as error:
            raise DemandError(f"{error.filename}: {error.strerror}") from error

    return shell.reporting(with_files, DemandError, DataError)
