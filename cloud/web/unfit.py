"""Stock with what its lots' dates and recalls say of it, on a page and in a file."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.inquiry.domain import BalanceRow
from cloud.lots.unfit import Goods, Unfit, unfit
from cloud.sheets.listing import Column, columns_of
from cloud.units.stock import StockRow


class Marked(NamedTuple):
    """A row of stock, and why it may not be used."""

    row: Any
    unfit: Unfit


_COLUMNS: Final = columns_of(Unfit, "is_expired=expired", "recall")


def marked(
    conn: Connection,
    actor: Actor,
    rows: Sequence[BalanceRow] | Sequence[StockRow],
    *,
    now: datetime,
    as_of: datetime | None,
) -> list[Marked]:
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


def marked_columns(columns: Iterable[Column], *, with_marks: bool = True) -> tuple[Column, ...]:
    """Make the columns of a file of marked rows.

    Args:
        columns: Of the rows themselves.
        with_marks: Whether a row is of one lot.

    Returns:
        These, and what is told of each row's lot.
    """
    parts = ((0, columns), (1, _COLUMNS if with_marks else ()))
    return tuple(
        replace(column, read=partial(_read, part, column)) for part, of_it in parts for column in of_it
    )


def _read(part: int, column: Column, row: Marked) -> object:
    return column.read(row[part])


def _goods(rows: Iterable[BalanceRow | StockRow]) -> Iterable[Goods]:
    for row in rows:
        if isinstance(row, StockRow):
            yield Goods(row.site, row.item, row.lot, None)  # its site is where the unit stands
        elif row.location_kind == "virtual":
            yield Goods(row.site, row.item, None, None)  # an account holds no goods that could be used
        else:
            yield Goods(row.site, row.item, row.lot, row.location if row.location_kind == "unit" else None)
