"""The doors at work: what readers say in; durable records, lamps and counts out, on one thread of its own."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

import structlog

from contracts.records import Crossing, RowRef
from contracts.vocabulary import CrossingDirection
from edge_agent.clock import Clock
from edge_agent.decode.tag_role import TagRole, TagRoles, is_private
from edge_agent.doors.assignments import Assignments
from edge_agent.doors.belonging import CROSSINGS
from edge_agent.doors.domain import Decision
from edge_agent.doors.horizon import LATE_US, Horizon
from edge_agent.doors.lamps import Lamps
from edge_agent.doors.last_crossings import LastCrossings
from edge_agent.doors.light_stack import EVERYWHERE, LightStacks
from edge_agent.doors.lookout import Lookout
from edge_agent.doors.posting import Posting
from edge_agent.doors.records import drafts_of
from edge_agent.doors.tally import VisitTally
from edge_agent.doors.visits import from_us, to_us
from edge_agent.filters.passage import Passage
from edge_agent.filters.portal import PortalFilter
from edge_agent.filters.site import Portal, Signal
from edge_agent.outbox.draft import Draft
from edge_agent.outbox.errors import OutboxError
from edge_agent.readers.raw_read import RawRead, Seen

MEMORY: Final = "@doors"
"""The device name under which the outbox remembers what doors must know after a restart."""
WAITING_BATCHES: Final = 2000
TICK_S: Final = 0.1
RETRY_S: Final = 1.0
MOST_UNSTORED: Final = 20_000
"""Drafts kept while the outbox refuses them."""
GROUP_DRAFTS: Final = 100
"""Passages share a transaction up to about so many records; one passage's are never split."""
LONGEST_WAIT_US: Final = 10_000_000
"""A tag that stands in the field undecided holds up what may have come with it, but not for longer."""
_MARGIN_US: Final = 1_000_000
_NEVER: Final = (0, 0)

log = structlog.get_logger(__name__)


_Entry = tuple[Passage, Decision, tuple[Draft, ...]]


class DoorJournal(Protocol):
    """Where records become durable."""

    def commit(self, device: str, state: bytes, drafts: Sequence[Draft]) -> Sequence[RowRef]:
        """Store records and what ``recall`` gives later, in one transaction."""

    def recall(self, device: str) -> bytes | None:
        """Give what was last stored for a device."""


@dataclass(frozen=True, slots=True)
class _Silence:
    """A reader has nothing to tell, or is lost."""

    reader: str
    at_us: int | None
    is_new: bool = False
    """It was connected just now, perhaps in the place of another."""


@dataclass(slots=True)
class DoorCounters:
    """What the doors have done since they were opened."""

    antennas: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    """By reader and antenna: reads, and when it was last heard, in microseconds since 1970."""
    events: Counter[str] = field(default_factory=Counter)


