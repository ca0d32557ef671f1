"""What visits still expect of loose goods: what was posted in, whether one more piece is due out; bounded.

Documents say how many pieces of an item come loose. As long as fewer went with the visit than that, one that
seems to cross may be the next; what goes beyond is rather one that only came near.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from edge_agent.doors.visits import OpenVisit, family
from edge_agent.filters.passage import Passage

_MOST_ITEMS: Final = 4096
"""Of visits together; those of which nothing came for longest are forgotten first."""
_MOST_PIECES: Final = 512
"""Of one item and visit; of more nobody keeps count, and all are due."""


class Due:
    """Counts the loose pieces that went with each visit."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._went: OrderedDict[tuple[str, str], set[str]] = OrderedDict()
        """By visit and item family, EPCs."""

    def note(self, visit: str, gtin: str, epc: str) -> None:
        """Count a piece that was posted.

        Args:
            visit: With which it went.
            gtin: Its item.
            epc: Its tag.
        """
        key = visit, family(gtin)
        went = self._went.setdefault(key, set())
        if len(went) < _MOST_PIECES:
            went.add(epc)
        self._went.move_to_end(key)
        if len(self._went) > _MOST_ITEMS:
            self._went.popitem(last=False)

    def is_due(self, visit: OpenVisit, gtin: str, epc: str) -> bool:
        """Tell whether a visit expects one more piece.

        Args:
            visit: Which.
            gtin: The item.
            epc: The piece's tag.

        Returns:
            False if it has gone, or as many others as documents name; True also where these say no number,
            or count another packaging level.
        """
        name = family(gtin)
        went = self._went.get((visit.visit, name), frozenset[str]())
        if epc in went:
            return False
        most = visit.most_loose.get(name)
        if most is None or gtin not in visit.loose_gtins or len(went) >= _MOST_PIECES:
            return True
        return len(went) < most

    def in_turn(
        self,
        passages: Iterable[Passage],
        must_wait: Callable[[Passage], bool],
        may_post: Callable[[Passage], bool],
        piece_of: Callable[[Passage], tuple[str, OpenVisit] | None],
    ) -> tuple[list[Passage], list[Passage]]:
        """Part passages that can be decided now from those that wait.

        A tag's passages are decided in the order of their happening, and pieces are counted so: one that
        could be the last that is expected waits for those before it.

        Args:
            passages: In the order of their happening.
            must_wait: Whether something else that a decision depends on is not known yet.
            may_post: Whether it is known only by the decision what became of it.
            piece_of: Item and only visit of what may be a loose piece that it expects.

        Returns:
            The ready ones and the others, each in the same order.
        """
        ready: list[Passage] = []
        waiting: list[Passage] = []
        before: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        """By visit and item family, EPCs of pieces that are not counted yet, from the first that waits on."""
        held_up: set[str] = set()
        for passage in passages:
            piece = piece_of(passage)
            earlier = None if piece is None else before.get(_key(*piece))
            may_be_last = piece and earlier and self._may_change(*piece, passage.epc, earlier)
            is_waiting = passage.epc in held_up or bool(may_be_last) or must_wait(passage)
            (waiting if is_waiting else ready).append(passage)
            if is_waiting and may_post(passage):
                held_up.add(passage.epc)
            if piece is not None and (is_waiting or earlier is not None):
                before[_key(*piece)].add(passage.epc)
        return ready, waiting

    def _may_change(self, gtin: str, visit: OpenVisit, epc: str, before: set[str]) -> bool:
        """Tell whether a piece is due or not by what becomes of others before it."""
        if epc in before:
            return True
        most = visit.most_loose.get(name := family(gtin))
        if most is None or gtin not in visit.loose_gtins:
            return False
        went = self._went.get((visit.visit, name), frozenset[str]())
        return len(went) < most <= len(went | before)


def _key(gtin: str, visit: OpenVisit) -> tuple[str, str]:
    return visit.visit, family(gtin)
