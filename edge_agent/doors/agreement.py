"""What those that moved with a tag did: passages in; whether they dispute what it seems to have done, out."""

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from contracts.vocabulary import CrossingDirection
from edge_agent.filters.passage import Passage

_LEAST_COMPANY: Final = 2
"""One other may itself be wrong."""
_LEAST_READS: Final = 5
_AGREEING: Final = 3
"""A third of them, that is: of 4,300 simulated crossings that were right one in 140 had less, and so had what
moved falsely on two docks of six that were new."""
_LIKELIER_THAN_NOT: Final = 0.5
_FORGET_US: Final = 180_000_000
_MOST_TAGS: Final = 50_000
_MOST_VISITS: Final = 4


class _Visit(NamedTuple):
    first_us: int
    last_us: int
    direction: CrossingDirection
    chances: tuple[float, float]

    def overlap_us(self, other: Passage) -> int:
        return min(self.last_us, other.last_seen_us) - max(self.first_us, other.first_seen_us)

    def says(self, direction: CrossingDirection) -> bool:
        chance = self.chances[direction is CrossingDirection.OUT]
        return self.direction is direction or chance >= _LIKELIER_THAN_NOT


class Agreement:
    """Remembers what tags did lately at each portal."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._visits: OrderedDict[tuple[str, str], deque[_Visit]] = OrderedDict()

    def note(self, passage: Passage) -> None:
        """Remember a passage.

        Args:
            passage: Of any tag.
        """
        if passage.reads < _LEAST_READS or passage.neighbour is not None:
            return  # who is at another door did not move with anything here
        key = passage.portal, passage.epc
        visit = _Visit(passage.first_seen_us, passage.last_seen_us, passage.direction, passage.chances)
        self._visits.setdefault(key, deque(maxlen=_MOST_VISITS)).append(visit)
        self._visits.move_to_end(key)
        while self._visits:
            oldest = next(iter(self._visits))
            is_old = self._visits[oldest][-1].last_us < passage.last_seen_us - _FORGET_US
            if not is_old and len(self._visits) <= _MOST_TAGS:
                return
            del self._visits[oldest]

    def is_disputed(self, passage: Passage, its_like: Iterable[str]) -> bool:
        """Tell whether most of those that moved with a tag say something else of it.

        Args:
            passage: A crossing.
            its_like: Those that moved with it, and say something of it.

        Returns:
            Whether fewer than a third of them seem to have crossed the same way.
        """
        said = [
            visit.says(passage.direction)
            for epc in its_like
            if (visit := self._meanwhile(passage, epc)) is not None
        ]
        return len(said) >= _LEAST_COMPANY and sum(said) * _AGREEING < len(said)

    def _meanwhile(self, passage: Passage, epc: str) -> _Visit | None:
        """Find another tag's visit that was at one time with a passage for half of the shorter of both."""
        own_us = passage.last_seen_us - passage.first_seen_us
        visits = [
            each
            for each in self._visits.get((passage.portal, epc), ())
            if 2 * each.overlap_us(passage) >= min(own_us, each.last_us - each.first_us)
        ]
        return max(visits, key=lambda each: (each.overlap_us(passage), each), default=None)
