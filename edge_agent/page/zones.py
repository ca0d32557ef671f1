"""What each read zone holds: batches of readers in; tags there now, and how many came and went, out."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from edge_agent.decode.tag_role import TagRoles, is_private
from edge_agent.filters.read_zone import ReadZone
from edge_agent.filters.whereabouts import Whereabouts, ZoneEvent
from edge_agent.readers.raw_read import RawRead, Seen

_NEAR_US: Final = 5_000_000
"""A read farther from the gateway's clock says nothing of where a tag is now."""


@dataclass(frozen=True, slots=True)
class ZoneStatus:
    """One zone, as the page shows it."""

    id: str
    location: str
    tags: int
    """There now."""
    came: int
    """Since the zones were set up, from another zone or from nowhere."""
    went: int


class ZoneMeter:
    """Follows tags through zones and counts them; private ones are never followed. Any thread may call it."""

    def __init__(self, zones: Sequence[ReadZone], roles: TagRoles, now_us: Callable[[], int]) -> None:
        """Begin with nobody.

        Args:
            zones: Validated together.
            roles: What tags are.
            now_us: The gateway's clock, in microseconds since 1970.
        """
        self._zones = zones
        self._ports = {port for zone in zones for port in zone.antennas}
        self._roles = roles
        self._now_us = now_us
        self._places = Whereabouts(zones)
        self._came: Counter[str] = Counter()
        self._went: Counter[str] = Counter()
        self._late = 0
        self._lock = threading.Lock()

    def take(self, batch: Iterable[Seen]) -> None:
        """Take what a reader said.

        Args:
            batch: Reads; those of antennas of no zone say nothing here.
        """
        heard = [seen for seen in batch if isinstance(seen, RawRead) and self._is_in_a_zone(seen)]
        if not heard:
            return
        now_us = self._now_us()
        with self._lock:
            ours = [seen for seen in heard if not is_private(self._roles.of(seen.epc)[1])]
            near = [seen for seen in ours if abs(now_us - seen.seen_us) <= _NEAR_US]
            self._late += len(ours) - len(near)
            self._count(self._places.take_many(near))

    def zones(self) -> tuple[ZoneStatus, ...]:
        """Tell what each zone holds now."""
        with self._lock:
            self._count(self._places.advance(self._now_us() - _NEAR_US))
            return tuple(
                ZoneStatus(
                    each.id,
                    each.location,
                    self._came[each.id] - self._went[each.id],
                    self._came[each.id],
                    self._went[each.id],
                )
                for each in self._zones
            )

    def counted(self) -> dict[str, int]:
        """Give what was done, by name, for the gateway's health.

        Returns:
            ``zone_came_*`` and ``zone_went_*`` by zone, and ``zone_reads_late``; nothing without zones.
        """
        if not self._zones:
            return {}
        found = {"zone_reads_late": self._late}
        for each in self.zones():
            found |= {f"zone_came_{each.id}": each.came, f"zone_went_{each.id}": each.went}
        return found

    def _is_in_a_zone(self, read: RawRead) -> bool:
        return f"{read.reader}:{read.antenna}" in self._ports

    def _count(self, events: Iterable[ZoneEvent]) -> None:
        for event in events:
            if event.kind != "departed":
                self._came[event.zone] += 1
            gone_from = event.zone if event.kind == "departed" else event.before
            if gone_from is not None:
                self._went[gone_from] += 1