class Doors:
    """All portals of a gateway. ``take`` may be called from any thread."""

    def __init__(
        self,
        portals: Sequence[Portal],
        roles: TagRoles,
        assignments: Assignments,
        journal: DoorJournal,
        clock: Clock,
        *,
        set_gpo: Callable[[str, int, bool], None],
        whereabouts: Callable[[str], str | None] = lambda _unit: None,
        is_in_stock: Callable[[str], bool] = lambda _unit: False,
    ) -> None:
        """Prepare; ``start`` starts the thread.

        Args:
            portals: The doors.
            roles: What tags are.
            assignments: Which visits are expected.
            journal: Where records go.
            clock: The gateway's clock.
            set_gpo: Drives an output of a reader.
            whereabouts: Where a scan of this gateway has put a unit, if it stands there still.
            is_in_stock: Whether a unit is known to be the site's.
        """
        self._portals: dict[str, Portal] = {portal.id: portal for portal in portals}
        self._roles = roles
        self._journal = journal
        self._clock = clock
        self._filter = PortalFilter(portals)
        self._posting = Posting(portals, roles, assignments.in_force, whereabouts)
        self._lookout = Lookout(portals, roles, assignments.in_force, is_in_stock)
        self._lamps = Lamps(set_gpo)
        self._stacks = LightStacks(portals, set_gpo)
        self.visits = VisitTally.load(journal.recall(MEMORY))
        self.counters = DoorCounters()
        self.crossings = LastCrossings()
        self._batches: deque[list[Seen] | _Silence] = deque()
        self._horizon = Horizon()
        self._wake = threading.Condition()
        self._unstored: deque[_Entry] = deque()
        self._unstored_drafts = 0
        self._retry_at_s = 0.0
        self._is_refused = False
        self._is_stopping = False
        self._undecided_us = to_us(clock.now().at) - LATE_US - _MARGIN_US
        self._thread = threading.Thread(target=self._run, name="doors")

    def start(self) -> None:
        """Start deciding."""
        self._thread.start()

    def stop(self) -> None:
        """Take what readers have said, then stop and join; visits that go on are left undecided."""
        with self._wake:
            self._is_stopping = True
            self._wake.notify()
        if self._thread.ident is not None:
            self._thread.join()
        self._lamps.all_off()
        self._stacks.all_off()

    def take(self, batch: list[Seen]) -> None:
        """Take what a reader said; returns at once.

        Args:
            batch: Reads and changes of inputs, at least one.
        """
        if not self._put(batch):
            self.counters.events["reads_dropped"] += len(batch)

    def connected(self, reader: str) -> None:
        """Take note that a reader is there from now on; from its own thread.

        Args:
            reader: Which.
        """
        self._put(_Silence(reader, to_us(self._clock.now().at), is_new=True))

    def silent(self, reader: str) -> None:
        """Take note that a reader is there and has nothing to tell; from its own thread.

        Args:
            reader: Which.
        """
        self._put(_Silence(reader, to_us(self._clock.now().at)))

    def gone(self, reader: str) -> None:
        """Take note that a reader is lost; from its own thread.

        Args:
            reader: Which.
        """
        self._put(_Silence(reader, None))

    def _put(self, said: "list[Seen] | _Silence") -> bool:
        with self._wake:
            if len(self._batches) >= WAITING_BATCHES:
                return False
            self._batches.append(said)
            self._wake.notify()
            return True

    def undecided_since(self) -> datetime:
        """Tell from when on something may still be recorded, for completeness (PROTOCOL P6).

        Returns:
            The earliest instant of which not everything is recorded yet.
        """
        return from_us(self._undecided_us)

    def counted(self) -> dict[str, int]:
        """Give what was done, by name, for the gateway's health.

        Returns:
            ``raw_reads``, ``reads_*``, ``crossings_*``, ``dropped_*`` by role, ``antenna_reads_*``.
        """
        antennas = dict(self.counters.antennas)
        return {
            "raw_reads": sum(reads for reads, _ in antennas.values()),
            "reads_elsewhere": self._filter.elsewhere,
            "reads_dropped": 0,
            "crossings_lost": 0,
            "crossings_refused": 0,
            **dict(self.counters.events),
            **{f"antenna_reads_{reader}_{n}": reads for (reader, n), (reads, _) in antennas.items()},
        }

    @property
    def tags(self) -> int:
        """Tags in all fields now."""
        return self._filter.tags

    def _run(self) -> None:
        next_tick_s = 0.0
        while True:
            said = self._next(next_tick_s - time.monotonic())
            if isinstance(said, _Silence):
                self._be_silent(said)
            elif said is not None:
                self._take(said)
            now_s = time.monotonic()
            if now_s >= next_tick_s:
                next_tick_s = now_s + TICK_S
                self._tick(now_s)
            if said is None and self._is_stopping:
                self._store()
                return

    def _next(self, wait_s: float) -> "list[Seen] | _Silence | None":
        with self._wake:
            if not self._batches and wait_s > 0 and not self._is_stopping:
                self._wake.wait(wait_s)
            return self._batches.popleft() if self._batches else None

    def _tick(self, now_s: float) -> None:
        """Let time pass for tags that are silent now, as far as everything is heard."""
        self._lamps.tick(now_s)
        self._stacks.tick(now_s)
        now_us = to_us(self._clock.now().at)
        heard_us = self._horizon.at(now_us)
        self._decided(self._filter.advance(heard_us))
        if self._unstored and now_s >= self._retry_at_s:
            self._store()
        open_us = [heard_us - _MARGIN_US]
        open_us += [
            since_us
            for since_us in (self._filter.open_since_us, self._posting.waiting_since_us)
            if since_us is not None
        ]
        open_us.extend(passage.first_seen_us for passage, _, _ in self._unstored)
        self._undecided_us = min(open_us)

    def _take(self, batch: list[Seen]) -> None:
        ours: list[Seen] = []
        heard: dict[tuple[str, int], tuple[int, int]] = {}
        for seen in batch:
            if not isinstance(seen, RawRead):
                self._lookout.change(seen)
                ours.append(seen)
                continue
            port = (seen.reader, seen.antenna)
            reads, last_us = heard.get(port, _NEVER)
            heard[port] = (reads + 1, max(last_us, seen.seen_us))
            if self._is_ours(seen):
                ours.append(seen)
        self._count(heard)
        self._decided(self._filter.take_many(ours))
        self._horizon.read(batch[0].reader, max(seen.seen_us for seen in batch))

    def _be_silent(self, said: "_Silence") -> None:
        self._stacks.fault(said.reader, is_there=said.at_us is None)
        if said.is_new:
            self._stacks.connected(said.reader)
        if said.at_us is None:
            self._horizon.gone(said.reader)
        else:
            self._horizon.silent(said.reader, said.at_us)

    def _is_ours(self, read: RawRead) -> bool:
        _, role = self._roles.of(read.epc)
        if is_private(role):
            self.counters.events[f"dropped_{role}"] += 1
            return False
        if role is TagRole.LOGISTIC_UNIT and (portal := self._lookout.take(read)) is not None:
            self._tell(portal, "wrong")
        return True

    def _count(self, heard: dict[tuple[str, int], tuple[int, int]]) -> None:
        antennas = self.counters.antennas
        for port, (reads, last_us) in heard.items():
            before, last_before_us = antennas.get(port, _NEVER)
            antennas[port] = (before + reads, max(last_us, last_before_us))

    def _settled_us(self, now_us: int) -> int:
        """Until when every passage is known; nobody waits for longer than 10 s."""
        times = (self._horizon.at(now_us), self._filter.open_since_us)
        known_us = min(at_us for at_us in times if at_us is not None) - _MARGIN_US
        return max(known_us, now_us - LONGEST_WAIT_US)

    def _decided(self, passages: list[Passage]) -> None:
        if not passages and self._posting.waiting_since_us is None:
            return
        for portal in filter(None, map(self._lookout.take_passage, passages)):
            self._tell(portal, "wrong")
        now = self._clock.now()
        settled_us = self._settled_us(to_us(now.at))
        for passage, decision in self._posting.take(passages, settled_us, self._filter.is_open):
            drafts = drafts_of(passage, decision, now)
            self._unstored.append((passage, decision, drafts))
            self._unstored_drafts += len(drafts)
        self._shed()
        self._store()

    def _shed(self) -> None:
        while self._unstored_drafts > MOST_UNSTORED:
            passage, _, drafts = self._unstored.popleft()
            self._unstored_drafts -= len(drafts)
            self.counters.events["crossings_lost"] += 1
            log.error("crossing_lost", portal=passage.portal, epc=passage.epc, waiting=len(self._unstored))

    def _store(self) -> None:
        """Store what waits, oldest first, one transaction for a few passages at a time."""
        while self._unstored:
            group = self._group()
            drafts = [draft for _, _, some in group for draft in some]
            counted = self.visits.after(decision for _, decision, _ in group)
            try:
                self._journal.commit(MEMORY, counted.dump(), drafts)
            except OutboxError as error:
                self.counters.events["crossings_refused"] += len(group)
                if not self._is_refused:
                    log.error("crossings_not_stored", waiting=len(self._unstored), detail=str(error))  # noqa: TRY400  no traceback needed
                self._is_refused = True
                self._stacks.fault(EVERYWHERE, is_there=True)
                self._retry_at_s = time.monotonic() + RETRY_S
                return
            if self._is_refused:
                self._is_refused = False
                self._stacks.fault(EVERYWHERE, is_there=False)
                log.info("crossings_stored_again", waiting=len(self._unstored))
            self.visits = counted
            for entry in group:
                self._unstored.popleft()
                self._unstored_drafts -= len(entry[2])
                self._stored(*entry)

    def _group(self) -> list[_Entry]:
        group: list[_Entry] = []
        count = 0
        for entry in self._unstored:
            if group and count + len(entry[2]) > GROUP_DRAFTS:
                break
            group.append(entry)
            count += len(entry[2])
        return group

    def _stored(self, passage: Passage, decision: Decision, drafts: tuple[Draft, ...]) -> None:
        events = self.counters.events
        events[f"crossings_{decision.direction}"] += 1
        events[f"crossings_{decision.posted}"] += 1
        if decision.because is not None:
            events[f"crossings_because_{decision.because}"] += 1
        if decision.posted != "evidence":
            self._stacks.show(passage.portal, _signal_of(decision), time.monotonic())
        is_held_crossing = decision.posted == "held" and decision.direction in CROSSINGS
        if decision.thing.unit is not None and (decision.moves or is_held_crossing):
            self._tell_unit(passage, decision, decision.thing.unit)
        record = drafts[0].record
        if isinstance(record, Crossing) and decision.direction is not CrossingDirection.STRAY:
            self.crossings.add(record)

    def _tell_unit(self, passage: Passage, decision: Decision, unit: str) -> None:
        portal = self._portals[passage.portal]
        if self._lookout.is_wrong(unit, portal.id, passage.occurred_us):
            if not self._lookout.has_told(portal.id, passage.epc, passage.occurred_us):
                self._tell(portal, "wrong")
        elif decision.moves and decision.because is None:
            self._tell(portal, "ok")

    def _tell(self, portal: Portal, signal: str) -> None:
        self.counters.events[f"doors_told_{signal}"] += 1
        if portal.feedback is None or signal not in {"ok", "wrong"}:
            return
        output = portal.gpo("ok" if signal == "ok" else "wrong")
        if output is not None:
            self._lamps.light(output, portal.feedback.seconds, time.monotonic())


def _signal_of(decision: Decision) -> Signal:
    if decision.posted == "held":
        return "undecided"
    return "in" if decision.direction is CrossingDirection.IN else "out"
