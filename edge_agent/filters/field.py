"""A portal's field: the tags in it now, those that just left, and when each must be looked at."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contracts.records import TracePoint
from contracts.vocabulary import CrossingDirection
from edge_agent.filters.doorway import Doorway
from edge_agent.filters.evidence import Evidence, weigh
from edge_agent.filters.one_plane import judge_plane
from edge_agent.filters.passage import Passage
from edge_agent.filters.presence import Rest, rest_of
from edge_agent.filters.site import Portal
from edge_agent.filters.track import (
    INSIDE,
    NOWHERE,
    OUTSIDE,
    Read,
    Track,
    in_time_order,
    milliwatts,
    usable_dbm,
)
from edge_agent.filters.verdict import Verdict, judge

EXIT_US: Final = 2_000_000
"""A tag that was not read for so long has left the field."""
LOOK_US: Final = 1_000_000
"""How often a tag that stays is looked at."""
STEP_US: Final = 10_000_000
"""A read older than this against the newest means that the reader's clock stepped back."""
REMEMBER_US: Final = 30_000_000
"""How long the side on which a tag was left is remembered."""
MOST_REMEMBERED: Final = 50_000
PARKED_US: Final = 30_000_000
"""A tag that stays on one side for so long is parked: a stray, told once."""
LONGEST_US: Final = 300_000_000
"""However unclear, a visit is decided after so long."""
MOST_POINTS: Final = 64


@dataclass(frozen=True, slots=True)
class Left:
    """What is remembered of a tag whose visit is over."""

    side: int
    first_us: int
    last_us: int
    milliwatts: float


