"""What a base unit costs at a site from an instant on: by standard, or as it is bought."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import orjson

from cloud.db import Connection, NamedStatements
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as

KEEPERS: Final = (Role.INVENTORY_CONTROLLER,)
"""Who may set costs and exchange rates."""
READERS: Final = (
    Role.OPERATOR,
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.PLANNER,
    Role.BUYER,
    Role.APPROVER,
    Role.AUDITOR,
)
BEFORE_ALL: Final = datetime(1, 1, 1, tzinfo=UTC)
MOST: Final = Decimal(10) ** 14
CURRENCY_LENGTH: Final = 3
_SQL: Final = NamedStatements("cloud.master", "costs.sql")


class Basis(StrEnum):
    """How an item is valued."""

    STANDARD = "standard"
    """What it is said to cost, until the next cost begins."""
    PURCHASE = "purchase"
    """What is paid for it: a period's average is made of these where there is no standard cost."""


class CostsError(ValueError):
    """Costs or rates that cannot be kept; the message holds one line per fault."""


AT_ONCE: Final = "somebody else stated some of these meanwhile: nothing was kept, state them again"
"""Of two who state the same for the first time at once, what the second is told."""


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
    recorded_at: datetime | None
    """When it was said; None: before that was noted."""


def put_costs(
    conn: Connection, actor: Actor, papers: Sequence[CostPaper], *, basis: Basis = Basis.STANDARD
) -> int:
    """Keep costs, all or none; the same again changes nothing.

    Args:
        conn: In a transaction that the caller commits.
        actor: An inventory controller of every site named.
        papers: The costs.
        basis: Of all of them.

    Returns:
        How many were new.

    Raises:
        NotAllowedError: If the actor may not.
        CostsError: One line per fault: unknown item or site, a standard cost in another currency than the
            site's, a cost that is no amount, or another cost from the same instant on: what was valid is not
            rewritten.
    """
    actor.require(*KEEPERS)
    for site in sorted({paper.site for paper in papers}):
        actor.require(*KEEPERS, site=site)
    act_as(conn, actor)
    codes, sites = {paper.item for paper in papers}, {paper.site for paper in papers}
    items = dict(_SQL.tuples(conn, "items_of_codes", codes=sorted(codes)))
    currencies = dict(_SQL.tuples(conn, "currencies_of_sites", sites=sorted(sites)))
    faults = [fault for paper in papers if (fault := _fault(paper, items, currencies, basis))]
    if faults:
        raise CostsError("\n".join(faults))
    keys: dict[str, Any] = {
        "items": [items[paper.item] for paper in papers],
        "sites": [paper.site for paper in papers],
        "from_at": [paper.valid_from for paper in papers],
    }
    there = {tuple(row[:3]): tuple(row[3:]) for row in _SQL.tuples(conn, f"{basis}_costs_there", **keys)}
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
    if _add(conn, basis, fresh) < len(fresh):
        raise CostsError(AT_ONCE)
    for paper in fresh.values():
        detail = {
            "basis": basis.value,
            "cost": str(paper.cost),
            "currency": paper.currency,
            "valid_from": paper.valid_from.isoformat(),
        }
        record(conn, actor, "cost_set", f"item:{paper.item}", site=paper.site, detail=detail)
    return len(fresh)


def costs(
    conn: Connection,
    actor: Actor,
    *,
    basis: Basis = Basis.STANDARD,
    site: str | None = None,
    item: str | None = None,
    after: tuple[str, str, datetime] = ("", "", BEFORE_ALL),
    limit: int,
) -> list[CostRow]:
    """List costs of the actor's sites.

    Args:
        conn: In a transaction.
        actor: Who asks.
        basis: Which costs.
        site: Only of this site.
        item: Only of this item.
        after: Key of the last one of the page before.
        limit: Most to give.

    Returns:
        Costs by item, site and instant.

    Raises:
        NotAllowedError: If the actor may not, or not at the site.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    names = ("after_item", "after_site", "after_at")
    asked = dict(zip(names, after, strict=True))
    return _SQL.rows(conn, CostRow, f"{basis}_costs", site=site, item=item, limit=limit, **asked)


def record(
    conn: Connection,
    actor: Actor,
    action: str,
    target: str,
    *,
    site: str | None,
    detail: Mapping[str, object],
) -> None:
    """Append to the audit chain.

    Args:
        conn: In a transaction.
        actor: Who did it.
        action: What, as a stable snake_case word.
        target: To what.
        site: Where; None: everywhere.
        detail: More, as JSON.
    """
    stated = {"action": action, "target": target, "site": site, "detail": orjson.dumps(detail).decode()}
    conn.execute(_SQL["audit_cost"], stated | {"actor": actor.id})


def _add(conn: Connection, basis: Basis, fresh: Mapping[tuple[Any, ...], CostPaper]) -> int:
    return _SQL.change(
        conn,
        f"add_{basis}_costs",
        items=[key[0] for key in fresh],
        sites=[key[1] for key in fresh],
        from_at=[key[2] for key in fresh],
        costs=[paper.cost for paper in fresh.values()],
        currencies=[paper.currency for paper in fresh.values()],
    )


def _fault(
    paper: CostPaper, items: dict[str, int], currencies: dict[str, str | None], basis: Basis
) -> str | None:
    where = f"{paper.place}{paper.item} at {paper.site}"
    if paper.item not in items:
        return f"{where}: there is no item {paper.item!r}"
    if paper.site not in currencies:
        return f"{where}: there is no site {paper.site!r}"
    if not paper.cost.is_finite() or not 0 <= paper.cost < MOST or paper.cost != round(paper.cost, 6):
        return f"{where}: cost {paper.cost}: expected zero or more, with at most six decimals"
    if not is_currency(paper.currency):
        return f"{where}: currency {paper.currency!r}: expected three capitals as EUR"
    expected = currencies[paper.site]
    if basis is Basis.STANDARD and expected is not None and expected != paper.currency:
        return f"{where}: currency {paper.currency!r}: the site keeps its books in {expected}"
    return None


def is_currency(text: str) -> bool:
    """Tell whether a text is written as a currency's code.

    Args:
        text: Any.

    Returns:
        True for three capitals.
    """
    return len(text) == CURRENCY_LENGTH and text.isascii() and text.isalpha() and text.isupper()
