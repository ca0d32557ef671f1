"""What handhelds received under a number: of which line each scan is, what is over, what is inspected."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from cloud.db import Connection
from cloud.documents.domain import READERS
from cloud.documents.receiving import store
from cloud.documents.receiving.beyond import Part, beyond
from cloud.documents.receiving.domain import Rule, RuleRow, rule_for
from cloud.identity.actor import Actor
from cloud.identity.store import act_as

BLIND: Final = "receipt"
"""Type in place of a document's, where a number is of none."""


class ScannedRow(NamedTuple):
    """A scan, or the part of one that is of one line; quantities in base units."""

    type: str
    """Of the document: ``asn`` or ``purchase_order``; ``receipt``: there is none."""
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
    rule: str
    """Why this line: ``named``, ``unit``, ``lot``, ``item``, ``other_lot``, ``unexpected``, ``blind``."""
    is_over: bool
    """Whether it came beyond what was open of all lines that it could be of."""
    ordered: Decimal | None
    taken: Decimal
    """What people received of the line by its name, and did not put on hold."""
    is_closed: bool
    """Whether its order was closed before."""
    is_ended: bool
    """Whether its line was closed short before."""
    recorded_at: datetime
    is_due: bool
    """Whether the site's watermark has passed it: what came beyond is put on hold from then on."""
    is_fresh: bool
    """Whether it became known since scans are put on hold at all; what was known before is told."""
    is_inspectable: bool
    """Whether it became known since scans are inspected at all."""
    item_id: int
    asked: Decimal
    """What of the scan was to be put on hold; with its last part."""
    on_hold: Decimal
    """What of that still waits for somebody to judge it."""
    missed: Decimal
    """What of that no longer lay there."""
    to_inspect: Decimal
    """What of the scan was to be inspected; with its last part."""
    in_inspection: Decimal
    """What of that still waits for somebody to judge it."""
    uninspected: Decimal
    """What of that had left before."""
    days_left: int | None
    """Until its lot expires, where that is less than its item asked for when the scan became known."""
    came: Decimal
    """What came of the line up to this part, with it, before its order was closed."""
    parts: int
    """How many there are, of all that was asked for, beside those of one page."""
    over: int
    """How many of those are over."""
    unexpected: int
    """How many of those no line names."""

    @property
    def scan(self) -> tuple[str, int, int]:
        """Names the movement."""
        return self.gateway, self.epoch, self.seq


class DatedRule(NamedTuple):
    """A rule of receiving, with when it was set."""

    rule: RuleRow
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Scanned:
    """A scan with what the rules of receiving say of it."""

    row: ScannedRow
    part: Part
    beyond: Decimal
    """What of it is over by more than is tolerated of the line, or of no line: somebody has to judge it."""

    @property
    def is_beyond(self) -> bool:
        """Whether any of it is."""
        return self.beyond > 0


def scanned(conn: Connection, actor: Actor, *, site: str, name: str) -> Sequence[Scanned]:
    """Tell what handhelds received under a number, as of an ASN or order.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        name: The number that was scanned.

    Returns:
        The scans in the order of occurrence, in parts by line.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    return judged(conn, site=site, name=name)


def scanned_page(
    conn: Connection, actor: Actor, *, site: str, name: str, in_question: bool, after: int, limit: int
) -> Sequence[Scanned]:
    """Tell a page of what handhelds received under a number; the book counts the rest.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        name: The number that was scanned.
        in_question: Only what is over or that no line names, and what was to wait.
        after: How many parts to leave out at the beginning.
        limit: Most parts to give.

    Returns:
        The scans in the order of occurrence, in parts by line, as `scanned` tells them.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    part = {"in_question": in_question, "after": after, "most": limit}
    return _judge(conn, site, store.rows(conn, ScannedRow, "scanned", site=site, id=name, items=None, **part))


def judged(
    conn: Connection, *, site: str, name: str, items: Sequence[int] | None = None
) -> Sequence[Scanned]:
    """Judge each scan by the rules that were set when it became known, as a receipt on paper is judged.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        name: The number that was scanned.
        items: Only those of these items, by their ids, which no other's scans bear on; None: of all.

    Returns:
        The scans in the order of occurrence, in parts by line.
    """
    whole = {"in_question": None, "after": 0, "most": None}
    asked = None if items is None else list(items)
    return _judge(
        conn, site, store.rows(conn, ScannedRow, "scanned", site=site, id=name, items=asked, **whole)
    )


def _judge(conn: Connection, site: str, rows: Sequence[ScannedRow]) -> list[Scanned]:
    if not rows:
        return []
    rules = [
        DatedRule(RuleRow(*rule), set_at) for *rule, set_at in store.tuples(conn, "dated_rules", site=site)
    ]
    rule_of = _rules_then(rules)
    parts = [_part(row, rule_of(row.partner, row.item, row.recorded_at)) for row in rows]
    return [Scanned(row, part, beyond(part)) for row, part in zip(rows, parts, strict=True)]


def _rules_then(rules: Sequence[DatedRule]) -> Callable[[str | None, str, datetime], Rule]:
    """Look a rule up once for as long as no other was set."""
    instants = sorted(each.set_at for each in rules)
    known: dict[tuple[str | None, str, int], Rule] = {}

    def rule_of(partner: str | None, item: str, at: datetime) -> Rule:
        key = (partner, item, bisect_right(instants, at))
        if key not in known:
            known[key] = rule_then(rules, partner, item, at=at)
        return known[key]

    return rule_of


def rule_then(rules: Iterable[DatedRule], partner: str | None, item: str, *, at: datetime) -> Rule:
    """Find what applied to an item of a supplier.

    Args:
        rules: Of the site, in the order in which they were set.
        partner: Whose goods they are; None: nobody knows.
        item: The item's code.
        at: When.

    Returns:
        The rule.
    """
    then = {(each.rule.supplier, each.rule.item): each.rule for each in rules if each.set_at <= at}
    return rule_for(then.values(), partner, item)


def _part(row: ScannedRow, rule: Rule) -> Part:
    return Part(
        row.scan,
        row.item,
        row.line,
        row.quantity,
        rule.over_percent,
        row.ordered,
        row.taken,
        row.is_ended,
        row.is_closed,
        is_blind=row.type == BLIND,
        inspects=(rule.inspects or row.days_left is not None) and row.is_inspectable,
        came=row.came,
    )
