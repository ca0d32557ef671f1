"""Tags that moved together: a pallet's label borrows from its cases what it could not see itself."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from edge_agent.filters.profile import Cells, Shares, shares_of

JOIN_US: Final = 1_000_000
"""Who comes so long after the last one came with it."""
SPAN_US: Final = 6_000_000
"""Nobody joins so long after the first."""
KEPT_US: Final = 25_000_000
"""A tag that is read again so soon is in its group again."""
ALIKE: Final = 0.45
"""Tags whose field strength is spread over time alike to this share moved together: of two cases on one cart
0.75 do, of tags that merely were there at the same time 0.10."""
ASKED: Final = 16
"""So many that moved with a tag are enough to see what it could not."""
_APART_US: Final = 1_000_000
_MOST_TAGS: Final = 512


class Member(NamedTuple):
    """One tag's visit as those that moved with it need it."""

    epc: str
    first_us: int
    last_us: int
    cells: Cells
    shares: Shares


class Group:
    """Tags of one portal that came together; mutable."""

    __slots__ = ("epcs", "first_us", "joined_us", "last_us")

    def __init__(self, at_us: int) -> None:
        """Begin.

        Args:
            at_us: When the first tag came.
        """
        self.first_us = at_us
        self.joined_us = at_us
        self.last_us = at_us
        self.epcs: list[str] = []
        """The tags, as they came; not all of them in a crowd."""

    def takes(self, at_us: int) -> bool:
        """Tell whether a tag that comes now came with them.

        Args:
            at_us: When.

        Returns:
            Whether it may join.
        """
        return at_us <= self.joined_us + JOIN_US and at_us <= self.first_us + SPAN_US

    def join(self, epc: str, at_us: int) -> None:
        """Take a tag that came with them.

        Args:
            epc: Of the tag.
            at_us: When it came.
        """
        self.joined_us = at_us
        if len(self.epcs) < _MOST_TAGS:
            self.epcs.append(epc)


def member_of(epc: str, first_us: int, last_us: int, cells: Cells) -> Member:
    """Reduce a visit to what those that moved with it need.

    Args:
        epc: Of the tag.
        first_us: Time of its first read.
        last_us: Time of its last read.
        cells: Its power over time; at least one cell.

    Returns:
        The member.
    """
    return Member(epc, first_us, last_us, cells, shares_of(cells))


def company_of(own: Member, others: Iterable[Member]) -> list[Member]:
    """Find who moved with a tag: heard at the same time, and loud at the same time.

    Args:
        own: Its visit.
        others: Other tags' visits, each tag once.

    Returns:
        All of them, those most alike first.
    """
    begin_us, end_us, shares = own.first_us - _APART_US, own.last_us + _APART_US, own.shares
    alike: list[tuple[float, int, Member]] = []  # numbers differ, so members are never compared
    for number, other in enumerate(others):
        if other.last_us < begin_us or other.first_us > end_us:
            continue
        theirs = other.shares
        common = 0.0
        for second, share in shares.items():
            their_share = theirs.get(second)
            if their_share is not None:
                common += min(share, their_share)
        if common > ALIKE:
            alike.append((common, -number, other))
    return [other for _, _, other in sorted(alike, reverse=True)]


def summed(own: Member, company: Iterable[Member]) -> Cells:
    """Add up a tag and its company.

    Args:
        own: Its visit.
        company: Those that moved with it.

    Returns:
        The sum of their cells.
    """
    total = {number: list(cell) for number, cell in own.cells.items()}
    for other in company:
        for number, (inside, outside) in other.cells.items():
            cell = total.get(number)
            if cell is None:
                total[number] = [inside, outside]
            else:
                cell[0] += inside
                cell[1] += outside
    return total
