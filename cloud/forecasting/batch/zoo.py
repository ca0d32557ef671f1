"""All recursions of one group of series together: what is stepped over, and what is read off it. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.batch.holt_winters import HoltWinters, holt_winters_of
from cloud.forecasting.batch.intermittent import Intermittent, intermittent_of
from cloud.forecasting.batch.panel import Panel, Real, Reals
from cloud.forecasting.batch.recent import Recent, recent_of
from cloud.forecasting.batch.smoothing_grid import SmoothingGrid, grid_of
from cloud.forecasting.batch.theta import THETAS, slope, theta

INTERMITTENT: Final = ("tsb", "tsb_mean", "sba", "adida", "imapa")
"""Members that are not ready beside `ses` as long as something was asked for in every period."""
LEADING_ZEROS: Final = 13
"""Of zeros before the first demand so many count for the smoothing members: more tell of a launch."""


@dataclass(slots=True)
class Zoo:
    """States after the period last stepped over; columns are series."""

    started: Reals
    """1 from the first demand on."""
    lasting: Reals
    """Mean in which a season, at least 13 periods, weighs."""
    last: Reals
    """The last known value."""
    smoothing: SmoothingGrid
    intermittent: Intermittent
    recent: Recent
    winters: HoltWinters | None
    """Of series with a season; None: these have none."""

    def step(self, y: Reals, known: Reals, season: int) -> None:
        """Take in one period.

        Args:
            y: Of each column, 0 where not known.
            known: 1 where known, else 0.
            season: Periods per cycle.
        """
        self.intermittent.step(y, known)
        self.recent.step(y, known)
        np.copyto(self.last, y, where=known > 0)
        np.maximum(self.started, y > 0, out=self.started)
        waits = None
        if not self.started.all():
            waits = (1 - self.started) * (self.smoothing.number >= LEADING_ZEROS)
            known = known * (1 - waits)
        self.smoothing.step(y, known)
        if waits is not None:
            self.smoothing.clock -= waits
            np.copyto(self.smoothing.pace, 1, where=waits > 0)
        least = Real(2 / (1 + max(season, LEADING_ZEROS)))
        gain = known * np.maximum(least, 1 / np.maximum(self.smoothing.number, 1))
        self.lasting += gain * (y - self.lasting)
        if self.winters is not None:
            self.winters.step(y, known, self.smoothing)

    def read(self, horizon: int, members: Sequence[str]) -> dict[str, Reals]:
        """Forecast from the period last stepped over.

        Args:
            horizon: Periods ahead.
            members: Which.

        Returns:
            By member, columns x horizon, or columns x 1 where each period is the same; NaN where nothing is
            known.
        """
        flat = {
            **self.recent.read(),
            **self.intermittent.read(),
            "lasting": self.lasting,
            "seasonal": self.lasting,
            "naive2": self.last,
        }
        found = {
            **self.smoothing.read(horizon),
            **{name: value[:, None] for name, value in flat.items()},
        }
        if self.winters is not None and "seasonal" in members:
            found["seasonal"] = self.winters.read(horizon, self.smoothing)
        rise = slope(self.smoothing)
        for name, parts in THETAS.items():
            if name in members:
                found[name] = theta(self.smoothing, horizon, parts, rise)
        known = self.recent.known[:, None]
        is_ready = known > 0
        # With demand in every period these are simple smoothings, and would count `ses` five times more.
        ready = dict.fromkeys(members, is_ready)
        if "ses" in members:
            ready |= dict.fromkeys(INTERMITTENT, is_ready & (self.recent.demands[:, None] < known))
        if self.winters is None and "lasting" in members:
            ready["seasonal"] = np.zeros_like(is_ready)
        return {name: np.where(ready[name], found[name], Real(np.nan)) for name in members}


def steps_of(panel: Panel, index: Reals) -> Iterator[tuple[Reals, Reals]]:
    """Give the periods of a panel one by one, seasonally adjusted.

    Args:
        panel: Of the series.
        index: Season x columns.

    Yields:
        Demand and whether it is known, each one value per column.
    """
    has_season = bool((index != 1).any())
    for row, (y, known) in enumerate(zip(panel.y, panel.known, strict=True)):
        yield (y / index[row % len(index)] if has_season else y), known


def zoo_of(columns: int, longest: int, season: int | None) -> Zoo:
    """Make the states before the first period.

    Args:
        columns: Series.
        longest: Periods that are summed at most.
        season: Periods per cycle, if these series have a season; else None.

    Returns:
        All zero.
    """
    started, lasting, last = (np.zeros(columns, dtype=Real) for _ in range(3))
    return Zoo(
        started=started,
        lasting=lasting,
        last=last,
        smoothing=grid_of(columns),
        intermittent=intermittent_of(columns),
        recent=recent_of(columns, longest),
        winters=None if season is None else holt_winters_of(columns, season),
    )
