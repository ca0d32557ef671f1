"""Saying what was asked for: the same twice is once, something else is a new revision."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from cloud.db import Connection
from cloud.demand import store
from cloud.demand.domain import (
    IMPORTERS,
    MOST_FAULTS_TOLD,
    READERS,
    DemandError,
    Faults,
    FaultyLinesError,
    Imported,
    StagedLine,
)
from cloud.identity.actor import Actor
from cloud.identity.store import act_as


def import_lines(
    conn: Connection,
    actor: Actor,
    lines: Iterable[StagedLine],
    *,
    faults: Faults,
    origin: str,
    now: datetime,
    makes_items: bool = False,
    twice: Literal["first", "second"] | None = None,
    about: dict[str, object] | None = None,
) -> Imported:
    """Store a batch of lines, or nothing of it.

    Args:
        conn: In a transaction that the caller commits; lines of one source wait for each other.
        actor: A supervisor, inventory controller or planner of every site named.
        lines: Right in themselves; read once, so any number fits in memory.
        faults: What the reader of the lines finds wrong while they are read.
        origin: What a place's number follows: ``pos.csv, line``.
        now: The present.
        makes_items: Whether an unknown name becomes a provisional item, as one that was scanned does.
        twice: Which of two is meant where the site's clocks showed a local time twice.
        about: What the audit trail says of the batch beside its size.

    Returns:
        What was new.

    Raises:
        NotAllowedError: If the actor may not.
        FaultyLinesError: Naming every line that cannot be stored.
        DemandError: If there are no lines.
    """
    actor.require(*IMPORTERS)
    act_as(conn, actor)
    sources: set[tuple[str, str]] = set()
    staged = store.stage(conn, _allowed(actor, lines, sources))
    made = 0
    if staged:
        store.lock_sources(conn, sources)
        made = store.resolve(conn, makes_items=makes_items, twice=twice)
        for fault in store.faults(conn, now=now, most=MOST_FAULTS_TOLD + 1):
            faults.add(fault)
    if faults.total:
        raise FaultyLinesError(origin, sorted(faults.told), faults.total)
    if not staged:
        raise DemandError(f"{origin}: there are no lines: expected at least one")
    added, corrected, superseded = store.store(conn, actor.id)
    if excesses := store.excesses(conn, most=MOST_FAULTS_TOLD + 1):
        raise FaultyLinesError(origin, excesses[:MOST_FAULTS_TOLD], len(excesses))
    repeated = staged - added - corrected - superseded
    done = Imported(staged, added, corrected, superseded, repeated, made)
    sites = sorted({site for site, _ in sources})
    detail: dict[str, object] = {
        "lines": staged,
        "added": added,
        "corrected": corrected,
        "superseded": superseded,
        "new_items": made,
        "sources": sorted({source for _, source in sources})[:20],
    }
    for site in sites:
        store.audit(conn, actor.id, "demand_imported", "demand", site=site, detail=detail | (about or {}))
    return done


def _allowed(
    actor: Actor, lines: Iterable[StagedLine], sources: set[tuple[str, str]]
) -> Iterator[StagedLine]:
    """Pass lines on, refusing at the first of a site that the actor may not write."""
    last = None
    for line in lines:
        named = line.site, line.source
        if named != last:
            if named not in sources:
                actor.require(*IMPORTERS, site=line.site)
                sources.add(named)
            last = named
        yield line


class LineRow(NamedTuple):
    """The latest revision of a line."""

    site: str
    source: str
    document: str
    line: str
    revision: int
    kind: str
    item: str
    channel: str | None
    requested_at: datetime
    quantity: Decimal
    """In base units."""
    identifier_scheme: str
    identifier: str
    quantity_seen: Decimal
    """In units of what names the item."""
    of_document: str | None
    of_line: str | None
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which lines are asked for; None: any."""

    site: str | None = None
    source: str | None = None
    document: str | None = None
    item: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""


def lines(
    conn: Connection,
    actor: Actor,
    wanted: LineFilter,
    *,
    after: tuple[str, str, str, str] = ("", "", "", ""),
    limit: int,
) -> list[LineRow]:
    """List lines by site, source, document and line.

    Args:
        conn: In a transaction.
        actor: Who asks; sees the sites at which it may read stock.
        wanted: Which.
        after: The last one of the page before.
        limit: Most to give.

    Returns:
        The lines.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=wanted.site)
    act_as(conn, actor.narrowed(*READERS))
    keys = dict(zip(("after_site", "after_source", "after_document", "after_line"), after, strict=True))
    return store.rows(conn, LineRow, "lines", limit=limit, **asdict(wanted), **keys)


def all_lines(conn: Connection, actor: Actor, wanted: LineFilter, *, most: int) -> list[LineRow]:
    """List lines for a file: all of them, or none.

    Args:
        conn: In a transaction.
        actor: Who asks; sees the sites at which it may read stock.
        wanted: Which.
        most: That one file can hold.

    Returns:
        The lines by site, source, document and line.

    Raises:
        NotAllowedError: If the actor may not.
        DemandError: If there are more.
    """
    actor.require(*READERS, site=wanted.site)
    found = lines(conn, actor, wanted, limit=most + 1)
    if len(found) > most:
        raise DemandError(f"there are more than {most:,} lines: expected fewer; narrow site, source or days")
    return found


class ExtentRow(NamedTuple):
    """How much is known of what was asked for of an item."""

    site: str
    item: str
    first_day: date
    last_day: date
    days_with_demand: int
    lines: int


def extent(conn: Connection, actor: Actor, *, site: str | None = None) -> list[ExtentRow]:
    """Tell how far back demand is known, item by item.

    Args:
        conn: In a transaction.
        actor: Who asks; sees the sites at which it may read stock.
        site: Only of this site.

    Returns:
        A row per site and item, in their order.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    narrowed = actor.narrowed(*READERS)
    act_as(conn, narrowed)
    return store.rows(conn, ExtentRow, "extent", sites=narrowed.reach if site is None else [site])
