"""How sure a tag can be that came alone through two sides: nobody else saw what it may have missed."""

from typing import Final, NamedTuple

from edge_agent.filters.evidence import Evidence

FEW_READS: Final = 0.5
"""A tag that came alone is at most sure by 1 - this / its reads: ten reads before anything is posted."""
ABRUPT_DB: Final = 6.0
"""Who was never fainter than its loudest moment by so much, before it or after it, was not heard coming or
going: it may have begun or ended in the doorway, as when a reader's clock steps."""
SELDOM_PER_S: Final = 3.0
"""Who was read less often was read too seldom to tell a turn from a way through: nothing was fitted on it."""
MOST_UNSURE: Final = 0.94
"""Held for a person where the site file asks for no less."""


class Limit(NamedTuple):
    """What nothing is surer than, and why."""

    most: float
    why: str


def limit_of(own: Evidence, reads: int) -> Limit:
    """Say how sure a crossing of a tag that came alone can be.

    Args:
        own: Of the tag.
        reads: How many.

    Returns:
        The lowest limit.
    """
    limits = [Limit(1.0 - FEW_READS / reads, f"{reads} reads")]
    if own.rise_db < ABRUPT_DB:
        limits.append(Limit(MOST_UNSURE, "not heard coming"))
    if own.fall_db < ABRUPT_DB:
        limits.append(Limit(MOST_UNSURE, "not heard going"))
    if reads < SELDOM_PER_S * (own.duration_s + 1.0):
        limits.append(Limit(MOST_UNSURE, "seldom read"))
    return min(limits)
