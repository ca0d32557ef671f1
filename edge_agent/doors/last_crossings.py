"""The last crossings of a gateway's doors, for its own page: records in, the newest first out; bounded."""

from collections import deque
from typing import Final

from contracts.records import Crossing

SHOWN: Final = 50
"""So many that post or are held, and as many that are evidence."""


class LastCrossings:
    """Remembers what posts, or waits for a person, apart from evidence: a pallet has many pieces."""

    def __init__(self) -> None:
        """Begin with none."""
        self._evidence: deque[Crossing] = deque(maxlen=SHOWN)
        self._decided: deque[Crossing] = deque(maxlen=SHOWN)

    def add(self, crossing: Crossing) -> None:
        """Remember a crossing.

        Args:
            crossing: As it is recorded.
        """
        (self._evidence if crossing.posted == "evidence" else self._decided).append(crossing)

    def newest_first(self) -> tuple[Crossing, ...]:
        """Give the crossings, from whichever thread.

        Returns:
            Those that happened last first.
        """
        found = [*self._evidence.copy(), *self._decided.copy()]
        return tuple(sorted(found, key=lambda each: each.occurred_at_claimed, reverse=True))
