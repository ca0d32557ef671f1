"""The outbox: drafts in, durable on return; sealed batches out, until the ledger acknowledges them."""

import fcntl
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Final, TypeVar

import structlog

from contracts.base import is_valid_id
from contracts.feedback import Ack
from edge_agent.clock import Clock
from edge_agent.outbox.acks import apply_ack
from edge_agent.outbox.book import LARGEST_RECORD, Book, Memory, Row
from edge_agent.outbox.domain import (
    AckOutcome,
    Cursor,
    Lane,
    OutboxStats,
    SealedBatch,
    Stored,
    from_us,
    to_us,
)
from edge_agent.outbox.draft import Draft
from edge_agent.outbox.errors import (
    DiskFullError,
    OutboxError,
    OutboxFullError,
    OutboxInUseError,
    RecordTooLargeError,
    StoreCorruptError,
)
from edge_agent.outbox.salvage import (
    SalvageReport,
    check_log,
    finish_quarantine,
    quarantine,
    quarantined,
    salvage,
)
from edge_agent.outbox.space import SMALLEST_BALLAST, Space
from edge_agent.outbox.store import Migration, Store
from edge_agent.outbox.writer import Writer

COMPLETE_LAG: Final = timedelta(seconds=1)
"""Completeness is claimed this far behind the clock, for scans between the wire and this process."""
PRUNE_BATCHES: Final = 50
_PRUNE_EVERY_TICKS: Final = 20

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OutboxOptions:
    """Where one gateway's outbox lies and what it may take."""

    path: Path
    site: str
    gateway: str
    agent: str
    """Version of the agent, written into each batch."""
    quota_bytes: int | None = None
    """Most that the rows may take; None for 70 % of the volume, at most 4 GiB."""
    ballast_bytes: int = SMALLEST_BALLAST
    retention: timedelta = timedelta(days=30)
    """How long acknowledged batches are kept, for a ledger that is restored."""


