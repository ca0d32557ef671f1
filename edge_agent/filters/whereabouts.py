"""In which read zone a tag is: reads in; arrived, moved and departed out, each with how sure that is.

Streaming and pure: time comes in the data only. Per tag and zone a ring of 20 levels is kept, and only for
tags that were heard of late. The rule is that of the EdgeX and RSP middleware (``ReadZone``); the confidence
is ours.
"""

import heapq
import math
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, Literal

from edge_agent.filters.read import usable_dbm
from edge_agent.filters.read_zone import ReadZone
from edge_agent.readers.raw_read import RawRead, Seen

RING: Final = 20
LEAST_READS: Final = 2
MOST_TAGS: Final = 50_000
"""Beyond it the tag that was heard least lately departs early."""
_MOST_CONFIDENT: Final = 0.999
_FEW_READS: Final = 0.5
"""Of n reads nothing is surer than 1 - this / n."""
_STEP_US: Final = 10_000_000
"""Older than this against the newest read means that the reader's clock stepped back."""
_when = attrgetter("seen_us")


@dataclass(frozen=True, slots=True)
class ZoneEvent:
    """A tag came, went to another zone, or is gone."""

    kind: Literal["arrived", "moved", "departed"]
    epc: str
    zone: str
    """Where it is now; of a departed one where it was."""
    before: str | None
    """Where a moved one was."""
    occurred_us: int
    """The read that told; of a departed one the last."""
    confidence: float
    """How likely it is truly so."""
    reads: int
    """Heard in this zone since it came, at most 20."""


class _Tag:
    """One tag of late; mutable and small."""

    __slots__ = ("here", "last_us", "longest_us", "rings")

    def __init__(self, at_us: int) -> None:
        self.here: str | None = None
        self.last_us = at_us
        self.longest_us = 0
        """The longest silence between two reads."""
        self.rings: dict[str, tuple[deque[float], int]] = {}
        """By zone: levels, and the last one's time."""


