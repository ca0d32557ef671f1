"""Documents in; people at scanners work through them at a bounded rate, until the work or the time is up."""

import math
import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from simulators.retail.errands import ErrandFile, count_labels
from simulators.retail.operator import Label, Operator, labels, shift_begins
from simulators.retail.plan import Document
from simulators.retail.truth import TruthFile
from simulators.scanner.answers import AnswerReader
from simulators.scanner.device import LineStyle, PtyScanner

_PAUSE_MS = 20
"""Longest wait for an answer before unsent bytes, lost hosts and the pace are looked at again."""
PATIENCE_S = 15.0
"""Once stopped, how long people wait for a host that owes them answers."""


@dataclass(slots=True)
class Pace:
    """A rate of scans that is not exceeded over any stretch since the first."""

    per_second: float | None
    """None: as fast as scans are answered."""
    spent: int = 0
    _started_s: float | None = None

    def allows(self, now_s: float) -> bool:
        """Take one scan's worth of time, if there is any.

        Args:
            now_s: A monotonic clock, in seconds.

        Returns:
            Whether one more scan may go now.
        """
        if self._started_s is None:
            self._started_s = now_s
        if self.per_second is not None and self.spent >= 1 + (now_s - self._started_s) * self.per_second:
            return False
        self.spent += 1
        return True


@dataclass(slots=True)
class Station:
    """One person with one scanner."""

    device: PtyScanner
    operator: Operator
    answers: AnswerReader
    document: Document | None = None
    documents: int = 0
    """Documents begun."""
    is_heard: bool = False
    """A host has the device open."""
    turn: int = 0
    """Which scan of all was its last: at a slow pace, who waits longest goes first."""


class Replay:
    """Works through documents at all stations at once, in one thread."""

    def __init__(
        self,
        links: Sequence[Path],
        plan: Iterator[Document],
        truth: TruthFile,
        *,
        badge: str,
        window: int,
        pace: Pace,
        style: LineStyle,
        errands: Path | None = None,
    ) -> None:
        """Prepare the stations; nothing is plugged in yet.

        Args:
            links: The scanners' stable paths.
            plan: Documents in the order of work, lazily; ``Document.port`` counts the links.
            truth: Written ahead of each scan.
            badge: The token on every person's badge.
            window: Most scans of one scanner that wait for an answer, at least 1.
            pace: Most scans a second, over all scanners.
            style: How the devices speak; they need a display.
            errands: File with bins to count between documents; it may grow.
        """
        self.stations = [
            Station(PtyScanner(link, style), Operator(window), AnswerReader(style)) for link in links
        ]
        for station in self.stations:
            station.operator.work.extend(shift_begins(badge))
        self._plan = plan
        self._next = next(plan, None)
        self._truth = truth
        self._pace = pace
        self._errands = ErrandFile(errands, len(links))

    def run(
        self,
        may_go_on: Callable[[], bool],
        progress: Callable[["Replay"], None],
        may_stay: Callable[[], bool] = lambda: False,
    ) -> None:
        """Scan until the plan ends or nobody may go on, and wait for the answers that are due.

        Args:
            may_go_on: Asked often; once False, the papers are put away, and bins named so far are counted.
            progress: Told often how far it is.
            may_stay: Asked often; while True, whoever has nothing to scan waits for bins to count.

        Raises:
            OutOfStepError: If a host answers what was not scanned.
            LinesError: If an errand cannot be read.
        """
        with ExitStack() as stack:
            for station in self.stations:
                stack.enter_context(station.device)
            is_over, give_up_s = False, math.inf
            while time.monotonic() < give_up_s:
                if not is_over and not may_go_on():
                    self._stop()
                    is_over = True
                stays = may_stay()
                if is_over and not stays and give_up_s == math.inf:
                    give_up_s = time.monotonic() + PATIENCE_S
                self._hand_out()
                is_idle = self._next is None and all(station.operator.is_idle for station in self.stations)
                if is_idle and not stays:
                    return
                for station in sorted(self.stations, key=lambda each: each.turn):
                    self._scan(station)
                self._listen()
                progress(self)

    def _stop(self) -> None:
        self._next = None
        for station in self.stations:
            station.operator.stop()

    def _hand_out(self) -> None:
        """Give errands, and the next documents while the next one's scanner has room, to their scanners."""
        for errand in self._errands.new():
            self.stations[errand.port].operator.put_before_next_document(count_labels(errand))
        while self._next is not None:
            station = self.stations[self._next.port]
            if len(station.operator.work) > station.operator.window:
                return
            station.operator.work.extend(labels(self._next))
            self._next = next(self._plan, None)

    def _scan(self, station: Station) -> None:
        if not station.device.is_heard():
            if station.is_heard:
                station.is_heard = False
                station.operator.lose_host()
                station.device.forget_unsent()
                station.answers.forget()
            return
        station.is_heard = True
        station.device.flush()
        while (
            station.operator.may_scan
            and not station.device.unsent_bytes
            and self._pace.allows(time.monotonic())
        ):
            label, is_first_time = station.operator.next_label()
            station.turn = self._pace.spent
            if is_first_time:
                self._tell(station, label)
            station.device.scan(label.text)

    def _tell(self, station: Station, label: Label) -> None:
        """Write the truth of a label ahead of its scan."""
        if label.document is None:
            return
        if label.document is not station.document:
            station.document = label.document
            station.documents += 1
            self._truth.begin(label.document)
        if label.move is not None:
            self._truth.tell(label.document, label.move)

    def _listen(self) -> None:
        poll = select.poll()
        by_fd = {station.device.fd: station for station in self.stations if station.is_heard}
        for fd in by_fd:
            poll.register(fd, select.POLLIN)
        for fd, _ in poll.poll(_PAUSE_MS):
            station = by_fd[fd]
            for answer in station.answers.feed(station.device.hear()):
                station.operator.hear(answer)
