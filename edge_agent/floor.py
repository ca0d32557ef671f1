"""The floor's radio: readers and doors as settings want them, supervised; health, gaps and page rows out."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from contracts.gateway import ReaderHealth
from contracts.records import Crossing
from edge_agent.clock import Clock
from edge_agent.config.settings import AgentSettings
from edge_agent.coverage import Presence
from edge_agent.decode.tag_role import TagRoles
from edge_agent.doors.assignments import Assignments
from edge_agent.doors.door import DoorJournal, Doors
from edge_agent.doors.visits import from_us, to_us
from edge_agent.health import describe_reader
from edge_agent.page.status import AntennaStatus
from edge_agent.readers.llrp.listener import ReaderState
from edge_agent.readers.llrp.reader import LlrpReader
from edge_agent.readers.llrp.settings import ReaderSettings
from edge_agent.readers.raw_read import Seen
from edge_agent.supervisor import Supervisor

ASSIGNMENTS: Final = "assignments.json"

log = structlog.get_logger(__name__)


class _ToDoors:
    """Hands what one reader says to the doors that are there."""

    def __init__(self, reader: str, doors: Callable[[], Doors | None]) -> None:
        self._reader = reader
        self._doors = doors

    def connected(self) -> None:
        """Say that the reader is there."""
        self.silent()

    def seen(self, batch: list[Seen]) -> None:
        """Pass on."""
        if (doors := self._doors()) is not None:
            doors.take(batch)

    def silent(self) -> None:
        """Say that time goes on."""
        if (doors := self._doors()) is not None:
            doors.silent(self._reader)

    def disconnected(self) -> None:
        """Say that the reader is lost."""
        if (doors := self._doors()) is not None:
            doors.gone(self._reader)


class Floor:
    """Readers and doors of a gateway; without portals there are no doors."""

    def __init__(
        self,
        settings: AgentSettings,
        journal: DoorJournal,
        clock: Clock,
        whereabouts: Callable[[str], str | None],
    ) -> None:
        """Prepare; ``start`` connects.

        Args:
            settings: The agent's.
            journal: Where records go.
            clock: The gateway's clock.
            whereabouts: Where a scan of this gateway has put a unit, if it stands there still.
        """
        self._whereabouts = whereabouts
        self._journal = journal
        self._clock = clock
        self._settings = settings
        self.assignments = Assignments(_beside(settings.outbox), settings.site)
        self._readers: Supervisor[LlrpReader] = Supervisor(
            lambda reader: reader.counters.state is ReaderState.FAILED
        )
        self._doors: Doors | None = None
        self._past: Counter[str] = Counter()

    def start(self) -> None:
        """Open the doors and connect to the readers."""
        self._readers.start()
        self._open()

    def stop(self) -> None:
        """Disconnect, decide what can be decided, and join every thread."""
        self._close()
        self._readers.stop()

    def apply(self, settings: AgentSettings) -> datetime | None:
        """Run with other settings.

        Args:
            settings: The new ones.

        Returns:
            From when on what doors had not decided is lost; None if nothing is.
        """
        before = self._settings
        self._settings = settings
        if _radio(settings) == _radio(before):
            return None
        self._readers.replace_all({})
        undecided_since = self._close()
        self._open()
        return undecided_since

    def undecided_since(self) -> datetime | None:
        """Tell from when on doors may still record something.

        Returns:
            That instant; None without doors.
        """
        doors = self._doors
        return None if doors is None else doors.undecided_since()

    def states(self) -> set[ReaderState]:
        """Tell the readers' states."""
        return {reader.counters.state for reader in self._readers.members()}

    def presence(self) -> Mapping[str, Presence]:
        """Tell which readers are heard.

        Returns:
            By reader.
        """
        return {
            reader.id: Presence(
                is_there=reader.counters.state is ReaderState.OPEN,
                last_heard_at=reader.counters.last_heard_at,
                is_silent="silent" in reader.counters.detail,
            )
            for reader in self._readers.members()
        }

    def health(self) -> list[ReaderHealth]:
        """Describe every reader for the heartbeat."""
        return [describe_reader(reader) for reader in self._readers.members()]

    def counters(self) -> Counter[str]:
        """Count what readers and doors did, by name."""
        counted = Counter(self._past)
        doors = self._doors
        if doors is not None:
            counted.update(doors.counted())
        counted["assignments_refused"] = self.assignments.refused
        counted["assignments_unreadable"] = self.assignments.unreadable
        counted["reader_restarts"] = self._readers.restarts()
        for reader in self._readers.members():
            counted.update(reader.counters.oddities())
        return counted

    def notes(self) -> dict[str, str]:
        """Say why readers are not what they should be, and how far the visits at doors are."""
        return {reader.id: reader.counters.detail for reader in self._readers.members()}

    def progress(self) -> dict[str, str]:
        """Say how far the visits open at each door are.

        Returns:
            By door: ``V-7: seen 57 of 60``.
        """
        doors = self._doors
        if doors is None:
            return {}
        now_us = to_us(self._clock.now().at)
        known = self.assignments.in_force(now_us)
        return {
            portal.id: ", ".join(
                f"{each.visit}: {each.text}"
                for each in doors.visits.progress(known.open_at(portal.id, now_us))
            )
            for portal in self._settings.portal
            if known.open_at(portal.id, now_us)
        }

    def crossings(self) -> tuple[Crossing, ...]:
        """Give the last crossings, newest first."""
        return () if self._doors is None else tuple(reversed(list(self._doors.crossings)))

    def antennas(self) -> tuple[AntennaStatus, ...]:
        """Describe every antenna that a portal names or that was heard."""
        doors = self._doors
        heard = {} if doors is None else dict(doors.counters.antennas)
        portal_of = {port: portal.id for portal in self._settings.portal for port in portal.ports}
        found = []
        for port in dict.fromkeys([*portal_of, *sorted(f"{reader}:{n}" for reader, n in heard)]):
            reader, _, antenna = port.partition(":")
            reads, last_us = heard.get((reader, int(antenna)), (0, 0))
            last_read_at = from_us(last_us) if reads else None
            found.append(AntennaStatus(reader, int(antenna), reads, last_read_at, portal_of.get(port)))
        return tuple(found)

    def _open(self) -> None:
        settings = self._settings
        if settings.portal:
            roles = TagRoles(settings.tags)
            self._doors = Doors(
                settings.portal,
                roles,
                self.assignments,
                self._journal,
                self._clock,
                set_gpo=self._set_gpo,
                whereabouts=self._whereabouts,
            )
            self._doors.start()
        self._readers.replace_all({each.id: partial(self._make_reader, each) for each in settings.reader})

    def _close(self) -> datetime | None:
        doors, self._doors = self._doors, None
        if doors is None:
            return None
        doors.stop()
        self._past.update(doors.counted())
        return doors.undecided_since()

    def _make_reader(self, reader: ReaderSettings) -> LlrpReader:
        return LlrpReader(reader, _ToDoors(reader.id, lambda: self._doors))

    def _set_gpo(self, reader_id: str, port: int, is_on: bool) -> None:  # noqa: FBT001  a reader's own order
        for reader in self._readers.members():
            if reader.id == reader_id:
                reader.set_gpo(port, is_on)


def _radio(settings: AgentSettings) -> tuple[object, ...]:
    return settings.reader, settings.portal, settings.tags


def _beside(outbox: Path) -> Path:
    return outbox.with_name(ASSIGNMENTS)
