"""Shipping: what leaves moves to whom it goes in one posting, once (DOMAIN D4)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

from cloud.db import Connection
from cloud.documents.domain import (
    KEEPERS,
    ConflictingDocumentError,
    DocumentError,
    FaultyDocumentError,
    UnknownDocumentError,
)
from cloud.documents.lines import lock_documents
from cloud.documents.movements import believable, moved, reverse_rows, stands
from cloud.documents.shipping import store
from cloud.documents.shipping.checking import ACCOUNT_OF, Checked, Checking, checked
from cloud.documents.shipping.papers import ShipmentPaper
from cloud.documents.whole_lines import claim_whole
from cloud.faults import NO_GAPS, Fault, Gaps
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.identity.store import act_as
from cloud.ledger.closing import require_open, tell_late
from cloud.ledger.domain import AlreadyClaimedError, Claim, CloudStatement, PostingKind
from cloud.ledger.posting import Posting
from contracts.records import DocumentRef, Side
from contracts.vocabulary import BizStep

SHIPPERS: Final = (*KEEPERS, Role.OPERATOR)
"""Who may say what leaves."""
SHIPMENT_CLAIM: Final = "shipment"
"""A shipment is posted once."""


class Shipped(NamedTuple):
    """A shipment that was posted."""

    site: str
    id: str
    position: int
    """The posting's place in the ledger's order."""
    lines: tuple[Checked, ...]


def check_shipment(
    conn: Connection, actor: Actor, paper: ShipmentPaper, *, now: datetime, gaps: Gaps = NO_GAPS
) -> list[Fault]:
    """Say what is wrong with a shipment, without posting it.

    Args:
        conn: In a transaction.
        actor: Who may ship at the site.
        paper: What leaves.
        now: The present.
        gaps: What of it could not be read; it may stand empty, except the site and the lines.

    Returns:
        Every fault; none: it can be posted.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*SHIPPERS, site=paper.site)
    act_as(conn, actor)
    faults = _faults(conn, actor, paper, checked(conn, paper, now=now, gaps=gaps), now)
    if store.tuples(conn, "shipment_is_there", site=paper.site, id=paper.shipment):
        message = f"shipment {paper.site}/{paper.shipment} has been done before"
        faults.append(Fault(None, "shipment", paper.shipment, message))
    return faults


def ship(conn: Connection, actor: Actor, paper: ShipmentPaper, *, now: datetime) -> Shipped:
    """Post a shipment whole or not at all; no more leaves for a line than is open of it.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: An operator, supervisor or inventory controller of the site.
        paper: What leaves.
        now: The present.

    Returns:
        What was posted.

    Raises:
        NotAllowedError: If the actor may not, or not into a closed period.
        AlreadyClaimedError: If there is a shipment of that number.
        FaultyDocumentError: Naming every fault of every line.
    """
    actor.require(*SHIPPERS, site=paper.site)
    act_as(conn, actor)
    names = {(line.of.type, line.of.id) for line in paper.lines}
    lock_documents(conn, paper.site, {*names, ("shipment", paper.shipment)})
    if store.tuples(conn, "shipment_is_there", site=paper.site, id=paper.shipment):
        raise AlreadyClaimedError(f"shipment {paper.site}/{paper.shipment} has been done before")
    found = checked(conn, paper, now=now)
    if found.faults:
        raise FaultyDocumentError(_name(paper), _faults(conn, actor, paper, found, now))
    occurred_at = believable(paper.occurred_at, now, _name(paper))
    is_late = require_open(conn, actor, paper.site, occurred_at)
    posting = Posting(conn, actor, PostingKind.STATEMENT)
    posting.claim([Claim(SHIPMENT_CLAIM, f"{paper.site}/{paper.shipment}")])
    whole = (each.of.name for each in found.lines if each.quantity == each.open_before)
    claim_whole(conn, posting, paper.site, whole)
    statements = [_statement(paper, found, line, actor.id, occurred_at) for line in found.lines]
    posting.write(statements=[*statements, *_leaving(paper, found, actor.id, occurred_at)])
    _kept(conn, paper, found, occurred_at, posting)
    detail = {"lines": len(found.lines), "destination": found.destination, "carrier": paper.carrier}
    if is_late:
        tell_late(posting, paper.site, occurred_at, "shipment")
    posting.audit("shipped", f"shipment:{paper.shipment}", paper.site, detail)
    return Shipped(paper.site, paper.shipment, posting.close().position, found.lines)


