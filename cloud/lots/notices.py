"""What people are told of recalls and lots; pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

from pydantic import JsonValue

from cloud.alerts.domain import Notice, Severity
from cloud.lots.domain import Recall, RecipientRow
from cloud.lots.reading import Whereabouts
from contracts.vocabulary import VirtualLocation

RECALL: Final = "lot_recall"
_LISTED: Final = 200
"""Of the recipients in a ticket; the page and its file have all of them."""


@dataclass(slots=True)
class _Site:
    """What a site has of a recall and what left it."""

    on_hand: Decimal = Decimal(0)
    passing: Decimal = Decimal(0)
    """In docks or on the way."""
    left_inside: Decimal = Decimal(0)
    """In units that left: nothing says who has them."""
    got: list[RecipientRow] = field(default_factory=list)
    may_have: list[RecipientRow] = field(default_factory=list)


class Told(NamedTuple):
    """What people were told last of a recall at a site."""

    is_open: bool
    summary: str
    detail: dict[str, JsonValue]


def about_recall(recall: Recall, found: Sequence[Whereabouts]) -> list[Notice]:
    """Tell each site that has any of what a recall reaches, or sent any; the network, if none does.

    Args:
        recall: The recall.
        found: What it reaches, with where that is and who got it.

    Returns:
        A notice per site, each with every customer that got any from there.
    """
    sites: defaultdict[str, _Site] = defaultdict(_Site)
    for each in found:
        for row in each.stock:
            sites[row.site].on_hand += row.quantity
        for row in each.accounts:
            is_passing = (row.location or "").startswith((VirtualLocation.TRANSIT, VirtualLocation.CLEARING))
            if is_passing and row.quantity > 0:
                sites[row.site].passing += row.quantity
            elif row.unit and row.location == VirtualLocation.CUSTOMER and row.quantity > 0:
                sites[row.site].left_inside += row.quantity
        for recipient in each.recipients:
            kept = sites[recipient.site]
            (kept.may_have if each.relative.is_possible else kept.got).append(recipient)
    return [_at(recall, site, kept) for site, kept in sorted(sites.items())] or [_at(recall, None, _Site())]


def is_news(notice: Notice, told: Told | None) -> bool:
    """Say whether people must be told.

    Args:
        notice: Of a recall at a site.
        told: What they were told last; None if nothing.

    Returns:
        Whether an open ticket says anything else; after somebody closed it, whether more customers got any.
    """
    if told is None:
        return True
    if told.is_open:
        return (notice.summary, notice.detail) != (told.summary, told.detail)
    return any(notice.detail[key] != told.detail.get(key) for key in ("recipients", "may_have"))


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


def _at(recall: Recall, site: str | None, kept: _Site) -> Notice:
    customers = {row.partner or "not named" for row in kept.got}
    others = {row.partner or "not named" for row in kept.may_have} - customers
    told = f"{_customers(customers)} got some" if customers else "no customer got any"
    if others:
        told += f", {_customers(others)} may have got some"
    passing = f", {kept.passing.normalize():f} in docks or on the way" if kept.passing else ""
    inside = f", {kept.left_inside.normalize():f} left inside units" if kept.left_inside else ""
    detail: dict[str, JsonValue] = {
        "recall": recall.name,
        "item": recall.item,
        "lot": recall.lot,
        "reason": recall.reason,
        "note": recall.note,
        "on_hand": f"{kept.on_hand.normalize():f}",
        "passing": f"{kept.passing.normalize():f}",
        "left_inside": f"{kept.left_inside.normalize():f}",
        "customers": len(customers),
        "recipients": [_recipient(row) for row in kept.got[:_LISTED]],
        "may_have": [_recipient(row) for row in kept.may_have[:_LISTED]],
        "page_url": f"/recalls/{recall.recall_id}",
    }
    summary = (
        f"Recall {recall.name}: lot {recall.lot} of {recall.item} ({recall.reason.replace('_', ' ')}); "
        f"{kept.on_hand.normalize():f} of it or made of it on hand{passing}{inside}, {told}"
    )
    return Notice(
        _key(recall, site), RECALL, Severity.CRITICAL, summary, site, detail, owner=recall.opened_by
    )


def _customers(names: Collection[str]) -> str:
    return f"{len(names)} customer{'s' if len(names) > 1 else ''}"


def _recipient(row: RecipientRow) -> dict[str, JsonValue]:
    return {
        "customer": row.partner,
        "documents": row.papers,
        "item": row.item,
        "lot": row.lot,
        "quantity": f"{row.quantity.normalize():f}",
        "last_at": row.last_at.isoformat(),
    }
