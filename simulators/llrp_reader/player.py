"""A capture and faults in real time: what is due when, and the doing of it on a reader's server."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from simulators.llrp_reader.capture import Captured, LevelChange
from simulators.llrp_reader.faults import NAMED, Faults
from simulators.llrp_reader.report import Observation
from simulators.llrp_reader.server import LlrpReaderServer

_US_PER_S: Final = 1_000_000
_PAUSE_US: Final = 1_000_000
"""Between the end of a capture and its next beginning."""
_GATHER_US: Final = 10_000
"""Reads so close together come in one call."""


@dataclass(frozen=True, order=True)
class TimedFault:
    """A fault at a time."""

    after_us: int
    """Since the first client began its inventory."""
    name: str

    @classmethod
    def parse(cls, text: str) -> "TimedFault":
        """Parse what the command line says.

        Args:
            text: ``NAME@SECONDS``.

        Returns:
            The fault.

        Raises:
            ValueError: If there is no such fault, or no such time.
        """
        name, _, seconds = text.partition("@")
        if name not in NAMED:
            raise ValueError(f"fault {text!r}: expected NAME@SECONDS with one of {', '.join(NAMED)}")
        try:
            after_us = round(float(seconds) * _US_PER_S)
        except (ValueError, OverflowError) as error:
            raise ValueError(f"fault {text!r}: expected NAME@SECONDS, as silence@10") from error
        if after_us < 0:
            raise ValueError(f"fault {text!r}: expected at least 0 seconds")
        return cls(after_us, name)


@dataclass(order=True)
class _Due:
    after_us: int
    act: Callable[[LlrpReaderServer, int], None] = field(compare=False)


def play(
    server: LlrpReaderServer,
    open_capture: Callable[[], Iterable[Captured]],
    faults: Iterable[TimedFault],
    *,
    now_us: Callable[[], int],
    wait_s: Callable[[float], bool],
    is_endless: bool = False,
) -> None:
    """Play a capture and faults, until both are at their end or the wait is broken off.

    Args:
        server: The reader; its times are those of the playing, not of the capture.
        open_capture: Opens the capture from its beginning.
        faults: When what goes wrong.
        now_us: The time in microseconds since 1970, UTC.
        wait_s: Waits so many seconds and tells whether to break off.
        is_endless: Begin the capture anew whenever it ends.
    """
    start_us = now_us()
    for due in heapq.merge(_captured(open_capture, is_endless=is_endless), _faults(faults)):
        wait = (start_us + due.after_us - now_us()) / _US_PER_S
        if wait_s(max(0.0, wait)):
            return
        due.act(server, start_us)


def _faults(faults: Iterable[TimedFault]) -> Iterator[_Due]:
    for fault in sorted(faults):
        yield _Due(fault.after_us, _fault(NAMED[fault.name]))


def _fault(act: Callable[[Faults], None]) -> Callable[[LlrpReaderServer, int], None]:
    return lambda server, _: act(server.faults)


def _captured(open_capture: Callable[[], Iterable[Captured]], *, is_endless: bool) -> Iterator[_Due]:
    begin_us = 0
    while True:
        last_us = begin_us
        for due in _gathered(open_capture(), begin_us):
            last_us = max(last_us, due.after_us)
            yield due
        if not is_endless or last_us == begin_us:
            return
        begin_us = last_us + _PAUSE_US


def _gathered(captured: Iterable[Captured], begin_us: int) -> Iterator[_Due]:
    """Turn times into times since the first one, and gather reads that are close together."""
    first_us: int | None = None
    group: list[Observation] = []
    for each in captured:
        if first_us is None:
            first_us = each.at_us
        after_us = each.at_us - first_us + begin_us
        if group and (isinstance(each, LevelChange) or after_us - group[0].at_us > _GATHER_US):
            yield _reads(group)
            group = []
        if isinstance(each, LevelChange):
            yield _level(each, after_us)
        else:
            group.append(each._replace(at_us=after_us))
    if group:
        yield _reads(group)


def _reads(group: list[Observation]) -> _Due:
    def act(server: LlrpReaderServer, start_us: int) -> None:
        server.report([each._replace(at_us=start_us + each.at_us) for each in group])

    return _Due(group[-1].at_us, act)


def _level(change: LevelChange, after_us: int) -> _Due:
    return _Due(after_us, lambda server, _: server.gpi(change.port, change.is_high))
