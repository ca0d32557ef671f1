"""Registering documents and visits; the same twice is once, something else is refused."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from cloud.db import Connection
from cloud.documents import orders, store
from cloud.documents.assignments import send_assignment
from cloud.documents.catalogue import faults_of, put_item, stored_portal
from cloud.documents.domain import (
    KEEPERS,
    READERS,
    ConflictingDocumentError,
    DocumentError,
    FaultyDocumentError,
    Line,
    UnknownDocumentError,
)
from cloud.documents.import_file import Entry, ImportPaper
from cloud.documents.opening import post_opening
from cloud.documents.papers import DocumentPaper, VisitPaper
from cloud.documents.transfers import service as transfers
from cloud.documents.transfers.checking import is_drafted
from cloud.documents.transfers.papers import TransferPaper
from cloud.documents.visit_papers import require_papers
from cloud.faults import NO_GAPS, Fault, Gaps
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import audit


class DocumentRow(NamedTuple):
    """A document in a list; its open lines are those that no movement has settled."""

    site: str
    type: str
    id: str
    partner: str | None
    due_on: date | None
    created_at: datetime
    created_by: str
    lines: int
    settled_lines: int


@dataclass(frozen=True, slots=True)
class DocumentStory:
    """A document with its lines in order."""

    document: DocumentRow
    lines: tuple[Line, ...]
    settled: frozenset[str]
    """``type/id/line`` of lines that a receipt or departure has posted."""


@dataclass(frozen=True, slots=True)
class Imported:
    """How much of an import was new."""

    items: int
    portals: int
    opening: int
    documents: int
    orders: int
    transfers: int
    visits: int


def register_document(conn: Connection, actor: Actor, paper: DocumentPaper) -> bool:
    """Register an ASN, an outbound order or a return.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        paper: The document.

    Returns:
        Whether it was new; the same content again changes nothing.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is no such site.
        ConflictingDocumentError: If it is registered with other content, or declares a unit that another one
            of its kind declares, and nothing else is wrong.
        FaultyDocumentError: Naming every line that the ledger could not post, and these.
    """
    actor.require(*KEEPERS, site=paper.site)
    act_as(conn, actor)
    name = {"site": paper.site, "type": paper.type, "id": paper.id}
    if not store.tuples(conn, "lock_site", site=paper.site):
        raise UnknownDocumentError(f"{paper.type} {paper.id!r}: there is no site {paper.site!r}")
    conflicts = _taken(conn, paper)
    if not conflicts and store.rows(conn, Line, "lines_of_document", **name):
        return False
    conflicts += _declared_elsewhere(conn, paper)
    if faults := faults_of(conn, f"{paper.type} {paper.id!r}", paper.lines):
        raise FaultyDocumentError("", [*conflicts, *faults])
    if conflicts:
        raise ConflictingDocumentError("\n".join(map(str, conflicts)))
    store.add_document(conn, paper, actor.id)
    detail = {"lines": len(paper.spread()), "partner": paper.partner}
    subject = f"{paper.type}:{paper.id}"
    audit(conn, actor.id, "document_registered", subject, site=paper.site, detail=detail)
    return True


def _taken(conn: Connection, paper: DocumentPaper, gaps: Gaps = NO_GAPS) -> list[Fault]:
    """Say that it is registered with other content, as far as it can be told of what could be read."""
    name = {"site": paper.site, "type": paper.type, "id": paper.id}
    there = store.rows(conn, Line, "lines_of_document", **name)
    if not there:
        return []
    (known,) = _listed(conn, site=paper.site, kind=paper.type, name=paper.id, limit=1)
    heads = {"partner": (known.partner, paper.partner), "due_on": (known.due_on, paper.due_on)}
    is_same = all(here == told for name, (here, told) in heads.items() if name not in gaps.whole)
    if not gaps.lines:
        is_same = is_same and there == paper.as_lines()
    elif is_same:
        whole = [line for index, line in enumerate(paper.lines) if index not in gaps.lines]
        wanted = paper.model_copy(update={"lines": tuple(whole)}).as_lines()
        count = sum(max(1, len(line.units or ())) for line in paper.lines)
        is_same = all(line in there for line in wanted) and len(there) == count
    if is_same:
        return []
    message = (
        f"{paper.type} {paper.id!r} is registered at site {paper.site!r} with other content: "
        "expected the same, or another id"
    )
    return [Fault(None, "id", paper.id, message)]


def _declared_elsewhere(conn: Connection, paper: DocumentPaper) -> list[Fault]:
    """Say which of its units another document of its kind declares, each where it stands."""
    name = {"site": paper.site, "type": paper.type, "id": paper.id}
    places = dict[str, tuple[int, int]]()
    for index, line in enumerate(paper.lines):
        for nth, unit in enumerate(line.units):
            places.setdefault(unit, (index, nth))
    elsewhere = dict(store.tuples(conn, "units_declared_elsewhere", **name, units=sorted(places)))
    return [
        Fault(
            index,
            f"units.{nth}",
            unit,
            f"{paper.type} {paper.id!r}: unit {unit} is declared by {paper.type} {elsewhere[unit]!r} too: "
            "expected once a year",
        )
        for unit, (index, nth) in places.items()
        if unit in elsewhere
    ]


def check_document(
    conn: Connection, actor: Actor, paper: DocumentPaper, *, gaps: Gaps = NO_GAPS
) -> list[Fault]:
    """Say what is wrong with a document, without registering it.

    Args:
        conn: In a transaction that is not committed.
        actor: A supervisor or inventory controller of the site.
        paper: The document.
        gaps: What of it could not be read; it may stand empty, except the site and the lines.

    Returns:
        Every fault; none: it can be registered.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*KEEPERS, site=paper.site)
    act_as(conn, actor)
    is_named = gaps.whole.isdisjoint(("type", "id"))
    name = f"{paper.type} {paper.id!r}" if is_named else "document"
    faults = faults_of(conn, name, paper.lines, gaps=gaps)
    if not store.tuples(conn, "lock_site", site=paper.site):
        faults.append(Fault(None, "site", paper.site, f"there is no site {paper.site!r}"))
    if is_named:
        faults += [*_taken(conn, paper, gaps), *_declared_elsewhere(conn, paper)]
    return faults


