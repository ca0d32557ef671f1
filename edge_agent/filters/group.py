"""Tags that came together: a pallet's label borrows from its cases what it could not see itself."""

from collections.abc import Sequence
from heapq import nsmallest
from itertools import islice
from typing import Final, NamedTuple

from edge_agent.filters.profile import CELL_US, Cells, cells_of
from edge_agent.filters.read import Read

JOIN_US: Final = 1_000_000
"""Who comes so long after the last one came with it."""
SPAN_US: Final = 6_000_000
"""Nobody joins so long after the first."""
KEPT_US: Final = 25_000_000
"""A tag that is read again so soon is in its group again."""
_MOST_MEMBERS: Final = 512
_LOOKED_AT: Final = 64
_ASKED: Final = 16
"""So many that moved with a tag are enough to see what it could not."""
_SAME_CENTRE_US: Final = 1_500_000
_MOST_PASSES: Final = 32


class Member(NamedTuple):
    """One tag's visit as its group needs it."""

    first_us: int
    last_us: int
    centre_us: int
    """Centre of its power in time."""
    cells: Cells
    """Numbered from the group's first read."""


class Group:
    """Tags of one portal that came together, and the sum of what is heard of them; mutable."""

    __slots__ = ("first_us", "joined_us", "last_us", "members", "scores", "tags")

    def __init__(self, at_us: int) -> None:
        """Begin.

        Args:
            at_us: When the first tag came.
        """
        self.first_us = at_us
        self.joined_us = at_us
        self.last_us = at_us
        self.tags = 0
        self.members: dict[str, Member] = {}
        """By EPC, those whose visit seemed to be over at some time."""
        self.scores: dict[int, dict[str, float]] = {}
        """By the begin of a pass through the beams: log-odds of each tag that it was on it."""

    def takes(self, at_us: int) -> bool:
        """Tell whether a tag that comes now came with them.

        Args:
            at_us: When.

        Returns:
            Whether it may join.
        """
        return at_us <= self.joined_us + JOIN_US and at_us <= self.first_us + SPAN_US

    def note(self, pass_us: int, epc: str, score: float) -> None:
        """Take what one tag says of a pass.

        Args:
            pass_us: Begin of the pass.
            epc: Of the tag.
            score: Log-odds that it was on it.
        """
        if pass_us not in self.scores and len(self.scores) >= _MOST_PASSES:
            del self.scores[min(self.scores)]
        self.scores.setdefault(pass_us, {})[epc] = score

    def join(self, epc: str, member: Member) -> None:
        """Take what is known of one tag's visit, in place of what was known before.

        Args:
            epc: Of the tag.
            member: Its visit.
        """
        self.members.pop(epc, None)
        if len(self.members) >= _MOST_MEMBERS:
            del self.members[next(iter(self.members))]
        self.members[epc] = member

    def shared(self, epc: str, own: Member) -> Cells:
        """Add up a tag and those that moved with it: there at the same time, and loudest at the same time.

        Args:
            epc: Of the tag.
            own: Its visit.

        Returns:
            The sum of their cells.
        """
        near = [
            (abs(other.centre_us - own.centre_us), name)
            for name, other in islice(reversed(self.members.items()), _LOOKED_AT)
            if name != epc and _moved_together(own, other)
        ]
        total = {number: list(cell) for number, cell in own.cells.items()}
        for _, name in nsmallest(_ASKED, near):
            for number, (inside, outside) in self.members[name].cells.items():
                cell = total.get(number)
                if cell is None:
                    total[number] = [inside, outside]
                else:
                    cell[0] += inside
                    cell[1] += outside
        return total


def member_of(reads: Sequence[Read], columns: Sequence[int], origin_us: int) -> Member:
    """Reduce a visit to what its group needs.

    Args:
        reads: At least one, in time order.
        columns: Column of each antenna, by index.
        origin_us: Where cell 0 begins: the group's first read.

    Returns:
        The member.
    """
    cells = cells_of(reads, columns, origin_us)
    power = sum(cell[0] + cell[1] for cell in cells.values())
    moment = sum(number * (cell[0] + cell[1]) for number, cell in cells.items())
    return Member(reads[0][0], reads[-1][0], origin_us + moment * CELL_US // power, cells)


def _moved_together(one: Member, other: Member) -> bool:
    if abs(one.centre_us - other.centre_us) > _SAME_CENTRE_US:
        return False
    common = min(one.last_us, other.last_us) - max(one.first_us, other.first_us)
    whole = max(one.last_us, other.last_us) - min(one.first_us, other.first_us)
    return 5 * common >= 2 * whole
