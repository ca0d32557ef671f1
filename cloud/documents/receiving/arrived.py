"""What came in sellable and is inspected after all: of a lot dated since, or loose (DOMAIN D4, D8)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection
from cloud.documents.lines import lock_documents
from cloud.documents.receiving import store
from cloud.documents.receiving.beyond import Part, Wanted
from cloud.documents.receiving.domain import NOTHING, RuleRow
from cloud.documents.receiving.held_notices import UNINSPECTED
from cloud.documents.receiving.held_posting import VISIT, Hold, Under, post_holds
from cloud.documents.receiving.lying import find_holds, fresh_name
from cloud.documents.receiving.scanned import DatedRule, rule_then
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as

_LOTS: Final = 500
"""How many lots one run looks at."""


class ArrivedRow(NamedTuple):
    """Goods that came by one movement; the quantity is in base units."""

    site: str
    number: str
    """Of the receipt, or the visit."""
    type: str
    partner: str | None
    gateway: str
    epoch: int
    seq: int
    occurred_at: datetime
    item: str
    item_id: int
    base_unit: str
    quantity: Decimal
    days_left: int | None

    @property
    def scan(self) -> tuple[str, int, int]:
        """Names the movement."""
        return self.gateway, self.epoch, self.seq


def dated_lots(conn: Connection, actor: Actor) -> list[tuple[int, str, str]]:
    """List lots whose date was stated or changed, and of which it was not looked what came.

    Args:
        conn: In a transaction.
        actor: A job with all sites.

    Returns:
        Item id, item and lot of each.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    _act(conn, actor)
    return [(item_id, item, lot) for item_id, item, lot in store.tuples(conn, "dated_lots", most=_LOTS)]


def loose_visits(conn: Connection, actor: Actor) -> list[tuple[str, str]]:
    """List visits of whose loose goods a watermark has passed something that must be looked at.

    Args:
        conn: In a transaction.
        actor: A job with all sites.

    Returns:
        Site and visit of each.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    _act(conn, actor)
    return [(site, visit) for site, visit in store.tuples(conn, "loose_ready")]


def inspect_dated(conn: Connection, actor: Actor, *, item_id: int, lot: str, now: datetime) -> int | None:
    """Let wait what people received of a lot, under one number, that expires too soon by what is known now.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A job with all sites.
        item_id: Of the lot.
        lot: The lot.
        now: Since when it waits.

    Returns:
        Movements of which something waits now; None: there is no number left.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    _act(conn, actor)
    named = {"item_id": item_id, "lot": lot}
    if not store.tuples(conn, "lock_dated_lot", **named):
        return None
    rows = store.rows(conn, ArrivedRow, "dated_arrivals", **named)
    if not rows:
        store.change(conn, "settle_dated_lot", **named)
        return None
    first = (rows[0].site, rows[0].number, rows[0].type)
    lock_documents(conn, rows[0].site, [(VISIT if rows[0].type == VISIT else "receipt", rows[0].number)])
    there = store.rows(conn, ArrivedRow, "dated_arrivals", **named)
    of_first = [(row, row.quantity) for row in there if (row.site, row.number, row.type) == first]
    return _inspect(conn, actor, of_first, now=now)


def inspect_loose(conn: Connection, actor: Actor, *, site: str, visit: str, now: datetime) -> int:
    """Let wait what of a visit's loose goods a rule has inspected, or expires too soon, as on paper.

    Of several suppliers one at a time: the visit is ready again for the next.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A job with all sites.
        site: Site id.
        visit: Inbound.
        now: Since when it waits.

    Returns:
        Crossings of which something waits now.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    _act(conn, actor)
    lock_documents(conn, site, [(VISIT, visit)])
    if not store.tuples(conn, "take_loose_due", site=site, visit=visit)[0][0]:
        return 0
    rules = [
        DatedRule(RuleRow(*rule), set_at) for *rule, set_at in store.tuples(conn, "dated_rules", site=site)
    ]
    asked_before: dict[tuple[str, int, int], Decimal] = {}
    wanted = list[tuple[ArrivedRow, Decimal]]()
    for *stated, recorded_at, asked in store.tuples(conn, "loose_arrivals", site=site, visit=visit):
        row = ArrivedRow(site, *stated)
        if row.days_left is None and not rule_then(rules, row.partner, row.item, at=recorded_at).inspects:
            continue
        before = asked_before.setdefault(row.scan, asked)
        known = min(before, row.quantity)
        asked_before[row.scan] = before - known
        if row.quantity > known:
            wanted.append((row, row.quantity - known))
    partners = list(dict.fromkeys(row.partner for row, _ in wanted))
    if len(partners) > 1:
        store.change(conn, "put_loose", site=site, visit=visit)
    return _inspect(conn, actor, [each for each in wanted if each[0].partner == partners[0]], now=now)


def _act(conn: Connection, actor: Actor) -> None:
    actor.require(Role.DEVICE)
    act_as(conn, actor)


def _inspect(
    conn: Connection, actor: Actor, arrivals: Sequence[tuple[ArrivedRow, Decimal]], *, now: datetime
) -> int:
    """Put what still lies there into inspection under a receipt of its own, and tell what had left."""
    if not arrivals:
        return 0
    site, number = arrivals[0][0].site, arrivals[0][0].number
    wanted = [
        (row, Wanted(Part(row.scan, row.item, None, quantity, inspects=True), quantity, is_inspection=True))
        for row, quantity in arrivals
    ]
    holds = find_holds(conn, actor, site, wanted)
    _tell(conn, [row for row, _ in arrivals], holds)
    post_holds(conn, actor, Under(site, number, fresh_name(conn, site, number), now), holds)
    return sum(each.held > 0 for each in holds)


def _tell(conn: Connection, rows: Iterable[ArrivedRow], holds: Iterable[Hold]) -> None:
    """Tell people what had left, or is in another condition, before it could wait."""
    of_item = {row.item: row for row in rows}
    missed: defaultdict[str, Decimal] = defaultdict(Decimal)
    for each in holds:
        missed[each.row.item] += each.asked - each.held
    notices = []
    for item, quantity in missed.items():
        if quantity <= NOTHING:
            continue
        row = of_item[item]
        why = "that a rule sends to inspection" if row.days_left is None else "that keep for too short a time"
        summary = (
            f"{row.number}: {quantity.normalize():f} {row.base_unit} of {item} {why} had left before they "
            "could wait in inspection"
        )
        key = f"{UNINSPECTED}:{row.site}/{row.type}/{row.number}/{row.item_id}"
        detail = {"item": item, "number": row.number, "page_url": f"/inspection?site={row.site}"}
        notices.append(Notice(key, UNINSPECTED, Severity.WARNING, summary, row.site, {**detail}))
    alerts.notice(conn, notices)
