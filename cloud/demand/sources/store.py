"""Sources in the database."""

from collections.abc import Mapping
from typing import Any, Final

from psycopg import Connection
from psycopg.types.json import Jsonb

from cloud.db import NamedStatements
from cloud.demand.sources.domain import Source

_SQL: Final = NamedStatements("cloud.demand.sources")
change, rows, tuples = _SQL.change, _SQL.rows, _SQL.tuples


def add(conn: Connection, settings: Mapping[str, Any], **columns: Any) -> Source | None:
    """Store a source.

    Args:
        conn: In a transaction that shows the site.
        settings: How it is asked.
        **columns: Everything else.

    Returns:
        The source; None if the name is taken.
    """
    return _SQL.row(conn, Source, "add", settings=Jsonb(dict(settings)), **columns)
