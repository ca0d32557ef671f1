"""Labels that scanners asked for, printed by a thread for each printer: a dead one holds nobody up."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from contracts.labels import LabelOrder
from edge_agent.labels.desk import LabelDesk

MOST_WAITING: Final = 20
"""Labels before one printer; whoever asks for more is told."""
MOST_TOLD: Final = 400
"""Characters of what went wrong: it stands in a record's note."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Printed:
    """What came of a label."""

    order: LabelOrder
    actor: str | None
    """Who asked for it."""
    problem: str | None
    """What went wrong; None: nothing."""


class PrintQueues:
    """Takes orders from any thread and never waits; what came of them is asked for."""

    def __init__(self, desk: LabelDesk) -> None:
        """Prepare them; a printer's thread starts with its first label.

        Args:
            desk: Prints.
        """
        self._desk = desk
        self._lock = threading.Lock()
        self._queues: dict[str, _Queue] = {}
        self._done: dict[str, queue.SimpleQueue[Printed]] = {}
        self._is_stopping = False

    def request(self, device: str, order: LabelOrder, actor: str | None) -> None:
        """Ask for a label; its record is durable.

        Args:
            device: The scanner.
            order: What.
            actor: Who asks.
        """
        printer = self._desk.printer_of(device)
        if printer is None:
            self._tell(device, order, actor, "no printer prints for this scanner")
            return
        with self._lock:
            waiting = None if self._is_stopping else self._queue_of(printer.id)
            if waiting is not None and waiting.take(lambda: self._print(device, order, actor)):
                return
        why = "the agent stops" if waiting is None else f"{MOST_WAITING} labels wait for printer {printer.id}"
        self._tell(device, order, actor, why)

    def results(self, device: str) -> list[Printed]:
        """Give what came of a scanner's labels since it was asked last.

        Args:
            device: The scanner.

        Returns:
            In the order in which it became known.
        """
        done, found = self._done_of(device), []
        while not done.empty():
            found.append(done.get_nowait())
        return found

    def stop(self) -> None:
        """Let each printer end its label; those that wait are not printed, which their scanners are told."""
        with self._lock:
            self._is_stopping = True
            queues = list(self._queues.values())
        for each in queues:
            each.stop()

    def _queue_of(self, printer: str) -> "_Queue":
        if printer not in self._queues:
            self._queues[printer] = _Queue(printer)
        return self._queues[printer]

    def _print(self, device: str, order: LabelOrder, actor: str | None) -> None:
        try:
            problem = "the agent stops" if self._is_stopping else self._desk.print_label(device, order)
        except Exception as error:  # the scanner that waits is told, and the printer's thread goes on
            log.exception("label_fault", scanner=device)
            problem = f"a fault of the agent, look into its log ({type(error).__name__}: {error})"
        self._tell(device, order, actor, problem)

    def _tell(self, device: str, order: LabelOrder, actor: str | None, problem: str | None) -> None:
        told = None if problem is None else problem.replace("\0", "")[:MOST_TOLD]
        self._done_of(device).put(Printed(order, actor, told))

    def _done_of(self, device: str) -> queue.SimpleQueue[Printed]:
        return self._done.setdefault(device, queue.SimpleQueue())


class _Queue:
    """One printer's thread and what waits for it."""

    def __init__(self, printer: str) -> None:
        self._waiting: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name=f"printer-{printer}")
        self._thread.start()

    def take(self, work: Callable[[], None]) -> bool:
        if self._waiting.qsize() >= MOST_WAITING:
            return False
        self._waiting.put(work)
        return True

    def stop(self) -> None:
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (work := self._waiting.get()) is not None:
            work()
