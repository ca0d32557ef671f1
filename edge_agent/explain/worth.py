"""What each part of the evidence was worth: a weighing in, log-odds by part out.

Parts are Shapley values: each is what its part adds, on average over all orders in which the parts could be
put on the scales, to a picture in which nothing moved. So they add up to the odds, however the scales mix
them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import factorial
from typing import Final

from edge_agent.filters.evidence import Evidence, weigh
from edge_agent.filters.group import Member, summed
from edge_agent.filters.motion import Motion, Side, motion_of
from edge_agent.filters.one_plane import plane_numbers, was_on
from edge_agent.filters.profile import Cells
from edge_agent.filters.timeline import levels, turn_of
from edge_agent.filters.verdict import Picture, judge, odds
from edge_agent.filters.weighing import WeighedPass, Weighing

Change = Callable[[Picture], Picture]
Levels = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Term:
    """One part of the evidence."""

    name: str
    toward: float | None
    """Log-odds for in against out that it adds; None where the radio does not tell the direction."""
    passed: float
    """Log-odds for having passed that it adds."""


@dataclass(frozen=True, slots=True)
class Vote:
    """What a tag says that moved with another, of its own reads alone."""

    epc: str
    chances: tuple[float, float]
    """Of having gone in, and out."""


_LEFT_AND_RIGHT: Final[tuple[tuple[str, str], ...]] = (
    ("which side it was heard on first and last", "order"),
    ("how it came from afar and went away", "shape"),
    ("levels on both sides around the turn", "levels"),
    ("Doppler, and antennas of one side by turns", "motion"),
)


def terms_of_sides(picture: Picture) -> list[Term]:
    """Split the odds of a visit to two sides.

    Args:
        picture: As weighed.

    Returns:
        The parts, the weightiest first; the last one is what the scales start from.
    """
    changes: dict[str, Change] = {}
    for name, kind in _LEFT_AND_RIGHT:
        if picture.company:
            changes[f"{name}: its own"] = _neutral(kind, of_own=True, of_group=False)
            changes[f"{name}: with those that moved with it"] = _neutral(kind, of_own=False, of_group=True)
        else:
            changes[name] = _neutral(kind, of_own=True, of_group=True)
    if picture.has_rested or picture.origin:
        changes["where it had rested before"] = lambda given: replace(given, origin=0, has_rested=False)

    def value(present: frozenset[str]) -> tuple[float, float]:
        given = picture
        for name, change in changes.items():
            if name not in present:
                given = change(given)
        toward, passed = odds(given)
        return toward, passed

    return _terms(list(changes), value)


def terms_of_plane(weighing: Weighing, best: WeighedPass) -> list[Term]:
    """Split the odds that a tag was on a pass through light beams.

    Args:
        weighing: As weighed.
        best: The pass.

    Returns:
        The parts, the weightiest first; the last one is what the scales start from.
    """
    own, track = weighing.own, weighing.track
    together = summed(own, weighing.company)

    def value(present: frozenset[str]) -> tuple[float, float]:
        cells, group, company = own.cells, together, len(weighing.company)
        if _COMPANY not in present:
            group, company = cells, 0
        if _THEN not in present:
            cells, group = _flat(cells), _flat(group)
        rivals: Sequence[Cells] = best.rivals if _RIVALS in present else ()
        numbers = plane_numbers(cells, group, rivals, best.span, reads=track.count, company=company)
        return 0.0, was_on(numbers)

    names = [_THEN, *([_COMPANY] if weighing.company else []), *([_RIVALS] if best.rivals else [])]
    return [replace(term, toward=None) for term in _terms(names, value)]


_THEN: Final = "loud while the beams were broken, and not otherwise"
_COMPANY: Final = "those that moved with it"
_RIVALS: Final = "other tags that were heard then"
BASE: Final = "a tag of which nothing of this is known"


def votes_of(company: Sequence[Member], sides: Sequence[Sequence[int]]) -> list[Vote]:
    """Ask each tag that moved with one what its own reads say.

    Args:
        company: Of the tag.
        sides: Indices of the portal's antennas inside, and outside.

    Returns:
        A vote each, in the same order.
    """
    return [Vote(member.epc, judge(odds(_alone(member, sides))).chances) for member in company]


def _alone(member: Member, sides: Sequence[Sequence[int]]) -> Picture:
    own, turn = weigh(member.cells), turn_of(member.cells)
    heard, motion = levels(member.cells, turn), motion_of(member.cells, turn, sides)
    return Picture(
        own=own,
        group=own,
        own_levels=heard,
        group_levels=heard,
        own_motion=motion,
        group_motion=motion,
        reads=round(math.exp(member.log_reads)) - 1,
        company=0,
        origin=0,
        has_rested=False,
    )


def _terms(names: Sequence[str], value: Callable[[frozenset[str]], tuple[float, float]]) -> list[Term]:
    worth = {
        frozenset(chosen): value(frozenset(chosen))
        for size in range(len(names) + 1)
        for chosen in combinations(names, size)
    }
    found = []
    for name in names:
        toward = passed = 0.0
        for present, before in worth.items():
            if name in present:
                continue
            share = factorial(len(present)) * factorial(len(names) - len(present) - 1) / factorial(len(names))
            after = worth[present | {name}]
            toward += share * (after[0] - before[0])
            passed += share * (after[1] - before[1])
        found.append(Term(name, toward, passed))
    found.sort(key=lambda term: -abs(term.toward or 0.0) - abs(term.passed))
    return [*found, Term(BASE, *worth[frozenset()])]


def _neutral(kind: str, *, of_own: bool, of_group: bool) -> Change:
    def change(given: Picture) -> Picture:
        if kind == "levels":
            return replace(
                given,
                own_levels=_flat_levels(given.own_levels) if of_own else given.own_levels,
                group_levels=_flat_levels(given.group_levels) if of_group else given.group_levels,
            )
        if kind == "motion":
            return replace(
                given,
                own_motion=_still(given.own_motion) if of_own else given.own_motion,
                group_motion=_still(given.group_motion) if of_group else given.group_motion,
            )
        flatten = _all_alike if kind == "order" else _neither_came_nor_went
        return replace(
            given,
            own=flatten(given.own) if of_own else given.own,
            group=flatten(given.group) if of_group else given.group,
        )

    return change


def _all_alike(evidence: Evidence) -> Evidence:
    return replace(
        evidence,
        power_order=0.0,
        field_order=0.0,
        start=0.0,
        early=0.0,
        late=0.0,
        end=0.0,
        first=0.0,
        last=0.0,
    )


def _neither_came_nor_went(evidence: Evidence) -> Evidence:
    return replace(evidence, rise_db=0.0, fall_db=0.0)


def _flat_levels(heard: Levels) -> Levels:
    inside, outside = heard
    mean = (sum(inside) + sum(outside)) / (len(inside) + len(outside))
    return (mean,) * len(inside), (mean,) * len(outside)


def _still(motion: Motion) -> Motion:
    nothing = Side((0.0,) * len(motion.inside.shifts), ways=(0.0, 0.0), turns=(0.0, 0.0))
    return replace(motion, inside=nothing, outside=nothing, unrest=0.0)


def _flat(cells: Cells) -> Cells:
    """Spread what was heard evenly over the visit."""
    columns = [round(sum(column) / len(cells)) for column in zip(*cells.values(), strict=True)]
    return dict.fromkeys(cells, columns)
