"""A reader that speaks LLRP: settings in, its reads to a listener; connected to for ever.

Two threads: one owns the socket, answers keepalives and watches for silence; the other decodes and tells.
"""

import random
import threading
import time
from dataclasses import dataclass
from typing import Final

import structlog

from edge_agent.readers.backoff import FOR_READERS, Backoff
from edge_agent.readers.llrp.capabilities import ReaderRefusalError
from edge_agent.readers.llrp.connection import Connection, Wakeup
from edge_agent.readers.llrp.delivery import Delivery, Tap
from edge_agent.readers.llrp.framing import FramingLostError
from edge_agent.readers.llrp.listener import ReaderCounters, ReaderListener, ReaderState
from edge_agent.readers.llrp.messages import require_llrp
from edge_agent.readers.llrp.session import (
    Outputs,
    ReaderSilentError,
    Session,
    StoppingError,
    Surroundings,
)
from edge_agent.readers.llrp.settings import ReaderSettings
from edge_agent.readers.llrp.setup import Reading, set_up

ANSWER_S: Final = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """How long to wait for what, in seconds; the defaults are for real readers."""

    backoff: Backoff = FOR_READERS
    answer_s: float = ANSWER_S
    """For each answer while setting up."""
    keepalive_s: float | None = None
    """Instead of the profile's."""


class LlrpReader:
    """One reader with its own threads, which end with ``stop``, or when its listener fails."""

    def __init__(
        self,
        settings: ReaderSettings,
        listener: ReaderListener,
        *,
        timing: Timing | None = None,
        tap: Tap | None = None,
    ) -> None:
        """Prepare; nothing is connected before ``start``.

        Args:
            settings: Where it is, its profile, and what differs from that.
            listener: Who is told.
            timing: How long to wait for what.
            tap: Gets every report and event as it was received, with its arrival.

        Raises:
            LlrpMissingError: If the extra ``llrp`` is not installed.
        """
        require_llrp(settings.id)
        self.id = settings.id
        self.settings = settings
        self.counters = ReaderCounters()
        self._timing = timing or Timing()
        self._profile = settings.effective()
        if self._timing.keepalive_s is not None:
            self._profile = self._profile.model_copy(update={"keepalive_s": self._timing.keepalive_s})
        self._outputs = Outputs()
        self._stopping = threading.Event()
        self._has_failed = False
        self._wakeup = Wakeup()
        self._delivery = Delivery(
            settings.id,
            self._profile.quirks,
            listener,
            counters=self.counters,
            on_failure=self._give_up,
            tap=tap,
        )
        self._is_lost = False
        self._thread = threading.Thread(target=self._run, name=f"reader-{settings.id}")

    def start(self) -> None:
        """Begin to connect and to read."""
        self._delivery.start()
        self._thread.start()

    def stop(self) -> None:
        """Let the reader go, end both threads, and wait for them."""
        self._stopping.set()
        self._wakeup.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._delivery.stop()
        self._wakeup.close()

    def set_gpo(self, port: int, on: bool) -> None:  # noqa: FBT001  a level, as in "port 2, on"
        """Set an output; from any thread, without waiting. After a reconnect it is set again.

        Args:
            port: From 1.
            on: Whether it is to be high.
        """
        self._outputs.want(port, on=on)
        self._wakeup.set()

    def _give_up(self) -> None:
        self._has_failed = True
        self._stopping.set()
        self._wakeup.set()

    def _run(self) -> None:
        is_over = False
        try:
            self._keep_reading()
            is_over = True
        finally:
            has_failed = self._has_failed or not is_over
            self.counters.state = ReaderState.FAILED if has_failed else ReaderState.STOPPED

    def _keep_reading(self) -> None:
        away_since_s = time.monotonic()
        while not self._stopping.is_set():
            opened_before = self.counters.opened
            try:
                self._connect_and_read()
            except StoppingError:
                return
            except ReaderRefusalError as error:
                self._note_refusal(str(error))
            except FramingLostError as error:
                self.counters.odd["reader_framing_lost"] += 1
                self._note_loss(str(error))
            except OSError as error:
                if self._stopping.is_set():
                    return
                self._note_loss(
                    str(error) or error.__class__.__name__, is_silent=isinstance(error, ReaderSilentError)
                )
            finally:
                self._tell_if_lost()
            if self.counters.opened != opened_before:
                away_since_s = time.monotonic()
            away_s = time.monotonic() - away_since_s
            self._stopping.wait(self._timing.backoff.wait_s(away_s, random.random()))  # noqa: S311  nothing secret

    def _connect_and_read(self) -> None:
        connection = Connection(self.settings, self._wakeup, self._stopping.is_set)
        is_open = False
        try:
            self._delivery.new_connection()
            session = Session(connection, self._surroundings())
            reading = session.set_up(set_up(self._profile, self._outputs.take_all()))
            is_open = True
            self._note_open(reading)
            session.read()
        finally:
            connection.close()
            if is_open:
                self.counters.state = ReaderState.WAITING
                self.counters.lost += not self._stopping.is_set()
                self._is_lost = True

    def _tell_if_lost(self) -> None:
        """Tell the listener of a loss, once the counters say why."""
        if self._is_lost:
            self._is_lost = False
            self._delivery.disconnected()

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            reader=self.id,
            counters=self.counters,
            outputs=self._outputs,
            stopping=self._stopping,
            deliver=self._delivery.message,
            keepalive_s=self._profile.keepalive_s,
            answer_s=self._timing.answer_s,
        )

    def _note_open(self, reading: Reading) -> None:
        self.counters.opened += 1
        self.counters.detail, self.counters.is_silent = "", False
        self.counters.state = ReaderState.OPEN
        self._delivery.connected(dict(reading.inputs), time.time_ns() // 1000)
        can = reading.can
        log.info(
            "reader_connected",
            reader=self.id,
            times=self.counters.opened,
            vendor=can.vendor,
            model=can.model,
            firmware=can.firmware,
        )

    def _note_loss(self, cause: str, *, is_silent: bool = False) -> None:
        self.counters.is_silent = is_silent
        if cause != self.counters.detail:
            log.warning("reader_lost", reader=self.id, address=self.settings.address, cause=cause)
        self.counters.detail = cause
        self.counters.state = ReaderState.WAITING

    def _note_refusal(self, words: str) -> None:
        if words != self.counters.detail:
            log.error("reader_refused", reader=self.id, address=self.settings.address, detail=words)
        self.counters.refused += 1
        self.counters.detail = words
        self.counters.state = ReaderState.REFUSED