class Whereabouts:
    """Follows tags through read zones; not thread-safe, one thread owns it."""

    def __init__(self, zones: Sequence[ReadZone], most_tags: int = MOST_TAGS) -> None:
        """Begin with nobody.

        Args:
            zones: Validated together (``read_zone.ReadZones``).
            most_tags: So many are followed at a time.
        """
        self._most_tags = most_tags
        self._zones = {str(zone.id): zone for zone in zones}
        self._places: dict[tuple[str, int], tuple[str, float]] = {}
        for zone in zones:
            for port in zone.antennas:
                reader, _, number = port.partition(":")
                self._places[reader, int(number)] = str(zone.id), zone.offsets_db.get(port, 0.0)
        self._tags: OrderedDict[str, _Tag] = OrderedDict()
        """Those that were heard least lately first."""
        self._due: list[tuple[int, str]] = []
        self.now_us = -1

    @property
    def tags(self) -> int:
        """Tags of late."""
        return len(self._tags)

    def zone_of(self, epc: str) -> str | None:
        """Tell where a tag is.

        Args:
            epc: Which.

        Returns:
            The zone's id; None if it is in none.
        """
        tag = self._tags.get(epc)
        return None if tag is None else tag.here

    def chances_of(self, epc: str) -> dict[str, float]:
        """Tell how likely a tag is in each zone that heard it of late.

        Args:
            epc: Which.

        Returns:
            Chances by zone, their sum 1; empty if it was not heard.
        """
        tag = self._tags.get(epc)
        return {} if tag is None else self._chances(tag)

    def take_many(self, batch: Iterable[Seen]) -> list[ZoneEvent]:
        """Take a report; its reads may stand in any order.

        Args:
            batch: Reads; changes of inputs and antennas of no zone say nothing here.

        Returns:
            What happened.
        """
        events: list[ZoneEvent] = []
        for seen in sorted(batch, key=_when):
            place = self._places.get((seen.reader, seen.antenna)) if isinstance(seen, RawRead) else None
            if place is not None and isinstance(seen, RawRead):
                events += self.advance(seen.seen_us)
                self._heard(seen.epc, seen.seen_us, place[0], usable_dbm(seen.rssi_dbm) + place[1], events)
        return events

    def advance(self, now_us: int) -> list[ZoneEvent]:
        """Let time pass.

        Args:
            now_us: No read older than this is expected any more.

        Returns:
            Who departed meanwhile.
        """
        if now_us < self.now_us - _STEP_US:
            gone = [event for epc in list(self._tags) for event in self._depart(epc)]
            self._due.clear()
            self.now_us = now_us
            return gone
        self.now_us = max(self.now_us, now_us)
        events: list[ZoneEvent] = []
        while self._due and self._due[0][0] <= self.now_us:
            _, epc = heapq.heappop(self._due)
            tag = self._tags.get(epc)
            if tag is None:
                continue
            until_us = tag.last_us + self._patience_us(tag)
            if until_us <= self.now_us:
                events += self._depart(epc)
            else:
                self._wait_for(epc, until_us)
        return events

    def _heard(self, epc: str, at_us: int, zone: str, dbm: float, events: list[ZoneEvent]) -> None:
        tag = self._tags.get(epc)
        if tag is None:
            tag = self._tags[epc] = _Tag(at_us)
            self._wait_for(epc, at_us + self._patience_us(tag))
        self._tags.move_to_end(epc)
        tag.longest_us = max(tag.longest_us, at_us - tag.last_us)
        tag.last_us = max(tag.last_us, at_us)
        ring, _ = tag.rings.get(zone, (deque[float](maxlen=RING), 0))
        ring.append(dbm)
        tag.rings[zone] = ring, at_us
        if tag.here != zone and self._takes_over(tag, zone, at_us):
            before, tag.here = tag.here, zone
            kind: Literal["arrived", "moved"] = "arrived" if before is None else "moved"
            sure = min(self._chances(tag)[zone], 1.0 - _FEW_READS / len(ring), _MOST_CONFIDENT)
            events.append(ZoneEvent(kind, epc, zone, before, at_us, sure, len(ring)))
        if len(self._tags) > self._most_tags:
            events += self._depart(next(iter(self._tags)))

    def _wait_for(self, epc: str, until_us: int) -> None:
        heapq.heappush(self._due, (until_us, epc))
        if len(self._due) > 2 * self._most_tags:  # of tags that had to go early
            self._due = [each for each in self._due if each[1] in self._tags]
            heapq.heapify(self._due)

    def _takes_over(self, tag: _Tag, zone: str, at_us: int) -> bool:
        ring, _ = tag.rings[zone]
        if len(ring) < LEAST_READS:
            return False
        if tag.here is None:
            return True
        old, heard_us = tag.rings[tag.here]
        rule = self._zones[tag.here]
        silent_s = (at_us - heard_us) * 1e-6 - rule.hold_off_s
        margin = min(rule.margin_db, rule.margin_db - rule.fade_db_per_s * silent_s)
        return sum(ring) / len(ring) > sum(old) / len(old) + margin

    def _chances(self, tag: _Tag) -> dict[str, float]:
        """Weigh zones by their levels, those that fell silent fading as the rule fades them."""
        worth = {}
        for zone, (ring, heard_us) in tag.rings.items():
            rule = self._zones[zone]
            silent_s = max((tag.last_us - heard_us) * 1e-6 - rule.hold_off_s, 0.0)
            worth[zone] = (sum(ring) / len(ring) - rule.fade_db_per_s * silent_s) / rule.scale_db
        top = max(worth.values())
        parts = {zone: math.exp(each - top) for zone, each in worth.items()}
        total = sum(parts.values())
        return {zone: part / total for zone, part in parts.items()}

    def _patience_us(self, tag: _Tag) -> int:
        rules = [self._zones[zone] for zone in tag.rings] if tag.here is None else [self._zones[tag.here]]
        seconds = max((rule.departed_after_s for rule in rules or self._zones.values()), default=0.0)
        return round(seconds * 1e6)

    def _depart(self, epc: str) -> Iterable[ZoneEvent]:
        tag = self._tags.pop(epc)
        if tag.here is None:
            return  # heard once: it never arrived
        silent_us = max(self.now_us - tag.last_us, 1)
        sure = silent_us / (silent_us + tag.longest_us)
        ring, _ = tag.rings[tag.here]
        yield ZoneEvent("departed", epc, tag.here, None, tag.last_us, min(sure, _MOST_CONFIDENT), len(ring))
