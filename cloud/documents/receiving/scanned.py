"""What handhelds received under an ASN's or order's number: of which line each scan is, and what is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from cloud.db import Connection
from cloud.documents.domain import READERS
from cloud.documents.receiving import store
from cloud.documents.receiving.domain import rule_for
from cloud.documents.receiving.service import rules_of
from cloud.identity.actor import Actor
from cloud.identity.store import act_as


class ScannedRow(NamedTuple):
    """A scan, or the part of one that is of one line."""

    type: str
    """Of the document: ``asn`` or ``purchase_order``."""
    partner: str | None
    gateway: str
    epoch: int
    seq: int
    occurred_at: datetime
    time_zone: str
    actor: str | None
    item: str
    item_name: str | None
    base_unit: str
    lot: str | None
    location: str
    line: str | None
    """Of the document; None: no line names the item."""
    quantity: Decimal
    """In base units."""
    rule: str
    """Why this line: ``named``, ``unit``, ``lot``, ``item``, ``other_lot``; else ``unexpected``."""
    is_over: bool
    """Whether it came beyond what was open of all lines that it could be of."""
    ordered: Decimal | None


@dataclass(frozen=True, slots=True)
class Scanned:
    """A scan with what the rules of receiving say of it."""

    row: ScannedRow
    is_beyond: bool
    """Whether it is over by more than is tolerated of the line: somebody has to judge it."""


def scanned(conn: Connection, actor: Actor, *, site: str, name: str) -> Sequence[Scanned]:
    """Tell what handhelds received under the number of an ASN or order.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        name: The number that was scanned.

    Returns:
        The scans in the order of occurrence, in parts by line; none if no document has that number.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    rows = store.rows(conn, ScannedRow, "scanned", site=site, id=name)
    rules = rules_of(conn, site)
    over: dict[str, Decimal] = {}
    told = []
    for row in rows:
        is_beyond = row.line is None
        if row.line is not None and row.is_over and row.ordered is not None:
            over[row.line] = over.get(row.line, Decimal(0)) + row.quantity
            percent = rule_for(rules, row.partner, row.item).over_percent
            is_beyond = percent is not None and over[row.line] > row.ordered * percent / 100
        told.append(Scanned(row, is_beyond))
    return told
