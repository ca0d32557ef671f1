"""Weighs visits to one portal: what was heard of a tag and of those that moved with it in, a verdict out."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from contracts.vocabulary import CrossingDirection
from edge_agent.filters.alone import limit_of
from edge_agent.filters.doorway import Pass
from edge_agent.filters.evidence import Evidence, weigh
from edge_agent.filters.group import ASKED, Member, company_of, summed
from edge_agent.filters.members import Members
from edge_agent.filters.motion import Motion, motion_of
from edge_agent.filters.one_plane import OVERLAP_US, Span, judge_beams, plane_numbers, was_on
from edge_agent.filters.profile import CELL_US
from edge_agent.filters.read import INSIDE, NOWHERE, OUTSIDE
from edge_agent.filters.timeline import levels, turn_of
from edge_agent.filters.track import Track
from edge_agent.filters.verdict import MOST_CONFIDENT, Picture, Verdict, judge, odds
from edge_agent.filters.weighing import WeighedPass, Weighing, Witness

_CROWD: Final = 8
"""So many that moved together need not ask one by one."""
_SURELY: Final = 2.5
"""Log-odds of having moved together, above which what one found holds for the other."""
_CROSSINGS: Final = frozenset({CrossingDirection.IN, CrossingDirection.OUT})


class _Together(NamedTuple):
    """What was heard of tags that moved together."""

    asker: Member
    members: list[Member]
    """Those that moved with it, those most alike first."""
    evidence: Evidence | None
    """None if it came alone."""
    turn: float
    levels: tuple[tuple[float, ...], tuple[float, ...]]
    motion: Motion


class Scales:
    """Knows whose visits may be asked about each other's."""

    def __init__(self, sides: Sequence[int] = (), witness: Witness | None = None) -> None:
        """Begin with nobody.

        Args:
            sides: Of each antenna of the portal, by index.
            witness: Is shown whatever is weighed.
        """
        self._witness = witness
        self._sides = tuple(
            tuple(n for n, here in enumerate(sides) if here == side) for side in (INSIDE, OUTSIDE)
        )
        self.zero_us = -1
        """Where cells are counted from: the first read of all; -1 before it."""
        self._members = Members()
        self._together: dict[str, tuple[int, _Together]] = {}
        """For tags in the field that another asked with: up to when they were heard, and what was found."""

    def zero_at(self, at_us: int) -> int:
        """Say where cells are counted from.

        Args:
            at_us: Time of a read.

        Returns:
            It, if there was none before.
        """
        if self.zero_us < 0:
            self.zero_us = at_us
        return self.zero_us

    def note(self, track: Track) -> None:
        """Let others see what is known of a tag's visit.

        Args:
            track: Of the tag.
        """
        if track.cells:
            self._members.join(track)

    def gone(self, epc: str) -> None:
        """Forget what was found for a tag whose visit is over; others may still ask what was heard of it.

        Args:
            epc: Of the tag.
        """
        self._together.pop(epc, None)

    def forget(self) -> None:
        """Forget everybody that is not there now."""
        self._members.clear()
        self._together.clear()

    def two_sided(self, track: Track, open_now: dict[str, Track]) -> tuple[Verdict, list[Member]]:
        """Weigh a visit to two sides.

        Args:
            track: Of the tag; with at least one read.
            open_now: Visits that go on.

        Returns:
            The verdict, and who moved with the tag.
        """
        member = self._members.join(track)
        group = self._group_of(track, member, open_now)
        own = weigh(member.cells)
        picture = Picture(
            own=own,
            group=group.evidence or own,
            own_levels=levels(member.cells, group.turn),
            group_levels=group.levels,
            own_motion=motion_of(member.cells, group.turn, self._sides),
            group_motion=group.motion,
            reads=track.count,
            company=min(len(group.members), ASKED),
            origin=track.origin,
            has_rested=track.has_rested,
        )
        if self._witness is not None:
            self._witness(Weighing(track, member, group.members, picture))
        verdict = judge(odds(picture))
        if not group.members and verdict.direction in _CROSSINGS:
            most = limit_of(member.cells, track.count).most
            verdict = Verdict(verdict.direction, min(verdict.confidence, most), verdict.chances)
        return verdict, group.members

    def _group_of(self, track: Track, member: Member, open_now: dict[str, Track]) -> "_Together":
        """Ask who moved with a tag, unless one that surely did has asked, with all that is known of it."""
        known = self._together.pop(track.epc, None)
        if known is not None and known[0] == track.last_us:
            together = known[1]
            members = [each for each in (together.asker, *together.members) if each.epc != track.epc]
            return together._replace(members=members)
        alike = company_of(member, self._members.others(track, open_now))
        members = [each.member for each in alike]
        cells = summed(member, members[:ASKED])
        turn = turn_of(cells)
        together = _Together(
            asker=member,
            members=members,
            evidence=weigh(cells) if members else None,
            turn=turn,
            levels=levels(cells, turn),
            motion=motion_of(cells, turn, self._sides),
        )
        if len(members) >= _CROWD:
            for odds_of_both, other in alike:
                if odds_of_both >= _SURELY and other.epc in open_now:
                    self._together[other.epc] = other.last_us, together
        return together

    def one_plane(
        self, track: Track, passes: Sequence[Pass], open_now: dict[str, Track]
    ) -> tuple[Verdict, int, list[Member]]:
        """Weigh a visit to one plane with beams.

        Args:
            track: Of the tag; with at least one read.
            passes: What the beams saw lately, in time order.
            open_now: Visits that go on.

        Returns:
            The verdict, when it passed, and who moved with the tag.
        """
        near = [each for each in passes if _touches(each, track)]
        if not near:
            return Verdict(CrossingDirection.STRAY, MOST_CONFIDENT), track.first_us, []
        member = self._members.join(track)
        alike = [each.member for each in company_of(member, self._members.others(track, open_now))]
        company = alike[:ASKED]
        cells = summed(member, company)
        rivals = self._members.rivals(track, alike, open_now)
        scores, weighed = {}, []
        for each in near:
            begin, end = ((at_us - self.zero_us) / CELL_US for at_us in (each.begin_us, each.end_us))
            span, others = Span(begin, end), [other.cells for other in rivals if _is_around(each, other)]
            numbers = plane_numbers(
                member.cells, cells, others, span, reads=track.count, company=len(company)
            )
            scores[each.begin_us] = was_on(numbers)
            weighed.append(WeighedPass(each, span, tuple(others), scores[each.begin_us]))
        if self._witness is not None:
            self._witness(Weighing(track, member, company, passes=tuple(weighed)))
        return (*judge_beams(near, scores), alike)


def _is_around(each: Pass, other: Member | Track) -> bool:
    """Tell whether another tag was heard about when somebody went through the beams."""
    return other.first_us <= each.end_us + OVERLAP_US and other.last_us >= each.begin_us - OVERLAP_US


def _touches(each: Pass, track: Track) -> bool:
    """Tell whether somebody went through the beams about when a tag was read."""
    is_near = track.first_us - OVERLAP_US <= each.end_us and each.begin_us <= track.last_us + OVERLAP_US
    return is_near and each.toward != NOWHERE
