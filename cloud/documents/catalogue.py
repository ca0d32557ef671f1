"""What documents name: items with their packaging levels, and doors with the gateway that hears them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from cloud.db import Connection
from cloud.documents import store
from cloud.documents.assignments import send_assignment
from cloud.documents.domain import (
    KEEPERS,
    READERS,
    ConflictingDocumentError,
    UnknownDocumentError,
)
from cloud.documents.lines import goods_of
from cloud.documents.papers import ItemPaper, LinePaper, PortalPaper
from cloud.documents.store import KnownName, PortalRow
from cloud.faults import NO_GAPS, Fault, Gaps
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import audit
from cloud.master.domain import BASE_UNIT, IdentifierKey, UnresolvableError, base_quantity, identifier_key
from cloud.master.life import LifePaper, put_lives
from cloud.master.shelf_life import ShelfLifePaper, put_shelf_lives
from cloud.master.store import add_identifier, add_item, base_unit_of


def put_item(conn: Connection, actor: Actor, paper: ItemPaper) -> bool:
    """Set an item and its packaging levels up.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller at all sites: items are the network's.
        paper: The item.

    Returns:
        Whether one of its levels, its minimum or shelf life was new.

    Raises:
        NotAllowedError: If the actor may not.
        ConflictingDocumentError: If one of its GTINs names another item, or another ratio.
    """
    actor.require_everywhere(*KEEPERS)
    levels = {level.gtin: Fraction(level.base_units, level.base_units_denominator) for level in paper.levels}
    known = store.known_names(conn, [("gtin", gtin) for gtin in levels])
    for (_, gtin), name in known.items():
        if name.code != paper.code:
            hint = "merge that provisional item into it" if name.is_provisional else "one GTIN names one item"
            raise ConflictingDocumentError(
                f"item {paper.code!r}: GTIN {gtin} names item {name.code!r} already: {hint}"
            )
        if name.ratio != levels[gtin]:
            raise ConflictingDocumentError(
                f"item {paper.code!r}: GTIN {gtin} holds {name.ratio} base units, got {levels[gtin]}: "
                "expected the same ratio"
            )
    measure = base_unit_of(conn, paper.code) or "each"
    item_id = add_item(conn, paper.code, name=paper.name, category=None, base_unit=measure)
    fresh = {gtin: ratio for gtin, ratio in levels.items() if ("gtin", gtin) not in known}
    for gtin, ratio in fresh.items():
        exact = ratio.numerator, ratio.denominator
        add_identifier(conn, ("gtin", gtin), item_id, ratio=exact, valid_from=None)
    told = "minimum_life_days" in paper.model_fields_set
    lives = [LifePaper(item=paper.code, days=paper.minimum_life_days)] if told else []
    told = "shelf_life_days" in paper.model_fields_set
    shelf = [ShelfLifePaper(item=paper.code, days=paper.shelf_life_days)] if told else []
    changed = put_lives(conn, actor, lives) + put_shelf_lives(conn, actor, shelf)
    return changed > 0 or bool(fresh)


def put_portal(conn: Connection, actor: Actor, paper: PortalPaper, *, now: datetime) -> bool:
    """Say which gateway hears a door and between which places it lies; gateways concerned learn their visits.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        paper: The door.
        now: The present.

    Returns:
        Whether it was new or changed.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If the gateway is not one of the site's.
    """
    gateways = stored_portal(conn, actor, paper)
    for gateway in sorted(gateways):
        send_assignment(conn, site=paper.site, gateway=gateway, sent_by=actor.id, now=now)
    return bool(gateways)


def stored_portal(conn: Connection, actor: Actor, paper: PortalPaper) -> frozenset[str]:
    """Store a door and name the gateways whose visits change by it; tells them nothing.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        paper: The door.

    Returns:
        The gateway that hears it, and the one that did; none if nothing changed.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If the gateway is not one of the site's.
    """
    actor.require(*KEEPERS, site=paper.site)
    act_as(conn, actor)
    found = store.tuples(conn, "gateway_id", gateway=paper.gateway)
    if not found or found[0][1] != paper.site:
        raise UnknownDocumentError(
            f"door {paper.portal!r}: gateway {paper.gateway!r} is not registered at site {paper.site!r}"
        )
    wanted = PortalRow(**paper.model_dump())
    there = store.portals(conn, site=paper.site, portal=paper.portal, limit=1)
    if there == [wanted]:
        return frozenset()
    store.change(
        conn,
        "put_portal",
        site=paper.site,
        portal=paper.portal,
        gateway_id=found[0][0],
        inside=paper.inside_location,
        outside=paper.outside_location,
        mode=paper.mode,
    )
    subject = f"portal:{paper.portal}"
    audit(conn, actor.id, "portal_set_up", subject, site=paper.site, detail=wanted._asdict())
    return frozenset({wanted.gateway, *(row.gateway for row in there)})


def portals(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    portal: str | None = None,
    after: tuple[str, str] = ("", ""),
    limit: int,
) -> list[PortalRow]:
    """List doors by site and name.

    Args:
        conn: In a transaction.
        actor: Who asks; sees the sites at which it may read stock.
        site: Only of this site.
        portal: Only of this name.
        after: The last one of the page before.
        limit: Most to give.

    Returns:
        The doors.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    return store.portals(conn, site=site, portal=portal, after=after, limit=limit)


