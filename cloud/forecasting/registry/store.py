"""Versions of models in the database."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from psycopg import Connection

from cloud.db import NamedStatements
from cloud.forecasting.registry.domain import ModelRole, Version

_SQL: Final = NamedStatements("cloud.forecasting.registry")
rows, tuples, change = _SQL.rows, _SQL.tuples, _SQL.change


def versions(
    conn: Connection,
    *,
    limit: int,
    site: str | None = None,
    role: ModelRole | None = None,
    version_id: int | None = None,
    before: int | None = None,
) -> list[Version]:
    """List versions, the latest first.

    Args:
        conn: In a transaction that shows the actor's sites.
        limit: Most to give.
        site: Only of this site.
        role: Only in this role.
        version_id: Only this one.
        before: Only numbers below this one.

    Returns:
        The versions.
    """
    asked = {"site": site, "role": role and role.value, "version_id": version_id, "before": before}
    return rows(conn, Version, "versions", limit=limit, **asked)


def as_json(value: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> str:
    """Write a mapping, or several, for a column of JSON.

    Args:
        value: It, or they.

    Returns:
        Its text.
    """
    return orjson.dumps(value, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)
