"""What a reader says: answers, events and reports, in order, held back where the client wants that."""

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from simulators.llrp_reader.configuration import Configuration
from simulators.llrp_reader.element import Element, LlrpError, Value, element
from simulators.llrp_reader.messages import Message, encode_message, message
from simulators.llrp_reader.omission import Omission
from simulators.llrp_reader.report import Stamping, encode_report
from simulators.llrp_reader.status import SUCCESS, status_of
from simulators.llrp_reader.tag_buffer import Batch
from simulators.llrp_reader.vocabulary import NotificationEventType, StatusCode

_HELD_EVENTS: Final = 256
_WITHOUT_RESPONSE: Final = frozenset(
    {"KEEPALIVE_ACK", "ENABLE_EVENTS_AND_REPORTS", "GET_REPORT", "CUSTOM_MESSAGE"}
)
_ID_MASK: Final = (1 << 32) - 1


class Outgoing(NamedTuple):
    """A message to the client."""

    name: str
    data: bytes


class Voice:
    """Collects what is to be sent; ``drain`` takes it."""

    def __init__(self, configuration: Configuration, stamping: Stamping) -> None:
        """Say nothing yet.

        Args:
            configuration: Whose subscriptions it keeps.
            stamping: What the reader's clock reads.
        """
        self.stamping = stamping
        self.now_us = 0
        """The true time; whoever calls sets it first."""
        self.is_connected = False
        self.is_holding = False
        """Events and reports wait for ENABLE_EVENTS_AND_REPORTS."""
        self.omission: Omission | None = None
        self.reported_tags = 0
        self.lost_tags = 0
        """For want of room, since the client was told last."""
        self._configuration = configuration
        self._out: list[Outgoing] = []
        self._held_events: deque[bytes] = deque(maxlen=_HELD_EVENTS)
        self._held: deque[Batch] = deque()
        self._held_tags = 0
        self._last_id = 0

    def drain(self) -> list[Outgoing]:
        """Take what is to be sent.

        Returns:
            Messages in order; nothing while no client is there.
        """
        out, self._out = self._out, []
        return out if self.is_connected else []

    def say(self, name: str, *parameters: Element, **fields: Value) -> None:
        """Send a message of the reader's own.

        Args:
            name: The standard's.
            *parameters: Its parameters.
            **fields: Its fields.
        """
        self._send(message(name, *parameters, message_id=self._next_id(), **fields))

    def answer(self, request: Message, *parameters: Element) -> None:
        """Answer a request with success.

        Args:
            request: The request.
            *parameters: Of the response, besides its status.
        """
        name = f"{request.name}_RESPONSE"
        self._send(message(name, SUCCESS, *parameters, message_id=request.message_id))

    def refuse(self, name: str | None, message_id: int, error: LlrpError) -> None:
        """Answer what cannot be done.

        Args:
            name: Of the request; nothing if its type is unknown.
            message_id: The request's.
            error: What is wrong with it.
        """
        is_no_request = name is None or name in _WITHOUT_RESPONSE or name.endswith("_RESPONSE")
        is_foreign = error.status in {StatusCode.M_UnsupportedMessage, StatusCode.M_UnsupportedVersion}
        answer = "ERROR_MESSAGE" if is_no_request or is_foreign else f"{name}_RESPONSE"
        self._send(message(answer, status_of(error), message_id=message_id))

    def notify(self, kind: NotificationEventType, *events: Element) -> None:
        """Send an event, if the client subscribes to its kind.

        Args:
            kind: What it subscribes to.
            *events: The event.
        """
        if self._configuration.events[kind]:
            data = self.notification(*events)
            if self.is_holding or not self.is_connected:
                if self._configuration.holds_upon_reconnect:
                    self._held_events.append(data)
            else:
                self._out.append(Outgoing("READER_EVENT_NOTIFICATION", data))

    def announce(self, event: Element) -> None:
        """Send an event that needs no subscription and is never held: of the connection itself.

        Args:
            event: The event.
        """
        self._out.append(Outgoing("READER_EVENT_NOTIFICATION", self.notification(event)))

    def notification(self, *events: Element) -> bytes:
        """Encode a READER_EVENT_NOTIFICATION.

        Args:
            *events: What it tells, besides the reader's time.

        Returns:
            The whole message.
        """
        reads = max(0, self.now_us + self.stamping.shift_us)
        stamp = element("UTCTimestamp" if self.stamping.is_utc else "Uptime", Microseconds=reads)
        data = element("ReaderEventNotificationData", stamp, *events)
        return encode_message(message("READER_EVENT_NOTIFICATION", data, message_id=self._next_id()))

    def report(self, batches: Iterable[Batch]) -> None:
        """Report tags, or keep them while nobody may be told.

        Args:
            batches: One report each.
        """
        for batch in batches:
            if self.is_connected and not self.is_holding:
                self._send_report(batch)
            elif not self._configuration.holds_upon_reconnect:
                continue  # the client did not ask to have them kept while it is away
            elif self._held_tags + len(batch.observations) > self._configuration.model.report_buffer:
                self.lost_tags += len(batch.observations)
            else:
                self._held.append(batch)
                self._held_tags += len(batch.observations)

    def let_go(self) -> None:
        """Send what was held, and hold no more."""
        self.is_holding = False
        self._out += [Outgoing("READER_EVENT_NOTIFICATION", data) for data in self._held_events]
        self._held_events.clear()
        while self._held:
            self._send_report(self._held.popleft())
        self._held_tags = 0
        if self.lost_tags:
            self.lost_tags = 0
            self.announce(element("ReportBufferOverflowErrorEvent"))

    def _send_report(self, batch: Batch) -> None:
        shift = self.stamping.shift_us
        # What was seen before the clock began has no time that the report could tell.
        observations = [each for each in batch.observations if each.at_us + shift >= 0]
        if not observations:
            return
        data = encode_report(
            observations,
            batch.fields,
            stamping=self.stamping,
            origin=batch.origin,
            message_id=self._next_id(),
        )
        if self.omission is not None:
            data = self.omission.shorten(data)
        self.reported_tags += len(observations)
        self._out.append(Outgoing("RO_ACCESS_REPORT", data))

    def _send(self, given: Message) -> None:
        self._out.append(Outgoing(given.name, encode_message(given)))

    def _next_id(self) -> int:
        self._last_id = (self._last_id + 1) & _ID_MASK
        return self._last_id
