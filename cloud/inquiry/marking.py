"""Stock with what its lots' dates and recalls say of it: for pages, files and programs alike."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.inquiry.domain import BalanceRow
from cloud.lots.unfit import Goods, Unfit, unfit
from cloud.units.stock import StockRow

RowT = TypeVar("RowT", BalanceRow, StockRow)


class Marked(NamedTuple, Generic[RowT]):
    """A row of stock, and why it may not be used."""

    row: RowT
    unfit: Unfit


def marked(
    conn: Connection,
    actor: Actor,
    rows: Sequence[RowT],
    *,
    now: datetime,
    as_of: datetime | None,
) -> list[Marked[RowT]]:
    """Tell of each row whether its lot has expired or is recalled.

    Args:
        conn: In a transaction.
        actor: Who asks.
        rows: Cells, or stock put together.
        now: The present.
        as_of: The instant of which the rows are; None: now.

    Returns:
        The rows in their order.
    """
    told = unfit(conn, actor, list(_goods(rows)), now=now, as_of=as_of)
    return [Marked(*pair) for pair in zip(rows, told, strict=True)]


def _goods(rows: Iterable[BalanceRow | StockRow]) -> Iterable[Goods]:
    for row in rows:
        if isinstance(row, StockRow):
            yield Goods(row.site, row.item, row.lot, None)  # its site is where the unit stands
        elif row.location_kind == "virtual":
            yield Goods(row.site, row.item, None, None)  # an account holds no goods that could be used
        else:
            yield Goods(row.site, row.item, row.lot, row.location if row.location_kind == "unit" else None)
