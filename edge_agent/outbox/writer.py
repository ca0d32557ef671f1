"""The one thread that writes: appended rows in, each made durable in one commit with its neighbours."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import Final, TypeVar, cast

from edge_agent.outbox.book import Memory, Row
from edge_agent.outbox.errors import OutboxClosedError

GROUP_ROWS: Final = 200
"""Rows after which a commit takes no more appends along; one append is never split."""
WAITING_JOBS: Final = 1000
TICK_S: Final = 0.5

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Append:
    rows: Sequence[Row]
    memories: Sequence[Memory]
    done: "Future[tuple[str, int]]" = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class _Call:
    work: Callable[[], object]
    done: "Future[object]" = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class _Stop:
    pass


_Job = _Append | _Call | _Stop


class Writer:
    """Runs everything that touches the file, one after another, in a thread of its own.

    Appends that arrive while a commit is under way share the next one; alone, an append is committed at
    once. So nobody waits for company, and a crowd pays for one fsync.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Row], Sequence[Memory]], tuple[str, int]],
        tick: Callable[[], bool],
    ) -> None:
        """Start the thread.

        Args:
            commit: Stores rows and memories durably and returns their epoch and the first one's seq.
            tick: Housekeeping, twice a second; returns True if it wants to be called again at once.
        """
        self._commit = commit
        self._tick = tick
        self._jobs: Queue[_Job] = Queue(WAITING_JOBS)
        self._gate = threading.Lock()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="outbox-writer")
        self._thread.start()

    def append(self, rows: Sequence[Row], memories: Sequence[Memory] = ()) -> tuple[str, int]:
        """Store rows, and what devices must remember, and wait until they are durable.

        Args:
            rows: At least one, unless there is something to remember.
            memories: Committed in the same transaction.

        Returns:
            Their epoch and the seq of the first.

        Raises:
            OutboxClosedError: If the writer is closing.
        """
        job = _Append(rows, memories)
        self._put(job)
        return job.done.result()

    def call(self, work: Callable[[], T]) -> T:
        """Run something on the writer's thread and wait for it.

        Args:
            work: Any work on the book.

        Returns:
            Its result.

        Raises:
            OutboxClosedError: If the writer is closing.
        """
        job = _Call(work)
        self._put(job)
        return cast("T", job.done.result())

    def close(self) -> None:
        """Finish what is waiting, then stop and join the thread."""
        with self._gate:
            if not self._is_closed:
                self._is_closed = True
                self._jobs.put(_Stop())
        self._thread.join()

    def _put(self, job: _Append | _Call) -> None:
        with self._gate:
            if self._is_closed:
                raise OutboxClosedError("the outbox is closing; nothing was stored")
            self._jobs.put(job)

    def _run(self) -> None:
        try:
            self._serve()
        finally:
            self._is_closed = True
            self._refuse_waiting()  # lets go whoever holds the gate before a full queue
            with self._gate:
                self._refuse_waiting()

    def _refuse_waiting(self) -> None:
        with suppress(Empty):
            while True:
                job = self._jobs.get_nowait()
                if not isinstance(job, _Stop):
                    job.done.set_exception(OutboxClosedError("the outbox has closed; nothing was stored"))

    def _serve(self) -> None:
        wants_more, next_tick = True, time.monotonic()
        while True:
            try:
                job: _Job | None = self._jobs.get(timeout=0 if wants_more else TICK_S)
            except Empty:
                job = None
            while isinstance(job, _Append):
                job = self._commit_with_neighbours(job)
            if isinstance(job, _Call):
                _settle(job.done, job.work)
            elif isinstance(job, _Stop):
                return
            if (wants_more and job is None) or time.monotonic() >= next_tick:
                wants_more = self._tick()
                next_tick = time.monotonic() + TICK_S

    def _commit_with_neighbours(self, first: _Append) -> _Job | None:
        members, rows, leftover = [first], list(first.rows), None
        while len(rows) < GROUP_ROWS and leftover is None:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                break
            if isinstance(job, _Append) and len(rows) + len(job.rows) <= GROUP_ROWS:
                members.append(job)
                rows.extend(job.rows)
            else:
                leftover = job
        try:
            epoch, seq = self._commit(rows, [memory for member in members for memory in member.memories])
        except Exception as error:  # noqa: BLE001  every caller that waits gets it
            for member in members:
                member.done.set_exception(error)
            return leftover
        for member in members:
            member.done.set_result((epoch, seq))
            seq += len(member.rows)
        return leftover


def _settle(done: "Future[object]", work: Callable[[], object]) -> None:
    try:
        result = work()
    except Exception as error:  # noqa: BLE001  the caller that waits gets it
        done.set_exception(error)
    else:
        done.set_result(result)
