"""Connections with a name and time limits; never a superuser's."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool

from cloud.db.lists import write_lists_quickly

STATEMENT_TIMEOUT: Final = timedelta(seconds=30)
IDLE_TIMEOUT: Final = timedelta(seconds=60)
LOCK_TIMEOUT: Final = timedelta(seconds=10)


class SuperuserError(Exception):
    """A process was given a superuser's DSN; append-only tables would not be safe from it."""


def conninfo(dsn: str, application_name: str, *, statement_timeout: timedelta = STATEMENT_TIMEOUT) -> str:
    """Add our name, limits and the UTC time zone to a DSN.

    Args:
        dsn: A libpq URL or key-value string.
        application_name: As ``pg_stat_activity`` shows it.
        statement_timeout: Longest statement; zero means no limit.

    Returns:
        The full connection string.
    """
    limits = {
        "statement_timeout": statement_timeout,
        "idle_in_transaction_session_timeout": IDLE_TIMEOUT,
        "lock_timeout": LOCK_TIMEOUT,
    }
    given = conninfo_to_dict(dsn).get("options")
    options = [str(given)] if given else []
    options += [f"-c {name}={int(limit.total_seconds() * 1000)}" for name, limit in limits.items()]
    options += ["-c TimeZone=UTC", "-c DateStyle=ISO"]
    return make_conninfo(dsn, application_name=application_name, options=" ".join(options))


def connect(
    dsn: str,
    application_name: str,
    *,
    autocommit: bool = False,
    statement_timeout: timedelta = STATEMENT_TIMEOUT,
) -> psycopg.Connection:
    """Open one connection.

    Args:
        dsn: Whom to connect as, and where.
        application_name: As ``pg_stat_activity`` shows it.
        autocommit: Whether statements stand alone.
        statement_timeout: Longest statement; zero means no limit.

    Returns:
        An open connection.

    Raises:
        SuperuserError: If the DSN is a superuser's.
    """
    conn = psycopg.connect(
        conninfo(dsn, application_name, statement_timeout=statement_timeout), autocommit=autocommit
    )
    try:
        _begin(conn)
    except SuperuserError:
        conn.close()
        raise
    return conn


def open_pool(
    dsn: str,
    application_name: str,
    *,
    min_size: int = 1,
    max_size: int = 4,
    statement_timeout: timedelta = STATEMENT_TIMEOUT,
    reconnect_timeout_s: float = 86_400,
) -> ConnectionPool:
    """Open a pool of connections; the first is made in the background.

    Args:
        dsn: Whom to connect as, and where.
        application_name: As ``pg_stat_activity`` shows it.
        min_size: Connections kept open.
        max_size: Most connections at once.
        statement_timeout: Longest statement; zero means no limit.
        reconnect_timeout_s: How long the pool tries by itself to reach a database that went away.

    Returns:
        An open pool; the caller closes it.
    """
    return ConnectionPool(
        conninfo(dsn, application_name, statement_timeout=statement_timeout),
        min_size=min_size,
        max_size=max_size,
        name=application_name,
        configure=_begin,
        check=ConnectionPool.check_connection,
        reconnect_timeout=reconnect_timeout_s,
        open=True,
    )


@contextmanager
def one_snapshot(pool: ConnectionPool) -> Iterator[psycopg.Connection]:
    """Open a transaction that shows one instant of the database to its end, and changes nothing.

    Args:
        pool: Whose connection to use.

    Yields:
        The connection.
    """
    with pool.connection() as conn:
        conn.isolation_level, conn.read_only = psycopg.IsolationLevel.REPEATABLE_READ, True
        try:
            yield conn
        finally:
            conn.rollback()
            conn.isolation_level = conn.read_only = None


def refuse_superuser(conn: psycopg.Connection) -> None:
    """Raise if a connection belongs to a superuser.

    Args:
        conn: Any open connection.

    Raises:
        SuperuserError: Naming the role.
    """
    if conn.info.parameter_status("is_superuser") == "on":
        msg = f"role {conn.info.user!r} is a superuser; expected one of the dockledger_* roles"
        raise SuperuserError(msg)


def _begin(conn: psycopg.Connection) -> None:
    refuse_superuser(conn)
    write_lists_quickly(conn)
