"""Light beams across a doorway: their changes in; who passed when, and which way, out (one_plane portals)."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edge_agent.filters.read import INSIDE, NOWHERE, OUTSIDE

OUTER: Final = 0
INNER: Final = 1
_SAME_LOAD_US: Final = 300_000
"""Beams that are free for less are looking through a pallet."""
_BETWEEN_BEAMS_US: Final = 1_500_000
"""A cart is shorter than the beams are apart: so long after it left one beam it still reaches the other."""
_AFTER_US: Final = 2_000_000
"""Who passed is still near so long after the beams are free."""
_STUCK_US: Final = 60_000_000
"""A beam that is broken for longer has something leaning in it: nobody waits for that."""
_KEPT_US: Final = 180_000_000
_MOST_CHANGES: Final = 512


@dataclass(frozen=True, slots=True)
class Pass:
    """One stretch of time in which something stood in the beams."""

    begin_us: int
    end_us: int
    toward: int
    """+1 if it entered by the outer and left by the inner beam, -1 the other way, 0 if it went back."""


class Doorway:
    """Remembers the last minutes of a pair of beams, at most some hundreds of changes."""

    def __init__(self) -> None:
        """Begin with both beams free."""
        self._changes: deque[tuple[int, int, bool]] = deque(maxlen=_MOST_CHANGES)
        self._broken = [False, False]
        self._changed_us = -_STUCK_US

    def change(self, at_us: int, beam: int, *, is_broken: bool) -> None:
        """Take one change.

        Args:
            at_us: When.
            beam: ``OUTER`` or ``INNER``.
            is_broken: Whether something stands in it now.
        """
        self._changes.append((at_us, beam, is_broken))
        self._broken[beam] = is_broken
        self._changed_us = max(self._changed_us, at_us)
        while self._changes[0][0] < at_us - _KEPT_US:
            self._changes.popleft()

    def is_busy(self, now_us: int) -> bool:
        """Tell whether somebody stands in the beams, or has just left them.

        Args:
            now_us: Present time.

        Returns:
            Whether the last pass may not be over yet.
        """
        return now_us - self._changed_us < (_STUCK_US if any(self._broken) else _AFTER_US)

    def passes(self) -> list[Pass]:
        """Tell who passed.

        Returns:
            Each finished or unfinished stretch, in time order.
        """
        return list(_passes(sorted(self._changes)))


def _passes(changes: Iterable[tuple[int, int, bool]]) -> Iterable[Pass]:
    broken = [False, False]
    begin_us = end_us = first = last = -1
    for at_us, beam, is_broken in changes:
        was_free = not any(broken)
        is_between = first == last != beam
        gap_us = _BETWEEN_BEAMS_US if is_between else _SAME_LOAD_US
        if is_broken and was_free and (begin_us < 0 or at_us - end_us > gap_us):
            if begin_us >= 0:
                yield Pass(begin_us, end_us, _toward(first, last))
            begin_us, first, last = at_us, beam, -1
        broken[beam] = is_broken
        end_us = at_us
        if not is_broken:
            last = beam
    if begin_us >= 0:
        yield Pass(begin_us, end_us, NOWHERE if any(broken) else _toward(first, last))


def _toward(first: int, last: int) -> int:
    if first == last:
        return NOWHERE
    return INSIDE if first == OUTER else OUTSIDE