class Field:
    """One portal at work."""

    def __init__(self, portal: Portal) -> None:
        """Begin empty.

        Args:
            portal: Which.
        """
        self.portal = portal
        self.doorway = Doorway()
        self.neighbours: tuple[Field, ...] = ()
        self.now_us = -1
        self._ports = portal.ports
        self._sides = tuple(
            (INSIDE if port in portal.inside else OUTSIDE) if portal.is_two_sided else NOWHERE
            for port in portal.ports
        )
        self._tracks: dict[str, Track] = {}
        self._left: dict[str, Left] = {}
        self._due: list[tuple[int, str]] = []

    def add(self, epc: str, read: Read) -> None:
        """Take a read at the field's present time.

        Args:
            epc: Of which tag.
            read: When and where.
        """
        track = self._tracks.get(epc)
        if track is None:
            left = self._left.get(epc)
            if left is not None and read.at_us <= left.last_us:
                return  # late by a report: its visit is decided
            is_fresh = left is not None and read.at_us - left.last_us <= REMEMBER_US
            track = Track(epc, read.at_us, left.side if left is not None and is_fresh else NOWHERE)
            self._tracks[epc] = track
            heapq.heappush(self._due, (read.at_us + EXIT_US, epc))
        if read.at_us > track.last_us:
            track.last_us = read.at_us
        elif read.at_us < track.first_us:
            track.first_us = read.at_us
        track.add(read)

    def pass_time(self, now_us: int, decided: list[Passage]) -> None:
        """Move the field's time, deciding what is due.

        Args:
            now_us: Time of the newest read; a little back is disorder, far back a stepped clock.
            decided: Gets what is decided.
        """
        if now_us < self.now_us - STEP_US:
            self.close_all(decided)
            self._left.clear()
            self.now_us = now_us
            return
        self.now_us = max(self.now_us, now_us)
        while self._due and self._due[0][0] <= self.now_us:
            _, epc = heapq.heappop(self._due)
            track = self._tracks[epc]
            if self.now_us - track.last_us >= EXIT_US:
                self._close(track, decided)
            else:
                if track.last_us - track.first_us > LOOK_US:
                    self._look(track, decided)
                heapq.heappush(self._due, (min(track.last_us + EXIT_US, self.now_us + LOOK_US), epc))

    def close_all(self, decided: list[Passage]) -> None:
        """Decide every open visit.

        Args:
            decided: Gets what is decided.
        """
        for track in sorted(self._tracks.values(), key=lambda each: (each.last_us, each.epc)):
            self._close(track, decided)
        self._due.clear()

    @property
    def open_since_us(self) -> int | None:
        """The earliest read that is not decided."""
        return min((track.first_us for track in self._tracks.values() if not track.has_rested), default=None)

    @property
    def tags(self) -> int:
        """Tags in the field now."""
        return len(self._tracks)

    def _close(self, track: Track, decided: list[Passage]) -> None:
        """Decide a visit that is over."""
        del self._tracks[track.epc]
        reads = _finished(track)
        side = track.origin
        if reads:
            passage, side = self._decide(track, reads)
            is_news = passage.direction not in {CrossingDirection.STRAY, CrossingDirection.UNDECIDED}
            if is_news or not track.has_rested:
                decided.append(passage)
        self._remember(track, reads, side)

    def _look(self, track: Track, decided: list[Passage]) -> None:
        """Decide a visit that goes on, if the tag has come to rest."""
        reads = _finished(track)
        rest = rest_of(reads, self._sides, track.origin, self.now_us)
        if track.has_rested:
            self._look_again(track, reads, rest, decided)
            return
        stays_us = track.last_us - track.first_us
        if not (rest.is_settled or (stays_us >= PARKED_US and rest.is_plain) or stays_us >= LONGEST_US):
            return
        passage, side = self._decide(track, reads)
        is_crossing = passage.direction in {CrossingDirection.IN, CrossingDirection.OUT}
        if is_crossing and passage.confidence < self.portal.post_at and stays_us < LONGEST_US:
            return
        if not is_crossing and stays_us < PARKED_US:
            return
        decided.append(passage)
        track.rest(side, self.now_us - EXIT_US)

    def _look_again(self, track: Track, reads: list[Read], rest: Rest, decided: list[Passage]) -> None:
        if track.origin in {rest.side, NOWHERE}:
            if rest.is_plain:
                track.rest(rest.side, self.now_us - EXIT_US)
            return
        if not rest.is_settled:
            return
        passage, side = self._decide(track, reads)
        if passage.direction in {CrossingDirection.IN, CrossingDirection.OUT}:
            if passage.confidence < self.portal.post_at and track.last_us - track.first_us < PARKED_US:
                return
            decided.append(passage)
        track.rest(side, self.now_us - EXIT_US)

    def _decide(self, track: Track, reads: list[Read]) -> tuple[Passage, int]:
        """Weigh a visit; the second value is the side on which it ends."""
        stronger = self._stronger_neighbour(track, reads)
        if not self.portal.is_two_sided:
            told = judge_plane(reads, self.doorway.passes(), self.portal)
            verdict, occurred_us, side = told.verdict, told.occurred_us, told.side
            is_assignable = told.is_assignable
        else:
            evidence = weigh(reads, self._sides, track.origin)
            verdict, occurred_us = judge(evidence), evidence.turn_us
            side, is_assignable = _side_after(verdict, evidence), False
        if stronger is not None:
            verdict = Verdict(CrossingDirection.STRAY, 0.9)
            is_assignable = False
        points = _thinned(reads)
        first_us = reads[0].at_us
        used = sorted({read.antenna for read in points})
        passage = Passage(
            portal=self.portal.id,
            epc=track.epc,
            direction=verdict.direction,
            confidence=verdict.confidence,
            first_seen_us=first_us,
            occurred_us=occurred_us,
            last_seen_us=reads[-1].at_us,
            reads=track.count,
            antennas=tuple(self._ports[antenna] for antenna in used),
            trace=tuple(
                TracePoint((read.at_us - first_us) // 1000, used.index(read.antenna), round(read.rssi_dbm, 2))
                for read in points
            ),
            neighbour=stronger,
            is_assignable=is_assignable,
        )
        return passage, side

    def _stronger_neighbour(self, track: Track, reads: Sequence[Read]) -> str | None:
        """Name the neighbour that heard more power of the tag meanwhile."""
        if not self.neighbours:
            return None
        most, name = sum(milliwatts(reads)), None
        for field in self.neighbours:
            heard = field.heard(track.epc, reads[0].at_us - EXIT_US, reads[-1].at_us + EXIT_US)
            if heard > most:
                most, name = heard, field.portal.id
        return name

    def heard(self, epc: str, begin_us: int, end_us: int) -> float:
        """Tell how much of a tag was heard here.

        Args:
            epc: Of which tag.
            begin_us: From when.
            end_us: Until when.

        Returns:
            Sum of the received power of its reads, in mW.
        """
        total = 0.0
        left = self._left.get(epc)
        if left is not None and left.first_us <= end_us and left.last_us >= begin_us:
            total += left.milliwatts
        track = self._tracks.get(epc)
        if track is not None:
            reads = [read for read in _finished(track) if begin_us <= read.at_us <= end_us]
            total += sum(milliwatts(reads))
        return total

    def _remember(self, track: Track, reads: Sequence[Read], side: int) -> None:
        self._left.pop(track.epc, None)
        self._left[track.epc] = Left(side, track.first_us, track.last_us, sum(milliwatts(reads)))
        while self._left:
            oldest = next(iter(self._left))
            if (
                self._left[oldest].last_us >= self.now_us - 2 * REMEMBER_US
                and len(self._left) <= MOST_REMEMBERED
            ):
                return
            del self._left[oldest]


def _finished(track: Track) -> list[Read]:
    """Give a track's reads in time order with usable RSSI."""
    return sorted(
        (Read(read.at_us, read.antenna, usable_dbm(read.rssi_dbm)) for read in track.reads), key=in_time_order
    )


def _side_after(verdict: Verdict, evidence: Evidence) -> int:
    if verdict.direction is CrossingDirection.IN:
        return INSIDE
    if verdict.direction is CrossingDirection.OUT:
        return OUTSIDE
    if abs(evidence.end) < 0.8:  # noqa: PLR2004  plain enough to build on
        return NOWHERE
    return INSIDE if evidence.end > 0 else OUTSIDE


def _thinned(reads: Sequence[Read]) -> list[Read]:
    if len(reads) <= MOST_POINTS:
        return list(reads)
    step = (len(reads) - 1) / (MOST_POINTS - 1)
    return [reads[round(n * step)] for n in range(MOST_POINTS)]
