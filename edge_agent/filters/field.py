"""A portal's field: the tags in it now, those that just left, and when each must be looked at."""

import heapq
from dataclasses import dataclass, replace
from typing import Final

from contracts.vocabulary import CrossingDirection
from edge_agent.filters.alone import MOST_UNSURE
from edge_agent.filters.doorway import Doorway
from edge_agent.filters.group import KEPT_US, SPAN_US, Group, Member
from edge_agent.filters.left import REMEMBER_US, Departed, Left
from edge_agent.filters.one_plane import judge_without_beams
from edge_agent.filters.passage import Passage
from edge_agent.filters.picture import picture
from edge_agent.filters.presence import Rest, is_near, rest_of
from edge_agent.filters.profile import INSIDE_COLUMN, OUTSIDE_COLUMN, shift_of, turn_us
from edge_agent.filters.read import HIGHEST_DBM, INSIDE, LOWEST_DBM, NOWHERE, OUTSIDE, usable_dbm
from edge_agent.filters.scales import Scales
from edge_agent.filters.site import Portal
from edge_agent.filters.track import AS_AT_REST, Track
from edge_agent.filters.verdict import MOST_CONFIDENT, Verdict
from edge_agent.filters.weighing import Witness
from edge_agent.readers.raw_read import RawRead

PAUSE_US: Final = 1_500_000
"""A tag that was not read for so long is weighed, so that its company can ask what it saw."""
EXIT_US: Final = 2_000_000
"""A tag that was not read for so long has left the field, if that is plain; else it gets more time."""
PATIENCE_US: Final = 10_000_000
"""Tags fall silent in the doorway too: what is not sure waits so long for more reads."""
LONGEST_WAIT_US: Final = 25_000_000
"""A tag whose company is still read is not gone, for so long."""
GONE_WAIT_US: Final = 5_000_000
"""One that faded away before it fell silent waits so long for its company at most."""
MOST_COMPANY: Final = 64
PLAINLY_LOUDER: Final = 2.0
"""3 dB: by less no neighbour takes a tag away; then both weigh what they heard."""
CLEARLY_LOUDER: Final = 30.0
"""15 dB: no neighbour has to be waited for."""
LOOK_US: Final = 1_000_000
"""How often a tag that stays is looked at."""
STEP_US: Final = 10_000_000
"""A read older than this against the reader's newest means that its clock, or the gateway's, stepped back."""
YOUNG_US: Final = 8_000_000
"""Nobody comes to rest sooner."""
PARKED_US: Final = 30_000_000
"""A tag that stays on one side for so long is parked: a stray, told once."""
LONGEST_US: Final = 300_000_000
"""However unclear, a visit is decided after so long."""
_SURE: Final = 0.97
_NEVER_US: Final = 1 << 63
_SIDE_BEFORE: Final = {CrossingDirection.IN: OUTSIDE, CrossingDirection.OUT: INSIDE}
_MOVES: Final = frozenset({CrossingDirection.IN, CrossingDirection.OUT})


@dataclass(frozen=True, slots=True)
class _Weighed:
    """What a visit comes to so far."""

    verdict: Verdict
    neighbour: str | None
    """That heard it louder."""
    occurred_us: int | None
    """None: when the sides change."""
    is_assignable: bool
    company: list[Member]


