"""Where tags crossed lately: passages in, those of a tag out; bounded."""

from collections import OrderedDict, deque
from collections.abc import Iterable
from operator import attrgetter
from typing import Final

from edge_agent.doors.belonging import CROSSINGS
from edge_agent.doors.domain import NEIGHBOUR_US
from edge_agent.filters.passage import Passage

_FORGET_US: Final = 4 * NEIGHBOUR_US
_MOST_TAGS: Final = 50_000
_MOST_CROSSINGS: Final = 32


class Crossed:
    """Remembers the crossings of each tag at all portals."""

    def __init__(self) -> None:
        """Begin with none."""
        self._crossed: OrderedDict[str, deque[Passage]] = OrderedDict()

    def note(self, passage: Passage, least: float) -> None:
        """Remember a passage, if it is a crossing.

        Args:
            passage: Of any tag.
            least: How sure it must be.
        """
        if passage.direction not in CROSSINGS or passage.confidence < least:
            return
        self._crossed.setdefault(passage.epc, deque(maxlen=_MOST_CROSSINGS)).append(passage)
        self._crossed.move_to_end(passage.epc)
        while self._crossed:
            oldest = next(iter(self._crossed))
            is_old = self._crossed[oldest][-1].occurred_us < passage.occurred_us - _FORGET_US
            if not is_old and len(self._crossed) <= _MOST_TAGS:
                return
            del self._crossed[oldest]

    def of(self, epc: str) -> Iterable[Passage]:
        """Give a tag's crossings.

        Args:
            epc: Which.

        Returns:
            In the order in which they became known.
        """
        return self._crossed.get(epc, ())

    def before(self, passage: Passage, least: float) -> Passage | None:
        """Find the tag's last crossing of the portal before a passage.

        Args:
            passage: Before which.
            least: How sure it must be.

        Returns:
            The crossing; None if there was none so sure in the minute before.
        """
        found = [
            other
            for other in self.of(passage.epc)
            if other.portal == passage.portal
            and other.first_seen_us < passage.first_seen_us
            and abs(passage.occurred_us - other.occurred_us) <= NEIGHBOUR_US
            and other.confidence >= least
        ]
        return max(found, key=attrgetter("first_seen_us"), default=None)
