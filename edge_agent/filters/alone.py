"""How sure a tag can be that came alone through two sides: nobody else saw what it may have missed."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from edge_agent.filters.profile import CELLS_PER_S, INSIDE_COLUMN, OUTSIDE_COLUMN, Cells

FEW_READS: Final = 0.5
"""A tag that came alone is at most sure by 1 - this / its reads: ten reads before anything is posted."""
ABRUPT: Final = 4.0
"""6 dB: who was not fainter than its loudest moment by so much at first, or at last, was not heard coming, or
going: it may have begun or ended in the doorway, as when a reader's clock steps."""
_ENDS: Final = 6
"""The first and the last sixth of a visit, at least a quarter of a second."""
SELDOM_PER_S: Final = 3.0
"""Who was read less often was read too seldom to tell a turn from a way through: nothing was fitted on it."""
MOST_UNSURE: Final = 0.94
"""Held for a person where the site file asks for no less."""


class Limit(NamedTuple):
    """What nothing is surer than, and why."""

    most: float
    why: str


def limit_of(cells: Cells, reads: int) -> Limit:
    """Say how sure a crossing of a tag that came alone can be.

    Args:
        cells: What was heard of it; at least one.
        reads: How many.

    Returns:
        The lowest limit.
    """
    limits = [Limit(1.0 - FEW_READS / reads, f"{reads} reads")]
    first, last = min(cells), max(cells)
    ends = max(1, (last - first + 1) // _ENDS)
    loudest = max(map(_power, cells.values()))
    for begin, end, why in (
        (first, first + ends, "not heard coming"),
        (last - ends + 1, last + 1, "not heard going"),
    ):
        faint = sum(_power(cells[number]) for number in range(begin, end) if number in cells) / ends
        if faint * ABRUPT > loudest:
            limits.append(Limit(MOST_UNSURE, why))
    if reads < SELDOM_PER_S * ((last - first) / CELLS_PER_S + 1.0):
        limits.append(Limit(MOST_UNSURE, "seldom read"))
    return min(limits)


def _power(cell: Sequence[int]) -> int:
    return cell[INSIDE_COLUMN] + cell[OUTSIDE_COLUMN]
