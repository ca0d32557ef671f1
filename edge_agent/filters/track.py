"""One tag's visit to a portal's field: its reads as they come, bounded however long it stays."""

import math
from typing import Final

MOST_READS: Final = 768
"""Kept per visit; beyond that every second read is let go, evenly over the whole visit."""
_GOLDEN: Final = 0x9E3779B1
"""2^32 / golden ratio: its multiples are spread evenly, and follow no antenna's turn."""
_WORD: Final = 0xFFFFFFFF
_UNKNOWN_DBM: Final = -80.0
"""For a read without a usable RSSI: weak, as far as anyone knows."""
LOWEST_DBM: Final = -120.0
HIGHEST_DBM: Final = 30.0

INSIDE: Final = 1
OUTSIDE: Final = -1
NOWHERE: Final = 0

Read = tuple[int, int, float]
"""Time in microseconds since 1970, index of the antenna at its portal, RSSI in dBm."""


class Track:
    """What is known of one tag at one portal; mutable and small, there may be ten thousand."""

    __slots__ = ("_below", "count", "epc", "first_us", "has_rested", "last_us", "origin", "peak_dbm", "reads")

    def __init__(self, epc: str, at_us: int) -> None:
        """Begin before the first read.

        Args:
            epc: Hexadecimal digits.
            at_us: Time of the first read.
        """
        self.epc = epc
        self.first_us = at_us
        self.last_us = at_us
        self.count = 0
        self.peak_dbm = LOWEST_DBM
        self.reads: list[Read] = []
        """Kept ones, in the order they came."""
        self.origin = NOWHERE
        """The side on which it rested, if it did."""
        self.has_rested = False
        """Whether what was read so far is decided, and only a change of sides is news."""
        self._below = 0

    def add(self, read: Read) -> None:
        """Take one read.

        Args:
            read: Of this tag; may be a little older than others before it.
        """
        at_us, _, rssi_dbm = read
        self.count += 1
        if at_us > self.last_us:
            self.last_us = at_us
        elif at_us < self.first_us:
            self.first_us = at_us
        if rssi_dbm > self.peak_dbm:
            self.peak_dbm = rssi_dbm
        if self._below and self.count * _GOLDEN & _WORD >= self._below:
            return
        self.reads.append(read)
        if len(self.reads) >= MOST_READS:
            self._below = (self._below or _WORD + 1) >> 1
            self.reads = [each for n, each in enumerate(self.reads) if n * _GOLDEN & _WORD <= _WORD >> 1]

    def rest(self, side: int, since_us: int) -> None:
        """Note that everything so far is decided and the tag stands still; forget all but the newest reads.

        Args:
            side: Where it stands.
            since_us: Older reads are forgotten.
        """
        self.has_rested = True
        self.origin = side
        self.reads = [read for read in self.reads if read[0] >= since_us]
        self._below = 0
        self.first_us = min((read[0] for read in self.reads), default=self.last_us)
        self.peak_dbm = max((read[2] for read in self.reads), default=LOWEST_DBM)
        self.count = len(self.reads)


def usable_dbm(rssi_dbm: float) -> float:
    """Make an RSSI finite.

    Args:
        rssi_dbm: As the reader says; anything.

    Returns:
        It, within what radio can be; -80 dBm for what is no number.
    """
    if math.isnan(rssi_dbm):
        return _UNKNOWN_DBM
    return min(max(rssi_dbm, LOWEST_DBM), HIGHEST_DBM)
