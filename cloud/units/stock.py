"""Stock by place, by unit, by lot and by owner: where goods in units lie, and what of it is ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.units import store
from cloud.units.domain import other_measure
from cloud.units.reading import see


class By(Enum):
    """How stock is put together; each row is an item of a site beside."""

    PLACE = "place"
    UNIT = "unit"
    """And by lot."""
    LOT = "lot"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class StockFilter:
    """Which stock; None means any, and for both limits of the past, now."""

    site: str | None = None
    item_like: str | None = None
    """A pattern over codes and names."""
    location_like: str | None = None
    """A pattern over the places where goods lie and the units that hold them."""
    until_at: datetime | None = None
    until_position: int | None = None


@dataclass(frozen=True, slots=True)
class StockRow:
    """An item under one key; what the key does not say is None."""

    keys: list[str]
    site: str
    place: str | None
    unit: str | None
    item: str
    item_name: str | None
    base_unit: str
    lot: str | None
    owner: str | None
    """None: ours, where stock is by owner."""
    quantity: Decimal
    in_units: Decimal
    units: int
    places: int
    owned: Decimal
    """What of it is ours."""
    value: Decimal | None
    """Of what is ours, at the costs of the books; by owner only, None where a cost is not known."""
    unpriced: int
    """Cells of ours without a known cost."""
    currency: str | None
    pieces: Decimal | None
    """Of goods of variable measure: how many were counted where their weight was said too."""
    weight_kg: Decimal | None
    """What these weigh."""
    is_unchecked: bool
    """By unit: some of it came as its paper declares it, and was not counted in the unit since."""

    @property
    def other_measure(self) -> tuple[Decimal, str] | None:
        """Pieces of what is kept by weight, the weight of what is kept by pieces."""
        return other_measure(self.base_unit, self.pieces, self.weight_kg)


def stock_by(
    conn: Connection, actor: Actor, by: By, wanted: StockFilter, *, after: Sequence[str] = (), limit: int
) -> list[StockRow]:
    """Put stock together, in the order of its keys: the site first, of owners our own.

    Args:
        conn: In a transaction.
        actor: Who asks.
        by: How.
        wanted: Which.
        after: `keys` of the row before.
        limit: Rows at most.

    Returns:
        The rows.

    Raises:
        NotAllowedError: If the actor may not see stock, or not at the site asked for.
    """
    see(conn, actor, site=wanted.site)
    return store.rows(
        conn,
        StockRow,
        "stock_by",
        by=by.value,
        site=wanted.site,
        item_like=wanted.item_like,
        location_like=wanted.location_like,
        until_at=wanted.until_at,
        until_position=wanted.until_position,
        after=list(after),
        limit=limit,
    )
