"""A forecaster of single series as a method of a run: estimated once for each block of weeks. Pure.

Parameters are estimated at the first week of each block of 91 days, counted from a fixed day, and serve the
whole block: so what is said today is what a later backtest will hold against today.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from cloud.forecasting.protocol import Floats, Forecaster, Ints, Said, Spread
from cloud.forecasting.weeks import DAYS, Weeks

BLOCK_DAYS: Final = 91
CHUNK: Final = 64
"""Series that one process works on at a time."""


@dataclass(frozen=True, slots=True)
class ByBlocks:
    """A forecaster, estimated anew every 91 days."""

    forecaster: Forecaster

    @property
    def name(self) -> str:
        """That of the forecaster."""
        return self.forecaster.name

    @property
    def min_weeks(self) -> int:
        """That of the forecaster."""
        return self.forecaster.min_weeks

    def parameters(self) -> Mapping[str, Any]:
        """Tell how often it is estimated."""
        return {"refitted_every_days": BLOCK_DAYS, "min_weeks": self.min_weeks}

    def said(self, weeks: Weeks, origins: Ints, horizon_weeks: int, *, last_day: int, spread: Spread) -> Said:
        """Forecast from each origin with the parameters of its block.

        Args:
            weeks: What is known.
            origins: The weeks from which is forecast.
            horizon_weeks: How far, > 0.
            last_day: The last day known, as an ordinal.
            spread: Works on chunks of series.

        Returns:
            What was said.
        """
        blocks = (last_day - DAYS * (weeks.count - 1 - np.arange(weeks.count))) // BLOCK_DAYS
        cut = [
            _Piece(self.forecaster, weeks.totals[first : first + CHUNK], blocks, origins, horizon_weeks)
            for first in range(0, max(len(weeks.totals), 1), CHUNK)
        ]
        parts = list(spread(_work, cut))
        paths, parameters, fitted_at = (np.concatenate([part[n] for part in parts]) for n in range(3))
        weeks_ago = weeks.count - 1 - fitted_at.astype(np.int64)
        return Said(paths, partial(_why, self.forecaster.parameter_names, parameters, weeks_ago))


@dataclass(frozen=True, slots=True)
class _Piece:
    """Series that are forecast together."""

    forecaster: Forecaster
    totals: Floats
    blocks: Ints
    """Of each week."""
    origins: Ints
    horizon_weeks: int


def _work(piece: _Piece) -> tuple[Floats, Floats, Ints]:
    forecaster, totals = piece.forecaster, piece.totals
    count = totals.shape[1]
    ready = np.cumsum(np.isfinite(totals), axis=1) >= forecaster.min_weeks
    first_ready = np.where(ready.any(axis=1), ready.argmax(axis=1), count)
    said = np.full((len(totals), len(piece.origins), piece.horizon_weeks), np.nan)
    parameters = np.full((len(totals), len(forecaster.parameter_names)), np.nan)
    fitted_at = np.full(len(totals), -1, dtype=np.int64)
    for block in np.unique(piece.blocks[piece.origins]):
        within = np.flatnonzero(piece.blocks == block)
        fitted_at = np.maximum(within[0], first_ready)
        fitted_at = np.where(fitted_at <= within[-1], fitted_at, -1)
        parameters = forecaster.fit(totals, fitted_at)
        paths = forecaster.paths(totals, parameters, piece.horizon_weeks)
        here = piece.origins[piece.blocks[piece.origins] == block]
        said[:, piece.blocks[piece.origins] == block] = np.where(ready[:, here, None], paths[:, here], np.nan)
    return said, parameters, fitted_at


def _why(names: tuple[str, ...], parameters: Floats, weeks_ago: Ints, row: int) -> Mapping[str, Any]:
    values = zip(names, parameters[row], strict=True)
    return {
        "parameters": {
            name: round(float(value), 6) if np.isfinite(value) else None for name, value in values
        },
        "fitted_weeks_ago": int(weeks_ago[row]),
    }
