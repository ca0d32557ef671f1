"""Power over time on both sides of a portal, in cells of a quarter of a second: reads in, whole numbers out.

Whole numbers, so that sums do not depend on the order in which reads come.
"""

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from heapq import nlargest
from typing import Final

from edge_agent.filters.read import Read

CELL_US: Final = 250_000
"""At a walking pace a third of a metre: fading is averaged, the doorway is not."""
_PER_MW: Final = 1e12
"""Cells count attowatts: a read of -120 dBm is 1."""

Cells = dict[int, list[int]]
"""By number of the cell since some beginning: power inside and outside, in attowatts."""

Shares = dict[int, float]
"""By number of the second since some beginning."""
CELLS_PER_S: Final = 1_000_000 // CELL_US

INSIDE_COLUMN: Final = 0
OUTSIDE_COLUMN: Final = 1


@lru_cache(maxsize=4096)
def attowatts(rssi_dbm: float) -> int:
    """Convert RSSI to power.

    Args:
        rssi_dbm: In dBm, finite.

    Returns:
        In attowatts, at least 1.
    """
    return max(1, round(math.pow(10.0, rssi_dbm / 10.0) * _PER_MW))


def shares_of(cells: Cells) -> Shares:
    """Tell how field strength is spread over a visit, seconds blurred into each other.

    Args:
        cells: At least one.

    Returns:
        Shares by second; their sum is 1.
    """
    strength: dict[int, float] = {}
    for number, (inside, outside) in cells.items():
        second = number // CELLS_PER_S
        strength[second] = strength.get(second, 0.0) + math.sqrt(inside + outside)
    unit = 0.25 / sum(strength[second] for second in sorted(strength))
    shares: Shares = {}
    for second, value in strength.items():
        part = value * unit
        shares[second - 1] = shares.get(second - 1, 0.0) + part
        shares[second] = shares.get(second, 0.0) + 2.0 * part
        shares[second + 1] = shares.get(second + 1, 0.0) + part
    return shares


def loudness(reads: Iterable[Read]) -> float:
    """Tell how loud a tag was where it was heard best.

    Args:
        reads: Any.

    Returns:
        Mean power of its five strongest reads, in attowatts; 0 without reads.
    """
    return sum(attowatts(rssi_dbm) for rssi_dbm in nlargest(5, (read[2] for read in reads))) / 5


def turn_us(reads: Sequence[Read], sides: Sequence[int]) -> int:
    """Find where the sides change: there the sum of signed power is farthest from its ends.

    Args:
        reads: At least one, in time order.
        sides: +1 inside, -1 outside, by index of the antenna.

    Returns:
        An instant within the visit; the strongest read's if no side changes.
    """
    strongest = max(reads, key=lambda read: read[2])[0]
    total = sum(sides[antenna] * attowatts(rssi_dbm) for _, antenna, rssi_dbm in reads)
    lowest = highest = signed = 0
    at_low = at_high = strongest
    for n, (_, antenna, rssi_dbm) in enumerate(reads):
        signed += sides[antenna] * attowatts(rssi_dbm)
        if signed < lowest:
            lowest, at_low = signed, n
        elif signed > highest:
            highest, at_high = signed, n
    below, above = min(total, 0) - lowest, highest - max(total, 0)
    if max(below, above) <= 0:
        return strongest
    n = at_low if below >= above else at_high
    return (reads[n][0] + reads[min(n + 1, len(reads) - 1)][0]) // 2
