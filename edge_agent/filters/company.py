"""Tags that move together tell each other what they saw: a pallet's label borrows from its cases.

Two visits are company if they cover the same time and have their power at the same time; what stands near the
door meanwhile is none.
"""

from collections import deque
from typing import Final, NamedTuple

from edge_agent.filters.verdict import Odds, Shared

_KEPT_US: Final = 30_000_000
_MOST: Final = 256
_LOOKED_AT: Final = 48
"""Newest visits that are compared with one: a pallet has no use for more."""
_SAME_CENTRE_US: Final = 1_000_000
_CLIP: Final = 6.0


class Visit(NamedTuple):
    """What company needs of a visit."""

    epc: str
    first_us: int
    last_us: int
    centre_us: int
    odds: Odds


class Company:
    """The newest visits to one portal."""

    def __init__(self) -> None:
        """Begin alone."""
        self._visits: deque[Visit] = deque(maxlen=_MOST)

    def note(self, visit: Visit) -> None:
        """Remember a visit that seems to be over.

        Args:
            visit: Which.
        """
        self._visits.append(visit)
        while self._visits[0].last_us < visit.last_us - _KEPT_US:
            self._visits.popleft()

    def of(self, visit: Visit) -> Shared:
        """Ask those who were along.

        Args:
            visit: Whose company.

        Returns:
            The mean of their odds.
        """
        found: dict[str, Odds] = {}
        looked_at = 0
        for other in reversed(self._visits):
            if other.epc == visit.epc or other.epc in found:
                continue
            looked_at += 1
            if looked_at > _LOOKED_AT:
                break
            if _are_together(visit, other):
                found[other.epc] = other.odds
        if not found:
            return Shared(0.0, 0.0, 0)
        toward = sum(_clipped(each.toward) for each in found.values()) / len(found)
        passed = sum(_clipped(each.passed) for each in found.values()) / len(found)
        return Shared(toward, passed, len(found))


def _are_together(one: Visit, other: Visit) -> bool:
    if abs(one.centre_us - other.centre_us) > _SAME_CENTRE_US:
        return False
    common = min(one.last_us, other.last_us) - max(one.first_us, other.first_us)
    whole = max(one.last_us, other.last_us) - min(one.first_us, other.first_us)
    return 2 * common >= whole


def _clipped(value: float) -> float:
    return min(max(value, -_CLIP), _CLIP)
