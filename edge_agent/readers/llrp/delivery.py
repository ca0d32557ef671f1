"""Messages with their arrivals in, what they say to the listener out, on a thread of its own.

The socket's thread only puts, so that a slow listener never delays the answer to a keepalive. What would take
more than the bound is dropped, newest first, and counted.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

import structlog

from edge_agent.readers.llrp.decoder import LlrpDecoder
from edge_agent.readers.llrp.listener import ReaderCounters, ReaderListener
from edge_agent.readers.llrp.profile import Quirks
from edge_agent.readers.raw_read import GpiChange, Seen

MOST_WAITING_BYTES: Final = 4 * 1024 * 1024
"""Half a minute of a reader at its fastest."""
SILENT_AFTER_S: Final = 0.5
_TOGETHER: Final = 256
"""Messages that are handed on in one batch at most."""

log = structlog.get_logger(__name__)

Tap = Callable[[int, bytes], None]
"""Gets every report and event with its arrival, before it is decoded."""


class Delivery:
    """The thread that decodes and tells; it ends with ``stop``, or with the listener's first error."""

    def __init__(
        self,
        reader: str,
        quirks: Quirks,
        listener: ReaderListener,
        *,
        counters: ReaderCounters,
        on_failure: Callable[[], None],
        tap: Tap | None = None,
    ) -> None:
        """Prepare; the thread begins with ``start``.

        Args:
            reader: The id that reads carry.
            quirks: Of the reader's profile.
            listener: Who is told.
            counters: Where reads and oddities are counted.
            on_failure: Called when the listener raised an error.
            tap: Gets what was received too.
        """
        self._reader, self._quirks, self._listener, self._counters = reader, quirks, listener, counters
        self._on_failure = on_failure
        self._tap = tap
        self._waiting: deque[tuple[int, bytes] | Callable[[], None]] = deque()
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._is_ending = False
        self._is_connected = False
        self._levels: dict[int, bool] = {}
        self._early: dict[int, bool] = {}
        """Levels that inputs took after they were asked for and before the inventory ran."""
        self._resets_before = 0
        self._decoder = LlrpDecoder(reader, quirks, counters.odd)
        self._thread = threading.Thread(target=self._run, name=f"reader-{reader}-delivery")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Tell what waits, then end the thread."""
        with self._changed:
            self._is_ending = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def new_connection(self) -> None:
        """Forget what a lost connection left behind: the clock and the last values begin anew."""
        self._put(self._begin_anew)

    def connected(self, inputs: dict[int, bool], arrived_us: int) -> None:
        """Tell the listener that the inventory runs.

        Args:
            inputs: Levels by port; those that changed since they were last known are told as changes.
            arrived_us: When they were read.
        """
        self._put(lambda: self._tell_connected(inputs, arrived_us))

    def disconnected(self) -> None:
        """Tell the listener that the reader is lost."""
        self._put(self._tell_disconnected)

    def message(self, arrived_us: int, message: bytes) -> None:
        """Take one report or event.

        Args:
            arrived_us: When it arrived, in microseconds since 1970, UTC.
            message: Whole.
        """
        with self._changed:
            if self._waiting_bytes + len(message) > MOST_WAITING_BYTES:
                self._counters.odd["reader_reports_overflowed"] += 1
                return
            self._waiting_bytes += len(message)
            self._waiting.append((arrived_us, message))
            self._changed.notify()

    def _put(self, word: Callable[[], None]) -> None:
        with self._changed:
            self._waiting.append(word)
            self._changed.notify()

    def _run(self) -> None:
        is_finished = False
        try:
            while not is_finished:
                messages, word, is_last = self._take()
                is_finished = self._deliver(messages, word, is_last=is_last)
        finally:
            if not is_finished:
                self._on_failure()

    def _take(self) -> tuple[list[tuple[int, bytes]], Callable[[], None] | None, bool]:
        """Wait; then give messages up to the next word, that word, and whether this was the last."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_ending, SILENT_AFTER_S)
            messages: list[tuple[int, bytes]] = []
            while self._waiting and len(messages) < _TOGETHER:
                first = self._waiting.popleft()
                if callable(first):
                    return messages, first, False
                self._waiting_bytes -= len(first[1])
                messages.append(first)
            return messages, None, self._is_ending and not self._waiting

    def _deliver(
        self, messages: list[tuple[int, bytes]], word: Callable[[], None] | None, *, is_last: bool
    ) -> bool:
        batch: list[Seen] = []
        for arrived_us, message in messages:
            if self._tap is not None:
                self._tap(arrived_us, message)
            batch += self._decoder.take(message, arrived_us)
        self._note()
        self._tell(batch)
        if word is not None:
            word()
        elif not messages and self._is_connected:
            self._listener.silent()
        return is_last

    def _tell(self, batch: list[Seen]) -> None:
        if batch and self._is_connected:
            changes = [seen for seen in batch if isinstance(seen, GpiChange)]
            self._levels.update((change.port, change.is_high) for change in changes)
            self._counters.input_changes += len(changes)
            self._counters.reads += len(batch) - len(changes)
            self._listener.seen(batch)
            return
        for seen in batch:
            if isinstance(seen, GpiChange):
                self._early[seen.port] = seen.is_high
            else:
                self._counters.odd["reader_reads_before_inventory"] += 1

    def _tell_connected(self, inputs: dict[int, bool], arrived_us: int) -> None:
        self._is_connected = True
        self._listener.connected()
        now, self._early = inputs | self._early, {}
        changed = {port: level for port, level in now.items() if level != self._levels.get(port, False)}
        self._tell([GpiChange(arrived_us, self._reader, port, level) for port, level in changed.items()])

    def _tell_disconnected(self) -> None:
        self._is_connected = False
        self._listener.disconnected()

    def _begin_anew(self) -> None:
        self._decoder = LlrpDecoder(self._reader, self._quirks, self._counters.odd)
        self._resets_before = 0
        self._early = {}

    def _note(self) -> None:
        decoder = self._decoder
        self._counters.clock_offset_us = decoder.clock_offset_us
        if decoder.clock_resets != self._resets_before:
            self._counters.odd["reader_clock_resets"] += decoder.clock_resets - self._resets_before
            self._resets_before = decoder.clock_resets
            log.warning("reader_clock_reset", reader=self._reader, offset_us=decoder.clock_offset_us)
        if decoder.detail:
            times = self._counters.odd["reader_messages_malformed"]
            if times & (times - 1) == 0:  # 1, 2, 4, 8 …: a reader that cannot do better does not fill the log
                log.warning(
                    "reader_message_malformed", reader=self._reader, detail=decoder.detail, times=times
                )
            decoder.detail = ""
