"""Faults on command: what goes wrong on a reader's link, in the reader, and with its clock."""

import random
from collections.abc import Callable
from typing import Final

from simulators.llrp_reader.link import Conditions, Link
from simulators.llrp_reader.messages import HEADER, frame
from simulators.llrp_reader.reader import VirtualReader

_KEEPALIVE: Final = 62
_RO_ACCESS_REPORT: Final = 61
_UNKNOWN_MESSAGE: Final = 900
_TAG_REPORT_DATA: Final = 240
_GARBAGE_BYTES: Final = 64
_US_PER_S: Final = 1_000_000

Act = Callable[[VirtualReader, Link | None], None]


class Faults:
    """The switchboard; thread-safe, as each fault is done by the thread that serves the reader.

    A fault of the link that no client is connected to does nothing; a lasting one waits for the next client.
    """

    def __init__(
        self, conditions: Conditions, post: Callable[[Act], None], now_us: Callable[[], int]
    ) -> None:
        """Wire it.

        Args:
            conditions: Of the link, changed only by posted acts.
            post: Lets the serving thread do something.
            now_us: The time.
        """
        self._conditions = conditions
        self._post = post
        self._now_us = now_us
        self._random = random.Random(5084)

    def silence(self) -> None:
        """Keep the connection, and say nothing any more: no keepalive, no answer, no report."""
        self._condition("is_silent", value=True)

    def speak(self) -> None:
        """End the silence; what was not said is lost."""
        self._condition("is_silent", value=False)

    def crumble(self) -> None:
        """Send each byte by itself, so that frames arrive in parts."""
        self._condition("is_crumbling", value=True)

    def mend(self) -> None:
        """Send whole messages again."""
        self._condition("is_crumbling", value=False)

    def slow_acks(self, delay_s: float = 2.0) -> None:
        """Answer requests late.

        Args:
            delay_s: How late; 0 ends it.
        """
        self._condition("answer_delay_us", value=round(delay_s * _US_PER_S))

    def reset_mid_frame(self) -> None:
        """Send half of a message, then reset the connection."""
        self._on_link(_reset_mid_frame)

    def reset(self) -> None:
        """Reset the connection between two messages."""
        self._on_link(Link.reset)

    def half_close(self) -> None:
        """Close the reader's direction of the connection; it still listens."""
        self._on_link(Link.half_close)

    def garbage(self) -> None:
        """Send bytes that are no message."""
        data = self._random.randbytes(_GARBAGE_BYTES)
        self._on_link(lambda link: link.inject(data))

    def unknown_message(self) -> None:
        """Send a sound message of a type that LLRP 1.0.1 does not have."""
        data = frame(_UNKNOWN_MESSAGE, self._random.randbytes(16))
        self._on_link(lambda link: link.inject(data))

    def truncated_parameter(self) -> None:
        """Send a report whose only TagReportData claims more bytes than the message has."""
        tag = _TAG_REPORT_DATA.to_bytes(2, "big") + (200).to_bytes(2, "big") + b"\x8d\x30\x00"
        self._on_link(lambda link: link.inject(frame(_RO_ACCESS_REPORT, tag)))

    def refuse_rospecs(self) -> None:
        """Answer ADD_ROSPEC with R_DeviceError."""
        self._on_reader(lambda reader: setattr(reader.requests, "refuses_rospecs", True))

    def accept_rospecs(self) -> None:
        """Take ROSpecs again."""
        self._on_reader(lambda reader: setattr(reader.requests, "refuses_rospecs", False))

    def omit_repeated(self) -> None:
        """Leave out of reports what is the same as last: the manner of some readers."""
        self._on_reader(lambda reader: reader.omit_repeated(is_on=True))

    def repeat_all(self) -> None:
        """Tell everything again."""
        self._on_reader(lambda reader: reader.omit_repeated(is_on=False))

    def offset_clock(self, seconds: float = 3600.0) -> None:
        """Set the reader's UTC clock off, or its uptime.

        Args:
            seconds: How far it is fast; negative: slow.
        """

        def step(reader: VirtualReader) -> None:
            stamping = reader.voice.stamping
            base = 0 if stamping.is_utc else stamping.shift_us
            reader.set_clock(base + round(seconds * _US_PER_S))

        self._on_reader(step)

    def clock_reset(self) -> None:
        """Set the reader's clock to 0: 1970, or an uptime that begins anew."""
        self._on_reader(lambda reader: reader.set_clock(-self._now_us()))

    def _condition(self, name: str, *, value: int) -> None:
        self._post(lambda _reader, _link: setattr(self._conditions, name, value))

    def _on_link(self, act: Callable[[Link], None]) -> None:
        def on_connected(_: VirtualReader, link: Link | None) -> None:
            if link is not None:
                act(link)

        self._post(on_connected)

    def _on_reader(self, act: Callable[[VirtualReader], None]) -> None:
        self._post(lambda reader, _: act(reader))


NAMED: Final[dict[str, Callable[[Faults], None]]] = {
    "silence": Faults.silence,
    "speak": Faults.speak,
    "reset": Faults.reset,
    "reset-mid-frame": Faults.reset_mid_frame,
    "garbage": Faults.garbage,
    "unknown-message": Faults.unknown_message,
    "truncated-parameter": Faults.truncated_parameter,
    "slow-acks": Faults.slow_acks,
    "clock-offset": Faults.offset_clock,
    "clock-reset": Faults.clock_reset,
    "partial-frames": Faults.crumble,
    "whole-frames": Faults.mend,
    "half-close": Faults.half_close,
    "refuse-rospecs": Faults.refuse_rospecs,
    "accept-rospecs": Faults.accept_rospecs,
    "omit-repeated": Faults.omit_repeated,
}
"""Each fault by the name that the command line knows."""


def _reset_mid_frame(link: Link) -> None:
    whole = link.last_report or frame(_KEEPALIVE, b"")
    link.inject(whole[: max(HEADER.size // 2, len(whole) // 2)])
    link.flush(0)
    link.reset()
