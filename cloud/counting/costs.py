"""What a base unit costs at a site from an instant on; where nothing is known, the value is unknown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from cloud.counting import store
from cloud.counting.domain import KEEPERS, CountingError
from cloud.counting.reading import see
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as

BEFORE_ALL: Final = datetime(1, 1, 1, tzinfo=UTC)
MOST: Final = Decimal(10) ** 14
_CURRENCY_LENGTH: Final = 3


class CostsError(CountingError):
    """Costs that cannot be kept; the message holds one line per fault."""


@dataclass(frozen=True, slots=True)
class CostPaper:
    """The cost of an item at a site from an instant on."""

    item: str
    site: str
    cost: Decimal
    """Of one base unit; >= 0, with at most six decimals."""
    currency: str
    valid_from: datetime
    place: str = ""
    """Where it stands in a file, for the message."""


@dataclass(frozen=True, slots=True)
class CostRow:
    """A cost as it is kept."""

    item: str
    site: str
    valid_from: datetime
    cost: Decimal
    currency: str


def put_costs(conn: Connection, actor: Actor, papers: Sequence[CostPaper]) -> int:
    """Keep costs, all or none; the same again changes nothing.

    Args:
        conn: In a transaction that the caller commits.
        actor: An inventory controller of every site named.
        papers: The costs.

    Returns:
        How many were new.

    Raises:
        NotAllowedError: If the actor may not.
        CostsError: One line per fault: unknown item or site, another currency than the site's, a cost that is
            no amount, or another cost from the same instant on: what was valid is not rewritten.
    """
    actor.require(*KEEPERS)
    for site in sorted({paper.site for paper in papers}):
        actor.require(*KEEPERS, site=site)
    act_as(conn, actor)
    codes, sites = {paper.item for paper in papers}, {paper.site for paper in papers}
    items = dict(store.tuples(conn, "known_items", codes=sorted(codes)))
    currencies = dict(store.tuples(conn, "site_currencies", sites=sorted(sites)))
    faults = [fault for paper in papers if (fault := _fault(paper, items, currencies))]
    if faults:
        raise CostsError("\n".join(faults))
    keys: dict[str, Any] = {
        "items": [items[paper.item] for paper in papers],
        "sites": [paper.site for paper in papers],
        "from_at": [paper.valid_from for paper in papers],
    }
    there = {tuple(row[:3]): tuple(row[3:]) for row in store.tuples(conn, "costs_there", **keys)}
    fresh: dict[tuple[Any, ...], CostPaper] = {}
    for paper, key in zip(papers, zip(*keys.values(), strict=True), strict=True):
        wanted = (paper.cost, paper.currency)
        known = (fresh[key].cost, fresh[key].currency) if key in fresh else there.get(key)
        if known is None:
            fresh[key] = paper
        elif known != wanted:
            faults.append(
                f"{paper.place}{paper.item} at {paper.site}: {known[0].normalize():f} {known[1]} is valid "
                f"from {paper.valid_from.isoformat()} already, got {paper.cost} {paper.currency}: "
                "expected a later valid_from"
            )
    if faults:
        raise CostsError("\n".join(faults))
    new = list(fresh.items())
    store.change(
        conn,
        "add_costs",
        items=[key[0] for key, _ in new],
        sites=[key[1] for key, _ in new],
        from_at=[key[2] for key, _ in new],
        costs=[paper.cost for _, paper in new],
        currencies=[paper.currency for _, paper in new],
    )
    for paper in fresh.values():
        detail = {
            "cost": str(paper.cost),
            "currency": paper.currency,
            "valid_from": paper.valid_from.isoformat(),
        }
        store.audit(conn, actor.id, "cost_set", f"item:{paper.item}", site=paper.site, detail=detail)
    return len(fresh)


def costs(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    item: str | None = None,
    after: tuple[str, str, datetime] = ("", "", BEFORE_ALL),
    limit: int,
) -> list[CostRow]:
    """List costs of the actor's sites.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        item: Only of this item.
        after: Key of the last one of the page before.
        limit: Most to give.

    Returns:
        Costs by item, site and instant.

    Raises:
        NotAllowedError: If the actor may not, or not at the site.
    """
    see(conn, actor, site=site)
    names = ("after_item", "after_site", "after_at")
    asked = dict(zip(names, after, strict=True))
    return store.rows(conn, CostRow, "costs", site=site, item=item, limit=limit, **asked)


def _fault(paper: CostPaper, items: dict[str, int], currencies: dict[str, str | None]) -> str | None:
    where = f"{paper.place}{paper.item} at {paper.site}"
    if paper.item not in items:
        return f"{where}: there is no item {paper.item!r}"
    if paper.site not in currencies:
        return f"{where}: there is no site {paper.site!r}"
    if not paper.cost.is_finite() or not 0 <= paper.cost < MOST or paper.cost != round(paper.cost, 6):
        return f"{where}: cost {paper.cost}: expected zero or more, with at most six decimals"
    if len(paper.currency) != _CURRENCY_LENGTH or not (paper.currency.isascii() and paper.currency.isupper()):
        return f"{where}: currency {paper.currency!r}: expected three capitals as EUR"
    expected = currencies[paper.site]
    if expected is not None and expected != paper.currency:
        return f"{where}: currency {paper.currency!r}: the site keeps its books in {expected}"
    return None
