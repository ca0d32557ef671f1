"""Files of stock that say beside each row why it may not be used."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from cloud.inquiry.marking import Marked
from cloud.lots.unfit import Unfit
from cloud.sheets.listing import Column, columns_of

_COLUMNS: Final = columns_of(Unfit, "is_expired=expired", "recall")


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


def _read(part: int, column: Column, row: Marked[Any]) -> object:
    return column.read(row[part])
