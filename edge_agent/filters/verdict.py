"""From evidence to a direction and how sure it is: a small fitted function with mirror symmetry.

``in`` is weighed by f(picture), ``out`` by f(picture with its sides swapped), neither by g of both: no
direction is preferred. How the weights were fitted, and how often each confidence was right on docks they had
not seen, is told in docs/concepts.md, under *Doors*.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from contracts.vocabulary import CrossingDirection
from edge_agent.filters.evidence import Evidence
from edge_agent.filters.motion import Motion, Side
from edge_agent.filters.weights_of_sides import TWO_SIDED

NAMED_AT: Final = 0.75
"""A direction is named from this confidence; below it is undecided, unless nothing seems to have passed."""
MOST_CONFIDENT: Final = 0.999
_MOST_ODDS: Final = 30.0


class Odds(NamedTuple):
    """Where the scales stand."""

    toward: float
    """In against out: ``z``."""
    passed: float
    """Passed against stayed: ``m``; in = m + z, out = m - z, neither = 0."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A direction with its confidence."""

    direction: CrossingDirection
    confidence: float
    chances: tuple[float, float] = (0.0, 0.0)
    """Of having gone in, and out."""


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is weighed of one visit to a two-sided portal."""

    own: Evidence
    group: Evidence
    """Of the tag and those that moved with it."""
    own_levels: tuple[tuple[float, ...], tuple[float, ...]]
    """Inside and outside, around the turn of the group."""
    group_levels: tuple[tuple[float, ...], tuple[float, ...]]
    own_motion: Motion
    group_motion: Motion
    reads: int
    company: int
    """Tags that moved with it."""
    origin: int
    """The side on which it rested before; 0 if it did not."""
    has_rested: bool


def numbers(picture: Picture) -> tuple[list[float], list[float]]:
    """Write a picture as the fitted function takes it.

    Args:
        picture: Of one visit.

    Returns:
        Its numbers, and those of the same picture with its sides swapped.
    """
    toward = [*_toward(picture.own), *_toward(picture.group), float(picture.origin)]
    same = [
        *_same(picture.own),
        *_same(picture.group),
        math.log(picture.reads + 1) / 3,
        math.log(picture.company + 1) / 2,
        float(picture.has_rested),
        picture.own_motion.unrest,
        picture.group_motion.unrest,
        float(picture.own_motion.is_known),
    ]
    own_in, own_out = picture.own_levels
    group_in, group_out = picture.group_levels
    own, group = picture.own_motion, picture.group_motion
    inside, outside = _seen_from(own.inside, group.inside), _seen_from(own.outside, group.outside)
    mine = [*toward, *same, *own_in, *own_out, *group_in, *group_out, *inside, *outside]
    swapped = [
        *(-number for number in toward),
        *same,
        *own_out,
        *own_in,
        *group_out,
        *group_in,
        *outside,
        *inside,
    ]
    return mine, swapped


def _toward(evidence: Evidence) -> tuple[float, ...]:
    """Collect what changes its sign when the sides are swapped."""
    return (
        evidence.power_order,
        evidence.field_order,
        _changed(evidence.start, evidence.end),
        _changed(evidence.first, evidence.last),
    )


def _same(evidence: Evidence) -> tuple[float, ...]:
    """Collect what stays as it is when the sides are swapped."""
    return (
        abs(_changed(evidence.start, evidence.end)),
        abs(evidence.field_order),
        min(max(evidence.weaker_dbm, -75.0), -40.0) / 10.0 + 5.0,
        abs(evidence.balance_db) / 10.0,
        min(evidence.rise_db, 20.0) / 10.0,
        min(evidence.fall_db, 20.0) / 10.0,
        math.log(evidence.duration_s + 0.5),
    )


def _seen_from(own: Side, group: Side) -> tuple[float, ...]:
    """Collect what one side says of the motion."""
    return (*own.ways, *own.turns, *group.shifts, *group.ways, *group.turns)


def _changed(before: float, after: float) -> float:
    """Tell how far dominance changed sides: the weaker end counts, and nothing if both are alike."""
    if before < 0 < after:
        return min(-before, after)
    if after < 0 < before:
        return -min(before, -after)
    return 0.0


def odds(picture: Picture) -> Odds:
    """Weigh a picture.

    Args:
        picture: Of one visit.

    Returns:
        The odds.
    """
    mine, swapped = numbers(picture)
    into, stayed = TWO_SIDED(mine)
    out, stayed_too = TWO_SIDED(swapped)
    toward, passed = (into - out) / 2, (into + out) / 2 - stayed - stayed_too
    return Odds(min(max(toward, -_MOST_ODDS), _MOST_ODDS), min(max(passed, -_MOST_ODDS), _MOST_ODDS))


def judge(scales: Odds) -> Verdict:
    """Decide one visit to a two-sided portal.

    Args:
        scales: As weighed.

    Returns:
        In or out if likely enough, else stray if that is likelier than passing, else undecided.
    """
    z, m = scales
    top = max(m + z, m - z, 0.0)
    into, out, stayed = math.exp(m + z - top), math.exp(m - z - top), math.exp(-top)
    total = into + out + stayed
    return named(into / total, out / total)


def named(into: float, out: float) -> Verdict:
    """Name what is likeliest.

    Args:
        into: Probability that it went in.
        out: That it went out.

    Returns:
        In or out if likely enough, else stray if that is likelier than all else, else undecided.
    """
    likelier, confidence = (CrossingDirection.IN, into) if into >= out else (CrossingDirection.OUT, out)
    if confidence >= NAMED_AT:
        return Verdict(likelier, min(confidence, MOST_CONFIDENT), (into, out))
    stayed = 1.0 - into - out
    if stayed >= 0.5:  # noqa: PLR2004  likelier than all else
        return Verdict(CrossingDirection.STRAY, min(stayed, MOST_CONFIDENT), (into, out))
    return Verdict(CrossingDirection.UNDECIDED, confidence, (into, out))
