"""What came back through a doorway at once: passages in; whether what seemed to cross was carried back, out.

A load that is brought into the doorway, or through it, and taken back within seconds has not moved. To the
radio each half may look like a crossing; it is the second that tells what the first one was.
"""

from bisect import bisect_left, insort
from collections import OrderedDict, deque
from collections.abc import Iterator
from operator import itemgetter
from typing import Final, NamedTuple

from contracts.vocabulary import CrossingDirection
from edge_agent.doors.belonging import CROSSINGS
from edge_agent.doors.loudness import AGAIN_US
from edge_agent.doors.visits import Known
from edge_agent.filters.passage import Passage

_STRAIGHT_US: Final = 10_000_000
"""Nobody who stops in the doorway and turns is through the field so soon."""
_LINGERS_US: Final = 4_000_000
"""So much longer than a unit's label is heard what it holds, if it is still at the door."""
_TOGETHER_US: Final = 1_000_000
"""What is on one cart is in the doorway so close together."""
_MOST_BESIDE: Final = 8
"""More are the pieces of a pallet, whose label comes back itself."""
_SEEMS: Final = 0.3
"""So likely is the way back, whatever the radio names."""
_LIKELY: Final = 0.9
"""What crossed so surely says something of what was in the doorway with it."""
_REMEMBERED_US: Final = 180_000_000
_FORGET_US: Final = 240_000_000
_MOST_TAGS: Final = 50_000
_MOST_VISITS: Final = 16


class _Visit(NamedTuple):
    portal: str
    first_us: int
    last_us: int
    direction: CrossingDirection
    chances: tuple[float, float]

    def seems(self, direction: CrossingDirection) -> bool:
        chance = self.chances[direction is CrossingDirection.OUT]
        return self.direction is direction or chance >= _SEEMS


class Returns:
    """Remembers which way tags seemed to go lately."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._visits: OrderedDict[str, deque[_Visit]] = OrderedDict()
        self._likely: dict[str, list[tuple[int, str, CrossingDirection, int]]] = {}
        """Likely crossings by portal: when, EPC, direction, until when it was heard."""

    def note(self, passage: Passage) -> None:
        """Remember a passage, whatever it came to.

        Args:
            passage: Of any tag.
        """
        if passage.neighbour is not None:
            return
        visit = _Visit(
            passage.portal, passage.first_seen_us, passage.last_seen_us, passage.direction, passage.chances
        )
        self._visits.setdefault(passage.epc, deque(maxlen=_MOST_VISITS)).append(visit)
        self._visits.move_to_end(passage.epc)
        while self._visits:
            oldest = next(iter(self._visits))
            is_old = self._visits[oldest][-1].last_us < passage.last_seen_us - _FORGET_US
            if not is_old and len(self._visits) <= _MOST_TAGS:
                break
            del self._visits[oldest]
        if passage.direction in CROSSINGS and passage.confidence >= _LIKELY:
            kept = self._likely.setdefault(passage.portal, [])
            insort(kept, (passage.occurred_us, passage.epc, passage.direction, passage.last_seen_us))
            del kept[: bisect_left(kept, passage.occurred_us - _REMEMBERED_US, key=itemgetter(0))]

    def awaited(self, passage: Passage, known: Known) -> Iterator[tuple[str, int]]:
        """Tell who may still be brought back, and until when.

        Args:
            passage: Of any tag.
            known: The assignment in force when it occurred.

        Yields:
            The tag and those of its cart, each with the instant before which it would be heard again; nobody
            after what is plainly through, and after what is no crossing, or one that a visit lets go back.
        """
        if not self._may_turn(passage, known):
            return
        yield passage.epc, passage.last_seen_us + AGAIN_US
        for epc, _, last_us in self._beside(passage):
            yield epc, last_us + AGAIN_US

    def is_brought_back(self, passage: Passage, known: Known) -> bool:
        """Tell whether a tag came back soon after it crossed, or half of its cart did, and no visit sent it.

        Args:
            passage: Of any tag.
            known: The assignment in force when it occurred.

        Returns:
            True if so, as far as passages are noted.
        """
        if not self._may_turn(passage, known):
            return False
        if self._came_back(passage, passage.epc, passage.occurred_us, passage.last_seen_us):
            return True
        beside = self._beside(passage)
        back = sum(self._came_back(passage, *each) for each in beside)
        return 2 * back >= max(len(beside), 1)

    def _may_turn(self, passage: Passage, known: Known) -> bool:
        visits = known.open_at(passage.portal, passage.occurred_us)
        if passage.direction not in CROSSINGS or any(
            each.direction is not passage.direction for each in visits
        ):
            return False
        if passage.last_seen_us - passage.first_seen_us > _STRAIGHT_US:
            return True
        return any(
            visit.portal == passage.portal
            and visit.first_us <= passage.last_seen_us
            and visit.last_us >= passage.last_seen_us + _LINGERS_US
            for epc in passage.company
            for visit in self._visits.get(epc, ())
        )

    def _beside(self, passage: Passage) -> list[tuple[str, int, int]]:
        """List what crossed with a tag, when, and until when it was heard, if it is no more than a cart's."""
        kept = self._likely.get(passage.portal, [])
        begin = bisect_left(kept, passage.occurred_us - _TOGETHER_US, key=itemgetter(0))
        end = bisect_left(kept, passage.occurred_us + _TOGETHER_US + 1, key=itemgetter(0))
        found = [
            (epc, at_us, last_us)
            for at_us, epc, way, last_us in kept[begin:end]
            if epc != passage.epc and way is passage.direction
        ]
        return found if len(found) <= _MOST_BESIDE else []

    def _came_back(self, passage: Passage, epc: str, at_us: int, last_us: int) -> bool:
        is_out = passage.direction is CrossingDirection.OUT
        back = CrossingDirection.IN if is_out else CrossingDirection.OUT
        return any(
            visit.portal == passage.portal
            and at_us < visit.first_us <= last_us + AGAIN_US  # what turns may begin anew before it fades
            and visit.seems(back)
            for visit in self._visits.get(epc, ())
        )
