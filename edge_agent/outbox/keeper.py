"""Keeps the outbox's file usable: opened, replaced when damaged, salvaged, within its space."""

import fcntl
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Final, TypeVar

import structlog

from contracts.records import Gap
from contracts.vocabulary import GapCause
from edge_agent.clock import Clock
from edge_agent.outbox.book import Book, Row
from edge_agent.outbox.domain import from_us, to_us
from edge_agent.outbox.draft import draft
from edge_agent.outbox.errors import (
    DiskFullError,
    OutboxError,
    OutboxFullError,
    OutboxInUseError,
    StoreCorruptError,
)
from edge_agent.outbox.quarantine import check_log, finish_quarantine, quarantine, quarantined
from edge_agent.outbox.salvage import Hole, SalvageReport, finish, salvage
from edge_agent.outbox.space import SMALLEST_BALLAST, Space
from edge_agent.outbox.store import Migration, Store

PRUNE_BATCHES: Final = 50
LOCK_SUFFIX: Final = ".lock"
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


class Keeper:
    """Owns one outbox's file and books; after its making, only the writer thread calls it."""

    def __init__(self, options: OutboxOptions, clock: Clock, migrations: Sequence[Migration] | None) -> None:
        """Open the file, or a new one if it is damaged.

        Args:
            options: Where and how large.
            clock: The gateway's clock.
            migrations: Steps of the schema; the packaged ones by default.

        Raises:
            OutboxInUseError: If another process has it open.
            WrongGatewayError: If the file belongs to another gateway.
            DiskFullError: If the volume has no space to open it.
        """
        self._options = options
        self._clock = clock
        self._migrations = migrations
        self._salvages: Generator[bool, None, None] | None = None
        self._ticks = 0
        self._must_reopen = False
        self.counters: Counter[str] = Counter()
        options.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(options.path)
        try:
            self.space = Space(
                options.path, quota_bytes=options.quota_bytes, ballast_bytes=options.ballast_bytes
            )
            self.book = self._with_ballast(self._open)
            self.used_bytes = self.book.store.used_bytes()
        except BaseException:
            self._lock.close()
            raise

    @property
    def is_full(self) -> bool:
        """Whether rows are refused just now."""
        return not self.space.has_room(self.used_bytes)

    @property
    def is_salvaging(self) -> bool:
        """Whether a damaged file still has something to give."""
        return self._salvages is not None or self._must_reopen

    def close(self) -> None:
        """Close the file, and the damaged one that is worked on, and let others have them."""
        try:
            self._end_salvages()
        finally:
            self.book.store.close()
            self._lock.close()

    def guarded(self, work: Callable[[], T]) -> Callable[[], T]:
        """Make work on the file answer a full disk with the ballast, a damaged file with a new one.

        On a new file the work is done once more: nothing of it was stored in the old one.

        Args:
            work: Any work on the book.

        Returns:
            The guarded work; it raises OutboxFullError on a full disk.
        """

        def run() -> T:
            try:
                if self._must_reopen:
                    self._reopen()
                return work()
            except DiskFullError as error:
                self.space.release_ballast()
                self.counters["disk_full"] += 1
                log.error("outbox_disk_full", path=str(self._options.path), detail=str(error))  # noqa: TRY400  no traceback needed
                raise OutboxFullError(self.fullness()) from error
            except StoreCorruptError as error:
                self.book.store.close()
                self.book = self._replace(error)
                return work()

        return run

    def _with_ballast(self, opening: Callable[[], Book]) -> Book:
        try:
            return opening()
        except DiskFullError:
            self.space.release_ballast()
            return opening()

    def _open(self) -> Book:
        path = self._options.path
        finish_quarantine(path)
        try:
            if check_log(path, boot_id=self._clock.boot_id):
                self.counters["log_tails_unfinished"] += 1
                log.warning("outbox_log_tail_unfinished", path=str(path))
            book = self._open_book()
            try:
                self._start_salvage(book)
            except OutboxError:
                book.store.close()
                raise
        except StoreCorruptError as error:
            return self._replace(error)
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
        self.counters["files_quarantined"] += 1
        log.error("outbox_file_damaged", path=str(path), kept_as=str(target), detail=str(error))
        book = self._with_ballast(self._open_book)
        self._start_salvage(book)
        return book

    def _start_salvage(self, book: Book) -> None:
        self._end_salvages()
        patients = [each for each in quarantined(self._options.path) if not _is_salvaged(each, book)]
        self._salvages = self._salvage_all(patients, book) if patients else None

    def _end_salvages(self) -> None:
        if self._salvages is not None:
            self._salvages.close()
            self._salvages = None

    def _salvage_all(self, patients: Sequence[Path], book: Book) -> Generator[bool, None, None]:
        """Yield True after each step, False while the volume has no room for the copy that is worked on."""
        for patient in reversed(patients):
            if _is_salvaged(patient, book):  # by a file that was damaged later
                continue
            if not self.space.has_room_for_copy(patient):
                log.error("outbox_salvage_waits_for_space", file=str(patient), bytes=patient.stat().st_size)
                while not self.space.has_room_for_copy(patient):
                    yield False
            report = SalvageReport()
            with closing(salvage(patient, book, report)) as chunks:
                for _ in chunks:
                    yield True
            finish(patient, book, [] if report.hole is None else [self._gap(report.hole)])
            self.counters["rows_salvaged"] += report.rows
            self.counters["batches_salvaged"] += report.batches
            self.counters["rows_lost"] += report.lost_rows
            self.counters["batches_lost"] += report.lost_batches
            self.counters["files_given_up"] += len(report.files_given_up)
            if report.files_given_up:
                log.warning(
                    "outbox_earlier_files_given_up", file=str(patient), files=list(report.files_given_up)
                )
            log.warning(
                "outbox_salvaged",
                file=str(patient),
                rows=report.rows,
                batches=report.batches,
                lost_rows=report.lost_rows,
                lost_batches=report.lost_batches,
            )

    def _gap(self, hole: Hole) -> Row:
        """Make the row that tells the ledger of which time not everything is known (PROTOCOL P6)."""
        now = self._clock.now()
        to_at = from_us(hole.before_us) if hole.before_us else now.at
        from_at = min(from_us(hole.after_us), to_at)
        gap = draft(
            Gap, now, gap_device=self._options.gateway, from_at=from_at, to_at=to_at, cause=GapCause.DOWN
        )
        return gap.claimed_us, gap.crc32, gap.body

    def tick(self) -> bool:
        """Keep house: salvage, give up old batches, watch the disk.

        Returns:
            True if there is more to do at once.
        """
        try:
            is_busy = self.is_salvaging and self.guarded(self._salvage_some)()
            if not is_busy:
                self.guarded(self._make_room)()
        except (OutboxError, OSError) as error:
            self.counters["housekeeping_failed"] += 1
            log.warning("outbox_housekeeping_failed", detail=str(error))
            return False
        return is_busy

    def _salvage_some(self) -> bool:
        try:
            is_busy = next(self._salvages or iter(()))
        except StopIteration:
            self._salvages = None
            is_busy = False
        except (OutboxError, OSError):
            self._reopen()
            raise
        self.used_bytes = self.book.store.used_bytes()
        return is_busy

    def _reopen(self) -> None:
        """Begin again with what the file holds; if it does not open now, what is done next tries again."""
        self._must_reopen = True
        self.book.store.close()
        self.book = self._with_ballast(self._open_book)
        self._must_reopen = False
        self._start_salvage(self.book)

    def _make_room(self) -> None:
        store = self.book.store
        self._ticks += 1
        if self.space.wants_pruning(self.used_bytes):
            with store.transaction():
                self.counters["batches_given_up"] += store.run("drop_oldest_acked", limit=PRUNE_BATCHES)
            store.give_back_space()
        elif self._ticks % _PRUNE_EVERY_TICKS == 0:
            self._forget_old()
        self.used_bytes = store.used_bytes()
        was_full = self.space.disk_is_full
        if self.space.restore_ballast() and was_full:
            log.warning("outbox_disk_has_room_again", path=str(self._options.path))

    def _forget_old(self) -> None:
        now = self._clock.now()
        if not now.clock_ok:
            return
        store, before_us = self.book.store, to_us(now.at - self._options.retention)
        with store.transaction():
            store.run("drop_acked_before", before_us=before_us, limit=PRUNE_BATCHES)
            store.run("drop_empty_epochs")
        kept = {row[0] for row in store.rows("epochs")}
        self.book.epochs = [each for each in self.book.epochs if each.epoch_no in kept]
        store.give_back_space()

    def fullness(self) -> str:
        """Say why rows are refused.

        Returns:
            One sentence with the figures.
        """
        why = "the disk is full" if self.space.disk_is_full else "the quota is used up"
        return (
            f"outbox {self._options.path} refuses new rows: {why} "
            f"({self.used_bytes} of {self.space.quota_bytes} bytes)"
        )


def _is_salvaged(patient: Path, book: Book) -> bool:
    return bool(book.store.rows("is_salvage_finished", file=patient.name))


def _lock(path: Path) -> IO[bytes]:
    file = path.with_name(path.name + LOCK_SUFFIX).open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise OutboxInUseError(f"outbox {path} is open in another process") from None
    return file
