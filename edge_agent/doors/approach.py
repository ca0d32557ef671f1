"""What one door hears of one unit: its reads in; whether it is in the doorway, or through, out.

A unit that is looked for early is judged by its own label alone, and by what was heard so far. It is in the
doorway if it is very loud, or if the antennas that look outward hear it plainly and those that look inward do
not: what is parked or passes behind the door is never so, what comes off a truck is so before it has passed.
It went through if the filter's own scales say so of a visit that ended now. Limits stand relative to the
portal's ``near_dbm``; how they were chosen, and what others cost, is told in docs/doors.md, under *Lamps*.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from edge_agent.filters.evidence import weigh
from edge_agent.filters.motion import motion_of
from edge_agent.filters.profile import (
    ANTENNAS,
    CELL_US,
    INSIDE_COLUMN,
    OUTSIDE_COLUMN,
    READS,
    SHIFTS,
    Cells,
    attowatts,
)
from edge_agent.filters.read import LOWEST_DBM, NOWHERE
from edge_agent.filters.timeline import levels, turn_of
from edge_agent.filters.verdict import Picture, judge, odds

NOW_US: Final = 2_000_000
"""What was heard so lately tells where a unit is now."""
LATELY_US: Final = 10_000_000
"""Of several doors the one that heard it loudest within so long has it."""
KEPT_US: Final = 30_000_000
_DISORDER: Final = 8
"""Reads come late by so many cells at most: 2 s."""
_UNHEARD_DBM: Final = -90.0
_COLUMNS: Final = (INSIDE_COLUMN, OUTSIDE_COLUMN)

Sides = Sequence[Sequence[int]]
"""Indices of the antennas inside, and outside."""


class Approach:
    """The last half minute of one unit at one door; small, and bounded however often it is read."""

    __slots__ = ("_antennas", "_cells", "_strongest", "last_us")

    def __init__(self, antennas: int) -> None:
        """Begin before the first read.

        Args:
            antennas: Of the door.
        """
        self._antennas = antennas
        self._cells: Cells = {}
        self._strongest: dict[int, list[list[float]]] = {}
        """By cell and column, the two strongest reads, strongest first."""
        self.last_us = 0

    def add(self, at_us: int, antenna: int, column: int, rssi_dbm: float, shift: int) -> None:
        """Take one read.

        Args:
            at_us: When, in microseconds since 1970.
            antenna: Index of the antenna at its door.
            column: Of its side.
            rssi_dbm: Corrected by the antenna's offset.
            shift: Its Doppler shift, as cells count it.
        """
        if abs(at_us - self.last_us) > KEPT_US:  # it comes anew, or a clock stepped
            self.forget()
            self._strongest.clear()
            self.last_us = at_us
        self.last_us = max(self.last_us, at_us)
        number = at_us // CELL_US
        cell = self._cells.get(number)
        if cell is None:
            cell = self._begin(number)
        power = attowatts(rssi_dbm)
        cell[column] += power
        cell[column + READS] += 1
        cell[column + SHIFTS] += shift
        cell[antenna + ANTENNAS] += power
        strongest = self._strongest[number][column]
        strongest.append(rssi_dbm)
        strongest.sort(reverse=True)
        del strongest[2:]

    def _begin(self, number: int) -> list[int]:
        oldest = (self.last_us - KEPT_US) // CELL_US
        for kept in (self._cells, self._strongest):
            for old in [each for each in kept if each < oldest]:
                del kept[old]
        cell = self._cells[number] = [0] * (ANTENNAS + self._antennas)
        self._strongest.setdefault(number, [[] for _ in _COLUMNS])
        return cell

    def forget(self) -> None:
        """Let what comes now be weighed by itself; how loud it was stays known."""
        self._cells.clear()

    def second_dbm(self, since_us: int, columns: Iterable[int] = _COLUMNS) -> float:
        """Tell how loud it is: its second strongest read, since one alone may be a reflection.

        Args:
            since_us: Older reads do not count.
            columns: Of the sides that count.

        Returns:
            In dBm; -120 without two reads.
        """
        since, heard = since_us // CELL_US, list[float]()
        columns = tuple(columns)
        for number, strongest in reversed(self._strongest.items()):
            if number >= since:
                for column in columns:
                    heard += strongest[column]
            elif number < since - _DISORDER:
                break
        heard.sort(reverse=True)
        return heard[1] if len(heard) > 1 else LOWEST_DBM

    def outward_db(self, now_us: int) -> tuple[float, float]:
        """Tell how it is heard by the antennas that look outward.

        Args:
            now_us: Present time.

        Returns:
            How loud it is there, in dBm, and how much louder than inside, in dB; what is not read twice
            inside counts as -90 dBm.
        """
        since_us = now_us - NOW_US
        inside, outside = (self.second_dbm(since_us, (column,)) for column in _COLUMNS)
        return outside, outside - max(inside, _UNHEARD_DBM)

    def through(self, sides: Sides) -> float:
        """Weigh what was heard as if nothing more came.

        Args:
            sides: Of the door.

        Returns:
            How likely it went in or out, 0 to 1; 0 without reads.
        """
        cells = self._cells
        if not cells:
            return 0.0
        turn = turn_of(cells)
        own, at, motion = weigh(cells), levels(cells, turn), motion_of(cells, turn, sides)
        into, out = judge(
            odds(
                Picture(
                    own=own,
                    group=own,
                    own_levels=at,
                    group_levels=at,
                    own_motion=motion,
                    group_motion=motion,
                    reads=sum(cell[READS] + cell[READS + OUTSIDE_COLUMN] for cell in cells.values()),
                    company=0,
                    origin=NOWHERE,
                    has_rested=False,
                )
            )
        ).chances
        return into + out
