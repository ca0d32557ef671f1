"""Claims of an item that reads as another now go on as that one's, or are made anew; people are told."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Final, NamedTuple

from pydantic import JsonValue

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.allocation import store
from cloud.allocation.domain import ClaimKind
from cloud.allocation.keeping import KeptSite, claim_elsewhere, end_claims_of
from cloud.allocation.store import NewClaim, OpenClaim

MERGED: Final = "claims_of_merged_item"
_BECAUSE: Final = "item_merged"
_PLACES: Final = 6


class _Reading(NamedTuple):
    """What an item reads as."""

    item_id: int
    item: str
    now_id: int
    now: str
    numerator: Decimal
    denominator: Decimal


def follow_merges(of: KeptSite) -> int:
    """Let claims follow their lines, where these read as another item than when they were claimed.

    A claim goes on in the base units of the item that its own reads as. What is on a task is withdrawn there
    and claimed anew, with a task of the item as it is called now; so are claims whose merge was taken back.

    Args:
        of: The site, whose items are locked.

    Returns:
        How many claims moved.
    """
    stale = [
        each for each in of.claims() if (line := of.lines.get(each.name)) and line.item_id != each.item_id
    ]
    if not stale:
        return 0
    items = sorted({each.item_id for each in stale})
    readings = {row.item_id: row for row in store.rows(of.conn, _Reading, "items_as_they_read", items=items)}
    going_on = [(each, made) for each in stale if (made := _going_on(of, each, readings[each.item_id]))]
    store.end_claims(of.conn, [each.allocation_id for each, _ in going_on], of.by, _BECAUSE)
    store.add_claims(of.conn, of.site, [made for _, made in going_on], of.by)
    kept = {each.allocation_id for each, _ in going_on}
    anew = [(each, each.quantity) for each in stale if each.allocation_id not in kept]
    end_claims_of(of, anew, because=_BECAUSE)
    short = sum(claim_elsewhere(of, anew).values(), Decimal(0)) if anew else Decimal(0)
    counted = Counter(each.item_id for each in stale)
    alerts.notice(of.conn, [_notice(of.site, readings[item_id], n, short) for item_id, n in counted.items()])
    return len(stale)


def _going_on(of: KeptSite, each: OpenClaim, reading: _Reading) -> NewClaim | None:
    is_on_task = each.kind != ClaimKind.PICKED and each.task is not None
    if is_on_task or reading.now_id != of.lines[each.name].item_id:
        return None
    quantity = round(each.quantity * reading.numerator / reading.denominator, _PLACES)
    made = each.going_on(quantity, ClaimKind(each.kind), each.cell_id)
    return replace(made, item_id=reading.now_id, why=dict(each.why) | {"merged_from": reading.item})


def _notice(site: str, reading: _Reading, claims: int, short: Decimal) -> Notice:
    rest = f"; {short.normalize():f} is covered by nothing" if short > 0 else ""
    reads = f"reads as {reading.now}" if reading.now_id != reading.item_id else "is an item of its own again"
    summary = f"{claims} claims of {reading.item} at {site} follow their lines: it {reads}{rest}"
    detail: dict[str, JsonValue] = {
        "item": reading.item,
        "reads_as": reading.now,
        "claims": claims,
        "uncovered": str(short),
        "page_url": "/availability",
    }
    key = f"{MERGED}:{site}:{reading.item}"
    return Notice(key, MERGED, Severity.WARNING, summary, site, detail)