class Outbox:
    """One gateway's durable queue. Its methods may be called from any thread."""

    def __init__(
        self,
        options: OutboxOptions,
        clock: Clock,
        *,
        undecided_since: Callable[[], datetime | None] = lambda: None,
        migrations: Sequence[Migration] | None = None,
    ) -> None:
        """Open the outbox; a damaged file is put aside, and what it holds is salvaged while service goes on.

        Args:
            options: Where and how large.
            clock: The gateway's clock.
            undecided_since: The oldest scan that has not been appended yet, for completeness.
            migrations: Steps of the schema; the packaged ones by default.

        Raises:
            ValueError: If an id could not stand in a topic.
            OutboxInUseError: If another process has it open.
            WrongGatewayError: If the file belongs to another gateway.
            DiskFullError: If the volume has no space to open it.
        """
        for name, value in (("site", options.site), ("gateway", options.gateway)):
            if not is_valid_id(value):
                raise ValueError(f"{name} id {value!r} is not valid: expected 1-64 of A-Z a-z 0-9 _ -")
        self._options = options
        self._clock = clock
        self._undecided_since = undecided_since
        self._migrations = migrations
        self._counters: Counter[str] = Counter()
        self._salvages: Iterator[None] | None = None
        self._ticks = 0
        options.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(options.path)
        try:
            self._space = Space(
                options.path, quota_bytes=options.quota_bytes, ballast_bytes=options.ballast_bytes
            )
            self._book = self._open_with_ballast()
            self._used_bytes = self._book.store.used_bytes()
            self._writer = Writer(self._commit, self._tick)
        except BaseException:
            self._lock.close()
            raise

    @property
    def gateway(self) -> str:
        """The gateway whose rows these are."""
        return self._options.gateway

    def append(self, drafts: Sequence[Draft], memory: Memory | None = None) -> Stored:
        """Store what happened; durable on return, all of it or nothing.

        Args:
            drafts: In the order of their happening; at least one, unless there is something to remember.
            memory: A device and what ``recall`` shall give for it, stored in the same transaction.

        Returns:
            The rows' identity. Samples may be shed when space runs short, nothing else ever is.

        Raises:
            OutboxFullError: If there is no room; nothing was stored.
            RecordTooLargeError: If a draft could never be sent; nothing was stored.
            OutboxClosedError: If the outbox is closing.
        """
        kept = drafts
        if not self._space.has_room_for_samples(self._used_bytes):
            kept = [each for each in drafts if not each.is_sample]
        for each in kept:
            _expect_sendable(each)
        rows = [(each.claimed_us, each.body) for each in kept]
        shed = len(drafts) - len(rows)
        if shed:
            self._writer.call(lambda: self._counters.update(samples_shed=shed))
        if not rows and memory is None:
            return Stored(self._book.live.epoch, 0, 0, shed)
        epoch, first_seq = self._writer.append(rows, () if memory is None else (memory,))
        return Stored(epoch, first_seq, len(rows), shed)

    def recall(self, device: str) -> bytes | None:
        """Read what a device must know after a restart.

        Args:
            device: As given to ``append``.

        Returns:
            What was last stored for it; None if nothing was.
        """
        return self._writer.call(self._guarded(lambda: self._book.recall(device)))

    def next_batch(self, lane: Lane, after: Cursor) -> SealedBatch | None:
        """Find the next batch to send in a lane, sealing waiting rows if need be.

        Args:
            lane: Live rows or backlog.
            after: The last batch taken from this lane; ``Cursor()`` for the beginning.

        Returns:
            The batch, or None if there is nothing to send.
        """
        return self._writer.call(
            self._guarded(lambda: self._book.next_batch(lane, after, self._complete_at_us()))
        )

    def unacked_batch(self, cursor: Cursor) -> SealedBatch | None:
        """Read a batch again, to send it again.

        Args:
            cursor: Its place.

        Returns:
            The batch, or None if it has been acknowledged.
        """
        return self._writer.call(self._guarded(lambda: self._book.unacked_batch(cursor)))

    def acknowledge(self, ack: Ack) -> AckOutcome:
        """Take in what the ledger says; stale and foreign acknowledgements change nothing.

        Args:
            ack: As received.

        Returns:
            What was done.
        """

        def work() -> AckOutcome:
            now_us = to_us(self._clock.now().at)
            outcome = apply_ack(self._book, ack, gateway=self._options.gateway, now_us=now_us)
            if outcome.ignored:
                self._counters[outcome.ignored] += 1
            self._counters["batches_acknowledged"] += outcome.acknowledged
            self._counters["batches_in_conflict"] += outcome.conflicts
            self._counters["batches_sent_again"] += outcome.sent_again
            return outcome

        return self._writer.call(self._guarded(work))

    def split_backlog(self, older_than: timedelta) -> bool:
        """Close the epoch if unsealed rows waited long, so that live rows need not wait behind them.

        Args:
            older_than: How long the oldest unsealed row must have waited.

        Returns:
            True if a new epoch was opened.
        """

        def work() -> bool:
            oldest = self._book.store.row("oldest_record_us")
            newest_id = self._book.newest_id
            if oldest is None or not self._book.live.has_unsealed(newest_id):
                return False
            waited = self._clock.now().at - from_us(oldest[0] or 0)
            if waited <= older_than:
                return False
            self._book.open_epoch("split")
            self._counters["epochs_split"] += 1
            return True

        return self._writer.call(self._guarded(work))

    def stats(self) -> OutboxStats:
        """Tell how much is kept.

        Returns:
            Totals of this instant.
        """

        def work() -> OutboxStats:
            book = self._book
            batches, rows, oldest_us = book.store.rows("unacked_totals")[0]
            waiting = sum(
                (book.newest_id if each.last_id is None else each.last_id) - each.sealed_id
                for each in book.epochs
            )
            oldest_row = book.store.row("oldest_record_us")
            oldest = [us for us in (oldest_us, oldest_row[0] if oldest_row else None) if us]
            return OutboxStats(
                epoch=book.live.epoch,
                last_batch_no=book.live.last_batch_no,
                complete_until=book.complete_until(self._complete_at_us()),
                unacked_rows=rows + waiting,
                unacked_batches=batches,
                conflict_batches=book.store.rows("conflict_count")[0][0],
                oldest_unacked_at=from_us(min(oldest)) if oldest else None,
                used_bytes=self._used_bytes,
                quota_bytes=self._space.quota_bytes,
                is_full=not self._space.has_room(self._used_bytes),
                is_salvaging=self._salvages is not None,
                counters=dict(self._counters),
            )

        return self._writer.call(self._guarded(work))

    @property
    def is_full(self) -> bool:
        """Whether appends are refused just now."""
        return not self._space.has_room(self._used_bytes)

    def close(self) -> None:
        """Finish what is under way and close the file."""
        self._writer.close()
        self._book.store.close()
        self._lock.close()

    def _commit(self, rows: Sequence[Row], memories: Sequence[Memory]) -> tuple[str, int]:
        if not self._space.has_room(self._used_bytes):
            self._counters["rows_refused_full"] += len(rows)
            raise OutboxFullError(self._fullness())
        first_seq = self._guarded(lambda: self._book.append(rows, memories))()
        epoch = self._book.live.epoch
        self._used_bytes = self._book.store.used_bytes()
        self._counters["rows_stored"] += len(rows)
        return epoch, first_seq

    def _guarded(self, work: Callable[[], T]) -> Callable[[], T]:
        """Make work on the file answer a full disk with the ballast, a damaged file with a new one.

        On a new file the work is done once more: nothing of it was stored in the old one.
        """

        def run() -> T:
            try:
                return work()
            except DiskFullError as error:
                self._space.release_ballast()
                self._counters["disk_full"] += 1
                log.error("outbox_disk_full", path=str(self._options.path), detail=str(error))  # noqa: TRY400  no traceback needed
                raise OutboxFullError(self._fullness()) from error
            except StoreCorruptError as error:
                self._book.store.close()
                self._book = self._replace(error)
                return work()

        return run

    def _open_with_ballast(self) -> Book:
        try:
            return self._open()
        except DiskFullError:
            self._space.release_ballast()
            return self._open()

    def _open(self) -> Book:
        path = self._options.path
        finish_quarantine(path)
        try:
            check_log(path, boot_id=self._clock.boot_id)
            book = self._open_book()
        except StoreCorruptError as error:
            return self._replace(error)
        self._start_salvage(book)
        return book

    def _open_book(self) -> Book:
        store = Store.create_or_open(self._options.path, self._migrations)
        try:
            book = Book(
                store,
                site=self._options.site,
                gateway=self._options.gateway,
                agent=self._options.agent,
                boot_id=self._clock.boot_id,
            )
            if not book.epochs:
                book.open_first_epoch(damaged_files=len(quarantined(self._options.path)))
        except BaseException:
            store.close()
            raise
        return book

    def _replace(self, error: StoreCorruptError) -> Book:
        path = self._options.path
        target = quarantine(path, self._clock.now().at.strftime("%Y%m%dT%H%M%S.%f"))
        self._counters["files_quarantined"] += 1
        log.error("outbox_file_damaged", path=str(path), kept_as=str(target), detail=str(error))
        book = self._open_book()
        self._start_salvage(book)
        return book

    def _start_salvage(self, book: Book) -> None:
        done = {file for (file,) in book.store.rows("finished_salvages")}
        patients = [each for each in quarantined(self._options.path) if each.name not in done]
        self._salvages = self._salvage_all(patients, book) if patients else None

    def _salvage_all(self, patients: Sequence[Path], book: Book) -> Iterator[None]:
        for patient in patients:
            report = SalvageReport()
            yield from salvage(patient, book, report)
            self._counters["rows_salvaged"] += report.rows
            self._counters["batches_salvaged"] += report.batches
            self._counters["rows_lost"] += report.lost_rows
            self._counters["batches_lost"] += report.lost_batches
            log.warning(
                "outbox_salvaged",
                file=str(patient),
                rows=report.rows,
                batches=report.batches,
                lost_rows=report.lost_rows,
                lost_batches=report.lost_batches,
            )

    def _tick(self) -> bool:
        """Keep house; True if there is more to do at once."""
        try:
            if self._salvages is not None:
                self._guarded(self._salvage_some)()
            else:
                self._guarded(self._make_room)()
        except OutboxError as error:
            self._counters["housekeeping_failed"] += 1
            log.warning("outbox_housekeeping_failed", detail=str(error))
            return False
        return self._salvages is not None

    def _salvage_some(self) -> None:
        try:
            next(self._salvages or iter(()))
        except StopIteration:
            self._salvages = None
        except OutboxError:
            self._book.store.close()
            self._book = self._open_book()
            self._start_salvage(self._book)
            raise
        self._used_bytes = self._book.store.used_bytes()

    def _make_room(self) -> None:
        store = self._book.store
        self._ticks += 1
        if self._space.wants_pruning(self._used_bytes):
            with store.transaction():
                self._counters["batches_given_up"] += store.run("drop_oldest_acked", limit=PRUNE_BATCHES)
            store.give_back_space()
        elif self._ticks % _PRUNE_EVERY_TICKS == 0:
            self._forget_old()
        self._used_bytes = store.used_bytes()
        was_full = self._space.disk_is_full
        if self._space.restore_ballast() and was_full:
            log.warning("outbox_disk_has_room_again", path=str(self._options.path))

    def _forget_old(self) -> None:
        now = self._clock.now()
        if not now.clock_ok:
            return
        store, before_us = self._book.store, to_us(now.at - self._options.retention)
        with store.transaction():
            store.run("drop_acked_before", before_us=before_us, limit=PRUNE_BATCHES)
            store.run("drop_empty_epochs")
        kept = {row[0] for row in store.rows("epochs")}
        self._book.epochs = [each for each in self._book.epochs if each.epoch_no in kept]
        store.give_back_space()

    def _complete_at_us(self) -> int:
        now = self._clock.now()
        if not now.clock_ok:
            return 0
        undecided_at = self._undecided_since()
        complete_at = now.at - COMPLETE_LAG
        return to_us(complete_at if undecided_at is None else min(complete_at, undecided_at))

    def _fullness(self) -> str:
        why = "the disk is full" if self._space.disk_is_full else "the quota is used up"
        return (
            f"outbox {self._options.path} refuses new rows: {why} "
            f"({self._used_bytes} of {self._space.quota_bytes} bytes)"
        )


def _expect_sendable(draft: Draft) -> None:
    if len(draft.body) > LARGEST_RECORD:
        raise RecordTooLargeError(
            f"a {draft.record.kind} record takes {len(draft.body)} bytes, expected at most {LARGEST_RECORD}"
        )


def _lock(path: Path) -> IO[bytes]:
    file = path.with_name(path.name + ".lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise OutboxInUseError(f"outbox {path} is open in another process") from None
    return file
