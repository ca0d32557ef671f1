"""The last periods as they were: their mean, and what sums over several of them say. Pure.

ADIDA (Nikolopoulos et al. 2011) smooths sums over as many periods as lie between two demands, and shares the
forecast out evenly; IMAPA (Petropoulos & Kourentzes 2015) does so for every length up to that and takes the
mean. Sums always end with the newest period, so of a length k there are k sequences of sums, one of which is
carried on in each period.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.batch.panel import Real, Reals

WINDOW: Final = 13
LONGEST: Final = 24
"""Periods that are summed at most."""
SMOOTHING: Final = (0.1, 0.2, 0.3)
"""Weights of the newest sum; the mean of their forecasts is taken."""
_ALPHA: Final = np.array(SMOOTHING, dtype=Real)[:, None]


@dataclass(slots=True)
class Recent:
    """States after the period last stepped over."""

    place: int
    """Periods stepped over."""
    ring: Reals
    """`LONGEST` x columns: the last periods, each at its place modulo `LONGEST`."""
    ring_known: Reals
    number: Reals
    """Of each column, periods since the first known one."""
    demands: Reals
    until_demand: Reals
    """Periods known when the last demand came."""
    known: Reals
    sums: list[Reals]
    """By length: smoothings x sequences x columns."""

    def step(self, y: Reals, known: Reals) -> None:
        """Take in one period."""
        self.ring[self.place % LONGEST] = y
        self.ring_known[self.place % LONGEST] = known
        self.known += known
        self.number += self.known > 0
        asked = y > 0
        self.demands += asked
        np.copyto(self.until_demand, self.known, where=asked)
        total, count = np.zeros_like(y), np.zeros_like(y)
        is_whole = bool((self.known >= LONGEST).all())
        for length, states in enumerate(self.sums, start=1):
            row = (self.place - length + 1) % LONGEST
            total += self.ring[row]
            count += self.ring_known[row]
            state = states[:, self.place % length]
            if is_whole and bool((count == length).all()):
                gain = np.maximum(_ALPHA, 1 / np.floor(self.number / length))
                state += gain * (total - state)
            else:
                buckets = np.floor(self.number / length)
                gain = np.maximum(_ALPHA, 1 / np.maximum(buckets, 1)) * ((buckets > 0) & (count > 0))
                state += gain * (total * (length / np.maximum(count, 1)) - state)
        self.place += 1

    def read(self) -> dict[str, Reals]:
        """Forecast every following period.

        Returns:
            By member, one value per column.
        """
        newest = self.place - 1
        total, count = np.zeros_like(self.number), np.zeros_like(self.number)
        for back in range(WINDOW - 1, -1, -1):
            total += self.ring[(newest - back) % LONGEST]
            count += self.ring_known[(newest - back) % LONGEST]
        whole = self.sums[0][:, 0].sum(axis=0) / Real(len(SMOOTHING))
        mean = np.where(count > 0, total / np.maximum(count, 1), whole)
        interval = np.rint(self.until_demand / np.maximum(self.demands, 1))
        length = np.clip(interval, 1, len(self.sums))
        adida, added = np.zeros_like(mean), np.zeros_like(mean)
        for k, states in enumerate(self.sums, start=1):
            each = states[:, newest % k].sum(axis=0) / Real(len(SMOOTHING) * k)
            # A length for which there is no whole sum yet tells nothing.
            each = np.where(self.number >= k, each, mean)
            added += np.where(length >= k, each, 0)
            np.copyto(adida, each, where=length == k)
        return {"adida": adida, "imapa": added / length, "mean13": mean}


def recent_of(columns: int, longest: int) -> Recent:
    """Make the states before the first period."""

    def zeros(*shape: int) -> Reals:
        return np.zeros((*shape, columns), dtype=Real)

    sums = [zeros(len(SMOOTHING), length) for length in range(1, longest + 1)]
    return Recent(0, zeros(LONGEST), zeros(LONGEST), zeros(), zeros(), zeros(), zeros(), sums)


def longest_needed(y: Reals, known: Reals) -> int:
    """Give the longest interval that ADIDA asks for at any period; only work is saved by it."""
    demands = np.cumsum(y > 0, axis=0)
    until = np.where(y > 0, np.cumsum(known > 0, axis=0), 0)
    if not y.size:
        return 1
    interval = np.maximum.accumulate(until, axis=0) / np.maximum(demands, 1)
    return int(np.clip(np.rint(interval.max()), 1, LONGEST))
