"""Reads that come too late for the doors: kept from them, counted, and told as a gap of their reader."""

import threading
from collections.abc import Callable
from typing import Final

from edge_agent.readers.llrp.listener import ReaderListener
from edge_agent.readers.raw_read import Seen

TOO_LATE_US: Final = 8_000_000
"""A door takes what is older than 10 s for a clock that was set back, and cuts every visit that is open."""


class LateReads:
    """Remembers what was too late; of all readers, from any thread."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        """Begin without any.

        Args:
            now_us: The gateway's clock, in microseconds since 1970, UTC.
        """
        self.counted = 0
        self._now_us = now_us
        self._turn = threading.Lock()
        self._spans: dict[str, tuple[int, int]] = {}

    def without(self, batch: list[Seen]) -> list[Seen]:
        """Sort out what is too late.

        Args:
            batch: What a reader said.

        Returns:
            The rest.
        """
        oldest_us = self._now_us() - TOO_LATE_US
        late = [seen for seen in batch if seen.seen_us < oldest_us]
        if not late:
            return batch
        with self._turn:
            self.counted += len(late)
            for seen in late:
                first_us, last_us = self._spans.get(seen.reader, (seen.seen_us, seen.seen_us))
                self._spans[seen.reader] = min(first_us, seen.seen_us), max(last_us, seen.seen_us)
        return [seen for seen in batch if seen.seen_us >= oldest_us]

    def take_spans(self) -> dict[str, tuple[int, int]]:
        """Hand over, once, when what was too late happened.

        Returns:
            By reader: first and last, in microseconds.
        """
        with self._turn:
            spans, self._spans = self._spans, {}
        return spans


class InTime:
    """A listener that hears nothing that is too late."""

    def __init__(self, listener: ReaderListener, late: LateReads) -> None:
        """Stand before a listener.

        Args:
            listener: Who hears the rest.
            late: Who remembers what is too late.
        """
        self._late = late
        self.connected = listener.connected
        self.silent = listener.silent
        self.disconnected = listener.disconnected
        self._seen = listener.seen

    def seen(self, batch: list[Seen]) -> None:
        """Pass on what is in time.

        Args:
            batch: What a reader said.
        """
        if in_time := self._late.without(batch):
            self._seen(in_time)
