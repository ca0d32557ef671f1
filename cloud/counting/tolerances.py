"""How much a record may be off: set by item, category, site or for all, the most particular counts."""

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from cloud.counting import store
from cloud.counting.domain import KEEPERS, CountingError, UnknownNameError
from cloud.counting.reading import see
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import audit

MOST: Final = Decimal(10) ** 14


@dataclass(frozen=True, slots=True)
class TolerancePaper:
    """What is allowed for whom; every limit that is given must hold, and without any the row is removed."""

    site: str | None = None
    """None: every site without a row of its own."""
    item: str | None = None
    category: str | None = None
    quantity: Decimal | None = None
    """In base units."""
    percent: Decimal | None = None
    """Of the book."""
    value: Decimal | None = None
    """In the site's currency."""


@dataclass(frozen=True, slots=True)
class ToleranceRow:
    """A tolerance as it is set."""

    tolerance_id: int
    site: str | None
    item: str | None
    category: str | None
    quantity: Decimal | None
    percent: Decimal | None
    value: Decimal | None
    set_by: str
    set_at: datetime


def put_tolerance(conn: Connection, actor: Actor, paper: TolerancePaper) -> None:
    """Set a tolerance, or remove it by giving no limit. Settled counts stay as they were judged.

    Args:
        conn: In a transaction that the caller commits.
        actor: An inventory controller of the site; for all sites, one everywhere.
        paper: What is allowed.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownNameError: If there is no such site or item.
        CountingError: If both item and category are named, a limit is below zero or not a number, or there
            is nothing to remove.
    """
    if paper.site is None:
        actor.require_everywhere(*KEEPERS)
    else:
        actor.require(*KEEPERS, site=paper.site)
    act_as(conn, actor)
    if paper.item is not None and paper.category is not None:
        raise CountingError(f"item {paper.item!r} and category {paper.category!r}: expected one of them")
    limits = {"quantity": paper.quantity, "percent": paper.percent, "value": paper.value}
    for name, limit in limits.items():
        if limit is not None and not (limit.is_finite() and 0 <= limit < MOST):
            raise CountingError(f"{name} {limit}: expected zero or more, below {MOST:.0e}")
    if paper.site is not None and not store.tuples(conn, "site_currency", site=paper.site):
        raise UnknownNameError(f"there is no site {paper.site!r}")
    item_id = None
    if paper.item is not None:
        found = store.tuples(conn, "item_of_code", code=paper.item)
        if not found:
            raise UnknownNameError(f"there is no item {paper.item!r}")
        item_id = found[0][0]
    key = {"site": paper.site, "item_id": item_id, "category": paper.category}
    is_removal = all(limit is None for limit in limits.values())
    if is_removal:
        if not store.change(conn, "remove_tolerance", **key):
            raise CountingError("no tolerance is set there: expected at least one limit to set one")
    else:
        store.change(conn, "put_tolerance", actor=actor.id, **key, **limits)
    action = "tolerance_removed" if is_removal else "tolerance_set"
    target = f"tolerance:{paper.item or paper.category or paper.site or 'default'}"
    audit(conn, actor.id, action, target, site=paper.site, detail=asdict(paper))


def tolerances(
    conn: Connection, actor: Actor, *, site: str | None = None, after: int = 0, limit: int
) -> list[ToleranceRow]:
    """List tolerances of the actor's sites and of all.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only those that may count at this site.
        after: Id of the last one of the page before.
        limit: Most to give.

    Returns:
        The tolerances in the order in which they were first set.

    Raises:
        NotAllowedError: If the actor may not, or not at the site.
    """
    see(conn, actor, site=site)
    return store.rows(conn, ToleranceRow, "tolerances", site=site, after=after, limit=limit)
