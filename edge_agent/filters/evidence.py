"""What the reads of one visit say about a two-sided portal: reads in; a few numbers out, in one pass.

Each number either changes its sign when the sides are swapped, or stays as it is. The difference of the two
sides' power-weighted centres in time told 61 of 64 labelled walks right, the order of first and last reads
31; so power counts, in milliwatts or their square root, and an end is a second, not a read.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import nlargest
from typing import Final

from edge_agent.filters.track import INSIDE, LOWEST_DBM, NOWHERE, Read

_END_US: Final = 1_000_000
"""The first and the last second tell where a tag came from and where it went."""
_FADE_US: Final = 350_000.0
"""Reads so far from the end count for 1/e."""
_US: Final = 1e-6
_UNHEARD_DBM: Final = -90.0
"""The peak of a side that did not hear the tag."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One visit in numbers; sides are +1 inside and -1 outside."""

    shift: float
    """Centre of inside power minus that of outside power, by the visit's duration: -1 to 1."""
    power_order: float
    """2 P(a milliwatt inside came after one outside) - 1."""
    field_order: float
    """The same with the square root of power: far reads count for more."""
    count_order: float
    """The same with every read counting once."""
    start: float
    """Side that dominates the first second, -1 to 1."""
    end: float
    """Side that dominates the last second."""
    inside_dbm: float
    """Strongest read inside."""
    outside_dbm: float
    """Strongest read outside."""
    rise_db: float
    """Peak over the mean power of the first second: it came from afar."""
    fall_db: float
    """Peak over the mean power of the last second: it went away."""
    duration_s: float
    reads: int
    weaker_reads: int
    """On the side with fewer."""
    longest_gap_s: float
    centre_us: int
    """Centre of all power in time."""
    turn_us: int
    """Where the sum of signed power turns: in the doorway, if it passed."""
    milliwatts: float
    """Sum over all reads."""


@lru_cache(maxsize=4096)
def milliwatts_of(rssi_dbm: float) -> float:
    """Convert RSSI to power.

    Args:
        rssi_dbm: In dBm.

    Returns:
        In mW.
    """
    return math.pow(10.0, rssi_dbm / 10.0)


def loudness(reads: Iterable[Read]) -> float:
    """Tell how loud a tag was where it was heard best.

    Args:
        reads: Any.

    Returns:
        Mean power of its five strongest reads, in mW; 0 without reads.
    """
    strongest = nlargest(5, (read[2] for read in reads))
    return sum(map(milliwatts_of, strongest)) / 5.0


class _Side:
    """Running sums over the reads of one side."""

    __slots__ = ("count", "field", "moment", "peak_dbm", "power")

    def __init__(self) -> None:
        self.count = 0
        self.power = self.field = self.moment = 0.0
        self.peak_dbm = LOWEST_DBM


def weigh(reads: Sequence[Read], sides: Sequence[int], origin: int = NOWHERE) -> Evidence:
    """Reduce a visit to numbers.

    Args:
        reads: At least one, in time order.
        sides: Side of each antenna, by index.
        origin: Side on which the tag is known to have been just before.

    Returns:
        The evidence.
    """
    first_us, last_us = reads[0][0], reads[-1][0]
    inside, outside = _Side(), _Side()
    by_power = by_field = by_count = 0.0
    signed = lowest = highest = 0.0
    at_low = at_high = before_us = first_us
    longest_us = 0
    # What came before the present instant, per side: reads at the same time have no order.
    earlier = (0.0, 0.0, 0, 0.0, 0.0, 0)
    for at_us, antenna, rssi_dbm in reads:
        if at_us != before_us:
            longest_us = max(longest_us, at_us - before_us)
            earlier = (inside.power, inside.field, inside.count, outside.power, outside.field, outside.count)
            if signed < lowest:
                lowest, at_low = signed, (before_us + at_us) // 2
            if signed > highest:
                highest, at_high = signed, (before_us + at_us) // 2
            before_us = at_us
        power = milliwatts_of(rssi_dbm)
        field = math.sqrt(power)
        if sides[antenna] == INSIDE:
            side = inside
            signed += power
            by_power += power * earlier[3]
            by_field += field * earlier[4]
            by_count += earlier[5]
        else:
            side = outside
            signed -= power
            by_power -= power * earlier[0]
            by_field -= field * earlier[1]
            by_count -= earlier[2]
        side.power += power
        side.field += field
        side.count += 1
        side.moment += power * (at_us - first_us)
        side.peak_dbm = max(side.peak_dbm, rssi_dbm)
    total = inside.power + outside.power
    peak_dbm = max(inside.peak_dbm, outside.peak_dbm)
    start, start_dbm = _end(reads, sides, first_us)
    end, end_dbm = _end(reversed(reads), sides, last_us)
    both = bool(inside.count and outside.count)
    duration_s = (last_us - first_us) * _US
    return Evidence(
        shift=(inside.moment / inside.power - outside.moment / outside.power) * _US / max(duration_s, 0.2)
        if both
        else 0.0,
        power_order=by_power / (inside.power * outside.power) if both else 0.0,
        field_order=by_field / (inside.field * outside.field) if both else 0.0,
        count_order=by_count / (inside.count * outside.count) if both else 0.0,
        start=float(origin) if origin else start,
        end=end,
        inside_dbm=inside.peak_dbm if inside.count else _UNHEARD_DBM,
        outside_dbm=outside.peak_dbm if outside.count else _UNHEARD_DBM,
        rise_db=peak_dbm - start_dbm,
        fall_db=peak_dbm - end_dbm,
        duration_s=duration_s,
        reads=len(reads),
        weaker_reads=min(inside.count, outside.count),
        longest_gap_s=longest_us * _US,
        centre_us=first_us + round((inside.moment + outside.moment) / total),
        turn_us=at_low if min(signed, 0.0) - lowest >= highest - max(signed, 0.0) else at_high,
        milliwatts=total,
    )


def _end(reads: Iterable[Read], sides: Sequence[int], end_us: int) -> tuple[float, float]:
    """Weigh the sides of the reads near one end, and their mean power in dBm."""
    total = toward = power = 0.0
    count = 0
    for at_us, antenna, rssi_dbm in reads:
        away_us = abs(at_us - end_us)
        if away_us > _END_US:
            break
        milliwatts = milliwatts_of(rssi_dbm)
        weight = math.sqrt(milliwatts) * math.exp(-away_us / _FADE_US)
        total += weight
        toward += sides[antenna] * weight
        power += milliwatts
        count += 1
    return toward / total, 10.0 * math.log10(power / count)
