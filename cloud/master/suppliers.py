"""Suppliers and their terms: set up, listed; the same twice is once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final, NamedTuple

import orjson

from cloud.db import Connection, statements
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.master import store
from cloud.master.supplier_papers import SupplierFileError, SupplierItemPaper, SupplierPaper

MAY_SET_UP: Final = (Role.BUYER,)
MAY_READ: Final = (
    Role.BUYER,
    Role.PLANNER,
    Role.APPROVER,
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.AUDITOR,
)
_SQL: Final = statements("cloud.master", "suppliers.sql")


class SupplierError(Exception):
    """A wrong wish about a supplier; the message names value, expectation and place."""


class UnknownSupplierError(SupplierError):
    """There is no such supplier."""


class Circle(NamedTuple):
    """How an item would go round among sites of ours, and never come from anybody else."""

    item: str
    way: tuple[str, ...]
    """Who draws from whom, up to the site that it began with."""

    def told(self) -> str:
        """Tell it.

        Returns:
            Item, sites and the way round.
        """
        steps = ", ".join(f"{to!r} from {sending!r}" for to, sending in pairwise(self.way))
        return (
            f"item {self.item!r} would go round in a circle: drawn at {steps}: "
            "expected a way that ends at a supplier that is none of our sites"
        )


class CircleError(SupplierError):
    """Terms with which sites would supply each other with the same item."""

    def __init__(self, circles: Sequence[Circle]) -> None:
        """Tell every circle.

        Args:
            circles: At least one.
        """
        super().__init__("; ".join(circle.told() for circle in circles))
        self.circles = circles


class SupplierRow(NamedTuple):
    """A supplier in a list."""

    supplier: str
    name: str
    currency: str
    working_days: list[int]
    order_days: list[int] | None
    own_site: str | None
    updated_at: datetime
    updated_by: str
    items: int


class SupplierItemRow(NamedTuple):
    """On which terms a supplier sells an item."""

    number: int
    supplier: str
    item: str
    item_name: str | None
    site: str | None
    code: str | None
    pack: Decimal
    min_order: Decimal | None
    multiple: Decimal | None
    price: Decimal | None
    currency: str
    lead_time_days: int | None
    lead_time_basis: str
    is_preferred: bool
    updated_at: datetime
    updated_by: str


class SuppliersImported(NamedTuple):
    """How much of a file was new or changed."""

    suppliers: int
    supplier_items: int


def put_supplier(conn: Connection, actor: Actor, paper: SupplierPaper) -> bool:
    """Set a supplier up, or say anew what it is.

    Args:
        conn: In a transaction that the caller commits.
        actor: A buyer at all sites: suppliers are the network's.
        paper: The supplier.

    Returns:
        Whether it was new or changed.

    Raises:
        NotAllowedError: If the actor may not.
        SupplierError: If there is no such site, another supplier is that site already, or an item would go
            round in a circle of sites.
    """
    actor.require_everywhere(*MAY_SET_UP)
    with _refusing_circles(conn, actor, suppliers=[paper.supplier]):
        return _put_supplier(conn, actor, paper)


def _put_supplier(conn: Connection, actor: Actor, paper: SupplierPaper) -> bool:
    if paper.own_site is not None:
        if not conn.execute(_SQL["known_sites"], {"sites": [paper.own_site]}).fetchone():
            raise SupplierError(f"supplier {paper.supplier!r}: there is no site {paper.own_site!r}")
        other = conn.execute(_SQL["other_of_site"], paper.model_dump()).fetchone()
        if other is not None:
            raise SupplierError(
                f"supplier {paper.supplier!r}: site {paper.own_site!r} is supplier {other[0]!r} already"
            )
    stated = paper.model_dump() | {
        "working_days": sorted(set(paper.working_days)),
        "order_days": None if paper.order_days is None else sorted(set(paper.order_days)),
    }
    if not conn.execute(_SQL["put_supplier"], stated | {"actor": actor.id}).rowcount:
        return False
    _audit(conn, actor, "supplier_set_up", paper)
    return True


def put_supplier_item(conn: Connection, actor: Actor, paper: SupplierItemPaper) -> bool:
    """Say on which terms a supplier sells an item.

    Args:
        conn: In a transaction that the caller commits.
        actor: A buyer of the site, or at all sites if the terms are for all.
        paper: The terms.

    Returns:
        Whether they were new or changed.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownSupplierError: If there is no such supplier.
        SupplierError: If there is no such item or site, another supplier is preferred already, or the item
            would go round in a circle of sites.
    """
    _require(actor, paper)
    with _refusing_circles(conn, actor, codes=[paper.item]):
        return _put_supplier_item(conn, actor, paper)


def _require(actor: Actor, paper: SupplierItemPaper) -> None:
    if paper.site is None:
        actor.require_everywhere(*MAY_SET_UP)
    else:
        actor.require(*MAY_SET_UP, site=paper.site)


def _put_supplier_item(conn: Connection, actor: Actor, paper: SupplierItemPaper) -> bool:
    if not suppliers(conn, actor, supplier=paper.supplier, limit=1):
        raise UnknownSupplierError(f"there is no supplier {paper.supplier!r}")
    found = conn.execute(_SQL["item_ids"], {"codes": [paper.item]}).fetchone()
    if found is None:
        raise SupplierError(f"supplier {paper.supplier!r}: there is no item {paper.item!r}")
    if paper.site and not conn.execute(_SQL["known_sites"], {"sites": [paper.site]}).fetchone():
        raise SupplierError(
            f"supplier {paper.supplier!r}, item {paper.item!r}: there is no site {paper.site!r}"
        )
    stated = paper.model_dump() | {"item_id": found[1], "actor": actor.id}
    if paper.is_preferred:
        other = conn.execute(_SQL["other_preferred"], stated).fetchone()
        if other is not None:
            raise SupplierError(
                f"supplier {paper.supplier!r}: {other[0]!r} is preferred for item {paper.item!r} already: "
                "expected one preferred supplier; take it back there first"
            )
    if not conn.execute(_SQL["put_supplier_item"], stated).rowcount:
        return False
    _audit(conn, actor, "supplier_item_set_up", paper, f"/{paper.item}")
    return True


def import_suppliers(
    conn: Connection,
    actor: Actor,
    papers: tuple[Mapping[int, SupplierPaper], Mapping[int, SupplierItemPaper]],
    *,
    file: str,
) -> SuppliersImported:
    """Set up everything of a file in one transaction, or nothing.

    Args:
        conn: In a transaction that the caller commits.
        actor: A buyer at all sites, or of every site named if no supplier is set up.
        papers: Suppliers and terms, each by its line in the file.
        file: Its name.

    Returns:
        How much was new or changed.

    Raises:
        NotAllowedError: If the actor may not.
        SupplierFileError: Naming every row that cannot be set up, with its line.
    """
    actor.require(*MAY_SET_UP)
    if papers[0]:
        actor.require_everywhere(*MAY_SET_UP)
    for paper in papers[1].values():
        _require(actor, paper)
    changed, terms = 0, 0
    faults = []
    named = {paper.supplier for paper in papers[0].values()}, {paper.item for paper in papers[1].values()}
    try:
        with _refusing_circles(conn, actor, suppliers=named[0], codes=named[1]):
            for line, supplier in papers[0].items():
                try:
                    changed += _put_supplier(conn, actor, supplier)
                except SupplierError as error:
                    faults.append(f"{file}, line {line}: {error}")
            for line, item in papers[1].items():
                try:
                    terms += _put_supplier_item(conn, actor, item)
                except SupplierError as error:
                    faults.append(f"{file}, line {line}: {error}")
    except CircleError as error:
        faults += [f"{file}, {_lines_of(circle.item, papers)}: {circle.told()}" for circle in error.circles]
    if faults:
        raise SupplierFileError("\n".join(faults))
    return SuppliersImported(changed, terms)


def _lines_of(item: str, papers: tuple[Mapping[int, SupplierPaper], Mapping[int, SupplierItemPaper]]) -> str:
    lines = [line for line, paper in papers[1].items() if paper.item == item] or list(papers[0])
    return f"line{'s' if lines[1:] else ''} {', '.join(map(str, lines))}"


def suppliers(
    conn: Connection, actor: Actor, *, supplier: str | None = None, after: str = "", limit: int
) -> list[SupplierRow]:
    """List suppliers.

    Args:
        conn: In a transaction.
        actor: Who asks.
        supplier: Only this one.
        after: The last one of the page before.
        limit: Most to give.

    Returns:
        Suppliers by id.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*MAY_READ)
    act_as(conn, actor.narrowed(*MAY_READ))
    return store.rows(conn, SupplierRow, "suppliers", supplier=supplier, after=after, limit=limit)


