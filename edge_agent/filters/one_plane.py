"""A portal with all antennas in one plane: light beams, or the door's only visit, tell the direction.

Beams tell that something passed and which way; the radio tells whether this tag was on it: it was loudest
then, and hardly heard otherwise. Tags that came together are asked together. The weights were fitted on
simulated docks.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Final

from contracts.vocabulary import CrossingDirection
from edge_agent.filters.doorway import Pass
from edge_agent.filters.profile import attowatts
from edge_agent.filters.read import INSIDE, NOWHERE, OUTSIDE, Read
from edge_agent.filters.site import Portal
from edge_agent.filters.verdict import MOST_CONFIDENT, NAMED_AT, Verdict

ASSIGNED_AT_MOST: Final = 0.80
"""DOMAIN D2: a direction that only the visit tells is never surer."""
_MARGIN_US: Final = 700_000
"""Antennas stand a little beside the beams."""
_OVERLAP_US: Final = 1_000_000
_UNHEARD_DBM: Final = -80.0
_LOUDEST: Final = 4
_MOST_COUNTED: Final = 40
"""More reads in the doorway are a wait in it, and tell no more."""
_PASSED_DBM: Final = -50.0
"""Without beams: as loud as goods in the doorway usually are."""
_PASSED_SCALE_DB: Final = 3.0
_TRUST: Final = 2.5
"""How much surer many tags are together than one: the factor on their mean odds grows from 1 by this."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a visit to one plane comes to."""

    verdict: Verdict
    occurred_us: int
    is_assignable: bool


def scores(reads: Sequence[Read], passes: Sequence[Pass]) -> dict[int, float]:
    """Weigh for each pass whether a tag was on it.

    Args:
        reads: Of one visit, at least one, in time order.
        passes: What the beams saw lately.

    Returns:
        Log-odds by the begin of each pass that touches the visit.
    """
    found: dict[int, float] = {}
    for each in passes:
        if each.begin_us > reads[-1][0] + _OVERLAP_US or each.end_us < reads[0][0] - _OVERLAP_US:
            continue
        begin_us, end_us = each.begin_us - _MARGIN_US, each.end_us + _MARGIN_US
        within = [read[2] for read in reads if begin_us <= read[0] <= end_us]
        outside = [read[2] for read in reads if not begin_us <= read[0] <= end_us]
        power = sum(attowatts(rssi_dbm) for rssi_dbm in within)
        share = power / (power + sum(attowatts(rssi_dbm) for rssi_dbm in outside))
        level, other = _level_dbm(within), _level_dbm(outside)
        found[each.begin_us] = (
            0.22
            + 0.25 * (level + 50.0)
            + 0.02 * min(max(level - other, -20.0), 20.0)
            + 3.79 * share
            - 0.73 * math.log1p(min(len(within), _MOST_COUNTED))
        )
    return found


def pooled(epc: str, by_tag: Mapping[str, float]) -> float:
    """Ask a tag, and those of its group that say yes, whether they were on a pass.

    Args:
        epc: The tag.
        by_tag: Log-odds of each, its own among them.

    Returns:
        Their common log-odds.
    """
    own = by_tag[epc]
    if own < 0:
        return own
    alike = [score for score in by_tag.values() if score >= 0]
    count = len(alike)
    return sum(alike) / count * (1.0 + _TRUST * (count - 1) / (count + 3))


def judge_beams(passes: Sequence[Pass], odds: Mapping[int, float]) -> Told | None:
    """Decide a visit by the beams.

    Args:
        passes: What the beams saw lately, in time order.
        odds: By the begin of each pass, the log-odds that the tag was on it.

    Returns:
        What it comes to; None if no pass touches the visit.
    """
    chance = {INSIDE: 0.0, NOWHERE: 1.0, OUTSIDE: 0.0}
    likeliest: tuple[float, int] | None = None
    for each in passes:
        score = odds.get(each.begin_us)
        if score is None:
            continue
        here = 1.0 / (1.0 + math.exp(-min(max(score, -30.0), 30.0)))
        if likeliest is None or here > likeliest[0]:
            likeliest = here, (each.begin_us + each.end_us) // 2
        if each.toward != NOWHERE:
            moved = dict.fromkeys(chance, 0.0)
            for side, probability in chance.items():
                moved[min(max(side + each.toward, OUTSIDE), INSIDE)] += probability * here
                moved[side] += probability * (1.0 - here)
            chance = moved
    if likeliest is None:
        return None
    return Told(_verdict(chance), likeliest[1], is_assignable=False)


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


def _verdict(chance: Mapping[int, float]) -> Verdict:
    likelier = INSIDE if chance[INSIDE] >= chance[OUTSIDE] else OUTSIDE
    if chance[likelier] >= NAMED_AT:
        direction = CrossingDirection.IN if likelier == INSIDE else CrossingDirection.OUT
        return Verdict(direction, min(chance[likelier], MOST_CONFIDENT))
    if chance[NOWHERE] >= 0.5:  # noqa: PLR2004  likelier than all else
        return Verdict(CrossingDirection.STRAY, min(chance[NOWHERE], MOST_CONFIDENT))
    return Verdict(CrossingDirection.UNDECIDED, chance[likelier])


def _level_dbm(rssi_dbm: Sequence[float]) -> float:
    loudest = nlargest(_LOUDEST, rssi_dbm)
    return sum(loudest) / len(loudest) if loudest else _UNHEARD_DBM
