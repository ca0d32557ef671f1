"""Tables as streams of COPY, out of one database and into another."""

from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from typing import Final, NamedTuple

import psycopg
from psycopg import sql

from cloud.db import statements

_SQL: Final = statements("cloud.ledger.backup")


class TableShape(NamedTuple):
    """A table and its columns."""

    name: str
    columns: tuple[str, ...]


def begin_snapshot(conn: psycopg.Connection) -> None:
    """Let the transaction see one state throughout, and write nothing."""
    conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    _lift_limits(conn)


def _lift_limits(conn: psycopg.Connection) -> None:
    conn.execute("SET LOCAL statement_timeout = 0")
    conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


def tables(conn: psycopg.Connection) -> list[TableShape]:
    """List every table, those that others refer to first."""
    names = {oid: name for name, oid in conn.execute(_SQL["tables"])}
    graph: dict[int, set[int]] = {oid: set() for oid in names}
    for referring, referred in conn.execute(_SQL["table_references"]):
        if referred in names:
            graph[referring].add(referred)
    return [
        TableShape(names[oid], tuple(row[0] for row in conn.execute(_SQL["columns"], {"table": oid})))
        for oid in TopologicalSorter(graph).static_order()
    ]


def migrations(conn: psycopg.Connection) -> dict[str, str]:
    """Tell which numbered migrations the database holds, with their hashes."""
    return dict(conn.execute(_SQL["migrations"]).fetchall())


def sequences(conn: psycopg.Connection) -> dict[str, int]:
    """Tell the last value of every sequence that has been used."""
    return {name: value for name, value in conn.execute(_SQL["sequences"]) if value is not None}


def position(conn: psycopg.Connection) -> tuple[int, str]:
    """Tell where the ledger's order ends and which ledger this is.

    Raises:
        LookupError: If the ledger has no head.
    """
    row = conn.execute(_SQL["position"]).fetchone()
    if row is None:
        raise LookupError("the ledger has no head")
    return row[0], row[1]


def read_table(conn: psycopg.Connection, table: TableShape) -> Iterator[bytes]:
    """Stream a table's rows as COPY text."""
    with conn.cursor() as cursor, cursor.copy(_copy(table, "TO STDOUT")) as copy:
        for block in copy:
            yield bytes(block)


def write_table(conn: psycopg.Connection, table: TableShape, blocks: Iterable[bytes]) -> None:
    """Store a stream of COPY text in a table."""
    with conn.cursor() as cursor, cursor.copy(_copy(table, "FROM STDIN")) as copy:
        for block in blocks:
            copy.write(block)


def empty(conn: psycopg.Connection, shapes: Iterable[TableShape]) -> None:
    """Clear every table for a restore: the one place where their owner lifts the append-only triggers."""
    _lift_limits(conn)
    names = [sql.Identifier(shape.name) for shape in shapes]
    for name in names:
        conn.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(name))
    conn.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(names)))


def settle(conn: psycopg.Connection, shapes: Iterable[TableShape], last_values: dict[str, int]) -> str:
    """Guard the restored tables again and give the ledger a new identity, so that edges send anew (F23).

    Returns:
        The new ledger_id.

    Raises:
        LookupError: If the backup held no identity.
    """
    for name, value in last_values.items():
        conn.execute(_SQL["set_sequence"], {"sequence": name, "value": value})
    row = conn.execute(_SQL["new_ledger_id"]).fetchone()
    for shape in shapes:
        conn.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(sql.Identifier(shape.name)))
    if row is None:
        raise LookupError("the backup holds no ledger identity")
    return str(row[0])


def pass_over_given(conn: psycopg.Connection, margin: int) -> dict[str, int]:
    """Set every series of SSCCs on, past what was given out of it by whoever shares it and since forgotten.

    Returns:
        The next serial reference of each site.
    """
    return dict(conn.execute(_SQL["pass_over_given"], {"margin": margin}).fetchall())


def _copy(table: TableShape, direction: str) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    return sql.SQL("COPY {} ({}) {}").format(sql.Identifier(table.name), columns, sql.SQL(direction))
