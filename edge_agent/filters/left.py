"""Who has left a portal's field: visits that are over in, what may still be asked of them out; bounded."""

from dataclasses import dataclass
from typing import Final

from edge_agent.filters.group import Group
from edge_agent.filters.track import Track

REMEMBER_US: Final = 60_000_000
"""How long neighbours may ask what was heard of a tag."""
_MOST: Final = 50_000


@dataclass(frozen=True, slots=True)
class Left:
    """What is remembered of a tag whose visit is over."""

    first_us: int
    last_us: int
    loudness: float
    """In attowatts; 0 where no neighbour asks."""
    group: Group
    has_rested: bool
    origin: int
    rest_loudness: float


class Departed:
    """The tags whose visits are over, those that left last at the end."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._left: dict[str, Left] = {}
        self.get = self._left.get

    def note(self, track: Track, now_us: int, *, loudness: float) -> None:
        """Remember a visit, and forget those that are long over.

        Args:
            track: The visit.
            now_us: Present time.
            loudness: Of the visit, in attowatts.
        """
        left = self._left
        left.pop(track.epc, None)
        left[track.epc] = Left(
            track.first_us,
            track.last_us,
            loudness,
            track.group,
            track.has_rested,
            track.origin,
            track.rest_loudness,
        )
        while left:
            oldest = next(iter(left))
            if left[oldest].last_us >= now_us - REMEMBER_US and len(left) <= _MOST:
                return
            del left[oldest]

    def clear(self) -> None:
        """Forget everybody."""
        self._left.clear()
