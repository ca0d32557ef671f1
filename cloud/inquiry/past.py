"""Questions about any instant on both clocks: an item's history, and what differs between two moments.

Every function checks its actor, shows the actor's sites only, runs on a connection from
`Gate.acting`, takes a keyset position where it lists, and gives at most `limit` rows.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.inquiry.domain import GREATEST, STOCK_READERS, MovementRow
from cloud.inquiry.store import number, rows, see

FOREVER: Final = datetime.fromisoformat("9999-12-31T00:00:00+00:00")
LATEST: Final = (FOREVER, 2**31 - 1, 2**63 - 1, 2**63 - 1)
"""Occurrence, gateway key, epoch and seq above every movement's: where a list that runs backwards begins."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What had occurred by an instant, as the ledger knew it at a position."""

    at: datetime = FOREVER
    position: int = GREATEST


@dataclass(frozen=True, slots=True)
class DifferenceFilter:
    """Which cells are compared; None means any."""

    site: str | None = None
    item: str | None = None
    item_like: str | None = None
    location_like: str | None = None


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """A cell that held another quantity at one moment than at another; in the base unit of its item now."""

    cell_id: int
    site: str
    item: str
    item_name: str | None
    base_unit: str
    location: str
    location_kind: str
    lot: str | None
    disposition: str | None
    owner: str | None
    before: Decimal
    after: Decimal

    @property
    def change(self) -> Decimal:
        """After less before."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class ItemCost:
    """What an item costs at a site now; `cost` is None where a rate is missing."""

    site: str
    currency: str | None
    basis: str
    cost: Decimal | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ItemCount:
    """A count in which an item was reported."""

    gateway: str
    epoch: int
    seq: int
    site: str
    time_zone: str
    observed_at: datetime
    location: str
    lot: str | None
    quantity: Decimal
    counted_by: str | None


def position_at(conn: Connection, actor: Actor, *, recorded_at: datetime) -> int:
    """Tell the last position that had been recorded by an instant; 0 if none had.

    Raises:
        NotAllowedError: If the actor may not see stock.
    """
    see(conn, actor, STOCK_READERS)
    return number(conn, "position_at", recorded_at=recorded_at)


def item_history(
    conn: Connection,
    actor: Actor,
    *,
    item: str,
    site: str | None = None,
    until: Moment = Moment(),
    before: tuple[datetime, int, int, int] = LATEST,
    limit: int,
) -> list[MovementRow]:
    """List what moved of an item, under whatever code then, the latest occurrence first.

    Raises:
        NotAllowedError: If the actor may not see stock, or not at `site`.
    """
    see(conn, actor, STOCK_READERS, site=site)
    return rows(
        conn,
        MovementRow,
        "item_history",
        item=item,
        site=site,
        until_at=until.at,
        until_position=until.position,
        **_below(before),
        limit=limit,
    )


def differences(
    conn: Connection,
    actor: Actor,
    wanted: DifferenceFilter,
    *,
    first: Moment,
    second: Moment,
    after: tuple[str, str, int] = ("", "", 0),
    limit: int,
) -> list[DifferenceRow]:
    """List real places that held another quantity at one moment than at another, by site, item and cell.

    Raises:
        NotAllowedError: If the actor may not see stock, or not at the site asked for.
    """
    see(conn, actor, STOCK_READERS, site=wanted.site)
    return rows(
        conn,
        DifferenceRow,
        "differences",
        site=wanted.site,
        item=wanted.item,
        item_like=wanted.item_like,
        location_like=wanted.location_like,
        **_between(first, second),
        after_site=after[0],
        after_item=after[1],
        after_cell=after[2],
        limit=limit,
    )


def cell_changes(
    conn: Connection,
    actor: Actor,
    *,
    cell_id: int,
    first: Moment,
    second: Moment,
    before: tuple[datetime, int, int, int] = LATEST,
    limit: int,
) -> list[MovementRow]:
    """List the movements that make the difference: those that count at one moment and not at the other.

    Raises:
        NotAllowedError: If the actor may not see stock.
    """
    see(conn, actor, STOCK_READERS)
    return rows(
        conn,
        MovementRow,
        "cell_changes",
        cell_id=cell_id,
        **_between(first, second),
        **_below(before),
        limit=limit,
    )


def item_costs(conn: Connection, actor: Actor, *, item: str) -> list[ItemCost]:
    """Tell what an item costs at each site now, where that is known.

    Raises:
        NotAllowedError: If the actor may not see stock.
    """
    see(conn, actor, STOCK_READERS)
    return rows(conn, ItemCost, "costs_of_item", item=item)


def item_counts(conn: Connection, actor: Actor, *, item: str, limit: int) -> list[ItemCount]:
    """List the counts in which an item was reported, the latest first.

    Raises:
        NotAllowedError: If the actor may not see stock.
    """
    see(conn, actor, STOCK_READERS)
    return rows(conn, ItemCount, "counts_of_item", item=item, limit=limit)


def _between(first: Moment, second: Moment) -> dict[str, object]:
    return {
        "from_at": first.at,
        "from_position": first.position,
        "to_at": second.at,
        "to_position": second.position,
    }


def _below(before: tuple[datetime, int, int, int]) -> dict[str, object]:
    return dict(zip(("below_at", "below_gateway", "below_epoch", "below_seq"), before, strict=True))
