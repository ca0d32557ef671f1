"""One connection that comes back after an outage, its errors sorted by what the caller should do."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import TypeVar

import psycopg

from cloud.db.connections import connect
from cloud.db.retry import RETRYABLE, in_transaction

T = TypeVar("T")


class DatabaseAwayError(Exception):
    """The database cannot be reached or cannot work now; nothing was committed; try again later."""


class ContentRefusedError(Exception):
    """The database refuses what was to be stored; trying the same again will not help."""


class LastingConnection:
    """A connection opened when it is needed and opened anew when it is broken; for one thread."""

    def __init__(self, dsn: str, application_name: str) -> None:
        """Remember where to connect.

        Args:
            dsn: Whom to connect as, and where; never a superuser.
            application_name: As ``pg_stat_activity`` shows it.
        """
        self._dsn = dsn
        self._application_name = application_name
        self._conn: psycopg.Connection | None = None

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        """Give the connection inside a transaction, which commits at the end and rolls back on an error.

        Yields:
            The open connection.

        Raises:
            DatabaseAwayError: If there is no connection, or it broke.
            ContentRefusedError: If a constraint or a type refuses the content.
        """
        try:
            if self._conn is None or self._conn.closed:
                self._conn = connect(self._dsn, self._application_name, autocommit=True)
            with self._conn.transaction():
                yield self._conn
        except RETRYABLE:
            raise
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            raise ContentRefusedError(str(error)) from error
        except psycopg.Error as error:
            self.close()
            raise DatabaseAwayError(str(error)) from error

    def close(self) -> None:
        """Close it; `connection` opens it again."""
        if self._conn is not None:
            with suppress(psycopg.Error):
                self._conn.close()
            self._conn = None


def once(dsn: str, work: Callable[[psycopg.Connection], T]) -> T:
    """Run a command's work in one transaction on a connection of its own.

    Args:
        dsn: Whom to connect as, and where; never a superuser.
        work: What to do; may run up to 10 times, and is committed once.

    Returns:
        What the committed run of ``work`` returned.
    """
    with closing(LastingConnection(dsn, "dockledger-command")) as database:
        return in_transaction(database, work)
