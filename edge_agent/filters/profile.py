"""What both sides of a portal hear over time, in cells of a quarter of a second: reads in, whole numbers out.

Whole numbers, so that sums do not depend on the order in which reads come.
"""

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from edge_agent.filters.read import Read

CELL_US: Final = 250_000
"""At a walking pace a third of a metre: fading is averaged, the doorway is not."""
_PER_MW: Final = 1e12
"""Cells count attowatts: a read of -120 dBm is 1."""

Cells = dict[int, list[int]]
"""By number of the cell since some beginning: power inside and outside, in attowatts; reads inside and
outside; the sums of their Doppler shifts, 0 from readers that report none; power of each antenna."""

Shares = dict[int, float]
"""By side and second since some beginning: twice the second's number, and one more outside."""
CELLS_PER_S: Final = 1_000_000 // CELL_US

INSIDE_COLUMN: Final = 0
OUTSIDE_COLUMN: Final = 1
READS: Final = 2
"""Reads of a side stand so many columns behind its power."""
SHIFTS: Final = 4
"""And the sum of Doppler shifts so many."""
ANTENNAS: Final = 6
"""The column of the first antenna."""
PER_HZ: Final = 16
"""Shifts count sixteenths of a hertz."""
_MOST_HZ: Final = 40.0
"""7 m/s: nothing on a dock is faster."""


@lru_cache(maxsize=4096)
def attowatts(rssi_dbm: float) -> int:
    """Convert RSSI to power.

    Args:
        rssi_dbm: In dBm, finite.

    Returns:
        In attowatts, at least 1.
    """
    return max(1, round(math.pow(10.0, rssi_dbm / 10.0) * _PER_MW))


@lru_cache(maxsize=4096)
def shift_of(doppler_hz: float | None) -> int:
    """Make a Doppler shift a whole number.

    Args:
        doppler_hz: As the reader says; above 0 for what comes nearer.

    Returns:
        Sixteenths of a hertz; 0 for what is no number.
    """
    if doppler_hz is None or math.isnan(doppler_hz):
        return 0
    return round(PER_HZ * min(max(doppler_hz, -_MOST_HZ), _MOST_HZ))


def shares_of(cells: Cells) -> Shares:
    """Tell how field strength is spread over sides and time of a visit, seconds blurred into each other.

    Args:
        cells: At least one.

    Returns:
        Shares by side and second; their sum is 1.
    """
    power: dict[int, int] = {}
    so_far = power.get
    for number, cell in cells.items():
        inside = number // CELLS_PER_S * 2 + INSIDE_COLUMN
        outside = inside + OUTSIDE_COLUMN - INSIDE_COLUMN
        if here := cell[INSIDE_COLUMN]:
            power[inside] = so_far(inside, 0) + here
        if here := cell[OUTSIDE_COLUMN]:
            power[outside] = so_far(outside, 0) + here
    keys = sorted(power)
    strength = [math.sqrt(power[key]) for key in keys]
    unit = 0.25 / sum(strength)
    shares: Shares = {}
    share_of = shares.get
    for key, value in zip(keys, strength, strict=True):
        part = value * unit
        shares[key - 2] = share_of(key - 2, 0.0) + part
        shares[key] = share_of(key, 0.0) + 2.0 * part
        shares[key + 2] = share_of(key + 2, 0.0) + part
    return shares


def loudness(reads: Iterable[Read]) -> float:
    """Tell how loud a tag was where it was heard best.

    Args:
        reads: Any.

    Returns:
        Mean power of its five strongest reads, in attowatts; 0 without reads.
    """
    return sum(map(attowatts, sorted([rssi_dbm for _, _, rssi_dbm in reads])[-5:])) / 5


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
