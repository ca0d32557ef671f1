"""Events in the database."""

from typing import Any, Final

import orjson
from psycopg import Connection

from cloud.db import NamedStatements
from cloud.ledger.store import record_audit

_SQL: Final = NamedStatements("cloud.events")
rows, row, tuples, change = _SQL.rows, _SQL.row, _SQL.tuples, _SQL.change


def add(conn: Connection, **columns: Any) -> int:
    """Store a revision.

    Args:
        conn: In a transaction that shows its site.
        **columns: As the table has them; `attributes` as a mapping, `event_id` None for a new event.

    Returns:
        The event's number.
    """
    attributes = orjson.dumps(columns.pop("attributes")).decode()
    ((number,),) = tuples(conn, "add_event", **columns, attributes=attributes)
    return int(number)


def audit(
    conn: Connection, actor: str, action: str, target: str, *, site: str | None, detail: dict[str, object]
) -> None:
    """Say in the audit trail what was done.

    Args:
        conn: In a transaction that the caller commits.
        actor: Who did it.
        action: What, as a stable snake_case word.
        target: To what.
        site: Where; None: at every site.
        detail: More.
    """
    text = orjson.dumps(detail, default=str).decode()
    record_audit(conn, actor=actor, action=action, target=target, site=site, detail=text)
