"""How loud each portal heard a tag: passages in; what it says of one that another portal heard too, out.

A tag that goes through a door is plainly louder there than anywhere else; one that passes along the dock is
about as loud at the next door, whatever a single door makes of it.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Collection
from dataclasses import replace
from typing import Final, NamedTuple

from contracts.vocabulary import CrossingDirection
from edge_agent.doors.belonging import CROSSINGS
from edge_agent.doors.domain import COMPANY_US
from edge_agent.filters.passage import Passage
from edge_agent.filters.verdict import MOST_CONFIDENT

AT_ONCE_US: Final = 3_000_000
"""Nobody carries a tag through two doors in so short a time."""
PLAIN_DB: Final = 6.0
"""Of two neighbours that heard a tag cross at once, it was at the one that heard it louder by so much."""
_EVEN_DB: Final = 8.0
"""So much louder than elsewhere is a tag that crosses as often as one that does not."""
_MOST_AGAINST: Final = 5.0
"""Log-odds; a nat for each dB below: of 5,548 true crossings of 28 simulated docks, 13 were not louder here
by 3 dB, and 19 of 34 passages that only seemed to cross."""
_MOST_FOR: Final = 1.0
"""And of those of which the radio was not sure, 69 in a hundred were louder by 20 dB, against 15."""
_MOST_FOR_DB: Final = 20.0
_LEAST_CHANCE: Final = 0.005
AGAIN_US: Final = 20_000_000
"""What came near and stayed on its side is mostly heard again so soon; what went through is carried away."""
_ALONG_US: Final = 10_000_000
"""So long goods are on their way from one door to the next."""
_STOOD_US: Final = 30_000_000
"""What was heard at a door for longer stood there, and was taken through another."""
_LEAST_READS: Final = 10
_SURE: Final = 0.98
"""Of loose pieces that went along the dock and of which the radio was less sure, of 22 simulated docks, 6
only passed by and 9 crossed; of those of which it was surer none passed by and more than 30 crossed."""
_FORGET_US: Final = 240_000_000
_MOST_TAGS: Final = 50_000
_MOST_VISITS: Final = 16


class _Visit(NamedTuple):
    portal: str
    first_us: int
    occurred_us: int
    last_us: int
    loudest_dbm: float
    is_own: bool
    """It was often heard, and by no other portal louder."""
    chance: float
    """How likely it crossed, by the radio of this portal alone."""
    is_sure: bool
    """So sure a crossing that nobody waits for long whether it is heard again."""


class Loudness:
    """Remembers how loud each portal heard each tag lately."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._visits: OrderedDict[str, deque[_Visit]] = OrderedDict()

    def note(self, passage: Passage, *, is_sure: bool) -> None:
        """Remember a passage, whatever it came to.

        Args:
            passage: Of any tag.
            is_sure: Whether it is a sure crossing.
        """
        if not passage.trace:
            return
        is_own = passage.neighbour is None and passage.reads >= _LEAST_READS
        visit = _Visit(
            passage.portal,
            passage.first_seen_us,
            passage.occurred_us,
            passage.last_seen_us,
            loudest_dbm(passage),
            is_own,
            chance=max(passage.chances) or passage.confidence,
            is_sure=is_sure,
        )
        self._visits.setdefault(passage.epc, deque(maxlen=_MOST_VISITS)).append(visit)
        self._visits.move_to_end(passage.epc)
        while self._visits:
            oldest = next(iter(self._visits))
            is_old = self._visits[oldest][-1].last_us < passage.last_seen_us - _FORGET_US
            if not is_old and len(self._visits) <= _MOST_TAGS:
                return
            del self._visits[oldest]

    def is_heard_again(self, passage: Passage) -> bool:
        """Tell whether the portal heard the tag again soon after a passage.

        Args:
            passage: After which.

        Returns:
            True if another visit began after it passed, and less than ``AGAIN_US`` after its last read, or
            ``COMPANY_US`` if it was sure: nobody waits for longer.
        """
        visits, here = self._visits.get(passage.epc, ()), (passage.portal, passage.first_seen_us)
        is_sure = any((visit.portal, visit.first_us) == here and visit.is_sure for visit in visits)
        until_us = passage.last_seen_us + (COMPANY_US if is_sure else AGAIN_US)
        return any(
            visit.portal == passage.portal and passage.occurred_us < visit.first_us < until_us
            for visit in visits
        )

    def went_along(self, passage: Passage) -> bool:
        """Tell whether a tag was at another door just before or after, and may have gone past this one.

        Args:
            passage: A crossing.

        Returns:
            True if another portal heard it by itself, as it comes by, and the radio of this one is not quite
            sure that it went through.
        """
        return any(
            visit.is_own
            and visit.portal != passage.portal
            and visit.last_us - visit.first_us < _STOOD_US
            and abs(visit.occurred_us - passage.occurred_us) > AT_ONCE_US
            and passage.occurred_us - _ALONG_US < visit.occurred_us < self.along_until_us(passage)
            for visit in self._visits.get(passage.epc, ())
        )

    def along_until_us(self, passage: Passage) -> int:
        """Tell how long it matters to a passage that another door hears the tag.

        Args:
            passage: Noted.

        Returns:
            The instant; 0 for what is no crossing, or one of which the radio of its portal is quite sure.
        """
        here = passage.portal, passage.first_seen_us
        visits = self._visits.get(passage.epc, ())
        is_sure = any((visit.portal, visit.first_us) == here and visit.chance >= _SURE for visit in visits)
        is_crossing = passage.direction in CROSSINGS
        return passage.occurred_us + _ALONG_US if is_crossing and not is_sure else 0

    def weighed(self, passage: Passage, near: Collection[str]) -> Passage:
        """Weigh a passage by how loud other portals heard the tag meanwhile.

        Args:
            passage: One that may have been a crossing.
            near: Neighbours of its portal: only where there are some does their silence say anything.

        Returns:
            The passage, surer or less sure; the direction is that of before.
        """
        if not any(passage.chances):
            return passage
        elsewhere = [
            visit.loudest_dbm
            for visit in self._visits.get(passage.epc, ())
            if visit.portal != passage.portal
            and visit.first_us <= passage.last_seen_us + AT_ONCE_US
            and visit.last_us >= passage.first_seen_us - AT_ONCE_US
        ]
        if not (elsewhere or near):
            return passage
        worth = worth_of(loudest_dbm(passage) - max(elsewhere) if elsewhere else _MOST_FOR_DB)
        into, out = passage.chances
        is_out = passage.direction is CrossingDirection.OUT
        if (
            passage.direction is CrossingDirection.IN or is_out
        ):  # what limited its confidence limits the chance
            into, out = (into, passage.confidence) if is_out else (passage.confidence, out)
        times = math.exp(worth)
        total = (into + out) * times + max(1.0 - into - out, 1.0 - MOST_CONFIDENT)
        into, out = into * times / total, out * times / total
        if passage.direction is CrossingDirection.STRAY:
            return replace(passage, chances=(into, out))
        confidence = min(out if is_out or out > into else into, MOST_CONFIDENT)
        return replace(passage, chances=(into, out), confidence=confidence)


