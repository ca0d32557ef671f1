"""Crossings, cards and answers in the database."""

from datetime import datetime
from typing import Final, NamedTuple

from psycopg import Connection

from cloud.crossings.domain import Answer, CrossingRow
from cloud.db import NamedStatements

_SQL: Final = NamedStatements("cloud.crossings")
rows = _SQL.rows


class Overdue(NamedTuple):
    """Cards of one door that have waited too long."""

    site: str
    portal: str
    cards: int
    oldest_at: datetime


def count_open(conn: Connection, at_most: int) -> int:
    """Count the cards that wait at the session's sites.

    Args:
        conn: In a transaction that shows the actor's sites.
        at_most: Where counting ends.

    Returns:
        The number, at most `at_most`.
    """
    found = conn.execute(_SQL["count_open"], {"at_most": at_most}).fetchone()
    return int(found[0]) if found else 0


def add_answer(
    conn: Connection, crossing: CrossingRow, answer: Answer, *, visit: str | None, actor: str
) -> None:
    """Write the next step of a crossing inside the open posting, which has claimed it.

    Args:
        conn: A connection inside a posting.
        crossing: As it was read in the same transaction.
        answer: What was said.
        visit: The visit that was chosen.
        actor: Who said it.
    """
    conn.execute(
        _SQL["add_answer"],
        {
            "gateway": crossing.gateway,
            "epoch": crossing.epoch,
            "seq": crossing.seq,
            "crossing_at": crossing.occurred_at,
            "step": crossing.step + 1,
            "answer": answer.value,
            "visit": visit,
            "actor": actor,
        },
    )


def overdue(conn: Connection, before: datetime) -> list[Overdue]:
    """Find doors whose cards have waited since before an instant.

    Args:
        conn: A connection of ``dockledger_ingest`` or ``dockledger_app``.
        before: The instant.

    Returns:
        A row per door.
    """
    return [Overdue(*row) for row in conn.execute(_SQL["overdue"], {"before": before})]


def open_tickets(conn: Connection, kind: str) -> set[str]:
    """List the keys of open tickets of a kind.

    Args:
        conn: A connection.
        kind: The kind.

    Returns:
        Their keys.
    """
    return {row[0] for row in conn.execute(_SQL["overdue_tickets"], {"kind": kind})}
