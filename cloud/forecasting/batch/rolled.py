"""A chunk of series rolled through its origins: demand in, each member's forecasts and errors out. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cloud.forecasting.batch.classes import patterns
from cloud.forecasting.batch.combination import Pooled, pool
from cloud.forecasting.batch.known import Known, known_errors
from cloud.forecasting.batch.members import roll
from cloud.forecasting.batch.scales import Past, past_of
from cloud.forecasting.protocol import Bools, Floats, Ints

WARM_UP: Final = 13
"""Origins before the first judged one, from which weights and bands are learned."""
_THIRDS: Final = 3
"""They stand a third of the horizon apart."""
MOST_NUMBERS: Final = 12_000_000
"""Of a chunk's paths; this bounds memory."""
MOST_SERIES: Final = 4_000
LEAST_SERIES: Final = 50


@dataclass(frozen=True, slots=True)
class Origins:
    """Columns from which is forecast: warm-up, judged, and the last column, whose forecast is in force."""

    at: Ints
    """Ascending."""
    judged: slice
    """Places of the judged ones within them."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Series that are rolled together; every other process can work on it."""

    rows: Ints
    """Their places among all series."""
    y: Floats
    origins: Ints
    horizon: int
    season: int
    members: tuple[str, ...]
    factors: Floats | None = None
    """Series x origins x horizon: what the members' forecasts are multiplied by."""
    versions: tuple[tuple[slice, Floats], ...] = ()
    """Of ranges of origins, what stands for demand in the members' eyes: demand without effects."""
    beside: Mapping[str, Floats] = field(default_factory=dict)
    """Further members' forecasts."""


@dataclass(frozen=True, slots=True)
class Rolled:
    """What came of a piece."""

    rows: Ints
    paths: NDArray[np.float32]
    """Members x series x origins x horizon."""
    ready: Bools
    """Series x origins x members."""
    known: Known
    classes: Ints
    """Series x origins."""
    pooled: Pooled
    past: Past
    level: Floats
    """Series x origins: mean demand known by then."""

    def newest(self) -> "Rolled":
        """Give what came of it at the last origin; what was before is let go of."""
        now = slice(-1, None)
        return Rolled(
            rows=self.rows,
            paths=self.paths[:, :, now].copy(order="K"),
            ready=self.ready[:, now].copy(),
            known=self.known.newest(),
            classes=self.classes[:, now].copy(),
            pooled=self.pooled,
            past=Past(*(getattr(self.past, one.name)[:, now].copy() for one in fields(Past))),
            level=self.level[:, now].copy(),
        )


