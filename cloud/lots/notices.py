"""What people are told of recalls and lots; pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from pydantic import JsonValue

from cloud.alerts.domain import Notice, Severity
from cloud.lots.domain import Recall, RecipientRow
from cloud.lots.reading import Whereabouts

RECALL: Final = "lot_recall"
_LISTED: Final = 200
"""Of the recipients in a ticket; the page and its file have all of them."""


def about_recall(recall: Recall, found: Sequence[Whereabouts]) -> list[Notice]:
    """Tell each site that has any of what a recall reaches, or sent any; the network, if none does.

    Args:
        recall: The recall.
        found: What it reaches, with where that is and who got it.

    Returns:
        A notice per site, each with every customer that got any from there.
    """
    on_hand: defaultdict[str, Decimal] = defaultdict(Decimal)
    got: defaultdict[str, list[RecipientRow]] = defaultdict(list)
    for each in found:
        for row in each.stock:
            on_hand[row.site] += row.quantity
        for recipient in each.recipients:
            got[recipient.site].append(recipient)
    sites = sorted({*on_hand, *got})
    notices = [_at(recall, site, on_hand[site], got[site]) for site in sites]
    return notices or [_at(recall, None, Decimal(0), [])]


def recall_keys(recall: Recall, sites: Iterable[str]) -> list[str]:
    """Name every ticket that a recall may have.

    Args:
        recall: The recall.
        sites: All sites.

    Returns:
        Their keys.
    """
    return [_key(recall, site) for site in (*sites, None)]


def _key(recall: Recall, site: str | None) -> str:
    return f"{RECALL}:{recall.recall_id}:{site or ''}"


def _at(recall: Recall, site: str | None, on_hand: Decimal, got: Sequence[RecipientRow]) -> Notice:
    customers = {row.partner or "not named" for row in got}
    told = f"{len(customers)} customers got some" if customers else "no customer got any"
    detail: dict[str, JsonValue] = {
        "recall": recall.name,
        "item": recall.item,
        "lot": recall.lot,
        "reason": recall.reason,
        "note": recall.note,
        "on_hand": f"{on_hand.normalize():f}",
        "customers": len(customers),
        "recipients": [_recipient(row) for row in got[:_LISTED]],
        "page_url": f"/recalls/{recall.recall_id}",
    }
    summary = (
        f"Recall {recall.name}: lot {recall.lot} of {recall.item} ({recall.reason.replace('_', ' ')}); "
        f"{on_hand.normalize():f} of it or made of it on hand, {told}"
    )
    return Notice(
        _key(recall, site), RECALL, Severity.CRITICAL, summary, site, detail, owner=recall.opened_by
    )


def _recipient(row: RecipientRow) -> dict[str, JsonValue]:
    return {
        "customer": row.partner,
        "documents": row.papers,
        "item": row.item,
        "lot": row.lot,
        "quantity": f"{row.quantity.normalize():f}",
        "last_at": row.last_at.isoformat(),
    }
