"""The floor's radio: readers and doors as settings want them, supervised; health, gaps and page rows out."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
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
from edge_agent.page.antennas import AntennaMeter
from edge_agent.page.status import AntennaStatus
from edge_agent.page.zones import ZoneMeter, ZoneStatus
from edge_agent.readers.iot.late import InTime, LateReads
from edge_agent.readers.iot.reader import IotReader
from edge_agent.readers.iot.settings import IotReaderSettings
from edge_agent.readers.llrp.listener import ReaderState
from edge_agent.readers.llrp.reader import LlrpReader
from edge_agent.readers.llrp.settings import ReaderSettings
from edge_agent.readers.raw_read import Seen
from edge_agent.supervisor import Recipe, Supervisor

ASSIGNMENTS: Final = "assignments.json"

_Reader = LlrpReader | IotReader
_ReaderSettings = ReaderSettings | IotReaderSettings

log = structlog.get_logger(__name__)


class _ToDoors:
    """Hands what one reader says to the doors that are there."""

    def __init__(
        self,
        reader: str,
        doors: Callable[[], Doors | None],
        meter: AntennaMeter,
        zones: Callable[[], ZoneMeter],
    ) -> None:
        self._zones = zones
        self._reader = reader
        self._doors = doors
        self._meter = meter

    def connected(self) -> None:
        """Say that the reader is there."""
        if (doors := self._doors()) is not None:
            doors.connected(self._reader)

    def seen(self, batch: list[Seen]) -> None:
        """Pass on."""
        self._meter.count(batch)
        self._zones().take(batch)
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
        is_in_stock: Callable[[str], bool] = lambda _unit: False,
    ) -> None:
        """Prepare; ``start`` connects.

        Args:
            settings: The agent's.
            journal: Where records go.
            clock: The gateway's clock.
            whereabouts: Where a scan of this gateway has put a unit, if it stands there still.
            is_in_stock: Whether a unit is known to be the site's.
        """
        self._is_in_stock = is_in_stock
        self._whereabouts = whereabouts
        self._journal = journal
        self._clock = clock
        self._settings = settings
        self.assignments = Assignments(_beside(settings.outbox), settings.site)
        self._readers: Supervisor[_Reader] = Supervisor(
            lambda reader: reader.counters.state is ReaderState.FAILED
        )
        self._doors: Doors | None = None
        self._past: Counter[str] = Counter()
        self._meter = AntennaMeter()
        self.late = LateReads(lambda: to_us(clock.now().at))
        """Of readers that deliver what they kept meanwhile."""
        self._zones = self._followed()

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
        if (settings.zone, settings.tags) != (before.zone, before.tags):
            self._zones = self._followed()
        if (settings.portal, settings.tags) == (before.portal, before.tags):
            self._replace_readers(before)
            return None
        undecided_since = self._close()  # it puts its lamps out, while there are readers to do it
        self._open()
        return undecided_since

    def undecided_since(self) -> datetime | None:
        """Tell from when on doors may still record something.

        Returns:
            That instant; None without doors.
        """
        doors = self._doors
        return None if doors is None else doors.undecided_since()

    def connected(self) -> dict[str, str | None]:
        """Tell which readers are connected.

        Returns:
            By reader: None, also where the agent listens and nothing was posted yet; or why not.
        """
        return {
            reader.id: None
            if reader.counters.state is ReaderState.OPEN or _is_listening(reader)
            else reader.counters.detail or reader.counters.state
            for reader in self._readers.members()
        }

    def presence(self) -> Mapping[str, Presence]:
        """Tell which readers are heard.

        Returns:
            By reader.
        """
        return {
            reader.id: Presence(
                is_there=reader.counters.state is ReaderState.OPEN,
                last_heard_at=reader.counters.last_heard_at,
                is_silent=reader.counters.is_silent,
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
        counted.update(self._zones.counted())
        counted["reader_reads_too_late"] = self.late.counted
        counted["assignments_refused"] = self.assignments.refused
        counted["assignments_unreadable"] = self.assignments.unreadable
        counted["assignments_not_read"] = self.assignments.not_read
        counted["assignments_not_stored"] = self.assignments.not_stored
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
        return () if self._doors is None else self._doors.crossings.newest_first()

    def antennas(self) -> tuple[AntennaStatus, ...]:
        """Describe every antenna that a portal names or that was heard."""
        heard = self._meter.heard()
        portal_of = {port: portal.id for portal in self._settings.portal for port in portal.ports}
        found = []
        for port in dict.fromkeys([*portal_of, *sorted(f"{reader}:{n}" for reader, n in heard)]):
            reader, _, number = port.partition(":")
            one = heard.get((reader, int(number)))
            found.append(
                AntennaStatus(reader, int(number), portal=portal_of.get(port))
                if one is None
                else AntennaStatus(
                    reader,
                    int(number),
                    one.reads,
                    from_us(one.last_seen_us),
                    portal_of.get(port),
                    reads_per_s=one.reads_per_s,
                    mean_dbm=one.mean_dbm,
                    strongest_dbm=one.strongest_dbm,
                )
            )
        return tuple(found)

    def zones(self) -> tuple[ZoneStatus, ...]:
        """Tell what each read zone holds now."""
        return self._zones.zones()

    def _followed(self) -> ZoneMeter:
        settings = self._settings
        return ZoneMeter(settings.zone, TagRoles(settings.tags), lambda: to_us(self._clock.now().at))

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
                is_in_stock=self._is_in_stock,
            )
        self._readers.replace_all(self._recipes(settings.readers))
        if self._doors is not None:
            self._doors.start()  # after the readers, which drive its lamps

    def _replace_readers(self, before: AgentSettings) -> None:
        """Replace the readers that changed; doors go on, and wait for none of those meanwhile."""
        staying = [each for each in self._settings.readers if each in before.readers]
        self._readers.replace_all(self._recipes(staying))
        if self._doors is not None:
            for reader in (each for each in before.readers if each not in staying):
                self._doors.gone(reader.id)
        self._readers.replace_all(self._recipes(self._settings.readers))

    def _recipes(self, readers: Sequence[_ReaderSettings]) -> dict[str, Recipe[_Reader]]:
        return {each.id: Recipe(each, partial(self._make_reader, each)) for each in readers}

    def _close(self) -> datetime | None:
        doors, self._doors = self._doors, None
        if doors is None:
            return None
        doors.stop()
        self._past.update(doors.counted())
        return doors.undecided_since()

    def _make_reader(self, reader: _ReaderSettings) -> _Reader:
        listener = _ToDoors(reader.id, lambda: self._doors, self._meter, lambda: self._zones)
        if isinstance(reader, IotReaderSettings):
            in_time = InTime(listener, self.late)
            return IotReader(reader, in_time, quarantine=self._settings.outbox.parent)
        return LlrpReader(reader, listener)

    def _set_gpo(self, reader_id: str, port: int, is_on: bool) -> None:  # noqa: FBT001  a reader's own order
        for reader in self._readers.members():
            if reader.id == reader_id:
                reader.set_gpo(port, is_on)


def _is_listening(reader: _Reader) -> bool:
    is_listener = isinstance(reader, IotReader) and reader.settings.carrier == "listen"
    return is_listener and reader.counters.state is ReaderState.WAITING and not reader.counters.detail


def _beside(outbox: Path) -> Path:
    return outbox.with_name(ASSIGNMENTS)
