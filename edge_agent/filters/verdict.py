"""From evidence to a direction and how sure it is: a three-way logistic model with mirror symmetry.

in = m + z, out = m - z, neither = 0: ``z`` is made of numbers that change sign when the sides are swapped,
``m`` of numbers that do not, so nothing can prefer a direction.
"""

import math
from dataclasses import dataclass
from typing import Final

from contracts.vocabulary import CrossingDirection
from edge_agent.filters.evidence import Evidence

NAMED_AT: Final = 0.75
"""A direction is named from this confidence; below it is undecided, unless nothing seems to have passed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A direction with its confidence."""

    direction: CrossingDirection
    confidence: float


def odds(evidence: Evidence) -> tuple[float, float]:
    """Weigh the evidence.

    Args:
        evidence: Of one visit.

    Returns:
        ``z`` (in against out) and ``m`` (passed against stayed), as in the module's first lines.
    """
    came_over = (evidence.end - evidence.start) / 2
    z = 3.0 * came_over + 3.0 * evidence.order + 4.0 * evidence.shift
    m = 1.0 - 4.0 * (1 + evidence.start * evidence.end) / 2
    return z, m


def judge(evidence: Evidence) -> Verdict:
    """Decide one visit to a two-sided portal.

    Args:
        evidence: As weighed.

    Returns:
        In or out if likely enough, else stray if that is likelier than passing, else undecided.
    """
    z, m = odds(evidence)
    top = max(m + z, m - z, 0.0)
    into, out, stayed = math.exp(m + z - top), math.exp(m - z - top), math.exp(-top)
    total = into + out + stayed
    likelier, confidence = (
        (CrossingDirection.IN, into / total) if into >= out else (CrossingDirection.OUT, out / total)
    )
    if confidence >= NAMED_AT:
        return Verdict(likelier, confidence)
    if stayed / total >= 0.5:  # noqa: PLR2004  likelier than all else
        return Verdict(CrossingDirection.STRAY, stayed / total)
    return Verdict(CrossingDirection.UNDECIDED, confidence)
