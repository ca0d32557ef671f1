"""When was nothing recorded, and why: states of scanners, outbox and clock in, gap records out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from contracts.records import Gap
from contracts.vocabulary import GapCause
from edge_agent.clock import ClockGap, Stamp
from edge_agent.outbox.draft import Draft, draft

NOTICED_AFTER: Final = timedelta(seconds=5)
"""A scanner that is back sooner left no gap."""
READER_NOTICED_AFTER: Final = timedelta(seconds=2)
"""For so long a tag may be silent in a portal's field without its visit being over."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether a reader is heard."""

    is_there: bool
    last_heard_at: datetime | None = None
    is_silent: bool = False
    """It is connected, or was, and stopped to speak: not unplugged."""


@dataclass(slots=True)
class Coverage:
    """Remembers what is missing now, so that each gap is recorded when it is noticed and when it ends."""

    gateway: str
    _missing_since: dict[str, datetime] = field(default_factory=dict)
    _told: dict[str, GapCause] = field(default_factory=dict)
    _full_since: datetime | None = None

    def was_down(self, last_alive_at: datetime, now: Stamp) -> Draft:
        """Record that the gateway itself did not run.

        Args:
            last_alive_at: When it last said that it ran.
            now: When it runs again.

        Returns:
            The gap.
        """
        return self._gap(self.gateway, last_alive_at, now, GapCause.DOWN, to_at=now.at)

    def was_late(self, reader: str, from_at: datetime, to_at: datetime, now: Stamp) -> Draft:
        """Record that what a reader saw came too late for the doors.

        Args:
            reader: Which.
            from_at: The first of it.
            to_at: The last of it.
            now: When it came.

        Returns:
            The gap.
        """
        return self._gap(reader, from_at, now, GapCause.SILENT, to_at=to_at)

    def observe(
        self,
        now: Stamp,
        *,
        is_open: Mapping[str, bool],
        is_full: bool,
        clock_gaps: Iterable[ClockGap],
        readers: Mapping[str, Presence] = MappingProxyType({}),
    ) -> list[Draft]:
        """Compare what is there with what was there.

        Args:
            now: The time of the observation.
            is_open: Whether each scanner's line is open, by device id.
            is_full: Whether the outbox refuses rows.
            clock_gaps: Stretches of distrust that began or ended since the last observation.
            readers: Whether each RFID reader is heard, by id.

        Returns:
            Gaps to record; while the outbox is full, the gap of that is kept back.
        """
        found = [
            self._gap(self.gateway, gap.from_at, now, GapCause.CLOCK, to_at=gap.to_at) for gap in clock_gaps
        ]
        for device, is_there in is_open.items():
            found += self._device(device, now, Presence(is_there), NOTICED_AFTER)
        for device, presence in readers.items():
            found += self._device(device, now, presence, READER_NOTICED_AFTER)
        for device in self._missing_since.keys() - is_open.keys() - readers.keys():
            del self._missing_since[device]
            self._told.pop(device, None)
        if is_full and self._full_since is None:
            self._full_since = now.at
        elif not is_full and self._full_since is not None:
            found.append(self._gap(self.gateway, self._full_since, now, GapCause.FULL, to_at=now.at))
            self._full_since = None
        return found

    def _device(self, device: str, now: Stamp, presence: Presence, noticed_after: timedelta) -> list[Draft]:
        if not presence.is_there:
            heard_at = presence.last_heard_at
            since = self._missing_since.setdefault(
                device, now.at if heard_at is None else min(heard_at, now.at)
            )
            if device in self._told or now.at - since < noticed_after:
                return []
            cause = self._told[device] = GapCause.SILENT if presence.is_silent else GapCause.DOWN
            return [self._gap(device, since, now, cause, to_at=None)]
        missing_since = self._missing_since.pop(device, None)
        cause_told = self._told.pop(device, None)
        if cause_told is None or missing_since is None:
            return []
        return [self._gap(device, missing_since, now, cause_told, to_at=now.at)]

    def _gap(
        self, device: str, from_at: datetime, now: Stamp, cause: GapCause, *, to_at: datetime | None
    ) -> Draft:
        ends_at = None if to_at is None else max(from_at, to_at)
        return draft(Gap, now, gap_device=device, from_at=from_at, to_at=ends_at, cause=cause)
