"""Weighs visits to one portal: what was heard of a tag and of those that moved with it in, a verdict out."""

from collections.abc import Sequence
from typing import Final

from contracts.vocabulary import CrossingDirection
from edge_agent.filters.doorway import Pass
from edge_agent.filters.evidence import weigh
from edge_agent.filters.group import ASKED, Member, company_of, summed
from edge_agent.filters.members import Members
from edge_agent.filters.one_plane import OVERLAP_US, Span, judge_beams, plane_numbers, was_on
from edge_agent.filters.profile import CELL_US
from edge_agent.filters.read import NOWHERE
from edge_agent.filters.timeline import levels, turn_of
from edge_agent.filters.track import Track
from edge_agent.filters.verdict import MOST_CONFIDENT, Picture, Verdict, judge, odds

FEW_READS: Final = 0.5
"""A tag that came alone is at most sure by 1 - this / its reads: ten reads before anything is posted."""
_CROSSINGS: Final = frozenset({CrossingDirection.IN, CrossingDirection.OUT})


class Scales:
    """Knows whose visits may be asked about each other's."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.zero_us = -1
        """Where cells are counted from: the first read of all; -1 before it."""
        self._members = Members()

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

    def forget(self) -> None:
        """Forget everybody that is not there now."""
        self._members.clear()

    def two_sided(self, track: Track, open_now: dict[str, Track]) -> tuple[Verdict, list[Member]]:
        """Weigh a visit to two sides.

        Args:
            track: Of the tag; with at least one read.
            open_now: Visits that go on.

        Returns:
            The verdict, and who moved with the tag.
        """
        member = self._members.join(track)
        alike = company_of(member, self._members.others(track, open_now))
        company = alike[:ASKED]
        cells = summed(member, company)
        own, turn = weigh(member.cells), turn_of(cells)
        verdict = judge(
            odds(
                Picture(
                    own=own,
                    group=weigh(cells) if company else own,
                    own_levels=levels(member.cells, turn),
                    group_levels=levels(cells, turn),
                    reads=track.count,
                    company=len(company),
                    origin=track.origin,
                    has_rested=track.has_rested,
                )
            )
        )
        if not company and verdict.direction in _CROSSINGS:
            most = 1.0 - FEW_READS / track.count
            verdict = Verdict(verdict.direction, min(verdict.confidence, most), verdict.chances)
        return verdict, alike

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
        alike = company_of(member, self._members.others(track, open_now))
        company = alike[:ASKED]
        cells = summed(member, company)
        rivals = [each.cells for each in self._members.rivals(track, alike, open_now)]
        scores = {}
        for each in near:
            begin, end = ((at_us - self.zero_us) / CELL_US for at_us in (each.begin_us, each.end_us))
            numbers = plane_numbers(
                member.cells, cells, rivals, Span(begin, end), reads=track.count, company=len(company)
            )
            scores[each.begin_us] = was_on(numbers)
        return (*judge_beams(near, scores), alike)


def _touches(each: Pass, track: Track) -> bool:
    """Tell whether somebody went through the beams about when a tag was read."""
    is_near = track.first_us - OVERLAP_US <= each.end_us and each.begin_us <= track.last_us + OVERLAP_US
    return is_near and each.toward != NOWHERE
