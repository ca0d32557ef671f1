"""What each antenna hears: batches of a reader in; totals, rates and strengths of the last seconds out."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from edge_agent.readers.raw_read import RawRead, Seen

WINDOW_S: Final = 10
"""Rates and strengths are of the last so many whole seconds."""
_NOTHING: Final = -1000.0

Port = tuple[str, int]
"""Reader and antenna."""


@dataclass(slots=True)
class _Second:
    second: int = -1
    reads: int = 0
    sum_dbm: float = 0.0
    strongest_dbm: float = _NOTHING


@dataclass(slots=True)
class _Antenna:
    reads: int = 0
    last_seen_us: int = 0
    seconds: list[_Second] = field(default_factory=lambda: [_Second() for _ in range(WINDOW_S + 1)])


@dataclass(frozen=True, slots=True)
class Heard:
    """What one antenna heard."""

    reads: int
    """Since the agent started."""
    last_seen_us: int
    """In microseconds since 1970."""
    reads_per_s: float
    mean_dbm: float | None
    """Of the last seconds; None if there was nothing."""
    strongest_dbm: float | None


class AntennaMeter:
    """Counts reads by antenna, in memory bounded by the antennas there are; any thread may call it."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        """Begin to count.

        Args:
            now_s: Monotonic time.
        """
        self._now_s = now_s
        self._antennas: defaultdict[Port, _Antenna] = defaultdict(_Antenna)
        self._lock = threading.Lock()

    def count(self, batch: Iterable[Seen]) -> None:
        """Take what a reader said.

        Args:
            batch: Reads and changes of inputs; only reads count.
        """
        second = int(self._now_s())
        with self._lock:
            for read in batch:
                if isinstance(read, RawRead):
                    self._count(self._antennas[read.reader, read.antenna], read, second)

    def heard(self) -> dict[Port, Heard]:
        """Tell what each antenna heard.

        Returns:
            By reader and antenna, those that ever heard something.
        """
        second = int(self._now_s())
        with self._lock:
            return {port: _heard(antenna, second) for port, antenna in self._antennas.items()}

    def _count(self, antenna: _Antenna, read: RawRead, second: int) -> None:
        antenna.reads += 1
        antenna.last_seen_us = max(antenna.last_seen_us, read.seen_us)
        bucket = antenna.seconds[second % len(antenna.seconds)]
        if bucket.second != second:
            bucket.second, bucket.reads, bucket.sum_dbm, bucket.strongest_dbm = second, 0, 0.0, _NOTHING
        bucket.reads += 1
        bucket.sum_dbm += read.rssi_dbm
        bucket.strongest_dbm = max(bucket.strongest_dbm, read.rssi_dbm)


def _heard(antenna: _Antenna, second: int) -> Heard:
    recent = [each for each in antenna.seconds if second - WINDOW_S <= each.second < second and each.reads]
    reads = sum(each.reads for each in recent)
    return Heard(
        reads=antenna.reads,
        last_seen_us=antenna.last_seen_us,
        reads_per_s=reads / WINDOW_S,
        mean_dbm=sum(each.sum_dbm for each in recent) / reads if reads else None,
        strongest_dbm=max((each.strongest_dbm for each in recent), default=None),
    )