def plan_origins(periods: int, *, horizon: int, judged: int, step: int, warm_up: int = WARM_UP) -> Origins:
    """Choose origins so that the last judged one's horizon ends with the last column.

    Args:
        periods: Columns.
        horizon: Steps, > 0.
        judged: How many are judged, > 0; fewer where there are too few columns.
        step: Columns between them, > 0.
        warm_up: How many stand before them.

    Returns:
        Columns, at least the last.

    Examples:
        >>> plan_origins(20, horizon=3, judged=4, step=1, warm_up=2).at.tolist()
        [11, 12, 13, 14, 15, 16, 19]
    """
    last = periods - 1 - horizon
    found = [last - step * n for n in range(judged) if last - step * n >= 0][::-1]
    first = found[0] if found else last
    apart = max(1, -(-horizon // _THIRDS))
    before = [first - apart * n for n in range(warm_up, 0, -1) if first - apart * n >= 0] if found else []
    at = np.array([*before, *found, periods - 1], dtype=np.int64)
    return Origins(at, slice(len(before), len(before) + len(found)))


def pieces(
    y: Floats,
    origins: Ints,
    *,
    horizon: int,
    season: int,
    members: tuple[str, ...],
    chunk: int | None = None,
) -> Iterator[Piece]:
    """Cut series into pieces, those that begin together in the same, without the columns before them.

    Args:
        y: Series x periods.
        origins: Columns.
        horizon: Steps.
        season: Periods per cycle.
        members: Names.
        chunk: Series per piece; None: as many as memory allows.

    Yields:
        Pieces that hold every series once.
    """
    size = chunk or _fitting(len(origins) * horizon * len(members), y.shape[1])
    is_known = np.isfinite(y)
    starts = np.where(is_known.any(axis=1), is_known.argmax(axis=1), y.shape[1] - 1)
    order = np.argsort(starts, kind="stable")
    for first in range(0, len(y), size):
        rows = order[first : first + size]
        # Origins before a piece's series begin are moved to their first column, where no member is ready.
        begin = int(min(starts[rows].min(), origins[0]))
        yield Piece(rows, y[rows, begin:], origins - begin, horizon, season, members)


def work(piece: Piece) -> Rolled:
    """Roll a piece.

    Args:
        piece: Of series.

    Returns:
        Forecasts and their errors.
    """
    paths = paths_of(piece)
    actual = actuals(piece.y, piece.origins, piece.horizon)
    lengths = np.cumsum(np.isfinite(piece.y), axis=1)[:, piece.origins]
    total = np.cumsum(np.nan_to_num(piece.y), axis=1)[:, piece.origins]
    known = known_errors(paths, actual, origins=piece.origins, lengths=lengths)
    classes = patterns(piece.y, piece.origins)
    ready: Bools = np.moveaxis(np.all(np.isfinite(paths), axis=3), 0, 2)
    return Rolled(
        rows=piece.rows,
        paths=paths,
        ready=ready,
        known=known,
        classes=classes,
        pooled=pool(paths, known, classes),
        past=past_of(piece.versions[0][1] if piece.versions else piece.y, piece.origins),
        level=total / np.maximum(lengths, 1),
    )


def summarised(piece: Piece) -> Rolled:
    """Roll a piece, and keep only the last origin's forecasts, where all would fill memory.

    Args:
        piece: Of series.

    Returns:
        As `work`, with paths of one origin.
    """
    made = work(piece)
    return replace(made, paths=made.paths[:, :, -1:].copy(order="K"))


def paths_of(piece: Piece) -> NDArray[np.float32]:
    """Forecast a piece.

    Args:
        piece: Of series.

    Returns:
        Members x series x origins x horizon.
    """
    found = _forecasts(piece) if piece.members else {}
    names = [*piece.members, *piece.beside]
    # Series lie together in memory: every sum over steps or members runs along them.
    shape = (len(names), len(piece.origins), piece.horizon, len(piece.y))
    paths = np.moveaxis(np.empty(shape, dtype=np.float32), 3, 1)
    for place, name in enumerate(names):
        if name in piece.beside:
            paths[place] = piece.beside[name]
        else:
            paths[place] = found[name] if piece.factors is None else found[name] * piece.factors
    return paths


def actuals(y: Floats, origins: Ints, horizon: int) -> Floats:
    """Give what came after each origin.

    Args:
        y: Series x periods.
        origins: Columns.
        horizon: Steps.

    Returns:
        Series x origins x horizon, to be read; NaN beyond the last column, and where not known.
    """
    padded = np.concatenate([y.T, np.full((horizon, len(y)), np.nan)])
    if len(origins) > 1 and (np.diff(origins) == 1).all():
        # Each origin's weeks are those of the one before, one further: they lie in memory once.
        windows = np.lib.stride_tricks.sliding_window_view(padded, horizon, axis=0)
        return windows[origins[0] + 1 : origins[-1] + 2].transpose(1, 0, 2)
    return np.moveaxis(padded[origins[:, None] + 1 + np.arange(horizon)], 2, 0)


def _forecasts(piece: Piece) -> dict[str, NDArray[np.float32]]:
    def rolled(y: Floats, origins: Ints) -> Mapping[str, NDArray[np.float32]]:
        return roll(y, origins=origins, horizon=piece.horizon, season=piece.season, members=piece.members)

    if not piece.versions:
        return dict(rolled(piece.y, piece.origins))
    parts = [rolled(y, piece.origins[places]) for places, y in piece.versions]
    return {name: np.concatenate([part[name] for part in parts], axis=1) for name in piece.members}


def _fitting(numbers: int, periods: int) -> int:
    return max(LEAST_SERIES, min(MOST_SERIES, MOST_NUMBERS // max(numbers, periods, 1)))
