"""What came of all pieces put together: weighed, combined, and a steady lean taken out. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import reduce
from operator import add

import numpy as np

from cloud.forecasting.batch.bias import corrections
from cloud.forecasting.batch.classes import NAMES
from cloud.forecasting.batch.combination import Pooled, combined, weigh
from cloud.forecasting.batch.known import Known, Paths
from cloud.forecasting.batch.rolled import Rolled
from cloud.forecasting.batch.roomy import let_go, roomy
from cloud.forecasting.batch.scales import Past
from cloud.forecasting.protocol import Floats, Ints


@dataclass(frozen=True, slots=True)
class Joined:
    """Combined forecasts of all series, and what they rest on."""

    forecast: Floats
    """Series x origins x horizon; NaN where no member is ready."""
    weights: Floats
    """Series x origins x members; of the last origin alone where the paths were not kept."""
    known: Known
    """At the last origin."""
    classes: Ints
    """Series x origins."""
    past: Past
    level: Floats
    """Series x origins: mean demand known by then."""
    pooled: Pooled
    corrections: Floats
    """Classes x origins: factors that the forecasts were multiplied with."""


def join(
    rolled: list[Rolled],
    actual: Callable[[], Floats] | None,
    origins: Ints,
    *,
    families: Ints | None = None,
    again: Callable[[int], Paths] | None = None,
) -> Joined:
    """Weigh and combine the members of each piece by what all pieces tell.

    Args:
        rolled: Of pieces that hold every series once; of each only its last origin is left in the list.
        actual: Gives series x origins x horizon: what came, by which a steady lean of a class is corrected;
            NaN where not known; asked for once the pieces are let go of. None: it is not corrected, as
            drivers explain it.
        origins: Columns, ascending.
        families: Of each member its family; None: all are of one.
        again: Gives the paths of a piece by its place, where they were not kept.

    Returns:
        The series in their own order.
    """
    pooled = reduce(add, (part.pooled for part in rolled))
    series = sum(len(part.rows) for part in rolled)
    (_, count, members), horizon = rolled[0].ready.shape, rolled[0].paths.shape[3]
    weighed = count if again is None else 1
    # As in a piece, series lie together in memory.
    forecast = np.moveaxis(roomy((count, horizon, series)), 2, 0)
    weights = np.moveaxis(np.zeros((weighed, members, series)), 2, 0)
    one_each = (series, 1, members)
    steps = np.zeros(one_each, dtype=rolled[0].known.steps.dtype)
    known = Known(np.zeros(one_each), steps, rolled[0].known.horizon)
    classes = np.zeros((count, series), dtype=np.int64).T
    past, level = Past.empty(series, count), np.zeros((count, series)).T
    for place, part in enumerate(rolled):
        rows = part.rows
        own = weigh(part.known, part.classes, pooled, part.ready, families=families)
        weights[rows] = own[:, -weighed:]
        forecast[rows] = combined(part.paths if again is None else again(place), own)
        newest = part.known.newest()
        known.relative[rows], known.steps[rows] = newest.relative, newest.steps
        classes[rows], level[rows] = part.classes, part.level
        for one in fields(Past):
            getattr(past, one.name)[rows] = getattr(part.past, one.name)
        rolled[place] = part.newest()
        let_go(forecast)
    factors = np.ones((len(NAMES), count))
    if actual is not None:
        factors = corrections(forecast, actual(), classes=classes, level=level, origins=origins)
    for place in range(count):
        of_class = factors[np.maximum(classes[:, place], 0), place]
        forecast[:, place] *= np.where(classes[:, place] >= 0, of_class, 1)[:, None]
        let_go(forecast)
    return Joined(forecast, weights, known, classes, past, level, pooled, factors)
