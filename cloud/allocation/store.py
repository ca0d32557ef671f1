"""Claims, lots' dates, customers' terms, waves and tasks in the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

import orjson
from psycopg import Connection

from cloud.allocation.domain import SHIPPABLE, Cell, ClaimKind, ClaimRow, LineName, Want
from cloud.db import NamedStatements
from contracts.vocabulary import Disposition

_SQL: Final = NamedStatements("cloud.allocation", "queries.sql", "tasks.sql")
rows, tuples, change = _SQL.rows, _SQL.tuples, _SQL.change

SHIPPABLE_WORDS: Final = sorted(each or Disposition.SELLABLE.value for each in SHIPPABLE)


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line of a document that goods have not left for."""

    type: str
    id: str
    line: str
    item_id: int
    item: str
    quantity: Decimal
    """Still to leave, in base units."""
    lot: str | None
    unit: str | None
    partner: str | None
    visit: str | None
    priority: int
    needed_on: date
    minimum_days: int
    soft: Decimal
    hard: Decimal
    """Claimed of cells, or picked."""

    @property
    def name(self) -> LineName:
        """Names it at its site."""
        return LineName(self.type, self.id, self.line)

    @property
    def missing(self) -> Decimal:
        """What nothing is claimed for, in base units."""
        return self.quantity - self.soft - self.hard

    def want(self, quantity: Decimal, *, is_claim: bool = False) -> Want:
        """Want so much for the line.

        Args:
            quantity: In base units; > 0.
            is_claim: Whether it holds a soft claim on that already.

        Returns:
            What is to be served.
        """
        return Want(
            self.name,
            self.item_id,
            quantity,
            self.needed_on,
            self.minimum_days,
            self.lot,
            self.unit,
            self.priority,
            is_claim,
        )


@dataclass(frozen=True, slots=True)
class NewClaim:
    """A claim to store."""

    name: LineName
    item_id: int
    kind: ClaimKind
    cell_id: int | None
    quantity: Decimal
    needed_on: date
    why: Mapping[str, Any]
    task: str | None = None
    task_line: int | None = None
    comes_from: int | None = None


class OpenClaim(NamedTuple):
    """A claim that has not ended, locked."""

    allocation_id: int
    type: str
    id: str
    line: str
    item_id: int
    kind: ClaimKind
    cell_id: int | None
    quantity: Decimal
    needed_on: date
    why: Mapping[str, Any]
    task: str | None
    task_line: int | None

    @property
    def name(self) -> LineName:
        """Whose claim it is."""
        return LineName(self.type, self.id, self.line)

    def going_on(self, quantity: Decimal, kind: ClaimKind, cell_id: int | None) -> NewClaim:
        """Make what goes on of it.

        Args:
            quantity: As much of it.
            kind: As this.
            cell_id: Of this cell.

        Returns:
            A claim to store, which names this one as what it comes from.
        """
        return NewClaim(
            self.name,
            self.item_id,
            kind,
            cell_id,
            quantity,
            self.needed_on,
            self.why,
            self.task,
            self.task_line,
            self.allocation_id,
        )


class AvailableRow(NamedTuple):
    """An item's stock at a site, and what is claimed of it, in base units."""

    site: str
    item: str
    name: str | None
    base_unit: str
    item_id: int
    on_hand: Decimal
    usable: Decimal
    """May leave, and is good today."""
    soft: Decimal
    hard: Decimal
    picked: Decimal
    in_transit: Decimal
    """On its way there from another site."""
    available: Decimal
    """Usable less all claims; below zero where more is claimed than there is."""


class ReceiptRow(NamedTuple):
    """Goods that are to come, by an order or by a notice that they are under way."""

    type: str
    id: str
    line: str
    partner: str | None
    due_on: date | None
    """At the site; None: nobody has said."""
    quantity: Decimal
    order_id: str | None
    order_line: str | None
    """The order's line that it is of; None of a notice that names none."""


def lock_items(conn: Connection, site: str, items: Sequence[int]) -> None:
    """Wait until nobody else claims stock of these items at the site; taken in key order, until the commit.

    Args:
        conn: In a transaction.
        site: Site id.
        items: Canonical items.
    """
    wanted = sorted(set(items))
    change(conn, "open_items", site=site, items=wanted)
    tuples(conn, "lock_items", site=site, items=wanted)


def cells(conn: Connection, site: str, items: Sequence[int]) -> list[Cell]:
    """Read what cells can still give.

    Args:
        conn: In a transaction that holds the items' lock.
        site: Site id.
        items: Canonical items.

    Returns:
        Cells whose goods may leave, by id.
    """
    asked = {"site": site, "items": sorted(set(items)), "shippable": SHIPPABLE_WORDS}
    return rows(conn, Cell, "cells", **asked)


def add_claims(conn: Connection, site: str, claims: Sequence[NewClaim], actor: str) -> None:
    """Store claims.

    Args:
        conn: In a transaction that holds the items' lock.
        site: Site id.
        claims: What to store.
        actor: Who claims.
    """
    if not claims:
        return
    change(
        conn,
        "add_claims",
        site=site,
        actor=actor,
        types=[each.name.type for each in claims],
        ids=[each.name.id for each in claims],
        lines=[each.name.line for each in claims],
        items=[each.item_id for each in claims],
        kinds=[each.kind.value for each in claims],
        cells=[each.cell_id for each in claims],
        quantities=[each.quantity for each in claims],
        days=[each.needed_on for each in claims],
        whys=[orjson.dumps(dict(each.why)).decode() for each in claims],
        tasks=[each.task for each in claims],
        task_lines=[each.task_line for each in claims],
        origins=[each.comes_from for each in claims],
    )


def end_claims(conn: Connection, claims: Sequence[int], actor: str, because: str) -> int:
    """End claims.

    Args:
        conn: In a transaction that holds the items' lock.
        claims: Their numbers; one that has ended stays as it is.
        actor: Who ends them.
        because: Why, as a stable snake_case word.

    Returns:
        How many ended now.
    """
    return change(conn, "end_claims", claims=list(claims), actor=actor, because=because) if claims else 0


def claims(
    conn: Connection,
    *,
    site: str | None,
    document: str | None,
    item: str | None,
    with_ended: bool,
    after: int,
    limit: int,
) -> list[ClaimRow]:
    """List claims by number.

    Args:
        conn: In a transaction that shows the actor's sites.
        site: Only of this site.
        document: Only of this document, ``type/id``.
        item: Only of this item.
        with_ended: Whether ended ones are shown too.
        after: The last one of the page before.
        limit: Most to give.

    Returns:
        The claims.
    """
    asked = {"site": site, "document": document, "item": item, "with_ended": with_ended}
    return rows(conn, ClaimRow, "claims", **asked, after=after, limit=limit)
