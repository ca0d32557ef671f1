"""What came in sellable and waits after all: of a lot dated since, or loose (DOMAIN D4, D8)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from pydantic import JsonValue

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection
from cloud.documents.lines import lock_documents
from cloud.documents.receiving import store
from cloud.documents.receiving.beyond import Part, Wanted
from cloud.documents.receiving.domain import NOTHING, RuleRow
from cloud.documents.receiving.held_notices import UNINSPECTED, ungraded_words, uninspected_words
from cloud.documents.receiving.held_posting import VISIT, Hold, Under, post_holds
from cloud.documents.receiving.lying import find_holds, fresh_name
from cloud.documents.receiving.scanned import DatedRule, rule_then
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as

_ALL: Final = "all"
"""Of a visit's goods a watermark has passed something; else only what is known of returns is due."""
_LOTS: Final = 500
"""How many lots one run looks at."""
_RULED: Final = "ruled"
_TOO_SHORT: Final = "too_short"
_RETURNED: Final = "returned"
_GONE: Final = (_RULED, _TOO_SHORT, _RETURNED)
"""Why goods were to wait that had left, by which an open ticket counts them in base units."""


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
    is_return: bool = False
    """Whether customers sent them back."""

    @property
    def scan(self) -> tuple[str, int, int]:
        """Names the movement."""
        return self.gateway, self.epoch, self.seq

    @property
    def came_under(self) -> tuple[str, str, str]:
        """Site, type and number of what they came under."""
        return self.site, self.type, self.number


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
    first = next((row.came_under for row in store.rows(conn, ArrivedRow, "dated_arrivals", **named)), None)
    if first is not None:  # before the lot: who receives may state its date while they hold their own
        _lock(conn, *first)
    if not store.tuples(conn, "lock_dated_lot", **named):
        return None
    there = store.rows(conn, ArrivedRow, "dated_arrivals", **named)
    if not there:
        store.change(conn, "settle_dated_lot", **named)
        return None
    of_first = [(row, row.quantity) for row in there if row.came_under == first]
    return _inspect(conn, actor, of_first, now=now)


def inspect_loose(conn: Connection, actor: Actor, *, site: str, visit: str, now: datetime) -> int:
    """Let wait what of a visit's loose goods customers sent back, a rule has inspected, or expires too soon.

    Of several givers one at a time: the visit is ready again for the next.

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
    _lock(conn, site, VISIT, visit)
    ((due,),) = store.tuples(conn, "take_loose_due", site=site, visit=visit)
    if due is None:
        return 0
    rules = [
        DatedRule(RuleRow(*rule), set_at) for *rule, set_at in store.tuples(conn, "dated_rules", site=site)
    ]
    asked_before: dict[tuple[str, int, int], Decimal] = {}
    wanted = list[tuple[ArrivedRow, Decimal]]()
    for *stated, recorded_at, asked in store.tuples(conn, "loose_arrivals", site=site, visit=visit):
        row = ArrivedRow(site, *stated)
        is_inspected = due == _ALL and (
            row.days_left is not None or rule_then(rules, row.partner, row.item, at=recorded_at).inspects
        )
        if not (row.is_return or is_inspected):
            continue
        before = asked_before.setdefault(row.scan, asked)
        known = min(before, row.quantity)
        asked_before[row.scan] = before - known
        if row.quantity > known:
            wanted.append((row, row.quantity - known))
    givers = list(dict.fromkeys((row.is_return, row.partner) for row, _ in wanted))
    if len(givers) > 1:
        store.change(conn, "put_loose" if due == _ALL else "put_returns", site=site, visit=visit)
    of_first = [each for each in wanted if (each[0].is_return, each[0].partner) == givers[0]]
    return _inspect(conn, actor, of_first, now=now)


def _act(conn: Connection, actor: Actor) -> None:
    actor.require(Role.DEVICE)
    act_as(conn, actor)


def _lock(conn: Connection, site: str, kind: str, number: str) -> None:
    """Let nobody confirm the visit, or change the receipt, until the transaction ends."""
    if kind == VISIT:
        store.tuples(conn, "lock_visit", site=site, visit=number)
    else:
        lock_documents(conn, site, [("receipt", number)])


def _inspect(
    conn: Connection, actor: Actor, arrivals: Sequence[tuple[ArrivedRow, Decimal]], *, now: datetime
) -> int:
    """Put what still lies there into inspection under a receipt of its own, and tell what had left."""
    if not arrivals:
        return 0
    site, number = arrivals[0][0].site, arrivals[0][0].number
    wanted = [
        (
            row,
            Wanted(
                Part(row.scan, row.item, None, quantity, inspects=True),
                quantity,
                is_inspection=True,
                is_return=row.is_return,
            ),
        )
        for row, quantity in arrivals
    ]
    holds = find_holds(conn, actor, site, wanted)
    _tell(conn, arrivals[0][0], {row.item: row.base_unit for row, _ in arrivals}, holds)
    post_holds(conn, actor, Under(site, number, fresh_name(conn, site, number), now), holds)
    return sum(each.held > 0 for each in holds)


def _why(hold: Hold) -> str:
    if hold.wanted.is_return:
        return _RETURNED
    return _RULED if hold.row.days_left is None else _TOO_SHORT


def _tell(conn: Connection, first: ArrivedRow, units: Mapping[str, str], holds: Iterable[Hold]) -> None:
    """Tell people what had left, or is in another condition, before it could wait: all of an open ticket."""
    gone = dict[tuple[str, int], dict[str, Decimal]]()
    for each in holds:
        if each.asked > each.held:
            of_item = gone.setdefault((each.row.item, each.row.item_id), dict.fromkeys(_GONE, NOTHING))
            of_item[_why(each)] += each.asked - each.held
    under = f"{UNINSPECTED}:{first.site}/{first.type}/{first.number}"
    told = alerts.open_details(conn, [f"{under}/{item_id}" for _, item_id in gone])
    notices = []
    for (item, item_id), quantities in gone.items():
        key = f"{under}/{item_id}"
        before = told.get(key, {})
        now = {why: quantities[why] + Decimal(str(before.get(why, 0))) for why in _GONE}
        named, ruled, too_short = (first.number, item, units[item]), now[_RULED], now[_TOO_SHORT]
        said = [uninspected_words(*named, ruled, too_short)] if ruled or too_short else []
        said += [ungraded_words(*named, now[_RETURNED])] if now[_RETURNED] else []
        summary = "; ".join(said)
        detail: dict[str, JsonValue] = {
            "document": first.number,
            "item": item,
            "page_url": f"/inspection?site={first.site}",
            **{why: f"{quantity:f}" for why, quantity in now.items()},
        }
        notices.append(Notice(key, UNINSPECTED, Severity.WARNING, summary, first.site, detail))
    alerts.notice(conn, notices)
