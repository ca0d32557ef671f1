"""Documents, doors and visits in the database."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from psycopg import Connection

from cloud.db import NamedStatements
from cloud.documents.domain import LINE_CLAIM, Line, VisitRow
from cloud.documents.papers import DocumentPaper, VisitPaper
from cloud.master.domain import IdentifierKey
from contracts.vocabulary import clearing_account

_FILES: Final = (
    *("queries.sql", "orders.sql", "lines.sql", "units.sql", "appointments.sql", "dock_times.sql"),
    *("leaving.sql", "aboard.sql"),
)
_SQL: Final = NamedStatements("cloud.documents", *_FILES)
rows, tuples, change = _SQL.rows, _SQL.tuples, _SQL.change


class PortalRow(NamedTuple):
    """A door as it is registered."""

    site: str
    portal: str
    gateway: str
    inside_location: str
    outside_location: str
    mode: str


class KnownName(NamedTuple):
    """What an identifier names already."""

    item_id: int
    code: str
    is_provisional: bool
    numerator: int
    denominator: int

    @property
    def ratio(self) -> Fraction:
        """Base units in one."""
        return Fraction(self.numerator, self.denominator)


def add_document(conn: Connection, paper: DocumentPaper, actor: str) -> bool:
    """Store a document with its lines.

    Args:
        conn: In a transaction.
        paper: As it was sent.
        actor: Who registers it.

    Returns:
        False if there is one of that name already; then nothing was stored.
    """
    name = {"site": paper.site, "type": paper.type, "id": paper.id}
    if not change(conn, "add_document", **name, partner=paper.partner, due_on=paper.due_on, actor=actor):
        return False
    lines = paper.spread()
    change(
        conn,
        "add_lines",
        **name,
        lines=[line.line for line in lines],
        schemes=[line.identifier.scheme for line in lines],
        identifiers=[line.identifier.value for line in lines],
        quantities=[line.quantity for line in lines],
        units_seen=[line.unit_seen for line in lines],
        lots=[line.lot for line in lines],
        units=[line.units[0] if line.units else None for line in lines],
        order_ids=[line.order.id if line.order else None for line in lines],
        order_lines=[line.order.line if line.order else None for line in lines],
    )
    return True


def add_visit(conn: Connection, paper: VisitPaper, actor: str) -> bool:
    """Store a visit with the names of its documents.

    Args:
        conn: In a transaction.
        paper: As it was sent.
        actor: Who registers it.

    Returns:
        False if there is one of that name already; then nothing was stored.
    """
    stored = change(
        conn,
        "add_visit",
        site=paper.site,
        visit=paper.visit,
        door=paper.door,
        direction=paper.direction,
        from_at=paper.from_at,
        to_at=paper.to_at,
        account=clearing_account(paper.visit),
        actor=actor,
    )
    if not stored:
        return False
    change(
        conn,
        "add_visit_documents",
        site=paper.site,
        visit=paper.visit,
        types=[name.type for name in paper.documents],
        ids=[name.id for name in paper.documents],
    )
    return True


def settled(conn: Connection, kind: str, targets: Sequence[str]) -> set[str]:
    """Tell which of some claims were made.

    Args:
        conn: In a transaction.
        kind: Of the claims.
        targets: Of the claims.

    Returns:
        Those made.
    """
    return {row[0] for row in tuples(conn, "settled_lines", kind=kind, targets=list(targets))}


def settled_names(conn: Connection, site: str, lines: Sequence[Line]) -> frozenset[str]:
    """Tell which lines a receipt or departure has posted, and no reversal has opened again.

    Args:
        conn: In a transaction.
        site: Site id.
        lines: Of documents of the site.

    Returns:
        Their names, ``type/id/line``.
    """
    names = {line.claim_target(site): line.name for line in lines}
    done = {names[target] for target in settled(conn, LINE_CLAIM, list(names))}
    kinds, ids, numbers = ([getattr(line, part) for line in lines] for part in ("type", "id", "line"))
    again = tuples(conn, "open_again", site=site, types=kinds, ids=ids, lines=numbers) if done else []
    return frozenset(done - {name for (name,) in again})


def lines_of_visit(conn: Connection, site: str, visit: str) -> list[Line]:
    """List what the documents of a visit declare.

    Args:
        conn: In a transaction.
        site: Site id.
        visit: The visit.

    Returns:
        Lines in document order.
    """
    return rows(conn, Line, "lines_of_visit", site=site, visit=visit)


def portals(
    conn: Connection,
    *,
    site: str | None,
    portal: str | None = None,
    after: tuple[str, str] = ("", ""),
    limit: int,
) -> list[PortalRow]:
    """List doors.

    Args:
        conn: In a transaction that shows the actor's sites.
        site: Only of this site.
        portal: Only of this name.
        after: The last one of the page before.
        limit: Most to give.

    Returns:
        The doors by site and name.
    """
    keys = {"after_site": after[0], "after_portal": after[1]}
    return rows(conn, PortalRow, "portals", site=site, portal=portal, limit=limit, **keys)


def visits(
    conn: Connection,
    *,
    site: str | None,
    visit: str | None = None,
    state: str | None = None,
    after: tuple[str, str] = ("", ""),
    limit: int,
) -> list[VisitRow]:
    """List visits.

    Args:
        conn: In a transaction that shows the actor's sites.
        site: Only of this site.
        visit: Only of this name.
        state: Only in this state.
        after: The last one of the page before.
        limit: Most to give.

    Returns:
        The visits by site and name.
    """
    keys = {"after_site": after[0], "after_visit": after[1]}
    return rows(conn, VisitRow, "visits", site=site, visit=visit, state=state, limit=limit, **keys)


def known_names(conn: Connection, keys: Sequence[IdentifierKey]) -> dict[IdentifierKey, KnownName]:
    """Look identifiers up as they stand now.

    Args:
        conn: In a transaction.
        keys: Scheme and value of each.

    Returns:
        What each names; those that nobody named an item by are absent.
    """
    schemes, values = [key[0] for key in keys], [key[1] for key in keys]
    found = tuples(conn, "known_names", schemes=schemes, values=values)
    return {(scheme, value): KnownName(*name) for scheme, value, *name in found}
