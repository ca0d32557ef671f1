"""Answers given under an idempotency key, in the transaction of the effect."""

from dataclasses import dataclass
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from cloud.db import statements

_SQL: Final = statements("cloud.api", "queries.sql")


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was answered to the first request under a key."""

    request_sha256: str
    status: int
    response: dict[str, Any]


def find_answer(conn: Connection, *, actor: str, key: str) -> Remembered | None:
    """Look for the answer under a key, holding the key until the transaction ends.

    Args:
        conn: In a transaction.
        actor: Whose key it is.
        key: The key.

    Returns:
        The answer, or None if the key was not used.
    """
    conn.execute(_SQL["lock_key"], {"actor": actor, "key": key})
    with conn.cursor(row_factory=class_row(Remembered)) as cursor:
        return cursor.execute(_SQL["remembered_answer"], {"actor": actor, "key": key}).fetchone()


def keep_answer(conn: Connection, answer: Remembered, *, actor: str, key: str) -> None:
    """Store the answer under a key.

    Args:
        conn: In the transaction of the effect.
        answer: What is answered now and to every repetition.
        actor: Whose key it is.
        key: The key.
    """
    conn.execute(
        _SQL["remember_answer"],
        {
            "actor": actor,
            "key": key,
            "request_sha256": answer.request_sha256,
            "status": answer.status,
            "response": Jsonb(answer.response),
        },
    )
