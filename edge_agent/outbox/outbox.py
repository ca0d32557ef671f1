"""The outbox: drafts in, durable on return; sealed batches out, until the ledger acknowledges them."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from contracts.base import is_valid_id
from contracts.feedback import Ack
from edge_agent.clock import Clock
from edge_agent.outbox.acks import accept_ledger, apply_ack, meet_ledger
from edge_agent.outbox.book import LARGEST_RECORD, Memory, Row
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
from edge_agent.outbox.draft import Draft, waited
from edge_agent.outbox.errors import FormerLedgerError, OutboxFullError, RecordTooLargeError
from edge_agent.outbox.keeper import Keeper, OutboxOptions
from edge_agent.outbox.store import Migration
from edge_agent.outbox.writer import Writer

log = structlog.get_logger(__name__)

__all__ = ["Outbox", "OutboxOptions"]

COMPLETE_LAG: Final = timedelta(seconds=1)
"""Completeness is claimed this far behind the clock, for scans between the wire and this process."""
ASKED_ABOUT: Final = 16
"""Batches in conflict that are put up again at once, at each return of the link."""


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
        self._keeper = Keeper(options, clock, migrations)
        self._writer = Writer(self._commit, self._keeper.tick)

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
        if not self._keeper.space.has_room_for_samples(self._keeper.used_bytes):
            kept = [each for each in drafts if not each.is_sample]
        rows = [(each.claimed_us, each.crc32, each.body) for each in kept]
        if any(len(body) > LARGEST_RECORD for _, _, body in rows):
            raise RecordTooLargeError(_largest(kept))
        shed = len(drafts) - len(rows)
        if shed:
            self._writer.call(lambda: self._keeper.counters.update(samples_shed=shed))
        if not rows and memory is None:
            return Stored(self._keeper.book.live.epoch, 0, 0, shed)
        epoch, first_seq = self._writer.append(rows, () if memory is None else (memory,))
        return Stored(epoch, first_seq, len(rows), shed)

    def recall(self, device: str) -> bytes | None:
        """Read what a device must know after a restart.

        Args:
            device: As given to ``append``.

        Returns:
            What was last stored for it; None if nothing was.
        """
        return self._writer.call(self._keeper.guarded(lambda: self._keeper.book.recall(device)))

    def next_batch(self, lane: Lane, after: Cursor) -> SealedBatch | None:
        """Find the next batch to send in a lane, sealing waiting rows if need be.

        Args:
            lane: Live rows or backlog.
            after: The last batch taken from this lane; ``Cursor()`` for the beginning.

        Returns:
            The batch, or None if there is nothing to send.
        """
        return self._writer.call(
            self._keeper.guarded(lambda: self._keeper.book.next_batch(lane, after, self._complete_at_us()))
        )

    def unacked_batch(self, cursor: Cursor) -> SealedBatch | None:
        """Read a batch again, to send it again.

        Args:
            cursor: Its place.

        Returns:
            The batch, or None if it has been acknowledged.
        """
        return self._writer.call(self._keeper.guarded(lambda: self._keeper.book.unacked_batch(cursor)))

    def acknowledge(self, ack: Ack) -> AckOutcome:
        """Take in what the ledger says; stale and foreign acknowledgements change nothing.

        Args:
            ack: As received.

        Returns:
            What was done.
        """

        def work() -> AckOutcome:
            now = self._clock.now()
            outcome = apply_ack(self._keeper.book, ack, gateway=self._options.gateway, now=now)
            if outcome.ignored:
                self._keeper.counters[outcome.ignored] += 1
            self._keeper.counters["batches_acknowledged"] += outcome.acknowledged
            self._keeper.counters["batches_in_conflict"] += outcome.conflicts
            self._keeper.counters["batches_sent_again"] += outcome.sent_again
            return outcome

        return self._writer.call(self._keeper.guarded(work))

    def ask_about_conflicts(self) -> int:
        """Put up again the oldest batches that the ledger holds as another branch: perhaps somebody decided.

        The broker keeps one ack a gateway, and that one may have told it while nobody listened here.

        Returns:
            How many go out again; at most `ASKED_ABOUT`.
        """

        def work() -> int:
            store = self._keeper.book.store
            with store.transaction():
                return len(store.rows("ask_about_some_conflicts", most=ASKED_ABOUT))

        return self._writer.call(self._keeper.guarded(work))

    def meet_ledger(self, ledger_id: str) -> int:
        """Take note of which ledger answers, so that an idle gateway too fills one that was restored.

        One that another has replaced is not followed, for only a person can say which is the right one.

        Args:
            ledger_id: As the cloud announces it.

        Returns:
            How many acknowledged batches go out once more; 0 unless the ledger is new.
        """
        try:
            return self._follow_ledger(meet_ledger, ledger_id)
        except FormerLedgerError as error:
            self._writer.call(lambda: self._keeper.counters.update(former_ledger_announced=1))
            log.error("former_ledger_answers", detail=str(error))  # noqa: TRY400  no traceback needed
            return 0

    def accept_ledger(self, ledger_id: str) -> int:
        """Go back to a ledger that another one had replaced, because a person says so.

        Args:
            ledger_id: A ledger met before.

        Returns:
            How many acknowledged batches go out once more.

        Raises:
            UnknownLedgerError: If it was never met.
        """
        return self._follow_ledger(accept_ledger, ledger_id)

    def _follow_ledger(self, follow: Callable[..., int], ledger_id: str) -> int:
        def work() -> int:
            sent_again = follow(self._keeper.book, ledger_id, now=self._clock.now())
            self._keeper.counters["batches_sent_again"] += sent_again
            return sent_again

        return self._writer.call(self._keeper.guarded(work))

    def split_backlog(self, older_than: timedelta) -> bool:
        """Close the epoch if unsealed rows waited long, so that live rows need not wait behind them.

        Args:
            older_than: How long the oldest unsealed row must have waited.

        Returns:
            True if a new epoch was opened.
        """

        def work() -> bool:
            oldest = self._keeper.book.oldest_unsealed()
            if oldest is None or waited(oldest, self._clock.now()) <= older_than:
                return False
            self._keeper.book.open_epoch("split")
            self._keeper.counters["epochs_split"] += 1
            return True

        return self._writer.call(self._keeper.guarded(work))

    def stats(self) -> OutboxStats:
        """Tell how much is kept.

        Returns:
            Totals of this instant.
        """

        def work() -> OutboxStats:
            book = self._keeper.book
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
                used_bytes=self._keeper.used_bytes,
                quota_bytes=self._keeper.space.quota_bytes,
                is_full=self._keeper.is_full,
                is_salvaging=self._keeper.is_salvaging,
                counters=dict(self._keeper.counters),
            )

        return self._writer.call(self._keeper.guarded(work))

    @property
    def is_full(self) -> bool:
        """Whether appends are refused just now."""
        return self._keeper.is_full

    def close(self) -> None:
        """Finish what is under way and close the file."""
        self._writer.close()
        self._keeper.close()

    def _commit(self, rows: Sequence[Row], memories: Sequence[Memory]) -> tuple[str, int]:
        if self._keeper.is_full:
            self._keeper.counters["rows_refused_full"] += len(rows)
            raise OutboxFullError(self._keeper.fullness())
        began_s = time.monotonic()
        first_seq = self._keeper.guarded(lambda: self._keeper.book.append(rows, memories))()
        epoch = self._keeper.book.live.epoch
        took_us = int((time.monotonic() - began_s) * 1_000_000)
        self._keeper.counters.update(outbox_commits=1, outbox_commit_us=took_us)
        self._keeper.used_bytes = self._keeper.book.store.used_bytes()
        self._keeper.counters["rows_stored"] += len(rows)
        return epoch, first_seq

    def _complete_at_us(self) -> int:
        now = self._clock.now()
        if not now.clock_ok or self._keeper.is_salvaging:
            return 0
        undecided_at = self._undecided_since()
        complete_at = now.at - COMPLETE_LAG
        return to_us(complete_at if undecided_at is None else min(complete_at, undecided_at))


def _largest(drafts: Sequence[Draft]) -> str:
    largest = max(drafts, key=lambda each: len(each.body))
    kind, size = largest.record.kind, len(largest.body)
    return f"a {kind} record takes {size} bytes, expected at most {LARGEST_RECORD}"
