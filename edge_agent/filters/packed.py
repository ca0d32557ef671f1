"""Cells as one large number each, so that many are added at once: what stands in columns in, and out again.

A column has 64 bits. Sums of shifts may be negative: then they borrow from the columns behind them, which
adding a large number before they are taken apart makes up for.
"""

import struct
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

from edge_agent.filters.profile import ANTENNAS, INSIDE_COLUMN, OUTSIDE_COLUMN, READS, SHIFTS, Cells

Packed = dict[int, list[int]]
"""By number of the cell, as in ``Cells``: one large number each, in a list, which grows as the cell does."""

_BITS: Final = 64
_BORROWED: Final = 1 << 62
_SHIFT_COLUMNS: Final = (SHIFTS + INSIDE_COLUMN, SHIFTS + OUTSIDE_COLUMN)
_MADE_UP: Final = sum(_BORROWED << _BITS * column for column in _SHIFT_COLUMNS)


def packed_of(cells: Cells) -> Packed:
    """Pack cells.

    Args:
        cells: Any.

    Returns:
        The same.
    """
    return {
        number: [sum(value << _BITS * column for column, value in enumerate(cell))]
        for number, cell in cells.items()
    }


@lru_cache(maxsize=4096)
def read_packed(power: int, column: int, antenna: int) -> int:
    """Pack one read without a shift.

    Args:
        power: In attowatts.
        column: Of its antenna's side.
        antenna: Its index.

    Returns:
        A cell with only this read.
    """
    return (
        (power << _BITS * column) + (1 << _BITS * (column + READS)) + (power << _BITS * (ANTENNAS + antenna))
    )


def shift_packed(shift: int, column: int) -> int:
    """Pack a Doppler shift.

    Args:
        shift: As cells count it.
        column: Of its antenna's side.

    Returns:
        A cell with only this shift.
    """
    return shift << _BITS * (column + SHIFTS)


def added_up(some: Iterable[Packed], columns: int) -> Cells:
    """Add up cells.

    Args:
        some: Any, of less than some thousand reads of the highest power in each cell.
        columns: Of each cell.

    Returns:
        Their sums, in the order in which the cells come first.
    """
    total: dict[int, int] = {}
    so_far = total.get
    for packed in some:
        for number, (value,) in packed.items():
            total[number] = so_far(number, 0) + value
    unpack, size = _apart(columns)
    inside, outside = _SHIFT_COLUMNS
    cells: Cells = {}
    for number, value in total.items():
        cell = cells[number] = list(unpack((value + _MADE_UP).to_bytes(size, "little")))
        cell[inside] -= _BORROWED
        cell[outside] -= _BORROWED
    return cells


@lru_cache(maxsize=64)
def _apart(columns: int) -> tuple[Callable[[bytes], tuple[int, ...]], int]:
    apart = struct.Struct(f"<{columns}Q8x")
    return apart.unpack, apart.size
