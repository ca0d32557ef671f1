"""Closing lines short: what has not moved of them is not expected any more (DOMAIN D4)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from cloud.db import Connection
from cloud.documents.domain import (
    KEEPERS,
    ConflictingDocumentError,
    DocumentError,
    UnknownDocumentError,
)
from cloud.documents.lines import LineName, LineNow, end_lines, lines_now, lock_documents
from cloud.documents.papers import LineNumber
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import audit
from contracts.base import Code, Site

REASONS: Final = {
    "supplier_cannot": "Supplier cannot deliver",
    "customer_cancelled": "Customer does not want it any more",
    "out_of_stock": "Out of stock",
    "lost": "Lost on the way",
    "not_needed": "Not needed any more",
    "other": "Another reason",
}


class ClosePaper(BaseModel):
    """Of which lines nothing more is expected, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    site: Site
    type: Literal["asn", "outbound_order", "customer_return", "supplier_return"]
    id: Code
    lines: Annotated[tuple[LineNumber, ...], Field(max_length=20_000)] = ()
    """Left out: all of which something is open."""
    reason: Literal["supplier_cannot", "customer_cancelled", "out_of_stock", "lost", "not_needed", "other"]


class Closed(NamedTuple):
    """Lines that were closed short now, with what was open of each, in base units."""

    site: str
    type: str
    id: str
    short: dict[str, Decimal]


def close_short(conn: Connection, actor: Actor, paper: ClosePaper) -> Closed:
    """Close lines of a document short.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        paper: Which lines, and why.

    Returns:
        What was open of each.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is no such document or line.
        ConflictingDocumentError: If nothing of it is open.
    """
    actor.require(*KEEPERS, site=paper.site)
    act_as(conn, actor)
    lock_documents(conn, paper.site, [(paper.type, paper.id)])
    found = {line.line: line for line in lines_now(conn, site=paper.site, kind=paper.type, ids=[paper.id])}
    if not found:
        raise UnknownDocumentError(f"there is no {paper.type} {paper.id!r} at site {paper.site!r}")
    if unknown := sorted(set(paper.lines) - found.keys()):
        raise UnknownDocumentError(f"there is no line {unknown[0]!r} in {paper.type} {paper.id!r}")
    left = _left([found[line] for line in paper.lines] if paper.lines else list(found.values()))
    if not left:
        raise ConflictingDocumentError(f"{paper.type} {paper.id!r}: nothing of these lines is open")
    if unmeasured := [name.line for name, short in left if short is None]:
        raise DocumentError(
            f"line {unmeasured[0]!r} of {paper.type} {paper.id!r}: its unit has no known ratio"
        )
    shorts = [(name, short) for name, short in left if short is not None]
    end_lines(conn, paper.site, shorts, reason=paper.reason, actor=actor.id)
    short = {name.line: quantity for name, quantity in shorts}
    detail = {"reason": paper.reason, "short": {line: f"{left:f}" for line, left in short.items()}}
    subject = f"{paper.type}:{paper.id}"
    audit(conn, actor.id, "lines_closed_short", subject, site=paper.site, detail=detail)
    return Closed(paper.site, paper.type, paper.id, short)


def _left(lines: Sequence[LineNow]) -> list[tuple[LineName, Decimal | None]]:
    """Give what is open of lines; None where nobody knows how much that is."""
    return [
        (line.name, None if line.ordered is None else line.open_quantity)
        for line in lines
        if not line.is_ended and (line.ordered is None or line.open_quantity > 0)
    ]