def register_visit(conn: Connection, actor: Actor, paper: VisitPaper, *, now: datetime) -> bool:
    """Register a visit and tell the door's gateway.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        paper: The visit.
        now: The present.

    Returns:
        Whether it was new; the same content again changes nothing.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If the door or a document is not registered.
        DocumentError: If a document is of a kind or state of which nothing moves with a vehicle.
        ConflictingDocumentError: If it is registered with other content.
    """
    gateway = _stored_visit(conn, actor, paper)
    if gateway is not None:
        send_assignment(conn, site=paper.site, gateway=gateway, sent_by=actor.id, now=now)
    return gateway is not None


def import_all(conn: Connection, actor: Actor, papers: ImportPaper, *, now: datetime) -> Imported:
    """Register everything of a file in one transaction, or nothing.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A supervisor or inventory controller of every site named, at all sites if there are items.
        papers: What the file holds.
        now: The present.

    Returns:
        How much was new.

    Raises:
        NotAllowedError: If the actor may not.
        DocumentError: Naming every entry that cannot be registered, with its line in the file.
    """
    actor.require(*KEEPERS)
    faults: list[str] = []
    told: set[tuple[str, str]] = set()
    counts = dict.fromkeys(("items", "portals", "documents", "orders", "transfers", "visits"), 0)
    for entry in papers.entries():
        part, number, _ = entry
        try:
            is_new, gateways = _stored(conn, actor, entry, now)
        except DocumentError as error:
            faults += [papers.placed(fault, part, number) for fault in str(error).splitlines()]
        else:
            counts[part] += is_new
            told |= gateways
    if faults:
        raise DocumentError("\n".join(faults))
    for site, gateway in sorted(told):
        send_assignment(conn, site=site, gateway=gateway, sent_by=actor.id, now=now)
    return Imported(opening=post_opening(conn, actor, papers.opening, now=now), **counts)


