"""More series than memory holds: lots in files, each forecast whole, its hand-over and states written beside.

A lot is what is pooled over, as a site is: weights of a class and bands of a stratum are learned within it.
Lots are worked on in any order, by several processes or by Dask workers; what is written is the same. A lot
is written whole or not at all, so that a run broken off goes on with the lots that are missing.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from cloud.forecasting.batch import state
from cloud.forecasting.batch.checked import faults
from cloud.forecasting.batch.evaluate import evaluate
from cloud.forecasting.batch.handover import WEEKS, hand_over
from cloud.forecasting.protocol import Bools, Floats

SEASON: Final = 52
ORIGINS: Final = 13
USUAL_PROTECTION_DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class Lot:
    """Weekly series in a file, and where what is made of them goes."""

    source: Path
    """An array as numpy writes it: series x weeks, NaN where not known."""
    target: Path
    """Folder of `NAME.handover.npz` and `NAME.state.npz`."""

    @property
    def handover(self) -> Path:
        """Where D10 is written."""
        return self.target / f"{self.source.stem}.handover.npz"

    @property
    def states(self) -> Path:
        """Where states are written, to be updated without a refit."""
        return self.target / f"{self.source.stem}.state.npz"


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a lot."""

    name: str
    series: int
    refused: tuple[int, ...]
    """Rows that hold a number that is no demand: they are written as not known."""
    wape: float | None
    """Of the backtest."""


class Spread(Protocol):
    """Does work on lots, perhaps several at once, and gives the results in order, as `map` does."""

    def __call__(self, work: Callable[[Any], Any], pieces: Sequence[Any], /) -> Iterator[Any]:
        """Work on all of them."""


def forecast(lot: Lot) -> Done:
    """Forecast a lot: members, backtest, weights, bands, hand-over and states.

    Args:
        lot: To be read.

    Returns:
        What was done.
    """
    y, is_wrong = _read(lot)
    made = evaluate(y, horizon=WEEKS, season=SEASON, origins=ORIGINS)
    given = hand_over(y, made, np.full(len(y), USUAL_PROTECTION_DAYS))
    content = io.BytesIO()
    np.savez(content, mean=given.mean, horizons=given.horizons.astype(np.int16), cum_q=given.cum_q)
    _write(lot.states, state.save(state.fit(y, SEASON)))
    _write(lot.handover, content.getvalue())
    return Done(lot.source.stem, len(y), tuple(np.flatnonzero(is_wrong).tolist()), made.figures()["wape"])


def forecast_all(lots: Sequence[Lot], spread: Spread = map) -> Iterator[Done]:
    """Forecast the lots that are not done yet.

    Args:
        lots: All.
        spread: Works on them.

    Yields:
        What was done, in order.
    """
    yield from spread(forecast, [lot for lot in lots if not lot.handover.exists()])


def advance(lot: Lot, column: Floats) -> None:
    """Take a further week into a lot's states.

    Args:
        lot: Whose states have been written.
        column: Of each series.
    """
    _write(lot.states, state.save(state.advance(state.load(lot.states.read_bytes()), column)))


def _read(lot: Lot) -> tuple[Floats, Bools]:
    y = np.load(lot.source, allow_pickle=False).astype(np.float64)
    is_wrong = faults(y)
    y[is_wrong] = np.nan
    return y, is_wrong


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    beside = path.with_suffix(".part")
    beside.write_bytes(content)
    beside.replace(path)
