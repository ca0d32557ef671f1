"""From evidence to a direction and how sure it is: a three-way logistic model with mirror symmetry.

in = m + z, out = m - z, neither = 0: ``z`` is made of numbers that change sign when the sides are swapped,
``m`` of numbers that do not, so nothing can prefer a direction.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from contracts.vocabulary import CrossingDirection
from edge_agent.filters.evidence import Evidence

NAMED_AT: Final = 0.75
"""A direction is named from this confidence; below it is undecided, unless nothing seems to have passed."""


class Shared(NamedTuple):
    """What a tag's company saw, on the mean, and how many they are."""

    toward: float
    passed: float
    tags: int


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


def odds(evidence: Evidence) -> Odds:
    """Weigh the evidence.

    Args:
        evidence: Of one visit.

    Returns:
        The odds that it alone gives.
    """
    came_over = (evidence.end - evidence.start) / 2
    z = 3.0 * came_over + 3.0 * evidence.power_order + 4.0 * evidence.shift
    m = 1.0 - 4.0 * (1 + evidence.start * evidence.end) / 2
    return Odds(z, m)


def with_company(own: Odds, shared: Shared) -> Odds:
    """Add what those who moved along saw.

    Args:
        own: Of one visit.
        shared: Of its company.

    Returns:
        The odds of both.
    """
    trust = shared.tags / (shared.tags + 2.0)
    return Odds(own.toward + trust * shared.toward, own.passed + trust * shared.passed)


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
        return Verdict(likelier, confidence)
    if stayed / total >= 0.5:  # noqa: PLR2004  likelier than all else
        return Verdict(CrossingDirection.STRAY, stayed / total)
    return Verdict(CrossingDirection.UNDECIDED, confidence)
