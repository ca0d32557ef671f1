"""Units put into units by hand: whoever would put one into itself is told (DOMAIN D5)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from cloud.db import Connection, NamedStatements
from cloud.ledger.domain import NotPostableError
from cloud.ledger.naming import Named, Names
from cloud.master.domain import UNIT_SITE

_SQL: Final = NamedStatements("cloud.ledger", "nesting.sql")


class _Put(NamedTuple):
    """A unit came to stand in another one, or, with no parent, at a place."""

    unit_id: int
    parent_id: int | None
    at: datetime
    unit: str
    parent: str | None


def refuse_circles(conn: Connection, names: Names, stated: Sequence[Named]) -> None:
    """Refuse statements that would put a unit into itself. What a gateway saw is kept and not followed then.

    Args:
        conn: A connection inside the posting.
        names: Of the posting.
        stated: By people, in the posting.

    Raises:
        NotPostableError: For the first one, in the order in which they occurred.
    """
    puts = [
        _Put(
            names.places[UNIT_SITE, record.unit],
            None if record.parent is None else names.places[UNIT_SITE, record.parent],
            named.entry.row.occurred_at,
            record.unit,
            record.parent,
        )
        for named in stated
        if (record := named.entry.row.record).kind == "unit_position"
    ]
    taken: list[_Put] = []
    for put in sorted(puts, key=lambda put: put.at):
        since = None if put.parent_id is None else _since(conn, put, taken)
        if since is not None:
            raise NotPostableError(
                f"unit {put.unit!r} would stand in itself from {since.isoformat()} on: {put.parent!r}, which "
                "it is put into, stands in it then"
            )
        taken.append(put)


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
