"""Units put into units in, those that would stand in themselves out; these are refused (DOMAIN D5)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from cloud.db import Connection, NamedStatements
from cloud.ledger.naming import Named, Names
from cloud.master.domain import UNIT_SITE, UnresolvableError
from contracts.records import UnitPosition

_SQL: Final = NamedStatements("cloud.ledger", "nesting.sql")


class _Put(NamedTuple):
    """A unit came to stand in another one, or, with no parent, at a place."""

    number: int
    """Index of its entry."""
    unit_id: int
    parent_id: int | None
    at: datetime
    unit: str
    parent: str | None


def circles(
    conn: Connection, names: Names, entries: Sequence[Named]
) -> Iterator[tuple[int, UnresolvableError]]:
    """Find positions that would put a unit into itself, in the order in which they occurred.

    Args:
        conn: A connection inside the posting.
        names: Of the posting.
        entries: Of the posting.

    Yields:
        Index of each into `entries`, and why it cannot be.
    """
    puts = [
        _Put(
            index,
            names.places[UNIT_SITE, record.unit],
            None if record.parent is None else names.places[UNIT_SITE, record.parent],
            named.entry.row.occurred_at,
            record.unit,
            record.parent,
        )
        for index, named in enumerate(entries)
        if isinstance(record := named.entry.row.record, UnitPosition)
    ]
    if all(put.parent_id is None for put in puts):
        return
    taken: list[_Put] = []
    for put in sorted(puts, key=lambda put: (put.at, put.number)):
        since = None if put.parent_id is None else _since(conn, put, taken)
        if since is None:
            taken.append(put)
            continue
        message = (
            f"unit {put.unit!r} would stand in itself from {since.isoformat()} on: {put.parent!r}, which it "
            "is put into, stands in it then"
        )
        yield put.number, UnresolvableError("unit_in_itself", message)


def _since(conn: Connection, put: _Put, taken: Sequence[_Put]) -> datetime | None:
    found: list[tuple[datetime | None]] = _SQL.tuples(
        conn,
        "circle_since",
        unit=put.unit_id,
        parent=put.parent_id,
        at=put.at,
        units=[other.unit_id for other in taken],
        parents=[other.parent_id for other in taken],
        instants=[other.at for other in taken],
    )
    return found[0][0]
