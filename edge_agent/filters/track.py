"""One tag's visit to a portal's field: its reads as they come, bounded however long it stays."""

from typing import Final

from edge_agent.filters.group import Group
from edge_agent.filters.packed import Packed, read_packed, shift_packed
from edge_agent.filters.profile import ANTENNAS, CELL_US, READS, SHIFTS, Cells, attowatts, loudness
from edge_agent.filters.read import LOWEST_DBM, NOWHERE, Read

MOST_READS: Final = 768
"""Kept per visit; beyond that every second read is let go, evenly over the whole visit."""
_LAST_US: Final = 1_000_000
_LAST_READS: Final = 64
_FADED_DB: Final = 12.0
"""Weaker than its peak by so much in its last second, a tag has gone away."""
_GOLDEN: Final = 0x9E3779B1
"""2^32 / golden ratio: its multiples are spread evenly, and follow no antenna's turn."""
AS_AT_REST: Final = 0.5
"""Who seems to pass as loud as it stood is no surer: nor do documents make it so."""
_LOUDER_THAN_AT_REST: Final = 6.3
"""8 dB: what passed was so much louder then than while it stood."""
_WORD: Final = 0xFFFFFFFF


class Track:
    """What is known of one tag at one portal; mutable and small, there may be ten thousand."""

    __slots__ = (
        "_below",
        "_columns",
        "_loudness",
        "_rests",
        "_zero_us",
        "cells",
        "count",
        "epc",
        "first_us",
        "group",
        "has_rested",
        "last_us",
        "origin",
        "packed",
        "peak_dbm",
        "reads",
        "rest_loudness",
    )

    def __init__(self, epc: str, at_us: int, group: Group, *, zero_us: int, antennas: int) -> None:
        """Begin before the first read.

        Args:
            epc: Hexadecimal digits.
            at_us: Time of the first read.
            group: Tags that came with it.
            zero_us: Where the cells of its portal are counted from.
            antennas: Of its portal.
        """
        self.epc = epc
        self.group = group
        self.first_us = at_us
        self.last_us = at_us
        self.count = 0
        self.peak_dbm = LOWEST_DBM
        self.reads: list[Read] = []
        """Kept ones, in the order they came."""
        self.cells: Cells = {}
        """What was heard over time, of every read, kept or not; numbered alike for all tags of a portal."""
        self.packed: Packed = {}
        """The same cells, for adding many up."""
        self.origin = NOWHERE
        """The side on which it rested, if it did."""
        self.has_rested = False
        """Whether what was read so far is decided, and only a change of sides is news."""
        self.rest_loudness = 0.0
        """Mean loudness, in attowatts, of the moments at which it was found at rest."""
        self._rests = 0
        self._below = 0
        self._zero_us = zero_us
        self._loudness = (0, 0.0)
        """After how many reads, and the loudness then."""
        self._columns = ANTENNAS + antennas

    def add(self, read: Read, column: int, shift: int) -> None:
        """Take one read.

        Args:
            read: Of this tag; may be a little older than others before it.
            column: Of its antenna's side.
            shift: Its Doppler shift, as cells count it.
        """
        at_us, antenna, rssi_dbm = read
        self.count += 1
        number = (at_us - self._zero_us) // CELL_US
        cell = self.cells.get(number)
        if cell is None:
            cell = self.cells[number] = [0] * self._columns
            self.packed[number] = [0]
        power = attowatts(rssi_dbm)
        packed = read_packed(power, column, antenna)
        cell[column] += power
        cell[column + READS] += 1
        cell[antenna + ANTENNAS] += power
        if shift:
            cell[column + SHIFTS] += shift
            packed += shift_packed(shift, column)
        self.packed[number][0] += packed
        if at_us > self.last_us:
            self.last_us = at_us
        elif at_us < self.first_us:
            self.first_us = at_us
        if rssi_dbm > self.peak_dbm:  # noqa: PLR1730  max() takes thrice as long
            self.peak_dbm = rssi_dbm
        if self._below and self.count * _GOLDEN & _WORD >= self._below:
            return
        self.reads.append(read)
        if len(self.reads) >= MOST_READS:
            self._below = (self._below or _WORD + 1) >> 1
            self.reads = [each for n, each in enumerate(self.reads) if n * _GOLDEN & _WORD <= _WORD >> 1]

    @property
    def loudness(self) -> float:
        """Mean power of its five strongest reads that are kept, in attowatts."""
        if self._loudness[0] != self.count:
            self._loudness = self.count, loudness(self.reads)
        return self._loudness[1]

    @property
    def is_astir(self) -> bool:
        """Whether it rested, on no side that would tell, and is plainly louder now."""
        return self.has_rested and self.origin == NOWHERE and not self.is_as_at_rest

    @property
    def is_as_at_rest(self) -> bool:
        """Whether it rested, on no side that would tell, and is hardly louder now."""
        return self.origin == NOWHERE and self.loudness < _LOUDER_THAN_AT_REST * self.rest_loudness

    @property
    def vanished_loud(self) -> bool:
        """Whether it fell silent without having gone away."""
        since_us = self.last_us - _LAST_US
        loudest = max(
            (read[2] for read in self.reads[-_LAST_READS:] if read[0] >= since_us), default=LOWEST_DBM
        )
        return loudest > self.peak_dbm - _FADED_DB

    def rest(self, side: int, since_us: int) -> None:
        """Note that everything so far is decided and the tag stands still; forget all but the newest reads.

        Args:
            side: Where it stands.
            since_us: Older reads are forgotten.
        """
        self.has_rested = True
        self.origin = side
        self.reads = [read for read in self.reads if read[0] >= since_us]
        since = (since_us - self._zero_us) // CELL_US
        self.cells = {number: cell for number, cell in self.cells.items() if number >= since}
        self.packed = {number: self.packed[number] for number in self.cells}
        self._below = 0
        self.first_us = min((read[0] for read in self.reads), default=self.last_us)
        self.peak_dbm = max((read[2] for read in self.reads), default=LOWEST_DBM)
        self.count = len(self.reads)
        self._loudness = (0, 0.0)
        if not self.reads:
            return
        self._rests += 1
        self.rest_loudness += (self.loudness - self.rest_loudness) / self._rests