def supplier_items(
    conn: Connection, actor: Actor, *, supplier: str, after: int = 0, limit: int
) -> list[SupplierItemRow]:
    """List the terms of a supplier, those of the actor's sites and those of all sites.

    Args:
        conn: In a transaction.
        actor: Who asks.
        supplier: Whose.
        after: Number of the last one of the page before.
        limit: Most to give.

    Returns:
        Terms in the order in which they were set up.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownSupplierError: If there is no such supplier.
    """
    if not suppliers(conn, actor, supplier=supplier, limit=1):
        raise UnknownSupplierError(f"there is no supplier {supplier!r}")
    return store.rows(conn, SupplierItemRow, "supplier_items", supplier=supplier, after=after, limit=limit)


@contextmanager
def _refusing_circles(
    conn: Connection, actor: Actor, *, suppliers: Iterable[str] = (), codes: Iterable[str] = ()
) -> Iterator[None]:
    """State terms while nobody else does; a circle that was there before is no fault of theirs."""
    act_as(conn, actor)
    conn.execute(_SQL["lock_terms"])
    concerned = {"suppliers": list(suppliers), "codes": list(codes)}
    items = [item_id for (item_id,) in conn.execute(_SQL["items_concerned"], concerned)]
    before = _circles(conn, items)
    yield
    if made := [circle for ends, circle in _circles(conn, items).items() if ends not in before]:
        raise CircleError(made)


def _circles(conn: Connection, items: Sequence[int]) -> dict[tuple[str, frozenset[str]], Circle]:
    """Find circles of items, each once, told from its first site."""
    found: dict[tuple[str, frozenset[str]], Circle] = {}
    for item, way in conn.execute(_SQL["circles"], {"items": items}):
        found.setdefault((item, frozenset(way)), Circle(item, tuple(way)))
    return found


def _audit(
    conn: Connection, actor: Actor, action: str, paper: SupplierPaper | SupplierItemPaper, of: str = ""
) -> None:
    stated = {
        "actor": actor.id,
        "action": action,
        "target": f"supplier:{paper.supplier}{of}",
        "site": paper.site if isinstance(paper, SupplierItemPaper) else None,
        "detail": orjson.dumps(paper.model_dump(mode="json")).decode(),
    }
    conn.execute(_SQL["audit"], stated)
