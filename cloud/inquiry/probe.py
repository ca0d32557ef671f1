"""Whether the database answers and holds a ledger; asked by health checks, which have no actor."""

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
