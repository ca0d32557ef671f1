"""The named statements of `queries.sql` as typed rows."""

from collections.abc import Sequence
from typing import Any, Final

from psycopg import Connection

from cloud.db import NamedStatements
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as

_SQL: Final = NamedStatements("cloud.inquiry")
rows, row = _SQL.rows, _SQL.row


def see(conn: Connection, actor: Actor, roles: Sequence[Role], *, site: str | None = None) -> Actor:
    """Check that an actor may ask, and show the sites at which it holds one of the roles.

    Args:
        conn: In a transaction.
        actor: Who asks.
        roles: Any one of them suffices.
        site: The site asked for, if one.

    Returns:
        The actor with no more reach than that.

    Raises:
        NotAllowedError: If the actor holds none of the roles, or not at the site.
    """
    actor.require(*roles, site=site)
    narrowed = actor.narrowed(*roles)
    act_as(conn, narrowed)
    return narrowed


def number(conn: Connection, statement: str, /, **parameters: Any) -> int:
    """Run a statement that gives one number.

    Args:
        conn: In a transaction in which `see` was called.
        statement: Name in `queries.sql`.
        **parameters: The statement's parameters.

    Returns:
        The number, 0 if there is none.
    """
    found = conn.execute(_SQL[statement], parameters).fetchone()
    return int(found[0]) if found else 0
