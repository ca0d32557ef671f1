"""The account of one tag: a capture in; each of its visits with all that was weighed out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from contracts.vocabulary import CrossingDirection
from edge_agent.doors.domain import Decision
from edge_agent.explain.worth import Term, Vote, terms_of_plane, terms_of_sides, votes_of
from edge_agent.filters.alone import limit_of
from edge_agent.filters.doorway import Pass
from edge_agent.filters.group import Member
from edge_agent.filters.packed import packed_of
from edge_agent.filters.passage import Passage
from edge_agent.filters.portal import PortalFilter
from edge_agent.filters.profile import Cells
from edge_agent.filters.read import Read
from edge_agent.filters.site import Portal
from edge_agent.filters.weighing import WeighedPass, Weighing
from edge_agent.readers.raw_read import Seen
from edge_agent.replay import TOGETHER, Rules

_VOTES: Final = 64


@dataclass(frozen=True, slots=True)
class Heard:
    """What one antenna heard."""

    antenna: str
    side: str
    """``inside``, ``outside`` or ``plane``."""
    reads: int
    peak_dbm: float
    middle_s: float
    """Of its power, since the first read."""


@dataclass(frozen=True, slots=True)
class Account:
    """One visit, explained."""

    passage: Passage
    decision: Decision | None
    reads: tuple[Read, ...]
    """In time order; all that was kept, or those of the passage's trace."""
    heard: tuple[Heard, ...]
    terms: tuple[Term, ...]
    votes: tuple[Vote, ...]
    beams: tuple[Pass, ...]
    beam_odds: tuple[float, ...]
    """Log-odds that it was on each of these."""
    rules: tuple[str, ...]
    """What went before the scales, or limits them."""

    @property
    def alternatives(self) -> dict[str, float]:
        """How likely each answer was, by the radio alone."""
        into, out = self.passage.chances
        if not any(self.passage.chances):
            named = self.passage.direction
            if named is CrossingDirection.STRAY:
                return {"in": 0.0, "out": 0.0, "did not pass": self.passage.confidence}
            return {"in or out": self.passage.confidence, "did not pass": 1.0 - self.passage.confidence}
        return {"in": into, "out": out, "did not pass": max(1.0 - into - out, 0.0)}


@dataclass(frozen=True, slots=True)
class _Kept:
    """A weighing as it was when it was shown."""

    weighing: Weighing
    count: int
    reads: tuple[Read, ...]


class Asker:
    """Runs a capture through the filter and listens for one tag."""

    def __init__(self, portals: Sequence[Portal], epc: str, rules: Rules | None = None) -> None:
        """Begin.

        Args:
            portals: Of the site.
            epc: Hexadecimal digits in capitals.
            rules: What crossings post, if that is wanted.
        """
        self._portals: dict[str, Portal] = {portal.id: portal for portal in portals}
        self._epc = epc
        self._rules = rules
        self._filter = PortalFilter(portals, self._take)
        self._kept: list[_Kept] = []
        self._newest_us = 0

    def _take(self, weighing: Weighing) -> None:
        track = weighing.track
        if track.epc == self._epc:
            self._kept.append(_Kept(_copied(weighing), track.count, tuple(sorted(track.reads))))

    def accounts(self, seen: Iterable[Seen]) -> list[Account]:
        """Explain every visit of the tag.

        Args:
            seen: What readers said.

        Returns:
            In the order in which they were decided.
        """
        found: list[Account] = []
        entries = iter(seen)
        door = self._filter
        while batch := list(islice(entries, TOGETHER)):
            self._newest_us = max(self._newest_us, *(each.seen_us for each in batch))
            decided = door.take_many(batch)
            since_us = door.open_since_us
            found += self._told(decided, self._newest_us if since_us is None else since_us, door.is_open)
        return [*found, *self._told(door.flush(), None, door.is_open)]

    def _told(
        self,
        decided: list[Passage],
        settled_us: int | None,
        is_open: Callable[[str, Iterable[str], int], bool],
    ) -> list[Account]:
        if self._rules is None:
            return [self._account(each, None) for each in decided if each.epc == self._epc]
        pairs = self._rules.decide(decided, settled_us, is_open)
        return [self._account(passage, decision) for passage, decision in pairs if passage.epc == self._epc]

    def _account(self, passage: Passage, decision: Decision | None) -> Account:
        portal = self._portals[passage.portal]
        kept = self._weighed(passage)
        reads = _traced(passage, portal) if kept is None else kept.reads
        weighing = None if kept is None else kept.weighing
        terms: list[Term] = []
        votes: list[Vote] = []
        passes: tuple[WeighedPass, ...] = ()
        if weighing is not None and weighing.picture is not None:
            terms = terms_of_sides(weighing.picture)
            votes = votes_of(weighing.company[:_VOTES], sides_of(portal))
        elif weighing is not None:
            passes = weighing.passes
            terms = terms_of_plane(weighing, max(passes, key=lambda each: each.log_odds))
        return Account(
            passage=passage,
            decision=decision,
            reads=reads,
            heard=tuple(_heard(reads, portal)),
            terms=tuple(terms),
            votes=tuple(votes),
            beams=tuple(each.beams for each in passes),
            beam_odds=tuple(each.log_odds for each in passes),
            rules=tuple(_rules(passage, portal, weighing)),
        )

    def _weighed(self, passage: Passage) -> _Kept | None:
        """Find the weighing from which a passage came."""
        if passage.neighbour is not None:
            return None
        for kept in reversed(self._kept):
            is_same_time = (
                kept.reads[0][0] == passage.first_seen_us and kept.reads[-1][0] == passage.last_seen_us
            )
            if kept.count == passage.reads and is_same_time:
                return kept
        return None