def reverse_line(conn: Connection, actor: Actor, *, site: str, name: str, line: str, reason: str) -> int:
    """Reverse what a line of a shipment posted.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A supervisor or inventory controller of the site.
        site: Site id.
        name: The shipment's number.
        line: Its line.
        reason: Why, as a short text.

    Returns:
        The reversal's place in the ledger's order.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is no such line.
        ConflictingDocumentError: If it was taken back before.
    """
    actor.require(*KEEPERS, site=site)
    act_as(conn, actor)
    lock_documents(conn, site, [("shipment", name)])
    found = store.tuples(conn, "line_to_reverse", site=site, id=name, line=line)
    if not found:
        raise UnknownDocumentError(f"there is no line {line!r} in shipment {name!r} at site {site!r}")
    rows = store.tuples(conn, "rows_of_line", site=site, id=name, line=line)
    if found[0][1] or not rows:
        raise ConflictingDocumentError(f"line {line!r} of shipment {name!r} was taken back before")
    posting = reverse_rows(conn, actor, [(row[0], row[1], row[2]) for row in rows], reason=reason)
    kept = {"site": site, "id": name, "line": line, "reason": reason, "actor": posting.actor.id}
    store.change(conn, "add_reversal", **kept, posting_id=posting.posting_id)
    posting.audit("shipment_line_reversed", f"shipment:{name}", site, {"line": line, "reason": reason})
    return posting.close().position


def _faults(
    conn: Connection, actor: Actor, paper: ShipmentPaper, found: Checking, now: datetime
) -> list[Fault]:
    """Add to what is wrong with lines what is wrong with the time."""
    try:
        require_open(conn, actor, paper.site, believable(paper.occurred_at, now, _name(paper)))
    except (DocumentError, NotAllowedError) as error:
        message = f"{error}".removeprefix(f"{_name(paper)}: ")
        return [*found.faults, Fault(None, "occurred_at", paper.occurred_at, message)]
    return list(found.faults)


def _name(paper: ShipmentPaper) -> str:
    return f"shipment {paper.shipment!r}"


def _statement(
    paper: ShipmentPaper, found: Checking, line: Checked, actor: str, occurred_at: datetime
) -> CloudStatement:
    refs = [DocumentRef(type=line.of.type, id=line.of.id, line=line.of.line)]
    if line.of.order_id and line.of.order_line:  # what goes back to its supplier is open again
        refs.append(DocumentRef(type="purchase_order", id=line.of.order_id, line=line.of.order_line))
    refs.append(DocumentRef(type="shipment", id=paper.shipment, line=line.paper.line))
    if paper.visit:
        refs.append(DocumentRef(type="visit", id=paper.visit))
    place: dict[str, object] = {"unit": line.paper.unit} if line.paper.unit else {"location": line.location}
    lot = {"lot": line.lot} if line.lot else {}
    condition = {"disposition": line.paper.disposition} if line.paper.disposition else {}
    return moved(
        paper.site,
        line.identifier,
        line.paper.quantity,
        line.unit_seen,
        source=Side.model_validate(place | lot | condition),
        destination=Side.model_validate({"location": ACCOUNT_OF[found.destination]} | lot),
        documents=refs,
        occurred_at=occurred_at,
        actor=actor,
        biz_step=BizStep.SHIPPING,
    )


def _leaving(
    paper: ShipmentPaper, found: Checking, actor: str, occurred_at: datetime
) -> Iterator[CloudStatement]:
    """State that units leave with what they hold."""
    ref = DocumentRef(type="shipment", id=paper.shipment)
    for unit in dict.fromkeys(line.unit for line in paper.lines if line.unit and line.with_unit):
        account = ACCOUNT_OF[found.destination]
        yield stands(paper.site, unit, account, documents=[ref], occurred_at=occurred_at, actor=actor)


def _kept(
    conn: Connection, paper: ShipmentPaper, found: Checking, occurred_at: datetime, posting: Posting
) -> None:
    name = {"site": paper.site, "id": paper.shipment}
    store.change(
        conn,
        "add_shipment",
        **name,
        destination=found.destination,
        partner=found.partner,
        carrier=paper.carrier,
        visit=paper.visit,
        occurred_at=occurred_at,
        posting_id=posting.posting_id,
        actor=posting.actor.id,
    )
    lines = found.lines
    store.change(
        conn,
        "add_shipment_lines",
        **name,
        lines=[line.paper.line for line in lines],
        of_types=[line.of.type for line in lines],
        of_ids=[line.of.id for line in lines],
        of_lines=[line.of.line for line in lines],
        item_ids=[line.goods.item_id for line in lines],
        units_seen=[line.unit_seen for line in lines],
        open_before=[line.open_before for line in lines],
        quantities=[line.quantity for line in lines],
        lots=[line.lot for line in lines],
        units=[line.paper.unit for line in lines],
        locations=[line.location for line in lines],
        dispositions=[line.paper.disposition for line in lines],
    )
    if paper.has_departed and found.destination == "transfer":
        ids = sorted({line.of.id for line in lines})
        store.change(
            conn,
            "depart",
            site=paper.site,
            ids=ids,
            actor=posting.actor.id,
            at=occurred_at,
            carrier=paper.carrier,
        )
