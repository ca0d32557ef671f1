"""Methods for demand that comes now and then, all series at once: TSB and Croston's, corrected. Pure.

TSB smooths the chance of demand in every period, and its size when there is some (Teunter, Syntetos & Babai
2011), so that it forgets a series that dies. Croston's method smooths size and interval when demand comes;
SBA takes off half the smoothing weight, by which it is too high (Syntetos & Boylan 2005). Here too a growing
memory precedes: the first levels are plain means.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.batch.panel import Real, Reals

CHANCE: Final = (0.02, 0.05, 0.1, 0.2, 0.3)
"""Weights of the newest period in the chance of demand (TSB)."""
SIZE: Final = (0.05, 0.1, 0.2, 0.3)
"""Weights of the newest demand in its size, and of the newest interval."""
_CHANCE: Final = np.array(CHANCE, dtype=Real)[:, None]
_SIZE: Final = np.array(SIZE, dtype=Real)[:, None]
_CORRECTED: Final = (1 - _SIZE / 2).astype(Real)


@dataclass(slots=True)
class Intermittent:
    """States after the period last stepped over; models x columns, or one value per column."""

    number: Reals
    demands: Reals
    since: Reals
    """Known periods since the last demand."""
    chance: Reals
    size: Reals
    interval: Reals
    errors: Reals
    """Chances x sizes x columns: sums of squared errors of TSB."""

    def step(self, y: Reals, known: Reals) -> None:
        """Take in one period.

        Args:
            y: Of each column its demand, 0 where not known.
            known: 1 where it is, else 0.
        """
        asked = (y > 0).astype(Real)
        error = y - self.chance[:, None] * self.size
        np.multiply(error, error, out=error)
        error *= known
        self.errors += error
        self.number += known
        self.since += known
        self.demands += asked
        self.chance += np.maximum(_CHANCE, 1 / np.maximum(self.number, 1)) * (asked - self.chance) * known
        gain = np.maximum(_SIZE, 1 / np.maximum(self.demands, 1)) * asked
        self.size += gain * (y - self.size)
        self.interval += gain * (self.since - self.interval)
        self.since *= 1 - asked

    def read(self) -> dict[str, Reals]:
        """Forecast every following period.

        Returns:
            By member, one value per column.
        """
        flat = self.errors.reshape(-1, self.errors.shape[-1])
        path = (self.chance[:, None] * self.size).reshape(flat.shape)
        best = np.argmin(flat, axis=0)
        tsb = np.take_along_axis(path, best[None], axis=0)[0]
        sba = (_CORRECTED * self.size / np.maximum(self.interval, 1)).sum(axis=0) / len(SIZE)
        return {"tsb": tsb, "tsb_mean": path.sum(axis=0) / Real(len(path)), "sba": sba}


def intermittent_of(columns: int) -> Intermittent:
    """Make the states before the first period.

    Args:
        columns: Series.

    Returns:
        All zero.
    """

    def zeros(*models: int) -> Reals:
        return np.zeros((*models, columns), dtype=Real)

    return Intermittent(
        zeros(), zeros(), zeros(), zeros(len(CHANCE)), zeros(len(SIZE)), zeros(len(SIZE)),
        zeros(len(CHANCE), len(SIZE)),
    )  # fmt: skip
