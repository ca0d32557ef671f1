"""The filter: what readers say in, one passage per tag and visit to a portal's field out.

Streaming and pure: time comes in the data only. Reads go into one small track per tag and portal; a track is
decided when its tag has been silent for the exit time, or when it has plainly come to rest. Tags that rest in
the field cost a bounded memory and give no further passage until they change sides.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter

from edge_agent.filters.field import Field
from edge_agent.filters.passage import Passage
from edge_agent.filters.site import Portal
from edge_agent.filters.weighing import Witness
from edge_agent.readers.raw_read import GpiChange, RawRead, Seen

_when = attrgetter("seen_us")


class PortalFilter:
    """Decides the visits to all portals of a gateway; not thread-safe, one thread owns it."""

    def __init__(self, portals: Sequence[Portal], witness: Witness | None = None) -> None:
        """Begin with empty fields.

        Args:
            portals: Validated together (``edge_agent.filters.site.Portals``).
            witness: Is shown whatever is weighed.
        """
        self._fields: dict[str, Field] = {portal.id: Field(portal, witness) for portal in portals}
        self._antennas: dict[tuple[str, int], tuple[Field, int]] = {}
        self._beams: dict[tuple[str, int], tuple[Field, int]] = {}
        for field in self._fields.values():
            portal = field.portal
            near = {other.id for other in portals if portal.id in other.neighbours} | set(portal.neighbours)
            field.neighbours = tuple(self._fields[name] for name in sorted(near))
            self._antennas |= {_split(port): (field, n) for n, port in enumerate(portal.ports)}
            self._beams |= {_split(port): (field, n) for n, port in enumerate(portal.beam_ports)}
        self.reads = 0
        """Taken so far, at any antenna."""
        self.elsewhere = 0
        """Of antennas that no portal names."""

    def take(self, seen: Seen) -> list[Passage]:
        """Take what a reader said.

        Args:
            seen: A read or a change of an input, not much older than the last one.

        Returns:
            What could be decided because of the time that has passed.
        """
        decided: list[Passage] = []
        self._take(seen, decided)
        return decided

    def take_many(self, batch: Iterable[Seen]) -> list[Passage]:
        """Take a report; its reads may stand in any order.

        Args:
            batch: Reads and changes of inputs.

        Returns:
            As ``take`` gave one after the other.
        """
        decided: list[Passage] = []
        for seen in sorted(batch, key=_when):
            self._take(seen, decided)
        return decided

    def _take(self, seen: Seen, decided: list[Passage]) -> None:
        if isinstance(seen, RawRead):
            self.reads += 1
            place = self._antennas.get((seen.reader, seen.antenna))
            if place is None:
                self.elsewhere += 1
                return
            field, antenna = place
            field.read(seen, antenna, decided)
        else:
            self._change(seen, decided)

    def _change(self, change: GpiChange, decided: list[Passage]) -> None:
        place = self._beams.get((change.reader, change.port))
        if place is not None:
            field, beam = place
            field.hear(change.reader, change.seen_us, decided)
            field.doorway.change(change.seen_us, beam, is_broken=change.is_high)

    def advance(self, now_us: int) -> list[Passage]:
        """Let time pass without reads.

        Args:
            now_us: No read older than this is expected any more.

        Returns:
            What is decided by then.
        """
        decided: list[Passage] = []
        for field in self._fields.values():
            if now_us > field.now_us:
                field.pass_time(now_us, decided)
        return decided

    def flush(self) -> list[Passage]:
        """Decide everything that is open, as at the end of a capture.

        Returns:
            The last passages.
        """
        decided: list[Passage] = []
        for field in self._fields.values():
            field.close_all(decided)
        return decided

    @property
    def open_since_us(self) -> int | None:
        """Time of the earliest read that is not decided yet; None if there is none."""
        return min(
            (since for field in self._fields.values() if (since := field.open_since_us) is not None),
            default=None,
        )

    def is_open(self, epc: str, portals: Iterable[str], before_us: int) -> bool:
        """Tell whether a visit of a tag is undecided.

        Args:
            epc: Which tag.
            portals: At which portals to look.
            before_us: Only visits that began before this instant count.

        Returns:
            Whether there is one.
        """
        return any(self._fields[portal].is_open(epc, before_us) for portal in portals)

    @property
    def tags(self) -> int:
        """Tags in all fields now, resting ones included."""
        return sum(field.tags for field in self._fields.values())


def _split(port: str) -> tuple[str, int]:
    reader, _, number = port.partition(":")
    return reader, int(number)