def faults_of(
    conn: Connection, name: str, lines: Sequence[LinePaper], *, gaps: Gaps = NO_GAPS
) -> list[Fault]:
    """Find what the ledger could not post of a document's lines; an item's code names it from here on.

    Args:
        conn: In a transaction that the caller commits.
        name: Of the document, for the errors.
        lines: Its lines.
        gaps: What of them could not be read.

    Returns:
        For every wrong line its place, value and expectation.
    """
    named = [(index, line) for index, line in enumerate(lines) if "identifier" not in gaps.of_line(index)]
    keys = {identifier_key(line.identifier) for _, line in named}
    units = {("gtin", line.unit_seen) for line in lines if line.unit_seen != BASE_UNIT}
    goods_of(conn, (key for key in keys if key[0] == "sku"))
    known = store.known_names(conn, sorted(keys | units))
    faults: list[Fault] = []
    for index, line in named:
        field, message = _fault(line, known, gaps.of_line(index))
        if message:
            value = line.identifier.value if field == "identifier" else f"{getattr(line, field)}"
            faults.append(Fault(index, field, value, f"{name}, line {line.line!r}: {message}"))
    return faults


def _fault(line: LinePaper, known: dict[IdentifierKey, KnownName], unread: frozenset[str]) -> tuple[str, str]:
    """Give the field and what is wrong with it; nothing: nothing is."""
    key = identifier_key(line.identifier)
    name = known.get(key)
    if name is None:
        return "identifier", f"{key[0]} {key[1]!r} names no item: register its item first"
    if name.is_provisional:
        message = f"is known from readings only: merge {name.code!r} into a registered item"
        return "identifier", f"{key[0]} {key[1]!r} {message}"
    return ("", "") if line.unit_seen == BASE_UNIT else _fault_of_unit(line, name, known, unread)


def _fault_of_unit(
    line: LinePaper, name: KnownName, known: dict[IdentifierKey, KnownName], unread: frozenset[str]
) -> tuple[str, str]:
    level = known.get(("gtin", line.unit_seen))
    if level is None:
        message = (
            f"unit_seen {line.unit_seen!r}: expected 'base' or the GTIN of a packaging level of the item"
        )
        return "unit_seen", message
    if level.item_id != name.item_id:
        message = f"is a packaging of item {level.code!r}, expected of {name.code!r}"
        return "unit_seen", f"unit_seen {line.unit_seen!r} {message}"
    try:
        if "quantity" not in unread:
            part = Decimal(line.quantity) / max(1, len(line.units))
            base_quantity(part, level.numerator, level.denominator)
    except UnresolvableError as error:
        return "quantity", f"{error}"
    return "", ""
