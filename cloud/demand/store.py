"""Demand in the database: lines staged by COPY, checked and stored in sets."""

from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Final

import orjson
from psycopg import Connection

from cloud.db import NamedStatements
from cloud.demand.domain import Fault, StagedLine
from cloud.ledger.store import record_audit

_SQL: Final = NamedStatements("cloud.demand")
rows, change = _SQL.rows, _SQL.change
_STAGE: Final = (
    "COPY demand_staging (place, site_id, source, document, line, revision, kind, scheme, value, channel,"
    " requested_at, local_at, is_day, quantity, of_document, of_line) FROM STDIN"
)
_AT_ONCE: Final = 2000
"""Lines that are written to the connection together."""


def stage(conn: Connection, lines: Iterable[StagedLine]) -> int:
    """Copy lines into the session's staging table; only so many at once are in memory.

    Args:
        conn: In a transaction.
        lines: Right in themselves.

    Returns:
        How many.
    """
    conn.execute(_SQL["open_staging"])
    staged = 0
    source = iter(lines)
    with conn.cursor() as cursor, cursor.copy(_STAGE) as copy:
        while batch := list(islice(source, _AT_ONCE)):
            copy.write("".join(map(copy_line, batch)).encode())
            staged += len(batch)
    return staged


def copy_line(line: StagedLine) -> str:
    r"""Write a line as COPY reads it; its texts hold no control characters, so only ``\`` needs care.

    Args:
        line: A line.

    Returns:
        The text, its line feed included.

    Examples:
        >>> copy_line(StagedLine(1, "s", "p", "d\\", "1", None, "requested", "sku", "A", None,
        ...           "2026-03-02T09:00Z", None, False, "2", None, None))
        '1\ts\tp\td\\\\\t1\t\\N\trequested\tsku\tA\t\\N\t2026-03-02T09:00Z\t\\N\tFalse\t2\t\\N\t\\N\n'
    """
    text = "\t".join(["\0" if value is None else str(value) for value in line])
    return text.replace("\\", r"\\").replace("\0", r"\N") + "\n"


def lock_sources(conn: Connection, sources: Iterable[tuple[str, str]]) -> None:
    """Let one import of a source wait for another: a line is corrected by one of them at a time.

    Args:
        conn: In a transaction, to whose end it holds.
        sources: Site and source of each.
    """
    named = sorted(set(sources))
    conn.execute(
        _SQL["lock_source"],
        {"sites": [site for site, _ in named], "sources": [source for _, source in named]},
    )


def resolve(conn: Connection, *, makes_items: bool, twice: str | None) -> int:
    """Turn local times into instants and names into items.

    Args:
        conn: In the transaction that staged the lines.
        makes_items: Whether an unknown name becomes a provisional item.
        twice: Which of two is meant where clocks showed a time twice: ``first``, ``second`` or None.

    Returns:
        How many items were made.
    """
    found = conn.execute(_SQL["resolve"], {"makes_items": makes_items, "twice": twice}).fetchone()
    return int(found[0]) if found else 0


def faults(conn: Connection, *, now: datetime, most: int) -> list[Fault]:
    """Find what is wrong with the staged lines.

    Args:
        conn: In the transaction that resolved them.
        now: The present, after which nothing can have been asked for.
        most: Most to tell.

    Returns:
        The faults in order.
    """
    return [Fault(*row) for row in conn.execute(_SQL["faults"], {"now": now, "most": most})]


def excesses(conn: Connection, *, most: int) -> list[Fault]:
    """Find what of the stored batch takes back more than was asked for, or what nobody asked for.

    Args:
        conn: In the transaction that stored it.
        most: Most to tell.

    Returns:
        The faults in order.
    """
    return [Fault(*row) for row in conn.execute(_SQL["excesses"], {"most": most})]


def store(conn: Connection, actor: str) -> tuple[int, int, int]:
    """Store the staged lines, which are right.

    Args:
        conn: In the transaction that resolved them.
        actor: Who imports them.

    Returns:
        How many were added, corrected and out of date.

    Raises:
        LookupError: If the database tells nothing.
    """
    found = conn.execute(_SQL["store"], {"actor": actor}).fetchone()
    if found is None:
        raise LookupError("store_demand() returned no row")
    added, corrected, superseded = found
    return int(added), int(corrected), int(superseded)


def audit(
    conn: Connection, actor: str, action: str, target: str, *, site: str | None, detail: dict[str, object]
) -> None:
    """Say in the audit trail what was done.

    Args:
        conn: In a transaction that the caller commits.
        actor: Who did it.
        action: What, as a stable snake_case word.
        target: To what.
        site: Where, if at one site.
        detail: More, as JSON.
    """
    text = orjson.dumps(detail).decode()
    record_audit(conn, actor=actor, action=action, target=target, site=site, detail=text)