class Field:
    """One portal at work."""

    def __init__(self, portal: Portal, witness: Witness | None = None) -> None:
        """Begin empty.

        Args:
            portal: Which.
            witness: Is shown whatever is weighed here.
        """
        self.portal = portal
        self.doorway = Doorway()
        self.neighbours: tuple[Field, ...] = ()
        self.now_us = -1
        self._ports = portal.ports
        self._has_beams = bool(portal.beam_ports)
        self._asks_company = portal.is_two_sided or self._has_beams
        self._sides = tuple(_side(portal, port) for port in portal.ports)
        self._offsets_db = (
            tuple(portal.offsets_db.get(port, 0.0) for port in portal.ports) if portal.offsets_db else ()
        )
        self._heard_us: dict[str, int] = {}
        """By reader, the newest that it said."""
        self.open_tracks: dict[str, Track] = {}
        """Visits that go on, by EPC; the portals beside look at them too."""
        self._left = Departed()
        self._due: list[tuple[int, str]] = []
        self._next_us = _NEVER_US
        """When the next visit is due."""
        self._columns = tuple(OUTSIDE_COLUMN if side == OUTSIDE else INSIDE_COLUMN for side in self._sides)
        self._scales = Scales(self._sides, witness)
        self._newest = Group(-SPAN_US)

    def read(self, read: RawRead, antenna: int, decided: list[Passage]) -> None:
        """Take a read.

        Args:
            read: Of one of the portal's antennas; RSSI and Doppler shift may be anything that a reader says.
            antenna: Index of the antenna.
            decided: Gets what is decided by then.
        """
        at_us, rssi_dbm, doppler_hz = read.seen_us, read.rssi_dbm, read.doppler_hz
        if self.now_us <= at_us < self._next_us:  # as nearly always: in order, and nothing is due
            self.now_us = self._heard_us[read.reader] = at_us
        else:
            self.hear(read.reader, at_us, decided)
        track = self.open_tracks.get(read.epc) or self._begun(read.epc, at_us)
        if track is None:
            return
        if not LOWEST_DBM <= rssi_dbm <= HIGHEST_DBM:
            rssi_dbm = usable_dbm(rssi_dbm)
        if self._offsets_db:
            rssi_dbm += self._offsets_db[antenna]
        shift = 0 if doppler_hz is None else shift_of(doppler_hz)
        track.add((at_us, antenna, rssi_dbm), self._columns[antenna], shift)
        group = track.group
        if at_us > group.last_us:  # noqa: PLR1730  max() takes thrice as long
            group.last_us = at_us

    def _begun(self, epc: str, at_us: int) -> Track | None:
        """Begin a visit; None for a read that is late by a report, of a visit that is decided."""
        left = self._left.get(epc)
        if left is not None and at_us <= left.last_us:
            return None
        track = self.open_tracks[epc] = Track(
            epc,
            at_us,
            self._group_of(epc, left, at_us),
            zero_us=self._scales.zero_at(at_us),
            antennas=len(self._ports),
        )
        if left is not None and left.has_rested and at_us <= left.last_us + REMEMBER_US:
            track.has_rested, track.origin = True, left.origin
            track.rest_loudness = left.rest_loudness
        heapq.heappush(self._due, (at_us + PAUSE_US, epc))
        self._next_us = self._due[0][0]
        return track

    def _group_of(self, epc: str, left: Left | None, at_us: int) -> Group:
        """Find the tags with which one came: those of before if it was lost, or those that come now."""
        if left is not None and at_us <= left.group.last_us + KEPT_US:
            return left.group
        if not self._newest.takes(at_us):
            self._newest = Group(at_us)
        self._newest.join(epc, at_us)
        return self._newest

    def hear(self, reader: str, at_us: int, decided: list[Passage]) -> None:
        """Move the field's time to what a reader says, deciding what is due.

        Args:
            reader: Which.
            at_us: When it says that something was; a little back is disorder, far back a stepped clock.
            decided: Gets what is decided.
        """
        newest_us = self._heard_us.get(reader, at_us)
        if at_us < newest_us:
            if at_us < newest_us - STEP_US:
                self._start_anew(at_us, decided)
                self._heard_us = {reader: at_us}
                return
        else:
            self._heard_us[reader] = at_us
        if newest_us <= at_us < self.now_us - PAUSE_US and len(self._heard_us) == 1:
            self.now_us = at_us  # its report was held up: nobody else was heard meanwhile
        elif at_us != self.now_us:
            self.pass_time(at_us, decided)

    def _start_anew(self, now_us: int, decided: list[Passage]) -> None:
        """Decide what is open, as sure as it can be, and forget the time that a clock took back."""
        cut: list[Passage] = []
        self.close_all(cut)
        decided += (replace(each, confidence=min(each.confidence, MOST_UNSURE)) for each in cut)
        self._left.clear()
        self._scales.forget()
        self.now_us = now_us

    def pass_time(self, now_us: int, decided: list[Passage]) -> None:
        """Move the field's time, deciding what is due.

        Args:
            now_us: The new time; the field's never goes back by this.
            decided: Gets what is decided.
        """
        self.now_us = max(self.now_us, now_us)
        due = self._due
        while due and due[0][0] <= self.now_us:
            at_us, epc = heapq.heappop(due)
            again_us = self._look(self.open_tracks[epc], at_us, decided)
            if again_us:
                heapq.heappush(due, (again_us, epc))
        self._next_us = due[0][0] if due else _NEVER_US

    def close_all(self, decided: list[Passage]) -> None:
        """Decide every open visit.

        Args:
            decided: Gets what is decided.
        """
        open_now = sorted(self.open_tracks.values(), key=lambda each: (each.last_us, each.epc))
        for track in open_now:
            if self._asks_company:
                self._scales.note(track)
        for track in open_now:
            self._decide(track, decided, is_last=True)
        self._due.clear()
        self._next_us = _NEVER_US

    @property
    def open_since_us(self) -> int | None:
        """The earliest read that is not decided."""
        return min((track.first_us for track in self.open_tracks.values()), default=None)

    @property
    def tags(self) -> int:
        """Tags in the field now."""
        return len(self.open_tracks)

    def is_open(self, epc: str, before_us: int) -> bool:
        """Tell whether a tag's visit is undecided.

        Args:
            epc: Which tag.
            before_us: Only visits that began before this instant count.

        Returns:
            Whether there is one.
        """
        track = self.open_tracks.get(epc)
        return track is not None and track.first_us < before_us

    def _look(self, track: Track, due_us: int, decided: list[Passage]) -> int:
        """Look at a tag when it is due; say when to look again, 0 for never."""
        # Time is that of the deadline, not of the read that let it pass.
        silent_us = due_us - track.last_us
        if self._has_beams and self.doorway.is_busy(due_us):
            return due_us + LOOK_US
        if silent_us < PAUSE_US:
            if due_us - track.first_us >= YOUNG_US:
                self._look_at_rest(track, due_us, decided)
            return min(track.last_us + PAUSE_US, due_us + LOOK_US)
        if silent_us < EXIT_US:
            if self._asks_company:
                self._scales.note(track)
            return track.last_us + EXIT_US
        is_company_here = track.group.last_us > due_us - EXIT_US
        if (
            silent_us < LONGEST_WAIT_US
            and (is_company_here or self._is_next_door(track, due_us))
            and (silent_us < GONE_WAIT_US or track.vanished_loud)
        ):
            return due_us + LOOK_US
        if self._decide(track, decided, is_last=silent_us >= PATIENCE_US):
            return 0
        return max(track.last_us + PATIENCE_US, due_us + LOOK_US)

    def _look_at_rest(self, track: Track, now_us: int, decided: list[Passage]) -> None:
        """Decide a visit that goes on, if the tag has come to rest."""
        stays_us = now_us - track.first_us
        is_too_long = stays_us >= LONGEST_US
        if not (track.has_rested or is_too_long) and is_near(track, now_us):
            return
        rest = rest_of(track, self._sides, now_us)
        is_still_there = rest.is_plain and track.origin in {rest.side, NOWHERE} and not track.is_astir
        if track.has_rested and is_still_there:
            track.rest(rest.side, now_us - EXIT_US)
            return
        is_parked = stays_us >= PARKED_US and rest.is_plain
        if not (rest.is_settled or is_parked or is_too_long):
            return
        weighed = self._weighed(track)
        is_crossing = self._is_sure(weighed.verdict)
        if not (is_crossing or is_parked or is_too_long):
            return
        if is_crossing or not track.has_rested:
            decided.append(self._passage(track, weighed))
        track.rest(_side_after(weighed.verdict, rest), now_us - EXIT_US)

    def _is_sure(self, verdict: Verdict) -> bool:
        return verdict.direction in _MOVES and verdict.confidence >= self.portal.post_at

    def _decide(self, track: Track, decided: list[Passage], *, is_last: bool) -> bool:
        """Decide a visit whose tag is silent, unless more time may make it surer."""
        if track.reads:
            weighed = self._weighed(track)
            if not is_last and weighed.verdict.confidence < _SURE:
                return False
            if not track.has_rested or self._is_sure(weighed.verdict):
                decided.append(self._passage(track, weighed))
        del self.open_tracks[track.epc]
        self._scales.gone(track.epc)
        self._left.note(track, self.now_us, loudness=track.loudness if self.neighbours else 0.0)
        return True

    def _weighed(self, track: Track) -> _Weighed:
        """Weigh what was heard of a tag so far: at least one read."""
        neighbour, is_assignable, company = self._stronger_neighbour(track), False, list[Member]()
        occurred_us: int | None = None
        if neighbour is not None:
            self._scales.note(track)
            verdict = Verdict(CrossingDirection.STRAY, 0.98)
        elif self.portal.is_two_sided:
            verdict, company = self._scales.two_sided(track, self.open_tracks)
        elif self._has_beams:
            passes = self.doorway.passes()
            verdict, occurred_us, company = self._scales.one_plane(track, passes, self.open_tracks)
        else:
            told = judge_without_beams(sorted(track.reads), self.portal)
            verdict, occurred_us, is_assignable = told.verdict, told.occurred_us, told.is_assignable
        if _SIDE_BEFORE.get(verdict.direction, track.origin) == -track.origin != NOWHERE:
            verdict = Verdict(CrossingDirection.STRAY, 0.9)  # it cannot leave a side on which it did not rest
        return _Weighed(verdict, neighbour, occurred_us, is_assignable, company)

    def _passage(self, track: Track, weighed: _Weighed) -> Passage:
        reads = sorted(track.reads)
        antennas, trace = picture(reads, self._ports)
        at_us, verdict = weighed.occurred_us, weighed.verdict
        most = AS_AT_REST if track.is_as_at_rest and verdict.direction in _MOVES else MOST_CONFIDENT
        return Passage(
            portal=self.portal.id,
            epc=track.epc,
            direction=verdict.direction,
            confidence=min(verdict.confidence, most),
            first_seen_us=reads[0][0],
            occurred_us=turn_us(reads, self._sides) if at_us is None else at_us,
            last_seen_us=reads[-1][0],
            reads=track.count,
            antennas=antennas,
            trace=trace,
            neighbour=weighed.neighbour,
            chances=verdict.chances,
            company=tuple(member.epc for member in weighed.company[:MOST_COMPANY]),
            is_assignable=weighed.is_assignable,
        )

    def _stronger_neighbour(self, track: Track) -> str | None:
        """Name the neighbour that heard the tag louder meanwhile."""
        most, name = 0.0, None
        for field in self.neighbours:
            heard = field.heard(track.epc, track.first_us, track.last_us)
            if heard <= 0:
                continue
            most = most or PLAINLY_LOUDER * track.loudness
            if heard > most:
                most, name = heard, field.portal.id
        return name

    def heard(self, epc: str, begin_us: int, end_us: int) -> float:
        """Tell how loud a tag was heard here.

        Args:
            epc: Of which tag.
            begin_us: From when.
            end_us: Until when.

        Returns:
            Loudness in attowatts of its visits that touch this time; 0 if there was none.
        """
        loudest = 0.0
        left = self._left.get(epc)
        if left is not None and left.first_us <= end_us + EXIT_US and left.last_us >= begin_us - EXIT_US:
            loudest = left.loudness
        track = self.open_tracks.get(epc)
        if track is not None and track.first_us <= end_us + EXIT_US and track.last_us >= begin_us - EXIT_US:
            loudest = max(loudest, track.loudness)
        return loudest

    def _is_next_door(self, track: Track, now_us: int) -> bool:
        """Tell whether a neighbour reads a tag now and may turn out to be where it passed."""
        others = (field.open_tracks.get(track.epc) for field in self.neighbours)
        return any(
            other.last_us > now_us - PAUSE_US and other.loudness * CLEARLY_LOUDER > track.loudness
            for other in others
            if other is not None
        )


def _side(portal: Portal, port: str) -> int:
    if port in portal.inside_ports:
        return INSIDE
    return OUTSIDE if port in portal.outside_ports else NOWHERE


def _side_after(verdict: Verdict, rest: Rest) -> int:
    if verdict.direction is CrossingDirection.IN:
        return INSIDE
    if verdict.direction is CrossingDirection.OUT:
        return OUTSIDE
    return rest.side if rest.is_plain else NOWHERE
