"""One connection from its first message to its last: sets up, answers, watches that the reader lives."""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import structlog

from edge_agent.readers.llrp import requests
from edge_agent.readers.llrp.capabilities import ReaderRefusalError
from edge_agent.readers.llrp.connection import Connection
from edge_agent.readers.llrp.framing import MESSAGE_HEADER, FramingLostError, message_type
from edge_agent.readers.llrp.listener import ReaderCounters
from edge_agent.readers.llrp.messages import MalformedMessageError, decode_message
from edge_agent.readers.llrp.requests import Kind, Request
from edge_agent.readers.llrp.rospec import ROSPEC_ID
from edge_agent.readers.llrp.setup import Reading, Setup, check_status

MISSED_KEEPALIVES: Final = 2
"""So many may fail to come before the reader is taken for dead."""
BUSY: Final = "it takes no client"
_GRACE: Final = 1.1
"""Keepalives may be this much apart."""
_GOODBYE_S: Final = 1.0
_ANSWERS: Final = frozenset(kind for kind in Kind if kind.name.endswith("_RESPONSE")) | {
    Kind.CUSTOM_MESSAGE,
    Kind.ERROR_MESSAGE,
}

_Result = TypeVar("_Result")

log = structlog.get_logger(__name__)


class ReaderSilentError(ConnectionError):
    """Neither keepalive nor report, or no answer, came in time."""


class StoppingError(Exception):
    """The agent ends while a reader is being set up."""


