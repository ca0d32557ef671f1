"""What Doppler shifts and single antennas say of how a tag moved: cells in; numbers for the scales out.

A tag that goes through a door comes nearer to the antennas of the side where it was, and goes away from those
of the side where it will be; one that stands has no shift. One that passes along the wall is heard by the
antennas of a side one after the other, one that goes through by both at once. Readers that report no Doppler
give noughts.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from edge_agent.filters.profile import (
    ANTENNAS,
    CELLS_PER_S,
    INSIDE_COLUMN,
    OUTSIDE_COLUMN,
    PER_HZ,
    READS,
    SHIFTS,
    Cells,
)
from edge_agent.filters.timeline import EDGES, SLICES, level

FEW: Final = 3
"""So many reads without a shift are mixed in: of one or two, little is said."""
_USUAL_HZ: Final = 4.0
_USUAL_WAY: Final = 16.0
"""Of shifts summed over cells."""
_MOST_DB: Final = 40.0
_LATEST_S: Final = 3.0
_SHORTEST_S: Final = 0.125


@dataclass(frozen=True, slots=True)
class Side:
    """How a tag moved, seen from one side."""

    shifts: tuple[float, ...]
    """In slices around the turn."""
    ways: tuple[float, float]
    """How far it came nearer before the turn, and after it."""
    turns: tuple[float, float]
    """How far one of its two loudest antennas was before the other, and louder."""


@dataclass(frozen=True, slots=True)
class Motion:
    """How a tag moved."""

    inside: Side
    outside: Side
    unrest: float
    """Mean shift, whatever its sign; 0 if none was reported."""
    is_known: bool
    """Whether any shift was reported."""


def motion_of(cells: Cells, turn: float, sides: Sequence[Sequence[int]]) -> Motion:
    """Reduce a visit to how the tag moved.

    Args:
        cells: What was heard; at least one.
        turn: When the sides change, as a cell's number.
        sides: Indices of the antennas inside, and outside.

    Returns:
        The motion.
    """
    inside, outside = (
        _side(cells, turn, column, antennas)
        for column, antennas in zip((INSIDE_COLUMN, OUTSIDE_COLUMN), sides, strict=True)
    )
    unrest = _unrest(cells)
    return Motion(inside, outside, unrest, is_known=unrest > 0)


def _side(cells: Cells, turn: float, column: int, antennas: Sequence[int]) -> Side:
    counts, sums = [0] * SLICES, [0] * SLICES
    before = after = 0.0
    for number, cell in cells.items():
        count, shift = cell[column + READS], cell[column + SHIFTS]
        if not count:
            continue
        at = number + 0.5 - turn
        n = bisect_right(EDGES, at) - 1
        if 0 <= n < SLICES:
            counts[n] += count
            sums[n] += shift
        if at < 0:
            before += shift / count
        else:
            after += shift / count
    scale = PER_HZ * _USUAL_WAY
    shifts = tuple(_shift(shift, count) for shift, count in zip(sums, counts, strict=True))
    return Side(shifts, (before / scale, after / scale), _turns(cells, antennas))


def _shift(total: int, count: int) -> float:
    return total / (count + FEW) / (PER_HZ * _USUAL_HZ) if total else 0.0


def _unrest(cells: Cells) -> float:
    columns = list(zip(*cells.values(), strict=True))
    inside, outside = columns[SHIFTS + INSIDE_COLUMN], columns[SHIFTS + OUTSIDE_COLUMN]
    shift = sum(map(abs, inside)) + sum(map(abs, outside))
    count = sum(columns[READS + INSIDE_COLUMN]) + sum(columns[READS + OUTSIDE_COLUMN])
    return _shift(shift, count)


def _turns(cells: Cells, antennas: Sequence[int]) -> tuple[float, float]:
    """Compare the two loudest antennas of a side."""
    if len(antennas) < 2:  # noqa: PLR2004  there is nothing to compare
        return 0.0, 0.0
    columns = list(zip(*(cells[number] for number in sorted(cells)), strict=True))[ANTENNAS:]
    totals = {antenna: sum(columns[antenna]) for antenna in antennas}
    one, other = sorted(antennas, key=lambda antenna: (-totals[antenna], antenna))[:2]
    if not totals[one]:
        return 0.0, 0.0
    if not totals[other]:
        return 0.0, _MOST_DB / 10.0
    before_one = before_other = balance = 0.0
    roots = zip(map(math.sqrt, columns[one]), map(math.sqrt, columns[other]), strict=True)
    for here_one, here_other in roots:
        balance += here_one * before_other - here_other * before_one
        before_one += here_one
        before_other += here_other
    louder_db = 10.0 * math.log10(totals[one] / totals[other])
    return abs(balance / (before_one * before_other)), min(louder_db, _MOST_DB) / 10.0


def around(cells: Cells, begin: float, end: float, borders: Sequence[float], margin: float) -> list[float]:
    """Say how a tag moved around a pass through light beams, seen from one plane.

    Args:
        cells: What was heard; at least one.
        begin: Of the pass, as a cell's number.
        end: Of the pass.
        borders: Of slices around it.
        margin: So long before and after it is the tag in the doorway.

    Returns:
        Shifts and read rates in the slices; levels of the weakest and loudest antennas in the doorway; how
        far apart and how far from the pass the antennas' middles are; how it moved before and after.
    """
    slices = len(borders) + 1
    counts, sums = [0] * slices, [0] * slices
    middle = (begin + end) / 2
    before, after = [0, 0], [0, 0]
    antennas = len(next(iter(cells.values()))) - ANTENNAS
    within, total, moment = [0] * antennas, [0] * antennas, [0.0] * antennas
    for number, cell in cells.items():
        at = number + 0.5
        n, count, shift = bisect_right(borders, at), cell[READS], cell[SHIFTS]
        counts[n] += count
        sums[n] += shift
        half = before if at < middle else after
        half[0] += shift
        half[1] += count
        is_within = begin - margin <= at <= end + margin
        for antenna, power in enumerate(cell[ANTENNAS:]):
            total[antenna] += power
            moment[antenna] += power * (at - middle)
            if is_within:
                within[antenna] += power
    middles = [far / power for far, power in zip(moment, total, strict=True) if power] or [0.0]
    levels = sorted(level(power) for power in within) or [0.0]
    seconds = [(late - early) / CELLS_PER_S for early, late in pairwise(borders)]
    return [
        *(_shift(shift, count) for shift, count in zip(sums[1:-1], counts[1:-1], strict=True)),
        *(math.log1p(n / max(s, _SHORTEST_S)) / 3 for n, s in zip(counts[1:-1], seconds, strict=True)),
        levels[0],
        levels[min(1, len(levels) - 1)],
        levels[max(len(levels) - 2, 0)],
        levels[-1],
        (max(middles) - min(middles)) / (2 * CELLS_PER_S),
        min(abs(sum(middles) / len(middles)) / (2 * CELLS_PER_S), _LATEST_S),
        _shift(*before),
        _shift(*after),
        before[0] / (100 * PER_HZ),
        after[0] / (100 * PER_HZ),
        _unrest(cells),
    ]
