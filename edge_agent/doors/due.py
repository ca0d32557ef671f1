"""What visits still expect of loose goods: what was posted in, whether one more piece is due out; bounded.

Documents say how many pieces of an item come loose. As long as fewer went with the visit than that, one that
seems to cross may be the next; what goes beyond is rather one that only came near.
"""

from collections import OrderedDict
from typing import Final

from edge_agent.doors.visits import OpenVisit, family

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
