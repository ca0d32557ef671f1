"""A portal with all antennas in one plane: light beams, or the door's only visit, tell the direction."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contracts.vocabulary import CrossingDirection
from edge_agent.filters.doorway import Pass
from edge_agent.filters.profile import attowatts
from edge_agent.filters.read import INSIDE, NOWHERE, Read
from edge_agent.filters.site import Portal
from edge_agent.filters.verdict import Verdict

ASSIGNED_AT_MOST: Final = 0.80
"""DOMAIN D2: a direction that only the visit tells is never surer."""
_NEAR_US: Final = 1_500_000


@dataclass(frozen=True, slots=True)
class Told:
    """What a visit to one plane comes to."""

    verdict: Verdict
    occurred_us: int
    side: int
    is_assignable: bool


def judge_plane(reads: Sequence[Read], passes: Sequence[Pass], portal: Portal) -> Told:
    """Decide one visit to a one_plane portal.

    Args:
        reads: At least one, in time order.
        passes: What the beams saw lately.
        portal: Which.

    Returns:
        The verdict.
    """
    powers = [attowatts(read[2]) for read in reads]
    first_us = reads[0][0]
    moment = sum(power * (read[0] - first_us) for read, power in zip(reads, powers, strict=True))
    centre_us = first_us + round(moment / sum(powers))
    peak_dbm = max(read[2] for read in reads)
    if not portal.beam_ports:
        passed = 1 / (1 + math.exp(-(peak_dbm + 50) / 3))
        confidence = min(ASSIGNED_AT_MOST, passed)
        if passed < 0.5:  # noqa: PLR2004  likelier not
            return Told(Verdict(CrossingDirection.STRAY, 1 - passed), centre_us, NOWHERE, is_assignable=False)
        return Told(
            Verdict(CrossingDirection.UNDECIDED, confidence), centre_us, NOWHERE, portal.may_follow_assignment
        )
    near = [each for each in passes if each.begin_us - _NEAR_US <= centre_us <= each.end_us + _NEAR_US]
    if not near:
        return Told(Verdict(CrossingDirection.STRAY, 0.9), centre_us, NOWHERE, is_assignable=False)
    best = min(near, key=lambda each: _distance_us(each, centre_us))
    if best.toward == NOWHERE:
        return Told(Verdict(CrossingDirection.STRAY, 0.8), centre_us, NOWHERE, is_assignable=False)
    direction = CrossingDirection.IN if best.toward == INSIDE else CrossingDirection.OUT
    return Told(
        Verdict(direction, 0.96), (best.begin_us + best.end_us) // 2, best.toward, is_assignable=False
    )


def _distance_us(each: Pass, at_us: int) -> int:
    return max(each.begin_us - at_us, at_us - each.end_us, 0)