def may_have_crossed(passage: Passage) -> bool:
    """Tell whether more than the radio of one portal can make a crossing of a passage.

    Args:
        passage: What the filter concluded.

    Returns:
        False for one that a neighbour heard stronger, or that was plainly none.
    """
    if passage.neighbour is not None:
        return False
    return passage.direction is not CrossingDirection.STRAY or max(passage.chances) >= _LEAST_CHANCE


def worth_of(louder_db: float) -> float:
    """Say what it is worth for a crossing that a tag was louder here than anywhere else.

    Args:
        louder_db: By how much; below 0 if it was louder elsewhere.

    Returns:
        In log-odds.

    Examples:
        >>> worth_of(2.0), worth_of(8.0), worth_of(14.0), worth_of(30.0)
        (-5.0, 0.0, 0.5, 1.0)
    """
    if louder_db < _EVEN_DB:
        return max(louder_db - _EVEN_DB, -_MOST_AGAINST)
    return min((louder_db - _EVEN_DB) / (_MOST_FOR_DB - _EVEN_DB), 1.0) * _MOST_FOR


def is_plainly_louder(one: Passage, other: Passage) -> bool:
    """Tell whether one of two passages of a tag was heard plainly louder than the other, meanwhile.

    Args:
        one: At some portal.
        other: At another.

    Returns:
        True if their times touch and the first was louder.
    """
    is_at_once = (
        one.first_seen_us <= other.last_seen_us + AT_ONCE_US
        and other.first_seen_us <= one.last_seen_us + AT_ONCE_US
    )
    return is_at_once and loudest_dbm(one) >= loudest_dbm(other) + PLAIN_DB


def loudest_dbm(passage: Passage) -> float:
    """Give the strongest read of a passage's picture.

    Args:
        passage: With a picture.

    Returns:
        In dBm.
    """
    return max(point.rssi_dbm for point in passage.trace)
