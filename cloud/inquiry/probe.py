"""Whether the database answers, and whether anything happened in it; asked on nobody's behalf."""

from cloud.db import ConnectionPool
from cloud.inquiry.store import number


def is_ready(pool: ConnectionPool) -> bool:
    """Ask the database the smallest question whose answer needs the schema.

    Args:
        pool: Connections of `dockledger_app`.

    Returns:
        True. A database that does not answer, or is not migrated, is an error of the driver's.
    """
    with pool.connection(timeout=2) as conn:
        return number(conn, "is_migrated") > 0


def revision(pool: ConnectionPool) -> int:
    """Ask whether anything was counted, noticed or decided.

    Args:
        pool: Connections of `dockledger_app`.

    Returns:
        A number that is another when something was.
    """
    with pool.connection(timeout=5) as conn:
        return number(conn, "live_revision")
