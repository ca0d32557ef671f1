"""Quantiles of demand summed over days from past forecast errors of such sums, by the batch engine. Pure.

What stock must cover is a sum over the lead time, so sums are what is calibrated: over each standard horizon
of days, at weekly origins (`cloud.forecasting.batch.bands` says how).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud.forecasting.batch import bands
from cloud.forecasting.batch.bands import Scaled, Tables, Targets
from cloud.forecasting.batch.scales import Reals
from cloud.forecasting.domain import HORIZONS
from cloud.forecasting.protocol import Floats, Ints
from cloud.forecasting.rolling import Rolled
from cloud.forecasting.weeks import DAYS, Weeks

_WEEK: Final = HORIZONS.index(DAYS)
_HORIZONS: Final = np.array(HORIZONS)
_TARGETS: Final = Targets(np.zeros_like(_HORIZONS), _HORIZONS)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the bands of each origin rest on; all that touches an origin was known at it."""

    idle: Reals
    """Series x origins: chance that a week brings no demand."""
    scaled: Scaled
    tables: Tables

    @property
    def strata(self) -> Ints:
        """Series x origins: stratum of volume, 0 the smallest; -1 where there is no forecast."""
        return self.scaled.strata

    @property
    def scales(self) -> Floats:
        """Series x origins: usual error of a week; NaN where none is known."""
        result: Floats = self.scaled.width[:, :, _WEEK] * np.sqrt(DAYS)
        return result

    def scale(self, row: int) -> float:
        """Give the usual error of a week of a series now; NaN where none is known."""
        return float(self.scaled.width[row, -1, _WEEK] * np.sqrt(DAYS))

    def samples(self, row: int) -> Ints:
        """Tell how many errors the bands in force of a series rest on.

        Args:
            row: Of the series.

        Returns:
            One number per standard horizon.
        """
        pool = self.scaled.of(slice(row, row + 1)).pool(-1)[0]
        result: Ints = self.tables.samples[-1][np.arange(len(HORIZONS)), pool]
        return result

    def quantiles(
        self, place: int, centre: Floats, horizons: Ints, rows: slice | Ints = slice(None)
    ) -> Floats:
        """Put quantiles around sums, rising with level and horizon, never below zero.

        Args:
            place: Of the origin.
            centre: Series x horizons: expected sums.
            horizons: Days, ascending; errors of one that is not standard lie between its neighbours'.
            rows: Series; all by default.

        Returns:
            Series x horizons x levels; NaN where there is no forecast, or no error is known.
        """
        place %= self.strata.shape[1]
        spread = np.sqrt(_HORIZONS)[:, None, None]
        between = _interpolated(self.tables.quantiles[place] / spread, horizons)
        tables = Tables(
            (between * np.sqrt(horizons)[:, None, None])[None],
            np.zeros((1, *between.shape[:2]), dtype=np.int64),
            np.zeros((1, *between.shape)),
        )
        shape = (len(centre), 1, len(horizons))
        at = Scaled(
            np.full(shape, np.nan),
            _at(np.asarray(self.scaled.width[rows, place], dtype=np.float64), horizons)[:, None],
            self.strata[rows, place, None],
            self.scaled.count,
            self.idle[rows, place, None, None] ** (horizons / DAYS),
            self.scaled.young[rows, place, None],
            self.scaled.starts,
        )
        raised = np.maximum.accumulate(bands.draw(tables, at, 0, centre), axis=1)
        result: Floats = np.maximum.accumulate(raised, axis=2)
        return result


def calibrate(rolled: Rolled, weeks: Weeks, kinds: Ints | None = None) -> Calibration:
    """Scale all errors of a rolling origin, and read quantiles of them as they were known at each.

    Args:
        rolled: With the standard horizons.
        weeks: What is known.
        kinds: Of each series how it is forecast, from 0: errors are pooled within a kind. None: all alike.

    Returns:
        What bands rest on.
    """
    origins = (rolled.origins + 1) * DAYS
    past = bands.past_of(weeks.totals, rolled.origins)
    growth = 1.0 if rolled.growth is None else rolled.growth[:, :, _WEEK]
    scaled = bands.scale_errors(
        rolled.forecast,
        rolled.actual,
        past,
        origins=origins,
        targets=_TARGETS,
        volume=rolled.level / growth,
        one_step=(rolled.actual[:, :, _WEEK] - rolled.forecast[:, :, _WEEK]) / growth,
        one_step_after=DAYS,
        growth=rolled.growth,
        periods=_HORIZONS / DAYS,
        kinds=kinds,
    )
    return Calibration(scaled.idle[:, :, _WEEK], scaled, bands.calibrate(scaled, origins, _TARGETS))


def _at(width: Floats, horizons: Ints) -> Floats:
    """Give what errors are divided by at any horizon: that of the nearest standard one not shorter."""
    result: Floats = width[:, np.minimum(np.searchsorted(_HORIZONS, horizons), len(_HORIZONS) - 1)]
    return result


def _interpolated(quantiles: Floats, horizons: Ints) -> Floats:
    """Give scaled quantiles at any horizon: linear in its logarithm, those at 91 days beyond."""
    at = np.log(np.clip(horizons, HORIZONS[0], HORIZONS[-1]))
    knots = np.log(_HORIZONS)
    right = np.clip(np.searchsorted(knots, at, side="left"), 1, len(knots) - 1)
    share = ((at - knots[right - 1]) / (knots[right] - knots[right - 1]))[:, None, None]
    result: Floats = quantiles[right - 1] * (1 - share) + quantiles[right] * share
    return result