def _stored(conn: Connection, actor: Actor, entry: Entry, now: datetime) -> tuple[bool, set[tuple[str, str]]]:
    """Store one entry of a file: whether it was new, and which gateways of which sites must learn of it."""
    match entry:
        case ("items", _, item):
            return put_item(conn, actor, item), set()
        case ("portals", _, portal):
            gateways = stored_portal(conn, actor, portal)
            return bool(gateways), {(portal.site, gateway) for gateway in gateways}
        case ("documents", _, paper):
            return register_document(conn, actor, paper), set()
        case ("orders", _, order):
            return orders.register_order(conn, actor, order, now=now), set()
        case ("transfers", _, transfer):
            return _drafted(conn, actor, transfer), set()
        case ("visits", _, visit):
            gateway = _stored_visit(conn, actor, visit)
            return gateway is not None, {(visit.site, gateway)} if gateway else set()


def _drafted(conn: Connection, actor: Actor, paper: TransferPaper) -> bool:
    """Draft a transfer; tells whether it was new."""
    act_as(conn, actor)
    is_new = not is_drafted(conn, paper)
    transfers.draft(conn, actor, paper)
    return is_new


def documents(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    kind: str | None = None,
    after: tuple[str, str, str] = ("", "", ""),
    limit: int,
) -> list[DocumentRow]:
    """List documents by site, type and id.

    Args:
        conn: In a transaction.
        actor: Who asks; sees the sites at which it may read stock.
        site: Only of this site.
        kind: Only of this type.
        after: The last one of the page before.
        limit: Most to give.

    Returns:
        The documents.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    return _listed(conn, site=site, kind=kind, after=after, limit=limit)


def document(conn: Connection, actor: Actor, *, site: str, kind: str, name: str) -> DocumentStory:
    """Give one document with its lines.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        kind: Its type.
        name: Its id.

    Returns:
        The document.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is none.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    found = _listed(conn, site=site, kind=kind, name=name, limit=1)
    if not found:
        raise UnknownDocumentError(f"there is no {kind} {name!r} at site {site!r}")
    lines = store.rows(conn, Line, "lines_of_document", site=site, type=kind, id=name)
    return DocumentStory(found[0], tuple(lines), store.settled_names(conn, site, lines))


def _listed(
    conn: Connection,
    *,
    site: str | None,
    kind: str | None,
    name: str | None = None,
    after: tuple[str, str, str] = ("", "", ""),
    limit: int,
) -> list[DocumentRow]:
    keys = dict(zip(("after_site", "after_type", "after_id"), after, strict=True))
    return store.rows(conn, DocumentRow, "documents", site=site, type=kind, id=name, limit=limit, **keys)


def _stored_visit(conn: Connection, actor: Actor, paper: VisitPaper) -> str | None:
    """Store a visit; gives the gateway that must learn of it, or None if it was there as it is."""
    actor.require(*KEEPERS, site=paper.site)
    act_as(conn, actor)
    known = store.visits(conn, site=paper.site, visit=paper.visit, limit=1)
    if not known:
        require_papers(conn, paper)
    if store.add_visit(conn, paper, actor.id):
        detail = {"door": paper.door, "direction": paper.direction, "from_at": paper.from_at.isoformat()}
        subject = f"visit:{paper.visit}"
        audit(conn, actor.id, "visit_registered", subject, site=paper.site, detail=detail)
        (door,) = store.portals(conn, site=paper.site, portal=paper.door, limit=1)
        return door.gateway
    (there,) = known or store.visits(conn, site=paper.site, visit=paper.visit, limit=1)
    is_same = (there.door, there.direction, there.from_at, there.to_at, set(there.documents)) == (
        paper.door,
        paper.direction,
        paper.from_at,
        paper.to_at,
        {f"{name.type}/{name.id}" for name in paper.documents},
    )
    if not is_same:
        taken = (
            f"visit {paper.visit!r} is registered at site {paper.site!r} with another door, direction, time "
            "or documents: expected the same, or another id"
        )
        try:
            require_papers(conn, paper)
        except DocumentError as error:
            raise DocumentError(f"{taken}\n{error}") from error
        raise ConflictingDocumentError(taken)
    return None
