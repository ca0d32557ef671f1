"""Visits to a portal as other tags see them: who moved with a tag, and who else was in the doorway."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from edge_agent.filters.group import Member, member_of
from edge_agent.filters.track import Track

LOOKED_AT: Final = 64
"""So many tags at most are asked whether they moved with one, of those that came with it and of others."""
_RIVALS: Final = 128
_STALE_US: Final = 1_000_000
_REMEMBER_US: Final = 60_000_000
_MOST: Final = 50_000


class Members:
    """Remembers visits that seemed to be over at some time; not much longer than their tags are near."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._members: dict[str, Member] = {}
        """By EPC, the newest last."""

    def join(self, track: Track) -> Member:
        """Let others see what is known of a tag's visit.

        Args:
            track: Of the tag; with at least one read.

        Returns:
            What they see.
        """
        members = self._members
        member = members.pop(track.epc, None)
        if member is None or member.reads != track.count or member.cells is not track.cells:
            member = member_of(
                track.epc,
                track.first_us,
                track.last_us,
                track.cells,
                peak_dbm=track.peak_dbm,
                reads=track.count,
                packed=track.packed,
            )
        members[track.epc] = member
        while True:
            oldest = next(iter(members))
            if members[oldest].last_us >= track.last_us - _REMEMBER_US and len(members) <= _MOST:
                return member
            del members[oldest]

    def others(self, track: Track, open_now: dict[str, Track]) -> Iterator[Member]:
        """Give visits that may be one with a tag's: of those that came with it, then of any of late.

        Args:
            track: The tag's.
            open_now: Visits that go on.

        Yields:
            Each tag's once.
        """
        known = {track.epc}
        for epc in islice(reversed(track.group.epcs), LOOKED_AT):
            if epc in known:
                continue
            known.add(epc)
            member = self._members.get(epc)
            other = open_now.get(epc)
            if other is not None and other.cells and (member is None or _is_stale(member, other)):
                member = self.join(other)
            if member is not None:
                yield member
        for epc in list(islice(reversed(self._members), LOOKED_AT)):
            if epc not in known:
                yield self._members[epc]

    def rivals(
        self, track: Track, company: Iterable[Member], open_now: dict[str, Track]
    ) -> list[Member | Track]:
        """Give the visits of late that are not a tag's own and not its company's.

        Args:
            track: The tag's.
            company: Those that moved with it.
            open_now: Visits that go on.

        Returns:
            The newest of them.
        """
        ours = {id(member.cells) for member in company} | {id(track.cells)}
        found: list[Member | Track] = [
            other for other in islice(reversed(open_now.values()), _RIVALS) if id(other.cells) not in ours
        ]
        found += [
            member
            for epc, member in islice(reversed(self._members.items()), _RIVALS)
            if epc not in open_now and id(member.cells) not in ours
        ]
        return found

    def clear(self) -> None:
        """Forget everybody."""
        self._members.clear()


def _is_stale(member: Member, track: Track) -> bool:
    return track.last_us > member.last_us + _STALE_US
