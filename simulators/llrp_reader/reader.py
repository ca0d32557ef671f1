"""A reader without its network: a client's messages, tags, levels and time in, the reader's messages out.

Time is microseconds since 1970 in UTC, the truth; what the reader's own clock reads is another matter.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from simulators.llrp_reader.accessspecs import AccessSpecs
from simulators.llrp_reader.configuration import Configuration
from simulators.llrp_reader.element import Element, element
from simulators.llrp_reader.messages import name_of
from simulators.llrp_reader.models import ReaderModel
from simulators.llrp_reader.omission import Omission
from simulators.llrp_reader.report import Observation, Stamping
from simulators.llrp_reader.requests import Requests
from simulators.llrp_reader.rospecs import Ended, Found, Happening, PartEnded, RoSpecs, Started
from simulators.llrp_reader.tag_buffer import TagBuffer
from simulators.llrp_reader.vocabulary import (
    AntennaEventType,
    ConnectionAttemptStatusType,
    NotificationEventType,
    ROReportTriggerType,
    ROSpecEventType,
)
from simulators.llrp_reader.voice import Outgoing, Voice

_US_PER_MS: Final = 1000
_NEVER: Final = 1 << 63
_WARNING_PERCENT: Final = 80


class VirtualReader:
    """Not thread-safe: it belongs to the thread that serves it."""

    def __init__(self, model: ReaderModel, now_us: int) -> None:
        """Switch a reader on, configured as the factory does.

        Args:
            model: The make.
            now_us: The time.
        """
        self.model = model
        self.configuration = Configuration(model)
        self.rospecs = RoSpecs(model)
        self.accessspecs = AccessSpecs(model)
        stamping = Stamping() if model.has_utc_clock else Stamping(is_utc=False, shift_us=-now_us)
        self.voice = Voice(self.configuration, stamping)
        self.requests = Requests(self.configuration, self.rospecs, self.accessspecs, self.voice)
        self.unheard_tags = 0
        """Tags in the air while no ROSpec listened to their antenna."""
        self._buffer = TagBuffer(model.report_buffer)
        self._is_leaving = False
        self._keepalive_at_us = _NEVER
        self._unacknowledged = 0

    @property
    def is_closing(self) -> bool:
        """Whether the connection is to be closed after what was sent."""
        return self._is_leaving or self.requests.is_closing

    @property
    def is_reporting(self) -> bool:
        """Whether a client is there and a ROSpec runs for it."""
        return self.voice.is_connected and self.rospecs.active is not None

    def connect(self, now_us: int) -> list[Outgoing]:
        """Take a client.

        Args:
            now_us: The time.

        Returns:
            What to send.
        """
        voice = self._at(now_us)
        voice.is_connected, voice.is_holding = True, self.configuration.holds_upon_reconnect
        self._is_leaving = self.requests.is_closing = False
        if voice.omission is not None:
            voice.omission.forget()
        voice.announce(element("ConnectionAttemptEvent", Status=int(ConnectionAttemptStatusType.Success)))
        self._schedule_keepalive()
        return voice.drain()

    def disconnect(self) -> None:
        """Lose the client; specs and configuration stay."""
        self.voice.is_connected, self._keepalive_at_us = False, _NEVER
        self.voice.drain()

    def bid_farewell(self, now_us: int) -> list[Outgoing]:
        """Close the connection from the reader's side.

        Args:
            now_us: The time.

        Returns:
            What to send before.
        """
        self._at(now_us).announce(element("ConnectionCloseEvent"))
        self._is_leaving = True
        return self.voice.drain()

    def tell_of_attempt(self, now_us: int) -> list[Outgoing]:
        """Tell the client that another one tried to connect.

        Args:
            now_us: The time.

        Returns:
            What to send.
        """
        status = ConnectionAttemptStatusType.Another_Connection_Attempted
        self._at(now_us).announce(element("ConnectionAttemptEvent", Status=int(status)))
        return self.voice.drain()

    def refusal(self, now_us: int) -> bytes:
        """Give what a second client hears.

        Args:
            now_us: The time.

        Returns:
            A whole message.
        """
        status = ConnectionAttemptStatusType.Failed_A_Client_Initiated_Connection_Already_Exists
        return self._at(now_us).notification(element("ConnectionAttemptEvent", Status=int(status)))

    def receive(self, data: bytes, now_us: int) -> list[Outgoing]:
        """Take one whole message from the client.

        Args:
            data: Its bytes.
            now_us: The time.

        Returns:
            What to send.
        """
        voice = self._at(now_us)
        self._unacknowledged = 0  # whatever it says, it lives
        match name_of(data):
            case "KEEPALIVE_ACK":
                pass
            case "GET_REPORT":
                voice.report(self._buffer.flush())
            case "SET_READER_CONFIG":
                self._happen(self.requests.handle(data))
                self._schedule_keepalive()
            case _:
                self._happen(self.requests.handle(data))
        return voice.drain()

    def observe(self, observations: Sequence[Observation], now_us: int) -> list[Outgoing]:
        """Let the antennas find tags; without a running ROSpec the carrier is off and nothing is found.

        Args:
            observations: What the air gives.
            now_us: The time.

        Returns:
            What to send.
        """
        voice = self._at(now_us)
        unplugged = self.configuration.unplugged
        heard = (
            [each for each in observations if each.antenna not in unplugged] if unplugged else observations
        )
        happenings = list(self.rospecs.observe(heard, now_us))
        found = sum(len(each.observations) for each in happenings if isinstance(each, Found))
        self.unheard_tags += len(observations) - found
        self._happen(happenings)
        return voice.drain()

    def change_gpi(self, port: int, now_us: int, *, is_high: bool) -> list[Outgoing]:
        """Change the level of an input.

        Args:
            port: From 1.
            now_us: The time.
            is_high: The new level.

        Returns:
            What to send.
        """
        voice = self._at(now_us)
        gpi = self.configuration.gpis[port]
        has_changed, gpi.is_high = gpi.is_high is not is_high, is_high
        if gpi.is_enabled and has_changed:
            event = element("GPIEvent", GPIPortNumber=port, GPIEvent=int(is_high))
            voice.notify(NotificationEventType.GPI_Event, event)
            self._happen(self.rospecs.gpi(port, is_high=is_high, now_us=now_us))
        return voice.drain()

    def plug_antenna(self, antenna: int, now_us: int, *, is_plugged: bool) -> list[Outgoing]:
        """Plug an antenna's cable in, or pull it.

        Args:
            antenna: From 1.
            now_us: The time.
            is_plugged: The new state.

        Returns:
            What to send.
        """
        voice = self._at(now_us)
        if is_plugged:
            self.configuration.unplugged.discard(antenna)
            kind = AntennaEventType.Antenna_Connected
        else:
            self.configuration.unplugged.add(antenna)
            kind = AntennaEventType.Antenna_Disconnected
        event = element("AntennaEvent", EventType=int(kind), AntennaID=antenna)
        voice.notify(NotificationEventType.Antenna_Event, event)
        return voice.drain()

    def raise_exception(self, text: str, now_us: int) -> list[Outgoing]:
        """Tell the client of an exception inside the reader.

        Args:
            text: What the reader says.
            now_us: The time.

        Returns:
            What to send.
        """
        event = element("ReaderExceptionEvent", Message=text)
        self._at(now_us).notify(NotificationEventType.Reader_Exception_Event, event)
        return self.voice.drain()

    def set_clock(self, shift_us: int) -> None:
        """Set the reader's clock.

        Args:
            shift_us: How far it is before the truth; for a clock of uptime, minus the time of its start.
        """
        self.voice.stamping = Stamping(self.voice.stamping.is_utc, shift_us)

    def omit_repeated(self, *, is_on: bool) -> None:
        """Leave out of reports what repeats, or stop that.

        Args:
            is_on: The new manner.
        """
        self.voice.omission = Omission() if is_on else None

    def due_us(self) -> int:
        """Give the time at which ``advance`` has something to do, or one that never comes."""
        return min(self.rospecs.due_us(), self._keepalive_at_us)

    def advance(self, now_us: int) -> list[Outgoing]:
        """Let happen what the clock brings.

        Args:
            now_us: The time.

        Returns:
            What to send.
        """
        voice = self._at(now_us)
        self._happen(self.rospecs.advance(now_us))
        if self._keepalive_at_us <= now_us:
            self._keep_alive()
        return voice.drain()

    def forgive(self) -> None:
        """Do not hold against the client that it did not acknowledge what it never got."""
        self._unacknowledged = 0

    def _at(self, now_us: int) -> Voice:
        self.voice.now_us = now_us
        return self.voice

    def _schedule_keepalive(self) -> None:
        period = self.configuration.keepalive_ms * _US_PER_MS
        self._unacknowledged = 0
        self._keepalive_at_us = self.voice.now_us + period if period else _NEVER

    def _keep_alive(self) -> None:
        if self._unacknowledged >= self.model.unacknowledged_keepalives:
            self.voice.announce(element("ConnectionCloseEvent"))
            self._is_leaving, self._keepalive_at_us = True, _NEVER
            return
        self._unacknowledged += 1
        self._keepalive_at_us = self.voice.now_us + self.configuration.keepalive_ms * _US_PER_MS
        self.voice.say("KEEPALIVE")

    def _happen(self, happenings: Iterable[Happening]) -> None:
        for each in happenings:
            match each:
                case Found(observations, origin, spec):
                    report_spec = self._report_spec(spec)
                    self.voice.report(self._buffer.add(observations, origin, report_spec))
                    self._tell_of_room()
                case Started(spec):
                    self._tell_of_rospec(spec, ROSpecEventType.Start_Of_ROSpec)
                case PartEnded(spec, index):
                    self._end_part(spec, index)
                case Ended(spec, preempting):
                    if _reports_at_end(
                        self._report_spec(spec), ROReportTriggerType.Upon_N_Tags_Or_End_Of_ROSpec
                    ):
                        self.voice.report(self._buffer.flush())
                    kind = (
                        ROSpecEventType.Preemption_Of_ROSpec if preempting else ROSpecEventType.End_Of_ROSpec
                    )
                    self._tell_of_rospec(spec, kind, preempting)

    def _end_part(self, spec: Element, index: int) -> None:
        if _reports_at_end(self._report_spec(spec), ROReportTriggerType.Upon_N_Tags_Or_End_Of_AISpec):
            self.voice.report(self._buffer.flush())
        number = spec.number("ROSpecID")
        event = element("AISpecEvent", EventType=0, ROSpecID=number, SpecIndex=index)
        self.voice.notify(NotificationEventType.AISpec_Event, event)

    def _tell_of_rospec(self, spec: Element, kind: ROSpecEventType, preempting: int = 0) -> None:
        event = element(
            "ROSpecEvent",
            EventType=int(kind),
            ROSpecID=spec.number("ROSpecID"),
            PreemptingROSpecID=preempting,
        )
        self.voice.notify(NotificationEventType.ROSpec_Event, event)

    def _tell_of_room(self) -> None:
        """Warn once when the buffer fills, and tell of each time that tags found no room in it."""
        if self._buffer.percent_full >= _WARNING_PERCENT and not self._buffer.has_warned:
            self._buffer.has_warned = True
            event = element(
                "ReportBufferLevelWarningEvent", ReportBufferPercentageFull=self._buffer.percent_full
            )
            self.voice.notify(NotificationEventType.Report_Buffer_Fill_Warning, event)
        if self._buffer.overflowed:
            self._buffer.overflowed = 0
            event = element("ReportBufferOverflowErrorEvent")
            self.voice.notify(NotificationEventType.Report_Buffer_Fill_Warning, event)

    def _report_spec(self, spec: Element) -> Element:
        return spec.find("ROReportSpec") or self.configuration.ro_report_spec


def _reports_at_end(report_spec: Element, kind: ROReportTriggerType) -> bool:
    return report_spec.number("ROReportTrigger") == kind