class Outputs:
    """What a reader's outputs are to be; from any thread."""

    def __init__(self) -> None:
        """Begin without wishes."""
        self._wanted: dict[int, bool] = {}
        self._unwritten: dict[int, bool] = {}
        self._lock = threading.Lock()

    def want(self, port: int, *, on: bool) -> None:
        """Wish for a level, in place of an earlier wish.

        Args:
            port: From 1.
            on: Whether it is to be high.
        """
        with self._lock:
            self._wanted[port] = self._unwritten[port] = on

    def take_all(self) -> dict[int, bool]:
        """Give all wishes, for a reader that may have forgotten them.

        Returns:
            Levels by port.
        """
        with self._lock:
            self._unwritten.clear()
            return dict(self._wanted)

    def take_new(self) -> dict[int, bool]:
        """Give the wishes that were not taken yet.

        Returns:
            Levels by port.
        """
        with self._lock:
            taken, self._unwritten = self._unwritten, {}
            return taken


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a session works with."""

    reader: str
    counters: ReaderCounters
    outputs: Outputs
    stopping: threading.Event
    deliver: Callable[[int, bytes], None]
    """Takes reports and events, with their arrival."""
    keepalive_s: float
    answer_s: float


class Session:
    """Owned by the thread that owns the connection."""

    def __init__(self, connection: Connection, around: Surroundings) -> None:
        """Begin.

        Args:
            connection: Just opened.
            around: Everything else.
        """
        self._connection = connection
        self._around = around
        self._counters = around.counters
        self._heard_s = time.monotonic()
        self._message_id = 0
        self._pending: dict[int, Request] = {}
        self._answers: list[Mapping[str, Any]] = []
        """That to the request being waited for."""
        self._awaited_id: int | None = None
        self._welcome: str | None = None
        self._inbox: deque[bytes] = deque()
        """One by one, so that what follows an answer is taken after what the answer allows."""
        self._arrived_us = 0
        self._broken: FramingLostError | None = None

    def set_up(self, setup: Setup) -> Reading:
        """Bring the reader to read.

        Args:
            setup: What to ask it.

        Returns:
            What is known of it then.

        Raises:
            ReaderRefusalError: If it does not do as asked.
            ReaderSilentError: If it does not answer.
            StoppingError: If the agent ends.
        """
        reading = self.converse(setup)
        self._send(requests.message(Kind.ENABLE_EVENTS_AND_REPORTS, self._next_id()))
        return reading

    def converse(self, questions: Generator[Request, Mapping[str, Any], _Result]) -> _Result:
        """Ask what is to be asked, one after the other.

        Args:
            questions: Get the answers.

        Returns:
            What came out.

        Raises:
            ReaderRefusalError: If the reader takes no client, or the questions end with it.
            ReaderSilentError: If it does not answer.
            StoppingError: If the agent ends.
        """
        self._wait(lambda: self._welcome is not None, "its greeting (ConnectionAttemptEvent)")
        if self._welcome != "Success":
            raise ReaderRefusalError(f"{BUSY}: {self._welcome}")
        try:
            request = next(questions)
            while True:
                request = questions.send(self._ask(request))
        except StopIteration as done:
            result: _Result = done.value
            return result

    def read(self) -> None:
        """Stay until the agent ends or the reader is lost.

        Raises:
            ReaderSilentError: If nothing came for two keepalives.
        """
        silence_s = self._around.keepalive_s * MISSED_KEEPALIVES * _GRACE
        while not self._around.stopping.is_set():
            self._write_outputs()
            left_s = self._heard_s + silence_s - time.monotonic()
            if left_s <= 0:
                raise ReaderSilentError(
                    f"silent for {silence_s:.3g} s: {MISSED_KEEPALIVES} keepalives missed"
                )
            self._receive(left_s)
        self._say_goodbye()

    def _write_outputs(self) -> None:
        for port, on in self._around.outputs.take_new().items():
            self._post(requests.write_output(port, on=on))

    def _say_goodbye(self) -> None:
        """Leave the reader without work, so that it radiates for nobody, and its outputs as wanted."""
        self._write_outputs()
        self._post(requests.of_spec("DELETE_ROSPEC", ROSPEC_ID))
        self.leave()

    def leave(self) -> None:
        """Say goodbye."""
        goodbye = Request("CLOSE_CONNECTION", Kind.CLOSE_CONNECTION, Kind.CLOSE_CONNECTION_RESPONSE, b"")
        self._post(goodbye)
        until_s = time.monotonic() + _GOODBYE_S
        while goodbye in self._pending.values() and (left_s := until_s - time.monotonic()) > 0:
            self._receive(left_s)

    def _ask(self, request: Request) -> Mapping[str, Any]:
        self._answers.clear()
        self._awaited_id = self._post(request)
        self._wait(lambda: bool(self._answers), f"an answer to {request.name}")
        self._awaited_id = None
        return self._answers.pop()

    def _wait(self, is_over: Callable[[], bool], wanted: str) -> None:
        until_s = time.monotonic() + self._around.answer_s
        while not is_over():
            if self._around.stopping.is_set():
                raise StoppingError
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                raise ReaderSilentError(f"expected {wanted} within {self._around.answer_s:g} s")
            self._receive(left_s)

    def _post(self, request: Request) -> int:
        message_id = self._next_id()
        self._pending[message_id] = request
        self._send(request.encode(message_id))
        return message_id

    def _next_id(self) -> int:
        self._message_id += 1
        return self._message_id

    def _send(self, message: bytes) -> None:
        self._connection.send(message)

    def _receive(self, wait_s: float) -> None:
        """Take one message; wait for it if there is none."""
        if not self._inbox:
            if self._broken is not None:
                raise self._broken
            try:
                self._inbox.extend(self._connection.receive(wait_s))
            except FramingLostError as error:
                self._broken = error  # what came before it is sound
            if self._inbox:
                self._heard_s = time.monotonic()
                self._counters.last_heard_at = datetime.now(UTC)
                self._arrived_us = _now_us()
        if self._inbox:
            self._take(self._inbox.popleft())

    def _take(self, message: bytes) -> None:
        kind = message_type(message)
        if kind == Kind.RO_ACCESS_REPORT:
            self._around.deliver(self._arrived_us, message)
        elif kind == Kind.KEEPALIVE:
            _, _, message_id = MESSAGE_HEADER.unpack_from(message)
            self._send(requests.message(Kind.KEEPALIVE_ACK, message_id))
            self._counters.keepalives += 1
        elif kind == Kind.READER_EVENT_NOTIFICATION:
            if self._welcome is None:
                self._look_for_welcome(message)
            self._around.deliver(self._arrived_us, message)
        elif kind in _ANSWERS:
            self._take_answer(kind, message)
        else:
            self._counters.odd["reader_messages_unknown"] += 1

    def _look_for_welcome(self, message: bytes) -> None:
        try:
            event = decode_message(message).get("ReaderEventNotificationData", {})
        except MalformedMessageError:
            return  # counted where it is delivered
        if "ConnectionAttemptEvent" in event:
            self._welcome = str(event["ConnectionAttemptEvent"].get("Status"))

    def _take_answer(self, kind: int, message: bytes) -> None:
        _, _, message_id = MESSAGE_HEADER.unpack_from(message)
        request = self._pending.get(message_id)
        if request is None or kind not in {request.answer, Kind.ERROR_MESSAGE}:
            self._counters.odd["reader_answers_unasked"] += 1
            return
        try:
            answer = decode_message(message)
        except MalformedMessageError as error:
            self._counters.odd["reader_messages_malformed"] += 1
            log.warning("reader_answer_malformed", reader=self._around.reader, detail=str(error))
            return
        del self._pending[message_id]
        if message_id == self._awaited_id:
            self._answers.append(answer)
            return
        try:
            check_status(request.name, answer)
        except ReaderRefusalError as error:
            self._counters.odd["reader_requests_refused"] += 1
            log.warning("reader_request_refused", reader=self._around.reader, detail=str(error))


def _now_us() -> int:
    return time.time_ns() // 1000
