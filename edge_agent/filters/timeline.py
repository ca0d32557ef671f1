"""What both sides hear before, in and after the doorway: cells in; levels in slices around the turn out."""

import math
from bisect import bisect_right
from itertools import pairwise
from typing import Final

from edge_agent.filters.profile import CELLS_PER_S, INSIDE_COLUMN, OUTSIDE_COLUMN, READS, Cells

_EDGES_S: Final = (
    -20.0,
    -10.0,
    -6.0,
    -4.0,
    -3.0,
    -2.0,
    -1.25,
    -0.5,
    0.5,
    1.25,
    2.0,
    3.0,
    4.0,
    6.0,
    10.0,
    20.0,
)
"""Finest where sides change."""
SLICES: Final = len(_EDGES_S) - 1
EDGES: Final = tuple(edge * CELLS_PER_S for edge in _EDGES_S)
_WIDTHS: Final = tuple(end - begin for begin, end in pairwise(EDGES))
_FAINTEST_DBM: Final = -75.0
_SCALE_DB: Final = 20.0
_PER_DECADE: Final = 10.0 / math.log(10.0)


def turn_of(cells: Cells) -> float:
    """Find where the sides change: there the sum of signed field strength is farthest from its ends.

    Args:
        cells: At least one.

    Returns:
        The cell's number, at the border of two; the middle of the strongest cell if no side changes.
    """
    numbers = sorted(cells)
    signed = lowest = highest = 0.0
    at_low = at_high = numbers[0]
    for number in numbers:
        inside, outside = cells[number][:READS]
        signed += math.sqrt(inside) - math.sqrt(outside)
        if signed < lowest:
            lowest, at_low = signed, number
        elif signed > highest:
            highest, at_high = signed, number
    below, above = min(signed, 0.0) - lowest, highest - max(signed, 0.0)
    if max(below, above) <= 0:
        return max(numbers, key=lambda number: sum(cells[number][:READS])) + 0.5
    return (at_low if below >= above else at_high) + 1.0


def levels(cells: Cells, turn: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Lay a visit out in slices around an instant.

    Args:
        cells: Any.
        turn: The instant, as a cell's number.

    Returns:
        Levels inside and outside, 0 where nothing was heard and 1 for 20 dB more than the faintest read.
    """
    inside, outside = [0] * SLICES, [0] * SLICES
    for number, cell in cells.items():
        n = bisect_right(EDGES, number + 0.5 - turn) - 1
        if 0 <= n < SLICES:
            inside[n] += cell[INSIDE_COLUMN]
            outside[n] += cell[OUTSIDE_COLUMN]
    return (
        tuple(level(power / width) for power, width in zip(inside, _WIDTHS, strict=True)),
        tuple(level(power / width) for power, width in zip(outside, _WIDTHS, strict=True)),
    )


def level(attowatts: float) -> float:
    """Write power as a small number.

    Args:
        attowatts: Of a cell, or the mean of some.

    Returns:
        0 for nothing and for the faintest read, 1 for 20 dB more.
    """
    if not attowatts:
        return 0.0
    return max(_PER_DECADE * math.log(attowatts) - 120.0 - _FAINTEST_DBM, 0.0) / _SCALE_DB