def _copied(weighing: Weighing) -> Weighing:
    """Keep cells as they are now: those of tags that stay grow."""
    return replace(
        weighing,
        own=_member(weighing.own),
        company=[_member(each) for each in weighing.company],
        passes=tuple(
            replace(each, rivals=tuple(_cells(cells) for cells in each.rivals)) for each in weighing.passes
        ),
    )


def _member(member: Member) -> Member:
    return member._replace(cells=_cells(member.cells), packed=packed_of(member.cells))


def _cells(cells: Cells) -> Cells:
    return {number: list(cell) for number, cell in cells.items()}


def sides_of(portal: Portal) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Name a portal's antennas by side.

    Args:
        portal: Which.

    Returns:
        Their indices inside, and outside.
    """
    ports = portal.ports
    return (
        tuple(n for n, port in enumerate(ports) if port in portal.inside_ports),
        tuple(n for n, port in enumerate(ports) if port in portal.outside_ports),
    )


def side_name(portal: Portal, antenna: int) -> str:
    """Say where an antenna looks.

    Args:
        portal: Of the antenna.
        antenna: Its index.

    Returns:
        ``inside``, ``outside`` or ``plane``.
    """
    inside, outside = sides_of(portal)
    return "inside" if antenna in inside else "outside" if antenna in outside else "plane"


def _traced(passage: Passage, portal: Portal) -> tuple[Read, ...]:
    place = {port: n for n, port in enumerate(portal.ports)}
    return tuple(
        (
            passage.first_seen_us + point.after_ms * 1000,
            place[passage.antennas[point.antenna]],
            point.rssi_dbm,
        )
        for point in passage.trace
    )


def _heard(reads: Sequence[Read], portal: Portal) -> Iterable[Heard]:
    first_us = reads[0][0]
    for number, port in enumerate(portal.ports):
        mine = [read for read in reads if read[1] == number]
        if not mine:
            yield Heard(port, side_name(portal, number), 0, float("-inf"), 0.0)
            continue
        power = [10.0 ** (read[2] / 10.0) for read in mine]
        moment = sum(each * (read[0] - first_us) for each, read in zip(power, mine, strict=True))
        yield Heard(
            port,
            side_name(portal, number),
            len(mine),
            max(read[2] for read in mine),
            moment / sum(power) * 1e-6,
        )


def _rules(passage: Passage, portal: Portal, weighing: Weighing | None) -> Iterable[str]:
    if passage.neighbour is not None:
        yield f"portal {passage.neighbour!r} heard it louder meanwhile: here it is a stray"
        return
    if not portal.is_two_sided and not portal.beam_ports:
        yield "antennas in one plane without beams cannot tell the direction: only a single open visit can"
        return
    if weighing is None:
        yield "nobody went through the light beams while it was heard"
        return
    is_crossing = passage.direction in {CrossingDirection.IN, CrossingDirection.OUT}
    if weighing.picture is not None and not weighing.company and is_crossing:
        limit = limit_of(weighing.own.cells, passage.reads)
        yield f"it came alone ({limit.why}), so nothing is surer than {limit.most:.3f}"
    into, out = passage.chances
    if passage.direction is CrossingDirection.STRAY and not any((into, out)):
        yield "it cannot leave a side on which it did not rest"
