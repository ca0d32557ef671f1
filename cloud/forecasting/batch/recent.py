"""The last periods as they were: their mean, and what sums over several of them say. Pure.

ADIDA (Nikolopoulos et al. 2011) smooths sums over as many periods as lie between two demands, and shares the
forecast out evenly; IMAPA (Petropoulos & Kourentzes 2015) does so for every length up to that and takes the
mean. Sums always end with the newest period, so of a length k there are k sequences of sums that do not
overlap, and each period carries one of them on.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from cloud.forecasting.batch.panel import Real, Reals

WINDOW: Final = 13
"""Periods of which the plain mean is taken."""
LONGEST: Final = 24
"""Periods that are summed at most."""
SMOOTHING: Final = 0.2
"""Weight of the newest sum: the middle of what is usual for slow movers, 0.1 to 0.3."""


@dataclass(slots=True)
class Recent:
    """States after the period last stepped over; columns are series."""

    place: int
    """Periods stepped over."""
    known: Reals
    """Periods known."""
    clock: Reals
    """Periods since the first known one."""
    demands: Reals
    until_demand: Reals
    """Periods known when the last demand came."""
    sums: Reals
    """Lengths x columns: demand of the last 1, 2, ... periods, added from the oldest on."""
    counts: Reals
    """How many of these were known."""
    levels: Reals
    """Smoothed sums: one row for length 1, two for length 2, and so on."""

    @property
    def longest(self) -> int:
        """The greatest length that is smoothed: levels have 1 + 2 + ... rows."""
        return lengths_of(self.levels)

    def _rows(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Rows of the sequences that end with the period last stepped over, by length."""
        length = np.arange(1, self.longest + 1)
        return length * (length - 1) // 2 + (self.place - 1) % length

    def step(self, y: Reals, known: Reals) -> None:
        """Take in one period.

        Args:
            y: Of each column its demand, 0 where not known.
            known: 1 where it is, else 0.
        """
        self.place += 1
        self.known += known
        self.clock += self.known > 0
        asked = y > 0
        self.demands += asked
        np.copyto(self.until_demand, self.known, where=asked)
        self._add(self.sums, y)
        self._add(self.counts, known)
        longest, rows = self.longest, self._rows()
        length: Reals = np.arange(1, longest + 1, dtype=Real)[:, None]
        total, count = self.sums[:longest], self.counts[:longest]
        # Series that begin together share their clock, and all that follows from it.
        clock = self.clock[:1] if (self.clock == self.clock[0]).all() else self.clock
        whole: Reals = np.floor(clock / length)
        gain: Reals = np.maximum(Real(SMOOTHING), 1 / np.maximum(whole, 1))
        if not (count == length).all():
            gain = gain * ((whole > 0) & (count > 0))
            whole_sum = length / np.maximum(count, 1)
            total = np.multiply(total, whole_sum, dtype=Real)
        old = self.levels[rows]
        change = np.subtract(total, old)
        change *= gain
        old += change
        self.levels[rows] = old

    @staticmethod
    def _add(sums: Reals, newest: Reals) -> None:
        """Move sums of the last periods on by one."""
        np.add(sums[:-1], newest, out=sums[1:])
        sums[0] = newest

    def read(self) -> dict[str, Reals]:
        """Forecast every following period.

        Returns:
            By member, one value per column.
        """
        longest = self.longest
        length: Reals = np.arange(1, longest + 1, dtype=Real)[:, None]
        each = self.levels[self._rows()] / length
        count = self.counts[WINDOW - 1]
        mean = np.where(count > 0, self.sums[WINDOW - 1] / np.maximum(count, 1), each[0])
        asked = np.clip(np.rint(self.until_demand / np.maximum(self.demands, 1)), 1, longest)
        # A length of which there is no whole sum yet tells nothing.
        np.copyto(each, mean, where=self.clock < length)
        place = asked.astype(np.intp)[None] - 1
        adida = np.take_along_axis(each, place, axis=0)[0]
        for shorter, longer in pairwise(each):
            np.add(longer, shorter, out=longer)
        added = np.take_along_axis(each, place, axis=0)[0]
        return {"adida": adida, "imapa": added / asked, "mean13": mean}


def lengths_of(levels: Reals) -> int:
    """Tell for how many lengths there are smoothed sums.

    Args:
        levels: With 1 + 2 + ... rows.

    Returns:
        Their number.
    """
    return (math.isqrt(8 * len(levels) + 1) - 1) // 2


def recent_of(columns: int, longest: int) -> Recent:
    """Make the states before the first period.

    Args:
        columns: Series.
        longest: Periods that are summed at most, 1 to `LONGEST`.

    Returns:
        All zero.
    """

    def zeros(*shape: int) -> Reals:
        return np.zeros((*shape, columns), dtype=Real)

    kept = max(longest, WINDOW)
    levels = zeros(longest * (longest + 1) // 2)
    return Recent(0, zeros(), zeros(), zeros(), zeros(), zeros(kept), zeros(kept), levels)


def longest_asked(y: Reals, known: Reals) -> Reals:
    """Give the longest interval that ADIDA asks for at any period; by this only work is saved.

    Args:
        y: Time x columns.
        known: 1 where known.

    Returns:
        Of each column, 1 to `LONGEST`.
    """
    demands = np.zeros(y.shape[1], dtype=Real)
    seen, longest = np.zeros_like(demands), np.ones_like(demands)
    for now, is_known in zip(y, known, strict=True):
        seen += is_known
        demands += now > 0
        np.maximum(longest, np.where(now > 0, seen / np.maximum(demands, 1), 0), out=longest)
    return np.minimum(np.rint(longest), LONGEST)
