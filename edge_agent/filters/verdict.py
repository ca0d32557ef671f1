"""From evidence to a direction and how sure it is: a three-way logistic model with mirror symmetry.

in = m + z, out = m - z, neither = 0: ``z`` is made of numbers that change sign when the sides are swapped,
``m`` of numbers that do not, so nothing can prefer a direction. How the weights were fitted, and how often
each confidence was right on docks they had not seen, is told in docs/concepts.md, under *Doors*.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from contracts.vocabulary import CrossingDirection
from edge_agent.filters.evidence import Evidence

NAMED_AT: Final = 0.75
"""A direction is named from this confidence; below it is undecided, unless nothing seems to have passed."""
MOST_CONFIDENT: Final = 0.999

TOWARD_WEIGHTS: Final = (0.0, 1.464, 0.653, 1.733, 1.615, 0.0, 1.938, 2.028)
"""For ``toward_numbers`` of the tag and of its group; none below 0: no evidence counts against itself."""
PASSED_WEIGHTS: Final = (
    -4.677,
    *(-0.217, 0.114, 1.408, 0.853, 0.329, 0.045, 0.063),
    *(0.603, 2.104, 1.536, 0.783, 0.052, -0.104, -0.592),
)
"""A constant, then for ``passed_numbers`` of the tag and of its group."""


class Odds(NamedTuple):
    """Where the scales stand."""

    toward: float
    """In against out: the ``z`` of the model."""
    passed: float
    """Passed against stayed: its ``m``."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A direction with its confidence."""

    direction: CrossingDirection
    confidence: float


def toward_numbers(evidence: Evidence) -> tuple[float, ...]:
    """Collect what changes its sign when the sides are swapped.

    Args:
        evidence: Of one visit.

    Returns:
        The numbers that ``TOWARD_WEIGHTS`` weigh.
    """
    return (
        evidence.power_order,
        evidence.field_order,
        _changed(evidence.start, evidence.end),
        _changed(evidence.first, evidence.last),
    )


def passed_numbers(evidence: Evidence) -> tuple[float, ...]:
    """Collect what stays as it is when the sides are swapped.

    Args:
        evidence: Of one visit.

    Returns:
        The numbers that ``PASSED_WEIGHTS`` weigh, without the constant.
    """
    return (
        abs(_changed(evidence.start, evidence.end)),
        abs(evidence.field_order),
        min(max(evidence.weaker_dbm, -75.0), -40.0) / 10.0 + 5.0,
        abs(evidence.balance_db) / 10.0,
        min(evidence.rise_db, 20.0) / 10.0,
        min(evidence.fall_db, 20.0) / 10.0,
        math.log(evidence.duration_s + 0.5),
    )


def _changed(before: float, after: float) -> float:
    """Tell how far dominance changed sides: the weaker end counts, and nothing if both are alike."""
    if before < 0 < after:
        return min(-before, after)
    if after < 0 < before:
        return -min(before, -after)
    return 0.0


def odds(own: Evidence, group: Evidence) -> Odds:
    """Weigh the evidence.

    Args:
        own: Of one tag's visit.
        group: Of all tags that came with it, itself included.

    Returns:
        The odds.
    """
    toward = (*toward_numbers(own), *toward_numbers(group))
    passed = (1.0, *passed_numbers(own), *passed_numbers(group))
    return Odds(
        sum(weight * number for weight, number in zip(TOWARD_WEIGHTS, toward, strict=True)),
        sum(weight * number for weight, number in zip(PASSED_WEIGHTS, passed, strict=True)),
    )


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
    likelier, confidence = (
        (CrossingDirection.IN, into / total) if into >= out else (CrossingDirection.OUT, out / total)
    )
    if confidence >= NAMED_AT:
        return Verdict(likelier, min(confidence, MOST_CONFIDENT))
    if stayed / total >= 0.5:  # noqa: PLR2004  likelier than all else
        return Verdict(CrossingDirection.STRAY, min(stayed / total, MOST_CONFIDENT))
    return Verdict(CrossingDirection.UNDECIDED, confidence)
