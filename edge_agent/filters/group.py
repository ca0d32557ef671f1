"""Tags that moved together: a pallet's label borrows from its cases what it could not see itself."""

import math
from collections.abc import Iterable
from typing import Final, NamedTuple

from edge_agent.filters.packed import Packed, added_up, packed_of
from edge_agent.filters.profile import Cells, Shares, shares_of

JOIN_US: Final = 1_000_000
"""Who comes so long after the last one came with it."""
SPAN_US: Final = 6_000_000
"""Nobody joins so long after the first."""
KEPT_US: Final = 25_000_000
"""A tag that is read again so soon is in its group again."""
ALIKE: Final = 0.7
"""Tags with these log-odds of having moved together are asked together. At 1 two thirds of those that a case
on a cart finds were on it, and it finds four of five; of a pallet's tags 0.97, and two of three."""
ASKED: Final = 16
"""So many that moved with a tag are enough to see what it could not."""
_APART_US: Final = 1_000_000
_SHARED: Final = 7.54
"""For field strength spread alike over sides and time."""
_PER_S: Final = (-0.26, -0.13)
"""For each second between first reads, and last ones."""
_MOST_S: Final = 10.0
_PER_DB: Final = -0.13
"""For what lies between their strongest reads."""
_PER_LOG_READS: Final = (0.26, 0.16)
"""For the tag's own reads, and the other's: what was read often is alike by no chance."""
_FROM: Final = -2.8
_MOST_TAGS: Final = 512


class Member(NamedTuple):
    """One tag's visit as those that moved with it need it."""

    epc: str
    first_us: int
    last_us: int
    cells: Cells
    packed: Packed
    """The same cells."""
    shares: Shares
    peak_dbm: float
    reads: int
    log_reads: float


class Alike(NamedTuple):
    """A tag that moved with another."""

    odds: float
    """Log-odds that it did."""
    member: Member


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


def member_of(
    epc: str,
    first_us: int,
    last_us: int,
    cells: Cells,
    *,
    peak_dbm: float,
    reads: int,
    packed: Packed | None = None,
) -> Member:
    """Reduce a visit to what those that moved with it need.

    Args:
        epc: Of the tag.
        first_us: Time of its first read.
        last_us: Time of its last read.
        cells: What was heard of it over time; at least one cell.
        peak_dbm: Its strongest read.
        reads: How many.
        packed: The same cells, if they are packed.

    Returns:
        The member.
    """
    return Member(
        epc,
        first_us,
        last_us,
        cells,
        packed_of(cells) if packed is None else packed,
        shares_of(cells),
        peak_dbm,
        reads,
        math.log(reads + 1),
    )


def company_of(own: Member, others: Iterable[Member]) -> list[Alike]:
    """Find who moved with a tag: heard at the same time, and loud at the same time on the same sides.

    Args:
        own: Its visit.
        others: Other tags' visits, each tag once.

    Returns:
        All of them, those most alike first.
    """
    begin_us, end_us = own.first_us - _APART_US, own.last_us + _APART_US
    alike: list[tuple[float, int, Member]] = []  # numbers differ, so members are never compared
    for number, other in enumerate(others):
        if other.last_us < begin_us or other.first_us > end_us:
            continue
        odds = _odds(own, other)
        if odds > ALIKE:
            alike.append((odds, -number, other))
    return [Alike(odds, other) for odds, _, other in sorted(alike, reverse=True)]


def _odds(own: Member, other: Member) -> float:
    """Weigh whether two tags moved together; fitted on simulated docks, carts weighed as much as pallets."""
    fewer, more = own.shares, other.shares
    if len(fewer) > len(more):
        fewer, more = more, fewer
    of_more, common = more.get, 0.0
    for second, share in fewer.items():
        other_share = of_more(second)
        if other_share is not None:
            common += share if share < other_share else other_share  # noqa: FURB136  min() takes thrice as long
    first_s = min(abs(own.first_us - other.first_us) * 1e-6, _MOST_S)
    last_s = min(abs(own.last_us - other.last_us) * 1e-6, _MOST_S)
    return (
        _FROM
        + _SHARED * common
        + _PER_S[0] * first_s
        + _PER_S[1] * last_s
        + _PER_DB * abs(own.peak_dbm - other.peak_dbm)
        + _PER_LOG_READS[0] * own.log_reads
        + _PER_LOG_READS[1] * other.log_reads
    )


def summed(own: Member, company: Iterable[Member]) -> Cells:
    """Add up a tag and its company.

    Args:
        own: Its visit.
        company: Those that moved with it.

    Returns:
        The sum of their cells.
    """
    columns = len(next(iter(own.cells.values())))
    return added_up((member.packed for member in (own, *company)), columns)
