"""The batch engine whole: demand in; forecasts in force, weights, bands and a judged backtest out. Pure.

Each chunk of series is rolled by itself. What is pooled over series (errors of the members by class, scaled
errors by stratum of volume) is gathered from all chunks before weights and bands are drawn, so neither the
order of the series nor the size of a chunk changes any figure.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import numpy as np

from cloud.forecasting.batch import bands, combination, metrics
from cloud.forecasting.batch.bands import Tables
from cloud.forecasting.batch.combination import Pooled
from cloud.forecasting.batch.coverage import Coverage, covered
from cloud.forecasting.batch.joined import Joined, join
from cloud.forecasting.batch.known import Known
from cloud.forecasting.batch.members import MEMBERS
from cloud.forecasting.batch.metrics import Errors
from cloud.forecasting.batch.rolled import (
    WARM_UP,
    Origins,
    Piece,
    Rolled,
    actuals,
    paths_of,
    pieces,
    plan_origins,
    summarised,
    work,
)
from cloud.forecasting.batch.scales import Scaled, Targets, scale_errors, steps_and_sum
from cloud.forecasting.protocol import Bools, Floats, Ints

Progress = Callable[[int, int], None]
"""Told how many series of how many are done."""
MOST_KEPT: Final = 60_000_000
"""Numbers of the members' forecasts; beyond them they are made twice, which takes less than storing them."""
_WHY_BARE: Final = "neither demand nor an error of their like was known: nothing tells how far off they are"
_AT_ONCE: Final = 2_000_000
"""Quantiles drawn at a time."""


class Spread(Protocol):
    """Does work on pieces, perhaps several at once, and gives the results in order, as `map` does."""

    def __call__(self, work: Callable[[Piece], Rolled], pieces: Sequence[Piece], /) -> Iterator[Rolled]:
        """Work on all pieces."""


@dataclass(frozen=True, slots=True)
class Drivers:
    """What moves demand beside its own past; all that touches an origin was known at it."""

    factors: Floats
    """Series x origins x horizon: what the members' forecasts are multiplied by."""
    versions: tuple[tuple[slice, Floats], ...]
    """Of ranges of origins, demand without effects as it was known then: series x periods."""
    beside: Mapping[str, Floats]
    """Further members, such as a learned global model: series x origins x horizon."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is forecast, what it rests on, and how such forecasts went."""

    members: tuple[str, ...]
    origins: Origins
    targets: Targets
    """Single steps, then the sum of all: the last axis of bands."""
    forecast: Floats
    """Series x origins x horizon, combined; NaN where no member is ready. The last origin is in force."""
    actual: Floats
    weights: Floats
    """Series x origins x members; of the last origin alone where there are too many series to keep all."""
    known: Known
    """At the last origin."""
    classes: Ints
    """Series x origins."""
    pooled: Pooled
    corrections: Floats
    """Classes x origins: factors that take a steady lean out."""
    scaled: Scaled
    tables: Tables
    errors: Errors
    """Of each series over the judged origins."""
    coverage: Coverage
    pinball: Floats
    """Series x 2: sums of the losses of steps, and of sums over the horizon."""
    quantity: Floats
    """Series x 2: sums of the demand these are of."""
    banded: Bools
    """Of each series whether a judged step had a band."""

    def quantiles(self, rows: slice = slice(None), *, place: int = -1) -> Floats:
        """Draw the bands of an origin; of the one in force by default.

        Args:
            rows: Series.
            place: Of the origin.

        Returns:
            Series x targets x levels.
        """
        place %= len(self.origins.at)
        return bands.draw(
            self.tables, self.scaled.of(rows), place, self.targets.of(self.forecast[rows, place])
        )

    def why(self, row: int) -> Mapping[str, Any]:
        """Tell what the newest weights of a series rest on.

        Args:
            row: Of the series.

        Returns:
            Its class, weights, own and usual errors.
        """
        return combination.why(
            self.members, self.known, self.classes, self.pooled.usual(), weights=self.weights, row=row
        )

    def figures(self) -> dict[str, Any]:
        """Give the figures of all series together.

        Returns:
            Errors, pinball losses over demand, and coverage; None where nothing can be told.
        """
        steps, sums = (
            metrics.share(metrics.exact(self.pinball[:, n]), metrics.exact(self.quantity[:, n]))
            for n in range(2)
        )
        return {
            **metrics.overall(self.errors),
            "pinball": steps,
            "cum_pinball": sums,
            **self._covered(),
        }

    def _covered(self) -> dict[str, Any]:
        """Tell the coverage, and of how many series none can be told."""
        told = self.coverage.figures()
        is_bare = ~self.banded & (self.errors.count > 0)
        told["without_band"] |= {"series": int(is_bare.sum()), "why": _WHY_BARE}
        return told


