"""Recipes and transformations in the database."""

from collections.abc import Mapping
from typing import Final

import orjson

from cloud.db import Connection, NamedStatements
from cloud.ledger.store import record_audit

_SQL: Final = NamedStatements("cloud.recipes")
rows, row, tuples, change = _SQL.rows, _SQL.row, _SQL.tuples, _SQL.change


def audit(
    conn: Connection, actor: str, action: str, target: str, *, site: str | None, detail: Mapping[str, object]
) -> None:
    """Append to the audit chain.

    Args:
        conn: In a transaction.
        actor: Who did it.
        action: What, as a stable snake_case word.
        target: To what.
        site: Where; None: everywhere.
        detail: More, as JSON.
    """
    text = orjson.dumps(dict(detail), default=str).decode()
    record_audit(conn, actor=actor, action=action, target=target, site=site, detail=text)
