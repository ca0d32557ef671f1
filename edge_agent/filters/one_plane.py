"""A portal with all antennas in one plane: light beams, or the door's only visit, tell the direction.

Beams tell that something passed and which way; the radio tells whether this tag was on it: it was loudest
then, louder than others in the doorway, and hardly heard otherwise. Tags that moved together are asked
together. The weights were fitted on simulated docks, as docs/concepts.md tells under *Doors*.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import pairwise
from typing import Final

from contracts.vocabulary import CrossingDirection
from edge_agent.filters.doorway import Pass
from edge_agent.filters.motion import around
from edge_agent.filters.profile import CELL_US, CELLS_PER_S, INSIDE_COLUMN, Cells
from edge_agent.filters.read import INSIDE, NOWHERE, OUTSIDE, Read
from edge_agent.filters.site import Portal
from edge_agent.filters.timeline import level
from edge_agent.filters.verdict import Verdict, named
from edge_agent.filters.weights_of_planes import ONE_PLANE

ASSIGNED_AT_MOST: Final = 0.80
"""DOMAIN D2: a direction that only the visit tells is never surer."""
_MARGIN: Final = 700_000 / CELL_US
"""Antennas stand a little beside the beams."""
OVERLAP_US: Final = 1_000_000
_AROUND_S: Final = (8.0, 4.0, 2.0, 0.75)
"""Ends of the slices before a pass, and mirrored after it."""
_UNHEARD_DBM: Final = -80.0
_LOUDEST: Final = 4
_PASSED_DBM: Final = -50.0
"""Without beams: as loud as goods in the doorway usually are."""
_PASSED_SCALE_DB: Final = 3.0


@dataclass(frozen=True, slots=True)
class Span:
    """When a pass was, in numbers of cells."""

    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Told:
    """What a visit to one plane without beams comes to."""

    verdict: Verdict
    occurred_us: int
    is_assignable: bool


def plane_numbers(
    own: Cells, group: Cells, rivals: Iterable[Cells], span: Span, *, reads: int, company: int
) -> list[float]:
    """Write what the radio says of a tag and a pass as the fitted function takes it.

    Args:
        own: What was heard of the tag over time.
        group: Of it and those that moved with it.
        rivals: Of other tags near the portal.
        span: When the pass was.
        reads: Of the tag's visit.
        company: Tags that moved with it.

    Returns:
        The numbers.
    """
    begin, end = span.begin - _MARGIN, span.end + _MARGIN
    loud, within = _heard(own, begin, end)
    group_loud, group_within = _heard(group, begin, end)
    others = sorted(
        (
            (peak, power / sum(cell[INSIDE_COLUMN] for cell in cells.values()))
            for cells in rivals
            for peak, power in (_heard(cells, begin, end),)
            if power
        ),
        reverse=True,
    )
    borders = _borders(span)
    return [
        level(others[0][0]) if others else 0.0,
        level(sum(peak for peak, _ in others[:3]) / 3) if others else 0.0,
        max((share for _, share in others[:6]), default=0.0),
        math.log1p(len(others)) / 3,
        level(loud),
        level(group_loud),
        within / sum(cell[INSIDE_COLUMN] for cell in own.values()),
        group_within / sum(cell[INSIDE_COLUMN] for cell in group.values()),
        level(max(cell[INSIDE_COLUMN] for cell in own.values())),
        level(max(cell[INSIDE_COLUMN] for cell in group.values())),
        math.log(reads + 1) / 3,
        math.log(company + 1) / 2,
        (span.end - span.begin) / (5 * CELLS_PER_S),
        *_sliced(own, borders),
        *_sliced(group, borders),
        *around(own, span.begin, span.end, borders, _MARGIN),
        *around(group, span.begin, span.end, borders, _MARGIN),
    ]


def was_on(numbers: Sequence[float]) -> float:
    """Weigh whether a tag was on a pass.

    Args:
        numbers: As ``plane_numbers`` gives them.

    Returns:
        Log-odds.
    """
    return ONE_PLANE(numbers)[0]


def _heard(cells: Cells, begin: float, end: float) -> tuple[int, int]:
    """Tell how loud and how much was heard between two instants."""
    peak = total = 0
    for number in range(math.ceil(begin - 0.5), math.floor(end - 0.5) + 1):
        cell = cells.get(number)
        if cell is not None:
            power = cell[INSIDE_COLUMN]
            total += power
            peak = max(peak, power)
    return peak, total


def _borders(span: Span) -> tuple[float, ...]:
    begin, third, end = span.begin, (span.end - span.begin) / 3, span.end
    before = [begin - seconds * CELLS_PER_S for seconds in _AROUND_S]
    after = [end + seconds * CELLS_PER_S for seconds in reversed(_AROUND_S)]
    return (*before, begin, begin + third, begin + 2 * third, end, *after)


def _sliced(cells: Cells, borders: Sequence[float]) -> Iterator[float]:
    power = [0] * (len(borders) + 1)
    for number, cell in cells.items():
        power[bisect_right(borders, number + 0.5)] += cell[INSIDE_COLUMN]
    for heard, (begin, end) in zip(power[1:], pairwise(borders), strict=False):
        yield level(heard / max(end - begin, 0.5))


def judge_beams(passes: Sequence[Pass], odds: Mapping[int, float]) -> tuple[Verdict, int]:
    """Decide a visit by the beams.

    Args:
        passes: Those that touch the visit, at least one, in time order.
        odds: By the begin of each pass, the log-odds that the tag was on it.

    Returns:
        What it comes to, and when.
    """
    chance = {INSIDE: 0.0, NOWHERE: 1.0, OUTSIDE: 0.0}
    most, occurred_us = -1.0, 0
    for each in passes:
        score = odds[each.begin_us]
        here = 1.0 / (1.0 + math.exp(-min(max(score, -30.0), 30.0)))
        if here > most:
            most, occurred_us = here, (each.begin_us + each.end_us) // 2
        moved = dict.fromkeys(chance, 0.0)
        for side, probability in chance.items():
            moved[min(max(side + each.toward, OUTSIDE), INSIDE)] += probability * here
            moved[side] += probability * (1.0 - here)
        chance = moved
    return named(chance[INSIDE], chance[OUTSIDE]), occurred_us


def judge_without_beams(reads: Sequence[Read], portal: Portal) -> Told:
    """Decide whether a tag passed a portal that cannot tell which way.

    Args:
        reads: At least one, in time order.
        portal: Which.

    Returns:
        Undecided, for posting to take the direction from a visit, or a stray.
    """
    peak = max(reads, key=lambda read: read[2])
    passed = 1.0 / (
        1.0 + math.exp(-(_level_dbm([read[2] for read in reads]) - _PASSED_DBM) / _PASSED_SCALE_DB)
    )
    if passed < 0.5:  # noqa: PLR2004  likelier not
        return Told(Verdict(CrossingDirection.STRAY, 1.0 - passed), peak[0], is_assignable=False)
    verdict = Verdict(CrossingDirection.UNDECIDED, min(ASSIGNED_AT_MOST, passed))
    return Told(verdict, peak[0], is_assignable=portal.may_follow_assignment)


def _level_dbm(rssi_dbm: Sequence[float]) -> float:
    loudest = nlargest(_LOUDEST, rssi_dbm)
    return sum(loudest) / len(loudest) if loudest else _UNHEARD_DBM