def evaluate(
    y: Floats,
    *,
    horizon: int,
    season: int,
    origins: int = 13,
    step: int = 1,
    warm_up: int = WARM_UP,
    members: tuple[str, ...] = MEMBERS,
    planned: Origins | None = None,
    drivers: Drivers | None = None,
    chunk: int | None = None,
    spread: Spread = map,
    progress: Progress | None = None,
) -> Evaluation:
    """Forecast every series, and judge how such forecasts went.

    Args:
        y: Series x periods, the last column the last known period; >= 0, NaN where not known.
        horizon: Steps, > 0.
        season: Periods per cycle, 1 for none.
        origins: How many are judged.
        step: Periods between them.
        warm_up: Origins before these, from which the first weights and bands are learned.
        members: Names of the forecasting methods that are combined.
        planned: Origins to use instead.
        drivers: Covariates' effects, and members that rest on them; made for the same origins.
        chunk: Series rolled together; None: as memory allows. It changes no figure.
        spread: Works on chunks.
        progress: Told after each chunk.

    Returns:
        Forecasts, weights, bands, and their errors.

    Raises:
        ValueError: If a number of `y` is negative or infinite, or there is no series.
    """
    if y.ndim != 2 or not y.size or (y < 0).any() or np.isinf(y).any():  # noqa: PLR2004  series x periods
        raise ValueError(f"y has shape {y.shape}: expected series x periods, finite and >= 0 where known")
    planned = planned or plan_origins(y.shape[1], horizon=horizon, judged=origins, step=step, warm_up=warm_up)
    cut = [
        drive(piece, drivers)
        for piece in pieces(y, planned.at, horizon=horizon, season=season, members=members, chunk=chunk)
    ]
    rolled = []
    names = (*members, *(drivers.beside if drivers else ()))
    is_kept = y.shape[0] * len(planned.at) * horizon * len(names) <= MOST_KEPT
    for part in spread(work if is_kept else summarised, cut):
        rolled.append(part)
        if progress is not None:
            progress(sum(len(one.rows) for one in rolled), len(y))
    again = None if is_kept else lambda place: paths_of(cut[place])
    families = np.maximum(np.arange(len(names)) - len(members) + 1, 0)
    actual = actuals(y, planned.at, horizon)
    came = (lambda: actual) if drivers is None else None
    joined = join(rolled, came, planned.at, families=families, again=again)
    return _judged(
        y,
        names,
        planned,
        season=season,
        joined=joined,
        actual=actual,
        factors=None if drivers is None else drivers.factors,
    )


def drive(piece: Piece, drivers: Drivers | None) -> Piece:
    """Give a piece its share of the drivers.

    Args:
        piece: As it was cut.
        drivers: Of all series; None: nothing drives them.

    Returns:
        The piece with them.
    """
    if drivers is None:
        return piece
    begin = piece.y.shape[1]
    return Piece(
        piece.rows,
        piece.y,
        piece.origins,
        piece.horizon,
        piece.season,
        piece.members,
        factors=drivers.factors[piece.rows],
        versions=tuple((places, y[piece.rows, -begin:]) for places, y in drivers.versions),
        beside={name: path[piece.rows] for name, path in drivers.beside.items()},
    )


def _judged(
    y: Floats,
    members: tuple[str, ...],
    origins: Origins,
    *,
    season: int,
    joined: Joined,
    actual: Floats,
    factors: Floats | None,
) -> Evaluation:
    targets = steps_and_sum(actual.shape[2])
    plain = joined.forecast if factors is None else joined.forecast / factors
    one_step = joined.forecast[:, :, 0] - actual[:, :, 0]
    scaled = scale_errors(
        targets.of(joined.forecast),
        targets.of(actual),
        joined.past,
        origins=origins.at,
        targets=targets,
        volume=plain.mean(axis=2),
        one_step=one_step if factors is None else one_step / factors[:, :, 0],
        growth=None if factors is None else targets.of(factors) / (targets.ends - targets.starts),
    )
    tables = bands.calibrate(scaled, origins.at, targets)
    evaluation = Evaluation(
        members=members,
        origins=origins,
        targets=targets,
        forecast=joined.forecast,
        actual=actual,
        weights=joined.weights,
        known=joined.known,
        classes=joined.classes,
        pooled=joined.pooled,
        corrections=joined.corrections,
        scaled=scaled,
        tables=tables,
        errors=metrics.measure(
            joined.forecast[:, origins.judged],
            actual[:, origins.judged],
            before=y[:, : int(origins.at[origins.judged.start]) + 1],
            season=season,
        ),
        coverage=Coverage.empty(scaled.count),
        pinball=np.zeros((len(y), 2)),
        quantity=np.zeros((len(y), 2)),
        banded=np.zeros(len(y), dtype=np.bool_),
    )
    return replace(evaluation, coverage=_held(evaluation))


def _held(made: Evaluation) -> Coverage:
    """Hold the judged origins' bands against what came; fill in the losses."""
    coverage = Coverage.empty(made.scaled.count)
    size = max(1, _AT_ONCE // (len(made.targets.ends) * len(bands.LEVELS)))
    for place in range(made.origins.judged.start, made.origins.judged.stop):
        for first in range(0, len(made.forecast), size):
            rows = slice(first, first + size)
            drawn = made.quantiles(rows, place=place)
            came = made.targets.of(made.actual[rows, place])
            coverage += covered(
                drawn,
                came,
                strata=made.scaled.strata[rows, place],
                classes=made.classes[rows, place],
                count=made.scaled.count,
                idle=made.scaled.idle[rows, place],
            )
            loss = metrics.pinball(drawn, came)
            is_judged: Bools = np.isfinite(loss)
            made.banded[rows] |= np.any(is_judged, axis=1)
            for number, which in enumerate((slice(None, -1), slice(-1, None))):
                made.pinball[rows, number] += np.where(is_judged, loss, 0)[:, which].sum(axis=1)
                made.quantity[rows, number] += np.where(is_judged, came, 0)[:, which].sum(axis=1)
    return coverage
