"""A reader that speaks JSON: settings in, its reads to a listener; waited for for ever.

A payload counts as taken (204 to a post, the acknowledgement of a message) once its reads are with the doors,
in memory: as over LLRP, what was not decided when the agent died is told as a gap, never as complete.
"""

import random
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from edge_agent.readers.backoff import FOR_READERS, Backoff
from edge_agent.readers.iot.decoder import IotDecoder
from edge_agent.readers.iot.inbox import HttpInbox
from edge_agent.readers.iot.link import Hands, Link
from edge_agent.readers.iot.mqtt import MqttLink
from edge_agent.readers.iot.quarantine import Quarantine
from edge_agent.readers.iot.settings import IotReaderSettings
from edge_agent.readers.iot.stream import HttpStream, StreamRefusedError
from edge_agent.readers.llrp.listener import ReaderCounters, ReaderListener, ReaderState
from edge_agent.readers.raw_read import RawRead

TICK_S: Final = 0.5

log = structlog.get_logger(__name__)


class IotReader:
    """One reader with its own threads, which end with ``stop``, or when its listener fails."""

    def __init__(
        self,
        settings: IotReaderSettings,
        listener: ReaderListener,
        *,
        quarantine: Path | None = None,
        backoff: Backoff = FOR_READERS,
        tick_s: float = TICK_S,
    ) -> None:
        """Prepare; nothing is connected before ``start``.

        Args:
            settings: How it is heard, and its profile.
            listener: Who is told; one thread at a time, in order.
            quarantine: Folder for what cannot be understood.
            backoff: How long to wait after a loss.
            tick_s: How often to look for silence.
        """
        self.id = settings.id
        self.settings = settings
        self.counters = ReaderCounters()
        self.link: Link = link_of(settings)
        self._listener = listener
        self._quarantine = Quarantine(quarantine, settings.id)
        self._backoff = backoff
        self._tick_s = tick_s
        self._silence_s = settings.silence_s()
        self._decoder = IotDecoder(settings.id, settings.effective(), self.counters.odd)
        self._turn = threading.RLock()
        """Held by whoever tells the listener."""
        self._stopping = threading.Event()
        self._heard_s = 0.0
        self._took_since_tick = False
        self._threads = (
            threading.Thread(target=self._run, name=f"reader-{settings.id}"),
            threading.Thread(target=self._watch, name=f"reader-{settings.id}-watch"),
        )

    def start(self) -> None:
        """Begin to listen."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End all threads, and wait for them."""
        self._stopping.set()
        self.link.interrupt()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        with self._turn:
            self._close("")
        if self.counters.state is not ReaderState.FAILED:
            self.counters.state = ReaderState.STOPPED

    def set_gpo(self, port: int, on: bool) -> None:  # noqa: ARG002, FBT001  the order of any reader
        """Count an output that cannot be driven: events come one way.

        Args:
            port: From 1.
            on: Whether it was to be high.
        """
        self.counters.odd["reader_outputs_undriven"] += 1

    def _run(self) -> None:
        is_over = False
        try:
            self._keep_listening()
            is_over = True
        finally:
            if not is_over:
                self._fail()

    def _keep_listening(self) -> None:
        hands = Hands(self._opened, self._payload, self._alive)
        away_since_s = time.monotonic()
        while not self._stopping.is_set():
            opened_before = self.counters.opened
            self.link = link_of(self.settings)
            if self._stopping.is_set():
                return
            try:
                self.link.run(hands)
            except StreamRefusedError as error:
                self.counters.refused += 1
                self._lose(str(error), ReaderState.REFUSED)
            except OSError as error:
                self._lose(str(error) or error.__class__.__name__, ReaderState.WAITING)
            if self.counters.opened != opened_before:
                away_since_s = time.monotonic()
            away_s = time.monotonic() - away_since_s
            self._stopping.wait(self._backoff.wait_s(away_s, random.random()))  # noqa: S311  nothing secret

    def _opened(self) -> None:
        with self._turn:
            self._heard_s = time.monotonic()
            if self.counters.state is ReaderState.OPEN or self._stopping.is_set():
                return
            self.counters.state = ReaderState.OPEN
            self.counters.detail, self.counters.is_silent = "", False
            self.counters.opened += 1
            log.info("reader_connected", reader=self.id, times=self.counters.opened, url=self.settings.url)
            self._listener.connected()

    def _alive(self) -> None:
        with self._turn:
            self._opened()
            self.counters.keepalives += 1
            self.counters.last_heard_at = datetime.now(UTC)

    def _payload(self, payload: bytes) -> bool:
        arrived_us = time.time_ns() // 1000
        with self._turn:
            if self._stopping.is_set():
                return False
            is_told = False
            try:
                self._take(payload, arrived_us)
                is_told = True
            finally:
                if not is_told:
                    self._fail()
            return True

    def _take(self, payload: bytes, arrived_us: int) -> None:
        self._opened()
        self.counters.last_heard_at = datetime.now(UTC)
        resets_before = self._decoder.clock_resets
        batch, bad = self._decoder.take(payload, arrived_us)
        self.counters.clock_offset_us = self._decoder.clock_offset_us
        if self._decoder.clock_resets != resets_before:
            self.counters.odd["reader_clock_resets"] += 1
            log.warning("reader_clock_reset", reader=self.id, offset_us=self._decoder.clock_offset_us)
        for each in bad:
            self._keep_bad(each.what, each.why, arrived_us)
        if batch:
            reads = sum(isinstance(seen, RawRead) for seen in batch)
            self.counters.reads += reads
            self.counters.input_changes += len(batch) - reads
            self._took_since_tick = True
            self._listener.seen(batch)

    def _keep_bad(self, what: bytes, why: str, arrived_us: int) -> None:
        self.counters.odd["reader_messages_malformed"] += 1
        times = self.counters.odd["reader_messages_malformed"]
        if times & (times - 1) == 0:  # 1, 2, 4, 8 …: a reader that cannot do better does not fill the log
            log.warning("reader_message_malformed", reader=self.id, detail=why, times=times)
        try:
            self._quarantine.keep(what, why, arrived_us)
        except OSError as error:
            self.counters.odd["reader_quarantine_failed"] += 1
            log.warning("reader_quarantine_failed", reader=self.id, detail=str(error))

    def _watch(self) -> None:
        is_over = False
        try:
            while not self._stopping.wait(self._tick_s):
                with self._turn:
                    self._tick()
            is_over = True
        finally:
            if not is_over:
                self._fail()

    def _tick(self) -> None:
        took, self._took_since_tick = self._took_since_tick, False
        if self.counters.state is not ReaderState.OPEN:
            return
        silent_s = time.monotonic() - self._heard_s
        if self._silence_s is not None and silent_s > self._silence_s:
            self._lose(f"silent for {self._silence_s:g} s", ReaderState.WAITING, is_silent=True)
            if not isinstance(self.link, HttpInbox):
                self.link.interrupt()
        elif not took:
            self._listener.silent()

    def _lose(self, cause: str, state: ReaderState, *, is_silent: bool = False) -> None:
        with self._turn:
            if self._stopping.is_set():
                return
            if cause != self.counters.detail:
                log.warning("reader_lost", reader=self.id, url=self.settings.url, cause=cause)
            self.counters.lost += self.counters.state is ReaderState.OPEN
            self._close(cause)
            self.counters.state, self.counters.is_silent = state, is_silent

    def _close(self, cause: str) -> None:
        was_open = self.counters.state is ReaderState.OPEN
        self.counters.detail = cause
        if was_open:
            self.counters.state = ReaderState.WAITING
            self._listener.disconnected()

    def _fail(self) -> None:
        self.counters.state = ReaderState.FAILED
        self._stopping.set()
        self.link.interrupt()


def link_of(settings: IotReaderSettings) -> Link:
    """Make the way to hear a reader.

    Args:
        settings: Of the reader.

    Returns:
        One that was not run yet.
    """
    if settings.carrier == "listen":
        return HttpInbox(settings)
    return MqttLink(settings) if settings.carrier == "mqtt" else HttpStream(settings)
